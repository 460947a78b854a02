"""Long work on the event loop, cut into slices of a few milliseconds."""

import asyncio
import time

SLICE_S = 0.004


class Slices:
    """Gives the event loop a turn whenever a slice of time is used up."""

    def __init__(self) -> None:
        self._end = time.perf_counter() + SLICE_S

    async def breathe(self) -> None:
        """Let other callbacks run if the current slice has ended. Call it between two steps of long work."""
        if time.perf_counter() >= self._end:
            await asyncio.sleep(0)
            self._end = time.perf_counter() + SLICE_S
