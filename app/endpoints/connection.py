"""One WebSocket connection of the event server: parse what the client sends, and write what the hub sends.
``EventConnection`` parses large reads in short slices, so that a client that sends much hardly delays the others.
It passes whole text frames to ``events``, which applies the client's rate limit and handles the frames. Other data
frames, and all that arrive while an earlier one is still being handled, first wait in the queue of the websockets
library, which also handles control frames. A client that sends too many control frames or fragments is aborted.
While the socket is full, the client's outbox (its send queue) is blocked.

``SocketTransport`` is the hub's interface to the same connection: write, close, abort, and measured latency.
"""

import asyncio
from contextlib import suppress
from time import perf_counter
from typing import Any, Protocol, cast

from typing_extensions import override
from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import SEND_EOF, Event, State

from app.hub.clients import Client
from app.hub.rate_limit import ClientKey, RateDecision, RateLimiter
from app.hub.tasks import Tasks

READ_BYTES = 64 * 1024
SLICE_BYTES = 1024
"""Largest piece passed to the parser at once, because the parser cannot be interrupted."""
TURN_FRAMES = 64
TURN_S = 0.002
"""After this many frames or seconds, the rest of the read bytes waits for the next iteration of the event loop."""
IGNORED_FRAMES = 256
"""A client that sends more frames than this after our close frame is aborted: its close frame may never come."""
MAX_FRAGMENTS = 1024
"""Limit per message. The library limits the size of a message, but empty fragments have no size."""
CONTROL_FRAMES_PER_S = 100
"""Rate limit for pings and pongs. The pongs for a client that reads nothing would fill the memory."""
REJECTED_ABORT_S = 1.0
"""Seconds between the close frame and the abort, if a client exceeded its rate limit."""


class ConnectionHandler(Protocol):
    """The methods of the event server that a connection calls."""

    connections: "set[EventConnection]"

    def accepts(self, transport: asyncio.BaseTransport) -> bool:
        """Return whether to keep a new TCP connection."""

    def on_frame(self, connection: "EventConnection", client: Client, frame: str | bytes, payload: bytes) -> None:
        """Handle a text frame or message of a client."""

    def abort(self, connection: "EventConnection", reason: str) -> None:
        """Abort a connection that floods the server."""


_read = memoryview(bytearray(READ_BYTES))
"""The shared read buffer: each connection copies its bytes before the next one reads."""


_parse = ServerConnection.data_received
"""Parses bytes and calls ``process_event`` for each frame. A module-level name, because ``super()`` costs time."""


class EventConnection(ServerConnection, asyncio.BufferedProtocol):
    """A connection that blocks its client's outbox while the socket is full, and limits the work per client.

    It is a ``BufferedProtocol`` that reads into a shared buffer. A plain ``Protocol`` would let asyncio allocate
    256 KiB for each read, which can take longer than handling a typing frame. (uvloop has a buffer of its own.)

    Whole text frames are dispatched as they arrive, without the library's queue and reader task. Other frames
    (fragments, binary, invalid UTF-8), and all frames that arrive while a handler is waiting, go through the queue.
    A full queue pauses reading, so a client cannot send faster than its frames are handled.

    A read that is larger than ``SLICE_BYTES`` is parsed in slices, within a budget per iteration of the event loop.
    Reading is paused until all of it is parsed, so a client that never stops sending cannot delay the others.
    """

    def __init__(self, handler: ConnectionHandler, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._handler = handler
        self._rejected = False
        self.client: Client | None = None
        self.key = ClientKey("", "", "")
        self._fragments = 0
        self.uncounted_fragments = 0
        """Continuation frames that the rate limit has not counted yet."""
        self._control = RateLimiter(CONTROL_FRAMES_PER_S, self.loop.time())
        self.queued = 0
        """Messages in the library's queue that are not handled yet."""
        self.handling: asyncio.Task[None] | None = None
        """The task of a handler that has to wait, for the database for example."""
        self.refused_with = 0
        """The code to close the connection with after its handshake; 0 to serve it."""
        self.rate = self._control
        """Rate limit of the client."""
        self.closing = False
        """Whether our close frame was sent: no more frames are dispatched."""
        self._ignored = 0
        self._frames = 0
        """Number of frames parsed so far."""
        self._backlog = bytearray()
        """Bytes that were read and not parsed yet."""
        self._next_parse: asyncio.Handle | None = None
        self._queue_full = False
        self._discarding = False
        self._reading = True

    def handled(self, _: object) -> None:
        """Allow the client's next frame to be dispatched: the done callback of ``handling``."""
        self.handling = None

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._rejected = not self._handler.accepts(transport)
        if self._rejected:
            cast(asyncio.Transport, transport).abort()  # uvloop's transport is not a subclass
            return
        super().connection_made(transport)
        # The library itself would resume reading although a backlog has to be parsed first.
        self.recv_messages.pause = self._pause_for_queue
        self.recv_messages.resume = self._resume_after_queue
        self._handler.connections.add(self)

    @override
    def get_buffer(self, sizehint: int) -> memoryview:
        return _read

    @override
    def buffer_updated(self, nbytes: int) -> None:
        if nbytes <= SLICE_BYTES and not self._backlog:
            _parse(self, bytes(_read[:nbytes]))
        else:
            self.data_received(bytes(_read[:nbytes]))

    @override
    def data_received(self, data: bytes) -> None:
        """Parse a small read at once, and a large one within a budget."""
        if len(data) <= SLICE_BYTES and not self._backlog:
            _parse(self, data)
        elif not self._discarding and not self.transport.is_closing():
            self._backlog += data
            if self._next_parse is None:
                self._parse_backlog()

    def _parse_backlog(self) -> None:
        """Parse until the budget is used up; the next iteration of the event loop parses the rest."""
        self._next_parse = None
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
        """Resume reading, or schedule the rest of the backlog, unless the library's queue is full."""
        if self._backlog and not self._queue_full and self._next_parse is None:
            self._next_parse = self.loop.call_soon(self._parse_backlog)
        self._update_reading()

    def _update_reading(self) -> None:
        reading = not (self._backlog or self._queue_full or self._discarding)
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

    @override
    def send_data(self) -> None:
        """Write the library's output in one piece, unless the transport is closing."""
        writes = self.protocol.data_to_send()
        if not writes or self.transport.is_closing():
            return
        if data := b"".join(writes):
            self.transport.write(data)
        if SEND_EOF in writes and self.transport.can_write_eof():
            with suppress(OSError, RuntimeError):  # uvloop raises the latter
                self.transport.write_eof()

    @override
    def process_event(self, event: Event) -> None:
        """Handle a frame (control frames too) or a handshake request. Called by websockets for each of them."""
        self._frames += 1
        if not isinstance(event, Frame):
            super().process_event(event)
        elif event.opcode is Opcode.TEXT and event.fin and self._dispatched(event):
            return
        elif reason := self._flood_reason(event):
            self._handler.abort(self, reason)
        elif event.opcode in DATA_OPCODES and self.closing:
            self.ignore()
        else:
            self.queued += event.opcode in DATA_OPCODES and event.fin
            super().process_event(event)

    def _dispatched(self, frame: Frame) -> bool:
        """Dispatch a whole text frame at once if the queue is empty; return False if it has to be queued."""
        if not self.client or self.queued or self.handling:
            return False
        try:
            text = str(frame.data, "utf-8")
        except UnicodeDecodeError:
            return False
        self._handler.on_frame(self, self.client, text, bytes(frame.data))
        return True

    def _flood_reason(self, frame: Frame) -> str:
        """Count fragments and control frames; return why to abort the connection, or an empty text."""
        if frame.opcode is Opcode.CONT:
            self._fragments += 1
            self.uncounted_fragments += 1
            return "too many fragments in one message" if self._fragments > MAX_FRAGMENTS else ""
        if frame.opcode in DATA_OPCODES:
            self._fragments = 0
        elif self._control.take(self.loop.time()) is RateDecision.EXCEEDED:
            return "too many control frames"
        return ""

    def stop_dispatching(self) -> None:
        """Dispatch no more frames, because our close frame was sent. See also ``ignore``."""
        self.closing = True

    def ignore(self) -> None:
        """Count a data frame after our close frame; abort a client that sends too many."""
        self._ignored += 1
        if self._ignored > IGNORED_FRAMES:
            self.transport.abort()

    def discard_and_abort(self) -> None:
        """Stop reading, and abort after the client had time to read our close frame."""
        self.stop_dispatching()
        self._discarding = True
        self._backlog.clear()
        self._update_reading()
        self.loop.call_later(REJECTED_ABORT_S, self.transport.abort)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        if not self._rejected:
            self._handler.connections.discard(self)
            self._backlog.clear()
            super().connection_lost(exc)

    @override
    def pause_writing(self) -> None:
        """Block the outbox: the socket's buffer is full."""
        super().pause_writing()
        if self.client:
            self.client.outbox.block()

    @override
    def resume_writing(self) -> None:
        """Unblock the outbox: the socket's buffer has drained."""
        super().resume_writing()
        if self.client:
            self.client.outbox.unblock()


class SocketTransport:
    """Implements the hub's ``Transport`` on a WebSocket connection. No method waits."""

    def __init__(self, connection: EventConnection, tasks: Tasks) -> None:
        self._connection = connection
        self._protocol, self._transport = connection.protocol, connection.transport
        self._tasks = tasks

    def write(self, data: bytes) -> None:
        """Write whole frames to the socket. Does nothing if the connection is closing."""
        transport = self._transport
        if self._protocol.state is State.OPEN and not transport.is_closing():
            transport.write(data)

    def close(self, code: int, reason: str) -> None:
        """Start the closing handshake. The reason is cut to 123 bytes, the maximum of a close frame."""
        short = reason.encode()[:123].decode(errors="ignore")
        self._tasks.spawn(self._connection.close(code, short), "close a client")

    def abort(self) -> None:
        """Close the connection at once, without a closing handshake."""
        self._connection.transport.abort()

    def latency(self) -> float:
        """Return the round trip of the latest ping in seconds; 0 before the first."""
        return self._connection.latency
