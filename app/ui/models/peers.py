"""The table model of the peers in the Sources room: name, presence, address, waiting messages, state of the keys.
There is a line per peer, which is a user with a companion of their own, normally a friend. Waiting messages have
not reached the peer yet. Keys are verified, not compared, or changed: other keys were seen with the peer's name.
"""

from collections.abc import Sequence
from enum import IntEnum

from typing_extensions import override

from app.protocol.peers.peer import Peer
from app.protocol.times import local
from app.ui.models.titled_table import TitledTable


class Col(IntEnum):
    """Columns, left to right."""

    NAME = 0
    PRESENCE = 1
    ADDRESS = 2
    WAITING = 3
    KEYS = 4


TITLES = ("Name", "Presence", "Address", "Waiting", "Keys")
CHANGED, VERIFIED, NOT_COMPARED = "⚠ changed", "✓ verified", "not compared"
KEYS_TIPS = {
    CHANGED: "Other keys were offered. They are refused until you accept them.",
    VERIFIED: "You have compared the fingerprint.",
    NOT_COMPARED: "Compare the fingerprint with your friend, by voice: Verify.",
}
UNKNOWN_ADDRESS = "unknown"


def key_state(peer: Peer) -> str:
    """Return the state of a peer's keys."""
    if peer.offered:
        return CHANGED
    return VERIFIED if peer.verified else NOT_COMPARED


def presence_text(peer: Peer) -> str:
    """Return whether a peer is online, or when it was last seen."""
    if peer.online:
        return "● online"
    if not peer.last_seen:
        return "○ never seen"
    return f"○ seen {local(peer.last_seen):%Y-%m-%d %H:%M}"


def address_text(peer: Peer) -> str:
    """Return where the companion connects to."""
    host, port = peer.endpoint
    if not host:
        return UNKNOWN_ADDRESS
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class PeersModel(TitledTable[Peer]):
    """One line per peer."""

    def __init__(self) -> None:
        super().__init__(TITLES)

    @property
    def peers(self) -> Sequence[Peer]:
        """The peers as they are shown."""
        return self._lines

    def show(self, peers: list[Peer]) -> None:
        """Replace the lines. If only values have changed, the selection stays; else the model is reset."""
        self._update(peers, lambda each: each.username)

    @override
    def text(self, line: Peer, column: int) -> str:
        match column:
            case Col.NAME:
                return line.username if line.is_friend else f"{line.username} (not a friend)"
            case Col.PRESENCE:
                return presence_text(line)
            case Col.ADDRESS:
                return address_text(line)
            case Col.WAITING:
                return f"{line.waiting:,}" if line.waiting else "–"
        return key_state(line)

    @override
    def tip(self, line: Peer, column: int) -> str:
        text = self.text(line, column)
        return KEYS_TIPS[text] if column == Col.KEYS else text
