"""A queue that delays the frames to or from one client, and keeps their order.

Frames become due one after another; a task handles them. A frame may also wait behind some later frames, for a
limited time, which changes the order. ``client_faults`` has one queue per direction of a client. It queues frames
that faults delay or reorder, frames that must not overtake those, and all other frames from the client that faults
change or repeat; such frames to the client are sent at once.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable

from msgspec import Struct

from app.hub.clock import Clock
from app.hub.tasks import Tasks

MAX_HELD_BYTES = 16 * 1024 * 1024
"""The most bytes that wait in all queues together."""
MAX_DELAY_S = 600.0
"""No frame is delayed for longer, for example by a low bandwidth."""
FRAME_BYTES = 512
"""What a frame that waits takes, besides its payload."""
FLUSH_S = 1.0
"""Seconds that ``flush`` waits until the frames are handled."""
REORDER_S = 2.0
"""A frame that waits for later ones is queued after this time at the latest."""


class HeldBytes:
    """The number of bytes that wait in all queues together."""

    def __init__(self) -> None:
        self.now = 0

    def fits(self, size: int) -> bool:
        """Return whether another frame of ``size`` bytes may wait."""
        return self.now + size <= MAX_HELD_BYTES


class Waiting(Struct, eq=False):
    """A frame that waits. ``handle`` sends or processes it; times are in seconds."""

    handle: Callable[[], Awaitable[None] | None]
    seq: int
    """The number of its row; 0 if it has none."""
    size: int
    """The bytes that it takes while it waits."""
    delay_s: float = 0.0
    transmission_s: float = 0.0
    stall_s: float = 0.0
    due: float = 0.0
    behind: int = 0
    """After how many later frames it is queued."""


class DelayLine:
    """The frames of one client in one direction that wait."""

    def __init__(self, clock: Clock, tasks: Tasks, held: HeldBytes, name: str) -> None:
        self._clock = clock
        self._tasks = tasks
        self._held = held
        self._name = name
        self._queue: deque[Waiting] = deque()
        self._overtaken: list[Waiting] = []
        self._free_at = 0.0
        """Until then (monotonic seconds), the line transmits or is silent."""
        self._task: asyncio.Task[None] | None = None
        self._handling = False
        """Whether a frame is being handled, which must not be cancelled."""
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the client has disconnected."""
        return self._closed

    @property
    def idle(self) -> bool:
        """Whether a frame that is sent now overtakes no other one."""
        return not (self._queue or self._overtaken or self._task) and self._free_at <= self._clock.mono()

    def waiting(self) -> list[int]:
        """Return the numbers of the rows of the frames that wait and are not due yet."""
        now = self._clock.mono()
        return [each.seq for each in (*self._overtaken, *(each for each in self._queue if each.due > now))]

    def put(self, frame: Waiting) -> bool:
        """Queue a frame; return False, and forget it, if too many bytes are waiting or the line is closed."""
        if self._closed or not self._held.fits(frame.size):
            return False
        self._held.now += frame.size
        earlier = list(self._overtaken)
        if frame.behind:
            self._overtaken.append(frame)
            self._tasks.spawn(self._queue_overtaken(frame), f"reorder: {self._name}")
        else:
            self._append(frame)
        for each in earlier:
            each.behind -= 1
            if each.behind == 0:
                self._overtaken.remove(each)
                self._append(each)
        return True

    def _append(self, frame: Waiting) -> None:
        now = self._clock.mono()
        start = max(now + frame.delay_s, self._free_at)
        frame.due = min(start + frame.transmission_s, now + MAX_DELAY_S)
        self._free_at = frame.due + frame.stall_s
        self._queue.append(frame)
        if self._task is None:
            self._task = self._tasks.spawn(self._run(), f"delayed frames: {self._name}")

    async def _queue_overtaken(self, frame: Waiting) -> None:
        await self._clock.sleep(REORDER_S)
        if frame in self._overtaken:
            self._overtaken.remove(frame)
            self._append(frame)

    async def _run(self) -> None:
        try:
            while self._queue:
                if (wait := self._queue[0].due - self._clock.mono()) > 0:
                    await self._clock.sleep(wait)
                frame = self._queue.popleft()
                self._held.now -= frame.size
                if pending := frame.handle():
                    self._handling = True
                    await pending
                    self._handling = False
        finally:
            self._handling = False
            if self._task is asyncio.current_task():
                self._task = None

    def stall(self, seconds: float) -> None:
        """Send no later frame for some seconds, after those that wait."""
        self._free_at = max(self._free_at, self._clock.mono()) + seconds

    def release(self) -> None:
        """Send all waiting frames now, in their order."""
        self._free_at = 0.0
        for each in (*self._queue, *self._overtaken):
            each.due = each.delay_s = each.transmission_s = each.stall_s = 0.0
        self._queue.extend(self._overtaken)
        self._overtaken.clear()
        self._wake()
        if self._queue and self._task is None:
            self._task = self._tasks.spawn(self._run(), f"delayed frames: {self._name}")

    async def flush(self) -> None:
        """Handle all waiting frames now, and wait briefly until they were handled."""
        if self._queue or self._overtaken:
            self.release()
        if self._task:
            await asyncio.wait({self._task}, timeout=FLUSH_S)

    def _wake(self) -> None:
        """End the task, unless it is handling a frame; then it ends, or goes on, by itself."""
        if self._task and not self._handling:
            self._task.cancel()
            self._task = None

    def close(self) -> None:
        """Forget all waiting frames."""
        self._closed = True
        self._held.now -= sum(each.size for each in (*self._queue, *self._overtaken))
        self._queue.clear()
        self._overtaken.clear()
        self._wake()
