"""Interfaces of the rest of the program that the Supabase source uses, the types in them, and its settings.
``Peers`` gives it the user's identity, the personas and the friends who are peers. It takes messages, read marks,
and what the directory says about peers. ``peer_mailbox.PeerMailbox`` implements it; tests use their own.
"""

from enum import Enum
from typing import NamedTuple, Protocol

from app.hub.origin import Origin
from app.protocol.directory.rows import DirectoryUser, QueuedRow

SUPABASE = Origin("supabase")
"""The origin of rows and events that this source causes."""


class Identity(NamedTuple):
    """The public part of the user's identity. Keys are in base64."""

    node_id: str
    public_key: str
    signing_key: str


class Contact(NamedTuple):
    """A friend who is a peer. ``last_seen`` is when it was last active, in seconds since the epoch."""

    username: str
    online: bool
    last_seen: float


class MessageStatus(Enum):
    """Whether a queued message was stored."""

    STORED = "stored"
    """It was committed now. The row may be deleted."""
    KNOWN = "known"
    """It is a duplicate of a committed message. The row may be deleted."""
    UNKNOWN_SENDER = "unknown sender"
    REFUSED = "refused"
    LATER = "later"
    """It cannot be accepted for now, because a session plays."""


class InboxResult(NamedTuple):
    """The result for one queued message. ``note`` says why it was not accepted."""

    status: MessageStatus
    note: str = ""


class Inbox(Protocol):
    """Accepts messages from the queue."""

    def trust(self, sender: str) -> str:
        """Return a text that changes when messages of a sender that were refused may become acceptable.

        It is empty for an unknown sender, and depends on the sender's pinned keys otherwise.
        """

    async def accept(self, row: QueuedRow) -> InboxResult:
        """Verify, decrypt and commit a message, and show it. Returns after the commit.

        Raises ``StorageError`` if it could not be stored.
        """


class Contacts(Protocol):
    """The friends who are peers."""

    async def contacts(self) -> list[Contact]:
        """Return them. May raise ``StorageError``."""

    def note_seen(self, username: str, at: float) -> None:
        """Record when a contact was last active, in seconds since the epoch."""

    async def note_entry(self, user: DirectoryUser) -> None:
        """Record the address and the keys with which a contact is registered. Pinned keys stay in use.

        May raise ``StorageError``, and ``Conflict`` if a session plays on a copy of the chat state.
        """


class Peers(Contacts, Inbox, Protocol):
    """The peers of the chat state. Methods may raise ``StorageError``."""

    @property
    def in_session(self) -> bool:
        """Whether a session plays on a copy of the chat state, which is discarded afterwards."""

    async def identity(self) -> Identity:
        """Return the public part of the user's identity, which is created if there is none."""

    async def node_id(self) -> str:
        """Return the node id of the user's identity, empty if there is none."""

    async def personas(self) -> list[str]:
        """Return the names of all personas."""

    async def apply_read_mark(self, peer: str, msg_id: str) -> int | None:
        """Mark the messages of a peer as read, up to one of them.

        Return None if there is no such message, or a session plays on a copy of the chat state.
        """

    async def newest_read(self, peer: str) -> str | None:
        """Return the id of the newest message of a peer that the user has read, or None."""


class Options(NamedTuple):
    """The settings of the source."""

    url: str
    key: str
    username: str
    last_ip: str
    """The address under which other peers reach this computer; empty for the one of the local network."""
    peek_only: bool
    """Read queued messages, but never delete them."""
    sync_read_marks: bool
