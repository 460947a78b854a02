"""Record when the event server was stopped and started, and return whether it was stopped at a time or in a period.
The measurement of reconnects uses this: attempts that cannot be seen while it is stopped do not count as missing.
"""

from collections import deque

from app.hub.clock import Clock

MAX_KEPT = 100


class Downtimes:
    """Records when the server was stopped and started. Times are in monotonic seconds."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._past: deque[tuple[float, float]] = deque(maxlen=MAX_KEPT)
        self._stopped_at: float | None = None

    def listening(self, listening: bool) -> None:
        """Record that the server has started or stopped listening."""
        now = self._clock.mono()
        if not listening:
            self._stopped_at = now
        elif self._stopped_at is not None:
            self._past.append((self._stopped_at, now))
            self._stopped_at = None

    def at(self, time: float) -> bool:
        """Return whether the server was, or is, stopped at a time."""
        return self.between(time, time)

    def between(self, start: float, end: float) -> bool:
        """Return whether the server was stopped at any time between two times."""
        current = self._stopped_at is not None and self._stopped_at <= end
        return current or any(stopped <= end and start <= started for stopped, started in self._past)
