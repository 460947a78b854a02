"""Time comes in through a parameter, so that tests and replays are exact."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

COARSE_S = 0.001
"""A monotonic clock with larger steps cannot be used: deliveries, pauses and latencies are shorter than its steps.

Before Python 3.13, ``time.monotonic`` advances in steps of 15.6 ms on Windows.
"""


def monotonic_clock() -> Callable[[], float]:
    """Return the system's monotonic clock, or the performance counter if that has a much better resolution."""
    coarse = time.get_clock_info("monotonic").resolution > COARSE_S
    return time.perf_counter if coarse else time.monotonic


def use_fine_clock(loop: asyncio.AbstractEventLoop) -> None:
    """Let a loop measure its timers with ``monotonic_clock``. Call it before anything is scheduled.

    With a coarse clock, a loop considers a timer due up to 15.6 ms too early: a pause of 1 ms would not happen.
    """
    clock = monotonic_clock()
    if clock is not time.monotonic:
        loop.time = clock  # type: ignore[method-assign]
        loop._clock_resolution = time.get_clock_info("perf_counter").resolution  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Clock:
    """``wall()``: seconds since the epoch. ``mono()``: seconds that never go back. ``sleep(seconds)`` waits."""

    wall: Callable[[], float] = time.time
    mono: Callable[[], float] = field(default_factory=monotonic_clock)
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
