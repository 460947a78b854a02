"""Write frames to clients, at once or batched with other frames: in order, bounded, without blocking the loop.

::

                 put(): the policy allows it
      idle ────────────────────────────────────► writing ──► idle
       │                                          ▲   │ a slice took SLICE_S, or a socket is full
       │ put(): otherwise, queue the frame        │   ▼
       └──► waiting (a timer until policy.due) ───┘  paused (next iteration, or FULL_SOCKET_PAUSE_S) ──► writing

If more than ``MAX_WRITE_BYTES`` is queued and sockets are full, a *burst* begins: queued frames are then written
64 KB per loop iteration until the queue is empty, so that clients get time to read. ``FlushPolicy`` decides when;
this module keeps the queue and writes.
"""

import asyncio
import math
from collections import deque
from typing import NamedTuple

from app.hub.clients import Client
from app.hub.clock import Clock
from app.hub.flush_policy import FlushPolicy

MAX_WRITE_BYTES = 64 * 1024
"""The largest batch per client. Queued frames beyond this are written at once while sockets take them, which bounds
the latency within a burst."""
MAX_QUEUED_BYTES = 16 * 1024 * 1024
"""How much may wait for full sockets, so that no client is aborted that had no time to read."""
FULL_SOCKET_PAUSE_S, MAX_PAUSES = 0.001, 8
"""How long, and how often, a write of a burst waits for a full socket. Clients that never read are aborted."""
SLICE_S = 0.0003
"""How long a flush runs before the rest of the program gets its turn, such as the window."""
CLIENTS_PER_WRITE = 10
"""How many clients are written to between two looks at the clock."""
LARGE_FRAME_BYTES = 4 * 1024
"""Smaller frames cannot fill the sockets of many clients within one loop iteration: writing takes too long."""


class QueuedFrame(NamedTuple):
    """A frame that waits. ``size`` is the number of bytes of its payload."""

    frame: bytes
    size: int
    clients: tuple[Client, ...]


class Write(NamedTuple):
    """Consecutive frames for the same clients, joined. ``size`` is the number of bytes of their payloads."""

    data: bytes
    frames: int
    size: int
    clients: tuple[Client, ...]


class WriteBatcher:
    """Hands frames to the outboxes of clients, in the order of the calls. A client that left gets no more."""

    def __init__(self, clock: Clock, *, wait: bool) -> None:
        """``wait`` False: every frame is written at once, and no event loop is needed."""
        self.wait = wait
        self._clock = clock
        self._policy = FlushPolicy()
        self._queue: deque[QueuedFrame] = deque()
        self._queued_bytes = 0
        self._writes: deque[Write] = deque()
        """The rest of the current flush."""
        self._in_burst = False
        self._pauses_left = 0
        """How often the rest of the current flush may still wait for a full socket."""
        self._timer: asyncio.Handle | None = None
        """For the next flush, or the next slice of the current one."""
        self._timer_is_soon = False
        """The timer runs at the end of this iteration or belongs to a burst, so ``policy.due`` does not matter."""

    def put(self, frame: bytes, size: int, clients: tuple[Client, ...], *, to_all: bool = True) -> None:
        """Write or queue one frame for some clients. ``to_all``: it is a broadcast; others are likely to follow."""
        now = self._clock.mono()
        single = not to_all and len(clients) == 1 and self._timer is None
        allowed = self._timer is None and self._policy.allows_now(now, single=single)
        blocked = (
            allowed and (len(clients) <= CLIENTS_PER_WRITE or size >= LARGE_FRAME_BYTES) and _any_blocked(clients)
        )
        if not self.wait or (allowed and not blocked):
            self._begin(now, [Write(frame, 1, size, clients)])
            self._write(now, SLICE_S)
            self._schedule_rest()
            return
        self._queue.append(QueuedFrame(frame, size, clients))
        self._queued_bytes += len(frame)
        if self._queued_bytes >= MAX_QUEUED_BYTES:
            self._make_room()
        elif self._queued_bytes >= MAX_WRITE_BYTES and not self._in_burst:
            if _any_blocked(clients):
                self._in_burst = True
                self._schedule_soon()
            else:
                self.flush()
        elif single or blocked or self._is_overdue(now):
            self._schedule_soon()
        elif self._timer is None:
            self._schedule_rest()

    def flush(self) -> None:
        """Write everything that is queued. After this call nothing waits, and no timer is set."""
        self._cancel_timer()
        self._in_burst = False
        while self._writes or self._queue:
            self._write(self._clock.mono(), math.inf)

    def flush_client(self, client: Client) -> None:
        """Write at once what is queued for a client that is about to be closed. Other clients are not affected."""
        for write in self._writes:
            if client in write.clients:
                client.send(write.data, write.frames, write.size)
        recipients = {id(each.clients): each.clients for each in self._queue}  # few, even for many frames
        its = {key for key, clients in recipients.items() if client in clients}
        if queued := [each for each in self._queue if id(each.clients) in its]:
            write = _join(queued, (client,))
            client.send(write.data, write.frames, write.size)

    def _is_overdue(self, now: float) -> bool:
        return self._timer is not None and not self._timer_is_soon and now >= self._policy.due

    def _make_room(self) -> None:
        while self._queued_bytes >= MAX_QUEUED_BYTES:
            self._write(self._clock.mono(), math.inf)

    def _schedule_rest(self) -> None:
        """Set the timer for the rest of the current flush, or for the next flush."""
        if self._writes and self._is_blocked(self._writes[0]):
            self._pauses_left -= 1
            self._timer_is_soon = True
            self._timer = asyncio.get_running_loop().call_later(FULL_SOCKET_PAUSE_S, self._on_timer)
        elif self._writes or (self._in_burst and self._queue):
            self._schedule_soon()
        elif self._queue:
            wait_s = self._policy.due - self._clock.mono()
            self._timer_is_soon = False
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._schedule_soon)

    def _schedule_soon(self) -> None:
        """Set the timer for the end of this iteration, to include the frames that it still brings."""
        self._cancel_timer()
        self._timer_is_soon = True
        self._timer = asyncio.get_running_loop().call_soon(self._on_timer)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        if not self._writes:
            self._policy.queue_flushed(len(self._queue))
        self._write(self._clock.mono(), SLICE_S)
        unfinished = bool(self._writes or self._queue)
        self._in_burst = self._queued_bytes >= MAX_WRITE_BYTES or (self._in_burst and unfinished)
        self._schedule_rest()

    def _is_blocked(self, write: Write) -> bool:
        """Return whether a write may still wait for a full socket, and has to."""
        return self._pauses_left > 0 and _any_blocked(write.clients)

    def _begin(self, now: float, writes: list[Write]) -> None:
        """Begin a flush: split its writes so that the clock is looked at often enough."""
        self._pauses_left = MAX_PAUSES if self._in_burst else 0
        sockets = 0
        for write in writes:
            clients = write.clients
            sockets += len(clients)
            if len(clients) <= CLIENTS_PER_WRITE:
                self._writes.append(write)
            else:
                step = CLIENTS_PER_WRITE
                parts = [clients[at : at + step] for at in range(0, len(clients), step)]
                self._writes.extend([Write(write.data, write.frames, write.size, part) for part in parts])
        self._policy.flush_began(now, sockets)

    def _write(self, began: float, for_s: float) -> None:
        """Continue the current flush or begin the next one, for at most ``for_s`` seconds."""
        mono, writes, until = self._clock.mono, self._writes, began + for_s if self.wait else math.inf
        if not writes:
            self._begin(began, _batch(self._take()))
        now = began
        while writes and now < until and (until == math.inf or not self._is_blocked(writes[0])):
            data, frames, size, clients = writes.popleft()
            for client in clients:
                client.send(data, frames, size)
            now = mono()
        self._policy.slice_ended(began, now)

    def _take(self) -> list[QueuedFrame]:
        """Remove the oldest frames from the queue: all of them, or as much of a burst as one write may hold."""
        if self._queued_bytes < MAX_WRITE_BYTES:
            taken = list(self._queue)
            self._queue.clear()
            self._queued_bytes = 0
            return taken
        taken, room = [], MAX_WRITE_BYTES
        while room > 0 and self._queue:
            taken.append(self._queue.popleft())
            room -= len(taken[-1].frame)
        self._queued_bytes -= MAX_WRITE_BYTES - room
        return taken


def _any_blocked(clients: tuple[Client, ...]) -> bool:
    """Return whether the socket of one of the clients is full."""
    for client in clients:  # noqa: SIM110 - any() takes twice as long, and this runs for nearly every frame
        if client.outbox.blocked and not client.outbox.closed:
            return True
    return False


def _batch(queued: list[QueuedFrame]) -> list[Write]:
    """Join frames into one write per client, or into a single write if all are for the same clients."""
    first = queued[0].clients
    if all(each.clients is first for each in queued):
        return [_join(queued, first)]
    by_client: dict[Client, list[QueuedFrame]] = {}
    for each in queued:
        for client in each.clients:
            by_client.setdefault(client, []).append(each)
    return [_join(its, (client,)) for client, its in by_client.items()]


def _join(queued: list[QueuedFrame], clients: tuple[Client, ...]) -> Write:
    if len(queued) == 1:
        return Write(queued[0].frame, 1, queued[0].size, clients)
    data = b"".join([each.frame for each in queued])
    return Write(data, len(queued), sum([each.size for each in queued]), clients)
