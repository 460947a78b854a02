"""Decide when a connected client is ready to show events, and wait, for a limited time, until one of a target's
clients is ready. A client is ready when it has stayed connected for 0.5 s. A web page must also have loaded its
friends, unless it has stayed for 2 s or the REST stand-in is not listening.

A client with an Origin counts as a web page. It has loaded its friends 0.3 s after its origin has requested
``GET /friends`` since the client connected. A client that disconnects earlier never becomes ready.
"""

import asyncio
from collections.abc import Awaitable, Callable

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


class Readiness:
    """Set ``Client.ready``. One periodic sweep checks all clients that are not ready yet, instead of a timer each.

    ``rest_answers`` returns whether the REST stand-in is listening.
    """

    def __init__(
        self,
        hub: Hub,
        tasks: Tasks,
        rest_answers: Callable[[], bool],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._hub = hub
        self._tasks = tasks
        self._rest_answers = rest_answers
        self._sleep = sleep
        self._pending: dict[Client, float] = {}
        """Clients that are not ready yet, with the monotonic time at which each connected."""
        self._requested: dict[str, float] = {}
        """Monotonic time of each origin's latest ``GET /friends``, for the origins of pending clients."""
        self._sweeping = False
        self.became_ready: Signal[Client] = Signal()
        hub.joined.connect(self._joined)
        hub.left.connect(self._left)

    def friends_requested(self, origin: str) -> None:
        """Record that a page of ``origin`` has requested ``GET /friends``."""
        if origin and any(client.origin == origin for client in self._pending):
            self._requested[origin] = self._hub.clock.mono()

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
        for client, connected in tuple(self._pending.items()):
            if self._is_ready(client, connected, now):
                del self._pending[client]
                client.ready = True
                self.became_ready.emit(client)
        self._forget_origins()

    def _is_ready(self, client: Client, connected: float, now: float) -> bool:
        stayed = now - connected
        if stayed < STAY_S:
            return False
        if not client.origin or stayed >= WITHOUT_FRIENDS_S or not self._rest_answers():
            return True
        requested = self._requested.get(client.origin, float("-inf"))
        return requested >= connected and now - requested >= LOAD_S

    def _joined(self, client: Client) -> None:
        self._pending[client] = self._hub.clock.mono()
        if not self._sweeping:
            self._sweeping = True
            self._tasks.spawn(self._sweep(), "check which clients are ready")

    def _left(self, client: Client) -> None:
        self._pending.pop(client, None)
        self._forget_origins()

    def _forget_origins(self) -> None:
        if self._requested and not self._pending:
            self._requested.clear()

    async def _sweep(self) -> None:
        try:
            while self._pending:
                await self._sleep(SWEEP_S)
                self.update()
        finally:
            self._sweeping = False
