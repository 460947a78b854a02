"""The same event several times: after a delay, every so often, or when a client comes."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from app.hub.clock import Clock
from app.hub.hub import Delivery


@dataclass(frozen=True)
class RepeatSchedule:
    """``times`` events, ``every_s`` seconds apart, the first after ``delay_s`` seconds."""

    times: int = 1
    every_s: float = 0.0
    delay_s: float = 0.0

    async def run(
        self,
        fire: Callable[[], Awaitable[Delivery]],
        told: Callable[[int, Delivery], None],
        clock: Clock | None = None,
    ) -> None:
        """Fire them. ``told(n, delivery)`` hears of each; cancelling the task ends the series.

        Moments are computed from the monotonic clock, so that late timers do not add up.
        """
        clock = clock or Clock()
        mono = clock.mono
        start = mono() + self.delay_s
        for number in range(self.times):
            wait = start + number * self.every_s - mono()
            # Even when late, the loop must breathe between two events.
            await clock.sleep(max(wait, 0.0))
            told(number + 1, await fire())
