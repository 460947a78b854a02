"""Run blocking calls in asyncio's thread pool, one after the other, so that long ones leave its other threads free,
for example to read files.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

Result = TypeVar("Result")


class OneAtATime:
    """Runs calls in a thread. A call waits until the calls before it have ended, also those that were cancelled."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "one at a time")

    async def run(self, work: Callable[[], Result]) -> Result:
        """Return the result of ``work``, or raise its exception."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)
