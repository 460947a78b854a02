"""How fast one client may talk: a bucket that refills, one warning, then enough."""

from enum import Enum

GRACE_S = 10.0
"""So long after a warning the next overrun ends the connection; later it is warned again."""


class Verdict(Enum):
    """What a frame that just came means."""

    FINE = 0
    WARN = 1
    OVER = 2


class Pace:
    """Lets ``rate`` frames per second through, and ``2 × rate`` at once. Times in monotonic seconds."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._left = 2 * rate
        self._at = now
        self._warned_at: float | None = None

    def take(self, now: float) -> Verdict:
        """Count one frame."""
        self._left = min(2 * self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        self._left -= 1
        if self._left >= 0:
            return Verdict.FINE
        if self._warned_at is not None and now - self._warned_at < GRACE_S:
            return Verdict.OVER
        self._warned_at = now
        self._left = 2 * self._rate
        return Verdict.WARN
