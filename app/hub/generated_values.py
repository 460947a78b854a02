"""Generate message IDs, times and random numbers: real ones, or reproducible ones from a seed and a virtual time.
They are real until ``fix`` is called, and again after ``release``. A session calls both when it plays, if it is a
recording or a start time was given. Runs of one session with equal seed and start time generate equal values.
"""

import uuid
from collections.abc import Callable
from random import Random, SystemRandom

from app.hub.clock import Clock


class GeneratedValues:
    """Real time and random values, or, after ``fix``, values that depend only on a seed and a virtual time.

    Each purpose has its own sequence of random values, so that they do not depend on the order of events.
    """

    def __init__(self, clock: Clock) -> None:
        self.real_clock = clock
        """The clock whose ``wall`` is never the virtual time."""
        self._wall = clock.wall
        self._seed: int | None = None
        self._streams: dict[str, Random] = {}
        self.clock = Clock(wall=self.wall, mono=clock.mono, sleep=clock.sleep)
        """A clock whose ``wall`` is the virtual time while it is fixed."""

    @property
    def fixed(self) -> bool:
        """Whether a session has fixed the values."""
        return self._seed is not None

    def fix(self, seed: int, wall: Callable[[], float]) -> None:
        """Generate values from a seed, and take times from ``wall``, until ``release``."""
        self._seed, self._wall = seed, wall
        self._streams.clear()

    def release(self) -> None:
        """Return to real time and random values."""
        self._seed, self._wall = None, self.real_clock.wall
        self._streams.clear()

    def wall(self) -> float:
        """Return the time for an event, in seconds since the epoch."""
        return self._wall()

    def random(self, purpose: str) -> Random:
        """Return the source of random values for a purpose."""
        if self._seed is None:
            return SystemRandom()
        return self._streams.setdefault(purpose, Random(f"{self._seed}:{purpose}"))

    def message_id(self) -> str:
        """Return the id of a new message."""
        return str(uuid.UUID(int=self.random("message").getrandbits(128), version=4))
