"""The table model of the peers in the Sources room: a line per peer with presence, address and state of its keys.
A peer is a friend with a companion of their own.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import QModelIndex, Qt
from typing_extensions import override

from app.protocol.peers.peer import Peer
from app.protocol.times import local
from app.ui.models.titled_table import Index, TitledTable
from app.ui.plain_text import tooltip_text


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


class PeersModel(TitledTable):
    """One line per peer."""

    def __init__(self) -> None:
        super().__init__(TITLES)
        self._lines: list[Peer] = []

    @property
    def peers(self) -> Sequence[Peer]:
        """The peers as they are shown."""
        return self._lines

    def show(self, peers: list[Peer]) -> None:
        """Replace the lines. If only values have changed, the selection stays; else the model is reset."""
        if peers == self._lines:
            return
        if [each.username for each in peers] == [each.username for each in self._lines]:
            self._lines = peers
            last = self.index(len(peers) - 1, len(TITLES) - 1, QModelIndex())
            self.dataChanged.emit(self.index(0, 0, QModelIndex()), last)
            return
        self.beginResetModel()
        self._lines = peers
        self.endResetModel()

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        column = index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(index.row(), column)
            case Qt.ItemDataRole.ToolTipRole:
                text = self._text(index.row(), column)
                return tooltip_text(KEYS_TIPS[text] if column == Col.KEYS else text)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{TITLES[column]}: {self._text(index.row(), column)}"
        return None

    def _text(self, row: int, column: int) -> str:
        peer = self._lines[row]
        match column:
            case Col.NAME:
                return peer.username if peer.is_friend else f"{peer.username} (not a friend)"
            case Col.PRESENCE:
                return presence_text(peer)
            case Col.ADDRESS:
                return address_text(peer)
            case Col.WAITING:
                return f"{peer.waiting:,}" if peer.waiting else "–"
        return key_state(peer)
