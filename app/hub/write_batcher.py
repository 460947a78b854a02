"""Write frames to clients, immediately or batched with other frames: in order, bounded, without blocking the loop.

The states of the batcher::

              put(), if the policy allows it and no socket is full
     idle ───────────────────────────────────────────────────► writing ───► idle, or waiting if frames are queued
      │                                                         ▲   ▲ │
      │ put(), otherwise: queue the frame                       │   │ │ MAX_SLICE_S has passed, or,
      ▼                                                         │   │ ▼ in a burst, a socket is full
     waiting ───────────────────────────────────────────────────┘   paused
      until policy.next_flush_at,                                    until the next loop iteration,
      or until the end of this loop iteration                        or for FULL_SOCKET_RETRY_S

While ``waiting`` or ``paused``, a timer is set, and ``put`` queues. Once the queue has ``MAX_BATCH_BYTES``, ``put``
writes all of it, unless a socket of the frame's recipients is full. In that case, a *burst* begins: at most one
batch is written per loop iteration until the queue is empty, so that clients get time to read. If the queue reaches
``MAX_QUEUE_BYTES``, ``put`` writes batches without a pause until less is queued. Clients that do not read are then
aborted, because their ``Outbox`` (a send queue with a size limit) overflows.

``FlushPolicy`` decides when to write; this module keeps the queue and writes.
"""

import asyncio
import math
from collections import deque
from typing import NamedTuple

from app.hub.clients import Client
from app.hub.clock import Clock
from app.hub.flush_policy import FlushPolicy

MAX_BATCH_BYTES = 64 * 1024
"""The most bytes that one flush takes from the queue. Beyond this, the queue is flushed as soon as sockets allow,
which bounds the latency within a burst."""
MAX_QUEUE_BYTES = 16 * 1024 * 1024
"""The most bytes that wait for full sockets, so that a client is not aborted before it had time to read."""
FULL_SOCKET_RETRY_S, MAX_FULL_SOCKET_RETRIES = 0.001, 8
"""How long, and how often, a flush within a burst waits for a full socket before it writes anyway."""
MAX_SLICE_S = 0.0003
"""How long a flush runs before it yields to the rest of the program, such as the window."""
CLIENTS_PER_CLOCK_CHECK = 10
"""The number of clients that are written to between two checks of the slice's time."""
MIN_FILLING_FRAME_BYTES = 4 * 1024
"""Frames below this size cannot fill many sockets within one loop iteration, because writing them takes too long.
For such frames, the sockets of more than ``CLIENTS_PER_CLOCK_CHECK`` clients are not checked."""


class QueuedFrame(NamedTuple):
    """A frame in the queue. ``size`` is the size of its payload in bytes."""

    frame: bytes
    size: int
    clients: tuple[Client, ...]


class Write(NamedTuple):
    """Consecutive frames for the same clients, joined. ``size`` is the total size of their payloads in bytes."""

    data: bytes
    frames: int
    size: int
    clients: tuple[Client, ...]


class WriteBatcher:
    """Pass frames to the outboxes of clients, in the order of the calls to ``put``."""

    def __init__(self, clock: Clock, *, batch: bool) -> None:
        """If ``batch`` is False, every frame is written immediately, and no event loop is needed."""
        self.batch = batch
        self._clock = clock
        self._policy = FlushPolicy()
        self._queue: deque[QueuedFrame] = deque()
        self._queue_bytes = 0
        self._writes: deque[Write] = deque()
        """The writes that remain of the current flush."""
        self._in_burst = False
        self._retries_left = 0
        """How often the current flush may still wait for a full socket."""
        self._timer: asyncio.Handle | None = None
        """Starts the next flush, or the next slice of the current one."""
        self._timer_is_immediate = False
        """Whether the timer ignores ``policy.next_flush_at``: it fires in the next iteration or retries
        a full socket."""

    def put(self, frame: bytes, size: int, clients: tuple[Client, ...], *, to_all: bool = True) -> None:
        """Write or queue one frame.

        ``size`` is the size of its payload in bytes. ``to_all``: it is a broadcast, so others are likely to follow.
        """
        now = self._clock.mono()
        single = not to_all and len(clients) == 1 and self._timer is None
        allowed = self._timer is None and self._policy.allows_now(now, single=single)
        blocked = (
            allowed
            and (len(clients) <= CLIENTS_PER_CLOCK_CHECK or size >= MIN_FILLING_FRAME_BYTES)
            and _any_blocked(clients)
        )
        if not self.batch or (allowed and not blocked):
            self._start_flush(now, [Write(frame, 1, size, clients)])
            self._run_slice(now, MAX_SLICE_S)
            self._schedule_next()
            return
        self._queue.append(QueuedFrame(frame, size, clients))
        self._queue_bytes += len(frame)
        if self._queue_bytes >= MAX_QUEUE_BYTES:
            self._shrink_queue()
        elif self._queue_bytes >= MAX_BATCH_BYTES and not self._in_burst:
            if _any_blocked(clients):
                self._in_burst = True
                self._schedule_immediately()
            else:
                self.flush()
        elif single or blocked or self._is_overdue(now):
            self._schedule_immediately()
        elif self._timer is None:
            self._schedule_next()

    def flush(self) -> None:
        """Write everything that is queued, without yielding. Afterwards, the queue is empty and no timer is set."""
        self._cancel_timer()
        self._in_burst = False
        while self._writes or self._queue:
            self._run_slice(self._clock.mono(), math.inf)

    def flush_client(self, client: Client) -> None:
        """Write everything that is queued for one client, which must be closed afterwards.

        The queue is not changed: a closed client ignores the frames that are still in it.
        """
        for write in self._writes:
            if client in write.clients:
                client.send(write.data, write.frames, write.size)
        recipients = {id(each.clients): each.clients for each in self._queue}  # many frames share few tuples
        its = {key for key, clients in recipients.items() if client in clients}
        if queued := [each for each in self._queue if id(each.clients) in its]:
            write = _join(queued, (client,))
            client.send(write.data, write.frames, write.size)

    def _is_overdue(self, now: float) -> bool:
        return self._timer is not None and not self._timer_is_immediate and now >= self._policy.next_flush_at

    def _shrink_queue(self) -> None:
        while self._queue_bytes >= MAX_QUEUE_BYTES:
            self._run_slice(self._clock.mono(), math.inf)

    def _schedule_next(self) -> None:
        """Set the timer for the next slice of the current flush, or for the next flush."""
        if self._writes and self._is_blocked(self._writes[0]):
            self._retries_left -= 1
            self._timer_is_immediate = True
            self._timer = asyncio.get_running_loop().call_later(FULL_SOCKET_RETRY_S, self._on_timer)
        elif self._writes or (self._in_burst and self._queue):
            self._schedule_immediately()
        elif self._queue:
            wait_s = self._policy.next_flush_at - self._clock.mono()
            self._timer_is_immediate = False
            self._timer = asyncio.get_running_loop().call_later(wait_s, self._schedule_immediately)

    def _schedule_immediately(self) -> None:
        """Set the timer for the next loop iteration, so that frames of this iteration are included."""
        self._cancel_timer()
        self._timer_is_immediate = True
        self._timer = asyncio.get_running_loop().call_soon(self._on_timer)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_timer(self) -> None:
        self._timer = None
        if not self._writes:
            self._policy.queue_flushed(len(self._queue))
        self._run_slice(self._clock.mono(), MAX_SLICE_S)
        unfinished = bool(self._writes or self._queue)
        self._in_burst = self._queue_bytes >= MAX_BATCH_BYTES or (self._in_burst and unfinished)
        self._schedule_next()

    def _is_blocked(self, write: Write) -> bool:
        """Return whether a write has to wait for a full socket and has retries left."""
        return self._retries_left > 0 and _any_blocked(write.clients)

    def _start_flush(self, now: float, writes: list[Write]) -> None:
        """Start a flush. Split its writes so that the slice's time is checked often enough."""
        self._retries_left = MAX_FULL_SOCKET_RETRIES if self._in_burst else 0
        sockets = 0
        for write in writes:
            clients = write.clients
            sockets += len(clients)
            if len(clients) <= CLIENTS_PER_CLOCK_CHECK:
                self._writes.append(write)
            else:
                step = CLIENTS_PER_CLOCK_CHECK
                parts = [clients[at : at + step] for at in range(0, len(clients), step)]
                self._writes.extend([Write(write.data, write.frames, write.size, part) for part in parts])
        self._policy.flush_began(now, sockets)

    def _run_slice(self, began: float, limit_s: float) -> None:
        """Continue the current flush, or start the next one, for at most ``limit_s`` seconds."""
        mono, writes, until = self._clock.mono, self._writes, began + limit_s if self.batch else math.inf
        if not writes:
            self._start_flush(began, _to_writes(self._take_batch()))
        now = began
        while writes and now < until and (until == math.inf or not self._is_blocked(writes[0])):
            data, frames, size, clients = writes.popleft()
            for client in clients:
                client.send(data, frames, size)
            now = mono()
        self._policy.slice_ended(began, now)

    def _take_batch(self) -> list[QueuedFrame]:
        """Remove the oldest frames from the queue: up to ``MAX_BATCH_BYTES``."""
        if self._queue_bytes < MAX_BATCH_BYTES:
            taken = list(self._queue)
            self._queue.clear()
            self._queue_bytes = 0
            return taken
        taken, room = [], MAX_BATCH_BYTES
        while room > 0 and self._queue:
            taken.append(self._queue.popleft())
            room -= len(taken[-1].frame)
        self._queue_bytes -= MAX_BATCH_BYTES - room
        return taken


def _any_blocked(clients: tuple[Client, ...]) -> bool:
    """Return whether the socket of any of the clients is full."""
    for client in clients:  # noqa: SIM110 - any() takes twice as long, and this runs for almost every frame
        if client.outbox.blocked and not client.outbox.closed:
            return True
    return False


def _to_writes(queued: list[QueuedFrame]) -> list[Write]:
    """Join frames: into one write if all have the same recipients, otherwise into one write per client."""
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
