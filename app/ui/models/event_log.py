"""The table model of the live log: rows of the journal that pass the filter, in batches."""

import time
from bisect import bisect_left
from enum import IntEnum
from functools import lru_cache
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont

from app.hub.filter import Filter, parse
from app.hub.journal import Journal, Kind, Row, Verdict
from app.protocol.envelope import BadFrame, decode
from app.protocol.summary import summarize
from app.ui import theme

FLUSH_MS = 50

Index = QModelIndex | QPersistentModelIndex


class Col(IntEnum):
    """Columns, left to right."""

    TIME = 0
    DIRECTION = 1
    CLIENT = 2
    EVENT = 3
    SUMMARY = 4
    SIZE = 5
    RESULT = 6


TITLES = ("Time", "Direction", "Client", "Event", "Summary", "Size", "Result")
ARROWS = {Kind.TO_UI: "To UI ↓", Kind.FROM_UI: "From UI ↑", Kind.SERVER: "Server"}
SIGNS = {Verdict.OK: "", Verdict.WARNING: "▲ ", Verdict.INVALID: "✕ "}


class TimeStyle(IntEnum):
    """What the time column shows."""

    CLOCK = 0
    SINCE_START = 1
    DELTA = 2


class EventLogModel(QAbstractTableModel):
    """Collects what the journal appends and inserts it in one go every ``FLUSH_MS``."""

    flushed = Signal(int)
    """So many rows were added at the end."""

    def __init__(self, journal: Journal) -> None:
        super().__init__()
        self._journal = journal
        self._rows: list[Row] = []
        self._filter: Filter = parse("")
        self._seen = 0
        self._cleared = 0
        self._paused = False
        self.time_style = TimeStyle.CLOCK
        self._timer = QTimer(self, interval=FLUSH_MS, singleShot=True)
        self._timer.timeout.connect(self.flush)
        self._disconnect = journal.appended.connect(self._on_appended)
        self.flush()

    def close(self) -> None:
        """Stop listening to the journal."""
        self._disconnect()
        self._timer.stop()

    @property
    def held(self) -> int:
        """How many rows wait because the view is paused."""
        return self._journal.last_seq - self._seen if self._paused else 0

    def row(self, number: int) -> Row:
        """Return the journal row shown in that line."""
        return self._rows[number]

    def set_paused(self, paused: bool) -> None:
        """Hold the view; the journal goes on."""
        self._paused = paused
        if not paused:
            self.flush()

    def set_filter(self, text: str) -> tuple[str, ...]:
        """Show what passes; returns what was not understood."""
        self._filter = parse(text)
        self._refill()
        return self._filter.complaints

    def clear(self) -> None:
        """Begin anew after the newest row; the journal keeps the older ones."""
        self._cleared = self._seen = self._journal.last_seq
        self._refill()

    def set_time_style(self, style: TimeStyle) -> None:
        """Change what the time column shows."""
        self.time_style = style
        if self._rows:
            self.dataChanged.emit(self.index(0, Col.TIME), self.index(len(self._rows) - 1, Col.TIME))

    def flush(self) -> None:
        """Take over what the journal has appended and dropped."""
        if self._paused:
            self.flushed.emit(0)
            return
        self._trim()
        fresh = self._journal.after(self._seen)
        self._seen = self._journal.last_seq
        passing = [row for row in fresh if self._filter.matches(row)]
        if passing:
            start = len(self._rows)
            self.beginInsertRows(QModelIndex(), start, start + len(passing) - 1)
            self._rows += passing
            self.endInsertRows()
        self.flushed.emit(len(passing))

    def _on_appended(self, _: Row) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _trim(self) -> None:
        gone = bisect_left(self._rows, self._journal.first_seq, key=lambda row: row.seq)
        if gone:
            self.beginRemoveRows(QModelIndex(), 0, gone - 1)
            del self._rows[:gone]
            self.endRemoveRows()

    def _refill(self) -> None:
        self.beginResetModel()
        kept = self._journal.after(self._cleared)
        self._rows = [row for row in kept if row.seq <= self._seen and self._filter.matches(row)]
        self.endResetModel()
        self.flushed.emit(0)

    # Qt's questions

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Qt asks."""
        return 0 if parent.isValid() else len(self._rows)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        """Qt asks."""
        return 0 if parent.isValid() else len(Col)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        """Qt asks."""
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return TITLES[section]
        if role == Qt.ItemDataRole.TextAlignmentRole and section == Col.SIZE:
            return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
        return None

    def data(self, index: Index, role: int = 0) -> Any:
        """Qt asks."""
        row = self._rows[index.row()]
        column = Col(index.column())
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(row, column, index.row())
            case Qt.ItemDataRole.ForegroundRole:
                return _color(row, column)
            case Qt.ItemDataRole.TextAlignmentRole if column is Col.SIZE:
                return Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter
            case Qt.ItemDataRole.FontRole if column in (Col.TIME, Col.EVENT, Col.SIZE):
                return _mono_small()
            case Qt.ItemDataRole.ToolTipRole:
                text = self._text(row, column, index.row())
                return f"{text}\n{row.note}" if column is Col.SUMMARY and row.note != text else text
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{TITLES[column]}: {self._text(row, column, index.row())}"
        return None

    def _text(self, row: Row, column: Col, line: int) -> str:
        match column:
            case Col.TIME:
                return self._time(row, line)
            case Col.DIRECTION:
                return ARROWS[row.kind]
            case Col.CLIENT:
                return row.client
            case Col.EVENT:
                return row.event or "–"
            case Col.SUMMARY:
                return summary(row)
            case Col.SIZE:
                return f"{row.size:,} B" if row.size else ""
        return result(row)

    def _time(self, row: Row, line: int) -> str:
        if self.time_style is TimeStyle.CLOCK:
            return clock(row.wall)
        base = self._rows[0] if self.time_style is TimeStyle.SINCE_START else self._rows[max(line - 1, 0)]
        return f"+{row.mono - base.mono:.3f} s"


def clock(wall: float) -> str:
    """Return local time of day with milliseconds."""
    return time.strftime("%H:%M:%S", time.localtime(wall)) + f".{int(wall % 1 * 1000):03}"


def result(row: Row) -> str:
    """Return the verdict with its note in a few words."""
    if row.kind is Kind.SERVER:
        return f"{SIGNS[row.verdict]}{row.verdict}" if row.verdict is not Verdict.OK else ""
    origin = f" · by {row.origin}" if row.origin in ("panel", "tray") else ""
    return f"{SIGNS[row.verdict]}{row.note or row.verdict}{origin}"


@lru_cache(maxsize=4096)
def _summary(payload: bytes) -> str:
    text = payload[:20_000].decode("utf-8", "replace")
    try:
        return summarize(decode(text).data)
    except BadFrame:
        return " ".join(text[:200].split())


def summary(row: Row) -> str:
    """Return what a row tells in a few words."""
    return _summary(row.payload) if row.payload else row.note


@lru_cache(maxsize=1)
def _mono_small() -> QFont:
    return theme.mono()


def _color(row: Row, column: Col) -> QColor | None:
    scheme = theme.colors()
    if row.verdict is Verdict.INVALID and column in (Col.RESULT, Col.EVENT):
        return QColor(scheme.error)
    if row.verdict is Verdict.WARNING and column is Col.RESULT:
        return QColor(scheme.warning)
    if column is Col.DIRECTION and row.kind is not Kind.SERVER:
        return QColor(scheme.accent if row.kind is Kind.TO_UI else scheme.ok)
    if row.kind is Kind.SERVER or column in (Col.TIME, Col.SIZE, Col.RESULT, Col.CLIENT):
        return QColor(scheme.muted)
    return None
