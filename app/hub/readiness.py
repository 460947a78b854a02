"""Decide when a connected client is ready to show events, and wait, for a limited time, until one of a target's
clients is ready. A client is ready when it has stayed connected for 0.5 s. A web page must also have loaded its
friends, unless 2 s have passed without such a request or the REST stand-in is not listening.

A client with an Origin counts as a web page. It has loaded its friends 0.3 s after its origin has first requested
``GET /friends`` since the client connected. The 2 s begin when the stand-in can respond: its first requests wait
until aiohttp is loaded. A client that disconnects earlier never becomes ready. One whose connection the companion
is closing is not ready any more.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.signals import Signal
from app.hub.target import Target
from app.hub.tasks import Tasks

STAY_S = 0.5
"""Development servers open connections that they close after about 20 ms."""
WITHOUT_FRIENDS_S = 2.0
"""A page that reconnects already has its friends list, and requests it again only at its next poll."""
LOAD_S = 0.3
"""A slow page that handles an event before the response would replace the event's effect by the response."""
SWEEP_S = 0.05


class RestServer(Protocol):
    """The REST stand-in, as far as ``Readiness`` needs it."""

    @property
    def listening(self) -> bool:
        """Whether its port is open."""

    @property
    def loading(self) -> bool:
        """Whether requests wait until it can respond."""


@dataclass
class _Wait:
    """What is known about a client that is not ready yet. The times are monotonic."""

    connected: float
    without_friends_since: float
    """From when on the page could have loaded its friends but did not."""
    requested: float | None = None
    """When its origin first requested its friends."""


class Readiness:
    """Set ``Client.ready``. One periodic sweep checks all clients that are not ready yet, instead of a timer each.

    ``rest`` is the server from which pages load their friends.
    """

    def __init__(
        self,
        hub: Hub,
        tasks: Tasks,
        rest: RestServer,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._hub = hub
        self._tasks = tasks
        self._rest = rest
        self._sleep = sleep
        self._pending: dict[Client, _Wait] = {}
        self._sweeping = False
        self.became_ready: Signal[Client] = Signal()
        hub.joined.connect(self._joined)
        hub.left.connect(self._left)

    def friends_requested(self, origin: str) -> None:
        """Record that a page of ``origin`` has requested ``GET /friends``."""
        now = self._hub.clock.mono()
        for client, wait in self._pending.items():
            if client.origin == origin and wait.requested is None:
                wait.requested = now

    def ready(self, to: Target) -> list[Client]:
        """Return the ready clients that ``to`` selects."""
        return [client for client in to.select(self._hub.clients) if client.ready]

    async def wait(self, to: Target, within_s: float) -> bool:
        """Wait until a client that ``to`` selects is ready. Return False after ``within_s`` seconds."""
        changed = asyncio.Event()
        disconnects = [
            self.became_ready.connect(lambda _: changed.set()),
            self._hub.clients_changed.connect(lambda _: changed.set()),  # a client may act as another user now
        ]
        try:
            async with asyncio.timeout(within_s):
                while not self.ready(to):
                    changed.clear()
                    await changed.wait()
        except TimeoutError:
            return False
        finally:
            for disconnect in disconnects:
                disconnect()
        return True

    def update(self) -> None:
        """Mark the pending clients that meet the conditions now as ready, and emit ``became_ready`` for each."""
        now = self._hub.clock.mono()
        for client, wait in tuple(self._pending.items()):
            if self._rest.loading:
                wait.without_friends_since = now
            if not client.accepts_frames:
                del self._pending[client]
            elif self._is_ready(client, wait, now):
                del self._pending[client]
                client.ready = True
                self.became_ready.emit(client)

    def _is_ready(self, client: Client, wait: _Wait, now: float) -> bool:
        if now - wait.connected < STAY_S:
            return False
        if not client.origin or not self._rest.listening:
            return True
        if wait.requested is not None:
            return now - wait.requested >= LOAD_S
        return now - wait.without_friends_since >= WITHOUT_FRIENDS_S

    def _joined(self, client: Client) -> None:
        now = self._hub.clock.mono()
        self._pending[client] = _Wait(now, now)
        if not self._sweeping:
            self._sweeping = True
            self._tasks.spawn(self._sweep(), "check which clients are ready")

    def _left(self, client: Client) -> None:
        self._pending.pop(client, None)

    async def _sweep(self) -> None:
        try:
            while self._pending:
                await self._sleep(SWEEP_S)
                self.update()
        finally:
            self._sweeping = False
