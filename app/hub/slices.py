"""Split long work on the event loop: let other callbacks run after every 4 ms of work."""

import asyncio
import time

SLICE_S = 0.004
"""How long the work runs before it yields."""


class Slices:
    """Yield to the event loop after each ``SLICE_S`` seconds of work."""

    def __init__(self) -> None:
        self._end = time.perf_counter() + SLICE_S

    async def yield_if_due(self) -> None:
        """Yield to the event loop if the current slice has ended. Call it between two steps of long work."""
        if time.perf_counter() >= self._end:
            await asyncio.sleep(0)
            self._end = time.perf_counter() + SLICE_S
