"""The table model of the live log: the numbers of the journal's rows that pass the filter.

The rows stay in the journal; a row is read when it is shown. What the journal appends is taken over in one go,
``FLUSH_MS`` after the last time or later, where painting takes long. A filter is applied newest first and in
slices, so that the window goes on whatever it costs.
"""

from array import array
from bisect import bisect_left
from collections.abc import MutableSequence, Sequence
from enum import IntEnum
from time import perf_counter
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QColor
from typing_extensions import override

from app.hub.filter import Filter, parse
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import SERVER
from app.hub.search import IncrementalSearch, step_size
from app.ui import theme
from app.ui.models.log_text import ARROWS, MONO, TITLES, Col, clock, colors, result, summary, texts
from app.ui.plain_text import tooltip_text

__all__ = ["ARROWS", "FLUSH_MS", "Col", "EventLogModel", "TimeStyle", "clock", "result", "summary"]

FLUSH_MS = 33
SLOWEST_MS = 100
LINGER_MS = 15
"""So long a flush that is due waits for another row: right after one, the next is least to be expected."""
SOON_MS = 1
"""After that row the flush comes so soon: whoever was sent something takes it first, perhaps on the same core."""
SHARE = 20
"""Painting takes a twentieth of the loop: where one takes long, the next comes later."""
SLICE_S = 0.003
"""So long may looking at rows hold up the window at a time."""
SHOW_S = 0.1
"""What a search finds is shown that often: every insertion paints the table anew."""

Index = QModelIndex | QPersistentModelIndex


class TimeStyle(IntEnum):
    """What the time column shows."""

    CLOCK = 0
    SINCE_START = 1
    DELTA = 2


class EventLogModel(QAbstractTableModel):
    """One line for every row that passes the filter, the newest last."""

    flushing = Signal()
    """Rows may go and come now, until ``flushed``."""
    flushed = Signal(int)
    """So many rows were added at the end."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._rows = journal.rows  # while the view is paused: as they were then
        self._filter: Filter = parse("")
        self._seqs: range | MutableSequence[int] = range(0)  # a range while there is no filter
        self._search: IncrementalSearch | None = None
        self._older: list[int] = []  # found, not shown yet
        self._show_at = 0.0
        self._seen = 0
        self._cleared = 0
        self._paused = self._closed = self._listening = False
        self._every_ms = FLUSH_MS
        self.time_style = TimeStyle.CLOCK
        self._told = 0  # of how many rows of the journal
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.flush)
        self._rest = QTimer(self, singleShot=True)
        self._rest.timeout.connect(self._rested)
        self._search_timer = QTimer(self, interval=0)
        self._search_timer.timeout.connect(self._search_on)
        self.flush()

    def close(self) -> None:
        """Stop listening to the journal."""
        self._closed = True
        self._timer.stop()
        self._rest.stop()
        self._search_timer.stop()

    @property
    def held(self) -> int:
        """How many rows wait because the view is paused."""
        return self._journal.last_seq - self._seen if self._paused else 0

    @property
    def searching(self) -> bool:
        """Whether older rows have not been looked at yet since the filter changed."""
        return self._search is not None

    def row(self, number: int) -> Row:
        """Return the journal row shown in that line."""
        seq = self._seqs[number]
        return self._rows.row(seq) or _gone(seq)

    def seq(self, number: int) -> int:
        """Return the number in the journal of the row shown in that line."""
        return self._seqs[number]

    def set_paused(self, paused: bool) -> None:
        """Hold the view; the journal goes on."""
        if paused != self._paused:
            self._paused = paused
            self._rows = self._journal.rows.copy() if paused else self._journal.rows
        if not paused:
            self.flush()

    def set_filter(self, text: str) -> tuple[str, ...]:
        """Show what passes; returns what was not understood. Older rows may follow (see ``searching``)."""
        before, self._filter = self._filter, parse(text)
        among: Sequence[int] = ()
        below = self._seen
        if not isinstance(self._seqs, range) and self._filter.narrows(before):
            # Nothing passes that did not pass before: only what the last search had not reached is left to scan.
            among = array("q", [*self._older, *self._seqs])
            below = self._search.tested_above if self._search else self._cleared
        self._refill(among, below)
        return self._filter.warnings

    def clear(self) -> None:
        """Begin anew after the newest row; the journal keeps the older ones."""
        self._cleared = self._seen = self._journal.last_seq
        self._refill((), self._seen)

    def set_time_style(self, style: TimeStyle) -> None:
        """Change what the time column shows."""
        self.time_style = style
        if self._seqs:
            self.dataChanged.emit(self.index(0, Col.TIME), self.index(len(self._seqs) - 1, Col.TIME))

    def flush(self) -> None:
        """Take over what the journal has appended and dropped."""
        self._timer.stop()
        self._told = self._journal.last_seq
        if not self._closed:
            self._rest.start(self._every_ms)
        if self._paused:
            self.flushed.emit(0)
            return
        self.flushing.emit()
        added = 0
        try:
            self._trim()
            added = self._add(self._fresh())
            if self._seen < self._rows.last and not self._closed:
                self._timer.start(0)  # more than one slice: the rest in the next turn
        finally:
            self.flushed.emit(added)  # whatever happens: the view paints nothing until then

    def _rested(self) -> None:
        if not self._listening:
            self._listening = True
            self._journal.once(self._came)
        if self._journal.last_seq > self._told:
            self._timer.start(LINGER_MS)

    def _came(self) -> None:
        self._listening = False
        if not self._closed:
            self._timer.start(SOON_MS)

    def painted(self, took_s: float) -> None:
        """Hear what it takes to show what is new."""
        self._every_ms = min(max(FLUSH_MS, int(took_s * 1000 * SHARE)), SLOWEST_MS)

    def _fresh(self) -> Sequence[int]:
        """Return the numbers of new rows that pass, of as many as a slice allows."""
        rows = self._rows
        first, last = max(self._seen + 1, rows.first), rows.last
        if not self._filter.terms:
            self._seen = max(last, self._seen)
            return range(first, last + 1)
        fresh: list[int] = []
        size = step_size(self._filter, rows)
        until = perf_counter() + SLICE_S
        while first <= last:
            stop = min(first + size - 1, last)
            fresh += [first + place for place in self._filter.matching(rows.columns(first, stop))]
            self._seen, first = stop, stop + 1
            if perf_counter() > until:
                break
        return fresh

    def _add(self, fresh: Sequence[int]) -> int:
        if fresh:
            start = len(self._seqs)
            self.beginInsertRows(QModelIndex(), start, start + len(fresh) - 1)
            if isinstance(self._seqs, range):
                self._seqs = range(self._seqs.start if self._seqs else fresh[0], fresh[-1] + 1)
            else:
                self._seqs.extend(fresh)
            self.endInsertRows()
        return len(fresh)

    def _trim(self) -> None:
        gone = bisect_left(self._seqs, self._rows.first)
        if gone:
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            if isinstance(self._seqs, range):
                self._seqs = self._seqs[gone:]
            else:
                del self._seqs[:gone]
            self.endRemoveRows()

    # a filter applied to what is there

    def _refill(self, among: Sequence[int], below: int) -> None:
        self.beginResetModel()
        self._older = []
        self._show_at = perf_counter() + SHOW_S
        if self._filter.terms:
            self._search = IncrementalSearch(self._filter, self._cleared + 1, below, among)
            self._seqs = array("q", self._slice())
        else:
            self._search = None
            self._seqs = range(max(self._cleared + 1, self._rows.first), self._seen + 1)
        self.endResetModel()
        self._go_on()

    def _search_on(self) -> None:
        self._older[:0] = self._slice()
        if self._search and perf_counter() < self._show_at:
            return
        self._show_at = perf_counter() + SHOW_S
        if self._older and not isinstance(self._seqs, range):
            older, self._older = self._older, []
            self.beginInsertRows(QModelIndex(), 0, len(older) - 1)
            self._seqs[:0] = array("q", older)
            self.endInsertRows()
        self._go_on()

    def _slice(self) -> list[int]:
        """IncrementalSearch for as long as a slice; returns what was found, in order."""
        found: list[list[int]] = []
        until = perf_counter() + SLICE_S
        while self._search:
            found.append(self._search.step(self._rows))
            if self._search.done:
                self._search = None
            elif perf_counter() > until:
                break
        return [seq for some in reversed(found) for seq in some]

    def _go_on(self) -> None:
        if not self._search or self._closed:
            self._search_timer.stop()
        elif not self._search_timer.isActive():
            self._search_timer.start()
        self.flushed.emit(0)

    # Qt's questions

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._seqs)

    @override
    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(Col)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section == Col.SIZE:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        """Qt asks: for tooltips, screen readers and sizes. The table paints without it."""
        line, column = index.row(), Col(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(line, column)
            case Qt.ItemDataRole.ForegroundRole:
                scheme = theme.colors()
                wanted = colors(self.row(line), scheme)[column]
                return QColor(wanted) if wanted != scheme.text else None  # the view's own
            case Qt.ItemDataRole.TextAlignmentRole if column is Col.SIZE:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.FontRole if column in MONO:
                return theme.mono()
            case Qt.ItemDataRole.ToolTipRole:
                text, note = self._text(line, column), self.row(line).note
                return tooltip_text(f"{text}\n{note}" if column is Col.SUMMARY and note != text else text)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{TITLES[column]}: {self._text(line, column)}"
        return None

    def time(self, line: int, row: Row) -> str:
        """Return what the time column says of the row in that line."""
        if self.time_style is TimeStyle.CLOCK:
            return clock(row.wall)
        base = self.row(0 if self.time_style is TimeStyle.SINCE_START else max(line - 1, 0))
        return f"+{row.mono - base.mono:.3f} s"

    def _text(self, line: int, column: Col) -> str:
        row = self.row(line)
        return self.time(line, row) if column is Col.TIME else texts(row)[column]


def _gone(seq: int) -> Row:
    """Stand in for a row that the journal has dropped since the last flush; the next one takes its line away."""
    return Row(seq, 0.0, 0.0, Kind.SERVER, "", "dropped", b"", 0, Verdict.OK, "dropped by now", SERVER)
