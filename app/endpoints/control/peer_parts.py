"""Interfaces (``typing.Protocol``) that the control API uses for stored peers, the user's keys and the peer
server. A peer is a person with a companion of their own. ``endpoints`` cannot import ``chat``, which is on the
same layer and has the peers. The methods may raise ``RequestError`` and ``StorageError``.
"""

from pathlib import Path
from typing import Protocol

from app.protocol.peers.keys import Identity, PublicKeys, Shape
from app.protocol.peers.peer import Peer


class PeerBook(Protocol):
    """The stored peers; see ``app/chat/peer_book.py``."""

    async def all(self) -> list[Peer]:
        """Return all peers."""

    async def add(
        self, username: str, keys: PublicKeys | None, address: str | None = None, node_id: str = ""
    ) -> Peer:
        """Add a peer, offer other keys for one, or, without keys, change the address of one."""

    async def offered_keys(self, username: str, own: PublicKeys, digits: str) -> PublicKeys:
        """Return the offered keys, whose fingerprint is compared with ``digits``."""

    async def decide(self, username: str, *, accept: bool, shown: PublicKeys | None = None) -> Peer:
        """Accept or reject offered keys. Raises ``Conflict`` if they are not ``shown``."""

    async def verify(self, username: str, own: PublicKeys, digits: str, *, verified: bool = True) -> Peer:
        """Store whether the user has compared the fingerprint."""

    async def forget(self, username: str) -> None:
        """Delete a peer."""

    async def erase(self) -> None:
        """Delete all peers."""


class PeerIdentity(Protocol):
    """The user's keys; see ``app/storage/peer_identity.py``."""

    @property
    def current(self) -> Identity | None:
        """The keys in use."""

    async def load(self) -> Identity:
        """Return the keys. Raises ``Conflict`` if there are none."""

    async def rotate(self) -> Identity:
        """Replace the keys with new ones."""

    async def export(self, file: Path, shape: Shape) -> None:
        """Write the keys to a private file."""

    async def restore(self, file: Path, *, replace: bool) -> Identity:
        """Use the keys in a file."""

    async def erase(self) -> None:
        """Delete the keys."""


class PeerServer(Protocol):
    """The server for peers; see ``app/endpoints/peer_server.py``."""

    @property
    def listening(self) -> bool:
        """Whether it accepts connections."""

    @property
    def port(self) -> int:
        """The port."""
