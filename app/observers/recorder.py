"""Convert new journal rows and REST exchanges to lines of a recording, and pass them to a function that writes
them. It records from its creation until it is closed, and keeps what happens before it has that function, because
creating a file takes time. A filter can select the rows; it then leaves out REST exchanges without a row.

Lines are written soon after the row: at once if the last write was a while ago, otherwise together with the rows of
the next few milliseconds. Appending a row costs hardly anything. Rows that the log is about to drop are converted
before.
"""

import asyncio
from collections.abc import Callable, Iterator

from app.hub.clients import Client, Ending
from app.hub.hub import Hub
from app.hub.origin import REST
from app.hub.recorded_rows import CUT, NO_PAGE, Page, exchange_line, row_line
from app.hub.rest_exchange import RestExchange
from app.hub.row import Kind, Row

MIN_INTERVAL_S = 0.01
"""Writes are at least this far apart, so that many rows per second are written together."""
MAX_ROWS_AT_ONCE = 500
"""More rows are written in several parts, so that the event loop does not stand still."""

Write = Callable[[list[bytes]], None]
"""Takes lines without line breaks. It must not block."""


class Recorder:
    """Records from its creation until ``close``."""

    def __init__(self, hub: Hub, write: Write | None = None, wanted: Callable[[Row], bool] | None = None) -> None:
        """``write`` None keeps everything until ``write_to``. ``wanted`` selects the rows (None: all)."""
        self._hub = hub
        self._journal = hub.journal
        self._clock = hub.clock
        self._write = write
        self._wanted = wanted
        self._last_seq = hub.journal.last_seq
        """The number of the last row that was recorded."""
        self._last_mono = hub.clock.mono()
        self._last_write = 0.0
        self._exchanges: list[RestExchange] = []
        self._pages: dict[str, Page] = {}
        """The pages of clients that have connected since the last write, by the client's number."""
        self._endings: dict[str, Ending] = {}
        """How connections ended since then."""
        self._kept: list[bytes] = []
        """Lines of rows that have left the log before the recording's file existed."""
        self._scheduled: asyncio.Handle | None = None
        self._closed = False
        self.lines = 0
        """Number of lines so far."""
        self._disconnects = [
            hub.joined.connect(self._joined),
            hub.left.connect(self._left),
            hub.rest_exchanges.connect(self._called),
        ]
        self._journal.once(self._schedule)
        self._journal.before_loss(self._last_seq + 1, self._save)

    def write_to(self, write: Write) -> None:
        """Write what has happened, and what follows, with this function."""
        self._write = write
        if self._kept:
            write(self._kept)
            self._kept = []
        self._schedule()

    def close(self) -> None:
        """Write what is left, unless there is no function for that, and stop recording."""
        if self._closed:
            return
        self._closed = True
        for disconnect in self._disconnects:
            disconnect()
        if self._scheduled:
            self._scheduled.cancel()
        while self._write and not self._flush():
            pass
        self._journal.stop_before_loss(self._save)

    def _joined(self, client: Client) -> None:
        self._pages[client.number] = Page(client.origin, client.user_agent)

    def _left(self, client: Client) -> None:
        self._endings[client.number] = client.ending

    def _called(self, exchange: RestExchange) -> None:
        self._exchanges.append(exchange)
        self._schedule()

    def _schedule(self) -> None:
        if self._scheduled or self._closed or not self._write:
            return
        loop = asyncio.get_running_loop()
        wait = MIN_INTERVAL_S - (self._clock.mono() - self._last_write)
        self._scheduled = loop.call_later(wait, self._on_timer) if wait > 0 else loop.call_soon(self._on_timer)

    def _on_timer(self) -> None:
        self._scheduled = None
        began = self._clock.mono()
        if self._flush():
            self._journal.once(self._schedule)
        else:  # leave the loop as much time as this took
            wait = self._clock.mono() - began
            self._scheduled = asyncio.get_running_loop().call_later(wait, self._on_timer)

    def _flush(self) -> bool:
        """Write at most ``MAX_ROWS_AT_ONCE`` rows. Return whether that was all."""
        rows = self._journal.after(self._last_seq, MAX_ROWS_AT_ONCE)
        done = not rows or rows[-1].seq == self._journal.last_seq
        self._record(rows, done)
        if done:
            self._exchanges.clear()
            self._pages.clear()
            self._endings.clear()
        self._last_write = self._clock.mono()
        return done

    def _save(self) -> None:
        """Write the older half of the rows, because the log is about to drop the first of them.

        The pages and REST exchanges of the newest rows may still follow.
        """
        half = max(1, (self._journal.last_seq - self._last_seq) // 2)
        self._record(self._journal.after(self._last_seq, min(half, MAX_ROWS_AT_ONCE)), done=False)

    def _record(self, rows: list[Row], done: bool) -> None:
        """Write rows, or keep their lines until there is a function that writes them."""
        if rows:
            self._last_seq = rows[-1].seq
            self._journal.before_loss(self._last_seq + 1, self._save)
        if lines := list(self._lines(rows, done)):
            self.lines += len(lines)
            (self._write or self._kept.extend)(lines)

    def _lines(self, rows: list[Row], done: bool) -> Iterator[bytes]:
        """Yield the lines of rows, and of the exchanges until the last of them, or of all if ``done``, by time."""
        by_row = {each.seq: each for each in self._exchanges if each.seq}
        others = [each for each in self._exchanges if not each.seq]
        for row in rows:
            while others and others[0].ended <= row.mono:
                yield from self._exchange(others.pop(0), None)
            if row.kind is Kind.FROM_UI and row.origin == REST and row.seq in by_row:
                yield from self._exchange(by_row[row.seq], row)
            elif self._wanted is None or self._wanted(row):
                page = self._pages.get(row.client, NO_PAGE) if row.event == "connected" else NO_PAGE
                ending = self._endings.get(row.client, CUT) if row.event == "disconnected" else CUT
                yield row_line(row, self._passed(row.mono), page, ending)
        for each in others if done else ():
            yield from self._exchange(each, None)
        self._exchanges = [*others, *(each for seq, each in by_row.items() if seq > self._last_seq)]

    def _exchange(self, exchange: RestExchange, row: Row | None) -> Iterator[bytes]:
        if self._wanted is None or (row is not None and self._wanted(row)):
            yield exchange_line(exchange, self._passed(exchange.ended), row)

    def _passed(self, mono: float) -> float:
        passed = max(0.0, mono - self._last_mono)
        self._last_mono = max(mono, self._last_mono)
        return passed
