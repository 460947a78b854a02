"""Generate events inside the server's event loop, so that only the server is measured."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic_ns
from typing import Any

from tests.benchmarks.servers.ledger import Ledger

TICK = 20
PAUSE_S = 0.0005
"""Pause when a client's backlog is too large."""
LATE_NS = 50_000_000
"""At a fixed rate, events that are later than this at the end are not sent. They count as not delivered."""
MESSAGE = {
    "msg_id": "0b5c9f7e-3f5e-4a0e-9d59-2f5b0a6f1c11",
    "from": "alice",
    "to": "me",
    "text": "",
    "timestamp": "2026-01-01T12:00:00Z",
    "direction": "received",
    "delivered": True,
    "delivery_method": "direct",
}
"""A real ``new_message``: about 250 bytes as a frame, with the text."""

Publish = Callable[[int, int], Awaitable[None] | None]
"""Sends event ``number``, stamped with ``ns``, to every client; an awaitable is awaited."""


def text(number: int, stamp: int) -> str:
    """Return a text with the stamp from which the load client computes the latency."""
    return f"@{number:010}:{stamp:020} hello"


class Load:
    """Runs the commands that generate load."""

    def __init__(self, publish: Publish, flush: Callable[[], object] | None = None) -> None:
        """``flush`` makes the server send batched frames at once."""
        self._publish = publish
        self._flush = flush
        self._ledger: Ledger | None = None

    async def run_command(self, words: list[str]) -> dict[str, Any]:
        """Run a command, and return the response."""
        match words:
            case ["ledger", path]:
                self._ledger = Ledger(Path(path))
                return {}
            case ["paced", ms, window]:
                return {"sent": await self._turns(int(ms), int(window), 1)}
            case ["uncorked", ms, window]:
                return {"sent": await self._turns(int(ms), int(window), 1, self._flush)}
            case ["tick", ms, window]:
                return {"sent": await self._turns(int(ms), int(window), TICK)}
            case ["burst", count]:
                return {"sent": await self._publish_range(0, int(count))}
            case ["rate", per_s, ms]:
                return await self._rate(int(per_s), int(ms))
        return {"unknown": words}

    async def _publish_range(self, first: int, count: int) -> int:
        for number in range(first, first + count):
            pending = self._publish(number, monotonic_ns())
            if pending is not None:
                await pending
        return first + count

    async def _turns(self, ms: int, window: int, batch: int, flush: Callable[[], object] | None = None) -> int:
        assert self._ledger is not None, "send the ledger command first"
        sent, end = 0, monotonic_ns() + ms * 1_000_000
        while monotonic_ns() < end:
            if self._ledger.behind(sent) >= window:
                await asyncio.sleep(PAUSE_S)
                continue
            sent = await self._publish_range(sent, batch)
            if flush:
                flush()
            await asyncio.sleep(0)
        return sent

    async def _rate(self, per_s: int, ms: int) -> dict[str, int]:
        sent, total, step, start = 0, per_s * ms // 1000, 1_000_000_000 // per_s, monotonic_ns()
        end = start + ms * 1_000_000 + LATE_NS
        while sent < total and (now := monotonic_ns()) < end:
            due = start + sent * step
            if due > now:
                await asyncio.sleep((due - now) / 1e9)
                continue
            # The stamp is the due time, so that a stall increases the latency of all events due meanwhile.
            pending = self._publish(sent, due)
            if pending is not None:
                await pending
            sent += 1
            if sent % TICK == 0:
                await asyncio.sleep(0)
        return {"sent": sent, "due": total}
