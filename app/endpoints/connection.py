"""A connection to the event server: reading within a budget, writing, and limits that hold for each client."""

import asyncio
from contextlib import suppress
from time import perf_counter
from typing import Any, Protocol, cast

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import SEND_EOF, Event, State

from app.hub.clients import Client
from app.hub.rate_limit import ClientKey, RateDecision, RateLimiter
from app.hub.tasks import Tasks

READ_BYTES = 64 * 1024
SLICE_BYTES = 1024
"""The parser gets at most this much at once: it cannot be interrupted."""
TURN_FRAMES = 64
TURN_S = 0.002
"""After this many frames or seconds, the rest of what was read waits for the next turn of the loop."""
IGNORED_FRAMES = 256
"""A client that sends more than this after our close frame is aborted: its close frame may never come."""
MAX_FRAGMENTS = 1024
"""Per message. The library limits the size of a message, but an empty fragment has none."""
CONTROL_FRAMES_PER_S = 100
"""Pings and pongs. Each ping is answered, and the answers to a client that reads none would fill the memory."""
REJECTED_ABORT_S = 1.0
"""A client that exceeded its rate has this long to read the close frame."""


class Owner(Protocol):
    """The server, as a connection sees it."""

    alive: "set[EventConnection]"

    def accepts(self, transport: asyncio.BaseTransport) -> bool:
        """Return whether another TCP connection may stay."""

    def on_frame(self, connection: "EventConnection", client: Client, frame: str | bytes, payload: bytes) -> None:
        """Handle a client's frame."""

    def cut(self, connection: "EventConnection", why: str) -> None:
        """Abort a connection that does harm."""


def text_frame(payload: bytes) -> bytes:
    """Return a text frame of that UTF-8: the same bytes for every client, since nothing is compressed."""
    size = len(payload)
    if size < 126:
        return b"\x81%c" % size + payload
    if size < 0x10000:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return Frame(Opcode.TEXT, payload).serialize(mask=False)  # the same, in six times the time


_read = memoryview(bytearray(READ_BYTES))
"""The read buffer of every connection: each copies its bytes out before the next one reads."""


_parse = ServerConnection.data_received
"""Parse what was read, and handle each event. Called without ``super()`` since every frame passes here."""


class EventConnection(ServerConnection, asyncio.BufferedProtocol):
    """A connection that reports a full socket to its client's outbox, and limits what its client can cost.

    On asyncio's own loops it reads into a shared buffer. Otherwise, asyncio allocates 256 KiB for each read, which
    can take longer than everything else that is done with a typing frame. (uvloop has a buffer of its own.)

    Whole text frames are dispatched as they arrive, without a detour through the library's queue and its reader's
    task. Other frames (fragments, binary, invalid UTF-8), and all that arrive while a handler is waiting, take the
    queue, which pauses reading from a client that sends faster than it is handled.

    A read that is larger than a slice is parsed slice by slice, for one turn's budget at a time. Reading is paused
    until all of it is parsed, so a client that sends without end takes its turn like any other.
    """

    def __init__(self, owner: Owner, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owner = owner
        self._rejected = False
        self.client: Client | None = None
        self.key = ClientKey("", "", "")
        self._fragments = 0
        self.extra_frames = 0
        """Continuation frames that the rate limit has not counted yet."""
        self._control = RateLimiter(CONTROL_FRAMES_PER_S, self.loop.time())
        self.queued = 0
        """Messages in the library's queue that were not handled yet."""
        self.handling: asyncio.Task[None] | None = None
        """A handler that is waiting for something."""
        self.rate = self._control
        """How fast its client may send."""
        self.closing = False
        """Whether our close frame is on its way: no more frames are dispatched."""
        self._ignored = 0
        self._frames = 0
        """Frames parsed so far."""
        self._backlog = bytearray()
        """What was read and not parsed yet."""
        self._continuing: asyncio.Handle | None = None
        self._queue_full = False
        self._deaf = False
        self._reading = True

    def handled(self, _: object) -> None:
        """Let the client's next frame be dispatched."""
        self.handling = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's callback."""
        self._rejected = not self._owner.accepts(transport)
        if self._rejected:
            cast(asyncio.Transport, transport).abort()  # uvloop's is no subclass
            return
        super().connection_made(transport)
        # Otherwise the library would resume reading while a backlog is waiting here.
        self.recv_messages.pause = self._pause_for_queue
        self.recv_messages.resume = self._resume_after_queue
        self._owner.alive.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Asyncio's callback: where to read to."""
        return _read

    def buffer_updated(self, nbytes: int) -> None:
        """Asyncio's callback: this many bytes were read."""
        if nbytes <= SLICE_BYTES and not self._backlog:
            _parse(self, bytes(_read[:nbytes]))
        else:
            self.data_received(bytes(_read[:nbytes]))

    def data_received(self, data: bytes) -> None:
        """Asyncio's callback: parse a small read at once, and a large one within a budget."""
        if len(data) <= SLICE_BYTES and not self._backlog:
            _parse(self, data)
        elif not self._deaf and not self.transport.is_closing():
            self._backlog += data
            if self._continuing is None:
                self._parse_backlog()

    def _parse_backlog(self) -> None:
        """Parse what was read until the turn's budget is used up; the rest follows in the next turn."""
        self._continuing = None
        backlog, transport = self._backlog, self.transport
        last_frame, deadline = self._frames + TURN_FRAMES, perf_counter() + TURN_S
        at = 0
        while at < len(backlog) and not self._queue_full and not transport.is_closing():
            _parse(self, bytes(backlog[at : at + SLICE_BYTES]))
            at += SLICE_BYTES
            if self._frames >= last_frame or perf_counter() >= deadline:
                break
        del backlog[:at]
        if transport.is_closing():
            backlog.clear()
            return
        self._continue()

    def _continue(self) -> None:
        """Read on, or parse on in the next turn, unless the library's queue is full."""
        if self._backlog and not self._queue_full and self._continuing is None:
            self._continuing = self.loop.call_soon(self._parse_backlog)
        self._update_reading()

    def _update_reading(self) -> None:
        reading = not (self._backlog or self._queue_full or self._deaf)
        if reading != self._reading and not self.transport.is_closing():
            self._reading = reading
            if reading:
                self.transport.resume_reading()
            else:
                self.transport.pause_reading()

    def _pause_for_queue(self) -> None:
        self._queue_full = True
        self._update_reading()

    def _resume_after_queue(self) -> None:
        self._queue_full = False
        self._continue()

    def send_data(self) -> None:
        """Write what the library has to send: in one piece, and nothing after the transport was closed."""
        writes = self.protocol.data_to_send()
        if not writes or self.transport.is_closing():
            return
        if data := b"".join(writes):
            self.transport.write(data)
        if SEND_EOF in writes and self.transport.can_write_eof():
            with suppress(OSError, RuntimeError):  # uvloop raises the latter
                self.transport.write_eof()

    def process_event(self, event: Event) -> None:
        """Handle a frame (control frames too) or a handshake request. Called by the library."""
        self._frames += 1
        if not isinstance(event, Frame):
            super().process_event(event)
        elif event.opcode is Opcode.TEXT and event.fin and self._dispatched(event):
            return
        elif why := self._floods(event):
            self._owner.cut(self, why)
        elif event.opcode in DATA_OPCODES and self.closing:
            self.ignore()
        else:
            self.queued += event.opcode in DATA_OPCODES and event.fin
            super().process_event(event)

    def _dispatched(self, frame: Frame) -> bool:
        """Dispatch a whole text frame at once if nothing is before it; return False if it has to queue."""
        if not self.client or self.queued or self.handling:
            return False
        try:
            text = str(frame.data, "utf-8")
        except UnicodeDecodeError:
            return False
        self._owner.on_frame(self, self.client, text, bytes(frame.data))
        return True

    def _floods(self, frame: Frame) -> str:
        """Return why a client that sends such frames by the thousand is cut; an empty text if it does not."""
        if frame.opcode is Opcode.CONT:
            self._fragments += 1
            self.extra_frames += 1
            return "a message in too many fragments" if self._fragments > MAX_FRAGMENTS else ""
        if frame.opcode in DATA_OPCODES:
            self._fragments = 0
        elif self._control.take(self.loop.time()) is RateDecision.EXCEEDED:
            return "too many control frames"
        return ""

    def stop_dispatching(self) -> None:
        """Dispatch no more frames: our close frame is on its way. Abort a client that goes on sending."""
        self.closing = True

    def ignore(self) -> None:
        """Count a data frame that is not dispatched any more."""
        self._ignored += 1
        if self._ignored > IGNORED_FRAMES:
            self.transport.abort()

    def reject(self) -> None:
        """Read nothing more, and abort after the client had time to read our close frame."""
        self.stop_dispatching()
        self._deaf = True
        self._backlog.clear()
        self._update_reading()
        self.loop.call_later(REJECTED_ABORT_S, self.transport.abort)

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's callback."""
        if not self._rejected:
            self._owner.alive.discard(self)
            self._backlog.clear()
            super().connection_lost(exc)

    def pause_writing(self) -> None:
        """Asyncio's callback: the socket's buffer is full."""
        super().pause_writing()
        if self.client:
            self.client.outbox.block()

    def resume_writing(self) -> None:
        """Asyncio's callback: the socket's buffer has drained."""
        super().resume_writing()
        if self.client:
            self.client.outbox.unblock()


class SocketTransport:
    """The hub's ``Transport`` over a WebSocket connection."""

    def __init__(self, connection: EventConnection, tasks: Tasks) -> None:
        self._connection = connection
        self._protocol, self._transport = connection.protocol, connection.transport
        self._tasks = tasks

    def write(self, data: bytes) -> None:
        """Hand whole frames to the socket; a connection that is ending ignores them."""
        transport = self._transport
        if self._protocol.state is State.OPEN and not transport.is_closing():
            transport.write(data)

    def close(self, code: int, reason: str) -> None:
        """Begin the closing handshake; of the reason goes what fits into a close frame."""
        short = reason.encode()[:123].decode(errors="ignore")
        self._tasks.spawn(self._connection.close(code, short), "close a client")

    def abort(self) -> None:
        """Cut the connection now."""
        self._connection.transport.abort()

    def latency(self) -> float:
        """Return the last ping's round trip in seconds; 0 before the first."""
        return self._connection.latency
