"""An HTTP door: starts, stops, knows its port, and asks the gate."""

import asyncio
import logging
import socket
import sys
from collections.abc import Callable
from http import HTTPStatus
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary, WeakSet

from app.endpoints.guard import Gate, Refusal
from app.endpoints.listening import HOST, PortBusy, is_busy
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

    ``application`` makes what answers. aiohttp takes a while to load, so this is when it is: at the first start.
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
        self._runner: web.AppRunner | None = None
        self._lock = asyncio.Lock()

    @property
    def listening(self) -> bool:
        """Whether requests are answered."""
        return self._runner is not None

    @property
    def port(self) -> int:
        """The port that is listened on; before that, the wanted one (0: any free one)."""
        addresses = self._runner.addresses if self._runner else []
        return int(addresses[0][1]) if addresses else self._wanted_port

    @property
    def url(self) -> str:
        """The base of all paths."""
        return f"http://{HOST}:{self.port}"

    async def start(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``; other network errors come as ``OSError``."""
        async with self._lock:
            if self._runner is None:
                if port is not None:
                    self._wanted_port = port
                self._runner = await self._listen()
                self._tasks.spawn(self._sweep(self._runner), f"sweep silent {self._name} connections")
                log.info("answering on %s", self.url)

    async def _listen(self) -> "web.AppRunner":
        from aiohttp import web

        application = self._application(self)
        application.on_response_prepare.append(_dress)
        runner = web.AppRunner(
            application, access_log=None, logger=_parser_log, shutdown_timeout=0.5,
            handle_signals=False, keepalive_timeout=KEEPALIVE_S, lingering_time=LINGER_S,
        )  # fmt: skip
        await runner.setup()
        listener = socket.socket()
        try:
            if sys.platform != "win32":  # there it would let two programs share the port
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((HOST, self._wanted_port))
            await web.SockSite(runner, listener).start()
        except BaseException as error:  # also when the start is cancelled
            listener.close()
            await runner.cleanup()
            if isinstance(error, OSError) and is_busy(error):
                raise PortBusy(self._wanted_port) from None
            raise
        return runner

    def judge(self, request: "web.Request") -> Refusal | None:
        """Return why a request may not come in, counted and journalled; None means that it may: ``admit`` it."""
        transport = request.transport
        known = transport is not None and transport in self._welcome
        peer = own = None
        if transport is not None:
            peer, own = transport.get_extra_info("peername"), transport.get_extra_info("sockname")
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
            runner, self._runner = self._runner, None
            await self._tasks.cancel()
            if runner:
                await runner.cleanup()


async def _dress(_: "web.Request", response: "web.StreamResponse") -> None:
    response.headers.update(ANSWERS)
