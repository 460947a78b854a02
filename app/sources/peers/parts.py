"""Interfaces (``typing.Protocol``) and values that the peer link shares: stored peers, offline queue.
Also the settings of the link, an item that waits for a peer, a message for the queue, and the type of the function
that returns the user's cryptographic keys. A peer is a friend with a companion of their own.
"""

from collections.abc import Callable, Sequence
from typing import Literal, NamedTuple, Protocol

from app.protocol.backend import MessageData
from app.protocol.peers.extension import StoredNotice
from app.protocol.peers.keys import Identity, PublicKeys
from app.protocol.peers.peer import Peer


class PeerOptions(NamedTuple):
    """The settings of the link. ``on``: peers are switched on. ``notices``: typing, receipts and reactions too.

    ``unverified``: messages that are not signed are accepted, encrypted or not.
    """

    on: bool
    notices: bool
    unverified: bool


class WaitingItem(Protocol):
    """An item of the outbox for a peer: a message, or a notice as JSON."""

    @property
    def id(self) -> str:
        """The id of the message or notice."""

    @property
    def attempts(self) -> int:
        """How often sending was tried."""

    @property
    def written(self) -> int:
        """How many of the attempts were written completely, but not acknowledged."""

    @property
    def due(self) -> bool:
        """Whether the time of its next attempt has come."""

    @property
    def message(self) -> MessageData | None:
        """The message; None for a notice."""

    @property
    def notice(self) -> str:
        """The notice as JSON; empty for a message."""


class PeerBook(Protocol):
    """The stored peers; see ``chat.peer_book``. Methods may raise ``RequestError`` and ``StorageError``.

    ``receive``, ``note_notice``, ``waiting``, ``delivery_state``, ``is_waiting`` and ``note_queued`` raise
    ``Conflict`` while ``in_session``.
    """

    @property
    def in_session(self) -> bool:
        """Whether a session plays on a copy of the state."""

    async def find(self, username: str) -> Peer | None:
        """Return a peer, or None."""

    async def receive(self, data: MessageData, digests: Sequence[str], ip: str) -> MessageData | None:
        """Store a verified message. Return it as stored, maybe with another id; None if it is a duplicate."""

    async def newest_received(self, sender: str, msg_id: str) -> str | None:
        """Return the ID of the newest message that was received from a peer, not fired, up to one, or None."""

    async def note_notice(self, sender: str, notice: StoredNotice, digest: str, ip: str) -> str | None:
        """Record a verified notice, and carry it out. Return a note for its row; None if it is a duplicate."""

    async def waiting(self, peer: str, limit: int, *, notices: bool = False) -> Sequence[WaitingItem]:
        """Return the messages, or the notices, to send to a peer, oldest first: those not written yet or due."""

    async def delivery_state(self, msg_id: str) -> tuple[Literal["outbox", "queue", ""], MessageData | None]:
        """Return where a message was put, and the message; None if it was deleted."""

    async def is_waiting(self, id_: str) -> bool:
        """Return whether an item is still in the outbox."""

    async def enqueue_notice(self, peer: str, notice: StoredNotice) -> bool:
        """Add a notice to the outbox. Return False if the same receipt waits already."""

    async def note_acknowledged(self, peer: str) -> None:
        """Record that a peer has just acknowledged something."""

    async def due(self, limit: int, *, notices: bool = False) -> list[str]:
        """Return the friends with an item that is due and among the ``limit`` oldest ones of ``waiting``."""

    async def done(self, id_: str, *, delivered: bool) -> None:
        """Remove an item from the outbox that was sent directly."""

    async def note_queued(self, id_: str, keys: PublicKeys) -> bool:
        """Remove a message from the outbox that is in the offline queue. False if its peer has other keys now."""

    async def postpone(self, ids: list[str], seconds: float, *, method: str = "") -> None:
        """Try items again later."""


class QueuedMessage(NamedTuple):
    """A message for the offline queue, in both forms that queues have."""

    msg_id: str
    sender: str
    recipient: str
    envelope: bytes
    """The whole envelope of dialect A, as JSON."""
    ciphertext: str
    """Dialect B: base64 of nonce and box of the text."""
    signature: str
    """Base64 of the signature of ``ciphertext``."""


class OfflineQueue(Protocol):
    """A queue elsewhere for messages to a peer that cannot be reached, such as the table in Supabase."""

    @property
    def available(self) -> bool:
        """Whether the queue is switched on."""

    async def put(self, message: QueuedMessage) -> None:
        """Store a sealed message for a peer, and return when the queue has confirmed it.

        It may be called twice with one ``msg_id``, after a crash; the recipient drops the duplicate. Raises
        ``RequestError`` with the reason if the message was not stored; it then stays in the outbox. The error is
        ``Unreachable`` if the failure is temporary: later messages then wait, to keep their order.
        """


IdentityInUse = Callable[[], Identity | None]
"""Returns the user's keys, or None if peers were never switched on."""
