"""Split long work on the event loop: ``await`` ``yield_if_due`` between two steps of the work.
It lets other callbacks run if the work has taken 4 ms since they last ran.
"""

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
