"""Data classes for the measurement of reconnects (``reconnects``): for each browser, its pages, their measured
attempts to reconnect, and its latest REST requests of the kind that a page sends while it is loaded.

A *lineage* is all connections with one Origin and user agent: the pages of one browser. Within a lineage, a *page*
is a tab, or a program.
"""

from collections import deque
from dataclasses import dataclass, field

from app.hub.clients import Handshake
from app.protocol.reconnect_report import Measured
from app.protocol.reconnects import Browser

MAX_ATTEMPTS = 50
"""Attempts that are kept per lineage."""
MAX_FAILURES = 64
MAX_CLIENTS = 100
"""Numbers of clients by which a lineage can be found."""
LOAD_S = 0.5
"""A page that is being loaded sends its first REST requests and its handshake within this time."""
LOAD_PATHS = ("/friends", "/status")
MAX_CALLS = 32


@dataclass(eq=False)
class Page:
    """A tab or a program: connected, or waiting until it reconnects."""

    client: int | None = None
    unanswered: int = 0
    """The number of its handshake that has got no answer yet; 0 if there is none."""
    attempts: int | None = 0
    """Attempts since the last connection; None if the first handshake that was seen was refused."""
    since: float = 0.0
    since_wall: float = 0.0
    """When its wait began: in monotonic seconds, and in seconds since the epoch."""
    by_ui: bool = False
    """Whether the UI itself closed the connection. The released UI reconnects all the same."""


@dataclass(eq=False)
class Lineage:
    """The pages of one browser. ``connected_at`` and the times in ``failed`` are in monotonic seconds."""

    handshake: Handshake
    browser: Browser
    pages: list[Page] = field(default_factory=list)
    measured: deque[Measured] = field(default_factory=lambda: deque(maxlen=MAX_ATTEMPTS))
    clients: deque[int] = field(default_factory=lambda: deque(maxlen=MAX_CLIENTS))
    failed: deque[float] = field(default_factory=lambda: deque(maxlen=MAX_FAILURES))
    connected_at: float = float("-inf")
    origin_refused: bool = False
    """Whether its last handshake was refused because its origin is not allowed."""
    lost: int = 0
    """Pages that did not reconnect in time, and that no later connection has replaced: they may still come back."""
    calls: deque[tuple[str, float]] = field(default_factory=lambda: deque(maxlen=MAX_CALLS))
    """The latest requests of ``LOAD_PATHS`` and their times."""

    @property
    def waiting(self) -> list[Page]:
        """The pages that are not connected, and that do not wait for an answer to a handshake."""
        return [page for page in self.pages if page.client is None and not page.unanswered]

    @property
    def connected(self) -> list[Page]:
        """The connected pages."""
        return [page for page in self.pages if page.client is not None]

    @property
    def is_guess(self) -> bool:
        """Whether a handshake may be one of several pages."""
        return len(self.pages) + self.lost > 1

    def was_loading(self, at: float) -> bool:
        """Return whether the requests of a page that is being loaded were sent at this time."""
        return all(
            any(path == each and abs(started - at) <= LOAD_S for path, started in self.calls) for each in LOAD_PATHS
        )
