"""A client cannot block the event loop for long, and its frames are neither lost nor reordered."""

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
    """Return a masked text frame."""
    payload = json.dumps({"event": "typing", "data": {"to": to, "typing": True}}).encode()
    mask = os.urandom(4)
    return bytes([0x81, 0x80 | len(payload)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


SMALLEST = len(typing("1"))
FRAMES = 3_000


class FrameRecorder:
    """Records the handled frames, and their number per loop iteration."""

    def __init__(self, companion: Companion) -> None:
        self.iteration = 0
        self.frames: list[str] = []
        self.per_iteration: Counter[int] = Counter()
        self._loop = asyncio.get_running_loop()
        self._handle = self._loop.call_soon(self._next)
        companion.router.on("typing", self._on_typing)

    def _next(self) -> None:
        self.iteration += 1
        self._handle = self._loop.call_soon(self._next)

    def _on_typing(self, _: Client, data: TypingTo) -> Outcome:
        self.frames.append(data.to)
        self.per_iteration[self.iteration] += 1
        return Outcome()

    def stop(self) -> None:
        self._handle.cancel()


@pytest.fixture
async def unlimited(make_companion: MakeCompanion) -> Companion:
    companion = await make_companion(prime_browsers=False, client_frames_per_s=1_000_000)
    assert await companion.start(), companion.services["events"].error
    return companion


@pytest.fixture
async def recorder(unlimited: Companion) -> AsyncIterator[FrameRecorder]:
    recorder = FrameRecorder(unlimited)
    yield recorder
    recorder.stop()


class RecordingTransport:
    """A wrapper of a transport that records calls and written data."""

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


def record_transport(connection: EventConnection) -> RecordingTransport:
    transport = RecordingTransport(connection.transport)
    connection.transport = cast(asyncio.Transport, transport)
    return transport


async def join(client: RawClient, companion: Companion) -> EventConnection:
    """Complete the handshake and return the connection of the server."""
    await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
    await until(lambda: companion.hub.connection_count)
    (connection,) = companion.server.connections
    await until(lambda: connection.client)
    return connection


async def test_a_large_read_is_handled_in_slices_and_in_order(
    unlimited: Companion, recorder: FrameRecorder
) -> None:
    async with tcp_to(unlimited.server.port) as client:
        await join(client, unlimited)
        await client.send(b"".join(typing(str(number)) for number in range(FRAMES)))
        await until(lambda: len(recorder.frames) == FRAMES)
    assert recorder.frames == [str(number) for number in range(FRAMES)]
    # With uvloop, the end of one read and the beginning of the next can fall into the same loop iteration.
    assert max(recorder.per_iteration.values()) <= 2 * (TURN_FRAMES + SLICE_BYTES // SMALLEST + 1)


async def test_reading_is_paused_until_a_large_read_is_parsed(
    unlimited: Companion, recorder: FrameRecorder
) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await join(client, unlimited)
        transport = record_transport(connection)
        connection.data_received(b"".join(typing(str(number)) for number in range(FRAMES)))
        assert transport.calls == ["pause_reading"]
        await until(lambda: len(recorder.frames) == FRAMES)
        await until(connection.transport.is_reading)
        assert transport.calls == ["pause_reading", "resume_reading"]
        await client.send(typing("last"))
        await until(lambda: recorder.frames[-1] == "last")


async def test_a_small_read_is_handled_immediately(unlimited: Companion, recorder: FrameRecorder) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await join(client, unlimited)
        connection.data_received(typing("bob"))
        assert recorder.frames == ["bob"]


async def test_other_clients_are_handled_during_a_large_read(unlimited: Companion, recorder: FrameRecorder) -> None:
    async with tcp_to(unlimited.server.port) as busy_client:
        connection = await join(busy_client, unlimited)
        async with connect(unlimited.server.url, proxy=None) as quiet_client:
            connection.data_received(b"".join(typing("loud") for _ in range(10 * FRAMES)))
            await quiet_client.send(json.dumps({"event": "typing", "data": {"to": "quiet", "typing": True}}))
            await until(lambda: "quiet" in recorder.frames)
            assert len(recorder.frames) < 10 * FRAMES
            await until(lambda: len(recorder.frames) == 10 * FRAMES + 1)


async def test_a_large_read_waits_while_a_handler_is_waiting(unlimited: Companion, recorder: FrameRecorder) -> None:
    release = asyncio.Event()
    handled: list[str] = []

    async def wait(_: Client, data: TypingTo) -> Outcome:
        handled.append(data.to)
        await release.wait()
        return Outcome()

    unlimited.router.on("typing", wait)
    async with tcp_to(unlimited.server.port) as client:
        connection = await join(client, unlimited)
        connection.data_received(b"".join(typing(str(number)) for number in range(500)))
        await until(lambda: not connection.transport.is_reading())
        for _ in range(20):
            await asyncio.sleep(0)
        assert handled == ["0"]
        assert len(connection.recv_messages.frames) < 2 * TURN_FRAMES
        release.set()
        await until(lambda: len(handled) == 500)
        await until(connection.transport.is_reading)
    assert handled == [str(number) for number in range(500)]


async def test_reading_stops_for_a_client_that_exceeded_its_rate(make_companion: MakeCompanion) -> None:
    companion = await make_companion(prime_browsers=False, client_frames_per_s=20)
    assert await companion.start()
    async with tcp_to(companion.server.port) as client:
        connection = await join(client, companion)
        connection.data_received(b"".join(typing(str(number)) for number in range(FRAMES)))
        await until(lambda: connection.closing)
        assert not connection.transport.is_reading()
        assert not connection._backlog
        connection.data_received(typing("late") * 100)
        assert not connection._backlog
        assert b"more than 20 frames per second" in await client.receive()
        await until(lambda: companion.hub.connection_count == 0)


async def test_stop_ignores_further_frames_and_aborts_a_client_that_keeps_sending(
    unlimited: Companion, recorder: FrameRecorder
) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await join(client, unlimited)
        stopping = asyncio.ensure_future(unlimited.stop())
        await until(lambda: connection.closing)
        connection.data_received(typing("late") * (IGNORED_FRAMES + 1))
        await until(connection.transport.is_closing)
        assert recorder.frames == []
        await stopping


async def test_a_client_with_late_frames_still_receives_the_close_frame(unlimited: Companion) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await join(client, unlimited)
        stopping = asyncio.ensure_future(unlimited.stop())
        await until(lambda: connection.closing)
        connection.data_received(typing("late") * 10)
        assert (await client.receive()).endswith(b"the companion has stopped")
        await client.send(bytes([0x88, 0x80, 0, 0, 0, 0]))
        await stopping


async def test_pings_that_arrive_together_are_answered_in_one_write(unlimited: Companion) -> None:
    async with tcp_to(unlimited.server.port) as client:
        connection = await join(client, unlimited)
        transport = record_transport(connection)
        connection.data_received(bytes([0x89, 0x80, 0, 0, 0, 0]) * 10)
        assert transport.written == [b"\x8a\x00" * 10]


async def test_nothing_is_written_after_the_transport_was_closed(unlimited: Companion) -> None:
    """Asyncio logs a warning for each such write. After a flood of pings, there would be thousands."""
    async with tcp_to(unlimited.server.port) as client:
        connection = await join(client, unlimited)
        transport = record_transport(connection)
        connection.transport.abort()
        connection.data_received(bytes([0x89, 0x80, 0, 0, 0, 0]) * 10)
        connection.data_received(bytes([0x89, 0x80, 0, 0, 0, 0]) * 1_000)
        assert transport.written == []
        with suppress(ConnectionError):
            await client.read_to_end()
