"""The event server (WebSocket): open its port, close it with all connections, and abort clients that do not read.
By default, it listens at ``ws://127.0.0.1:8081/events`` (the chat UI's WebSocket guide, §1 and §4). The module
``events`` handles its clients.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

from app.endpoints.access_policy import AccessPolicy
from app.endpoints.health import IsReady, always_ready
from app.endpoints.listening import HOST, Listener, ListeningServer
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.refusals import Refusals
from app.hub.router import Router
from app.hub.tasks import Tasks
from app.protocol.constants import EVENTS_PATH
from app.system.settings import Settings

if TYPE_CHECKING:
    from websockets.asyncio.server import Server

    from app.endpoints.connection import EventConnection
    from app.endpoints.events import EventClients

log = logging.getLogger(__name__)

CLOSE_TIMEOUT_S = 1.0
"""Seconds that ``stop`` waits for closing handshakes before it aborts connections."""
SWEEP_S = 5.0
SOCKET_BUFFER_BYTES = 64 * 1024
"""Size of the kernel's send buffer. The default would hold megabytes for a client that does not read."""


class Limits(NamedTuple):
    """Limits for clients. ``token``: the required token; empty if none is required; None if it is not known yet."""

    clients: int
    connections: int
    frames_per_s: float
    token: str | None


def limits_of(settings: Settings, token: str) -> Limits:
    """Return the limits of the settings. ``token`` is the control API's, which clients may have to present too."""
    return Limits(
        clients=settings.max_clients,
        connections=settings.max_connections,
        frames_per_s=settings.client_frames_per_s,
        token=(token or None) if settings.require_token else "",
    )


class EventServer(ListeningServer["Server"]):
    """Accepts clients and passes their frames to the router. ``start`` and ``stop`` may be called repeatedly."""

    def __init__(
        self,
        hub: Hub,
        router: Router,
        port: int,
        access_policy: AccessPolicy,
        limits: Callable[[], Limits],
        refusals: Refusals,
        path: Callable[[], str] = lambda: EVENTS_PATH,
        is_ready: IsReady = always_ready,
    ) -> None:
        """``path`` returns the path of the URL. It is called every time, because the setting may change.

        ``is_ready`` returns whether the companion is ready, for ``GET /health``.
        """
        self.is_ready = is_ready
        self._path = path
        self._hub = hub
        self._router = router
        self._access_policy = access_policy
        self._limits = limits
        self._refusals = refusals
        super().__init__(Listener(port, self._listen, self._report))
        self._tasks = Tasks()
        self._lock = asyncio.Lock()

    @cached_property
    def clients(self) -> EventClients:
        """The handler of the clients. Loads the websockets library on first use."""
        from app.endpoints.events import EventClients

        return EventClients(
            self, self._hub, self._router, self._access_policy, self._limits, self._refusals, self._tasks
        )

    @property
    def connections(self) -> set[EventConnection]:
        """The open connections."""
        return self.clients.connections

    @property
    def stopping(self) -> bool:
        """Whether the server is being stopped or has stopped."""
        return not self._listener.servers

    @property
    def path(self) -> str:
        """The path of the URL."""
        return self._path()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://{HOST}:{self.port}{self.path}"

    @property
    def client_url(self) -> str:
        """Where a client connects, with the token if clients have to present it."""
        token = self._limits().token
        return f"{self.url}?token={token}" if token else self.url

    async def start(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``, and ``OSError`` for other network errors."""
        async with self._lock:
            if self._listener.servers:
                return
            await self._listener.open(port)
            self._tasks.spawn(self._sweep(), "sweep stalled clients")
            self._tasks.spawn(self._listener.watch(), "watch the event server's listening socket")
        log.info("listening on %s", self.url)
        self._hub.log_server_event("listening", note=self.url)
        self._hub.listening_changed.emit(True)

    async def _listen(self, bound: socket.socket) -> Server:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
        return await self.clients.accept_on(bound)

    def _report(self, event: str, note: str) -> None:
        self._hub.log_server_event(event, note=note, verdict=Verdict.WARNING)

    async def stop(self) -> None:
        """Close every connection and the port within two seconds, even if clients do not answer."""
        async with self._lock:
            servers = self._listener.close()
            if not servers:
                return
            self._hub.listening_changed.emit(False)
            self._hub.batcher.flush()
            for client in self._hub.clients:
                client.begin_closing()
            self.clients.refused.release()
            for each in servers:
                each.close(code=1001, reason="the companion has stopped")
            for connection in tuple(self.connections):
                if connection.paused:  # its socket is full, so our close frame could not be sent
                    connection.transport.abort()
                else:
                    connection.stop_dispatching()
            closing = [self._tasks.spawn(each.wait_closed(), "close the event server") for each in servers]
            await asyncio.wait(closing, timeout=CLOSE_TIMEOUT_S)
            for connection in tuple(self.connections):
                connection.transport.abort()
            await asyncio.wait(closing, timeout=CLOSE_TIMEOUT_S / 2)
            await self._tasks.cancel()
        log.info("stopped listening")
        self._hub.log_server_event("stopped listening")

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._hub.sweep()
