"""Time comes in through a parameter, so that tests and replays are exact."""

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Clock:
    """``wall()``: seconds since the epoch. ``mono()``: seconds that never go back."""

    wall: Callable[[], float] = time.time
    mono: Callable[[], float] = time.monotonic
