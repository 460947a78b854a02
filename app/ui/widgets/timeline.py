"""The timeline of an opened recording: a histogram of its rows, with marks, pinned rows, problems and gaps.
A click, a drag or a key emits which row to select; the recording's window selects it. Problems are invalid rows and
rows with a warning. A gap is a long time without rows. The longest ones (at most ``MAX_GAPS``) are painted narrow
and hatched, so that the rest stays legible.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QPointF, QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QWidget
from typing_extensions import override

from app.protocol.counts import count
from app.protocol.times import local
from app.ui import theme
from app.ui.plain_text import show_tooltip
from app.ui.widgets.accessible_names import named

if TYPE_CHECKING:
    from app.observers.opened_recording import OpenedRecording

HEIGHT = 68
BAR_WIDTH = 4
GAP_WIDTH = 18
MAX_GAPS = 20
"""The most gaps that are drawn narrow: the longest ones."""
SIDE = 8
"""Space at the left and right, so that the position at an end is visible."""
MARKS_HEIGHT, PROBLEMS_HEIGHT, LABELS_HEIGHT = 12, 9, 16
PAGE_SHARE = 0.1
"""Page up and Page down move by this part of the recording."""
NEAR_PX = 5
"""A tooltip describes a mark, a gap or an invalid row this close to the pointer."""


class Span(NamedTuple):
    """A part of the axis: its seconds from the begin, and its pixels. ``gap``: without rows, and drawn narrow."""

    start: float
    end: float
    left: float
    right: float
    gap: bool


class Bar(NamedTuple):
    """A bar of the histogram: its place, its height from 0 to 1, and how many of its rows are invalid or warn."""

    x: float
    height: float
    invalid: bool
    warns: bool


class Timeline(QWidget):
    """Shows when the rows of a recording happened. The window selects the row; ``show_row`` shows which one is."""

    scrubbed = Signal(int)
    """Emitted with the number of the row at the place that the user has chosen."""
    stepped = Signal(int)
    """Emitted with -1 or 1 for the previous or next row, -2 or 2 for the first or last one."""

    def __init__(self, recording: OpenedRecording) -> None:
        super().__init__()
        self._recording = recording
        self._row = 0
        self._spans: list[Span] = []
        self._bars: list[Bar] = []
        self._wanted: float | None = None
        """Where the pointer was dragged to, until its row is selected."""
        self._scrub = QTimer(self, interval=0, singleShot=True)
        self._scrub.timeout.connect(self._emit_row)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._describe()

    @property
    def row(self) -> int:
        """The row that is shown as the position; 0 before the first selection."""
        return self._row

    @property
    def bars(self) -> list[Bar]:
        """The bars of the histogram, from left to right."""
        return self._bars

    @property
    def gaps(self) -> list[Span]:
        """The parts that are drawn as gaps."""
        return [each for each in self._spans if each.gap]

    def show_row(self, row: int) -> None:
        """Show the position of a row; 0 shows none."""
        if row != self._row:
            self._row = row
            self._describe()
            self.update()

    def refresh(self) -> None:
        """Show rows that were read since the last call."""
        self._spans = self._make_spans()
        self._bars = self._make_bars()
        self._describe()
        self.update()

    def x_of(self, seconds: float) -> float:
        """Return the place of a time."""
        for span in self._spans:
            if seconds <= span.end:
                share = (seconds - span.start) / (span.end - span.start) if span.end > span.start else 0.0
                return span.left + max(0.0, share) * (span.right - span.left)
        return self.width() - SIDE

    def seconds_at(self, x: float) -> float:
        """Return the time at a place."""
        for span in self._spans:
            if x <= span.right:
                if span.gap:
                    return span.end if x > (span.left + span.right) / 2 else span.start
                share = (x - span.left) / (span.right - span.left) if span.right > span.left else 0.0
                return span.start + max(0.0, share) * (span.end - span.start)
        return self._recording.duration

    def _make_spans(self) -> list[Span]:
        recording = self._recording
        times = recording.times
        if not times:
            return []
        longest = sorted(recording.gaps, key=lambda row: times[row - 2] - times[row - 1])[:MAX_GAPS]
        gaps = [(times[row - 2], times[row - 1]) for row in sorted(longest)]
        active = times[-1] - times[0] - sum(end - start for start, end in gaps)
        room = max(self.width() - 2 * SIDE - GAP_WIDTH * len(gaps), 1)
        spans, at, left = [], times[0], float(SIDE)
        for start, end in [*gaps, (times[-1], times[-1])]:
            right = left + (room * (start - at) / active if active > 0 else room / (len(gaps) + 1))
            spans.append(Span(at, start, left, right, False))
            if end > start:
                spans.append(Span(start, end, right, right + GAP_WIDTH, True))
                right += GAP_WIDTH
            at, left = end, right
        return spans

    def _make_bars(self) -> list[Bar]:
        recording, found = self._recording, []
        for span in self._spans:
            if span.gap:
                continue
            number = max(1, int((span.right - span.left) / BAR_WIDTH))
            edges = [span.start + (span.end - span.start) * index / number for index in range(number)]
            rows = [recording.first_from(edge) for edge in edges]
            rows.append(recording.row_at(span.end) + 1)
            for index in range(number):
                if (rows_in := rows[index + 1] - rows[index]) > 0:
                    x = span.left + index * BAR_WIDTH
                    invalid = _any_in(recording.invalid, rows[index], rows[index + 1])
                    warns = _any_in(recording.warnings, rows[index], rows[index + 1])
                    found.append(Bar(x, float(rows_in), invalid, warns))
        most = max((each.height for each in found), default=1.0)
        # The root makes single rows visible beside a burst.
        return [each._replace(height=(each.height / most) ** 0.5) for each in found]

    def _describe(self) -> None:
        recording = self._recording
        total = len(recording.times)
        at = f"row {self._row:,} of {total:,}, {self._clock(recording.times[self._row - 1])}" if self._row else ""
        if not self._row or self._row > total:
            at = count(total, "row")
        parts = [at, f"{len(recording.invalid):,} invalid", count(len(recording.gaps), "gap")]
        named(self, f"Timeline: {', '.join(parts)}")

    def _clock(self, seconds: float) -> str:
        return f"{local(self._recording.began + seconds):%H:%M:%S}"

    def _pinned(self) -> list[int]:
        return [row for row in self._recording.journal.rows.marks.pinned if row <= len(self._recording.times)]

    def _emit_row(self) -> None:
        if self._wanted is not None and (row := self._recording.row_at(self._wanted)):
            self._wanted = None
            self.scrubbed.emit(row)

    def _scrub_to(self, x: float) -> None:
        self._wanted = self.seconds_at(x)
        if not self._scrub.isActive():
            self._scrub.start()

    # QWidget

    @override
    def sizeHint(self) -> QSize:
        return QSize(400, HEIGHT)

    @override
    def minimumSizeHint(self) -> QSize:
        return QSize(120, HEIGHT)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        self.refresh()

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        if event.button() is Qt.MouseButton.LeftButton:
            self.setFocus(Qt.FocusReason.MouseFocusReason)
            self._scrub_to(event.position().x())

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton:
            self._scrub_to(event.position().x())

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Home: -2, Qt.Key.Key_End: 2}
        pages = {Qt.Key.Key_PageUp: -PAGE_SHARE, Qt.Key.Key_PageDown: PAGE_SHARE}
        key = Qt.Key(event.key())
        if key in steps:
            self.stepped.emit(steps[key])
        elif key in pages and self._spans:
            times = self._recording.times
            at = self.x_of(times[max(self._row - 1, 0)]) + pages[key] * self.width()
            at = min(max(at, SIDE), self.width() - SIDE)
            if pages[key] > 0 and self._recording.row_at(self.seconds_at(at)) <= self._row:
                self.stepped.emit(1)  # the next row is farther away
            else:
                self._scrub_to(at)
        else:
            super().keyPressEvent(event)

    @override
    def event(self, event: QHelpEvent) -> bool:  # type: ignore[override]
        if event.type() is QHelpEvent.Type.ToolTip:
            show_tooltip(event.globalPos(), self.text_at(event.pos().x()), self)
            return True
        return super().event(event)

    def text_at(self, x: float) -> str:
        """Return what is at a place: a gap, a mark, or the time with what is wrong there."""
        for gap in self.gaps:
            if gap.left <= x <= gap.right:
                return f"No rows for {length_text(gap.end - gap.start)}, from {self._clock(gap.start)}"
        parts = [self._clock(self.seconds_at(x))]
        parts += [f"mark: {each.text}" for each in self._recording.marks if abs(self.x_of(each.at) - x) <= NEAR_PX]
        times, marks = self._recording.times, self._recording.journal.rows.marks
        parts += [
            f"pinned: {marks[row].annotation or 'row'}" for row in self._pinned()
            if abs(self.x_of(times[row - 1]) - x) <= NEAR_PX
        ]  # fmt: skip
        for bar in self._bars:
            if bar.x <= x < bar.x + BAR_WIDTH and (bar.invalid or bar.warns):
                parts.append("invalid rows" if bar.invalid else "rows with a warning")
        return " · ".join(parts)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        colors = theme.colors()
        painter = QPainter(self)
        painter.fillRect(self.rect(), QColor(colors.surface))
        top, bottom = MARKS_HEIGHT, HEIGHT - LABELS_HEIGHT - PROBLEMS_HEIGHT
        for bar in self._bars:
            height = max(2.0, bar.height * (bottom - top))
            painter.fillRect(QRectF(bar.x, bottom - height, BAR_WIDTH - 1, height), QColor(colors.accent))
        self._paint_gaps(painter, colors, top, bottom)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        self._paint_problems(painter, colors, bottom)
        self._paint_marks(painter, colors, bottom)
        self._paint_labels(painter, colors)
        self._paint_position(painter, colors, bottom)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing, False)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.setPen(QColor(colors.accent if self.hasFocus() else colors.border))
        painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def _paint_gaps(self, painter: QPainter, colors: theme.Colors, top: int, bottom: int) -> None:
        for gap in self.gaps:
            box = QRectF(gap.left + 1, top, gap.right - gap.left - 2, bottom - top)
            painter.save()
            painter.setClipRect(box)
            painter.setPen(QColor(colors.outline))
            step, height = 6, box.height()
            for index in range(int((box.width() + height) // step) + 1):
                x = box.left() + index * step
                painter.drawLine(QPointF(x, box.top()), QPointF(x - height, box.bottom()))
            painter.restore()

    def _paint_problems(self, painter: QPainter, colors: theme.Colors, bottom: int) -> None:
        """Draw a filled triangle below a bar with invalid rows, and a ring below one with warnings."""
        y = bottom + 1.5
        for bar in self._bars:
            x = bar.x + BAR_WIDTH / 2
            if bar.invalid:
                painter.setPen(Qt.PenStyle.NoPen)
                painter.setBrush(QColor(colors.error))
                painter.drawPolygon(QPolygonF([QPointF(x, y), QPointF(x - 4, y + 7), QPointF(x + 4, y + 7)]))
            elif bar.warns:
                painter.setPen(QPen(QColor(colors.warning), 1.2))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawEllipse(QPointF(x, y + 3.5), 1.7, 1.7)

    def _paint_marks(self, painter: QPainter, colors: theme.Colors, bottom: int) -> None:
        """Draw a flag on a pole for each mark of the recording, and a ring on a pole for each pinned row."""
        for mark in self._recording.marks:
            x = self.x_of(mark.at)
            painter.setPen(QColor(colors.text))
            painter.drawLine(QPointF(x, 2), QPointF(x, bottom))
            painter.setBrush(QColor(colors.text))
            painter.drawPolygon(QPolygonF([QPointF(x, 2), QPointF(x + 8, 5), QPointF(x, 8)]))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        for row in self._pinned():
            x = self.x_of(self._recording.times[row - 1])
            painter.setPen(QColor(colors.text))
            painter.drawEllipse(QPointF(x, 5), 2.5, 2.5)
            painter.drawLine(QPointF(x, 8), QPointF(x, bottom))

    def _paint_labels(self, painter: QPainter, colors: theme.Colors) -> None:
        if not self._spans:
            return
        painter.setPen(QColor(colors.muted))
        box = QRectF(SIDE, HEIGHT - LABELS_HEIGHT - 1, self.width() - 2 * SIDE, LABELS_HEIGHT)
        painter.drawText(box, Qt.AlignmentFlag.AlignLeft, self._clock(self._recording.times[0]))
        painter.drawText(box, Qt.AlignmentFlag.AlignRight, self._clock(self._recording.duration))

    def _paint_position(self, painter: QPainter, colors: theme.Colors, bottom: int) -> None:
        times = self._recording.times
        if not 0 < self._row <= len(times):
            return
        x = self.x_of(times[self._row - 1])
        painter.setPen(QPen(QColor(colors.text), 2))
        painter.drawLine(QPointF(x, 4), QPointF(x, HEIGHT - LABELS_HEIGHT - 1))
        painter.setBrush(QColor(colors.surface))
        painter.drawEllipse(QPointF(x, 6), 4, 4)
        text = self._clock(times[self._row - 1])
        width = painter.fontMetrics().horizontalAdvance(text) + 8
        left = min(max(x - width / 2, SIDE), self.width() - SIDE - width)
        box = QRectF(left, HEIGHT - LABELS_HEIGHT - 1, width, LABELS_HEIGHT)
        painter.fillRect(box, QColor(colors.surface))
        painter.drawText(box, Qt.AlignmentFlag.AlignHCenter, text)


def _any_in(rows: Sequence[int], first: int, end: int) -> bool:
    """Return whether sorted numbers contain one from ``first`` to below ``end``."""
    place = bisect_left(rows, first)
    return place < len(rows) and rows[place] < end


def length_text(seconds: float) -> str:
    """Return a length of time in the two largest units that fit."""
    whole = round(seconds)
    if whole >= 3600:
        return f"{whole // 3600} h {whole % 3600 // 60} min"
    return f"{whole // 60} min {whole % 60} s" if whole >= 60 else f"{whole} s"
