"""What a hostile peer, or a reader of the network or the queue, cannot do: hide, redirect or confirm messages."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import pytest

from app.endpoints.peer_server import MAX_PER_ADDRESS
from app.hub.origin import PEERS
from app.protocol.backend import RestCaller
from app.protocol.peers.keys import PublicKeys
from app.sources.peers.dialer import MAX_ANSWERS, OutgoingItem, exchange
from tests.conftest import until
from tests.hub.doubles import RecordingTransport
from tests.independent_peer import IndependentPeer, frame, new_id, now, read_frame
from tests.sources.peers.pair import Pair

UI = RestCaller("", "")


@pytest.fixture
async def mallory(pair: Pair) -> AsyncIterator[IndependentPeer]:
    """Another friend of anna."""
    mallory = IndependentPeer("mallory", "anna")
    mallory.learn(**(await pair.companion.identity.load()).public.as_json())
    keys = PublicKeys.parse(mallory.keys["public_key"], mallory.keys["signing_key"])
    await pair.companion.peers.add("mallory", keys, await mallory.listen())
    yield mallory
    await mallory.close()


async def texts(pair: Pair, peer: str) -> list[str]:
    return [each["text"] for each in (await pair.companion.chat.store.page(peer, 100, 0))[0]]


async def test_an_id_that_another_friend_used_first_hides_no_message(pair: Pair, mallory: IndependentPeer) -> None:
    msg_id = new_id()
    await pair.exchange(mallory.a("mine", msg_id))
    genuine = pair.ben.a("from ben", msg_id)
    assert (await pair.exchange(genuine))["ack_msg_id"] == msg_id
    assert (await texts(pair, "mallory"), await texts(pair, "ben")) == (["mine"], ["from ben"])
    assert (await pair.exchange(pair.ben.a("from ben", msg_id)))["ack_msg_id"] == msg_id  # sent again
    assert await texts(pair, "ben") == ["from ben"]
    assert "the id of another message" in pair.rows("peer received")[-1].note


async def test_a_message_that_was_given_the_id_of_a_later_one_does_not_hide_it(pair: Pair) -> None:
    first, later = pair.ben.b("first", new_id()), new_id()
    await pair.exchange({**first, "msg_id": later})  # dialect B does not protect the id
    await pair.exchange(pair.ben.a("later", later))
    await pair.exchange(pair.ben.b("later", later))  # the same message, as a queue has it
    await pair.exchange(first)
    assert await texts(pair, "ben") == ["first", "later"]


async def test_a_friend_changes_nothing_in_the_chat_with_another_friend(
    pair: Pair, mallory: IndependentPeer
) -> None:
    pair.ben.acknowledges = False
    posting = asyncio.ensure_future(pair.companion.chat.post_message("ben", "for ben", UI))
    msg_id = (await pair.ben.next_message())["opened"]["msg_id"]
    ack = {"type": "ack", "from": "ben", "to": "anna", "timestamp": now(), "ack_msg_id": msg_id}
    line = await pair.line()
    await line.send(
        mallory.a("instead", msg_id),
        ack,
        {**ack, "from": "mallory"},
        mallory.a("", "", "companion", _notice("read", msg_id)),
        mallory.a("", "", "companion", _notice("reaction", msg_id, emoji="👎", present=True)),
        pair.ben.a("the end", new_id()),
    )
    await line.answer()
    await until(lambda: len(pair.rows("peer received")) == 4)
    stored = {each["text"]: each for each in await pair.messages()}
    assert (stored["for ben"]["delivered"], stored["for ben"].get("reactions")) == (False, None)
    assert await texts(pair, "mallory") == ["instead"]
    assert (await pair.companion.peers.delivery_state(msg_id))[0] == "outbox"
    posting.cancel()
    with suppress(asyncio.CancelledError):
        await posting


def _notice(kind: str, msg_id: str, **more: Any) -> bytes:
    return json.dumps({"kind": kind, "id": new_id(), "msg_id": msg_id, **more}).encode()


async def test_a_replay_does_not_change_where_messages_are_sent(pair: Pair, monkeypatch: Any) -> None:
    message, notice = pair.ben.a("hi", new_id()), pair.ben.a("", "", "companion", _notice("read", new_id()))
    await pair.exchange(message)
    await pair.exchange(notice)
    book = pair.companion.peers
    for envelope in (message, notice):
        found = await pair.companion.peer_link.handle(json.dumps(envelope).encode(), From("198.51.100.66"))
        assert found is not None  # it is confirmed again: the first confirmation may be lost
        assert (await book.get("ben")).last_ip == "127.0.0.1"


class From:
    """A connection from some address."""

    def __init__(self, ip: str) -> None:
        self.ip = ip
        self.pinged = 0.0


async def test_connections_at_the_same_time_do_not_tell_who_the_peers_are(pair: Pair) -> None:
    """Regression: only pings after the answer to another one were limited."""
    pings = [{**pair.ben.ping(), "from": name} for name in ("zoe", "ben", "alice")]
    handle, elsewhere = pair.companion.peer_link.handle, From("198.51.100.7")
    answers = [handle(json.dumps(each).encode(), From("198.51.100.66")) for each in pings]
    *found, answer = await asyncio.gather(*answers, handle(json.dumps(pings[1]).encode(), elsewhere))
    assert found == [None, None, None]
    assert answer is not None


@pytest.mark.parametrize("moment", ["9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59"])
async def test_a_time_outside_of_the_calendar_is_refused(pair: Pair, moment: str) -> None:
    line = await pair.line()
    await line.send({**pair.ben.a("when?", new_id()), "timestamp": moment}, pair.ben.a("still open", new_id()))
    await line.answer()
    assert await texts(pair, "ben") == ["still open"]
    assert "not an ISO 8601 time" in pair.refusals[0]


@pytest.mark.parametrize(
    ("host", "port"),
    [
        *((host, 9) for host in ("a" * 70, "x\x00y", "..", "\ud800", "fe80::1%nosuch", "198.51.100.1\n")),
        ("127.0.0.1", 65536),
    ],
)
async def test_an_address_that_is_none_is_an_error_of_that_peer_only(host: str, port: int) -> None:
    found = await exchange(host, port, "ben", [OutgoingItem("1", b"{}")])
    assert (found.written, found.acked) == (frozenset(), frozenset())
    assert "cannot be reached" in found.error


async def test_a_peer_that_answers_without_end_is_not_read_further(pair: Pair) -> None:
    sent = 0

    async def flood(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        await read_frame(reader)
        ping = {"type": "ping", "from": "ben", "to": "anna", "timestamp": now()}
        try:
            while True:
                writer.write(frame(ping) * 1_000)
                sent += 1_000
                await writer.drain()
        except ConnectionError:
            writer.close()

    server = await asyncio.start_server(flood, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        found = await exchange("127.0.0.1", port, "ben", [OutgoingItem("1", b"{}")], ack_s=600.0)
    assert (found.written, found.acked) == (frozenset({"1"}), frozenset[str]())
    assert sent > MAX_ANSWERS


async def test_a_client_of_the_ui_gets_its_events_while_strangers_send_garbage(pair: Pair) -> None:
    companion, transport = pair.companion, RecordingTransport()
    companion.hub.join(transport)
    fired: list[str] = []
    for body in (b"[" * 1_000_000, b'{"type":' + b"[" * 900_000, b'{"a":"' + b"x" * 1_000_000, b"{}", b"\xff" * 9):
        pair.time.passed += 1.0  # the messages per second are limited
        lines = [await pair.line() for _ in range(MAX_PER_ADDRESS)]
        for line in lines:
            line.writer.write(frame(body) + frame(b"{}") + (2**32 - 1).to_bytes(4, "big"))
        fired.append(f"message {len(fired)}")
        await companion.fire(companion.message_from("alice", fired[-1]), origin=PEERS)
        await until(lambda: any(fired[-1].encode() in each for each in transport.frames))
        await asyncio.gather(*(line.closed() for line in lines))
        await until(lambda: companion.peer_server.connections == 0)
    shown = b"".join(transport.frames)
    assert [shown.count(each.encode()) for each in fired] == [1] * len(fired)
    await pair.exchange(pair.ben.a("still here", new_id()))
    assert await texts(pair, "ben") == ["still here"]
    assert companion.rejection_log.total >= len(fired) * MAX_PER_ADDRESS
