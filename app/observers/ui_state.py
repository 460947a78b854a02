"""Compute the expected state of a client's UI on request, store the state that the UI reports, and wait for it.

Each request replays the client's journal rows and REST exchanges, so the state is not updated per frame. Only the
exchanges, reports and corrections are stored (see ``ui_pages``).
"""

from collections.abc import Callable, Iterator
from heapq import merge
from operator import itemgetter
from typing import Any, NamedTuple

from app.hub.hub import Hub
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind, Row
from app.observers.ui_pages import UiPage, UiPages
from app.observers.ui_reports import StepsAfter
from app.protocol.errors import NotFound
from app.protocol.ui_comparison import differences
from app.protocol.ui_deviations import Deviation, Report, Step
from app.protocol.ui_stores import ExpectedState, Flavour, UiStores

CHECK_S = 0.05
"""Interval of the checks in ``wait_until``. Not only reports matter: the expected state also changes with time."""
MAX_SETTLE_S = 3.0
"""Longest wait for a quiet point; see ``protocol.ui_deviations``. Frames may arrive all the time."""

_Change = Callable[[UiStores], UiStores]


class _Untimed(NamedTuple):
    """What a step does. ``seq`` is 0 if it has no row of its own."""

    seq: int
    title: str
    change: _Change


class UiStates:
    """Computes expected states, keeps reported ones. ``select`` corrects the chat that is assumed to be open."""

    def __init__(self, hub: Hub) -> None:
        self._clock = hub.clock
        self._journal = hub.journal
        self._pages = UiPages(hub)

    def close(self) -> None:
        """Disconnect from the hub."""
        self._pages.close()

    def expected(self, client: int, flavour: Flavour, after: int | None = None) -> ExpectedState:
        """Return the state of a client's UI now, or just after the row with number ``after``.

        Raises ``NotFound`` for a client that never connected, or whose page is no longer known.
        """
        page = self._page(client)
        row = self._journal.row(after) if after is not None else None
        if after is not None and row is None:
            raise NotFound(
                f"Row {after} is not in the log (rows {self._journal.first_seq} to {self._journal.last_seq})."
            )
        until = row.mono if row else self._clock.mono()
        last_seq = after if after is not None else self._journal.last_seq
        stores = UiStores(flavour)
        for step in self._steps(page, until, last_seq):
            stores = step.change(stores.at(step.at))
        return ExpectedState(client, stores.at(until), last_seq, self._is_complete(page), page.rest_is_guess)

    def select(self, client: int, peer: str | None) -> None:
        """Set which chat is open in a client's UI from now on. None: no chat is open. Raises ``NotFound``."""
        self._page(client).selections.append((self._clock.mono(), peer))

    def report(self, client: int, state: Any, *, size: int = 0, partial: bool = False) -> None:
        """Store the state that a client's UI reports. ``size`` is that of its JSON text. Raises ``NotFound``.

        ``partial``: the state was read off the screen; values that it does not contain are not compared.
        """
        self._report(self._page(client), state, size, partial)

    def page_of_browser(self, origin: str, user_agent: str, username: str | None = None) -> UiPage:
        """Return the connected page of a browser. Raises ``NotFound``, and ``Conflict`` if it has several."""
        return self._pages.connected_page(origin, user_agent, username)

    def report_of_page(self, page: UiPage, state: Any, *, size: int) -> None:
        """Store the state that a page reports itself."""
        self._report(page, state, size, partial=False)

    def _report(self, page: UiPage, state: Any, size: int, partial: bool) -> None:
        report = Report(self._clock.mono(), self._journal.last_seq, state, partial)
        page.reports.add(report, size, self._steps_after(page))

    def deviations(self, client: int, flavour: Flavour) -> list[Deviation]:
        """Return what the UI reported wrongly since its page was loaded, in the order of the rows.

        A value is compared when nothing happened for a second; see ``protocol.ui_deviations``.
        """
        page = self._page(client)
        return page.reports.deviations(flavour, self._steps_after(page), self._clock.mono())

    async def wait_until_settled(self, client: int, flavour: Flavour) -> None:
        """Wait until the UI had time to react to the last row and to report its state, or until it is correct."""
        page = self._page(client)

        def is_settled() -> bool:
            self.deviations(client, flavour)
            report = page.reports.last
            if report is None or page.reports.is_quiet(flavour):
                return True
            expected = self.expected(client, flavour).stores.to_json()
            return next(differences(expected, report.state, partial=report.partial), None) is None

        await self.wait_until(is_settled, MAX_SETTLE_S)

    async def wait_until(self, is_met: Callable[[], bool], within_s: float) -> bool:
        """Wait until ``is_met()`` is true, at most ``within_s`` seconds; return whether it became true."""
        end = self._clock.mono() + within_s
        while not is_met():
            left = end - self._clock.mono()
            if left <= 0:
                return False
            await self._clock.sleep(min(left, CHECK_S))
        return True

    def reported(self, client: int) -> Report | None:
        """Return the last report of a client's UI, or None. Raises ``NotFound``."""
        return self._page(client).reports.last

    def _page(self, client: int) -> UiPage:
        if page := self._pages.page_of(client):
            return page
        raise NotFound(f"Client {client} is unknown. `companion clients list` lists the connected clients.")

    def _is_complete(self, page: UiPage) -> bool:
        return self._journal.row(page.first_seq) is not None

    def _steps_after(self, page: UiPage) -> StepsAfter:
        def steps(at: float) -> Iterator[Step]:
            every = self._steps(page, self._clock.mono(), self._journal.last_seq)
            return (step for step in every if step.at > at)

        return steps

    def _steps(self, page: UiPage, until: float, last_seq: int) -> Iterator[Step]:
        """Yield the page's frames, requests, responses and selections, ordered by time, up to a time and a row."""
        exchanges = list(self._pages.exchanges_of(page))
        requests = sorted(((e.started, 0, _request(e)) for e in exchanges), key=itemgetter(0))
        rows = ((row.mono, 1, _row(row)) for row in self._rows(page, last_seq))
        responses = ((e.ended, 2, _response(e)) for e in exchanges)
        selections = ((at, 3, _selection(peer)) for at, peer in page.selections)
        seq = page.first_seq
        for at, _, each in merge(requests, rows, responses, selections, key=itemgetter(0, 1)):
            if at > until:
                return
            seq = each.seq or seq
            yield Step(at, seq, each.title, each.change)

    def _rows(self, page: UiPage, last_seq: int) -> Iterator[Row]:
        ids, names = set(page.clients), {str(each) for each in page.clients}
        for row in self._journal.after(page.first_seq - 1):
            if row.seq > last_seq:
                return
            if (row.kind is Kind.TO_UI and not ids.isdisjoint(row.recipients)) or (
                row.kind is Kind.SERVER and row.client in names and row.event in ("connected", "disconnected")
            ):
                yield row


def _row(row: Row) -> _Untimed:
    if row.kind is Kind.TO_UI:
        return _Untimed(row.seq, row.event, lambda stores: stores.received(row.payload, row.mono))
    return _Untimed(row.seq, row.event, UiStores.opened if row.event == "connected" else UiStores.closed)


def _request(call: RestExchange) -> _Untimed:
    title = f"{call.method} {call.path}"
    return _Untimed(0, title, lambda stores: stores.requested(call.method, call.path, call.query))


def _response(call: RestExchange) -> _Untimed:
    def change(stores: UiStores) -> UiStores:
        return stores.responded(call.method, call.path, call.query, call.request, call.status, call.response)

    return _Untimed(0, f"{call.method} {call.path} → {call.status}", change)


def _selection(peer: str | None) -> _Untimed:
    return _Untimed(0, f"open chat set to {peer or 'none'}", lambda stores: stores.selected(peer))
