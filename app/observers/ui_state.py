"""Compute the expected state of a client's UI on request, store the state that the UI reports, and wait for it.

Each request replays the client's journal rows and REST exchanges, so the state is not updated per frame. Only the
exchanges, reports and corrections are stored (see ``ui_pages``).
"""

from collections.abc import Callable, Iterator
from heapq import merge
from itertools import takewhile
from operator import itemgetter
from typing import Any

from app.hub.hub import Hub
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind, Row
from app.observers.ui_pages import UiPage, UiPages
from app.protocol.errors import NotFound
from app.protocol.ui_stores import ExpectedState, Flavour, UiStores

CHECK_S = 0.05
"""Interval of the checks in ``wait_until``. Not only reports matter: the expected state also changes with time."""

_Change = Callable[[UiStores], UiStores]
_Step = tuple[float, int, _Change]
"""A frame, request, response or selection: its time, its rank among steps of that time, the change it makes."""


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
        for at, _, change in self._steps(page, until, last_seq):
            stores = change(stores.at(at))
        return ExpectedState(client, stores.at(until), last_seq, self._is_complete(page), page.rest_is_guess)

    def select(self, client: int, peer: str | None) -> None:
        """Set which chat is open in a client's UI from now on. None: no chat is open. Raises ``NotFound``."""
        self._page(client).selections.append((self._clock.mono(), peer))

    def report(self, client: int, state: Any) -> None:
        """Store the state that a client's UI reports. Raises ``NotFound``."""
        self._page(client).reported = state

    async def wait_until(self, is_met: Callable[[], bool], within_s: float) -> bool:
        """Wait until ``is_met()`` is true, at most ``within_s`` seconds; return whether it became true."""
        end = self._clock.mono() + within_s
        while not is_met():
            left = end - self._clock.mono()
            if left <= 0:
                return False
            await self._clock.sleep(min(left, CHECK_S))
        return True

    def reported(self, client: int) -> Any:
        """Return the stores that the UI last reported, or None. Raises ``NotFound``."""
        return self._page(client).reported

    def _page(self, client: int) -> UiPage:
        if page := self._pages.page_of(client):
            return page
        raise NotFound(f"Client {client} is unknown. `companion clients list` lists the connected clients.")

    def _is_complete(self, page: UiPage) -> bool:
        return self._journal.row(page.first_seq) is not None

    def _steps(self, page: UiPage, until: float, last_seq: int) -> Iterator[_Step]:
        """Yield the page's frames, requests, responses and selections, ordered by time, up to a time and a row."""
        exchanges = list(self._pages.exchanges_of(page))
        requests = sorted(((e.started, 0, _request(e)) for e in exchanges), key=itemgetter(0))
        rows = ((row.mono, 1, _row(row)) for row in self._rows(page, last_seq))
        responses = ((e.ended, 2, _response(e)) for e in exchanges)
        selections = ((at, 3, _selection(peer)) for at, peer in page.selections)
        steps = merge(requests, rows, responses, selections, key=itemgetter(0, 1))
        return takewhile(lambda step: step[0] <= until, steps)

    def _rows(self, page: UiPage, last_seq: int) -> Iterator[Row]:
        ids, names = set(page.clients), {str(each) for each in page.clients}
        for row in self._journal.after(page.first_seq - 1):
            if row.seq > last_seq:
                return
            if (row.kind is Kind.TO_UI and not ids.isdisjoint(row.recipients)) or (
                row.kind is Kind.SERVER and row.client in names and row.event in ("connected", "disconnected")
            ):
                yield row


def _row(row: Row) -> _Change:
    if row.kind is Kind.TO_UI:
        return lambda stores: stores.received(row.payload, row.mono)
    return UiStores.opened if row.event == "connected" else UiStores.closed


def _request(call: RestExchange) -> _Change:
    return lambda stores: stores.requested(call.method, call.path, call.query)


def _response(call: RestExchange) -> _Change:
    return lambda stores: stores.responded(
        call.method, call.path, call.query, call.request, call.status, call.response
    )


def _selection(peer: str | None) -> _Change:
    return lambda stores: stores.selected(peer)
