"""Listening sockets and base class of all servers: bind a port, report a busy one, and reopen a lost socket.
The port is bound exclusively (on Windows not always when it is reopened), and on loopback unless the server chooses
another address. On Windows, a connection that is reset early can make asyncio close the listening socket, so the
socket is watched.
"""

import asyncio
import errno
import socket
import sys
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

HOST = "127.0.0.1"
WATCH_S = 0.25 if sys.platform == "win32" else 5.0
"""Seconds between checks that the listening socket is still open. Only Windows is known to close it."""
SELECT_CONNECTIONS = 128
SPARE_CONNECTIONS = 32
"""select() on Windows handles 512 sockets: for each of three servers, this many connections and spare ones.

Spare connections get a response that says why they are rejected.
"""

# Windows answers WSAEACCES (10013) if another program holds the port exclusively.
_BUSY = (errno.EADDRINUSE, 10013, 10048)


class PortBusy(Exception):
    """The port is already in use."""

    def __init__(self, port: int) -> None:
        super().__init__(f"port {port} is busy")
        self.port = port


class Serving(Protocol):
    """An ``asyncio.Server`` or a websockets ``Server``."""

    @property
    def sockets(self) -> Sequence[Any]:
        """The listening sockets."""

    def is_serving(self) -> bool:
        """Return whether it accepts connections."""


ServerT = TypeVar("ServerT", bound=Serving)


class Listener(Generic[ServerT]):
    """The listening socket of a server. ``watch()`` opens it again if it is lost.

    On a proactor loop (Windows), a client that resets its connection early makes asyncio close the *listening*
    socket (CPython issue 93821).
    """

    def __init__(
        self,
        port: int,
        serve: Callable[[socket.socket], Awaitable[ServerT]],
        report: Callable[[str, str], object],
        host: Callable[[], str] = lambda: HOST,
    ) -> None:
        """``serve`` accepts connections on a bound socket. ``report`` is called with an event name and a note.

        ``host`` returns the IPv4 address to listen on, loopback by default.
        """
        self._host = host
        self.wanted_port = port
        self._serve = serve
        self._report = report
        self._port = 0
        self._free_port = 0
        """The port that the system chose for port 0."""
        self._reported = False
        self.servers: list[ServerT] = []
        """The current server is the last one. The others have lost their socket, but still have connections."""

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""
        return bool(self.servers) and _is_open(self.servers[-1])

    @property
    def port(self) -> int:
        """The port in use or, while it is closed, the one that ``open`` will use; 0 if any free port."""
        return self._port if self.servers else self.wanted_port or self._free_port

    async def open(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``, and ``OSError`` for other network errors.

        Port 0 gives the same free port after ``close`` and ``open``, so that clients can reconnect, unless another
        program has taken it.
        """
        if port is not None:
            self.wanted_port = port
        try:
            self.servers.append(await self._listen(self.wanted_port or self._free_port))
        except PortBusy:
            if self.wanted_port or not self._free_port:
                raise
            self.servers.append(await self._listen(0))
        self._free_port = 0 if self.wanted_port else self._port

    async def _listen(self, port: int, *, exclusive: bool = True) -> ServerT:
        # Connections inherit TCP_NODELAY: without it, frames wait up to 40 ms. asyncio sets it only if it knows the
        # protocol of the connection, which Python on Windows does not tell.
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if sys.platform != "win32":
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            elif exclusive:  # with SO_REUSEADDR, two programs could share the port
                bound.setsockopt(socket.SOL_SOCKET, socket.SO_EXCLUSIVEADDRUSE, 1)
            bound.bind((self._host(), port))
            self._port = bound.getsockname()[1]
            return await self._serve(bound)
        except BaseException as error:  # also if the start is cancelled
            bound.close()
            if isinstance(error, OSError) and error.errno in _BUSY:
                raise PortBusy(port) from None
            raise

    async def watch(self) -> None:
        """Reopen the socket whenever it is lost. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(WATCH_S)
            if self.servers and not self.listening:
                await self._reopen()

    async def _reopen(self) -> None:
        try:
            try:
                server = await self._listen(self._port)
            except PortBusy:  # Windows refuses an exclusive port while connections to the lost socket are open
                server = await self._listen(self._port, exclusive=False)
        except (OSError, PortBusy) as error:
            if not self._reported:
                self._report("listening socket lost", f"{error}; trying again")
            self._reported = True
            return
        self.servers.append(server)
        self._reported = False
        self._report("listening again", f"port {self._port}")

    def close(self) -> list[ServerT]:
        """Remove and return all servers. The caller has to close them."""
        servers, self.servers = self.servers, []
        return servers


class ListeningServer(Generic[ServerT]):
    """Base of the servers: whether they listen, and on which port."""

    def __init__(self, listener: Listener[ServerT]) -> None:
        self._listener = listener

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""
        return self._listener.listening

    @property
    def port(self) -> int:
        """The port in use or, while it is closed, the one that ``start`` will use; 0 if any free port."""
        return self._listener.port


def _is_open(server: Serving) -> bool:
    return server.is_serving() and all(each.fileno() >= 0 for each in server.sockets)


def bounded(connections: int) -> int:
    """Return the limit of connections for one server: less on a select() loop of Windows."""
    if sys.platform == "win32" and isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
        return min(connections, SELECT_CONNECTIONS)
    return connections


def ends_of(transport: asyncio.BaseTransport) -> tuple[Any, Any]:
    """Return the addresses of the peer and of our end; None if the connection was reset."""
    try:
        return transport.get_extra_info("peername"), transport.get_extra_info("sockname")
    except AttributeError:  # uvloop, for a closed socket
        return None, None
