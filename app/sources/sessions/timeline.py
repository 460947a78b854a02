"""Wait for the pauses between the steps of a session, at the chosen speed, at most ``max_idle_s`` each, and without
accumulating delays. Count the virtual time, which is the time in the fired events: it includes the whole pauses.
"""

from app.hub.clock import Clock
from app.protocol.session.durations import MAX_SECONDS
from app.protocol.times import LAST_S


class Timeline:
    """Measures one sequence of steps. A rule that runs beside the steps has a timeline of its own.

    Virtual time only advances by the pauses that the session contains, so that two runs with one start time produce
    equal times, at any speed. It stays at the end of the year 9999 if the pauses of a session go beyond.
    """

    def __init__(self, clock: Clock, start: float, speed: float, max_idle_s: float | None, *, fixed: bool) -> None:
        """``start`` is the virtual time at which the sequence begins, in seconds since the epoch.

        Unless it is ``fixed``, the virtual time is never before the real one, in which the UI sends.
        """
        self._clock = clock
        self._virtual = start
        self._speed = speed
        self._max_idle_s = max_idle_s
        self._fixed = fixed
        self._due = clock.mono()

    @property
    def wall(self) -> float:
        """The virtual time in seconds since the epoch."""
        return self._virtual if self._fixed else max(self._virtual, self._clock.wall())

    def branch(self) -> "Timeline":
        """Return a timeline that begins at the virtual time of this one."""
        return Timeline(self._clock, self.wall, self._speed, self._max_idle_s, fixed=self._fixed)

    async def pause(self, seconds: float) -> None:
        """Wait for a pause of the session. Pauses that follow each other do not add up their delays."""
        self.advance(seconds)
        while (left := self._due - self._clock.mono()) > 0:
            await self._clock.sleep(min(left, MAX_SECONDS))  # Qt's timers cannot wait for a month

    def advance(self, seconds: float) -> None:
        """Count a pause without waiting for it: the next ``pause`` ends not earlier than after both."""
        self._virtual = min(self._virtual + seconds, LAST_S)
        idle = seconds if self._max_idle_s is None else min(seconds, self._max_idle_s)
        self._due += idle / self._speed

    def step_begins(self) -> float:
        """Return the monotonic time at which the current step is due, or now if that has passed."""
        return max(self._due, self._clock.mono())

    def resynchronize(self) -> None:
        """Count the next pause from now, after a step that took as long as something else needed."""
        self._due, self._virtual = self.step_begins(), self.wall
