"""Messages to an independent peer: delivered, unconfirmed, kept and sent again, and put into an offline queue."""

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from msgspec.structs import replace

from app.chat.service import PostedMessage
from app.hub.origin import Origin
from app.protocol.backend import RestCaller, parse_timestamp
from app.protocol.envelope import Envelope
from app.protocol.errors import Invalid, StorageError, Unreachable
from app.protocol.events import MarkRead, TypingTo
from app.protocol.peers.envelopes import Sealed, open_message, read
from app.protocol.peers.extension import PeerReaction, Receipt
from app.protocol.peers.keys import PublicKeys
from app.protocol.templates import iso
from app.sources.peers import dialer
from app.sources.peers.dialer import Exchange, OutgoingItem
from app.sources.peers.outbox import BACKOFF_S, BATCH, MAX_UNCONFIRMED, NEXT_BATCH_S
from app.sources.peers.parts import QueuedMessage
from app.sources.peers.rows import NOT_SENT
from tests.conftest import until
from tests.independent_peer import IndependentPeer, new_id, read_frame
from tests.sources.peers.pair import Pair, _parsed


async def post(pair: Pair, text: str = "Hello, Ben!") -> PostedMessage:
    posted = await pair.companion.chat.post_message("ben", text, RestCaller("", ""))
    pair.companion.hub.carry_out(posted.effects)
    return posted


async def waiting(pair: Pair) -> int:
    return (await pair.companion.peers.get("ben")).waiting


async def again(pair: Pair, seconds: float) -> None:
    """Let time pass, and send what is due."""
    pair.time.passed += seconds
    await pair.companion.peer_link.outbox.send_due()


def wait_briefly_for_confirmations(pair: Pair) -> None:
    pair.companion.peer_link.outbox._connect = partial(impatient, pair)


async def impatient(pair: Pair, host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
    """Send items, and wait only for a moment if ben, who confirms no notices, does not confirm them."""
    is_message = json.loads(items[0].envelope)["type"] == "message"
    ack_s = dialer.ACK_S if is_message and pair.ben.acknowledges else 0.02
    return await dialer.exchange(host, port, peer, items, ack_s=ack_s)


async def test_a_confirmed_message_is_delivered(pair: Pair) -> None:
    posted = await post(pair, "Grüße 👋")
    arrived = await pair.ben.next_message()
    assert arrived["opened"] == {"text": "Grüße 👋", "msg_id": posted.data["msg_id"]}
    assert (arrived["from"], arrived["to"], arrived["type"]) == ("anna", "ben", "message")
    assert (posted.accepted, posted.data["delivered"], posted.data["delivery_method"]) == (True, True, "direct")
    assert await waiting(pair) == 0
    (row,) = pair.rows("peer sent")
    assert json.loads(row.payload)["opened"]["text"] == "Grüße 👋"
    await until(lambda: pair.rows("friend_online"))


async def test_an_unconfirmed_message_is_sent_again_and_then_given_up(pair: Pair) -> None:
    pair.ben.acknowledges = False
    wait_briefly_for_confirmations(pair)
    posted = await post(pair)
    assert (posted.accepted, posted.data["delivered"], posted.data["delivery_method"]) == (True, False, "direct")
    assert "not confirmed" in posted.note
    for _ in range(MAX_UNCONFIRMED):
        await again(pair, BACKOFF_S[-1])
    assert await waiting(pair) == 0
    ids = {(await pair.ben.next_message())["opened"]["msg_id"] for _ in range(MAX_UNCONFIRMED)}
    assert ids == {posted.data["msg_id"]}
    assert pair.ben.received.empty()


async def test_an_unconfirmed_message_is_not_sent_again_with_later_ones(pair: Pair) -> None:
    """Regression: each later message and notice counted as an attempt, so that it was soon given up."""
    pair.ben.acknowledges = False
    wait_briefly_for_confirmations(pair)
    for number in range(MAX_UNCONFIRMED + 1):
        await post(pair, str(number))
    await pair.exchange(pair.ben.a("hi", new_id()))
    await until(lambda: pair.rows("new_message"))
    assert await waiting(pair) == MAX_UNCONFIRMED + 1
    texts = [pair.ben.received.get_nowait()["opened"]["text"] for _ in range(MAX_UNCONFIRMED + 1)]
    assert texts == [str(number) for number in range(MAX_UNCONFIRMED + 1)]
    assert pair.ben.received.empty()
    await again(pair, BACKOFF_S[0] - 1)
    assert pair.ben.received.empty()
    await again(pair, 1)
    assert (await pair.ben.next_message())["opened"]["text"] == "0"


async def test_a_message_that_is_stored_is_not_an_error_if_the_disk_fails_then(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: POST /messages failed, the UI posted the message again, and other windows got no event."""

    async def fail(*_: object, **__: object) -> None:
        raise StorageError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(pair.companion.peers, "done", fail)
        posted = await post(pair)
    assert (posted.accepted, posted.data["delivered"]) == (False, False)
    assert posted.note == "The message is stored, and is sent again later: the disk is full"
    assert await waiting(pair) == 1
    await again(pair, BACKOFF_S[0])
    assert await waiting(pair) == 0


@asynccontextmanager
async def reads_and_closes(pair: Pair) -> AsyncIterator[list[str]]:
    """Let ben's address belong to a server that reads a frame and closes the connection."""
    read_by_it: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        read_by_it.append((await read_frame(reader))["type"])
        writer.close()

    await pair.ben.close()
    async with await asyncio.start_server(serve, "127.0.0.1", pair.ben.port):
        yield read_by_it


async def test_connections_that_a_peer_closes_do_not_count_if_it_usually_confirms(pair: Pair) -> None:
    """Regression: while others used all connections of a peer, messages to it were given up soon."""
    await post(pair, "confirmed")
    async with reads_and_closes(pair) as read_by_it:
        posted = await post(pair)
        assert (posted.accepted, posted.data["delivery_method"]) == (False, "offline")
        assert "ben closed the connection and has not confirmed it" in posted.note
        await pair.companion.peers.enqueue_notice("ben", Receipt(id="1", msg_id="2"))
        for _ in range(2 * MAX_UNCONFIRMED):
            await again(pair, BACKOFF_S[-1])
        assert await waiting(pair) == 1
        assert await pair.companion.peers.delivery_state("1") == ("", None), "a notice is given up"
        assert read_by_it.count("message") > MAX_UNCONFIRMED
    await pair.ben.listen()
    await again(pair, BACKOFF_S[-1])
    texts = [(await pair.ben.next_message())["opened"]["text"] for _ in range(2)]
    assert texts == ["confirmed", "Hello, Ben!"]
    assert await waiting(pair) == 0


async def test_a_program_that_never_confirms_and_closes_gets_a_message_eight_times(pair: Pair) -> None:
    async with reads_and_closes(pair) as read_by_it:
        posted = await post(pair)
        assert (posted.accepted, posted.data["delivery_method"]) == (True, "direct")
        for _ in range(2 * MAX_UNCONFIRMED):
            await again(pair, BACKOFF_S[-1])
        assert read_by_it == ["message"] * MAX_UNCONFIRMED
        assert await waiting(pair) == 0


async def test_the_next_address_is_tried_if_the_first_one_closes_the_connection(pair: Pair) -> None:
    hosts: list[str] = []

    async def connect(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        hosts.append(host)
        ids = frozenset(each.id for each in items)
        return Exchange(ids, closed=True) if host == "127.0.0.1" else Exchange(ids, ids)

    await pair.companion.peers.add("ben", (await pair.companion.peers.get("ben")).keys, address="")
    await pair.exchange(pair.ben.a("hi", new_id()))
    await pair.companion.peers.note_address("ben", "192.0.2.66")
    pair.companion.peer_link.outbox._connect = connect
    assert (await post(pair)).data["delivered"]
    assert hosts == ["127.0.0.1", "192.0.2.66"]


@pytest.mark.parametrize("bad", [1, BATCH])
async def test_messages_on_which_a_peer_closes_the_connection_do_not_block_later_ones_for_ever(
    pair: Pair, bad: int
) -> None:
    """Regression: they were the first ones of each attempt, or all of them."""
    delivered: set[str] = set()
    refused: list[str] = []

    async def connect(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        first = next((number for number, each in enumerate(items) if each.id in refused), len(items))
        acked = frozenset(each.id for each in items[:first])
        delivered.update(acked)
        return Exchange(frozenset(each.id for each in items), acked, closed=first < len(items))

    await post(pair, "confirmed")
    await pair.ben.close()
    refused += [(await post(pair, "too large")).data["msg_id"] for _ in range(bad)]
    others = {(await post(pair, text)).data["msg_id"] for text in ("one", "two")}
    pair.companion.peer_link.outbox._connect = connect
    for _ in range(bad * MAX_UNCONFIRMED + 1):
        await again(pair, BACKOFF_S[-1])
        await again(pair, BACKOFF_S[0])
    assert delivered == others
    assert await waiting(pair) == bad
    messages = {each["msg_id"]: each["delivery_method"] for each in await pair.messages()}
    assert {messages[each] for each in refused} == {"offline"}


@asynccontextmanager
async def all_batches(pair: Pair, *, closes: bool) -> AsyncIterator[list[int]]:
    """Let ben read items and not confirm them. At the end, let time pass until no other notices are to be sent.

    Yield the sizes of the batches.
    """
    sent: list[int] = []

    async def connect(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        sent.append(len(items))
        return Exchange(frozenset(each.id for each in items), closed=closes)

    outbox = pair.companion.peer_link.outbox
    outbox._connect = connect
    yield sent
    attempts = outbox._to("ben").notices
    while attempts.next_batch and not attempts.next_batch.done() and len(sent) < 10:
        await until(lambda: pair.time.delays(NEXT_BATCH_S))
        pair.time.advance(NEXT_BATCH_S)
        await attempts.next_batch
        async with attempts.lock:  # until the attempt has ended
            pass


async def store_receipts(pair: Pair, number: int) -> None:
    for _ in range(number):
        await pair.companion.peers.enqueue_notice("ben", Receipt(id=new_id(), msg_id=new_id()))


async def test_all_batches_are_sent_to_a_peer_that_does_not_confirm(pair: Pair) -> None:
    """Regression: after the first one, each waited for the poll."""
    async with all_batches(pair, closes=False) as sent:
        await store_receipts(pair, 3 * BATCH + 5)
        await again(pair, 0)
    assert sent == [BATCH, BATCH, BATCH, 5]
    assert await pair.companion.peers.waiting("ben", BATCH, notices=True) == []


async def test_messages_on_which_a_peer_closes_the_connection_are_not_sent_again_every_second(pair: Pair) -> None:
    """Notices are written, and make place for others. Messages wait until they are due."""
    await post(pair, "confirmed")
    await store_receipts(pair, BATCH + 2)
    await pair.companion.apply(replace(pair.companion.settings, peers=False))
    for number in range(BATCH + 2):
        await post(pair, str(number))
    async with all_batches(pair, closes=True) as sent:
        await pair.companion.apply(replace(pair.companion.settings, peers=True))
        await again(pair, 0)
    assert sent == [BATCH, BATCH, 2]
    assert pair.companion.peer_link.outbox._to("ben").messages.next_batch is None


async def test_messages_to_a_busy_peer_are_kept_and_sent_in_order(pair: Pair) -> None:
    """Regression: what a peer did not store while it played a session was given up after some attempts."""
    pair.ben.is_busy = True
    posted = await post(pair, "first")
    assert (posted.accepted, posted.data["delivered"], posted.data["delivery_method"]) == (False, False, "offline")
    assert "ben cannot store anything at the moment" in posted.note
    for _ in range(MAX_UNCONFIRMED):
        await again(pair, BACKOFF_S[-1])
    assert await waiting(pair) == 1
    pair.ben.is_busy = False
    while not pair.ben.received.empty():
        pair.ben.received.get_nowait()
    await post(pair, "second")
    assert [(await pair.ben.next_message())["opened"]["text"] for _ in range(2)] == ["first", "second"]
    assert await waiting(pair) == 0


async def test_attempts_that_did_not_reach_the_peer_do_not_count_as_unconfirmed(pair: Pair) -> None:
    """Regression: after a peer was offline for long, the first attempt without acknowledgement was the last one."""
    await pair.ben.close()
    await post(pair)
    for _ in range(MAX_UNCONFIRMED):
        await again(pair, BACKOFF_S[-1])
    pair.ben.acknowledges = False
    wait_briefly_for_confirmations(pair)
    await pair.ben.listen()
    await again(pair, BACKOFF_S[-1])
    await pair.ben.next_message()
    assert await waiting(pair) == 1


async def test_a_message_to_an_unreachable_peer_is_kept_and_sent_later(pair: Pair) -> None:
    await pair.ben.close()
    posted = await post(pair)
    assert (posted.accepted, posted.data["delivered"], posted.data["delivery_method"]) == (False, False, "offline")
    assert "stored, and is sent again" in posted.note
    assert await waiting(pair) == 1
    await pair.ben.listen()
    await again(pair, BACKOFF_S[0] - 1)
    assert await waiting(pair) == 1
    await again(pair, 1)
    assert (await pair.ben.next_message())["opened"]["text"] == "Hello, Ben!"
    (message,) = await pair.messages()
    assert (message["delivered"], message["delivery_method"]) == (True, "direct")


@pytest.mark.parametrize("with_queue", [False, True])
async def test_an_unreachable_peer_delays_simultaneous_messages_only_once(pair: Pair, with_queue: bool) -> None:
    """Regression: each waited for an attempt of its own, 5 s after the one before."""
    outbox, give_up, sent = pair.companion.peer_link.outbox, asyncio.Event(), []
    if with_queue:
        outbox.queue = MemoryQueue()

    async def unreachable(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        sent.append(len(items))
        await give_up.wait()
        return Exchange(error="it did not answer")

    outbox._connect = unreachable
    posts = [asyncio.create_task(post(pair, "first"))]
    await until(lambda: sent)
    posts += [asyncio.create_task(post(pair, str(n))) for n in range(4)]
    await until(lambda: len(outbox._to("ben").messages.lock._waiters or ()) == 4)
    give_up.set()
    notes = {(await each).note for each in posts}
    if with_queue:
        assert notes == {"ben cannot be reached; the message waits in the offline queue."}
        assert await waiting(pair) == 0
    else:
        assert all(note.startswith("The message is stored, and is sent again later: it did not") for note in notes)
        assert {each.attempts for each in await pair.companion.peers.waiting("ben", 9)} == {1}
    assert sent == [1]
    await post(pair, "a later one")
    assert len(sent) == 2


async def test_messages_of_a_peer_that_cannot_be_reached_delay_an_answer_only_once(pair: Pair) -> None:
    """Regression: each of them began an attempt of its own, and the answer waited 5 s for each."""
    turn, sent = asyncio.Semaphore(0), []

    async def unreachable(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        sent.append(len(items))
        await turn.acquire()
        return Exchange(error="it did not answer")

    pair.companion.peer_link.outbox._connect = unreachable
    turn.release()
    await post(pair, "one that waits")
    for number in range(5):
        await pair.exchange(pair.ben.a(str(number), new_id()))
    await until(lambda: len(sent) == 2)
    answer = asyncio.create_task(post(pair, "answer"))
    await until(lambda: len(pair.companion.peer_link.outbox._to("ben").messages.lock._waiters or ()) == 2)
    turn.release()
    turn.release()
    assert (await answer).note == "The message is stored, and is sent again later: it did not answer."
    assert sent == [1, 1, 2]


async def test_an_unreachable_peer_is_tried_less_and_less_often_also_with_many_messages(pair: Pair) -> None:
    await pair.ben.close()
    for _ in range(BATCH + 2):
        await post(pair)
    await again(pair, BACKOFF_S[-1])
    rows = len(pair.rows(NOT_SENT))
    await again(pair, BACKOFF_S[0])
    assert len(pair.rows(NOT_SENT)) == rows
    await again(pair, BACKOFF_S[-1])
    assert len(pair.rows(NOT_SENT)) == rows + BATCH


async def test_new_messages_do_not_delay_the_next_attempt_of_older_ones(pair: Pair) -> None:
    """Regression: each new one counted as a failed attempt of the others, which soon waited five minutes."""
    await pair.ben.close()
    for number in range(BATCH):
        await post(pair, str(number))
    assert {each.attempts for each in await pair.companion.peers.waiting("ben", BATCH)} == {1}
    assert len(pair.rows(NOT_SENT)) == BATCH
    await pair.ben.listen()
    await again(pair, BACKOFF_S[0])
    assert await waiting(pair) == 0


async def test_a_sign_of_life_sends_what_waits(pair: Pair) -> None:
    await pair.ben.close()
    await post(pair)
    await pair.ben.listen()
    await pair.exchange(pair.ben.a("I am back", new_id()))
    assert (await pair.ben.next_message())["opened"]["text"] == "Hello, Ben!"


async def test_messages_keep_their_order(pair: Pair) -> None:
    await pair.ben.close()
    for number in range(5):
        await post(pair, str(number))
    await pair.ben.listen()
    await again(pair, BACKOFF_S[-1])
    assert [(await pair.ben.next_message())["opened"]["text"] for _ in range(5)] == list("01234")


async def test_a_deleted_message_is_not_sent(pair: Pair) -> None:
    await pair.ben.close()
    posted = await post(pair)
    await pair.companion.chat.delete_message(posted.data["msg_id"])
    assert await waiting(pair) == 0
    await pair.ben.listen()
    await again(pair, BACKOFF_S[-1])
    assert pair.ben.received.empty()
    assert await waiting(pair) == 0


async def test_a_waiting_message_that_was_deleted_and_restored_is_sent(pair: Pair) -> None:
    """Regression: it was shown as waiting, and never sent, if the outbox had dropped it meanwhile."""
    await pair.ben.close()
    posted = await post(pair)
    deleted = await pair.companion.chat.delete_message(posted.data["msg_id"])
    await again(pair, BACKOFF_S[-1])
    assert await waiting(pair) == 0
    await pair.companion.chat.restore_message(deleted)
    assert await waiting(pair) == 1
    await pair.ben.listen()
    await again(pair, BACKOFF_S[-1])
    assert (await pair.ben.next_message())["opened"]["text"] == "Hello, Ben!"
    deleted = await pair.companion.chat.delete_message(posted.data["msg_id"])
    await pair.companion.chat.restore_message(deleted)
    assert await waiting(pair) == 0


async def test_what_waits_for_a_removed_friend_is_sent_when_it_is_a_friend_again(pair: Pair) -> None:
    """Regression: it was sent to someone whom the user had just removed."""
    await pair.ben.close()
    await post(pair)
    await pair.companion.chat.remove_friend("ben")
    await pair.ben.listen()
    await again(pair, BACKOFF_S[-1])
    outbox = pair.companion.peer_link.outbox
    assert await outbox.send_waiting(outbox._to("ben").messages) == []
    assert (pair.ben.received.empty(), await waiting(pair)) == (True, 1)
    await pair.companion.chat.add_friend("ben")
    await again(pair, 0)
    assert (await pair.ben.next_message())["opened"]["text"] == "Hello, Ben!"


async def test_a_friend_who_is_removed_during_an_attempt_does_not_come_online(pair: Pair) -> None:
    outbox = pair.companion.peer_link.outbox

    async def confirm(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        await pair.companion.chat.remove_friend("ben")
        ids = frozenset(each.id for each in items)
        return Exchange(ids, ids)

    outbox._connect = confirm
    assert (await post(pair)).data["delivered"]
    await outbox._tasks.join()
    assert not pair.rows("friend_online")


async def test_switched_off_peers_keep_messages(pair: Pair) -> None:
    await pair.companion.apply(replace(pair.companion.settings, peers=False))
    posted = await post(pair)
    assert "switched off" in posted.note
    assert not posted.accepted
    assert pair.ben.received.empty()
    assert await waiting(pair) == 1


async def test_a_session_sends_nothing_to_real_people(pair: Pair) -> None:
    """Regression: if its chat state was kept, what it had posted was sent at its end."""
    await pair.ben.close()
    await post(pair, "a real one")
    await pair.ben.listen()
    await pair.companion.chat.begin_scratch()
    posted = await post(pair)
    assert "real people" in posted.note
    await again(pair, BACKOFF_S[-1])
    await pair.companion.chat.end_scratch(keep=True)
    assert pair.ben.received.empty()
    await again(pair, BACKOFF_S[-1])
    assert (await pair.ben.next_message())["opened"]["text"] == "a real one"
    assert pair.ben.received.empty()
    assert await waiting(pair) == 0
    assert len(await pair.messages()) == 2


async def test_a_session_on_the_users_own_state_does_not_fix_time_and_id_of_messages_to_peers(pair: Pair) -> None:
    """Regression: they were sorted before all others, and a later run with the same seed used their ids again."""
    values, ids = pair.companion.values, set()
    for _ in range(2):
        values.fix(7, lambda: 1.0)
        fixed = values.message_id()
        values.fix(7, lambda: 1.0)
        posted = (await post(pair)).data
        assert posted["timestamp"] == iso(pair.time.clock.wall())
        ids |= {posted["msg_id"], fixed}
    assert len(ids) == 3
    await pair.companion.chat.begin_scratch()
    posted = (await post(pair)).data
    assert (posted["timestamp"], posted["msg_id"]) == (iso(1.0), fixed), "in a copy, everything is fixed"
    values.release()


async def test_an_attempt_that_waits_while_a_session_begins_sends_nothing_of_the_session(pair: Pair) -> None:
    """Regression: it sent what the session had posted meanwhile."""
    release = asyncio.Event()
    sent: list[Sequence[OutgoingItem]] = []

    async def slow(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        sent.append(items)
        await release.wait()
        return Exchange(frozenset(each.id for each in items))

    outbox = pair.companion.peer_link.outbox
    outbox._connect = slow
    first, second = asyncio.create_task(post(pair)), asyncio.create_task(post(pair))
    await until(lambda: sent)
    await pair.companion.chat.begin_scratch()
    await post(pair, "made up")
    release.set()
    await asyncio.gather(first, second)
    await pair.companion.chat.end_scratch(keep=False)
    assert len(sent) == 1


async def test_a_confirmed_message_is_delivered_also_if_a_session_has_begun_meanwhile(pair: Pair) -> None:
    async def begin_session(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        await pair.companion.chat.begin_scratch()
        return await dialer.exchange(host, port, peer, items)

    pair.companion.peer_link.outbox._connect = begin_session
    posted = await post(pair)
    assert (posted.accepted, posted.data["delivered"], posted.note) == (True, True, "")


@pytest.mark.parametrize("is_written", [True, False])
async def test_a_message_is_sent_after_a_session_that_began_during_its_attempt(
    pair: Pair, is_written: bool
) -> None:
    """Regression: if the session reset its copy, the message was called deleted, and not sent again."""
    pair.companion.peer_link.outbox.queue = queue = MemoryQueue()

    async def begin_session(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        await pair.companion.chat.begin_scratch()
        await pair.companion.chat.reset()
        return Exchange(frozenset({items[0].id})) if is_written else Exchange(error="it did not answer")

    pair.companion.peer_link.outbox._connect = begin_session
    posted = await post(pair)
    assert posted.note == "The message is stored, and is sent to ben after the session that plays now."
    assert not posted.accepted
    (row,) = [*pair.rows("peer sent"), *pair.rows(NOT_SENT)]
    assert row.note.endswith("; a session has begun meanwhile, so it is sent again after the session")
    await pair.companion.chat.end_scratch(keep=False)
    assert (await waiting(pair), queue.messages) == (1, [])


class MemoryQueue:
    def __init__(self, error: str = "") -> None:
        self.available = True
        self.error = error
        self.rejected: set[str] = set()
        self.messages: list[QueuedMessage] = []
        self.calls = 0

    async def put(self, message: QueuedMessage) -> None:
        self.calls += 1
        if self.error:
            raise Unreachable(self.error)
        if message.msg_id in self.rejected:
            raise Invalid("The message is too large.")
        self.messages.append(message)


async def test_the_offline_queue_gets_both_forms(pair: Pair) -> None:
    pair.companion.peer_link.outbox.queue = queue = MemoryQueue()
    await pair.ben.close()
    posted = await post(pair)
    assert (posted.accepted, posted.data["delivery_method"], await waiting(pair)) == (False, "offline", 0)
    assert "offline queue" in posted.note
    (message,) = queue.messages
    assert (message.msg_id, message.sender, message.recipient) == (posted.data["msg_id"], "anna", "ben")
    assert pair.ben.open_a(json.loads(message.envelope))["text"] == "Hello, Ben!"
    assert isinstance(read(message.envelope), Sealed)
    form_b = Sealed(
        type="chat", sender="anna", to="ben", at=0, nonce=b"", ciphertext=message.ciphertext,
        signature=message.signature, msg_id=message.msg_id,
    )  # fmt: skip
    from app.protocol.peers.keys import Identity

    ben = Identity(bytes(pair.ben.box_key), bytes(pair.ben.sign_key), "b" * 32)
    own = (await pair.companion.identity.load()).public
    assert open_message(form_b, ben, own).text == "Hello, Ben!"


async def test_a_message_that_is_never_confirmed_is_put_into_the_offline_queue(pair: Pair) -> None:
    """The directory may name the address of another program, which takes everything and stores nothing."""
    pair.companion.peer_link.outbox.queue = queue = MemoryQueue("The project sleeps.")
    pair.ben.acknowledges = False
    wait_briefly_for_confirmations(pair)
    posted = await post(pair)
    for _ in range(MAX_UNCONFIRMED):
        assert await waiting(pair) == 1
        await again(pair, BACKOFF_S[-1])
    assert await waiting(pair) == 1, "the queue failed"
    queue.error = ""
    await again(pair, BACKOFF_S[-1])
    assert [each.msg_id for each in queue.messages] == [posted.data["msg_id"]]
    assert await waiting(pair) == 0
    (message,) = await pair.messages()
    assert (message["delivered"], message["delivery_method"]) == (False, "offline")


async def test_the_address_of_the_directory_is_tried_after_the_one_of_the_last_verified_frame(pair: Pair) -> None:
    hosts: list[str] = []

    async def unreachable(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        hosts.append(host)
        return Exchange(error=f"{host} cannot be reached")

    await pair.companion.peers.add("ben", (await pair.companion.peers.get("ben")).keys, address="")
    await pair.exchange(pair.ben.a("hi", new_id()))
    await pair.companion.peers.note_address("ben", "192.0.2.66")
    pair.companion.peer_link.outbox._connect = unreachable
    await post(pair)
    assert hosts == ["127.0.0.1", "192.0.2.66"]


async def test_a_message_to_a_peer_that_is_forgotten_meanwhile_is_in_no_queue(pair: Pair) -> None:
    """Regression: the note said that it waits in the offline queue, also without one."""

    async def forget(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        await pair.companion.peers.forget("ben")
        return Exchange(error="it did not answer")

    pair.companion.peer_link.outbox._connect = forget
    posted = await post(pair)
    assert posted.note.startswith("The message is stored and is not sent: ben was forgotten")
    assert not posted.accepted


@pytest.mark.parametrize("is_written", [True, False])
@pytest.mark.parametrize("what", ["delete", "reset", "forget"])
async def test_a_message_that_is_removed_while_it_is_being_sent_is_not_sent_again(
    pair: Pair, what: str, is_written: bool
) -> None:
    """Regression: the response and the row said that it is sent again, and it was put into the offline queue."""
    pair.companion.peer_link.outbox.queue = queue = MemoryQueue()

    async def remove(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        match what:
            case "delete":
                await pair.companion.chat.delete_message(items[0].id)
            case "reset":
                await pair.companion.chat.reset()
            case "forget":
                await pair.companion.peers.forget("ben")
        return Exchange(frozenset({items[0].id})) if is_written else Exchange(error="it did not answer")

    pair.companion.peer_link.outbox._connect = remove
    posted = await post(pair)
    assert queue.messages == []
    (row,) = [*pair.rows("peer sent"), *pair.rows(NOT_SENT)]
    assert row.note.endswith("; it was removed from the outbox meanwhile, so it is not sent again")
    assert (row.event == "peer sent") is is_written
    if what == "forget":
        again = " again" if is_written else ""
        assert posted.note.startswith(f"The message is stored and is not sent{again}: ben was forgotten")
        assert posted.data["delivery_method"] == ("direct" if is_written else "offline")
        assert posted.accepted is is_written
    else:
        assert posted.note == "The message was deleted while it was being sent to ben, so it is not sent again."
        assert not posted.accepted


async def test_a_message_is_in_the_queue_also_if_keys_are_accepted_just_after_it_was_put_there(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the note said that ben was forgotten, and that the message is not sent."""
    pair.companion.peer_link.outbox.queue = queue = MemoryQueue()
    await pair.ben.close()
    peers, note_queued = pair.companion.peers, pair.companion.peers.note_queued

    async def accept_then(id_: str, keys: PublicKeys) -> bool:
        is_noted = await note_queued(id_, keys)
        await peers.offer("ben", PublicKeys.parse(**_parsed(IndependentPeer("ben", "anna").keys)))
        await peers.decide("ben", accept=True)
        return is_noted

    monkeypatch.setattr(peers, "note_queued", accept_then)
    posted = await post(pair)
    assert posted.note == "ben cannot be reached; the message waits in the offline queue."
    assert [each.msg_id for each in queue.messages] == [posted.data["msg_id"]]


@pytest.mark.parametrize("keep", [True, False])
async def test_a_message_is_sent_again_if_a_session_begins_while_it_is_put_into_the_queue(
    pair: Pair, keep: bool
) -> None:
    """Regression: the row said only that it waits in the offline queue, unlike the response."""

    class SlowQueue(MemoryQueue):
        async def put(self, message: QueuedMessage) -> None:
            await super().put(message)
            await pair.companion.chat.begin_scratch()

    pair.companion.peer_link.outbox.queue = SlowQueue()
    await pair.ben.close()
    posted = await post(pair)
    assert posted.note == "The message is stored, and is sent to ben after the session that plays now."
    (row,) = pair.rows("peer sent")
    assert row.note.endswith(
        "; it waits in the offline queue; a session has begun meanwhile, so it is sent again after the session"
    )
    await pair.companion.chat.end_scratch(keep=keep)
    assert await waiting(pair) == 1


async def test_a_message_is_in_the_queue_also_if_a_session_begins_just_after_it_was_put_there(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the note said that it is sent after the session."""
    pair.companion.peer_link.outbox.queue = MemoryQueue()
    await pair.ben.close()
    note_queued = pair.companion.peers.note_queued

    async def begin_session_then(id_: str, keys: PublicKeys) -> bool:
        is_noted = await note_queued(id_, keys)
        await pair.companion.chat.begin_scratch()
        return is_noted

    monkeypatch.setattr(pair.companion.peers, "note_queued", begin_session_then)
    posted = await post(pair)
    assert posted.note == "ben cannot be reached; the message waits in the offline queue."
    await pair.companion.chat.end_scratch(keep=False)
    assert await waiting(pair) == 0


async def test_messages_are_sent_again_if_keys_are_accepted_while_one_is_put_into_the_queue(pair: Pair) -> None:
    """Regression: they were removed from the outbox, and in the queue for the former keys only."""
    peers, new = pair.companion.peers, IndependentPeer("ben", "anna")
    new.learn(**(await pair.companion.identity.load()).public.as_json())
    await pair.ben.close()
    await post(pair, "first")

    class AcceptingQueue(MemoryQueue):
        async def put(self, message: QueuedMessage) -> None:
            await super().put(message)
            if len(self.messages) == 1:
                await peers.offer("ben", PublicKeys.parse(**_parsed(new.keys)))
                await peers.decide("ben", accept=True)

    pair.companion.peer_link.outbox.queue = for_former_keys = AcceptingQueue()
    posted = await post(pair, "second")
    assert posted.note == "The message is stored, and is sent again later: the keys of ben were replaced meanwhile."
    assert len(for_former_keys.messages) == 1
    pair.companion.peer_link.outbox.queue = queue = MemoryQueue()
    await again(pair, 0)
    assert [new.open_a(json.loads(each.envelope))["text"] for each in queue.messages] == ["second"]
    assert await waiting(pair) == 1, "the queue would take the first message for the one that it has"


async def test_a_failing_queue_keeps_the_message(pair: Pair) -> None:
    pair.companion.peer_link.outbox.queue = MemoryQueue("The project sleeps.")
    await pair.ben.close()
    posted = await post(pair)
    assert "the offline queue failed: The project sleeps" in posted.note
    assert await waiting(pair) == 1


@pytest.mark.parametrize("is_on", [True, False])
async def test_a_queue_that_does_not_respond_is_tried_once_and_gets_messages_in_order(
    pair: Pair, is_on: bool
) -> None:
    """Regression: each message waited for the timeouts of all older ones, and could overtake them."""
    pair.companion.peer_link.outbox.queue = queue = MemoryQueue("host did not respond")
    await pair.ben.close()
    await pair.companion.apply(replace(pair.companion.settings, peers=is_on))
    for number in range(3):
        posted = await post(pair, str(number))
        assert "the offline queue failed: host did not respond" in posted.note
        assert queue.calls == number + 1
    queue.error = ""
    await post(pair, "3")
    texts = [pair.ben.open_a(json.loads(each.envelope))["text"] for each in queue.messages]
    assert texts == ["0", "1", "2", "3"]


async def test_a_message_that_the_queue_rejects_does_not_block_later_ones(pair: Pair) -> None:
    """Regression: it was tried first in each attempt, and no other one was tried after it."""
    outbox = pair.companion.peer_link.outbox
    await pair.ben.close()
    rejected = (await post(pair, "too large")).data["msg_id"]
    outbox.queue = queue = MemoryQueue()
    queue.rejected.add(rejected)
    for text in ("one", "two"):
        posted = await post(pair, text)
        assert posted.note == "ben cannot be reached; the message waits in the offline queue."
    texts = [pair.ben.open_a(json.loads(each.envelope))["text"] for each in queue.messages]
    assert (texts, await waiting(pair)) == (["one", "two"], 1)
    await again(pair, BACKOFF_S[-1])
    assert "the offline queue rejected it: The message is too large" in pair.rows(NOT_SENT)[-1].note


async def test_what_a_peer_with_new_keys_cannot_decrypt_is_kept_until_they_are_accepted(pair: Pair) -> None:
    """Regression: it was given up after some attempts, or put into the queue, encrypted for the old keys."""
    pair.companion.peer_link.outbox.queue = queue = MemoryQueue()
    pair.ben.acknowledges = False
    wait_briefly_for_confirmations(pair)
    await post(pair, "first")
    new = IndependentPeer("ben", "anna")
    new.learn(**(await pair.companion.identity.load()).public.as_json())
    new.port = pair.ben.port
    await pair.companion.peers.offer("ben", PublicKeys.parse(**_parsed(new.keys)))
    await pair.companion.peers.enqueue_notice("ben", reaction(new_id(), present=True))
    for _ in range(2 * MAX_UNCONFIRMED):
        await again(pair, BACKOFF_S[-1])
    sent = Counter(pair.ben.received.get_nowait()["type"] for _ in range(pair.ben.received.qsize()))
    assert sent == {"message": MAX_UNCONFIRMED, "companion": 1}, "others may offer keys, so that ben gets more"
    await pair.ben.close()
    assert (await post(pair, "second")).note.endswith(
        "the new keys of ben wait for your decision; next attempt in 5 s."
    )
    assert (await waiting(pair), queue.messages) == (2, [])
    await pair.companion.peers.decide("ben", accept=True)
    await new.listen()
    await again(pair, 0)
    arrived = [(await new.next_message())["opened"] for _ in range(3)]
    assert [each["text"] for each in arrived if "kind" not in each] == ["first", "second"]
    assert await waiting(pair) == 0
    await new.close()


async def test_what_was_often_sent_is_sent_once_more_after_new_keys_are_rejected(pair: Pair) -> None:
    pair.ben.acknowledges = False
    wait_briefly_for_confirmations(pair)
    new = IndependentPeer("ben", "anna")
    await pair.companion.peers.offer("ben", PublicKeys.parse(**_parsed(new.keys)))
    await post(pair)
    await store_receipts(pair, BATCH)
    for _ in range(MAX_UNCONFIRMED + 1):
        await again(pair, BACKOFF_S[-1])
    assert "sent again after you have decided about its new keys" in pair.rows("peer sent")[-1].note
    assert [await pair.companion.peers.due(BATCH, notices=each) for each in (False, True)] == [[], []]
    await post(pair, "later")
    assert pair.rows("peer sent")[-1].note.endswith("so it is sent again in 5 s"), "they take no place in a batch"
    sent = pair.ben.received.qsize()
    assert sent == MAX_UNCONFIRMED + BATCH + 1
    await pair.companion.peers.decide("ben", accept=False)
    for _ in range(MAX_UNCONFIRMED):
        await again(pair, BACKOFF_S[-1])
    assert pair.ben.received.qsize() == sent + 1 + BATCH + MAX_UNCONFIRMED - 1
    assert [await pair.companion.peers.waiting("ben", BATCH, notices=each) for each in (False, True)] == [[], []]


@pytest.mark.parametrize("result", ["unreachable", "unconfirmed", "confirmed"])
async def test_keys_that_are_accepted_during_an_attempt_are_used_at_once(pair: Pair, result: str) -> None:
    """Regression: the result with the old keys was stored, and all waited, or was in the queue for those."""
    pair.companion.peer_link.outbox.queue = queue = MemoryQueue()
    new = IndependentPeer("ben", "anna")

    async def accept(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        await pair.companion.peers.offer("ben", PublicKeys.parse(**_parsed(new.keys)))
        await pair.companion.peers.decide("ben", accept=True)
        ids = frozenset(each.id for each in items)
        return {
            "unreachable": Exchange(error="it did not answer"),
            "unconfirmed": Exchange(ids),
            "confirmed": Exchange(ids, ids),
        }[result]

    pair.companion.peer_link.outbox._connect = accept
    posted = await post(pair)
    items = await pair.companion.peers.waiting("ben", BATCH)
    expected = [] if result == "confirmed" else [(0, 0, True)]
    assert [(each.attempts, each.written, each.due) for each in items] == expected
    assert (posted.data["delivered"], queue.messages) == (result == "confirmed", [])
    assert posted.note.endswith("the keys of ben were replaced meanwhile.") == (result != "confirmed"), posted.note


async def test_a_personas_answer_is_not_expected_of_a_peer(pair: Pair) -> None:
    posted: list[Any] = []
    pair.companion.chat.posted.connect(posted.append)
    await post(pair)
    assert posted == []


async def test_typing_is_sent_with_a_signed_time(pair: Pair) -> None:
    """The time of the envelope is not signed: with another one, a replay would be as good as new."""
    await pair.companion.fire(Envelope("friend_online", {"username": "ben"}), origin=Origin("test"))
    pair.companion.peer_link.notices._on_typing(TypingTo(to="ben", typing=True))
    opened = (await pair.ben.next_message())["opened"]
    assert {**opened, "id": ""} == {"kind": "typing", "id": "", "typing": True, "at": pair.time.clock.wall()}


async def test_typing_after_a_message_has_a_time_after_the_second_of_the_message(pair: Pair) -> None:
    """Envelopes of messages have whole seconds: otherwise, the recipient could not know which of them is later."""
    posted = await post(pair)
    await pair.ben.next_message()
    await until(lambda: pair.rows("friend_online"))
    for seconds, at in [(0.0, int(parse_timestamp(posted.data["timestamp"])) + 1), (2.0, pair.time.began + 2)]:
        pair.time.passed = seconds
        pair.companion.peer_link.notices._on_typing(TypingTo(to="ben", typing=seconds == 0))
        assert (await pair.ben.next_message())["opened"]["at"] == at


async def test_typing_that_ends_in_the_second_of_a_message_has_a_later_time_than_its_begin(pair: Pair) -> None:
    """Regression: both had the end of that second, so that the recipient could take the first for the later one."""
    await post(pair)
    await pair.ben.next_message()
    await until(lambda: pair.rows("friend_online"))
    times = []
    for typing in (True, False, True):
        pair.companion.peer_link.notices._on_typing(TypingTo(to="ben", typing=typing))
        times.append((await pair.ben.next_message())["opened"]["at"])
    assert times[0] < times[1] < times[2] < times[0] + 0.1
    pair.time.passed = -60  # the clock is set back
    pair.companion.peer_link.notices._on_typing(TypingTo(to="ben", typing=False))
    assert (await pair.ben.next_message())["opened"]["at"] == pair.time.clock.wall()


async def test_a_reaction_of_the_user_is_sent(pair: Pair) -> None:
    msg_id = (await pair.exchange(pair.ben.a("hi", new_id())))["ack_msg_id"]
    await pair.companion.chat.react(msg_id, "👍", "anna")
    arrived = await pair.ben.next_message()
    assert arrived["type"] == "companion"
    assert {**arrived["opened"], "id": ""} == {
        "kind": "reaction", "id": "", "msg_id": msg_id, "emoji": "👍", "present": True,
    }  # fmt: skip


def reaction(msg_id: str, *, present: bool, emoji: str = "👍") -> PeerReaction:
    return PeerReaction(id=new_id(), msg_id=msg_id, emoji=emoji, present=present)


async def test_a_read_receipt_that_waits_is_not_added_again(pair: Pair) -> None:
    """Regression: each event mark_read for the same message added another one."""
    first, second = [(await pair.exchange(pair.ben.a("hi", new_id())))["ack_msg_id"] for _ in range(2)]
    await pair.ben.close()
    for msg_id in (first, first, second, first, second):
        await pair.companion.peer_link.notices._send_receipt(MarkRead(peer="ben", msg_id=msg_id))
    waits = await pair.companion.peers.waiting("ben", BATCH, notices=True)
    items = [json.loads(each.notice) for each in waits]
    assert [(each["kind"], each["msg_id"]) for each in items] == [("read", first), ("read", second)]


async def test_reading_up_to_an_own_message_confirms_the_newest_one_of_the_peer_before(pair: Pair) -> None:
    confirmed = [(await pair.exchange(pair.ben.a("hi", new_id())))["ack_msg_id"] for _ in range(2)]
    await pair.ben.close()
    own, _ = await pair.companion.chat.store.send("ben", "hello")
    for peer, msg_id in (("cleo", own["msg_id"]), ("ben", new_id()), ("ben", own["msg_id"])):
        await pair.companion.peer_link.notices._send_receipt(MarkRead(peer=peer, msg_id=msg_id))
    waits = await pair.companion.peers.waiting("ben", BATCH, notices=True)
    assert [json.loads(each.notice)["msg_id"] for each in waits] == [confirmed[-1]]


async def test_a_reaction_is_sent_after_its_message(pair: Pair) -> None:
    """Regression: it was sent while the message waited for its next attempt, and the peer could not store it."""
    pair.ben.acknowledges = False
    wait_briefly_for_confirmations(pair)
    posted = await post(pair)
    pair.ben.acknowledges = True
    await pair.companion.peers.enqueue_notice("ben", reaction(posted.data["msg_id"], present=True))
    await post(pair, "another")
    await again(pair, BACKOFF_S[0])
    arrived = [(await pair.ben.next_message())["opened"] for _ in range(3)]
    assert [each["text"] for each in arrived] == ["Hello, Ben!", "another", "Hello, Ben!"]
    assert (await pair.ben.next_message())["opened"]["kind"] == "reaction"


async def test_a_message_does_not_wait_for_a_peer_that_does_not_acknowledge_notices(pair: Pair) -> None:
    """Regression: it was sent five seconds after a read receipt, when the peer's acknowledgement was overdue."""
    msg_id = (await pair.exchange(pair.ben.a("hi", new_id())))["ack_msg_id"]
    outbox, release = pair.companion.peer_link.outbox, asyncio.Event()
    sent: list[int] = []

    async def ignores_notices(host: str, port: int, peer: str, items: Sequence[OutgoingItem]) -> Exchange:
        found = await impatient(pair, host, port, peer, items)
        sent.append(len(items))
        if not found.acked:
            await release.wait()
        return found

    outbox._connect = ignores_notices
    for notice in (Receipt(id=new_id(), msg_id=msg_id), reaction(msg_id, present=True)):
        await pair.companion.peer_link.notices._enqueue("ben", notice)
        await until(lambda: sent)
    posted = asyncio.create_task(post(pair))
    await until(posted.done)
    assert (await posted).data["delivered"]
    release.set()
    kinds = [(await pair.ben.next_message())["opened"].get("kind", "message") for _ in range(3)]
    assert kinds == ["read", "message", "reaction"]
    await until(lambda: len(pair.rows("peer sent")) == 3)
    assert sent == [1, 1, 1]


@pytest.mark.parametrize("is_written", [False, True])
async def test_a_reaction_that_waits_is_not_sent_after_it_was_removed(pair: Pair, is_written: bool) -> None:
    """Regression: it was sent again after its removal, and stayed at the peer for ever."""
    wait_briefly_for_confirmations(pair)
    posted = await post(pair)
    msg_id = posted.data["msg_id"]
    await pair.ben.next_message()

    async def add() -> None:
        await pair.companion.peers.enqueue_notice("ben", reaction(msg_id, present=True))
        outbox = pair.companion.peer_link.outbox
        pair.companion.hub.carry_out(await outbox.send_waiting(outbox._to("ben").notices))

    if is_written:
        async with reads_and_closes(pair) as read_by_it:
            await add()
            assert read_by_it == ["companion"]
    else:
        await pair.ben.close()
        await add()
    await pair.ben.listen()
    for notice in (reaction(msg_id, present=True, emoji="🎉"), reaction(msg_id, present=False)):
        await pair.companion.peers.enqueue_notice("ben", notice)
    await again(pair, BACKOFF_S[-1])
    await again(pair, BACKOFF_S[-1])
    arrived = [(await pair.ben.next_message())["opened"] for _ in range(2)]
    assert [(each["emoji"], each["present"]) for each in arrived] == [("🎉", True), ("👍", False)]
    assert pair.ben.received.empty()
    assert await pair.companion.peers.waiting("ben", BATCH, notices=True) == []


async def test_a_reaction_that_waits_is_not_sent_after_notices_are_switched_off(pair: Pair) -> None:
    msg_id = (await pair.exchange(pair.ben.a("hi", new_id())))["ack_msg_id"]
    await pair.ben.close()
    await pair.companion.chat.react(msg_id, "👍", "anna")
    await until(lambda: pair.rows(NOT_SENT))
    await pair.companion.apply(replace(pair.companion.settings, peer_notices=False))
    await pair.ben.listen()
    await post(pair)
    assert (await pair.ben.next_message())["opened"]["text"] == "Hello, Ben!"
    assert await waiting(pair) == 0


async def test_simultaneous_posts_are_sent_once_each(pair: Pair) -> None:
    await asyncio.gather(*(post(pair, str(n)) for n in range(4)))
    texts = sorted([(await pair.ben.next_message())["opened"]["text"] for _ in range(4)])
    assert texts == list("0123")
    assert pair.ben.received.empty()
