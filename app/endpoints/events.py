"""The event server: ``ws://127.0.0.1:8081/events`` (guide §1, §4)."""

import asyncio
import functools
import logging
import socket
from collections.abc import Collection
from contextlib import suppress
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs

from websockets.asyncio.server import Server, ServerConnection, broadcast, serve
from websockets.exceptions import ConnectionClosedError
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from app.endpoints.guard import Refusal, refuse
from app.endpoints.listening import HOST, PortBusy, is_busy
from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.router import Router
from app.hub.tasks import Tasks
from app.protocol.constants import EVENTS_PATH, SERVER_HEADER
from app.protocol.envelope import MAX_FRAME_BYTES

log = logging.getLogger(__name__)

OPEN_TIMEOUT_S = 5.0
GRACE_S = 1.0
"""How long ``stop`` waits for closing handshakes before it cuts connections."""
SWEEP_S = 5.0
SOCKET_BUFFER_BYTES = 64 * 1024
"""Otherwise the kernel alone would hold megabytes for a client that does not read."""
MAX_USERNAME = 64
BROKEN_PROTOCOL = (CloseCode.PROTOCOL_ERROR, CloseCode.UNSUPPORTED_DATA, CloseCode.INVALID_DATA)


class EventConnection(ServerConnection):
    """A connection that tells its client's outbox when the socket is full, and its server when it is there."""

    def __init__(self, alive: set["EventConnection"], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._alive = alive
        self.client: Client | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's callback."""
        super().connection_made(transport)
        self._alive.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's callback."""
        self._alive.discard(self)
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
        self._tasks = tasks

    def write(self, frame: bytes) -> None:
        """Hand one text frame to the socket; a connection that is ending ignores it."""
        if not self._connection.transport.is_closing():
            broadcast((self._connection,), frame, text=True)

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


class EventServer:
    """Accepts clients and passes their frames to the router. ``start`` and ``stop`` may be called repeatedly."""

    def __init__(self, hub: Hub, router: Router, port: int, allowed_origins: Collection[str]) -> None:
        self._hub = hub
        self._router = router
        self._wanted_port = port
        self.allowed_origins = allowed_origins
        self._server: Server | None = None
        self._alive: set[EventConnection] = set()
        self._tasks = Tasks()
        self._lock = asyncio.Lock()

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""
        return self._server is not None and self._server.is_serving()

    @property
    def port(self) -> int:
        """The port that is listened on; before that, the wanted one (0: any free one)."""
        if self._server and self._server.sockets:
            return int(self._server.sockets[0].getsockname()[1])
        return self._wanted_port

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://{HOST}:{self.port}{EVENTS_PATH}"

    async def start(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``; other network errors come as ``OSError``."""
        async with self._lock:
            if self._server:
                return
            if port is not None:
                self._wanted_port = port
            try:
                server = await serve(
                    self._serve, HOST, self._wanted_port,
                    compression=None, max_size=MAX_FRAME_BYTES, open_timeout=OPEN_TIMEOUT_S,
                    close_timeout=GRACE_S, process_request=self._judge, server_header=SERVER_HEADER,
                    create_connection=functools.partial(EventConnection, self._alive),  # type: ignore[arg-type]
                    start_serving=False,
                )  # fmt: skip
            except OSError as error:
                if is_busy(error):
                    raise PortBusy(self._wanted_port) from None
                raise
            for listener in server.sockets:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
            await server.start_serving()
            self._server = server
            self._tasks.spawn(self._sweep(), "sweep stalled clients")
        log.info("listening on %s", self.url)
        self._hub.tell("listening", note=self.url)

    async def stop(self) -> None:
        """Close every connection and the port, within two seconds whatever the clients do."""
        async with self._lock:
            server, self._server = self._server, None
            if server is None:
                return
            server.close(code=1001, reason="the companion has stopped")
            for connection in tuple(self._alive):
                if connection.paused:  # it reads nothing, so it would answer nothing
                    connection.transport.abort()
            closing = self._tasks.spawn(server.wait_closed(), "close the event server")
            await asyncio.wait([closing], timeout=GRACE_S)
            for connection in tuple(self._alive):
                connection.transport.abort()
            await asyncio.wait([closing], timeout=GRACE_S / 2)
            await self._tasks.cancel()
        log.info("stopped listening")
        self._hub.tell("stopped listening")

    def _judge(self, connection: ServerConnection, request: Request) -> Response | None:
        refusal = refuse(request.path, request.headers.get_all, self.port, self.allowed_origins)
        username = _username(request) or ""
        if refusal is None and len(username) > MAX_USERNAME:
            refusal = Refusal(HTTPStatus.BAD_REQUEST, f"a username has at most {MAX_USERNAME} characters")
        if refusal is None and not username.isprintable():
            refusal = Refusal(HTTPStatus.BAD_REQUEST, "a username has no control characters")
        if refusal is None:
            return None
        log.info("refused a handshake: %s", refusal.reason)
        self._hub.tell("refused", note=refusal.reason, verdict=Verdict.WARNING)
        return connection.respond(refusal.status, refusal.reason + "\n")

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, EventConnection)
        request = connection.request
        assert request is not None
        client = self._hub.join(
            SocketWire(connection, self._tasks),
            _username(request),
            origin=request.headers.get("Origin", ""),
            user_agent=request.headers.get("User-Agent", ""),
        )
        connection.client = client
        if connection.paused:  # whoever greets new clients may have filled its socket already
            client.outbox.block()
        try:
            # The queue must always be drained, or the library kills a talkative client.
            with suppress(ConnectionClosedError):
                async for frame in connection:
                    pending = self._router.receive(client, frame)
                    if pending:
                        await pending
        finally:
            self._hub.leave(client, *_farewell(connection))

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._hub.sweep()


def _username(request: Request) -> str | None:
    """Return the user that the URL names (``?username=alice``), if it does."""
    names = parse_qs(request.path.partition("?")[2]).get("username", [])
    return next((name.strip() for name in names if name.strip()), None)


def _farewell(connection: ServerConnection) -> tuple[str, Verdict]:
    """Say how a connection ended: by whose close frame, or by none."""
    protocol = connection.protocol
    close = protocol.close_rcvd if protocol.close_rcvd_then_sent else protocol.close_sent or protocol.close_rcvd
    if close is None:
        return "the connection was cut without a closing handshake (1006)", Verdict.OK
    if close.code == CloseCode.MESSAGE_TOO_BIG:
        return f"closed with 1009: a frame was over {MAX_FRAME_BYTES // 1024} KiB", Verdict.INVALID
    verdict = Verdict.INVALID if close.code in BROKEN_PROTOCOL else Verdict.OK
    return f"closed with {close.code:d}" + (f": {close.reason}" if close.reason else ""), verdict
