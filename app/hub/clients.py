"""The class ``Client``, a connected client: the user it acts as, its counters, and its ``Outbox``.
The outbox is a send queue with a size limit. A client whose outbox overflows, because it does not read, is
disconnected. ``Transport`` is the interface of its connection.
"""

from collections import deque
from collections.abc import Callable
from typing import NamedTuple, Protocol

from typing_extensions import override

from app.hub.fault_plan import FaultPlan
from app.hub.origin import client_origin

OUTBOX_BYTES = 256 * 1024
"""Maximum size of a client's queue in bytes. Above it, the client is not reading, and its connection is aborted.

A single larger frame may wait alone, because raw frames can be larger.
"""


PAGE_CLOSED = 1001


class Ending(NamedTuple):
    """How a connection ended: its close code, None if it was cut, and whether the client ended it."""

    code: int | None
    by_client: bool

    @property
    def page_closed(self) -> bool:
        """Whether a page was closed or reloaded: then browsers send 1001, which a page itself cannot send."""
        return self.by_client and self.code == PAGE_CLOSED


class Handshake(NamedTuple):
    """The headers that identify the sender of a handshake."""

    origin: str
    user_agent: str


class Transport(Protocol):
    """A client's connection, as the hub uses it. No method waits or raises."""

    def write(self, data: bytes) -> None:
        """Write whole WebSocket frames to the socket."""

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake."""

    def abort(self) -> None:
        """Close the connection immediately, without a handshake."""

    def latency(self) -> float:
        """Return the round-trip time of the last ping in seconds, or 0 before the first."""


def _ignore_overflow() -> None:
    """Replace ``on_overflow`` of a closed outbox."""


class Outbox:
    """Frames for one client: written immediately while the socket accepts data, otherwise queued up to a limit.

    The connection calls ``block`` when the socket's buffer is full and ``unblock`` when it has drained. No client
    can delay another, and a client that does not read occupies a limited amount of memory.
    """

    def __init__(self, transport: Transport, on_overflow: Callable[[], None], limit: int = OUTBOX_BYTES) -> None:
        """``on_overflow`` is called once, when several writes with more than ``limit`` bytes would have to wait."""
        self._transport = transport
        self._on_overflow = on_overflow
        self._limit = limit
        self._queue: deque[bytes] = deque()
        self.waiting = 0
        """Number of queued bytes."""
        self.blocked = False
        """Whether the socket's buffer is full."""
        self.closed = False
        self.drained = 0
        """How often the socket has drained; it grows while the client reads."""

    def put(self, data: bytes) -> bool:
        """Write or queue frames. Return False if the outbox is closed, or now overflowed."""
        if self.closed:
            return False
        if not self.blocked:
            self._transport.write(data)
            return True
        if self._queue and self.waiting + len(data) > self._limit:
            on_overflow = self._on_overflow
            self.close()
            on_overflow()
            return False
        self._queue.append(data)
        self.waiting += len(data)
        return True

    def block(self) -> None:
        """Queue frames from now on."""
        self.blocked = True

    def unblock(self) -> None:
        """Write the queued frames, until the socket blocks again."""
        self.blocked = False
        self.drained += 1
        while self._queue and not self.blocked:
            data = self._queue.popleft()
            self.waiting -= len(data)
            self._transport.write(data)

    def write_all(self) -> None:
        """Write the queued frames even if the socket is full: the connection is about to be closed."""
        while self._queue:
            self._transport.write(self._queue.popleft())
        self.waiting = 0

    def close(self) -> None:
        """Discard the queue and ignore further frames."""
        self.closed = True
        self._on_overflow = _ignore_overflow  # breaks a reference cycle, which would wait for the garbage collector
        self._queue.clear()
        self.waiting = 0


class Client:
    """One connection, and the user that it acts as."""

    def __init__(
        self,
        client_id: int,
        transport: Transport,
        username: str,
        *,
        origin: str = "",
        user_agent: str = "",
        connected_at: float = 0.0,
        on_overflow: Callable[["Client"], None],
        flush: Callable[["Client"], None],
        on_closing: Callable[[], None],
    ) -> None:
        """``connected_at`` is in seconds since the epoch.

        ``on_overflow`` is called when the outbox is full, ``flush`` to write frames that are still batched, and
        ``on_closing`` when the client accepts no more frames, because the companion closes the connection.
        """
        self.id = client_id
        self.number = str(client_id)
        """The id as text, as journal rows contain it."""
        self.name = client_origin(client_id)
        """The ``Origin`` of rows that this client causes."""
        self.transport = transport
        self.username = username
        """The user that this connection acts as. Change it with ``Hub.identify``."""
        self.origin = origin
        """The ``Origin`` header of the handshake, not the ``Origin`` of journal rows (see ``name``)."""
        self.user_agent = user_agent
        self.connected_at = connected_at
        self.fault_plan: FaultPlan | None = None
        """Delays, drops or changes the client's frames; None to send them normally. See ``Hub.set_fault_plan``."""
        self._ready = False
        self.outbox = Outbox(transport, lambda: on_overflow(self))
        self._flush = flush
        self._on_closing = on_closing
        self.closing = False
        """Whether the companion is closing the connection."""
        self.ending = Ending(None, by_client=True)
        """How the connection ended; valid when the client has left."""
        self.frames_in = self.frames_out = 0
        self.bytes_in = self.bytes_out = 0
        self._blocked_since: float | None = None
        """Since when the socket is known to accept no data (monotonic seconds); None while it accepts some."""
        self._drained_before = 0

    @override
    def __str__(self) -> str:
        return self.name

    @property
    def accepts_frames(self) -> bool:
        """Whether frames can be sent: the companion is not closing the connection, and the outbox is open."""
        return not self.closing and not self.outbox.closed

    @property
    def ready(self) -> bool:
        """Whether the UI can be expected to show events; see ``Readiness``. False while the connection closes."""
        return self._ready and self.accepts_frames

    @ready.setter
    def ready(self, ready: bool) -> None:
        self._ready = ready

    def send(self, data: bytes, frames: int, size: int) -> None:
        """Put frames into the outbox, and count them. ``size`` is the total size of their payloads in bytes."""
        if not self.closing and self.outbox.put(data):
            self.frames_out += frames
            self.bytes_out += size

    def close(self, code: int, reason: str) -> None:
        """Write the frames sent so far, then start the closing handshake."""
        if not self.closing:
            self._flush(self)
            self.outbox.write_all()
        self.begin_closing()
        self.transport.close(code, reason)

    def abort(self) -> None:
        """Close the connection immediately, without a handshake."""
        self.begin_closing()
        self.transport.abort()

    def begin_closing(self) -> None:
        """Accept no more frames, because the companion closes the connection."""
        self.closing = True
        self._on_closing()

    def stalled_for(self, now: float) -> float:
        """Return for how many seconds the socket has accepted no data, measured by repeated calls.

        ``now`` is in monotonic seconds.
        """
        outbox = self.outbox
        if outbox.closed:
            return 0.0
        if not outbox.blocked or outbox.drained != self._drained_before:
            self._drained_before = outbox.drained
            self._blocked_since = now if outbox.blocked else None
        elif self._blocked_since is None:
            self._blocked_since = now
        return 0.0 if self._blocked_since is None else now - self._blocked_since

    def received(self, size: int) -> None:
        """Count a frame from the client. ``size`` is the size of its payload in bytes."""
        self.frames_in += 1
        self.bytes_in += size
