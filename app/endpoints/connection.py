"""A connection to the event server: what comes in, what goes out, and what one client alone may not do."""

import asyncio
from typing import Any, Protocol, cast

from websockets.asyncio.server import ServerConnection
from websockets.frames import DATA_OPCODES, Frame, Opcode
from websockets.protocol import Event, State

from app.hub import pace
from app.hub.clients import Client
from app.hub.pace import Pace
from app.hub.tasks import Tasks

READ_BYTES = 64 * 1024
MAX_FRAGMENTS = 1024
"""Of one message. The library bounds their bytes, but an empty fragment has none."""
CONTROL_FRAMES_PER_S = 100
"""Pings and pongs; each ping is answered, and a client that reads no answers would fill the memory."""


class Owner(Protocol):
    """The server, as a connection sees it."""

    alive: "set[EventConnection]"

    def has_room(self) -> bool:
        """Return whether another TCP connection is let in."""

    def hear(self, connection: "EventConnection", client: Client, frame: str | bytes, payload: bytes) -> None:
        """Take a frame that came."""

    def cut(self, connection: "EventConnection", why: str) -> None:
        """Cut a connection that does harm."""


def text_frame(payload: bytes) -> bytes:
    """Return a text frame of that UTF-8: the same bytes for every client, since nothing is compressed."""
    size = len(payload)
    if size < 126:
        return b"\x81%c" % size + payload
    if size < 0x10000:
        return b"\x81\x7e" + size.to_bytes(2, "big") + payload
    return Frame(Opcode.TEXT, payload).serialize(mask=False)  # the same, in six times the time


_read = memoryview(bytearray(READ_BYTES))
"""Where every connection's bytes come to: they are taken out again before anybody else reads."""


class EventConnection(ServerConnection, asyncio.BufferedProtocol):
    """A connection that tells its client's outbox when the socket is full, and its server when it is there.

    On asyncio's own loops it reads into a buffer that is there: the other way makes one of 256 KiB for each read,
    which can take longer than all else that is done with a typing frame. (uvloop has its own.)

    Whole text frames are heard as they come, without a detour through the library's queue and its reader's task.
    Others (in fragments, binary, no UTF-8), and all that come while a handler waits for something, take that way,
    which holds a client back that sends faster than it is heard.
    """

    def __init__(self, owner: Owner, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._owner = owner
        self._turned_away = False
        self.client: Client | None = None
        self._fragments = 0
        self._control = Pace(CONTROL_FRAMES_PER_S, self.loop.time())
        self.queued = 0
        """Messages in the library's queue that were not heard yet."""
        self.handling: asyncio.Task[None] | None = None
        """A handler that waits for something."""
        self.pace = self._control
        """How fast its client may talk."""
        self.parting = False
        """Whether it is being closed and no longer heard."""

    def handled(self, _: object) -> None:
        """Let the client's next frame be heard."""
        self.handling = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's callback."""
        self._turned_away = not self._owner.has_room()
        if self._turned_away:
            cast(asyncio.Transport, transport).abort()  # uvloop's is no subclass
            return
        super().connection_made(transport)
        self._owner.alive.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Asyncio's callback: where to read to."""
        return _read

    def buffer_updated(self, nbytes: int) -> None:
        """Asyncio's callback: so much was read."""
        self.data_received(bytes(_read[:nbytes]))

    def process_event(self, event: Event) -> None:
        """The library's callback for each frame, control frames too, before anybody reads it."""
        if not isinstance(event, Frame):
            super().process_event(event)
        elif why := self._floods(event):
            self._owner.cut(self, why)
        elif not self._heard(event):
            if event.opcode in DATA_OPCODES and event.fin:
                self.queued += 1
            super().process_event(event)

    def _heard(self, frame: Frame) -> bool:
        """Let a text frame be heard now, if nothing is before it; False when it has to queue."""
        if not (self.client and frame.opcode is Opcode.TEXT and frame.fin) or self.queued or self.handling:
            return False
        try:
            text = str(frame.data, "utf-8")
        except UnicodeDecodeError:
            return False
        self._owner.hear(self, self.client, text, bytes(frame.data))
        return True

    def _floods(self, frame: Frame) -> str:
        """Say what is wrong with a client that sends such frames by the thousand; nothing for one that does not."""
        if frame.opcode is Opcode.CONT:
            self._fragments += 1
            return "a message in too many fragments" if self._fragments > MAX_FRAGMENTS else ""
        if frame.opcode in DATA_OPCODES:
            self._fragments = 0
        elif self._control.take(self.loop.time()) is pace.Verdict.OVER:
            return "too many control frames"
        return ""

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's callback."""
        if not self._turned_away:
            self._owner.alive.discard(self)
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


class SocketWire:
    """The hub's ``Wire`` over a WebSocket connection."""

    def __init__(self, connection: EventConnection, tasks: Tasks) -> None:
        self._connection = connection
        self._protocol, self._transport = connection.protocol, connection.transport
        self._tasks = tasks

    def write(self, piece: bytes) -> None:
        """Hand whole frames to the socket; a connection that is ending ignores them."""
        transport = self._transport
        if self._protocol.state is State.OPEN and not transport.is_closing():
            transport.write(piece)

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
