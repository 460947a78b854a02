"""An HTTP door: starts, stops, knows its port, and asks the gate."""

import asyncio
import importlib
import logging
import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING, cast
from weakref import WeakKeyDictionary, WeakSet

from app.endpoints.guard import Gate, Refusal
from app.endpoints.listening import HOST, PortBusy, ends_of, is_busy
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


class HttpDoor:
    """An HTTP server on the loopback address. ``start`` and ``stop`` may be called repeatedly.

    ``application`` makes what answers, when somebody has come: aiohttp takes 14 MB and as long to load as all the
    rest of a start. Whoever comes first waits for it, and nobody else does.
    """

    def __init__(
        self,
        name: str,
        port: int,
        gate: Gate,
        max_connections: Callable[[], int],
        application: "Callable[[HttpDoor], web.Application]",
    ) -> None:
        self._name = name
        self._max_connections = max_connections
        self._application = application
        self._wanted_port = port
        self._gate = gate
        self._welcome: WeakSet[asyncio.BaseTransport] = WeakSet()
        """Connections that have asked for something and were let in."""
        self._silent: WeakKeyDictionary[asyncio.BaseTransport, float] = WeakKeyDictionary()
        """Connections that have not, and since when they were seen."""
        self._tasks = Tasks()
        self.token = ""
        """What callers must know where the door asks for it; without one, nobody is let in there."""
        self._server: asyncio.Server | None = None
        self._runner: web.AppRunner | None = None
        """What answers, once somebody has come."""
        self._early: set[EarlyBird] = set()
        self._lock = asyncio.Lock()

    @property
    def listening(self) -> bool:
        """Whether requests are answered."""
        return self._server is not None

    @property
    def port(self) -> int:
        """The port that is listened on; before that, the wanted one (0: any free one)."""
        sockets = self._server.sockets if self._server else ()
        return int(sockets[0].getsockname()[1]) if sockets else self._wanted_port

    @property
    def url(self) -> str:
        """The base of all paths."""
        return f"http://{HOST}:{self.port}"

    async def start(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``; other network errors come as ``OSError``."""
        async with self._lock:
            if self._server is None:
                if port is not None:
                    self._wanted_port = port
                self._server = await self._listen()
                log.info("answering on %s", self.url)

    async def _listen(self) -> asyncio.Server:
        listener = socket.socket()
        try:
            if sys.platform != "win32":  # there it would let two programs share the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, self._wanted_port))
            return await asyncio.get_running_loop().create_server(self._protocol, sock=listener, backlog=128)
        except BaseException as error:  # also when the start is cancelled
            listener.close()
            if isinstance(error, OSError) and is_busy(error):
                raise PortBusy(self._wanted_port) from None
            raise

    def _protocol(self) -> asyncio.Protocol:
        """Return who speaks with a connection that was just accepted."""
        if self._runner and self._runner.server:
            return self._runner.server()
        return EarlyBird(self)

    def wait_for_it(self, bird: "EarlyBird") -> None:
        """Let a connection wait until aiohttp is loaded."""
        if not self._early:
            self._tasks.spawn(self._load(), f"load what answers on the {self._name} port")
        self._early.add(bird)

    def give_up(self, bird: "EarlyBird") -> None:
        """Forget a connection that did not wait."""
        self._early.discard(bird)

    async def _load(self) -> None:
        try:
            self._runner = self._runner or await self._make()
        finally:
            early, self._early = self._early, set()
            for bird in early:
                if self._runner:
                    bird.meet(self._protocol())
                else:
                    bird.send_away()

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
        self._tasks.spawn(self._sweep(runner), f"sweep silent {self._name} connections")
        return runner

    def judge(self, request: "web.Request") -> Refusal | None:
        """Return why a request may not come in, counted and journalled; None means that it may: ``admit`` it."""
        transport = request.transport
        known = transport is not None and transport in self._welcome
        peer, own = ends_of(transport) if transport is not None and not known else (None, None)
        refusal = self._gate.judge(lambda name: request.headers.getall(name, []), self.port, peer, own, known=known)
        if refusal is None and not request.raw_path.startswith("/"):
            refusal = Refusal(HTTPStatus.BAD_REQUEST, "the request names another address than this one")
        if refusal is None and not known and self._is_full:
            reason = f"{self._max_connections()} connections are open already; try again in a moment"
            refusal = Refusal(HTTPStatus.SERVICE_UNAVAILABLE, reason)
        if refusal:
            self._gate.turn_away(self._name, refusal, request.headers.get("User-Agent", ""))
        return refusal

    def admit(self, request: "web.Request") -> None:
        """Let a connection stay: it has shown that it may ask."""
        if request.transport is not None:
            self._welcome.add(request.transport)

    @property
    def _is_full(self) -> bool:
        server = self._runner.server if self._runner else None
        return server is not None and len(server.connections) > self._max_connections()

    async def _sweep(self, runner: "web.AppRunner") -> None:
        """Cut connections that were opened and never asked for anything: aiohttp itself would keep them."""
        while True:
            await asyncio.sleep(SWEEP_S)
            now = asyncio.get_running_loop().time()
            for connection in runner.server.connections if runner.server else ():
                transport = connection.transport
                if transport is None or transport in self._welcome:
                    continue
                if now - self._silent.setdefault(transport, now) > SILENT_S:
                    transport.abort()

    async def stop(self) -> None:
        """Close the port and every connection."""
        async with self._lock:
            server, self._server = self._server, None
            runner, self._runner = self._runner, None
            early, self._early = self._early, set()
            if server:
                server.close()
            await self._tasks.cancel()
            for bird in early:
                bird.send_away()
            if runner:
                await runner.cleanup()


class EarlyBird(asyncio.Protocol):
    """A connection that came before there was anybody to speak with it: it waits."""

    def __init__(self, door: HttpDoor) -> None:
        self._door = door
        self._transport: asyncio.Transport | None = None
        self._said = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Asyncio's callback."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is no subclass
        self._transport.pause_reading()
        self._door.wait_for_it(self)

    def data_received(self, data: bytes) -> None:
        """Asyncio's callback; uvloop begins to read after ``connection_made``, whatever that said."""
        self._said += data
        if self._transport:
            self._transport.pause_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """Asyncio's callback."""
        self._door.give_up(self)

    def meet(self, protocol: asyncio.Protocol) -> None:
        """Introduce the connection to who speaks with it from now on."""
        transport = self._transport
        assert transport is not None
        transport.set_protocol(protocol)
        protocol.connection_made(transport)
        if self._said:
            protocol.data_received(self._said)
        transport.resume_reading()

    def send_away(self) -> None:
        """Cut the connection."""
        if self._transport:
            self._transport.abort()


async def _dress(_: "web.Request", response: "web.StreamResponse") -> None:
    response.headers.update(ANSWERS)
