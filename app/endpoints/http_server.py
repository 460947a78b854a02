"""Serve an aiohttp application on a loopback port: limit connections, and abort those without an accepted request,
and those that do not read their responses.
The REST stand-in and the control API use one instance each. For each request, their applications have to call
``check`` (access), ``health`` and ``admit`` or ``admit_agent``; the server does not call these itself.

It listens without aiohttp, which takes long to load: the first connection loads it and waits. The function
``application``, which an instance is given, creates the aiohttp application with the handlers of the requests.
"""

import asyncio
import importlib
import logging
import socket
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary, WeakSet

from typing_extensions import override

from app.endpoints.access_policy import AccessPolicy, Rejection
from app.endpoints.health import METHODS as HEALTH_METHODS
from app.endpoints.health import PATH as HEALTH
from app.endpoints.health import IsReady, always_ready, health
from app.endpoints.listening import HOST, SPARE_CONNECTIONS, Listener, ListeningServer, bounded, ends_of
from app.hub.tasks import Tasks
from app.protocol.constants import SERVER_HEADER

if TYPE_CHECKING:
    from aiohttp import web

    from app.endpoints.http_handler import ErrorResponse

log = logging.getLogger(__name__)

IDLE_S = 5.0
"""Seconds until a connection without a request is aborted."""
STALLED_S = 20.0
"""Seconds until a connection that takes nothing of a waiting response is aborted."""
SWEEP_S = 1.0
KEEPALIVE_S = 20.0
BODY_TIMEOUT_S = 5.0
"""Seconds within which the body of a request has to arrive."""
LINGER_S = 1.0
"""Seconds to keep draining an unread request body, so that its sender reads the response."""

RESPONSE_HEADERS = {
    "Server": SERVER_HEADER,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""Headers of every response: no version, no content sniffing, no embedding by pages of other origins."""

# aiohttp logs invalid HTTP with a traceback that quotes the request. Errors of handlers are caught before that.
_aiohttp_log = logging.getLogger(f"{__name__}.aiohttp")
_aiohttp_log.disabled = True

_OPTIONS = {
    "access_log": None,
    "logger": _aiohttp_log,
    "keepalive_timeout": KEEPALIVE_S,
    "lingering_time": LINGER_S,
    "auto_decompress": False,  # it would block the event loop, before the size of a body is checked
}
"""Options of aiohttp's request handlers."""


class HttpServer(ListeningServer[asyncio.Server]):
    """An HTTP server on the loopback address. ``start`` and ``stop`` may be called repeatedly.

    ``application`` is called at the first connection, because loading aiohttp takes 14 MB and doubles the time
    until the program has started.
    """

    def __init__(
        self,
        name: str,
        port: int,
        access_policy: AccessPolicy,
        max_connections: Callable[[], int],
        application: "Callable[[HttpServer], web.Application]",
        report: Callable[[str, str], object],
        is_ready: IsReady = always_ready,
    ) -> None:
        """``report`` is called with an event name and a note if the listening socket is lost.

        ``is_ready`` returns whether the companion is ready, for ``GET /health``.
        """
        self._is_ready = is_ready
        self._name = name
        self._max_connections = max_connections
        self._application = application
        super().__init__(Listener(port, self._listen, report))
        self._access_policy = access_policy
        self._admitted: WeakSet[asyncio.BaseTransport] = WeakSet()
        """Connections with an accepted request."""
        self._of_agents: WeakSet[asyncio.BaseTransport] = WeakSet()
        """Connections with a request that ``admit_agent`` has accepted."""
        self._idle_since: WeakKeyDictionary[asyncio.BaseTransport, float] = WeakKeyDictionary()
        """The other connections, with the loop time at which the sweep first saw each."""
        self._waiting: WeakKeyDictionary[asyncio.WriteTransport, tuple[int, float]] = WeakKeyDictionary()
        """Connections with bytes to send: how many, and the loop time at which the sweep last saw more."""
        self._tasks = Tasks()
        self.token = ""
        """Token that requests to the control API must present. If it is empty, all of them are rejected."""
        self.error_response: ErrorResponse | None = None
        """Makes the application's response to requests that do not reach it, because they are not valid HTTP."""
        self._runner: web.AppRunner | None = None
        """The aiohttp application, after the first connection."""
        self._pending: set[PendingConnection] = set()
        self._lock = asyncio.Lock()

    @property
    def url(self) -> str:
        """The base URL of all paths."""
        return f"http://{HOST}:{self.port}"

    @property
    def loading(self) -> bool:
        """Whether connections wait until aiohttp is loaded."""
        return bool(self._pending)

    async def start(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``, and ``OSError`` for other network errors."""
        async with self._lock:
            if not self._listener.servers:
                await self._listener.open(port)
                self._tasks.spawn(self._listener.watch(), f"watch the {self._name} port's listening socket")
                log.info("answering on %s", self.url)

    async def _listen(self, bound: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: PendingConnection(self), sock=bound, backlog=128)

    def accepts(self, transport: asyncio.BaseTransport) -> bool:
        """Return whether to keep a new connection. A rejection is counted and journalled."""
        open_count = len(self._pending) + len(self._connections)
        return self._access_policy.accepts(self._name, transport, open_count, self._limit, spare=SPARE_CONNECTIONS)

    def handler(self) -> asyncio.Protocol | None:
        """Return a request handler for a connection; None if aiohttp is not loaded: see ``wait_for_handler``."""
        server = self._runner.server if self._runner else None
        if server is None:
            return None
        from app.endpoints.http_handler import RequestHandler, text_response

        error_response = self.error_response or text_response
        return RequestHandler(server, RESPONSE_HEADERS, self._reject_invalid, error_response, **_OPTIONS)

    def _reject_invalid(self, reason: str) -> None:
        self._access_policy.reject(self._name, Rejection(HTTPStatus.BAD_REQUEST, reason))

    def wait_for_handler(self, connection: "PendingConnection") -> None:
        """Load aiohttp, then pass the connection to it."""
        if not self._pending:
            self._tasks.spawn(self._load(), f"load aiohttp for the {self._name} port")
        self._pending.add(connection)

    def discard(self, connection: "PendingConnection") -> None:
        """Remove a connection that closed while it was waiting for aiohttp."""
        self._pending.discard(connection)

    async def _load(self) -> None:
        try:
            self._runner = self._runner or await self._create_runner()
        finally:
            pending, self._pending = self._pending, set()
            for connection in pending:
                if handler := self.handler():
                    connection.hand_over(handler)
                else:
                    connection.abort()

    async def _create_runner(self) -> "web.AppRunner":
        await asyncio.to_thread(importlib.import_module, "app.endpoints.http_handler")
        from aiohttp import web

        application = self._application(self)
        application.on_response_prepare.append(_add_headers)
        runner = web.AppRunner(application, shutdown_timeout=0.5)
        await runner.setup()
        self._tasks.spawn(self._sweep(), f"sweep idle {self._name} connections")
        return runner

    def check(self, request: "web.Request") -> Rejection | None:
        """Return why a request is rejected, counted and journalled; None if it is accepted. Then call ``admit``."""
        transport = request.transport
        known = transport is not None and transport in self._admitted
        peer, own = ends_of(transport) if transport is not None and not known else (None, None)
        rejection = self._access_policy.check(
            lambda name: request.headers.getall(name, []), self.port, peer, own, known=known
        )
        if rejection is None and not request.raw_path.startswith("/"):
            rejection = Rejection(
                HTTPStatus.BAD_REQUEST,
                "the request contains a full URL, but this server is not a proxy; send only the path",
            )
        if rejection is None and not known and len(self._connections) > self._limit:
            reason = f"{self._limit} connections are open already; try again in a moment"
            rejection = Rejection(HTTPStatus.SERVICE_UNAVAILABLE, reason)
        if rejection:
            self._access_policy.reject(self._name, rejection, request.headers.get("User-Agent", ""))
        return rejection

    def health(self, request: "web.Request") -> "web.Response | None":
        """Return the response to ``GET`` or ``HEAD /health``; None for other requests.

        Do not ``admit`` its connection.
        """
        if request.path != HEALTH or request.method not in HEALTH_METHODS:
            return None
        from aiohttp import web

        answer = health(ready=self._is_ready())
        response = web.Response(status=answer.status, body=answer.body, headers=answer.headers)
        response.force_close()  # without a token, the connection is not kept open
        return response

    def admit(self, request: "web.Request") -> None:
        """Keep the connection of an accepted request open. The user that owns its process is not checked again."""
        if request.transport is not None:
            self._admitted.add(request.transport)

    def admit_agent(self, request: "web.Request") -> Rejection | None:
        """Admit an accepted request with the agent token, or return why it is rejected, counted and journalled.

        Agents have at most half of the connections, so that they cannot prevent the user from revoking the token.
        With a limit of 1, they have none.
        """
        transport = request.transport
        if transport is not None and transport not in self._of_agents:
            open_count = sum(each.transport in self._of_agents for each in self._connections if each.transport)
            if 2 * (open_count + 1) > self._limit:
                share = f"{open_count} of {self._limit}"
                reason = f"the connections for the agent token ({share}) are open already; try again in a moment"
                if self._limit == 1:
                    reason = "the only connection (max_connections) is not available to the agent token"
                rejection = Rejection(HTTPStatus.SERVICE_UNAVAILABLE, reason)
                self._access_policy.reject(self._name, rejection, request.headers.get("User-Agent", ""))
                return rejection
            self._of_agents.add(transport)
        self.admit(request)
        return None

    @property
    def _limit(self) -> int:
        return bounded(self._max_connections())

    @property
    def _connections(self) -> "Collection[web.RequestHandler]":
        server = self._runner.server if self._runner else None
        return server.connections if server else ()

    async def _sweep(self) -> None:
        """Abort connections without a request, or that have stalled, which aiohttp itself would keep open."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = asyncio.get_running_loop().time()
            for connection in self._connections:
                transport = connection.transport
                if transport is None:
                    continue
                if transport in self._admitted:
                    if self._has_stalled(cast(asyncio.WriteTransport, transport), now):
                        transport.abort()
                elif now - self._idle_since.setdefault(transport, now) > IDLE_S:
                    transport.abort()

    def _has_stalled(self, transport: asyncio.WriteTransport, now: float) -> bool:
        """Return whether a client has taken none of the bytes that wait for it for ``STALLED_S``."""
        size = transport.get_write_buffer_size()
        before, since = self._waiting.get(transport, (0, now))
        if not size:
            self._waiting.pop(transport, None)
            return False
        if size < before:
            since = now
        self._waiting[transport] = size, since
        return now - since > STALLED_S

    async def stop(self) -> None:
        """Close the port and every connection."""
        async with self._lock:
            servers = self._listener.close()
            runner, self._runner = self._runner, None
            pending, self._pending = self._pending, set()
            for server in servers:
                server.close()
            await self._tasks.cancel()
            for connection in pending:
                connection.abort()
            if runner:
                await runner.cleanup()


class PendingConnection(asyncio.Protocol):
    """A new connection. It is passed to aiohttp's request handler as soon as aiohttp is loaded."""

    def __init__(self, server: HttpServer) -> None:
        self._server = server
        self._transport: asyncio.Transport | None = None
        self._received = b""

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's transport is not a subclass
        if not self._server.accepts(transport):
            self.abort()
        elif handler := self._server.handler():
            self._transport.set_protocol(handler)
            handler.connection_made(transport)
        else:
            self._transport.pause_reading()
            self._server.wait_for_handler(self)

    @override
    def data_received(self, data: bytes) -> None:
        """Keep bytes that arrive while reading is paused: uvloop starts to read after ``connection_made``."""
        self._received += data
        if self._transport:
            self._transport.pause_reading()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._server.discard(self)

    def hand_over(self, handler: asyncio.Protocol) -> None:
        """Pass the connection to aiohttp's handler, with the bytes received so far."""
        transport = self._transport
        assert transport is not None
        transport.set_protocol(handler)
        handler.connection_made(transport)
        if self._received:
            handler.data_received(self._received)
        transport.resume_reading()

    def abort(self) -> None:
        """Close the connection at once."""
        if self._transport:
            self._transport.abort()


async def _add_headers(_: "web.Request", response: "web.StreamResponse") -> None:
    response.headers.update(RESPONSE_HEADERS)
