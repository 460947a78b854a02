"""Measure after which delay each UI page reconnects, from the connections and handshakes of the event server, and
compare it with the guide's table. The result is a report per lineage: the pages with one Origin and user agent.

A page's wait begins when its connection ends or its handshake fails, and its next handshake is an attempt. Which
page of a lineage a handshake belongs to is a guess if several pages are open: it carries no identity.

A handshake is not an attempt while no page waits, or if it does not fit the table and a page is being loaded, which
sends ``GET /friends`` and ``GET /status``. A page that was closed or reloaded (close code 1001) does not wait.
Handshakes that are refused for their origin are not measured.
"""

from app.hub.clients import Client, Handshake
from app.hub.hub import Hub
from app.hub.rest_exchange import RestExchange
from app.observers.downtimes import Downtimes
from app.observers.lineages import LOAD_PATHS, Lineage, Page
from app.protocol import reconnects as maths
from app.protocol.constants import WS_MAX_RECONNECT_ATTEMPTS
from app.protocol.errors import NotFound
from app.protocol.reconnect_report import Measured, ReconnectReport, ReconnectState
from app.protocol.reconnects import Attempt, Band, Verdict

MAX_LINEAGES = 50
MAX_PAGES = 100
"""Waiting pages per lineage. Beyond that, the one that has waited longest is dropped."""
BY_UI_CODES = (1000, 1005)
"""The close codes of ``WebSocket.close()``."""
CLOCK_JUMP_S = 2.0
"""If the wall clock and the monotonic clock differ by more, the computer slept, or its clock was set."""


_REFUSED = "its origin is not allowed, so it is not measured"


class ReconnectWatch:
    """Follows the connections of all lineages. Verdicts that depend on the time are computed by ``reports``."""

    def __init__(self, hub: Hub) -> None:
        self._clock = hub.clock
        self._lineages: dict[Handshake, Lineage] = {}
        """The one with the latest event is the last."""
        self._downtimes = Downtimes(hub.clock)
        self._disconnect = [
            hub.joined.connect(self._joined),
            hub.left.connect(self._left),
            hub.refused.connect(self._refused),
            hub.origin_refused.connect(self._origin_refused),
            hub.closed_at_once.connect(self._closed_at_once),
            hub.unanswered.connect(self._unanswered),
            hub.unanswered_ended.connect(self._unanswered_ended),
            hub.rest_exchanges.connect(self._called),
            hub.listening_changed.connect(self._downtimes.listening),
        ]

    def close(self) -> None:
        """Disconnect from the hub."""
        for disconnect in self._disconnect:
            disconnect()

    def reports(self) -> list[ReconnectReport]:
        """Return all lineages, the one with the latest event first."""
        return [self._report(each) for each in reversed(self._lineages.values())]

    def report(self, client: int) -> ReconnectReport:
        """Return the lineage of a connected or earlier client. Raises ``NotFound``."""
        for each in reversed(self._lineages.values()):
            if client in each.clients:
                return self._report(each)
        raise NotFound(f"Client {client} is unknown. `companion clients list` lists the connected clients.")

    # events

    def _joined(self, client: Client) -> None:
        lineage = self._lineage(Handshake(client.origin, client.user_agent))
        lineage.origin_refused = False
        page = self._attempted(lineage, client.id) or Page()
        page.client, page.attempts, page.by_ui = client.id, 0, False
        if page not in lineage.pages:
            lineage.pages.append(page)
            lineage.lost = max(0, lineage.lost - 1)
        lineage.clients.append(client.id)
        lineage.connected_at = self._clock.mono()

    def _left(self, client: Client) -> None:
        lineage = self._lineage(Handshake(client.origin, client.user_agent))
        page = next((each for each in lineage.pages if each.client == client.id), None)
        if page is None:
            return
        code, by_client = client.ending
        # A program other than a browser that ends its connection has probably ended.
        if client.ending.page_closed or (by_client and not client.origin):
            lineage.pages.remove(page)
            return
        page.client, page.attempts = None, 0
        page.by_ui = by_client and code in BY_UI_CODES
        self._wait(lineage, page)

    def _refused(self, handshake: Handshake) -> None:
        lineage = self._lineage(handshake)
        page = self._not_connected(lineage)
        lineage.failed.append(self._clock.mono())
        self._wait(lineage, page)

    def _origin_refused(self, handshake: Handshake) -> None:
        """Follow the waiting pages no longer: the REST calls of a page that is loaded are refused as well.

        So a reload looks like an attempt that is too early.
        """
        lineage = self._lineage(handshake)
        lineage.origin_refused = True
        for page in lineage.waiting:
            lineage.pages.remove(page)

    def _closed_at_once(self, handshake: Handshake) -> None:
        lineage = self._lineage(handshake)
        page = self._not_connected(lineage)
        page.attempts = 0  # it was connected, so the UI counts from 1 again
        lineage.connected_at = self._clock.mono()
        self._wait(lineage, page)

    def _unanswered(self, unanswered: tuple[Handshake, int]) -> None:
        handshake, number = unanswered
        self._not_connected(self._lineage(handshake)).unanswered = number

    def _unanswered_ended(self, unanswered: tuple[Handshake, int]) -> None:
        handshake, number = unanswered
        lineage = self._lineage(handshake)
        page = next((each for each in lineage.pages if each.unanswered == number), None)
        if page:
            page.unanswered = 0
            lineage.failed.append(self._clock.mono())
            self._wait(lineage, page)

    def _not_connected(self, lineage: Lineage) -> Page:
        """Measure a handshake that did not lead to a client, and return its page."""
        page = self._attempted(lineage, None)
        if page is None:
            page = Page(attempts=None)
            lineage.pages.append(page)
        page.by_ui = False
        return page

    def _called(self, call: RestExchange) -> None:
        if call.path in LOAD_PATHS and call.method == "GET":
            lineage = self._lineages.get(_printable(Handshake(call.origin, call.user_agent)))
            if lineage:
                lineage.calls.append((call.path, call.started))

    def _lineage(self, handshake: Handshake) -> Lineage:
        handshake = _printable(handshake)
        lineage = self._lineages.pop(handshake, None)
        if lineage is None:
            if len(self._lineages) >= MAX_LINEAGES:
                idle = (key for key, each in self._lineages.items() if not each.connected)
                del self._lineages[next(idle, next(iter(self._lineages)))]
            lineage = Lineage(handshake, maths.browser_of(handshake.user_agent))
        self._lineages[handshake] = lineage
        return lineage

    def _wait(self, lineage: Lineage, page: Page) -> None:
        page.since, page.since_wall = self._clock.mono(), self._clock.wall()
        if len(waiting := lineage.waiting) > MAX_PAGES:
            lineage.pages.remove(min(waiting, key=lambda each: each.since))

    # measuring

    def _attempted(self, lineage: Lineage, client: int | None) -> Page | None:
        """Measure a handshake as an attempt, and return its page; None if it is the first one of a page."""
        self._settle(lineage)
        now = self._clock.mono()
        candidates = [(page, self._judge(lineage, page, now)) for page in lineage.waiting]
        fitting = [each for each in candidates if each[1].verdict is Verdict.FITS]
        # The page that is overdue by the longest time reconnects first. If no page fits, choose the one that was
        # disconnected last; not one that closed the connection itself, or whose attempt is too late to be expected.
        if fitting:
            page, attempt = max(fitting, key=lambda each: now - each[0].since - each[1].band.earliest)
        else:
            expected = [each for each in candidates if not each[0].by_ui and not _is_over(each[1])]
            for each in candidates:
                if each not in expected:
                    self._drop(lineage, each[0], now)
            if not expected:
                return None
            page, attempt = max(expected, key=lambda each: each[0].since)
        page.attempts = attempt.number
        lineage.measured.append(Measured(attempt, self._clock.wall(), now, client, lineage.is_guess))
        return page

    def _settle(self, lineage: Lineage) -> None:
        """Remove the last attempt if REST calls show that it was a page being loaded."""
        if not lineage.measured:
            return
        last = lineage.measured[-1]
        fits = last.attempt.verdict is Verdict.FITS or last.attempt.after_s is None
        if not fits and lineage.was_loading(last.mono):
            lineage.measured.pop()
            for page in lineage.waiting:
                if page.since == last.mono:
                    page.attempts = 0

    def _judge(self, lineage: Lineage, page: Page, now: float) -> Attempt:
        """Return which attempt of ``page`` a handshake at ``now`` is, with its verdict."""
        after = now - page.since
        if page.attempts is None:
            number, unseen = maths.likely_number(after, lineage.browser, self._failures(lineage, now)), 0
            band = self._band(lineage, number, now)
        else:
            number, unseen, band = self._next(lineage, page, now)
        attempt = maths.judge(number, after, band, unseen)
        is_early = attempt.verdict in (Verdict.EARLY, Verdict.EXTRA)
        for fewer in range(unseen if is_early else 0):  # the last ones may have been seen
            earlier = number - unseen + fewer
            seen = maths.judge(earlier, after, self._band(lineage, earlier, now, fewer), fewer)
            if seen.verdict is Verdict.FITS:
                return seen
        if attempt.verdict is not Verdict.FITS and (
            self._downtimes.between(page.since, now) or self._clock_jumped(page)
        ):
            return attempt._replace(verdict=Verdict.UNCLEAR)
        return attempt

    def _next(self, lineage: Lineage, page: Page, now: float) -> tuple[int, int, Band]:
        """Return the number of the next attempt that can be seen, the unseen ones before it, and its band."""
        number = first = (page.attempts or 0) + 1
        while True:
            band = self._band(lineage, number, now, number - first)
            due = page.since + band.earliest
            if number > WS_MAX_RECONNECT_ATTEMPTS or due > now or not self._downtimes.at(due):
                return number, number - first, band
            number += 1

    def _band(self, lineage: Lineage, number: int, now: float, unseen: int = 0) -> Band:
        return maths.band(number, lineage.browser, self._failures(lineage, now), unseen)

    def _failures(self, lineage: Lineage, now: float) -> int:
        return maths.failures_that_count(lineage.browser, lineage.failed, lineage.connected_at, now)

    def _clock_jumped(self, page: Page) -> bool:
        passed = self._clock.wall() - page.since_wall
        return abs(passed - (self._clock.mono() - page.since)) > CLOCK_JUMP_S

    # reports

    def _report(self, lineage: Lineage) -> ReconnectReport:
        now = self._clock.mono()
        self._settle(lineage)
        if lineage.connected:
            for page in lineage.waiting:
                if self._missing(lineage, page, now):
                    self._drop(lineage, page, now)
        last = lineage.measured[-1] if lineage.measured else None
        state, verdict, text = ReconnectState.CONNECTED, last and last.attempt.verdict, last.text if last else ""
        if waiting := lineage.waiting:
            state, missing, text = self._waiting(lineage, max(waiting, key=lambda each: each.since), now)
            verdict = missing.verdict if missing else verdict
        elif any(page.unanswered for page in lineage.pages):
            state, text = ReconnectState.WAITING, "its connection gets no answer, on purpose"
        elif not lineage.connected:
            closed = "the page was closed" if lineage.handshake.origin else "the program closed its connection"
            state, text = ReconnectState.CLOSED, _REFUSED if lineage.origin_refused else closed
        return ReconnectReport(
            *lineage.handshake, lineage.browser,
            tuple(page.client for page in lineage.connected if page.client is not None), state, verdict,
            text or "no reconnect seen yet", maths.jitter([each.attempt for each in lineage.measured]),
            lineage.is_guess, tuple(lineage.measured),
        )  # fmt: skip

    def _waiting(self, lineage: Lineage, page: Page, now: float) -> tuple[ReconnectState, Attempt | None, str]:
        """Return the state of a page that is not connected, the attempt that it missed, and both in words."""
        number, unseen, band = self._next(lineage, page, now)
        missing = self._missing(lineage, page, now)
        if self._downtimes.at(now):
            return ReconnectState.UNSEEN, None, maths.unseen_attempts(unseen) if unseen else "the server is stopped"
        if missing is None:
            what = "the UI closed the connection; " if page.by_ui else ""
            if page.attempts is None:
                return ReconnectState.WAITING, None, "refused; the number of its attempts is not known yet"
            if number > WS_MAX_RECONNECT_ATTEMPTS:
                return ReconnectState.WAITING, None, f"{number - 1} attempts; expected to give up"
            return ReconnectState.WAITING, None, f"{what}attempt {number} is expected after {band}"
        if page.by_ui and page.attempts == 0:
            return ReconnectState.CLOSED, None, "the UI closed the connection"
        is_clear = missing.verdict is not Verdict.UNCLEAR
        return ReconnectState.GAVE_UP if is_clear else ReconnectState.UNSEEN, missing, str(missing)

    def _missing(self, lineage: Lineage, page: Page, now: float) -> Attempt | None:
        """Return the attempt that did not come although its band has passed; None while it may still come."""
        if self._downtimes.at(now):
            return None
        if page.attempts is None:
            band = self._band(lineage, WS_MAX_RECONNECT_ATTEMPTS, now)
            return None if now - page.since <= band.latest else Attempt(0, None, band, Verdict.UNCLEAR)
        number, unseen, band = self._next(lineage, page, now)
        if now - page.since <= band.latest:
            return None
        may_be_unseen = self._downtimes.between(page.since + band.earliest, page.since + band.latest)
        if may_be_unseen or self._clock_jumped(page):
            return Attempt(number, None, band, Verdict.UNCLEAR, unseen)
        return maths.gave_up(number, band, unseen)

    def _drop(self, lineage: Lineage, page: Page, now: float) -> None:
        """Follow a page no longer. If it gave up, keep that as the last entry of its attempts."""
        missing = self._missing(lineage, page, now)
        if missing and not page.by_ui:
            lineage.measured.append(Measured(missing, self._clock.wall(), now, None, lineage.is_guess))
            lineage.lost += missing.verdict is not Verdict.FITS
        lineage.pages.remove(page)


def _is_over(attempt: Attempt) -> bool:
    """Return whether an attempt is so late that not even a hidden tab explains it, or follows after giving up."""
    hidden_s = 0.0 if attempt.verdict is Verdict.EXTRA else maths.HIDDEN_S
    return attempt.after_s is not None and attempt.after_s > attempt.band.latest + hidden_s


def _printable(handshake: Handshake) -> Handshake:
    """Return headers with ``?`` for lone surrogates, which stand for invalid UTF-8."""
    return Handshake(*(each.encode(errors="replace").decode() for each in handshake))
