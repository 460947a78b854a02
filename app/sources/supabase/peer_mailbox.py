"""Connect the Supabase source to the chat state: implement ``contracts.Peers``, the interface that it calls.
For example, the source lists the peers, records their keys and addresses and when they were last active, delivers
queued messages and read marks, and asks for the personas and the public part of the user's identity.
``add_friend`` makes a user of the directory a friend.
"""

from collections.abc import Awaitable, Callable
from typing import NamedTuple, Protocol

from app.protocol.backend import Person
from app.protocol.directory.rows import DirectoryUser, QueuedRow
from app.protocol.errors import Conflict, NotFound
from app.protocol.peers.errors import PeerProtocolError
from app.protocol.peers.keys import Identity as Keys
from app.protocol.peers.keys import PublicKeys
from app.protocol.peers.peer import Peer
from app.sources.peers.queue_inbox import PeerContacts, QueueInbox
from app.sources.supabase.contracts import Contact, Identity, InboxResult


class PeerBook(Protocol):
    """The stored peers; see ``chat.peer_book``. Methods may raise ``RequestError`` and ``StorageError``."""

    @property
    def in_session(self) -> bool:
        """Whether a session plays on a copy of the state."""

    async def read(self) -> None:
        """Read the pinned keys, on which ``trust`` depends."""

    async def add(self, username: str, keys: PublicKeys, address: str = "", node_id: str = "") -> Peer:
        """Add a peer and pin its keys, or make a known one a friend again."""

    async def offer(self, username: str, keys: PublicKeys) -> Peer:
        """Record keys that a peer was seen with. Pinned keys stay in use."""

    async def note_address(self, username: str, ip: str) -> None:
        """Store under which address a peer was registered."""


class MailboxParts(NamedTuple):
    """The parts of the program that the mailbox uses."""

    book: PeerBook
    inbox: QueueInbox
    contacts: PeerContacts
    keys: Callable[[], Awaitable[Keys]]
    """Returns the user's keys, which are created if there are none."""
    stored_keys: Callable[[], Awaitable[Keys]]
    """Returns the user's keys. Raises ``Conflict`` if there are none."""
    people: Callable[[], Awaitable[list[Person]]]
    mark_read: Callable[[str, str], Awaitable[int | None]]
    newest_read: Callable[[str], Awaitable[str | None]]


class PeerMailbox:
    """Implements ``contracts.Peers``. Methods may raise ``RequestError`` and ``StorageError``."""

    def __init__(self, parts: MailboxParts) -> None:
        self._parts = parts

    @property
    def in_session(self) -> bool:
        """Whether a session plays on a copy of the chat state."""
        return self._parts.book.in_session

    async def identity(self) -> Identity:
        """Return the public part of the user's identity."""
        await self._parts.book.read()
        keys = await self._parts.keys()  # last: they are not out of date when this returns
        public = keys.public.as_json()
        return Identity(keys.node_id, public["public_key"], public["signing_key"])

    async def node_id(self) -> str:
        """Return the node id of the user's identity, empty if there is none."""
        try:
            return (await self._parts.stored_keys()).node_id
        except Conflict:
            return ""

    async def personas(self) -> list[str]:
        """Return the names of all personas."""
        return [each.username for each in await self._parts.people() if not each.is_peer]

    async def apply_read_mark(self, peer: str, msg_id: str) -> int | None:
        """Mark the messages of a peer as read, up to one of them.

        Return None if there is no such message, or a session plays: perhaps only its copy has changed.
        """
        changed = await self._parts.mark_read(peer, msg_id)
        return None if self.in_session else changed

    async def newest_read(self, peer: str) -> str | None:
        """Return the id of the newest message of a peer that the user has read, or None."""
        return await self._parts.newest_read(peer)

    async def contacts(self) -> list[Contact]:
        """Return the friends who are peers."""
        return await self._parts.contacts.contacts()

    def note_seen(self, username: str, at: float) -> None:
        """Record when a contact was last active."""
        self._parts.contacts.note_seen(username, at)

    async def note_entry(self, user: DirectoryUser) -> None:
        """Record the address and the keys with which a contact is registered."""
        await self._parts.book.note_address(user.username, user.last_ip)
        if keys := _public_keys(user):
            await self._parts.book.offer(user.username, keys)

    def trust(self, sender: str) -> str:
        """Return a text that changes with the pinned keys of a sender."""
        return self._parts.inbox.trust(sender)

    async def accept(self, row: QueuedRow) -> InboxResult:
        """Verify, decrypt, commit and show a message."""
        return await self._parts.inbox.accept(row)

    async def add_friend(self, user: DirectoryUser) -> Person | None:
        """Make a user of the directory a friend, and pin the keys."""
        keys = _public_keys(user)
        if keys is None:
            raise NotFound(
                f"{user.username} is registered in the directory, but without a usable signing key. "
                "Ask for the keys, and use: companion peers add."
            )
        await self._parts.book.add(user.username, keys, node_id=user.node_id)
        await self._parts.book.note_address(user.username, user.last_ip)
        return next((each for each in await self._parts.people() if each.username == user.username), None)


def _public_keys(user: DirectoryUser) -> PublicKeys | None:
    try:
        return PublicKeys.parse(user.public_key, user.signing_key)
    except PeerProtocolError:
        return None
