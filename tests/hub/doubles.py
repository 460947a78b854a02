"""Test doubles for the hub: a transport that records its frames, and a clock that the test advances."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from typing_extensions import override

from app.hub.clients import Client
from app.hub.clock import Clock
from app.hub.hub import Hub
from app.hub.journal import Journal, Row
from app.hub.tasks import Tasks


class RecordingTransport:
    """A ``Transport`` that records its calls."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []
        self.closed: list[tuple[int, str]] = []
        self.aborted = 0

    def write(self, frame: bytes) -> None:
        self.frames.append(frame)

    def close(self, code: int, reason: str) -> None:
        self.closed.append((code, reason))

    def abort(self) -> None:
        self.aborted += 1

    def latency(self) -> float:
        return 0.0


class FakeTime:
    """A clock that advances only when the test sets it or code sleeps."""

    def __init__(self) -> None:
        self.passed = 0.0
        self.slept: list[float] = []
        self.clock = Clock(
            wall=lambda: 1_700_000_000.0 + self.passed, mono=lambda: 50.0 + self.passed, sleep=self.sleep
        )

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.passed += seconds
        await asyncio.sleep(0)


class NoTasks(Tasks):
    """Starts nothing, for tests without an event loop."""

    @override
    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> "asyncio.Task[Any]":
        coroutine.close()
        return None  # type: ignore[return-value]


class Stage:
    """A hub with a fake clock and recording transports."""

    def __init__(self) -> None:
        self.time = FakeTime()
        self.journal = Journal(self.time.clock)
        self.hub = Hub(self.journal, self.time.clock)
        self.transports: dict[int, RecordingTransport] = {}

    def join(self, username: str | None = None) -> Client:
        transport = RecordingTransport()
        client = self.hub.join(transport, username)
        self.transports[client.id] = transport
        return client

    def frames(self, client: Client) -> list[bytes]:
        return self.transports[client.id].frames

    def rows(self, event: str) -> list[Row]:
        return [row for row in self.journal if row.event == event]


class Stored(asyncio.Future[int]):
    """What the storage thread does cannot be cancelled."""

    @override
    def cancel(self, msg: Any = None) -> bool:
        return False
