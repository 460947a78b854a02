"""The steps of one page of the UI in order of time.
A step is what may change the page's stores (its state). Steps are read from the log and ``ui_pages`` when needed,
and can be applied one by one to the copy of the stores that the companion computes.

A step is a frame to the page, a request, a response, the start or end of a connection, or the developer's
correction of the chat that is open. Steps are read when ``catch_up`` is called, so a frame costs nothing here when
it is sent. A step with a row in the log, other than a REST call, is stored as the number of that row.
"""

import math
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterator
from functools import partial
from itertools import islice
from operator import itemgetter
from typing import NamedTuple, TypeVar
from urllib.parse import parse_qs

from app.hub.journal import Journal
from app.hub.origin import PRIMING
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind, Row
from app.observers.ui_pages import UiPage, UiPages
from app.protocol.envelope import MAX_CHECKED_CHARS, BadFrame, decode
from app.protocol.raw_frames import RAW_EVENT
from app.protocol.summary import summarize
from app.protocol.ui_deviations import Step
from app.protocol.ui_effects import EventChanges, no_changes, with_changes
from app.protocol.ui_moments import Moment
from app.protocol.ui_stores import UiStores

T = TypeVar("T")
Work = Generator[None, None, T]
"""Work that can be paused at each ``yield``."""

CHUNK = 256
"""Steps are dropped, and states are kept, in units of this many steps."""
MAX_CALLS, MAX_BYTES = 10_000, 32 * 1024 * 1024
"""Limits of the kept requests and responses of one page, and of the size of their bodies."""
MAX_PEER_CHARS = 60
LAST_ROWS = 8
"""The newest row is among this many last steps with a row: a response ends after the rows that its call caused."""


class _Call(NamedTuple):
    """The start of a REST exchange, or its end."""

    exchange: RestExchange
    ended: bool

    def apply(self, stores: UiStores) -> UiStores:
        call = self.exchange
        if not self.ended:
            return stores.requested(call.method, call.path, call.query)
        return stores.responded(
            call.method, call.path, call.query, call.request, call.status, call.response, call.ended
        )

    @property
    def title(self) -> str:
        call = self.exchange
        peer = parse_qs(call.query).get("peer", [""])[-1][:MAX_PEER_CHARS]
        name = f"{call.method} {call.path}" + (f" of {peer}" if peer else "")
        return f"{name} → {call.status or 'no response'}" if self.ended else f"{name} requested"


class _Selection(NamedTuple):
    """A correction of the chat that is open."""

    peer: str | None

    def apply(self, stores: UiStores) -> UiStores:
        return stores.selected(self.peer)

    @property
    def title(self) -> str:
        return f"Open chat set to {self.peer}" if self.peer else "Open chat set to none"


_Item = int | _Call | _Selection
"""A step. A number is that of a row."""
_Timed = tuple[float, int, _Item]
"""A step with its time and its rank among steps of that time."""


class UiHistory:
    """The steps of one page. Index *n* is the position after the first *n* steps that are kept.

    Old steps are dropped when their rows are no longer in the log. ``dropped`` counts them. The number of a
    ``Moment`` counts them too, so that it stays valid.
    """

    def __init__(
        self, page: UiPage, pages: UiPages, journal: Journal, event_changes: EventChanges = no_changes
    ) -> None:
        self._page = page
        self._event_changes = event_changes
        self._pages = pages
        self._journal = journal
        self._times = array("d")
        self._items: list[_Item] = []
        self._start = page.since
        """The time of index 0."""
        self._seen_row = page.first_seq - 1
        self._seen_exchanges = 0
        self._seen_selections = 0
        self._calls = self._bytes = 0
        self._begun: set[float] = set()
        """When the exchanges started that have begun, and not ended yet."""
        self._ends: dict[int, float] = {}
        """When the responses ended whose requests have a row, by the row's number."""
        self.gap = False
        """Whether rows or exchanges were discarded before they were read here."""
        self.dropped = 0

    def __len__(self) -> int:
        return len(self._items)

    def catch_up(self) -> Work[int]:
        """Add the new steps. Return the lowest index whose next step has changed, at most the former length."""
        new: list[_Timed] = []
        yield from self._read_rows(new)
        self.gap = self.gap or self._page.discarded > self._seen_exchanges
        exchanges, self._seen_exchanges = self._pages.exchanges_since(self._page, self._seen_exchanges)
        changed = len(self)
        for each in exchanges:
            if each.started in self._begun:
                changed = min(changed, self._remove_begun(each.started, new))
            new.append((each.started, 0, _Call(each, ended=False)))
            self._calls += 1
            if each.ended == math.inf:
                self._begun.add(each.started)
                continue
            new.append((each.ended, 2, _Call(each, ended=True)))
            self._calls += 1
            self._bytes += len(each.request) + len(each.response)
            if each.seq:
                self._ends[each.seq] = each.ended
        chosen = self._page.selections[self._seen_selections :]
        self._seen_selections += len(chosen)
        new += [(at, 3, _Selection(peer)) for at, peer in chosen]
        return min(changed, self._insert(new))

    def _remove_begun(self, started: float, new: list[_Timed]) -> int:
        """Remove the start of an exchange that has ended now. Return its index, or the length if it is ``new``."""
        self._begun.remove(started)
        if found := [each for each in new if each[0] == started and _is_begun(each[2])]:
            new.remove(found[0])
            self._calls -= 1
            return len(self)
        for index in range(bisect_left(self._times, started), bisect_right(self._times, started)):
            if _is_begun(self._items[index]):
                del self._times[index], self._items[index]
                self._calls -= 1
                return index
        return len(self)  # it was dropped

    def _read_rows(self, new: list[_Timed]) -> Work[None]:
        ids, names = set(self._page.clients), {str(each) for each in self._page.clients}
        first, last = self._seen_row + 1, self._journal.last_seq
        if first < self._journal.first_seq:
            self.gap = True
            first = self._journal.first_seq
        for seq in range(first, last + 1):
            row = self._journal.row(seq)
            if row is None:
                self.gap = True
            elif (row.kind is Kind.TO_UI and not ids.isdisjoint(row.recipients)) or (
                row.kind is Kind.SERVER and row.client in names and row.event in ("connected", "disconnected")
            ):
                new.append((row.mono, 1, seq))
            yield
        self._seen_row = max(self._seen_row, last)

    def _insert(self, new: list[_Timed]) -> int:
        """Insert steps by time. Most are newer than all others; a request is only known when it has ended."""
        new.sort(key=itemgetter(0, 1))
        index = bisect_right(self._times, new[0][0]) if new else len(self)
        while index and new and self._times[index - 1] == new[0][0] and _rank(self._items[index - 1]) > new[0][1]:
            index -= 1
        old = [(at, _rank(item), item) for at, item in zip(self._times[index:], self._items[index:], strict=True)]
        del self._times[index:], self._items[index:]
        steps = sorted([*old, *new], key=itemgetter(0, 1)) if old else new
        self._times.extend([at for at, _, _ in steps])
        self._items.extend([item for _, _, item in steps])
        return index

    def expired(self) -> int:
        """Return how many of the oldest steps should be dropped: a multiple of ``CHUNK``, or all."""
        number, calls, size = 0, self._calls, self._bytes
        while number + CHUNK <= len(self):
            part = self._items[number : number + CHUNK]
            if not self._is_gone(part) and calls <= MAX_CALLS and size <= MAX_BYTES:
                return number
            calls -= sum(isinstance(item, _Call) for item in part)
            size -= sum(map(_size, part))
            number += CHUNK
        return len(self) if self._is_gone(self._items[number:]) else number

    def _is_gone(self, part: list[_Item]) -> bool:
        first = self._journal.first_seq
        return any(isinstance(item, int) and item < first for item in part)

    def drop(self, steps: int) -> None:
        """Drop the oldest steps."""
        part = self._items[:steps]
        self._calls -= sum(isinstance(item, _Call) for item in part)
        self._bytes -= sum(map(_size, part))
        self._start = self._times[steps - 1]
        del self._items[:steps], self._times[:steps]
        self.dropped += steps
        first = self._journal.first_seq
        self._ends = {seq: end for seq, end in self._ends.items() if seq >= first}

    def time(self, index: int) -> float:
        """Return the time of the step that leads to an index."""
        return self._times[index - 1] if index else self._start

    def is_row(self, index: int, seq: int) -> bool:
        """Return whether the step that leads to an index is the frame of a row."""
        return self._items[index - 1] == seq

    def apply(self, index: int, stores: UiStores) -> UiStores | None:
        """Return the stores after the step that leads to an index. None: its row is no longer in the log."""
        item = self._items[index - 1]
        if not isinstance(item, int):
            return item.apply(stores)
        row = self._journal.row(item)
        if row is None:
            return None
        if row.kind is Kind.TO_UI:
            if row.event == RAW_EVENT and _has_unused_keys(row.payload):
                return stores
            after = stores.received(row.payload, row.mono, at_load=row.origin == PRIMING)
            changes = self._event_changes(row.event, row.seq, row.payload)
            return with_changes(after, changes, row.mono) if changes else after
        return stores.opened() if row.event == "connected" else stores.closed()

    def moment(self, index: int) -> Moment:
        """Return the moment after a number of steps."""
        number = index + self.dropped
        if index == 0:
            return Moment(number, self._start, 0, "Older steps are no longer known" if number else "Page loaded")
        at, item = self._times[index - 1], self._items[index - 1]
        if not isinstance(item, int):
            return Moment(number, at, _seq(item), item.title)
        row = self._journal.row(item)
        return Moment(number, at, item, _title(row) if row else "A row that is no longer in the log")

    def steps_after(self, at: float) -> Iterator[Step]:
        """Yield the steps after a time. One without a row has the number of the newest row before it."""
        start = bisect_right(self._times, at)
        rows = filter(None, map(_seq, reversed(self._items[:start])))
        newest = max(islice(rows, LAST_ROWS), default=self._page.first_seq)
        for index in range(start + 1, len(self) + 1):
            item = self._items[index - 1]
            row = self._journal.row(item) if isinstance(item, int) else None
            title = row.event if row else self.moment(index).title
            seq = _seq(item)
            newest = max(newest, seq)
            yield Step(self._times[index - 1], seq or newest, title, partial(self._changed, index))

    def count_after(self, at: float) -> int:
        """Return the number of steps after a time."""
        return len(self) - bisect_right(self._times, at)

    def _changed(self, index: int, stores: UiStores) -> UiStores:
        after = self.apply(index, stores)
        return stores if after is None else after

    def find(self, moment: Moment) -> int:
        """Return the index of a moment, also if an older step was inserted after it had been determined."""
        index = moment.number - self.dropped
        if not 0 <= index <= len(self):
            return bisect_right(self._times, moment.at)
        if index and self._times[index - 1] > moment.at:
            return bisect_right(self._times, moment.at)
        if index < len(self) and self._times[index] < moment.at:
            return bisect_right(self._times, moment.at)
        return index

    def is_chosen(self, index: int) -> bool:
        """Return whether the chat that is open was set by a correction, not derived from a request."""
        for item in reversed(self._items[:index]):
            if isinstance(item, _Selection):
                return True
            if isinstance(item, _Call) and not item.ended and opened_chat(item.exchange) is not None:
                return False
        return False

    def index_after(self, row: Row) -> int:
        """Return the index just after a row of the log. The row of a REST call stands for its response."""
        at = self._ends.get(row.seq, row.mono)
        index = bisect_right(self._times, at)
        while index and self._is_after(self._items[index - 1], row):
            index -= 1
        return index

    @staticmethod
    def _is_after(item: _Item, row: Row) -> bool:
        return isinstance(item, int) and item > row.seq and row.kind is not Kind.FROM_UI


def finish(work: Work[T]) -> T:
    """Do all of the work at once."""
    while True:
        try:
            next(work)
        except StopIteration as done:
            result: T = done.value
            return result


def opened_chat(call: RestExchange) -> str | None:
    """Return the friend whose chat was opened by a request, or None if the request opened none."""
    return UiStores().requested(call.method, call.path, call.query).active_chat


def _is_begun(item: _Item) -> bool:
    return isinstance(item, _Call) and item.exchange.ended == math.inf


def _rank(item: _Item) -> int:
    if isinstance(item, int):
        return 1
    return 3 if isinstance(item, _Selection) else 2 if item.ended else 0


def _seq(item: _Item) -> int:
    """Return the number of a step's row, or 0 if it has none."""
    if isinstance(item, int):
        return item
    return item.exchange.seq if isinstance(item, _Call) else 0


def _has_unused_keys(payload: bytes) -> bool:
    """Return whether a raw frame is an event for the companion, but not for the UI, which uses other key names.

    Otherwise its row would have the name of the event, unless the frame was too large to be checked.
    """
    try:
        text = payload.decode()
        if len(text) > MAX_CHECKED_CHARS:
            return False
        decode(text)
    except (BadFrame, UnicodeDecodeError):
        return False
    return True


def _size(item: _Item) -> int:
    return len(item.exchange.request) + len(item.exchange.response) if isinstance(item, _Call) and item.ended else 0


def _title(row: Row) -> str:
    if row.kind is not Kind.TO_UI:
        return f"Client {row.client} {row.event}"
    try:
        return f"{row.event} · {summarize(decode(row.payload.decode()).data)}"
    except (BadFrame, UnicodeDecodeError):
        return f"{row.event or 'A frame'} that is not valid"
