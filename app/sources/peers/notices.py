"""Send the local user's typing, read receipts and reactions to the other user of a chat, if that is a peer: a
friend with a companion of their own. These notices are encrypted, and an extension of the peer protocol that only
companions understand. A receipt or reaction is stored in the outbox until it is sent; typing is sent at once, and
only to a peer that is online. A receipt is sent only for a message that the peer itself has sent. What the user
does while peers or notices are switched off, or during a session that plays on a copy of the chat state, is not
sent.
"""

from collections.abc import Callable
from contextlib import suppress
from typing import NamedTuple, Protocol

from app.hub.hub import Hub
from app.hub.router import ClientEvent
from app.hub.tasks import Tasks
from app.protocol.backend import MessageData
from app.protocol.errors import StorageError
from app.protocol.events import MarkRead, TypingTo
from app.protocol.peers import envelopes, wire
from app.protocol.peers.errors import PeerProtocolError
from app.protocol.peers.extension import MAX_EMOJI_CHARS, PeerReaction, Receipt, StoredNotice, Typing, new_id
from app.sources.peers.dialer import OutgoingItem
from app.sources.peers.outbox import Connect, PeerOutbox
from app.sources.peers.parts import IdentityInUse, PeerBook, PeerOptions

REPEAT_S = 3.0
"""Typing that continues is sent again after this time: a UI sends it with every key."""

STEP_S = 0.001
"""Typing has a time that is at least so much after the time of the typing before, so that their order is known."""
MAX_AHEAD_S = 2.0
"""The time of typing is at most so much in the future."""


class Reacted(Protocol):
    """The local user has added a reaction to a message, or removed it; see ``chat.service``."""

    @property
    def message(self) -> MessageData:
        """The message."""

    @property
    def emoji(self) -> str:
        """The reaction."""

    @property
    def present(self) -> bool:
        """Whether it was added."""


class _Typed(NamedTuple):
    """The latest typing: its time on the monotonic clock, and the one that is signed."""

    typing: bool
    mono: float
    at: float


class PeerNotices:
    """Sends the local user's typing, read receipts and reactions to the other user of a chat, if that is a peer."""

    def __init__(
        self, book: PeerBook, hub: Hub, outbox: PeerOutbox, identity: IdentityInUse,
        options: Callable[[], PeerOptions], tasks: Tasks, connect: Connect,
    ) -> None:  # fmt: skip
        """``connect`` sends an item to a host and port, without waiting for an answer."""
        self._book = book
        self._hub = hub
        self._outbox = outbox
        self._identity = identity
        self._options = options
        self._tasks = tasks
        self._connect = connect
        self._typed: dict[str, _Typed] = {}

    @property
    def _wanted(self) -> bool:
        options = self._options()
        return options.on and options.notices and not self._book.in_session

    def on_client_event(self, event: ClientEvent) -> None:
        """Handle a valid event of a client. Only those of the local user's clients are sent."""
        if event.client.username != self._hub.local_user or not self._wanted:
            return
        match event.data:
            case TypingTo():
                self._on_typing(event.data)
            case MarkRead():
                self._tasks.spawn(self._send_receipt(event.data), "read receipt to a peer")

    def on_reaction(self, reacted: Reacted) -> None:
        """Send a reaction of the local user to the other user of the chat."""
        message = reacted.message
        peer = message["to"] if message["direction"] == "sent" else message["from"]
        if self._wanted and len(reacted.emoji) <= MAX_EMOJI_CHARS:
            notice = PeerReaction(
                id=new_id(), msg_id=message["msg_id"], emoji=reacted.emoji, present=reacted.present
            )
            self._tasks.spawn(self._enqueue(peer, notice), "reaction to a peer")

    def _on_typing(self, data: TypingTo) -> None:
        now, before = self._hub.clock.mono(), self._typed.get(data.to)
        if before and before.typing == data.typing and (not data.typing or now - before.mono < REPEAT_S):
            return
        if len(self._typed) > 1_000:  # the UI chooses the names
            self._typed.clear()
        wall = self._hub.clock.wall()
        message_end = int(self._outbox.posted_at.get(data.to, 0.0)) + 1  # see ``Typing``
        later = max(message_end, before.at + STEP_S if before else 0.0)
        at = max(wall, later if later <= wall + MAX_AHEAD_S else 0.0)  # otherwise, the clock was set back
        self._typed[data.to] = _Typed(data.typing, now, at)
        self._tasks.spawn(self._send_typing(data, at), "typing to a peer")

    async def _send_typing(self, data: TypingTo, at: float) -> None:
        """Send typing to a peer that is online, once: it is worthless later."""
        me = self._identity()
        with suppress(StorageError, PeerProtocolError):
            peer = await self._book.find(data.to)
            if me is None or peer is None or not (peer.online and peer.is_friend):
                return
            body = envelopes.seal_notice(
                Typing(id=new_id(), typing=data.typing, at=at), sender=self._hub.local_user, to=data.to,
                at=at, me=me, peer=peer.keys,
            )  # fmt: skip
            await self._connect(*peer.endpoint, data.to, [OutgoingItem("", body)])

    async def _send_receipt(self, data: MarkRead) -> None:
        with suppress(StorageError, PeerProtocolError):
            wire.message_id(data.msg_id)
            if read := await self._book.newest_received(data.peer, data.msg_id):
                await self._enqueue(data.peer, Receipt(id=new_id(), msg_id=read))

    async def _enqueue(self, name: str, notice: StoredNotice) -> None:
        """Store a notice, then send it. Nothing happens if the friend is not a peer."""
        with suppress(StorageError):
            peer = await self._book.find(name)
            if peer is not None and peer.is_friend and await self._book.enqueue_notice(name, notice):
                self._outbox.send_notices_soon(name)
