"""The clock that components are given: wall time, monotonic time and ``sleep``. Another one can replace it, such as
a fake clock in tests, or one that stands at the time of a recording's last line.
If the monotonic clock is coarse (Windows, before Python 3.13), it uses the performance counter instead, and
``use_fine_clock`` makes an event loop use that too.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable

from msgspec import Struct, field

COARSE_S = 0.001
"""A monotonic clock with larger steps cannot measure deliveries, pauses and latencies, which are shorter.

Before Python 3.13, ``time.monotonic`` advances in steps of 15.6 ms on Windows.
"""


def monotonic_clock() -> Callable[[], float]:
    """Return the system's monotonic clock, or the performance counter if that has a much better resolution."""
    coarse = time.get_clock_info("monotonic").resolution > COARSE_S
    return time.perf_counter if coarse else time.monotonic


def use_fine_clock(loop: asyncio.AbstractEventLoop) -> None:
    """Make an event loop use ``monotonic_clock`` for its timers. Call it before anything is scheduled.

    With a coarse clock, a loop runs timers up to 15.6 ms too early, so that a pause of 1 ms would not happen.
    """
    clock = monotonic_clock()
    if clock is not time.monotonic:
        loop.time = clock  # type: ignore[method-assign]
        loop._clock_resolution = time.get_clock_info("perf_counter").resolution  # type: ignore[attr-defined]


class Clock(Struct, frozen=True):
    """``wall()`` returns seconds since the epoch, ``mono()`` monotonic seconds; ``sleep(seconds)`` waits."""

    wall: Callable[[], float] = time.time
    mono: Callable[[], float] = field(default_factory=monotonic_clock)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
