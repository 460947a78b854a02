"""No client can take the loop for longer than its turn, and nothing gets lost or out of order on the way."""

import asyncio
import json
import os
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any, cast

import pytest
from websockets.asyncio.client import connect

from app.companion import Companion
from app.endpoints.connection import IGNORED_FRAMES, SLICE_BYTES, TURN_FRAMES, EventConnection
from app.hub.clients import Client
from app.hub.router import Outcome
from app.protocol.events import TypingTo
from tests.conftest import MakeCompanion, until
from tests.endpoints.raw import RawClient, tcp_to


def typing(to: str) -> bytes:
    """A masked text frame."""
    payload = json.dumps({"event": "typing", "data": {"to": to, "typing": True}}).encode()
    mask = os.urandom(4)
    return bytes([0x81, 0x80 | len(payload)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


SMALLEST = len(typing("1"))
FRAMES = 3_000


class Turns:
    """Records which frame was handled in which turn of the loop."""

    def __init__(self, companion: Companion) -> None:
        self.turn = 0
        self.frames: list[str] = []
        self.per_turn: Counter[int] = Counter()
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_soon(self._next)
        companion.router.on("typing", self._on_typing)

    def _next(self) -> None:
        self.turn += 1
        self._handle = self._loop.call_soon(self._next)

    def _on_typing(self, _: Client, data: TypingTo) -> Outcome:
        self.frames.append(data.to)
        self.per_turn[self.turn] += 1
        return Outcome()

    def stop(self) -> None:
        self._handle.cancel()


@pytest.fixture
async def unlimited(make_companion: MakeCompanion) -> Companion:
    companion = await make_companion(prime_browsers=False, client_frames_per_s=1_000_000)
    assert await companion.start(), companion.services["events"].error
    return companion


@pytest.fixture
async def turns(unlimited: Companion) -> AsyncIterator[Turns]:
    turns = Turns(unlimited)
    yield turns
    turns.stop()


class Spy:
    """Stands before a transport and records what is done with it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.calls: list[str] = []
        self.written: list[bytes] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def pause_reading(self) -> None:
        self.calls.append("pause_reading")
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        self.calls.append("resume_reading")
        self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        self.written.append(data)


def spy_on(connection: EventConnection) -> Spy:
    spy = Spy(connection.transport)
    connection.transport = cast(asyncio.Transport, spy)
    return spy


async def joined(client: RawClient, companion: Companion) -> EventConnection:
    """Complete the handshake; return the server's end of the connection."""
    await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
    await until(lambda: companion.hub.connection_count)
    (connection,) = companion.server.connections
    await until(lambda: connection.client)
    return connection


async def test_a_large_read_is_handled_in_turns_and_in_order(unlimited: Companion, turns: Turns) -> None:
    async with tcp_to(unlimited.server.port) as client:
        await joined(client, unlimited)
        await client.send(b"".join(typing(str(number)) for number in range(FRAMES)))
        await until(lambda: len(turns.frames) == FRAMES)
    assert turns.frames == [str(number) for number in range(FRAMES)]
    # The end of one read and the beginning of the next can fall into the same turn of uvloop.
    assert max(turns.per_turn.values()) <= 2 * (TURN_FRAMES + SLICE_BYTES // SMALLEST + 1)


async def test_reading_is_paused_until_a_large_read_is_parsed(unlimited: Companion, turns: Turns) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await joined(client, unlimited)
        spy = spy_on(connection)
        connection.data_received(b"".join(typing(str(number)) for number in range(FRAMES)))
        assert spy.calls == ["pause_reading"]
        await until(lambda: len(turns.frames) == FRAMES)
        await until(connection.transport.is_reading)
        assert spy.calls == ["pause_reading", "resume_reading"]
        await client.send(typing("last"))
        await until(lambda: turns.frames[-1] == "last")


async def test_a_small_read_is_handled_at_once(unlimited: Companion, turns: Turns) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await joined(client, unlimited)
        connection.data_received(typing("bob"))
        assert turns.frames == ["bob"]


async def test_another_client_gets_its_turn_between(unlimited: Companion, turns: Turns) -> None:
    async with tcp_to(unlimited.server.port) as loud:
        connection = await joined(loud, unlimited)
        async with connect(unlimited.server.url, proxy=None) as quiet:
            connection.data_received(b"".join(typing("loud") for _ in range(10 * FRAMES)))
            await quiet.send(json.dumps({"event": "typing", "data": {"to": "quiet", "typing": True}}))
            await until(lambda: "quiet" in turns.frames)
            assert len(turns.frames) < 10 * FRAMES
            await until(lambda: len(turns.frames) == 10 * FRAMES + 1)


async def test_a_large_read_waits_while_a_handler_is_waiting(unlimited: Companion, turns: Turns) -> None:
    go = asyncio.Event()
    seen: list[str] = []

    async def wait(_: Client, data: TypingTo) -> Outcome:
        seen.append(data.to)
        await go.wait()
        return Outcome()

    unlimited.router.on("typing", wait)
    async with tcp_to(unlimited.server.port) as client:
        connection = await joined(client, unlimited)
        connection.data_received(b"".join(typing(str(number)) for number in range(500)))
        await until(lambda: not connection.transport.is_reading())
        for _ in range(20):
            await asyncio.sleep(0)
        assert seen == ["0"]
        assert len(connection.recv_messages.frames) < 2 * TURN_FRAMES
        go.set()
        await until(lambda: len(seen) == 500)
        await until(connection.transport.is_reading)
    assert seen == [str(number) for number in range(500)]


async def test_nothing_is_read_from_a_client_that_exceeded_its_rate(make_companion: MakeCompanion) -> None:
    companion = await make_companion(prime_browsers=False, client_frames_per_s=20)
    assert await companion.start()
    async with tcp_to(companion.server.port) as client:
        connection = await joined(client, companion)
        connection.data_received(b"".join(typing(str(number)) for number in range(FRAMES)))
        await until(lambda: connection.closing)
        assert not connection.transport.is_reading()
        assert not connection._backlog
        connection.data_received(typing("late") * 100)
        assert not connection._backlog
        assert b"over 20 frames per second" in await client.receive()
        await until(lambda: companion.hub.connection_count == 0)


async def test_stop_dispatches_nothing_more_and_aborts_a_client_that_goes_on_sending(
    unlimited: Companion, turns: Turns
) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await joined(client, unlimited)
        stopping = asyncio.ensure_future(unlimited.stop())
        await until(lambda: connection.closing)
        connection.data_received(typing("late") * (IGNORED_FRAMES + 1))
        await until(connection.transport.is_closing)
        assert turns.frames == []
        await stopping


async def test_what_was_sent_before_a_stop_does_not_cost_a_client_its_close_frame(unlimited: Companion) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await joined(client, unlimited)
        stopping = asyncio.ensure_future(unlimited.stop())
        await until(lambda: connection.closing)
        connection.data_received(typing("late") * 10)
        assert (await client.receive()).endswith(b"the companion has stopped")
        await client.send(bytes([0x88, 0x80, 0, 0, 0, 0]))
        await stopping


async def test_pings_that_arrive_together_are_answered_in_one_write(unlimited: Companion) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await joined(client, unlimited)
        spy = spy_on(connection)
        connection.data_received(bytes([0x89, 0x80, 0, 0, 0, 0]) * 10)
        assert spy.written == [b"\x8a\x00" * 10]


async def test_nothing_is_written_after_the_transport_was_closed(unlimited: Companion) -> None:
    """Asyncio logs a warning for each such write: thousands, after a flood of pings."""
    async with tcp_to(unlimited.server.port) as client:
        connection = await joined(client, unlimited)
        spy = spy_on(connection)
        connection.transport.abort()
        connection.data_received(bytes([0x89, 0x80, 0, 0, 0, 0]) * 10)
        connection.data_received(bytes([0x89, 0x80, 0, 0, 0, 0]) * 1_000)
        assert spy.written == []
        with suppress(ConnectionError):
            await client.rest()
