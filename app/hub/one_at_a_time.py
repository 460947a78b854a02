"""Run blocking calls in a thread, one after the other, so that long ones do not use all threads for files."""

import asyncio
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


class OneAtATime:
    """Runs calls in a thread. A call waits until the calls before it have ended."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return the result of ``work``, or raise its exception."""
        async with self._lock:
            return await asyncio.to_thread(work)
