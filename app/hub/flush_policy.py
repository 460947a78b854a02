"""Decide when queued frames may be written to sockets, from the duration of the previous flush. No I/O, no timers.

Writing each frame immediately is fastest for one frame and slowest for many, because every write wakes a reader.
Therefore the first frame after a quiet time is written immediately. Frames that follow shortly after are queued and
written together, so that flushing takes up to about two thirds of the loop's time. The queue is due
``MAX_QUEUE_WAIT_S`` after the previous flush at the latest. Some frames for a single client may skip it.

A *flush* is one round of socket writes. It may run in several slices, between which the event loop is free.
"""

QUEUE_WAIT_RATIO = 0.5
"""Queued frames wait for the duration of the previous flush times this factor."""
GROUP_QUIET_RATIO = 1.0
"""A frame for several clients is written immediately if, since the previous flush, its duration times this factor
has passed."""
SINGLE_QUIET_RATIO = 3.0
"""The same for a frame for one client by name. Until then, the frame is written at the end of the loop iteration,
together with the frames for other clients that arrive in the iteration."""
MAX_IMMEDIATE_SINGLES = 15
"""After a flush that carried a single frame, up to this many single-client frames skip the queue."""
MIN_FLUSH_INTERVAL_S = 0.001
"""The shortest time from the start of a flush to the next flush of queued frames. No system sleeps for less."""
MAX_QUEUE_WAIT_S = 0.008
"""A queued frame waits at most for this long after the end of a flush."""
MAX_COUNTED_WRITE_S = 0.00003
"""A write to one socket takes less time than this. If it seems to take longer, the process was interrupted, and the
excess is ignored."""


class FlushPolicy:
    """Track the durations of flushes and derive from them when to write. All times are monotonic seconds."""

    def __init__(self) -> None:
        self.next_flush_at = 0.0
        """Earliest time for the next flush of the queue."""
        self._group_immediate_from = 0.0
        """Earliest time for an immediate write to several clients."""
        self._single_immediate_from = 0.0
        """Earliest time for an immediate write to one client."""
        self._singles_left = 0
        """How many single-client frames may still skip the queue."""
        self._started = self._elapsed = self._elapsed_max = 0.0
        """Start time of the current flush, its duration so far, and the upper bound of the duration."""

    def allows_now(self, now: float, *, single: bool) -> bool:
        """Return whether a frame that arrives now may skip the queue. ``single``: it is for one client by name."""
        if now >= (self._single_immediate_from if single else self._group_immediate_from):
            return True
        if single and self._singles_left:
            self._singles_left -= 1
            return True
        return False

    def queue_flushed(self, frames: int) -> None:
        """Record that a scheduled flush begins with this many queued frames."""
        self._singles_left = MAX_IMMEDIATE_SINGLES if frames == 1 else 0

    def flush_began(self, now: float, writes: int) -> None:
        """Record that a flush begins that consists of this many socket writes."""
        self._started = now
        self._elapsed = 0.0
        self._elapsed_max = MAX_COUNTED_WRITE_S * writes

    def slice_ended(self, began: float, now: float) -> None:
        """Record that the current flush has run from ``began`` until ``now``."""
        self._elapsed += now - began
        took = min(self._elapsed, self._elapsed_max)
        self._group_immediate_from = now + min(GROUP_QUIET_RATIO * took, MAX_QUEUE_WAIT_S)
        self._single_immediate_from = now + SINGLE_QUIET_RATIO * took
        self.next_flush_at = max(
            now + min(QUEUE_WAIT_RATIO * took, MAX_QUEUE_WAIT_S), self._started + MIN_FLUSH_INTERVAL_S
        )
