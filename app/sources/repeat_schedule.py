"""Fire an event several times: the first after a delay, the others at a fixed interval, counted from when the first
is due. Cancel the task to stop.
"""

from collections.abc import Awaitable, Callable

from msgspec import Struct

from app.hub.clock import Clock
from app.hub.hub import Delivery


class RepeatSchedule(Struct, frozen=True):
    """Fire ``times`` events, ``every_s`` seconds apart, the first one after ``delay_s`` seconds."""

    times: int = 1
    every_s: float = 0.0
    delay_s: float = 0.0

    async def run(
        self,
        fire: Callable[[], Awaitable[Delivery]],
        on_fired: Callable[[int, Delivery], None],
        clock: Clock | None = None,
    ) -> None:
        """Fire the events, and call ``on_fired(number, delivery)`` after each. Cancel the task to stop.

        Times are computed from the start on the monotonic clock, so that delays of timers do not add up.
        """
        clock = clock or Clock()
        mono = clock.mono
        start = mono() + self.delay_s
        for number in range(self.times):
            wait = start + number * self.every_s - mono()
            # Yield to the event loop between two events, even if they are late.
            await clock.sleep(max(wait, 0.0))
            on_fired(number + 1, await fire())
