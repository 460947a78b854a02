"""Run an asynchronous function only once. Calls wait while it runs; after an error, the next call runs it again."""

import asyncio
from collections.abc import Awaitable, Callable


class Once:
    """Run ``work`` at the first call. Concurrent calls wait until it has finished; later calls return at once."""

    def __init__(self, work: Callable[[], Awaitable[None]]) -> None:
        self._work = work
        self._lock = asyncio.Lock()
        self.done = False
        """Whether the work has finished without an error. After an error, the next call runs it again."""

    async def __call__(self) -> None:
        """Wait for a running call, then run the work unless it is done. The call that runs it raises its error."""
        async with self._lock:
            if not self.done:
                await self._work()
                self.done = True
