"""A companion with peers switched on, and an independent peer who is its friend."""

import asyncio
from typing import Any

from app.companion import Companion
from app.hub.clock import Clock
from app.hub.journal import Row
from app.protocol.peers.keys import PublicKeys
from tests.independent_peer import IndependentPeer, Line


class ManualTime:
    """A clock that advances only when the test says so, also for code that sleeps."""

    def __init__(self) -> None:
        import time

        self.began = time.time()
        self.passed = 0.0
        self._sleeping: list[tuple[float, asyncio.Future[None]]] = []
        self.clock = Clock(wall=lambda: self.began + self.passed, mono=lambda: 50 + self.passed, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._sleeping.append((self.passed + seconds, done))
        await done

    def sleeps(self, seconds: float) -> bool:
        """Return whether code began to sleep for so long at the current time, besides the sweep of the server."""
        return sum(at == self.passed + seconds for at, _ in self._sleeping) > 1

    def delays(self, seconds: float) -> list[float]:
        """Return when code continues that began to sleep for about so long at the current time."""
        return [at for at, _ in self._sleeping if abs(at - self.passed - seconds) < 1e-6]

    def advance(self, seconds: float) -> None:
        self.passed += seconds
        due = [each for each in self._sleeping if each[0] <= self.passed]
        self._sleeping = [each for each in self._sleeping if each[0] > self.passed]
        for _, done in due:
            if not done.done():
                done.set_result(None)


class Pair:
    """The companion of ``anna``, and ``ben``, the independent peer."""

    def __init__(self, companion: Companion, time: ManualTime) -> None:
        self.companion = companion
        self.time = time
        self.ben = IndependentPeer("ben", "anna")
        self.lines: list[Line] = []

    async def introduce(self) -> None:
        """Start the server, listen as ben, and exchange keys."""
        assert await self.companion.start_service("peers"), self.companion.services["peers"].error
        own = (await self.companion.identity.load()).public.as_json()
        self.ben.learn(**own)
        address = await self.ben.listen()
        await self.companion.peers.add("ben", PublicKeys.parse(**_parsed(self.ben.keys)), address)

    async def line(self) -> Line:
        line = await Line.open(self.companion.peer_server.port)
        self.lines.append(line)
        return line

    async def exchange(self, *envelopes: dict[str, Any] | bytes) -> dict[str, Any]:
        """Send envelopes on a new connection, and return the answer."""
        line = await self.line()
        await line.send(*envelopes)
        return await line.answer()

    async def messages(self) -> list[dict[str, Any]]:
        return (await self.companion.chat.store.page("ben", 100, 0))[0]

    def rows(self, event: str) -> list[Row]:
        return [row for row in self.companion.journal if row.event == event]

    @property
    def refusals(self) -> list[str]:
        return [each.reason for each in self.companion.rejection_log.latest]

    async def close(self) -> None:
        for line in self.lines:
            line.close()
        await self.ben.close()


def _parsed(keys: dict[str, str]) -> dict[str, str]:
    return {"encryption": keys["public_key"], "signing": keys["signing_key"]}
