"""The reference client with its time in the test's hands."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from app.cli.event_client import EventClient
from tests.conftest import PATIENCE_S

OnNap = Callable[[int], Awaitable[object]]


def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Listener:
    """A client, what it was told, what it got, and how long it slept in vain: its sleep takes no time."""

    def __init__(self, url: str, on_nap: OnNap | None = None) -> None:
        self.told: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.naps: list[float] = []
        self._on_nap = on_nap
        self.client = EventClient(url, on_status=self.told.append, sleep=self._sleep)
        self.client.subscribe(self.events.append)

    async def _sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        await asyncio.sleep(0)
        if self._on_nap:
            await self._on_nap(len(self.naps))

    @asynccontextmanager
    async def connecting(self) -> AsyncIterator["asyncio.Task[bool]"]:
        """Run the client's ``connect()`` until the block ends."""
        task = asyncio.create_task(self.client.connect())
        try:
            yield task
        finally:
            await self.client.disconnect()
            await asyncio.wait_for(task, PATIENCE_S)
