"""What all servers share: the loopback address, exclusive ports, and a socket that is reopened if it is lost."""

import asyncio
import errno
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

HOST = "127.0.0.1"
WATCH_S = 0.25 if sys.platform == "win32" else 5.0
"""How often to check that the listening socket is still open. Only Windows is known to close it."""
SELECT_CONNECTIONS = 128
SPARE_CONNECTIONS = 32
"""select() on Windows handles 512 sockets: this many for each of three servers, and this many to reject."""

# Windows answers WSAEACCES (10013) if another program holds the port exclusively.
_BUSY = (errno.EADDRINUSE, 10013, 10048)


class PortBusy(Exception):
    """Another program listens on the port."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is busy")
        self.port = port


class Serving(Protocol):
    """An ``asyncio.Server``, or the one of websockets."""

    @property
    def sockets(self) -> Sequence[Any]:
        """The listening sockets."""

    def is_serving(self) -> bool:
        """Return whether it accepts connections."""


ServerT = TypeVar("ServerT", bound=Serving)


class Listener(Generic[ServerT]):
    """The listening socket of a server. ``watch()`` opens it again if it is lost.

    On a proactor loop (Windows), a caller that resets its connection too early makes asyncio close the *listening*
    socket (CPython issue 93821).
    """

    def __init__(
        self,
        port: int,
        serve: Callable[[socket.socket], Awaitable[ServerT]],
        report: Callable[[str, str], object],
    ) -> None:
        """``serve`` accepts connections on a bound socket; ``report`` gets an event's name and a note."""
        self.wanted_port = port
        self._serve = serve
        self._report = report
        self._port = 0
        self._free_port = 0
        """The port that was chosen when any free one was wanted."""
        self._reported = False
        self.servers: list[ServerT] = []
        """The current one last. The others have lost their socket, but their connections live on."""

    @property
    def listening(self) -> bool:
        """Whether callers can connect."""
        return bool(self.servers) and _is_open(self.servers[-1])

    @property
    def port(self) -> int:
        """The port that is listened on; before that, the wanted one (0: any free one)."""
        return self._port if self.servers else self.wanted_port

    async def open(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``; other network errors are ``OSError``.

        "Any free port" is the same one after a pause, so that clients find it again.
        """
        if port is not None:
            self.wanted_port = port
        self.servers.append(await self._listen(self.wanted_port or self._free_port))
        self._free_port = 0 if self.wanted_port else self._port

    async def _listen(self, port: int, *, exclusive: bool = True) -> ServerT:
        bound = socket.socket()
        try:
            if sys.platform != "win32":
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            elif exclusive:  # SO_REUSEADDR would let two programs share the port
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            bound.bind((HOST, port))
            self._port = bound.getsockname()[1]
            return await self._serve(bound)
        except BaseException as error:  # also if the start is cancelled
            bound.close()
            if isinstance(error, OSError) and error.errno in _BUSY:
                raise PortBusy(port) from None
            raise

    async def watch(self) -> None:
        """Open the socket again whenever it is lost. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(WATCH_S)
            if self.servers and not self.listening:
                await self._reopen()

    async def _reopen(self) -> None:
        try:
            try:
                server = await self._listen(self._port)
            except PortBusy:  # Windows grants no exclusive port while connections to the lost socket are open
                server = await self._listen(self._port, exclusive=False)
        except (OSError, PortBusy) as error:
            if not self._reported:
                self._report("listener died", f"{error}; trying again")
            self._reported = True
            return
        self.servers.append(server)
        self._reported = False
        self._report("listening again", f"port {self._port}; the listening socket was lost")

    def close(self) -> list[ServerT]:
        """Forget all servers, and return them: the caller has to close them."""
        servers, self.servers = self.servers, []
        return servers


def _is_open(server: Serving) -> bool:
    return server.is_serving() and all(each.fileno() >= 0 for each in server.sockets)


def bounded(connections: int) -> int:
    """Return how many connections one server may have at a time on the running loop."""
    if sys.platform == "win32" and isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
        return min(connections, SELECT_CONNECTIONS)
    return connections


def ends_of(transport: asyncio.BaseTransport) -> tuple[Any, Any]:
    """Return the addresses of a connection's ends, the peer's and ours; None for one that was reset."""
    try:
        return transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    except AttributeError:  # uvloop asks a socket that it has given back
        return None, None
