"""Follow the pages of browsers for the lint: which clients are the same page, and which page sends a REST call.
A page that reconnects is a new client, but the same page; a reloaded one is a new page. A reconnect is recognized
only while no other page of that browser is connected.

REST calls carry no client number. They are assigned by HTTP origin and User-Agent, and only if exactly one page of
that browser is connected; otherwise, rules that need the page are not applied.
"""

from collections.abc import Iterator
from typing import NamedTuple

from app.protocol.constants import WS_RECONNECT_DELAY_MS

RECONNECT_S = 0.95 * WS_RECONNECT_DELAY_MS / 1000
"""A client that reconnects sooner belongs to a new page: reloading is faster than reconnecting."""
RETURNS_S = 600.0
"""Within this time, a page without a client may reconnect. Another client of its browser may then be this page."""
MAX_GONE = 200
"""Pages without a client that are remembered, so that a reconnect can be recognized."""


class Browser(NamedTuple):
    """What identifies a browser: HTTP origin and User-Agent."""

    origin: str
    user_agent: str


class Page:
    """A loaded page: its clients so far, and the state that the rules keep for it."""

    def __init__(self, browser: Browser, seq: int) -> None:
        self.browser = browser
        self.seq = seq
        """The row that reports its first connection."""
        self.clients: set[int] = set()
        self.client = 0
        """The client that connected last."""
        self.left_at: float | None = None
        self.closed = False
        self.is_guess = False
        """Whether it may be another page of the browser that has reconnected."""
        self.marked: dict[str, float] = {}
        """The time of the last ``mark_read``, by peer."""
        self.due: dict[str, float] = {}
        """The time by which ``mark_read`` must be sent, by peer."""
        self.reported: set[str] = set()
        """Rules that are reported only once per page."""


class Pages:
    """The pages of all browsers. Clients without an HTTP origin are not browsers, and have no page."""

    def __init__(self) -> None:
        self._by_client: dict[int, Page] = {}
        """Connected clients only."""
        self._gone: list[Page] = []

    def __iter__(self) -> Iterator[Page]:
        return iter(dict.fromkeys(self._by_client.values()))

    def joined(self, seq: int, at: float, client: int, browser: Browser) -> None:
        """Record that a client has connected."""
        if not browser.origin:
            return
        gone = [each for each in self._gone if each.browser == browser]
        gone_s = {each: at - each.left_at for each in gone if each.left_at is not None and not each.closed}
        if gone and gone_s.get(gone[-1], 0.0) >= RECONNECT_S and not self.connected(browser):
            page = gone[-1]
            self._gone.remove(page)
        else:
            page = Page(browser, seq)
        if any(each is not page and RECONNECT_S <= since <= RETURNS_S for each, since in gone_s.items()):
            page.is_guess = True
        page.left_at, page.client = None, client
        page.clients.add(client)
        self._by_client[client] = page

    def left(self, at: float, client: int, closed: bool) -> None:
        """Record that a client has disconnected. ``closed``: its page was closed or reloaded."""
        page = self._by_client.pop(client, None)
        if page and page not in self._by_client.values():
            page.left_at, page.closed = at, closed
            self._gone = [*self._gone[1 - MAX_GONE :], page]

    def of_client(self, client: int) -> Page | None:
        """Return the page of a connected client."""
        return self._by_client.get(client)

    def connected(self, browser: Browser) -> list[Page]:
        """Return the connected pages of a browser."""
        return [each for each in dict.fromkeys(self._by_client.values()) if each.browser == browser]

    def of_call(self, browser: Browser) -> Page | None:
        """Return the page that has sent a REST call, or None if that is not certain."""
        pages = self.connected(browser)
        return pages[0] if len(pages) == 1 and not pages[0].is_guess else None
