"""The limits of the peer server: connections, rates, sizes and times."""

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace

from app.endpoints.peer_server import (
    FRAME_S,
    MAX_ADDRESSES,
    MAX_BUFFERED_BYTES,
    MAX_CONNECTIONS,
    MAX_PAUSES,
    MAX_PER_ADDRESS,
    MESSAGES_PER_S,
    MESSAGES_PER_S_OF_ADDRESS,
    PAUSE_S,
    SILENCE_S,
    AddressRates,
    Connection,
)
from app.headless import remedy
from app.hub.origin import PEERS
from app.protocol.peers.frames import MAX_BYTES
from tests.conftest import MakeCompanion, until
from tests.hub.doubles import RecordingTransport
from tests.independent_peer import Line, new_id
from tests.sources.peers.pair import ManualTime, Pair


@pytest.fixture
async def pair(make_companion: MakeCompanion) -> AsyncIterator[Pair]:
    time = ManualTime()
    pair = Pair(await make_companion(clock=time.clock, username="anna", peers=True, peer_port=0), time)
    await pair.introduce()
    yield pair
    await pair.close()


async def test_five_connections_per_address(pair: Pair) -> None:
    lines = [await pair.line() for _ in range(MAX_PER_ADDRESS)]
    await until(lambda: pair.companion.peer_server.connections == MAX_PER_ADDRESS)
    assert await (await pair.line()).closed()
    assert "already 5 connections from this address" in pair.refusals[0]
    lines[0].close()
    await until(lambda: pair.companion.peer_server.connections == MAX_PER_ADDRESS - 1)
    await pair.exchange(pair.ben.a("hi", new_id()))


async def test_a_connection_that_is_accepted_while_the_server_stops_is_not_counted_afterwards(pair: Pair) -> None:
    server = pair.companion.peer_server
    line = await pair.line()
    await until(lambda: server.connections)
    (accepted,) = server._connections
    server._on_connection(asyncio.StreamReader(), accepted.writer)
    assert server.connections == 2
    await server.stop()
    assert (server.connections, server._per_address) == (0, {})
    assert await line.closed()


async def test_the_total_number_of_connections(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.endpoints.peer_server.MAX_CONNECTIONS", 2)
    for _ in range(2):
        await pair.line()
    await until(lambda: pair.companion.peer_server.connections == 2)
    assert await (await pair.line()).closed()
    assert "already 2 connections of peers" in pair.refusals[0]


async def test_a_thousand_connections_leave_few_open_and_few_rows_and_the_ui_gets_its_events(pair: Pair) -> None:
    transport = RecordingTransport()
    pair.companion.hub.join(transport)
    for number in range(20):
        lines = await asyncio.gather(*(Line.open(pair.companion.peer_server.port) for _ in range(50)))
        assert pair.companion.peer_server.connections <= MAX_PER_ADDRESS
        await pair.companion.fire(pair.companion.message_from("alice", f"number {number:02}"), origin=PEERS)
        await until(lambda number=number: any(b"number %02d" % number in each for each in transport.frames))
        for line in lines:
            line.writer.transport.abort()
        await until(lambda: pair.companion.peer_server.connections == 0)
    await until(
        lambda: pair.companion.rejection_log.total
    )  # how many depends on the loop: some are gone when accepted
    assert sum(row.event == "refused" for row in pair.companion.journal) < 100
    await pair.exchange(pair.ben.a("still here", new_id()))


async def test_silence_closes_a_connection(pair: Pair) -> None:
    line = await pair.line()
    await until(lambda: pair.companion.peer_server.connections)
    pair.time.advance(SILENCE_S - 1)
    pair.companion.peer_server.close_silent()
    assert pair.companion.peer_server.connections == 1
    pair.time.advance(1)
    pair.companion.peer_server.close_silent()
    assert await line.closed()
    assert pair.refusals == []


async def test_a_handler_that_takes_long_is_no_silence(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    server, goes_on = pair.companion.peer_server, asyncio.Event()
    handler = server._handler()

    class Slow:
        async def handle(self, body: bytes, connection: Connection) -> bytes | None:
            await goes_on.wait()
            return await handler.handle(body, connection)

    monkeypatch.setattr(server, "_handler", Slow)
    line = await pair.line()
    await line.send(pair.ben.a("hi", new_id()))
    await until(lambda: any(each.is_handled for each in server._connections))
    pair.time.advance(FRAME_S)
    server.close_silent()
    assert server.connections == 1
    goes_on.set()
    assert (await line.answer())["type"] == "ack"


async def test_a_frame_that_arrives_byte_by_byte_is_cut_off(pair: Pair) -> None:
    line = await pair.line()
    line.writer.write(bytes(3))
    await until(lambda: any(each.frames.buffered == 3 for each in pair.companion.peer_server._connections))
    (connection,) = pair.companion.peer_server._connections
    pair.time.advance(FRAME_S - 1)
    connection.last_byte = pair.time.clock.mono()  # as if another byte had just arrived
    pair.companion.peer_server.close_silent()
    assert pair.companion.peer_server.connections == 1
    pair.time.advance(1)
    pair.companion.peer_server.close_silent()
    assert await line.closed()
    assert "not complete in time" in pair.refusals[0]


async def test_more_than_ten_messages_per_second_pause_and_then_close_the_connection(pair: Pair) -> None:
    line = await pair.line()
    await line.send(*(pair.ben.a("x", new_id()) for _ in range(4 * MESSAGES_PER_S)))
    for _ in range(MAX_PAUSES - 1):
        for _ in range(MESSAGES_PER_S):
            assert (await line.answer())["type"] == "ack"
        await until(lambda: pair.time.sleeps(PAUSE_S))
        pair.time.advance(PAUSE_S)
    await until(lambda: any("again and again" in each for each in pair.refusals))
    assert len(await pair.messages()) == MAX_PAUSES * MESSAGES_PER_S
    assert len(pair.rows("too fast")) == MAX_PAUSES - 1
    assert len(pair.refusals) == 1, "messages that are only delayed are not refused"


async def reconnect_and_send(pair: Pair, envelope: dict[str, Any], times: int) -> None:
    for _ in range(times):
        await pair.exchange(envelope)
        pair.lines.pop().close()
        await until(lambda: pair.companion.peer_server.connections == 0)


async def test_reconnecting_does_not_reset_the_rate_of_an_address(pair: Pair) -> None:
    """Regression: it was counted per connection only."""
    await reconnect_and_send(pair, pair.ben.a("x", new_id()), MESSAGES_PER_S_OF_ADDRESS)
    first, second = await pair.line(), await pair.line()
    for line in (first, second):
        await line.send(*(pair.ben.a("late", new_id()) for _ in range(4)))
    interval = 1 / MESSAGES_PER_S_OF_ADDRESS
    await until(lambda: len(pair.time.delays(interval)) + len(pair.time.delays(2 * interval)) == 2)
    assert [each["text"] for each in await pair.messages()] == ["x"]
    pair.time.advance(2 * interval)
    assert [(await line.answer())["type"] for line in (first, second)] == ["ack", "ack"], "each has its turn"
    assert not pair.refusals


def test_each_address_has_a_rate_of_its_own_and_few_addresses_are_remembered() -> None:
    rates = AddressRates()
    delays = [rates.delay("192.0.2.1", 7.0) for _ in range(MESSAGES_PER_S_OF_ADDRESS + 2)]
    interval = 1 / MESSAGES_PER_S_OF_ADDRESS
    assert delays == pytest.approx([0.0] * MESSAGES_PER_S_OF_ADDRESS + [interval, 2 * interval])
    assert rates.delay("192.0.2.2", 7.0) == 0
    assert rates.delay("192.0.2.1", 9.0) == 0
    for number in range(MAX_ADDRESSES):
        rates.delay(f"198.51.{number // 250}.{number % 250}", 9.0)
    assert len(rates) == MAX_ADDRESSES


async def test_duplicates_get_rows_at_a_limited_rate(pair: Pair) -> None:
    """Regression: a repeated message pushed everything else out of the log."""
    envelope = pair.ben.a("once", new_id())
    await reconnect_and_send(pair, envelope, MESSAGES_PER_S)
    assert len(pair.rows("duplicate")) == 1
    pair.time.passed += 1.0
    await pair.exchange(envelope)
    assert "and 8 more since the previous row" in pair.rows("duplicate")[1].note


async def test_incomplete_frames_are_limited_together(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_CONNECTIONS * MAX_BYTES > MAX_BUFFERED_BYTES
    monkeypatch.setattr("app.endpoints.peer_server.MAX_BUFFERED_BYTES", 100_000)
    half = (MAX_BYTES).to_bytes(4, "big") + bytes(60_000)
    first, second = await pair.line(), await pair.line()
    first.writer.write(half)
    await until(lambda: any(each.frames.buffered == len(half) for each in pair.companion.peer_server._connections))
    second.writer.write(half)
    assert await second.closed()
    assert "too many large frames" in pair.refusals[0]
    assert pair.companion.peer_server.connections == 1


async def test_it_restarts_when_port_or_lan_change_and_stops_when_switched_off(pair: Pair) -> None:
    server, settings = pair.companion.peer_server, pair.companion.settings
    assert server.url.startswith("tcp://127.0.0.1:")
    await pair.companion.apply(replace(settings, peer_lan=True))
    assert server.url.startswith("tcp://0.0.0.0:")
    line = await pair.line()
    assert (await pair.companion.chat.status())["peer_port"] == server.port
    await pair.companion.apply(replace(settings, peers=False))
    assert await line.closed()
    assert (await pair.companion.chat.status())["peer_port"] == 0


async def test_keys_that_cannot_be_read_are_the_reason_why_it_does_not_start(
    make_companion: MakeCompanion, monkeypatch: pytest.MonkeyPatch
) -> None:
    companion = await make_companion(peers=True, peer_port=0)

    async def locked() -> None:
        from app.protocol.errors import StorageError

        raise StorageError("the keyring is locked")

    monkeypatch.setattr(companion.identity, "obtain", locked)
    assert not await companion.start_service("peers")
    service = companion.services["peers"]
    assert service.error == "The peer server could not start: the keyring is locked."
    assert remedy(service) == "To start without it, use --no-peers."
    with socket.create_server(("127.0.0.1", 0)) as other:
        await companion.apply(replace(companion.settings, peer_port=other.getsockname()[1]))
        monkeypatch.undo()
        assert not await companion.start_service("peers")
    assert remedy(service) == "Choose another port with --peer-port, or turn it off with --no-peers."
