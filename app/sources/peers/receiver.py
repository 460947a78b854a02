"""Handle what peers send on a connection, and their messages in the offline queue: verify, decrypt, then act.
The sender must be a friend who is a peer. A new message is stored and fires ``new_message``; a duplicate does not.
On a connection, both are acknowledged, and a ping is answered. If Settings allow it, receipts and reactions are
acknowledged and change the chat state, typing fires an event, and messages that are not signed are accepted.
What is refused on a connection is counted. It is logged at a limited rate, like duplicates.
"""

from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any, Literal, NamedTuple, Protocol, TypeVar

from app.hub.hub import Hub
from app.hub.origin import PEERS
from app.hub.pipeline import FIRE_ERRORS
from app.hub.rejection_log import RejectionLog
from app.hub.uninterrupted import to_its_end
from app.protocol.backend import ONLINE_FOR_S, MessageData
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict, StorageError
from app.protocol.peers import ack_and_ping
from app.protocol.peers.ack_and_ping import Ack, Busy, Ping
from app.protocol.peers.envelopes import (
    REPLAY_S,
    OpenedMessage,
    Sealed,
    Unknown,
    open_message,
    open_notice,
    read,
)
from app.protocol.peers.errors import BadPeerFrame, PeerProtocolError
from app.protocol.peers.extension import Notice, StoredNotice, Typing
from app.protocol.peers.frames import LARGE_BYTES
from app.protocol.peers.peer import Peer
from app.protocol.peers.plain import PlainMessage
from app.protocol.peers.wire import stamp
from app.protocol.templates import iso
from app.sources.peers.parts import IdentityInUse, PeerBook, PeerOptions
from app.sources.peers.rows import RECEIVED, row
from app.sources.source import Publisher

PING_S = 10.0
"""At most one ping per connection is answered in this time, and none from an address that has sent one with an
unknown name: the answers would show who the user's peers are."""
RECENT_TYPING = 1_000
"""Number of typing notices per peer whose digests are kept to detect replays."""
OVERTAKEN_S = 30.0
"""Typing that is older than later typing, or than a later message, by at most this time was delayed on the network
and is ignored. A greater difference shows that the sender's clock was set back."""
LAST_MS = 0.999
SERVER = "peers"
IN_SESSION = "a session plays on a copy of the chat state; nothing is accepted until it ends"
Method = Literal["direct", "offline"]
T = TypeVar("T")


class Refusal(Exception):
    """Why an envelope is refused, as a sentence without a full stop."""


class UnknownSender(Refusal):
    """The sender is not a friend who is a peer."""


class NotNow(Refusal):
    """An envelope is refused only for now, so its sender must send it again."""


class Received(NamedTuple):
    """A message that is stored: the ``ack`` for it, if it can be acknowledged, and whether it is new."""

    answer: bytes | None
    new: bool


class PeerConnection(Protocol):
    """A connection of a peer; see ``endpoints.peer_server``."""

    ip: str
    pinged: float
    """When a ping was last looked at (monotonic seconds)."""


class Outbox(Protocol):
    """Sends the items in the outbox; see ``outbox``."""

    def send_soon(self, peer: str) -> None:
        """Start to send the items for a peer, which has just sent something itself."""


class PeerReceiver:
    """Handles envelopes, from connections and from the offline queue."""

    def __init__(
        self, book: PeerBook, hub: Hub, publisher: Publisher, rejections: RejectionLog,
        identity: IdentityInUse, options: Callable[[], PeerOptions], outbox: Outbox,
    ) -> None:  # fmt: skip
        self._book = book
        self._hub = hub
        self._publisher = publisher
        self._rejections = rejections
        self._identity = identity
        self._options = options
        self._outbox = outbox
        self._recent_typing: dict[str, deque[str]] = {}
        """The digests of the latest typing notices of each peer."""
        self._typed_at: dict[str, float] = {}
        """The time of the latest typing of each peer, by the clock of the peer."""
        self._written_until: dict[str, float] = {}
        """The end of the second of each peer's latest message that arrived directly, by the clock of the peer."""
        self._fired: dict[str, float] = {}
        """The peers whose ``friend_online`` is being fired or held, each with the time (monotonic seconds) at which
        it was fired."""
        self._guesses: dict[str, float] = {}
        """When a ping came from an address that is not known to be from a peer (monotonic seconds)."""

    @property
    def accepts_unverified(self) -> bool:
        """Whether messages that are not signed are accepted."""
        return self._options().unverified

    async def handle(self, body: bytes, connection: PeerConnection) -> bytes | None:
        """Handle the JSON of a frame. Return the JSON to answer with, or None.

        The answer is ``busy`` if something cannot be stored at the moment, so that its sender sends it again.
        Raises ``BadPeerFrame`` if it is not a JSON object; the connection must be closed then.
        """
        source = f"from {connection.ip}"
        try:
            found = read(body)
            match found:
                case Sealed() | PlainMessage():
                    return await self._handle_content(found, body, connection.ip)
                case Ping():
                    return await self._answer_ping(found, connection)
                case Ack():
                    raise Refusal(f"an acknowledgement of {found.msg_id}, which was not sent on this connection")
                case Busy():
                    raise Refusal(f"{found.sender} is busy, but nothing was sent on this connection")
                case Unknown():
                    raise Refusal(f"the type {found.type[:40]!r} is unknown and was ignored")
        except BadPeerFrame as error:
            self._refuse(f"{source}: {error}")
            raise
        except (PeerProtocolError, Refusal) as error:
            self._refuse(f"{source}: {error}")
        except StorageError as error:  # while the sender of a ping was looked up
            self._refuse(f"{source}: {error}")
        return None

    async def _handle_content(self, found: Sealed | PlainMessage, body: bytes, ip: str) -> bytes | None:
        try:
            if isinstance(found, Sealed) and found.is_notice:
                return await self._handle_notice(found, body, ip)
            return (await self.receive(found, body, ip=ip)).answer
        except NotNow as error:
            self._refuse(f"from {ip}: {error}")
        except StorageError as error:
            self._refuse(f"from {ip}: it could not be stored, and was not confirmed: {error}")
        return ack_and_ping.busy(found.to, found.sender, self._hub.clock.wall())

    async def receive(
        self, found: Sealed | PlainMessage, body: bytes, *, ip: str = "", queued_at: float | None = None
    ) -> Received:
        """Verify, decrypt and store a message. ``queued_at`` is when it was put into the offline queue.

        ``body`` is shown in its row. Raises ``Refusal``, ``PeerProtocolError`` and ``StorageError``; the message is
        not stored then.
        """
        peer = await self._sender(found.sender, found.to)
        opened, digests = self._open(found, peer)
        # What is stored must also be fired: if the message comes again, it is a duplicate.
        return await to_its_end(self._store_and_fire(found, peer, opened, digests, body, ip, queued_at))

    async def _store_and_fire(
        self, found: Sealed | PlainMessage, peer: Peer, opened: OpenedMessage, digests: tuple[str, ...],
        body: bytes, ip: str, queued_at: float | None,
    ) -> Received:  # fmt: skip
        now = self._hub.clock.wall()
        method: Method = "direct" if queued_at is None else "offline"
        at = found.at or now
        data: MessageData = {
            "msg_id": opened.msg_id, "from": peer.username, "to": found.to, "text": opened.text,
            "timestamp": _timestamp(at, now, queued_at), "direction": "received", "delivered": True,
            "delivery_method": method,
        }  # fmt: skip
        stored = await _lasting(self._book.receive(data, digests, ip if opened.dialect != "P" else ""))
        answer = ack_and_ping.ack(found.to, peer.username, opened.msg_id, now) if opened.can_ack else None
        if stored is None:
            note = f"{peer.username}: the message {opened.msg_id} is a duplicate; it was confirmed again"
            self._rejections.journal(SERVER, note, "duplicate")
            return Received(answer, False)
        notes = [f"dialect {opened.dialect}"]
        if len(body) > LARGE_BYTES:
            notes.append(f"an envelope of {len(body):,} bytes is unusually large")
        if stored["msg_id"] != opened.msg_id:
            notes.append(f"it has the id of another message, {opened.msg_id}, and was stored with a new one")
        if opened.dialect == "P":
            notes.append("unverified: neither encrypted nor signed, so anyone could have sent it")
        elif not opened.verified:
            notes.append("unverified: it is not signed")
        if abs(now - at) > REPLAY_S and (method == "direct" or at > now):  # one in the queue may be old
            notes.append(
                f"its time {stamp(at)} differs from the time here: it may be a replay, or a clock is wrong"
            )
        shown = {"text": opened.text, "msg_id": stored["msg_id"]}
        self._hub.carry_out(
            [row(RECEIVED, peer.username, "; ".join(notes), sealed=body, opened=shown, warning=len(notes) > 1)]
        )
        if opened.dialect != "P" and method == "direct":  # a message in the queue may be old
            end = int(found.at) + 1.0
            if not _is_overtaken(end, self._written_until.get(peer.username, end)):
                self._written_until[peer.username] = end
            await self._is_alive(peer)
        await self._fire("new_message", dict(stored))
        return Received(answer, True)

    def _open(self, found: Sealed | PlainMessage, peer: Peer) -> tuple[OpenedMessage, tuple[str, ...]]:
        if isinstance(found, PlainMessage):
            if not self.accepts_unverified:
                raise Refusal(
                    f"a message from {found.sender} is not encrypted; Settings do not allow unverified messages"
                )
            opened = OpenedMessage(dialect="P", text=found.text, msg_id=found.msg_id, verified=False)
            return opened, (f"P {found.sender} {found.msg_id}",)
        if not found.signature and not self.accepts_unverified:  # only from a queue
            raise Refusal(f"a message from {found.sender} is not signed; Settings do not allow unverified messages")
        me = self._identity()
        if me is None:
            raise Refusal("there are no keys to decrypt it with")
        try:
            return open_message(found, me, peer.keys), found.digests
        except PeerProtocolError as error:
            raise Refusal(f"a message from {found.sender}: {error}") from None

    async def _sender(self, sender: str, to: str) -> Peer:
        """Return the peer that an envelope claims to come from. Raises ``Refusal``."""
        if to != self._hub.local_user:
            raise Refusal(f"an envelope for {to[:64]!r}, who is not the user of this companion")
        if self._book.in_session:
            raise NotNow(IN_SESSION)
        peer = await self._book.find(sender)
        if peer is None or not peer.is_friend:
            raise UnknownSender(f"the sender {sender[:64]!r} is unknown: add the peer first")
        return peer

    async def _handle_notice(self, found: Sealed, body: bytes, ip: str) -> bytes | None:
        if not self._options().notices:
            raise Refusal("typing, receipts and reactions of peers are switched off in Settings")
        peer, me = await self._sender(found.sender, found.to), self._identity()
        if me is None:
            raise Refusal("there are no keys to decrypt it with")
        notice = open_notice(found, me, peer.keys)
        answer = ack_and_ping.ack(found.to, peer.username, notice.id, self._hub.clock.wall())
        if isinstance(notice, Typing):
            self._check_typing(peer.username, notice, found)
            await self._fire("typing", {"username": peer.username, "typing": notice.typing})
            return None
        await to_its_end(self._carry_out(notice, peer, found.digest, body, ip))
        return answer

    async def _carry_out(self, notice: StoredNotice, peer: Peer, digest: str, body: bytes, ip: str) -> None:
        note = await _lasting(self._book.note_notice(peer.username, notice, digest, ip))
        if note is not None:
            self._hub.carry_out([row(RECEIVED, peer.username, note, sealed=body, opened=_shown(notice))])
            await self._is_alive(peer)

    def _check_typing(self, sender: str, notice: Typing, found: Sealed) -> None:
        """Record a typing notice.

        Raises ``Refusal`` if it is too old, has arrived before, or was overtaken by what the sender did next.
        """
        at, digest = notice.at or found.at, found.digest
        if abs(self._hub.clock.wall() - at) > REPLAY_S:
            raise Refusal(f"typing of {sender} at another time: it may be a replay, and was ignored")
        recent = self._recent_typing.setdefault(sender, deque(maxlen=RECENT_TYPING))
        if digest in recent:
            raise Refusal(f"typing of {sender} that has arrived before: it is a replay, and was ignored")
        recent.append(digest)
        if not notice.at:  # of an earlier version: whole seconds are too coarse
            return
        later = [self._typed_at.get(sender, at)]
        if notice.typing:  # the end of typing is passed on: in the UI, a message does not end it
            later.append(self._written_until.get(sender, at))
        if any(_is_overtaken(at, each) for each in later):
            raise Refusal(f"typing of {sender} that was overtaken by later typing or a message, and was ignored")
        self._typed_at[sender] = at

    async def _answer_ping(self, ping: Ping, connection: PeerConnection) -> bytes | None:
        now = self._hub.clock.mono()
        self._guesses = {ip: at for ip, at in self._guesses.items() if now - at < PING_S}
        if now - connection.pinged < PING_S or connection.ip in self._guesses:
            return None
        # Before the sender is looked up: meanwhile, other connections must not try names.
        connection.pinged = self._guesses[connection.ip] = now
        peer = await self._sender(ping.sender, ping.to)
        self._guesses.pop(connection.ip, None)
        return ack_and_ping.ping(ping.to, peer.username, self._hub.clock.wall())

    async def _is_alive(self, peer: Peer) -> None:
        """Switch a peer online, and send the items in the outbox for it."""
        await self.switch_online(peer.username)
        self._outbox.send_soon(peer.username)

    async def switch_online(self, name: str) -> None:
        """Fire ``friend_online`` if a peer, who has just sent or acknowledged something, is offline.

        If a breakpoint holds the event, it is not fired again, also if the user drops it, until the peer has been
        online, or ``ONLINE_FOR_S`` have passed, however much the peer sends meanwhile.
        """
        with suppress(StorageError):
            peer = await self._book.find(name)  # it may have been removed, or switched online, meanwhile
            fired, now = self._fired.pop(name, float("-inf")), self._hub.clock.mono()
            if peer is None or not peer.is_friend or peer.online:
                return
            if now - fired < ONLINE_FOR_S:
                self._fired[name] = fired
                return
            self._fired[name] = now
            if not await self._fire("friend_online", {"username": name}):
                self._fired.pop(name, None)

    async def _fire(self, event: str, data: dict[str, Any]) -> bool:
        """Fire an event, and return whether a breakpoint holds it."""
        with suppress(*FIRE_ERRORS):  # what arrived is stored; a file may restrict the event
            return (await self._publisher.fire_built_in(Envelope(event, data), origin=PEERS)).held
        return False

    def _refuse(self, reason: str) -> None:
        self._rejections.add(SERVER, reason)


async def _lasting(work: Awaitable[T]) -> T:
    """Wait for a change of the book. Raises ``NotNow`` if a session has begun since ``_sender``."""
    try:
        return await work
    except Conflict:
        raise NotNow(IN_SESSION) from None


def _is_overtaken(at: float, later: float) -> bool:
    return 0 < later - at <= OVERTAKEN_S


def _timestamp(at: float, now: float, queued_at: float | None) -> str:
    """Return the time of a message for the chat. Envelopes have whole seconds, and any time that the sender claims.

    It is the time of arrival, here or in the offline queue, if that is within the claimed second, so that an answer
    is not sorted before the message that it answers; later, the end of that second, so that messages of one second
    keep the order of their arrival.
    It is never in the future: such a message would stay below all others.
    """
    arrived = now if queued_at is None else max(at, queued_at)
    return iso(min(now, arrived, at + LAST_MS))


def _shown(notice: Notice) -> dict[str, Any]:
    import msgspec

    shown: dict[str, Any] = msgspec.to_builtins(notice)
    return shown
