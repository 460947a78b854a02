"""The peer server: accept TCP connections of peers, pass the JSON of each frame to a handler, and send its answer.
A peer is a friend with a companion of their own. The port is on loopback, or open to the network if the settings
say so.

Limits keep memory small and the event loop responsive: connections in total and per address, the size of a frame,
the size of all incomplete frames, the time of a frame, the time without any data, and messages per second, of a
connection and of an address.
"""

import asyncio
import logging
import socket
from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Protocol

from app.endpoints.listening import HOST, Listener, ListeningServer, bounded
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.rejection_log import RejectionLog
from app.hub.tasks import Tasks
from app.protocol.errors import RequestError, StorageError
from app.protocol.peers.errors import BadPeerFrame
from app.protocol.peers.frames import FrameReader, frame
from app.system.files import kind

log = logging.getLogger(__name__)

LAN_HOST = "0.0.0.0"
MAX_CONNECTIONS = 64
MAX_PER_ADDRESS = 5
MAX_BUFFERED_BYTES = 16 * 1024 * 1024
"""Limit for the incomplete frames of all connections together."""
READ_BYTES = 64 * 1024
SILENCE_S = 10.0
"""A connection that sends no data for this long is closed."""
FRAME_S = 30.0
"""A frame must be complete within this time, so that a connection cannot be kept open with single bytes."""
SWEEP_S = 1.0
MESSAGES_PER_S = 10
PAUSE_S = 1.0
MAX_PAUSES = 3
"""A connection that exceeds ``MESSAGES_PER_S`` is not read for ``PAUSE_S``, and closed the third time."""
MESSAGES_PER_S_OF_ADDRESS = 20
"""All connections from an address together, so that reconnecting does not bypass ``MESSAGES_PER_S``. Further
messages only wait for their turn: several peers may have one address (a router's, or 127.0.0.1), and none of them
may cut off the others. As each connection has at most one message that waits, a turn comes soon."""
MAX_ADDRESSES = 256
"""The rates of this many addresses are remembered."""
SERVER = "peers"


class Handler(Protocol):
    """Handles frames; see ``sources.peers.receiver``."""

    async def handle(self, body: bytes, connection: "Connection") -> bytes | None:
        """Return the JSON to answer with, or None. Raises ``BadPeerFrame`` to close the connection."""


class Connection:
    """An open connection of a peer."""

    def __init__(self, ip: str, writer: asyncio.StreamWriter, now: float) -> None:
        self.ip = ip
        self.pinged = float("-inf")
        """When a ping was last looked at (monotonic seconds). Set by the handler."""
        self.writer = writer
        self.frames = FrameReader()
        self.last_byte = now
        self.frame_began = now
        self.is_handled = False
        """Whether the handler works on a frame. Meanwhile, nothing is read, and time does not count as silence."""
        self._window, self._messages, self._pauses = now, 0, 0

    def count_message(self, now: float) -> int:
        """Count a message. Return 0, or how often the connection has exceeded the rate if it does now."""
        if now - self._window >= 1.0:
            self._window, self._messages = now, 0
        self._messages += 1
        if self._messages <= MESSAGES_PER_S:
            return 0
        self._window, self._messages = now + PAUSE_S, 1
        self._pauses += 1
        return self._pauses

    def abort(self) -> None:
        """Close the connection at once."""
        self.writer.transport.abort()


class AddressRates:
    """Limits the messages from each address to ``MESSAGES_PER_S_OF_ADDRESS``, with bursts of as many.

    All times are monotonic seconds.
    """

    def __init__(self) -> None:
        self._next_at: dict[str, float] = {}
        """When each address would send its next message if it sent at exactly this rate. The latest one is last."""

    def __len__(self) -> int:
        return len(self._next_at)

    def delay(self, ip: str, now: float) -> float:
        """Count a message from an address. Return how many seconds it has to wait."""
        next_at = max(self._next_at.pop(ip, now), now)
        if len(self._next_at) >= MAX_ADDRESSES:
            del self._next_at[next(iter(self._next_at))]
        interval = 1 / MESSAGES_PER_S_OF_ADDRESS
        self._next_at[ip] = next_at + interval
        return max(0.0, next_at + interval - now - 1.0)


class PeerServer(ListeningServer[asyncio.Server]):
    """Listens for peers. ``start`` and ``stop`` may be called repeatedly."""

    def __init__(
        self, hub: Hub, rejections: RejectionLog, port: int, lan: Callable[[], bool],
        handler: Callable[[], Handler], prepare: Callable[[], Awaitable[object]],
    ) -> None:  # fmt: skip
        """``lan`` returns whether other machines may connect. ``prepare`` is awaited first, and may create keys."""
        self._hub = hub
        self._rejections = rejections
        self._lan = lan
        self._handler = handler
        self._prepare = prepare
        self._host = HOST
        self._tasks = Tasks()
        self._lock = asyncio.Lock()
        self._connections: set[Connection] = set()
        self._per_address: Counter[str] = Counter()
        self._rates = AddressRates()
        super().__init__(Listener(port, self._accept_on, self._report, lambda: self._host))

    @property
    def url(self) -> str:
        """Where peers connect."""
        return f"tcp://{self._host}:{self.port}"

    @property
    def open_port(self) -> int:
        """The open port for peers; 0 if it is closed."""
        return self.port if self.listening else 0

    @property
    def connections(self) -> int:
        """Number of open connections."""
        return len(self._connections)

    async def start(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``, and ``OSError`` for other errors, for example if the keys cannot be read."""
        async with self._lock:
            if self._listener.servers:
                return
            try:
                await self._prepare()
            except (RequestError, StorageError) as error:
                raise OSError(str(error).removesuffix(".")) from None
            self._host = LAN_HOST if self._lan() else HOST
            await self._listener.open(port)
            self._tasks.spawn(self._sweep(), "close silent connections of peers")
            self._tasks.spawn(self._listener.watch(), "watch the peer server's listening socket")
        self._hub.log_server_event("listening", note=f"peers: {self.url}")

    async def stop(self) -> None:
        """Close the port and every connection. May be called twice."""
        async with self._lock:
            servers = self._listener.close()
            if not servers:
                return
            for each in servers:
                each.close()
            for connection in tuple(self._connections):
                connection.abort()
            await self._tasks.cancel()
        self._hub.log_server_event("stopped listening", note="peers")

    async def _accept_on(self, bound: socket.socket) -> asyncio.Server:
        return await asyncio.start_server(self._on_connection, sock=bound, limit=READ_BYTES)

    def _report(self, event: str, note: str) -> None:
        self._hub.log_server_event(event, note=note, verdict=Verdict.WARNING)

    def _on_connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Accept a connection, or close it at once if there are too many."""
        address = writer.get_extra_info("peername")
        ip = str(address[0]) if address else "an unknown address"
        reason = ""
        if len(self._connections) >= bounded(MAX_CONNECTIONS):
            reason = f"from {ip}: there are already {len(self._connections)} connections of peers"
        elif self._per_address[ip] >= MAX_PER_ADDRESS:
            reason = f"from {ip}: there are already {MAX_PER_ADDRESS} connections from this address"
        if reason or not self._listener.servers:
            self._refuse(reason or "the server is stopping")
            writer.transport.abort()
            return
        connection = Connection(ip, writer, self._hub.clock.mono())
        self._connections.add(connection)
        self._per_address[ip] += 1
        serving = self._tasks.spawn(self._serve(reader, connection), f"peer connection from {ip}")
        serving.add_done_callback(lambda _: self._served(connection))

    async def _serve(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        try:
            while received := await reader.read(READ_BYTES):
                await self._handle(received, connection)
        except BadPeerFrame:
            pass  # it was refused with a row, and the connection is closed
        except OSError as error:
            log.debug("a connection of a peer was lost: %s", kind(error))

    def _served(self, connection: Connection) -> None:
        """Close and forget a connection, even if its task was cancelled before it began."""
        self._connections.discard(connection)
        self._per_address[connection.ip] -= 1
        if not self._per_address[connection.ip]:
            del self._per_address[connection.ip]
        with suppress(OSError, RuntimeError):
            connection.writer.close()

    async def _handle(self, received: bytes, connection: Connection) -> None:
        """Handle the frames that are complete. Raises ``BadPeerFrame``, and ``OSError`` if answering fails."""
        connection.last_byte = now = self._hub.clock.mono()
        if not connection.frames.buffered:
            connection.frame_began = now
        frames = connection.frames.feed(received)
        while True:
            try:
                body = next(frames, None)
            except BadPeerFrame as error:
                self._refuse(f"from {connection.ip}: {error}")
                raise
            if body is None:
                break
            await self._wait_for_rate(connection)
            connection.is_handled = True
            answer = await self._handler().handle(body, connection)
            connection.is_handled = False
            connection.last_byte = connection.frame_began = self._hub.clock.mono()
            if answer:
                connection.writer.write(frame(answer))
                await connection.writer.drain()
        if sum(each.frames.buffered for each in self._connections) > MAX_BUFFERED_BYTES:
            self._refuse(f"from {connection.ip}: too many large frames arrive at once")
            raise BadPeerFrame("too many large frames")

    async def _wait_for_rate(self, connection: Connection) -> None:
        pauses = connection.count_message(self._hub.clock.mono())
        if pauses >= MAX_PAUSES:
            self._refuse(f"from {connection.ip}: more than {MESSAGES_PER_S} messages per second, again and again")
            raise BadPeerFrame("too many messages")
        if pauses:
            note = f"from {connection.ip}: more than {MESSAGES_PER_S} messages per second; reading is paused"
            self._rejections.journal(SERVER, note, "too fast")
            await self._hub.clock.sleep(PAUSE_S)
        if delay := self._rates.delay(connection.ip, self._hub.clock.mono()):
            await self._hub.clock.sleep(delay)

    async def _sweep(self) -> None:
        while True:
            await self._hub.clock.sleep(SWEEP_S)
            self.close_silent()

    def close_silent(self) -> None:
        """Close the connections that are silent, or whose frame takes too long."""
        now = self._hub.clock.mono()
        for connection in tuple(self._connections):
            if connection.is_handled:
                continue
            silent = now - connection.last_byte >= SILENCE_S
            slow = connection.frames.buffered and now - connection.frame_began >= FRAME_S
            if slow or (silent and connection.frames.buffered):
                self._refuse(f"from {connection.ip}: a frame was not complete in time")
            if silent or slow:
                connection.abort()

    def _refuse(self, reason: str) -> None:
        self._rejections.add(SERVER, reason)
