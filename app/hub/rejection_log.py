"""Count what the servers reject, keep the latest rejections with their reasons, journal them at a limited rate.
Rejected are, for example, connections, requests and messages of peers that violate access rules or limits. Repeats
for the same reason are kept as one entry. Connections refused on purpose are not counted: see ``refusals``.
"""

from collections.abc import Callable, Collection
from typing import NamedTuple

from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.signals import Signal

MAX_KEPT = 50
"""At most this many different rejections are kept, the latest ones."""
SAME_REASON_S = 1.0
"""Repeated rejections for the same reason get one journal row in this time."""
MAX_ROWS_PER_S = 50
"""All rejections together get at most this many rows, so that a page that connects a thousand times per second does
not push everything else out of the journal."""
MAX_REMEMBERED = 200
"""From this number of reasons on, those whose last row is older than ``SAME_REASON_S`` are forgotten."""

REFUSED_PAGE_S = 60.0
"""A page that was refused within these last seconds probably still tries to connect."""
PAGE_SERVERS = ("events", "rest")


class RejectionStats(NamedTuple):
    """A rejection, how often it happened (``times``), and when it last happened (seconds since the epoch).

    ``origin`` is the page's origin if allowing it would allow the connection; otherwise empty.
    """

    server: str
    reason: str
    origin: str
    user_agent: str
    times: int
    last: float


class RejectionLog:
    """Count all rejections, keep the latest, and journal them at a limited rate.

    A row says how many rejections before it got no row. See ``SAME_REASON_S`` and ``MAX_ROWS_PER_S``.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._rejections: dict[tuple[str, str], RejectionStats] = {}
        self._last_row_at: dict[tuple[str, str], float] = {}
        """When each rejection last got a row (monotonic seconds)."""
        self._second, self._rows = 0, 0
        self._unlogged = 0
        """Number of rejections without a row since the last row."""
        self.total = 0
        """Number of rejections since the start."""
        self.added: Signal[RejectionStats] = Signal()

    @property
    def latest(self) -> list[RejectionStats]:
        """The kept rejections, the latest first."""
        return list(reversed(self._rejections.values()))

    def refused_page(self, within_s: float, allowed: Collection[str], problem: Callable[[str], str]) -> str:
        """Return what to do about a page that was refused for its origin lately, or within these last seconds.

        The text is empty if there is no such page. ``problem`` returns why an origin cannot be ``allowed``.
        """
        since = self._hub.clock.wall() - max(within_s, REFUSED_PAGE_S)
        for each in self.latest:
            origin, is_recent = each.origin, each.last >= since and each.server in PAGE_SERVERS
            if is_recent and origin and origin not in allowed and not problem(origin):
                return (
                    f"A page of {origin} was refused, because its origin is not allowed: allow it in Settings or "
                    f"with `companion server allow {origin}`, and reload the page."
                )
        return ""

    def why_no_client(self, within_s: float, allowed: Collection[str], problem: Callable[[str], str]) -> str:
        """Return that no client is connected, with ``refused_page``; empty if one is connected."""
        if self._hub.connection_count:
            return ""
        return f"No client is connected. {self.refused_page(within_s, allowed, problem)}".rstrip()

    def add(self, server: str, reason: str, origin: str = "", user_agent: str = "") -> bool:
        """Count a rejection and emit ``added``. Return whether it got a journal row."""
        self.total += 1
        before = self._rejections.pop((server, reason), None)
        times = before.times + 1 if before else 1
        rejection = RejectionStats(server, reason, origin, user_agent, times, self._hub.clock.wall())
        self._rejections[server, reason] = rejection
        if len(self._rejections) > MAX_KEPT:
            oldest = next(iter(self._rejections))
            del self._rejections[oldest]
            self._last_row_at.pop(oldest, None)
        journalled = self.journal(server, reason)
        self.added.emit(rejection)
        return journalled

    def add_harmless(self, server: str, reason: str) -> None:
        """Count and journal a connection that the client closed before it was accepted, but do not keep it."""
        self.total += 1
        self.journal(server, reason, "closed early", Verdict.OK)

    def journal(self, server: str, reason: str, event: str = "refused", verdict: Verdict = Verdict.WARNING) -> bool:
        """Add a row for what others can cause at any rate, within the rate limit of rejections. Do not count it.

        Return whether it got a row.
        """
        now = self._hub.clock.mono()
        if len(self._last_row_at) > MAX_REMEMBERED:
            self._last_row_at = {key: at for key, at in self._last_row_at.items() if now - at < SAME_REASON_S}
        if int(now) != self._second:
            self._second, self._rows = int(now), 0
        repeated = now - self._last_row_at.get((server, reason), float("-inf")) < SAME_REASON_S
        if repeated or self._rows >= MAX_ROWS_PER_S:
            self._unlogged += 1
            return False
        self._last_row_at[server, reason] = now
        self._rows += 1
        before = f" (and {self._unlogged:,} more since the previous row)" if self._unlogged else ""
        self._unlogged = 0
        self._hub.log_server_event(event, note=reason + before, verdict=verdict)
        return True
