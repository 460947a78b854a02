"""Find the last frame that each client was sent, and count its frames per second for the last 30 seconds.
The rate counts frames in both directions. The table of clients, in the window and in the control API, shows both.

The last frame is looked up in the log when it is asked for, and the clients' counters are read once per second,
so sending a frame takes no additional time.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.row import Kind
from app.hub.tasks import Tasks

SECONDS = 30
"""The number of seconds for which rates are kept."""
SEARCH_ROWS = 4096
"""Rows that are searched at a time."""


class LastSent(NamedTuple):
    """The last frame that a client was sent: its row, its event and its time in seconds since the epoch."""

    seq: int
    event: str
    wall: float


class ClientActivity:
    """Answer ``last_sent`` and ``rates`` for the connected clients."""

    def __init__(self, hub: Hub, tasks: Tasks, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._hub = hub
        self._tasks = tasks
        self._sleep = sleep
        self._last: dict[int, LastSent] = {}
        self._searched = 0
        """Rows up to this number were searched."""
        self._rates: dict[int, deque[int]] = {}
        self._totals: dict[int, int] = {}
        self._measuring = False
        hub.joined.connect(self._joined)
        hub.left.connect(self._left)

    def last_sent(self, client: Client) -> LastSent | None:
        """Return what ``client`` was last sent, or None if nothing, or nothing that the log still contains."""
        self._search()
        return self._last.get(client.id)

    def rates(self, client: Client) -> list[int]:
        """Return the frames per second from and to ``client`` in the last ``SECONDS`` seconds, the latest last."""
        return list(self._rates.get(client.id, ()))

    def measure(self) -> None:
        """Record the frames since the last call. Called once per second while clients are connected."""
        for client in self._hub.clients:
            total = client.frames_in + client.frames_out
            self._rates[client.id].append(total - self._totals[client.id])
            self._totals[client.id] = total

    def _search(self) -> None:
        """Search the rows that were added since the last call."""
        rows = self._hub.journal.rows
        newest: dict[int, int] = {}
        for first in range(max(self._searched + 1, rows.first), rows.last + 1, SEARCH_ROWS):
            keys = rows.columns(first, first + SEARCH_ROWS - 1).keys
            for key, index in {key: index for index, key in enumerate(keys)}.items():  # the newest row of each key
                if key.kind is Kind.TO_UI:
                    for client in key.recipients:
                        newest[client] = max(newest.get(client, 0), first + index)
        self._searched = rows.last
        for client, seq in newest.items():
            row = rows.row(seq)
            if row and self._hub.client(client):
                self._last[client] = LastSent(seq, row.event, row.wall)

    def _joined(self, client: Client) -> None:
        self._rates[client.id] = deque([0] * SECONDS, maxlen=SECONDS)
        self._totals[client.id] = 0
        if not self._measuring:
            self._measuring = True
            self._tasks.spawn(self._measure(), "measure the clients' frames")

    def _left(self, client: Client) -> None:
        for found in (self._last, self._rates, self._totals):
            found.pop(client.id, None)

    async def _measure(self) -> None:
        try:
            while self._hub.connection_count:
                await self._sleep(1)
                self.measure()
        finally:
            self._measuring = False
