"""Assign each connection and REST exchange to a loaded page of the UI, and keep pages and exchanges, up to a limit.
A page that reconnects keeps its stores (its state); a reloaded page is a new one, with empty stores.

A browser that reloads or closes a page sends close code 1001. After any other end of a connection, the timing
decides: the UI reconnects after three seconds or more (guide §1), a reload is faster. Of several pages, the one
that was disconnected last reconnects or was reloaded. While another page of the browser is connected, a connection
always begins a new page.

REST calls carry no client number. They are assigned by time, origin and user agent, to each page that matches. If
several pages of one browser were open at the same time, this is a guess, and ``UiPage.rest_is_guess`` is set.

Reports are assigned in the same way, to one page only. A page that is being loaded may report before it connects.
When it connects, the other pages of its browser lose the reports that may be its own: those without a connection.
"""

from collections import deque
from collections.abc import Iterator
from copy import copy
from itertools import islice

from app.hub.rest_exchange import RestExchange
from app.observers.recorded_run import AnyClient, Watched
from app.observers.ui_reports import UiReports
from app.protocol.constants import WS_RECONNECT_DELAY_MS
from app.protocol.errors import Conflict, NotFound

RECONNECT_S = 0.95 * WS_RECONNECT_DELAY_MS / 1000
"""A client that comes back sooner belongs to a new page. Timers may fire a little early."""
BEFORE_CONNECT_S = 10.0
"""How long before its first connection a page may have sent its first requests. React's StrictMode takes 4 s."""
RELOAD_S = 1.0
"""How long before the connection of a reloaded page ends the new page may have sent its first requests."""
MAX_EXCHANGES = 5_000
MAX_BYTES = 32 * 1024 * 1024
"""Limits of the kept exchanges. Older ones are discarded."""
MAX_REPORT_BYTES = 32 * 1024 * 1024
"""Limit of the reports of all pages."""
MAX_PAGES = 200
"""Pages without a connected client that are kept, so that their state can still be examined."""


class UiPage:
    """A page: its connections, oldest first.

    ``since`` is the earliest time at which it may have been loaded, in monotonic seconds. ``first_seq`` is the
    number of the row that reports its first connection.
    """

    def __init__(self, client: AnyClient, since: float, first_seq: int) -> None:
        self.origin = client.origin
        self.user_agent = client.user_agent
        self.since = since
        self.joined_at = 0.0
        """When its first connection began."""
        self.reloaded_at = 0.0
        """When the connection of the page ended from which this page was reloaded."""
        self.first_seq = first_seq
        self.discarded = 0
        """How many exchanges of all pages had been discarded when the last one of this page was."""
        self.clients = [client.id]
        self.username = client.username
        """The user that its last client acted as when it connected."""
        self.left_at: float | None = None
        """When its last connection ended, or the one of the reloaded page began; None while it is connected."""
        self.closed = False
        """Whether it was closed or reloaded; the next connection belongs to another page."""
        self.rest_is_guess = False
        """Whether another page of the same origin and user agent was open at the same time."""
        self.selections: list[tuple[float, str | None]] = []
        """The chats that the developer said are open, each with the time from which it is."""
        self.reports = UiReports()


class UiPages:
    """Follows the hub's clients and keeps the REST exchanges of their pages."""

    def __init__(self, hub: Watched, *, keep_all: bool = False) -> None:
        """``keep_all``: no exchange is discarded, because a recording has a limit of its own."""
        self._keep_all = keep_all
        self._clock = hub.clock
        self._journal = hub.journal
        self._client = hub.client
        self._pages: list[UiPage] = []
        self._exchanges: deque[RestExchange] = deque()
        self.count = 0
        """How many exchanges there have been, including those that were discarded."""
        self._bytes = 0
        self._disconnect = [
            hub.joined.connect(self._joined),
            hub.left.connect(self._left),
            hub.rest_begun.connect(self._keep),
            hub.rest_exchanges.connect(self._keep),
        ]

    def close(self) -> None:
        """Stop following."""
        for disconnect in self._disconnect:
            disconnect()

    def page_of(self, client: int) -> UiPage | None:
        """Return the page of a connected or recently disconnected client."""
        return next((page for page in reversed(self._pages) if client in page.clients), None)

    def reporting_page(self, origin: str, user_agent: str, username: str | None) -> UiPage:
        """Return the connected page of a browser, or the one that will reconnect.

        Raises ``NotFound`` if there is none, and ``Conflict`` if there are several. These lack a report then.
        ``username`` selects among several pages by the user that their client acts as.
        """
        of_browser = [
            page
            for page in self._pages
            if (page.origin, page.user_agent) == (origin, user_agent) and username in (None, self._username(page))
        ]
        found = [page for page in of_browser if page.left_at is None] or _disconnected_last(of_browser)
        if not found:
            raise NotFound("No client of this page is connected to the event server.")
        if len(found) > 1:
            for page in found:
                page.reports.add_gap(self._clock.mono(), self._journal.last_seq)
            raise Conflict(
                f"{len(found)} pages of this browser are connected, so the report cannot be assigned to one of "
                "them. Close the others, or add ?user=NAME to the address."
            )
        return found[0]

    def _username(self, page: UiPage) -> str | None:
        client = self._client(page.clients[-1])
        return client.username if client else page.username

    @property
    def all(self) -> tuple[UiPage, ...]:
        """The pages that are known, the one that connected last at the end."""
        return tuple(self._pages)

    def with_too_many_reports(self, reporting: UiPage, size: int, *, kept: int) -> Iterator[UiPage]:
        """Yield pages that must discard all reports but ``kept`` for another one of this size, until enough have.

        First those of pages that have left, the oldest first, but none of the page that is ``reporting``.
        """
        for page in sorted(self._pages, key=lambda each: each.left_at is None):
            if sum(each.reports.bytes for each in self._pages) + size <= MAX_REPORT_BYTES:
                return
            if page is not reporting and page.reports.count > kept:
                yield page

    def exchanges_since(self, page: UiPage, number: int) -> tuple[list[RestExchange], int]:
        """Return the page's REST exchanges after the first ``number`` of all pages, and the number of all now.

        An exchange that has been reported when it began is there again when it has ended.
        """
        new = islice(self._exchanges, max(0, len(self._exchanges) - (self.count - number)), None)
        return [each for each in new if _is_of_page(each, page)], self.count

    def _joined(self, client: AnyClient) -> None:
        now = self._clock.mono()
        same_browser = [p for p in self._pages if (p.origin, p.user_agent) == (client.origin, client.user_agent)]
        connected = [page for page in same_browser if page.left_at is None]
        by_end = sorted(same_browser, key=lambda page: page.left_at or 0.0)
        last = by_end[-1] if by_end and not connected else None
        if last and not last.closed and last.left_at is not None and now - last.left_at >= RECONNECT_S:
            last.clients.append(client.id)
            last.username = client.username
            last.left_at = None
            self._pages.remove(last)
            self._pages.append(last)
            return
        reloaded_at = (last.left_at or 0.0) if last else 0.0
        if last:
            last.closed = True
        for other in same_browser:  # the page may have reported before this connection
            other.reports.discard_disconnected(now - BEFORE_CONNECT_S)
        page = UiPage(client, max(now - BEFORE_CONNECT_S, reloaded_at - RELOAD_S), self._journal.last_seq)
        page.joined_at, page.reloaded_at = now, reloaded_at
        for other in connected:
            other.rest_is_guess = page.rest_is_guess = True
        self._pages.append(page)
        gone = [page for page in self._pages if page.left_at is not None]
        for old in gone[: max(0, len(gone) - MAX_PAGES)]:
            self._pages.remove(old)

    def _left(self, client: AnyClient) -> None:
        page = self.page_of(client.id)
        if page is None:
            return
        page.left_at = now = self._clock.mono()
        page.closed = client.ending.page_closed
        page.username = client.username
        newer = [each for each in self._pages if _same_browser(each, page) and each.joined_at > page.joined_at]
        connected = [each for each in newer if each.left_at is None]
        if page.closed and len(connected) == 1 and now - connected[0].joined_at < RELOAD_S:
            self._separate(connected[0])
            page.left_at = connected[0].joined_at  # later requests are those of the reloaded page
            page.rest_is_guess = False

    def _separate(self, reloaded: UiPage) -> None:
        """Assign earlier requests to the page before. The new connection began before the end of the old one."""
        page = copy(reloaded)  # what was computed for the other object is not valid
        page.reloaded_at = page.joined_at
        page.rest_is_guess = False
        page.reports.start_again(page.since)
        self._pages[self._pages.index(reloaded)] = page

    def _keep(self, exchange: RestExchange) -> None:
        for page in self._pages:
            if (page.origin, page.user_agent) == (exchange.origin, exchange.user_agent):
                page.reports.start_again(exchange.started)
        self._exchanges.append(exchange)
        self.count += 1
        self._bytes += _size(exchange)
        while not self._keep_all and (len(self._exchanges) > MAX_EXCHANGES or self._bytes > MAX_BYTES):
            old = self._exchanges.popleft()
            self._bytes -= _size(old)
            for page in self._pages:
                if _is_of_page(old, page):
                    page.discarded = self.count - len(self._exchanges)


def _is_of_page(exchange: RestExchange, page: UiPage) -> bool:
    """Return whether an exchange is one of a page's browser, and may be one of the page.

    The end of a page's connection may be noticed after the first requests of the reloaded page. These are the same
    as the polls of the old page, and do no harm if they are one of them. After that end, the old page has no more.
    """
    if (exchange.origin, exchange.user_agent) != (page.origin, page.user_agent):
        return False
    if page.closed and page.left_at is not None and exchange.started > page.left_at:
        return False
    is_poll = (exchange.method, exchange.path) in (("GET", "/status"), ("GET", "/friends"))
    return exchange.started >= (page.since if is_poll else max(page.since, page.reloaded_at))


def _disconnected_last(of_browser: list[UiPage]) -> list[UiPage]:
    """Return the page of a browser that was disconnected last, unless it was closed.

    Also others that were disconnected with it, such as by a stop of the server: each may be the one that reports.
    """
    last = max((page.left_at or 0.0 for page in of_browser), default=0.0)
    return [page for page in of_browser if not page.closed and last - (page.left_at or 0.0) < RELOAD_S]


def _same_browser(one: UiPage, other: UiPage) -> bool:
    return (one.origin, one.user_agent) == (other.origin, other.user_agent)


def _size(exchange: RestExchange) -> int:
    return len(exchange.request) + len(exchange.response)
