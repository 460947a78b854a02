"""Run asynchronous work once, for any number of callers. After an error, the next caller runs it again."""

import asyncio
from collections.abc import Awaitable, Callable


class Once:
    """Run ``work`` at the first call. Further callers wait until it has finished."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._lock = asyncio.Lock()
        self.done = False
        """Whether the work has finished without an error. After an error, the next call runs it again."""

    async def __call__(self) -> None:
        """Run the work, or wait for it. Raises the error of the work."""
        async with self._lock:
            if not self.done:
                await self._work()
                self.done = True
