"""A client: one connection, the user it acts as, its counters, and the outbox that bounds it."""

from collections import deque
from collections.abc import Callable
from typing import Protocol

from app.hub.fault_plan import FaultPlan
from app.hub.origin import client_origin

OUTBOX_BYTES = 256 * 1024
"""More than this waiting for a client means that it does not read: its connection is aborted."""


def may_close_with(code: int) -> bool:
    """Return whether an endpoint may send this close code (RFC 6455 §7.4)."""
    return code in (*range(1000, 1004), *range(1007, 1015)) or 3000 <= code <= 4999


class Transport(Protocol):
    """The socket as a client sees it. No method waits or raises."""

    def write(self, piece: bytes) -> None:
        """Hand whole frames to the socket."""

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake."""

    def abort(self) -> None:
        """Cut the connection now."""

    def latency(self) -> float:
        """Return the last ping's round trip in seconds; 0 before the first."""


def _nobody() -> None:
    """Hear nothing."""


class Outbox:
    """Frames on their way to one client: written at once while the socket takes them, else kept in order.

    The socket says ``block()`` when its own buffer is full and ``unblock()`` when it has drained, so no
    client can delay another, and what a client that stopped reading may hold is bounded.
    """

    def __init__(self, transport: Transport, on_overflow: Callable[[], None], limit: int = OUTBOX_BYTES) -> None:
        self._transport = transport
        self._on_overflow = on_overflow
        self._limit = limit
        self._pieces: deque[bytes] = deque()
        self.waiting = 0
        """Bytes kept here."""
        self.blocked = False
        self.closed = False
        self.drained = 0
        """How often the socket has drained: a sign of life."""

    def put(self, piece: bytes) -> bool:
        """Send or keep some frames; False when the client had to be given up."""
        if self.closed:
            return False
        if not self.blocked:
            self._transport.write(piece)
            return True
        if self.waiting + len(piece) > self._limit:
            tell = self._on_overflow
            self.close()
            tell()
            return False
        self._pieces.append(piece)
        self.waiting += len(piece)
        return True

    def block(self) -> None:
        """Keep what comes from now on."""
        self.blocked = True

    def unblock(self) -> None:
        """Write what was kept, until the socket blocks again."""
        self.blocked = False
        self.drained += 1
        while self._pieces and not self.blocked:
            piece = self._pieces.popleft()
            self.waiting -= len(piece)
            self._transport.write(piece)

    def close(self) -> None:
        """Forget what was kept and take no more."""
        self.closed = True
        self._on_overflow = _nobody  # who would be told knows this outbox: such circles wait for the collector
        self._pieces.clear()
        self.waiting = 0


class Client:
    """One connection (``connected_at`` in seconds since the epoch)."""

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
    ) -> None:
        """``flush`` writes what is still queued for the client."""
        self.id = client_id
        self.number = str(client_id)
        """As it stands in the journal."""
        self.name = client_origin(client_id)
        """The origin of what this client causes."""
        self.transport = transport
        self.username = username
        """The user this connection acts as; a developer may change it."""
        self.origin = origin
        self.user_agent = user_agent
        self.connected_at = connected_at
        self.fault_plan: FaultPlan | None = None
        """Decides what the client gets; None for the normal path. Set it with ``Hub.set_fault_plan``."""
        self.ready = False
        """Whether its UI can be expected to show events; see ``Readiness``."""
        self.outbox = Outbox(transport, lambda: on_overflow(self))
        self._flush = flush
        self.closing = False
        """Whether the companion has begun to end the connection."""
        self.frames_in = self.frames_out = 0
        self.bytes_in = self.bytes_out = 0
        self._blocked_since: float | None = None
        """Since when the socket was seen to take nothing (monotonic seconds), or None while it takes something."""
        self._drained_before = 0

    def __str__(self) -> str:
        return self.name

    def send(self, piece: bytes, frames: int, size: int) -> None:
        """Hand frames to the outbox, so many with so many bytes of payload."""
        if not self.closing and self.outbox.put(piece):
            self.frames_out += frames
            self.bytes_out += size

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake, after what was sent before."""
        if not self.closing:
            self._flush(self)
        self.closing = True
        self.transport.close(code, reason)

    def abort(self) -> None:
        """Cut the connection now."""
        self.closing = True
        self.transport.abort()

    def stalled_for(self, now: float) -> float:
        """Return for how many seconds the socket has taken nothing, as far as earlier calls have seen."""
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
        """Count a frame of ``size`` bytes that came in."""
        self.frames_in += 1
        self.bytes_in += size
