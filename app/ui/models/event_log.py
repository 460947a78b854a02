"""The table model of the live log: one line for each row of the journal that matches the filter.

The model keeps only the rows' numbers. A row is read when it is shown: from the journal, or, while the log is
frozen, from a copy made then. New rows are added in batches, usually at most one every ``FLUSH_MS``, less often if
painting is slow. A new filter searches the newest rows first, in time slices, so that the window stays responsive.
The log can be frozen and cleared.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, MutableSequence, Sequence
from contextlib import contextmanager
from enum import IntEnum
from time import perf_counter
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QColor
from typing_extensions import override

from app.hub.filter import NO_FILTERS, Filter, parse
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import SERVER
from app.hub.row_marks import Mark
from app.hub.row_store import RowStore
from app.hub.search import IncrementalSearch, step_size
from app.ui import theme
from app.ui.models.last_fire import LastFire
from app.ui.models.log_text import ARROWS, MONO, TITLES, Col, clock, colors, result, summary, texts
from app.ui.plain_text import tooltip_text

__all__ = ["ARROWS", "FLUSH_MS", "Col", "EventLogModel", "TimeStyle", "clock", "result", "summary"]

FLUSH_MS = 33
"""Shortest interval between two flushes."""
MAX_FLUSH_MS = 100
"""Longest interval between two flushes, if painting is slow."""
TRAILING_MS = 15
"""Rows that came shortly before a flush was possible wait this long for more rows."""
FIRST_ROW_MS = 1
"""Delay of the flush after the first row in a while. Meanwhile, the recipients can process the frame."""
PAINT_SHARE = 20
"""The interval is this many times the duration of the last painting, from ``FLUSH_MS`` to ``MAX_FLUSH_MS``."""
SLICE_S = 0.003
"""Time slice for filtering rows; longer would block the window noticeably."""
SHOW_S = 0.1
"""Interval at which a search inserts what it has found: each insertion repaints the table."""

Index = QModelIndex | QPersistentModelIndex


class TimeStyle(IntEnum):
    """What the time column shows."""

    CLOCK = 0
    SINCE_START = 1
    DELTA = 2
    SINCE_FIRE = 3


class EventLogModel(QAbstractTableModel):
    """One line per row that matches the filter, the newest last."""

    flushing = Signal()
    """Emitted before rows are removed and added."""
    mark_changed = Signal(int)
    """Emitted with the number of a row whose mark has changed, also if the row is not shown."""
    marked = Signal(int)
    """Emitted with a line whose row was pinned, unpinned or annotated."""
    flushed = Signal(int)
    """Emitted after rows were removed and added, with the number of rows added at the end."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._rows = journal.rows  # while the log is frozen: a copy from that moment
        self._filter: Filter = parse("")
        self._seqs: range | MutableSequence[int] = range(0)  # a range while there is no filter
        self._search: IncrementalSearch | None = None
        self._older: list[int] = []  # found by the search, not inserted yet
        self._show_at = 0.0
        self._seen = 0  # last row that was filtered
        self._cleared = 0  # last row that was cleared from the view
        self._frozen = self._closed = self._listening = False
        self._late_marks: list[int] | None = None  # while lines change: rows whose marks change meanwhile
        self._interval_ms = FLUSH_MS
        self.time_style = TimeStyle.CLOCK
        self._last_fire = LastFire()
        self._last_flushed = 0  # last row of the journal at the last flush
        self._timer = QTimer(self, singleShot=True, timerType=Qt.TimerType.PreciseTimer)
        self._timer.timeout.connect(self.flush)
        self._pause = QTimer(self, singleShot=True)
        self._pause.timeout.connect(self._on_pause_over)
        self._search_timer = QTimer(self, interval=0)
        self._search_timer.timeout.connect(self._continue_search)
        self._disconnect = journal.rows.marks.changed.connect(self._on_marked)
        self.flush()

    def close(self) -> None:
        """Disconnect from the journal's signals."""
        self._closed = True
        self._disconnect()
        self._timer.stop()
        self._pause.stop()
        self._search_timer.stop()

    @property
    def waiting(self) -> int:
        """The number of rows added to the journal since the log was frozen, before filtering."""
        return self._journal.last_seq - self._seen if self._frozen else 0

    @property
    def total(self) -> int:
        """The number of rows that an empty filter would show."""
        return max(0, self._seen - max(self._cleared, self._rows.first - 1))

    @property
    def cleared(self) -> int:
        """The number of rows that ``clear`` has removed from the view and the journal still has."""
        return max(0, min(self._cleared, self._rows.last) - self._rows.first + 1)

    @property
    def searching(self) -> bool:
        """Whether the filter has not been applied to all older rows yet."""
        return self._search is not None

    def row(self, number: int) -> Row:
        """Return the journal row in a line of the table."""
        seq = self._seqs[number]
        return self._rows.row(seq) or _placeholder(seq)

    def seq(self, number: int) -> int:
        """Return the sequence number of the journal row in a line of the table."""
        return self._seqs[number]

    def line_of(self, seq: int) -> int | None:
        """Return the line of a journal row, or None if the view does not contain it."""
        line = bisect_left(self._seqs, seq)
        return line if line < len(self._seqs) and self._seqs[line] == seq else None

    def line_near(self, seq: int) -> int | None:
        """Return the line of a journal row, or of the last one before it; None if the view is empty."""
        return max(0, bisect_right(self._seqs, seq) - 1) if self._seqs else None

    @property
    def words(self) -> tuple[str, ...]:
        """The texts that the filter searches for."""
        return self._filter.words

    @property
    def seqs(self) -> Sequence[int]:
        """The sequence numbers of the rows that are shown now, in ascending order."""
        return self._seqs if isinstance(self._seqs, range) else array("q", self._seqs)

    def mark(self, seq: int) -> Mark:
        """Return the pin and the annotation of a journal row."""
        return self._rows.marks[seq]

    def snapshot(self) -> RowStore:
        """Return a copy of the rows, which later rows do not change."""
        return self._rows.copy()

    def set_frozen(self, frozen: bool) -> None:
        """Stop or resume showing new rows. The journal keeps recording."""
        if frozen != self._frozen:
            self._frozen = frozen
            self._rows = self._journal.rows.copy() if frozen else self._journal.rows
        if not frozen:
            self.flush()

    def set_filter(self, text: str, saved: Mapping[str, str] = NO_FILTERS) -> tuple[str, ...]:
        """Apply a filter and return its problems. Older matches are inserted while ``searching``.

        ``saved`` are the saved filters that the text may refer to.
        """
        before, self._filter = self._filter, parse(text, saved=saved)
        among: Sequence[int] = ()
        below = self._seen
        if not isinstance(self._seqs, range) and self._filter.narrows(before):
            # No other rows can match: check the current matches, and scan what the last search had not reached.
            among = array("q", [*self._older, *self._seqs])
            below = self._search.tested_above if self._search else self._cleared
        self._refill(among, below)
        return self._filter.warnings

    def clear(self) -> None:
        """Remove all rows from the view; the journal keeps them. Rows that wait in a frozen log are still added."""
        if not self._frozen:
            self._seen = self._journal.last_seq
        self._cleared = self._seen
        self._refill((), self._seen)

    def show_cleared(self) -> None:
        """Show the rows again that ``clear`` has removed from the view."""
        self._cleared = 0
        self._refill((), self._seen)

    def set_time_style(self, style: TimeStyle) -> None:
        """Change what the time column shows."""
        self.time_style = style
        if self._seqs:
            self.dataChanged.emit(self.index(0, Col.TIME), self.index(len(self._seqs) - 1, Col.TIME))

    def flush(self) -> None:
        """Add the journal's new rows, and remove those that it has discarded."""
        self._timer.stop()
        self._last_flushed = self._journal.last_seq
        if not self._closed:
            self._pause.start(self._interval_ms)
        if self._frozen:
            self.flushed.emit(0)
            return
        self.flushing.emit()
        added = 0
        try:
            self._trim()
            added = self._add(self._fresh())
            if self._seen < self._rows.last and not self._closed:
                self._timer.start(0)  # the time slice is over: continue in the next loop iteration
        finally:
            self.flushed.emit(added)  # always: the view does not paint until then

    def _on_pause_over(self) -> None:
        """Flush rows that came during the pause after a flush, or wait for the next row."""
        if not self._listening:
            self._listening = True
            self._journal.once(self._on_appended)
        if self._journal.last_seq > self._last_flushed:
            self._timer.start(TRAILING_MS)

    def _on_appended(self) -> None:
        self._listening = False
        if not self._closed:
            self._timer.start(FIRST_ROW_MS)

    def on_painted(self, seconds: float) -> None:
        """Adapt the flush interval to the time that painting the last flush took."""
        self._interval_ms = min(max(FLUSH_MS, int(seconds * 1000 * PAINT_SHARE)), MAX_FLUSH_MS)

    def _fresh(self) -> Sequence[int]:
        """Return the numbers of new rows that match. Stop when the time slice is over."""
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
            with self._inserting(start, start + len(fresh) - 1):
                if isinstance(self._seqs, range):
                    self._seqs = range(self._seqs.start if self._seqs else fresh[0], fresh[-1] + 1)
                else:
                    self._seqs.extend(fresh)
        return len(fresh)

    def _trim(self) -> None:
        gone = bisect_left(self._seqs, self._rows.first)
        if gone:
            with self._removing(0, gone - 1):
                if isinstance(self._seqs, range):
                    self._seqs = self._seqs[gone:]
                else:
                    del self._seqs[:gone]

    @contextmanager
    def _inserting(self, first: int, last: int) -> Iterator[None]:
        with self._changing():
            self.beginInsertRows(QModelIndex(), first, last)
            yield
            self.endInsertRows()

    @contextmanager
    def _removing(self, first: int, last: int) -> Iterator[None]:
        with self._changing():
            self.beginRemoveRows(QModelIndex(), first, last)
            yield
            self.endRemoveRows()

    @contextmanager
    def _changing(self) -> Iterator[None]:
        """Delay changes of marks until a change of the lines is complete.

        If the selected row is removed, the details save its annotation, which could change the lines again.
        """
        late: list[int] = []
        self._late_marks = late
        try:
            yield
        finally:
            self._late_marks = None
        for seq in late:
            self._on_marked(seq)

    def _on_marked(self, seq: int) -> None:
        """Show the changed mark of a row. If the filter depends on marks, the row may appear or disappear."""
        self.mark_changed.emit(seq)
        if self._late_marks is not None:
            self._late_marks.append(seq)
            return
        line = bisect_left(self._seqs, seq)
        shown = line < len(self._seqs) and self._seqs[line] == seq
        if (
            self._filter.depends_on_marks
            and not isinstance(self._seqs, range)
            and self._cleared < seq <= self._seen
        ):
            if self.searching:
                self._refill((), self._seen)  # the search may have passed the row already
                return
            matches = self._rows.row(seq) is not None and bool(self._filter.matching(self._rows.columns(seq, seq)))
            if shown and not matches:
                with self._removing(line, line):
                    del self._seqs[line]
            elif matches and not shown:
                with self._inserting(line, line):
                    self._seqs.insert(line, seq)
            if shown != matches:
                self.flushed.emit(0)
                return
        if shown:
            self.marked.emit(line)

    # searching existing rows after the filter has changed

    def _refill(self, among: Sequence[int], below: int) -> None:
        with self._changing():
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
        self._schedule_search()

    def _continue_search(self) -> None:
        self._older[:0] = self._slice()
        if self._search and perf_counter() < self._show_at:
            return
        self._show_at = perf_counter() + SHOW_S
        if self._older and not isinstance(self._seqs, range):
            older, self._older = self._older, []
            with self._inserting(0, len(older) - 1):
                self._seqs[:0] = array("q", older)
        self._schedule_search()

    def _slice(self) -> list[int]:
        """Search for one time slice and return the numbers of matching rows in ascending order."""
        found: list[list[int]] = []
        until = perf_counter() + SLICE_S
        while self._search:
            found.append(self._search.step(self._rows))
            if self._search.done:
                self._search = None
            elif perf_counter() > until:
                break
        return [seq for some in reversed(found) for seq in some]

    def _schedule_search(self) -> None:
        if not self._search or self._closed:
            self._search_timer.stop()
        elif not self._search_timer.isActive():
            self._search_timer.start()
        self.flushed.emit(0)

    # QAbstractTableModel

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
        """Return texts and colours for tooltips, screen readers and size hints. ``LogPainter`` does not use it."""
        line, column = index.row(), Col(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(line, column)
            case Qt.ItemDataRole.ForegroundRole:
                scheme = theme.colors()
                wanted = colors(self.row(line), scheme, self.mark(self.seq(line)))[column]
                return QColor(wanted) if wanted != scheme.text else None  # the view's default
            case Qt.ItemDataRole.TextAlignmentRole if column is Col.SIZE:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.FontRole if column in MONO:
                return theme.mono()
            case Qt.ItemDataRole.ToolTipRole:
                text, note = self._text(line, column), self.row(line).note
                return tooltip_text(f"{text}\n{note}" if column is Col.SUMMARY and note != text else text)
            case Qt.ItemDataRole.AccessibleTextRole:
                pinned = column is Col.SUMMARY and self.mark(self.seq(line)).pinned
                return f"{TITLES[column]}: {'pinned, ' if pinned else ''}{self._text(line, column)}"
        return None

    def time(self, line: int, row: Row) -> str:
        """Return the text of the time column, in the current style."""
        if self.time_style is TimeStyle.CLOCK:
            return clock(row.wall)
        if self.time_style is TimeStyle.SINCE_FIRE:
            fired = self._last_fire.before(self._rows, row.seq)
            return "–" if fired is None else f"+{row.mono - fired:.3f} s"
        base = self.row(0 if self.time_style is TimeStyle.SINCE_START else max(line - 1, 0))
        return f"+{row.mono - base.mono:.3f} s"

    def _text(self, line: int, column: Col) -> str:
        row = self.row(line)
        return self.time(line, row) if column is Col.TIME else texts(row, self.mark(row.seq))[column]


def _placeholder(seq: int) -> Row:
    """Return a row to show for one that the journal has discarded. The next flush removes its line."""
    return Row(seq, 0.0, 0.0, Kind.SERVER, "", "discarded", b"", 0, Verdict.OK, "no longer in the log", SERVER)
