"""A hub with faults, and a clock that the test advances."""

import asyncio
import heapq
import itertools

from app.hub.clock import Clock
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.tasks import Tasks
from app.interceptors.faults import Faults
from tests.hub.doubles import Stage


class Timeline:
    """A clock whose sleepers wake in the order of their times when the test advances it."""

    def __init__(self) -> None:
        self.now = 50.0
        self._order = itertools.count()
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self.clock = Clock(wall=lambda: 1_700_000_000.0 + self.now, mono=lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        sleeper: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self.now + seconds, next(self._order), sleeper))
        await sleeper

    async def advance(self, seconds: float) -> None:
        """Let time pass, and run what becomes due."""
        end = self.now + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, sleeper = heapq.heappop(self._sleepers)
            self.now = max(self.now, at)
            if not sleeper.done():
                sleeper.set_result(None)
            await settle()
        self.now = end


async def settle() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


class FaultStage(Stage):
    """A hub with faults, and a clock that the test advances."""

    def __init__(self) -> None:
        super().__init__()
        self.timeline = Timeline()
        self.journal = Journal(self.timeline.clock)
        self.hub = Hub(self.journal, self.timeline.clock)
        self.tasks = Tasks()
        self.faults = Faults(self.hub, self.tasks)
