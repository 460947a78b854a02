"""The reference client with a fake clock."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from app.cli.event_client import EventClient
from tests.conftest import PATIENCE_S

OnSleep = Callable[[int], Awaitable[object]]


def unused_port() -> int:
    """Return a port without a listener."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Listener:
    """A client that records its status messages, received events and sleep delays. Its sleep takes no time."""

    def __init__(self, url: str, on_sleep: OnSleep | None = None) -> None:
        self.statuses: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.delays: list[float] = []
        self._on_sleep = on_sleep
        self.client = EventClient(url, on_status=self.statuses.append, sleep=self._sleep)
        self.client.subscribe(self.events.append)

    async def _sleep(self, seconds: float) -> None:
        self.delays.append(seconds)
        await asyncio.sleep(0)
        if self._on_sleep:
            await self._on_sleep(len(self.delays))

    @asynccontextmanager
    async def connecting(self) -> AsyncIterator["asyncio.Task[bool]"]:
        """Run the client's ``connect()`` until the block ends."""
        task = asyncio.create_task(self.client.connect())
        try:
            yield task
        finally:
            await self.client.disconnect()
            await asyncio.wait_for(task, PATIENCE_S)
