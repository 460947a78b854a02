"""Decide when queued frames may be written to sockets, from how long recent flushes took. Pure: no I/O, no timers.

Writing each frame at once is fastest for one frame, and slowest for many: every write wakes a reader. So the first
frame after a quiet time is written at once. Frames that follow shortly after are queued and written together, so
that flushing takes at most two thirds of the loop's time and no frame waits for more than ``MAX_WAIT_S``.
"""

WAIT_RATIO = 0.5
"""Queued frames wait for this multiple of the duration of the previous flush."""
QUIET_RATIO = 1.0
"""A frame for several clients is written at once if this multiple of the previous flush's duration has passed."""
SINGLE_QUIET_RATIO = 3.0
"""The same for a frame for one client by name. Until then it leaves at the end of the loop iteration, together with
what the iteration brings for other clients."""
MAX_IMMEDIATE_SINGLES = 15
"""After a flush that carried a single frame, up to this many single-client frames skip the queue."""
MIN_CYCLE_S = 0.001
"""The shortest time from the start of a flush to the next flush of queued frames. No system sleeps for less."""
MAX_WAIT_S = 0.008
"""No queued frame waits for longer than this."""
MAX_WRITE_S = 0.00003
"""A write to one socket takes less time than this. If it seems to take more, the process was interrupted, and the
excess does not count."""


class FlushPolicy:
    """Keeps the durations of flushes and derives the moments from them. All times are monotonic seconds."""

    def __init__(self) -> None:
        self.due = 0.0
        """When the queue may be flushed next."""
        self._immediate_from = 0.0
        """From when a frame for several clients is written at once."""
        self._single_from = 0.0
        """From when a frame for one client is written at once."""
        self._singles_left = 0
        self._started = self._elapsed = self._elapsed_max = 0.0
        """Start time, elapsed time and its upper bound of the current flush."""

    def allows_now(self, now: float, *, single: bool) -> bool:
        """Return whether a frame that arrives now may skip the queue. ``single``: it is for one client by name."""
        if now >= (self._single_from if single else self._immediate_from):
            return True
        if single and self._singles_left:
            self._singles_left -= 1
            return True
        return False

    def queue_flushed(self, frames: int) -> None:
        """Note that a scheduled flush begins with this many queued frames."""
        self._singles_left = MAX_IMMEDIATE_SINGLES if frames == 1 else 0

    def flush_began(self, now: float, writes: int) -> None:
        """Note that a flush begins that consists of this many socket writes."""
        self._started = now
        self._elapsed = 0.0
        self._elapsed_max = MAX_WRITE_S * writes

    def slice_ended(self, began: float, now: float) -> None:
        """Note that the current flush has run from ``began`` until ``now``."""
        self._elapsed += now - began
        took = min(self._elapsed, self._elapsed_max)
        self._immediate_from = now + min(QUIET_RATIO * took, MAX_WAIT_S)
        self._single_from = now + SINGLE_QUIET_RATIO * took
        self.due = max(now + min(WAIT_RATIO * took, MAX_WAIT_S), self._started + MIN_CYCLE_S)
