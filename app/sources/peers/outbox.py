"""Send the messages and notices (read receipts, reactions) in the outbox to peers, and remove items that are done.
An item is stored in the database before it is sent. A message is done (the chat keeps it) when the peer
acknowledged it, when the offline queue (Supabase) accepted it, or, without a queue, after ``MAX_UNCONFIRMED``
attempts that were written but not acknowledged; a notice is done when it was written. If the peer cannot be
reached, answers that it is busy, or closes the connection without the acknowledgements that it usually sends, the
message is tried again later, without a limit; while the peer is not a friend, its items are kept and not sent.
While the user has to decide about other keys that are offered for a peer, only an acknowledgement counts: the peer
may not be able to decrypt what it gets. What would be done otherwise is kept, and not sent again before that.
If the program is killed in between, it sends the item again after the next start; the recipient drops duplicates.
Messages and notices have connections of their own: many programs acknowledge no notices, and messages do not wait
for that.
``notices`` sends typing, which is not stored.
"""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import suppress
from typing import Any, Literal, NamedTuple

import msgspec

from app.hub.hub import Hub
from app.hub.outgoing import ServerNote
from app.hub.tasks import Tasks
from app.protocol.backend import MessageData, parse_timestamp
from app.protocol.errors import Conflict, RequestError, StorageError, Unreachable
from app.protocol.peers import dialect_b, envelopes, extension
from app.protocol.peers.errors import PeerProtocolError
from app.protocol.peers.keys import Identity
from app.protocol.peers.peer import Peer
from app.sources.peers.dialer import Exchange, OutgoingItem, exchange
from app.sources.peers.parts import (
    IdentityInUse,
    OfflineQueue,
    PeerBook,
    PeerOptions,
    QueuedMessage,
    WaitingItem,
)
from app.sources.peers.rows import NOT_SENT, SENT, row

BATCH = 8
"""At most this many frames are sent on one connection: a peer accepts 10 per second."""
NEXT_BATCH_S = 1.0
BACKOFF_S = (5.0, 10.0, 20.0, 40.0, 60.0, 120.0, 300.0)
MAX_UNCONFIRMED = 8
"""A message that was written this often and never acknowledged is put into the offline queue, or not sent again.
The peer's program may not support ``ack``, or another program may have its address. If the peer closes the
connection, it may have refused it, for example because it has too many: attempts with messages are then counted
only if it has never acknowledged anything."""
POLL_S = 5.0

Connect = Callable[[str, int, str, Sequence[OutgoingItem]], Awaitable[Exchange]]


class Delivery(NamedTuple):
    """The result of sending a message. ``written``: it was written to the connection.

    ``note``: a sentence for the UI.
    """

    message: MessageData | None
    written: bool
    note: str
    rows: list[ServerNote]


class _Attempts:
    """The attempts to send messages, or notices, to one peer, one after the other."""

    def __init__(self, book: PeerBook, peer: str, *, notices: bool = False) -> None:
        self._book = book
        self.peer = peer
        self._notices = notices
        self.lock = asyncio.Lock()
        self.failed: Exchange | None = None
        """The result of the latest attempt, if nothing was written."""
        self.not_queued = ""
        """Why messages of the latest attempt are not put into the offline queue; empty if they are."""
        self.is_alive = False
        """Whether the peer has sent something itself since the latest attempt began."""
        self.pending: asyncio.Task[None] | None = None
        """A task that makes an attempt, and has not read yet which items there are."""
        self.next_batch: asyncio.Task[None] | None = None
        """A task that waits until the next batch may be sent."""
        self.refused = Counter[str]()
        """How often the peer closed the connection instead of acknowledging this item, the next one of a batch."""
        self.queued_for_former_keys: set[str] = set()
        """The queue takes another message with such an id for the same one, and drops it."""

    async def items(self) -> Sequence[WaitingItem]:
        """Return the next batch: items that were not written yet or are due. Raises ``Conflict`` in a session."""
        return await self._book.waiting(self.peer, BATCH, notices=self._notices)

    async def are_due(self) -> bool:
        """Return whether an item of the next batch is due."""
        return self.peer in await self._book.due(BATCH, notices=self._notices)


class _PeerAttempts(NamedTuple):
    """The attempts for a peer. Those with messages do not wait for those with notices."""

    messages: _Attempts
    notices: _Attempts


class PeerOutbox:
    """Sends messages and notices to peers, now and again later."""

    name = "peers"

    def __init__(
        self, book: PeerBook, hub: Hub, identity: IdentityInUse, options: Callable[[], PeerOptions],
        connect: Connect = exchange,
    ) -> None:  # fmt: skip
        """``connect`` sends items to a host and port; tests replace it."""
        self._book = book
        self._hub = hub
        self._identity = identity
        self._options = options
        self._connect = connect
        self._peers: dict[str, _PeerAttempts] = {}
        self._tasks = Tasks()
        self.on_alive: Callable[[str], Coroutine[Any, Any, None]] | None = None
        """Called with the name of a peer that was offline and has acknowledged something."""
        self.posted_at: dict[str, float] = {}
        """The time of the latest message to each peer, in seconds since the epoch."""
        self._results: dict[str, Literal["", "confirmed", "queued"]] = {}
        """The results of the messages that ``deliver`` is sending; what is stored may have been changed since."""
        self.queue: OfflineQueue | None = None
        """The queue for messages to peers that cannot be reached; None keeps them in the outbox."""

    async def run(self, _: object) -> None:
        """Send the items that are due, until the task is cancelled."""
        try:
            while True:
                if self._can_send:
                    with suppress(StorageError):  # for example a full disk; try again the next time
                        await self.send_due()
                await self._hub.clock.sleep(POLL_S)
        finally:
            await self.cancel()

    async def cancel(self) -> None:
        """Cancel the attempts in the background."""
        await self._tasks.cancel()

    @property
    def _can_send(self) -> bool:
        return self._options().on or bool(self.queue and self.queue.available)

    async def send_due(self) -> None:
        """Send all items that are due, to all peers at once."""
        if self._book.in_session:
            return  # messages that a session posts must not be sent to real people
        due = [self._to(name).messages for name in await self._book.due(BATCH)]
        due += [self._to(name).notices for name in await self._book.due(BATCH, notices=True)]
        await asyncio.gather(*(self._send_in_background(each) for each in due))

    def send_soon(self, peer: str) -> None:
        """Start to send the messages and notices for a peer, which has just sent something itself."""
        for attempts in self._to(peer):
            attempts.is_alive = True
            self._send_soon(attempts)

    def send_notices_soon(self, peer: str) -> None:
        """Start to send the notices for a peer."""
        self._send_soon(self._to(peer).notices)

    def _send_soon(self, attempts: _Attempts) -> None:
        """Start a task that sends what ``send_waiting`` sends.

        At most one is pending: each may wait seconds for the one before, and what is stored later waits for all.
        """
        if attempts.pending is None or attempts.pending.done():
            attempts.pending = self._tasks.spawn(self._send_all(attempts), f"send to the peer {attempts.peer}")

    def _to(self, name: str) -> _PeerAttempts:
        if name not in self._peers:
            self._peers[name] = _PeerAttempts(
                _Attempts(self._book, name), _Attempts(self._book, name, notices=True)
            )
        return self._peers[name]

    async def _send_all(self, attempts: _Attempts) -> None:
        with suppress(StorageError):
            await self._send_in_background(attempts)

    async def _send_in_background(self, attempts: _Attempts) -> None:
        self._hub.carry_out(await self.send_waiting(attempts))

    async def deliver(self, message: MessageData) -> Delivery:
        """Send a message that was just stored, after the older ones to its recipient. Return the result."""
        to, msg_id = message["to"], message["msg_id"]
        if self._book.in_session:
            return Delivery(message, False, f"{to} is a peer: in a session, nothing is sent to real people.", [])
        if not self._can_send:
            return Delivery(
                message, False, f"Peers are switched off; the message is sent to {to} when they are on.", []
            )
        self.posted_at[to] = parse_timestamp(message["timestamp"])
        self._results[msg_id] = ""
        attempts = self._to(to).messages
        try:
            rows = await self.send_waiting(attempts)
        finally:
            result = self._results.pop(msg_id)
        in_queue = f"{to} cannot be reached; the message waits in the offline queue."
        try:
            place, now = await self._book.delivery_state(msg_id)
        except Conflict:  # a session has begun meanwhile
            if result == "confirmed":
                return Delivery({**message, "delivered": True, "delivery_method": "direct"}, True, "", rows)
            note = f"The message is stored, and is sent to {to} after the session that plays now."
            return Delivery(message, False, in_queue if result == "queued" else note, rows)
        if now is None:
            note = f"The message was deleted while it was being sent to {to}, so it is not sent again."
            return Delivery(None, False, note, rows)
        is_written = now["delivery_method"] == "direct"
        if now["delivered"]:
            return Delivery(now, True, "", rows)
        if not place and result != "queued":
            note = (
                f"The message is stored and is not sent{' again' if is_written else ''}: "
                f"{to} was forgotten, or the chat state replaced, meanwhile."
            )
            return Delivery(now, is_written, note, rows)
        if is_written:
            return Delivery(now, True, f"{to} has not confirmed the message yet.", rows)
        older = attempts.failed.error if attempts.failed else "older messages are sent first"
        why = next((each.note for each in reversed(rows) if each.event == NOT_SENT), older)
        if place == "outbox":
            return Delivery(now, False, f"The message is stored, and is sent again later: {why}.", rows)
        return Delivery(now, False, in_queue, rows)

    async def send_waiting(self, attempts: _Attempts) -> list[ServerNote]:
        """Send the next batch of messages or notices to a peer. Return rows about the results.

        Raises ``StorageError``.

        If an attempt fails while this one waits for it, the items that were not tried yet get the same result:
        a peer that cannot be reached delays simultaneous messages only once. Not if the peer has sent something
        since that attempt began.
        """
        name, before = attempts.peer, attempts.failed
        async with attempts.lock:
            if attempts.pending is asyncio.current_task():
                attempts.pending = None  # what is stored from now on needs another one
            failed = None if attempts.is_alive or attempts.failed is before else attempts.failed
            attempts.is_alive = False
            me, peer = self._identity(), await self._book.find(name)
            try:
                items = await attempts.items()
            except Conflict:  # a session has begun meanwhile: what it posts must not be sent to real people
                return []
            items = sorted(items, key=lambda each: attempts.refused[each.id] >= MAX_UNCONFIRMED)  # others pass
            if me is None or peer is None or not peer.is_friend or not items:
                return []
            rows: list[ServerNote] = []
            sealed: list[tuple[WaitingItem, bytes]] = []
            for item in items:
                if item.message is None and not self._options().notices:  # switched off since it was stored
                    await self._book.done(item.id, delivered=False)
                    continue
                try:
                    sealed.append((item, self._seal(item, me, peer)))
                except PeerProtocolError as error:
                    rows.append(row(NOT_SENT, name, f"it cannot be encrypted for {name}: {error}", warning=True))
                    await self._book.postpone([item.id], BACKOFF_S[-1])
            if not sealed:
                return rows
            result = failed or Exchange(error="peers are switched off")
            if self._options().on and not failed:
                outgoing = [OutgoingItem(each.id, body) for each, body in sealed]
                for endpoint in peer.endpoints:
                    found = await self._connect(*endpoint, name, outgoing)
                    if found.written or not result.written:
                        result = found
                    if found.acked or found.busy or (found.written and not found.closed):
                        break
                refused = next((each.id for each in outgoing if each.id not in result.acked), None)
                if result.closed and refused:
                    attempts.refused[refused] += 1
            if not failed:
                attempts.failed, attempts.not_queued = None if result.written else result, ""
            if result.acked:
                for id_ in result.acked:
                    del attempts.refused[id_]
                await self._book.note_acknowledged(name)
            for item, body in sealed:
                rows += await self._store_result(attempts, item, body, me, peer, result)
            if result.acked and not peer.online and self.on_alive:
                self._tasks.spawn(self.on_alive(name), f"the peer {name} is online")
            # What was tried is done or postponed, so ``due`` finds others: this ends, also if nothing is confirmed.
            is_due = bool(result.written) and await attempts.are_due()
            has_more = is_due or (result.acked and len(items) == BATCH)
            if has_more and (attempts.next_batch is None or attempts.next_batch.done()):
                attempts.next_batch = self._tasks.spawn(self._next_batch(attempts), f"send more to the peer {name}")
            notices = self._to(name).notices
            if result.written and attempts is not notices and await notices.are_due():
                self._send_soon(notices)  # reactions to these messages, which had to wait for them
            return rows

    async def _next_batch(self, attempts: _Attempts) -> None:
        await self._hub.clock.sleep(NEXT_BATCH_S)
        self._send_soon(attempts)

    def _seal(self, item: WaitingItem, me: Identity, peer: Peer) -> bytes:
        sender = self._hub.local_user
        if item.message is None:
            notice = msgspec.json.decode(item.notice, type=extension.Notice)
            return envelopes.seal_notice(
                notice, sender=sender, to=peer.username, at=self._hub.clock.wall(), me=me, peer=peer.keys
            )
        text, at = item.message["text"], parse_timestamp(item.message["timestamp"])
        return envelopes.seal_message(text, item.id, sender=sender, to=peer.username, at=at, me=me, peer=peer.keys)

    def _note_result(self, id_: str, result: Literal["confirmed", "queued"]) -> None:
        if id_ in self._results:
            self._results[id_] = result

    async def _store_result(
        self, attempts: _Attempts, item: WaitingItem, body: bytes, me: Identity, peer: Peer, result: Exchange
    ) -> list[ServerNote]:
        """Store the result for an item, and return its row. There is none if it is as it was before.

        ``peer`` has the keys for which the item was sealed.
        """
        name = peer.username
        opened: Any = _opened(item)
        delay = BACKOFF_S[min(item.attempts, len(BACKOFF_S) - 1)]
        if item.id in result.acked:
            self._note_result(item.id, "confirmed")
            await self._book.done(item.id, delivered=item.message is not None)
            return [row(SENT, name, f"{name} has confirmed it", sealed=body, opened=opened)]
        event, why = (SENT, "written") if item.id in result.written else (NOT_SENT, result.error)
        try:
            is_waiting = await self._book.is_waiting(item.id)
        except Conflict:  # what is stored now may be dropped with the session's copy
            note = f"{why}; a session has begun meanwhile, so it is sent again after the session"
            return [row(event, name, note, sealed=body, opened=opened, warning=True)]
        if not is_waiting:  # deleted, forgotten with its peer, replaced, or confirmed
            if item.id in result.written:
                await self._book.done(item.id, delivered=False)
            note = f"{why}; it was removed from the outbox meanwhile, so it is not sent again"
            return [row(event, name, note, sealed=body, opened=opened)]
        keys, peer = peer.keys, await self._book.find(name) or peer
        if keys != peer.keys:  # what was sealed for the old ones proves nothing, and is to be sent again
            return [_keys_replaced(name)]
        is_refused = result.closed and item.message is not None and (peer.acknowledges or bool(result.acked))
        is_written = item.id in result.written and not is_refused
        is_sent_once = item.message is None and (bool(peer.offered) or not result.closed)
        is_last = is_written and (is_sent_once or item.written + 1 >= MAX_UNCONFIRMED)
        if is_written and (peer.offered or not is_last):
            await self._book.postpone([item.id], delay, method="direct")
            when = "after you have decided about its new keys" if is_last else f"in {delay:g} s"
            note = f"written; {name} has not confirmed it, so it is sent again {when}"
            return [row(SENT, name, note, sealed=body, opened=opened, warning=True)]
        why = result.error or f"{name} closed the connection and has not confirmed it"
        if is_written:
            why = f"written; {name} has not confirmed it"
        queue = None if item.id in attempts.queued_for_former_keys else self.queue
        if item.message is not None and queue and queue.available:
            is_last = False  # if the queue fails, it is tried again
            if peer.offered:
                attempts.not_queued = f"the new keys of {name} wait for your decision"
            if not attempts.not_queued:  # otherwise, later messages would overtake, and each wait for a timeout
                sealed = dialect_b.seal(item.message["text"], me, peer.keys)
                try:
                    await queue.put(QueuedMessage(item.id, self._hub.local_user, name, body, *sealed))
                except Unreachable as error:
                    attempts.not_queued = f"the offline queue failed: {error.reason.removesuffix('.')}"
                except RequestError as error:  # it may accept others
                    why = f"{why}, and the offline queue rejected it: {error.reason.removesuffix('.')}"
                else:
                    note = f"{why}; it waits in the offline queue"
                    try:
                        if not await self._book.note_queued(item.id, keys):
                            attempts.queued_for_former_keys.add(item.id)
                            return [_keys_replaced(name)]
                    except Conflict:
                        note += "; a session has begun meanwhile, so it is sent again after the session"
                        return [row(SENT, name, note, sealed=body, opened=opened, warning=True)]
                    self._note_result(item.id, "queued")
                    return [row(SENT, name, note, sealed=body, opened=opened)]
            if attempts.not_queued:
                why = f"{why}, and {attempts.not_queued}"
        if is_last:
            await self._book.done(item.id, delivered=False)
            return [row(SENT, name, why, sealed=body, opened=opened)]
        if item.attempts and not item.due:  # tried with a new item; if that counted, the delay would grow with each
            return []
        # One that was refused too often waits until it is due, as if written: otherwise, a batch of such messages
        # would leave no place for others.
        is_refused_often = not item.written and attempts.refused[item.id] >= MAX_UNCONFIRMED
        await self._book.postpone([item.id], delay, method="offline" if is_refused_often else "")
        return [
            row(NOT_SENT, name, f"{why}; next attempt in {delay:g} s", sealed=body, opened=opened, warning=True)
        ]


def _keys_replaced(name: str) -> ServerNote:
    return row(NOT_SENT, name, f"the keys of {name} were replaced meanwhile", warning=True)


def _opened(item: WaitingItem) -> Any:
    if item.message is None:
        return msgspec.json.decode(item.notice)
    return {"text": item.message["text"], "msg_id": item.id}
