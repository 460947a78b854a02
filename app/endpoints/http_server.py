"""An HTTP door: starts, stops, knows its port, and asks the gate."""

import asyncio
import importlib
import logging
import socket
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary, WeakSet

from app.endpoints.access_policy import AccessPolicy, Rejection
from app.endpoints.listening import HOST, SPARE_CONNECTIONS, Listener, bounded, ends_of
from app.hub.tasks import Tasks
from app.protocol.constants import SERVER_HEADER

if TYPE_CHECKING:
    from aiohttp import web

log = logging.getLogger(__name__)

SILENT_S = 5.0
SWEEP_S = 1.0
KEEPALIVE_S = 20.0
BODY_S = 5.0
"""A request's body has come by then, or the request is over."""
LINGER_S = 1.0
"""So long the rest of a body that nobody wants is taken, so that its sender reads the answer."""

ANSWERS = {
    "Server": SERVER_HEADER,
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer: no versions, no guessing, and nothing that a foreign page could embed."""

# What a request breaks of HTTP is told with a traceback that quotes it; ours are caught before that.
_parser_log = logging.getLogger(f"{__name__}.parser")
_parser_log.disabled = True


class HttpServer:
    """An HTTP server on the loopback address. ``start`` and ``stop`` may be called repeatedly.

    ``application`` makes what answers, when somebody has come: aiohttp takes 14 MB and as long to load as all the
    rest of a start. Whoever comes first waits for it, and nobody else does.
    """

    def __init__(
        self,
        name: str,
        port: int,
        gate: AccessPolicy,
        max_connections: Callable[[], int],
        application: "Callable[[HttpServer], web.Application]",
        report: Callable[[str, str], object],
    ) -> None:
        """``report`` gets an event's name and a note if the listening socket is lost."""
        self._name = name
        self._max_connections = max_connections
        self._application = application
        self._listener: Listener[asyncio.Server] = Listener(port, self._listen, report)
        self._gate = gate
        self._welcome: WeakSet[asyncio.BaseTransport] = WeakSet()
        """Connections that have asked for something and were let in."""
        self._silent: WeakKeyDictionary[asyncio.BaseTransport, float] = WeakKeyDictionary()
        """Connections that have not, and since when they were seen."""
        self._tasks = Tasks()
        self.token = ""
        """What callers must know where the door asks for it; without one, nobody is let in there."""
        self._runner: web.AppRunner | None = None
        """What answers, once somebody has come."""
        self._early: set[PendingConnection] = set()
        self._lock = asyncio.Lock()

    @property
    def listening(self) -> bool:
        """Whether requests are answered."""
        return self._listener.listening

    @property
    def port(self) -> int:
        """The port that is listened on; before that, the wanted one (0: any free one)."""
        return self._listener.port

    @property
    def url(self) -> str:
        """The base of all paths."""
        return f"http://{HOST}:{self.port}"

    async def start(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``; other network errors come as ``OSError``."""
        async with self._lock:
            if not self._listener.servers:
                await self._listener.open(port)
                self._tasks.spawn(self._listener.watch(), f"watch the {self._name} port's listening socket")
                log.info("answering on %s", self.url)

    async def _listen(self, bound: socket.socket) -> asyncio.Server:
        loop = asyncio.get_running_loop()
        return await loop.create_server(lambda: PendingConnection(self), sock=bound, backlog=128)

    def accepts(self, transport: asyncio.BaseTransport) -> bool:
        """Return whether a connection may stay; a refusal is counted and journalled."""
        taken = len(self._early) + len(self._connections)
        return self._gate.accepts(self._name, transport, taken, self._limit, spare=SPARE_CONNECTIONS)

    def handler(self) -> asyncio.Protocol | None:
        """Return what handles a connection's requests; None until it is loaded: then wait with ``wait_for_it``."""
        server = self._runner.server if self._runner else None
        return server() if server else None

    def wait_for_it(self, connection: "PendingConnection") -> None:
        """Let a connection wait until aiohttp is loaded."""
        if not self._early:
            self._tasks.spawn(self._load(), f"load what answers on the {self._name} port")
        self._early.add(connection)

    def give_up(self, connection: "PendingConnection") -> None:
        """Forget a connection that did not wait."""
        self._early.discard(connection)

    async def _load(self) -> None:
        try:
            self._runner = self._runner or await self._make()
        finally:
            early, self._early = self._early, set()
            for connection in early:
                if handler := self.handler():
                    connection.hand_over(handler)
                else:
                    connection.abort()

    async def _make(self) -> "web.AppRunner":
        await asyncio.to_thread(importlib.import_module, "aiohttp.web")
        from aiohttp import web

        application = self._application(self)
        application.on_response_prepare.append(_dress)
        runner = web.AppRunner(
            application, access_log=None, logger=_parser_log, shutdown_timeout=0.5,
            handle_signals=False, keepalive_timeout=KEEPALIVE_S, lingering_time=LINGER_S,
        )  # fmt: skip
        await runner.setup()
        self._tasks.spawn(self._sweep(), f"sweep silent {self._name} connections")
        return runner

    def judge(self, request: "web.Request") -> Rejection | None:
        """Return why a request may not come in, counted and journalled; None means that it may: ``admit`` it."""
        transport = request.transport
        known = transport is not None and transport in self._welcome
        peer, own = ends_of(transport) if transport is not None and not known else (None, None)
        refusal = self._gate.judge(lambda name: request.headers.getall(name, []), self.port, peer, own, known=known)
        if refusal is None and not request.raw_path.startswith("/"):
            refusal = Rejection(HTTPStatus.BAD_REQUEST, "the request names another address than this one")
        if refusal is None and not known and len(self._connections) > self._limit:
            reason = f"{self._limit} connections are open already; try again in a moment"
            refusal = Rejection(HTTPStatus.SERVICE_UNAVAILABLE, reason)
        if refusal:
            self._gate.reject(self._name, refusal, request.headers.get("User-Agent", ""))
        return refusal

    def admit(self, request: "web.Request") -> None:
        """Let a connection stay: it has shown that it may ask."""
        if request.transport is not None:
            self._welcome.add(request.transport)

    @property
    def _limit(self) -> int:
        return bounded(self._max_connections())

    @property
    def _connections(self) -> "Collection[web.RequestHandler]":
        server = self._runner.server if self._runner else None
        return server.connections if server else ()

    async def _sweep(self) -> None:
        """Cut connections that were opened and never asked for anything: aiohttp itself would keep them."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = asyncio.get_running_loop().time()
            for connection in self._connections:
                transport = connection.transport
                if transport is None or transport in self._welcome:
                    continue
                if now - self._silent.setdefault(transport, now) > SILENT_S:
                    transport.abort()

    async def stop(self) -> None:
        """Close the port and every connection."""
        async with self._lock:
            servers = self._listener.close()
            runner, self._runner = self._runner, None
            early, self._early = self._early, set()
            for server in servers:
                server.close()
            await self._tasks.cancel()
            for connection in early:
                connection.abort()
            if runner:
                await runner.cleanup()


class PendingConnection(asyncio.Protocol):
    """A connection that was just accepted. It is handed over to aiohttp, or waits until that is loaded."""

    def __init__(self, door: HttpServer) -> None:
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's callback."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        if not self._door.accepts(transport):
            self.abort()
        elif handler := self._door.handler():
            self._transport.set_protocol(handler)
            handler.connection_made(transport)
        else:
            self._transport.pause_reading()
            self._door.wait_for_it(self)

    def data_received(self, data: bytes) -> None:
        """Asyncio's callback; uvloop begins to read after ``connection_made``, whatever that said."""
        self._received += data
        if self._transport:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's callback."""
        self._door.give_up(self)

    def hand_over(self, handler: asyncio.Protocol) -> None:
        """Let ``handler`` take over a connection that has waited."""
        transport = self._transport
        assert transport is not None
        transport.set_protocol(handler)
        handler.connection_made(transport)
        if self._received:
            handler.data_received(self._received)
        transport.resume_reading()

    def abort(self) -> None:
        """Cut the connection."""
        if self._transport:
            self._transport.abort()


async def _dress(_: "web.Request", response: "web.StreamResponse") -> None:
    response.headers.update(ANSWERS)
