"""The table view of the log: follows new rows while it is scrolled to the end, and stays where it is otherwise.
It then shows a button with the number of new rows, which jumps to the end. It paints the rows with ``LogPainter``.
The user can drag the selected rows, for example into a scenario.
"""

from functools import cached_property
from math import ceil
from time import perf_counter

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QItemSelectionModel,
    QModelIndex,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QRect,
    Qt,
    Signal,
)
from PySide6.QtGui import (
    QDrag,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QShowEvent,
)
from PySide6.QtWidgets import QAbstractItemView, QApplication, QHeaderView, QPushButton, QTableView, QWidget
from typing_extensions import override

from app.ui import theme
from app.ui.drags import rows_data
from app.ui.models.event_log import Col, EventLogModel, TimeStyle
from app.ui.models.log_text import MONO, TITLES
from app.ui.widgets.accessible_names import named
from app.ui.widgets.kept_row import KeptRow
from app.ui.widgets.log_painter import PADDING, LogPainter
from app.ui.widgets.log_refresh import LogRefresh
from app.ui.widgets.selection import show_model

SAMPLES = {
    Col.TIME: "00:00:00.000",
    Col.DIRECTION: "From UI ↑",
    Col.CLIENT: "To: 2 · username",
    Col.EVENT: "friend_offline",
    Col.SIZE: "65,536 B",
}
"""Texts that determine the usual widths of the columns."""
SHARING = (Col.SUMMARY, Col.RESULT)
"""These columns share the remaining width. Qt's stretching sections would be measured again at every insertion."""
NARROW = 900
"""A table that is narrower than this hides the column *Size*, so that summaries and results are not cut."""
ROW_HEIGHT = 26
OLD_CLIENT_WIDTH = 84
"""The default of earlier versions, in which a row showed less in that column. Saved layouts may contain it."""


class LogTable(QTableView):
    """A table view with a button "N new ↓" that jumps to the end."""

    following_changed = Signal(bool)
    """Emitted when the table starts or stops following new rows."""
    _styled = False
    """Whether the painter uses the current font and theme. Qt reports several changes before it paints."""

    def __init__(self, model: EventLogModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        named(self, "Event log", style_id="log")
        model.rowsAboutToBeRemoved.connect(self._on_removing)
        show_model(self, model)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.setTabKeyNavigation(False)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerItem)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        header = self.horizontalHeader()
        header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        header.setHighlightSections(False)
        # Painting a section, Qt asks whether all rows of the column are selected: 100,000 questions for each.
        header.setSelectionModel(QItemSelectionModel(model, header))
        header.setStretchLastSection(False)
        for column in SHARING:
            header.setSectionResizeMode(column, QHeaderView.ResizeMode.Fixed)
        for column in SAMPLES:
            self.setColumnWidth(column, self.usual_width(column))
        header.sectionResized.connect(self._column_resized)
        self._offset = self._removed = 0
        """The scroll offset in pixels when the flush began, and the number of rows removed since."""
        self._sideways = False
        """Whether the table was scrolled horizontally during the flush."""
        self._paint_s, self._measuring = 0.0, False
        """Seconds spent painting since the last flush, and whether its lines are still being painted."""
        self.following = True
        self.can_drag = True
        """Whether selected rows can be dragged. The drop target asks Events for them, so others must not be."""
        self._pressed: QPoint | None = None
        """Where a selected row was pressed, which may begin a drag."""
        self._select_at_resize = False
        """Whether the next change of the size keeps the selected row in view instead of the newest."""
        self._new = 0
        """The number of rows added since the table stopped following."""
        self.jump = named(QPushButton(self), "Jump to the newest row", style_id="jump")
        self.jump.setCursor(Qt.CursorShape.PointingHandCursor)
        self.jump.hide()
        self.jump.clicked.connect(lambda: self.follow(True))
        self.verticalScrollBar().valueChanged.connect(self._scrolled)
        model.flushing.connect(self._on_flushing)
        model.flushed.connect(self._on_flushed)
        model.rowsInserted.connect(self._on_inserted)
        model.marked.connect(self._on_marked)
        model.modelReset.connect(self._on_reset)
        KeptRow(self, model)

    @cached_property
    def _refresh(self) -> LogRefresh:
        """Created on first use: the first call of ``viewport()`` makes PySide load the classes of all widgets."""
        viewport = self.viewport()
        # The table paints its own background; otherwise Qt paints that of every widget behind it first.
        viewport.setAttribute(Qt.WidgetAttribute.WA_OpaquePaintEvent)
        return LogRefresh(viewport, ROW_HEIGHT)

    @override
    def setModel(self, model: QAbstractItemModel | None) -> None:
        """Show an ``EventLogModel``."""
        assert isinstance(model, EventLogModel)
        self._log = model
        self._painter = LogPainter(model)
        model.mark_changed.connect(self._painter.forget)
        super().setModel(model)

    @property
    def selected_count(self) -> int:
        """The number of selected rows."""
        return sum(bottom - top + 1 for top, bottom in self._selected_ranges())

    @property
    def selected_line(self) -> int | None:
        """The selected line; None if no line or several lines are selected."""
        ranges = self._selected_ranges()
        return ranges[0][0] if len(ranges) == 1 and ranges[0][0] == ranges[0][1] else None

    @property
    def selected_seqs(self) -> list[int]:
        """The sequence numbers of the selected rows, in ascending order."""
        ranges = sorted(self._selected_ranges())
        return [self._log.seq(line) for top, bottom in ranges for line in range(top, bottom + 1)]

    def _selected_ranges(self) -> list[tuple[int, int]]:
        """Return the first and the last line of each range of selected lines."""
        selection = self.selectionModel().selection()
        ranges = map(selection.at, range(selection.count()))
        return [(each.top(), each.bottom()) for each in ranges if each.isValid()]

    # drag

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Remember a press on a selected row, which may begin a drag. Otherwise, it would change the selection."""
        plain = event.button() is Qt.MouseButton.LeftButton and not event.modifiers()
        if plain and self.can_drag and self.selectionModel().isSelected(self.indexAt(event.position().toPoint())):
            self._pressed = event.position().toPoint()
            if self.selected_count > 1:
                return
        super().mousePressEvent(event)

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if self._pressed is None:
            super().mouseMoveEvent(event)
        elif (event.position().toPoint() - self._pressed).manhattanLength() >= QApplication.startDragDistance():
            self._pressed = None
            self.drag_selected()

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        """After a press on one of several selected rows without a drag, select only that row."""
        pressed, self._pressed = self._pressed, None
        if pressed is not None and self.selected_count > 1:
            place, left = QPointF(pressed), Qt.MouseButton.LeftButton
            kind, modifiers = QEvent.Type.MouseButtonPress, Qt.KeyboardModifier.NoModifier
            super().mousePressEvent(QMouseEvent(kind, place, event.globalPosition(), left, left, modifiers))
        super().mouseReleaseEvent(event)

    def drag_selected(self) -> None:
        """Let the user drag the selected rows, for example into a scenario."""
        drag = QDrag(self)
        drag.setMimeData(rows_data())
        drag.exec(Qt.DropAction.CopyAction)

    def follow(self, on: bool) -> None:
        """Start following new rows (scroll to the end), or stop."""
        if on != self.following:
            self.following = on
            self.following_changed.emit(on)
        if on:
            self._new = 0
            self.scrollToBottom()
        self._show_jump()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setColumnHidden(Col.SIZE, event.size().width() < NARROW)
        self._share_width()
        if self._select_at_resize:
            self._select_at_resize = False
            self.scrollTo(self.currentIndex())
            self._scrolled(self.verticalScrollBar().value())
        elif self.following:  # Qt keeps the first visible row where it is
            self.scrollToBottom()
        elif self.verticalScrollBar().maximum() == 0:  # there is room for all rows
            self.follow(True)
        self._show_jump()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)

        if self.columnWidth(Col.CLIENT) == OLD_CLIENT_WIDTH:
            self.setColumnWidth(Col.CLIENT, self.usual_width(Col.CLIENT))

    def usual_width(self, column: Col) -> int:
        """Return the width that a column has until the user changes it."""
        metrics = QFontMetricsF(theme.mono() if column in MONO else self.font())
        text = max(map(metrics.horizontalAdvance, (SAMPLES[column], TITLES[column])))
        return ceil(text) + 2 * PADDING + 2

    def show_selection_after_resize(self) -> None:
        """Keep the selected row in view when the size changes next: the details that were opened take up space."""
        self._select_at_resize = True

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.FontChange, QEvent.Type.PaletteChange, QEvent.Type.StyleChange):
            self._styled = False

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let Home and End select the first and the last row; Qt would move between columns."""
        plain = not event.modifiers() & Qt.KeyboardModifier.ShiftModifier
        if plain and event.key() in (Qt.Key.Key_Home, Qt.Key.Key_End) and self._log.rowCount():
            self.selectRow(0 if event.key() == Qt.Key.Key_Home else self._log.rowCount() - 1)
        else:
            super().keyPressEvent(event)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        """Paint the visible rows with ``LogPainter``, without Qt's style and delegates."""
        began = perf_counter()
        first = self.rowAt(event.rect().top())
        with QPainter(self.viewport()) as painter:
            painter.fillRect(event.rect(), self.palette().base())
            if first >= 0:
                self._paint_lines(painter, first, self.rowAt(event.rect().bottom()))
        if self._measuring:
            self._paint_s += perf_counter() - began
            self._log.on_painted(self._paint_s)
            self._measuring = self._refresh.busy
        self._refresh.painted()

    @override
    def currentChanged(
        self, current: QModelIndex | QPersistentModelIndex, previous: QModelIndex | QPersistentModelIndex
    ) -> None:
        """Paint the frame of the current line, of which Qt updates one cell only."""
        super().currentChanged(current, previous)
        for each in (previous, current):
            if each.isValid():
                self.viewport().update(self._area(each.row(), 1))

    @override
    def scrollContentsBy(self, dx: int, dy: int) -> None:
        """Scroll. During a flush, only note the new offsets: ``_on_flushed`` moves the lines."""
        if not self._refresh.held:
            self._refresh.repaint_now()
            super().scrollContentsBy(dx, dy)
            return
        bar, header = self.verticalScrollBar(), self.verticalHeader()
        if bar.value() == bar.maximum() > 0:  # show the last line in full
            header.setOffsetToLastSection()
        else:
            header.setOffsetToSectionPosition(bar.value())
        if dx:
            self._sideways = True
            self.horizontalHeader().setOffset(self.horizontalScrollBar().value())

    def _paint_lines(self, painter: QPainter, first: int, last: int) -> None:
        lines = range(first, (last if last >= 0 else self.model().rowCount() - 1) + 1)
        columns = [QRect(self.columnViewportPosition(each), 0, self.columnWidth(each), ROW_HEIGHT) for each in Col]
        chosen = {
            line
            for top, bottom in self._selected_ranges()
            for line in range(max(top, first), min(bottom, lines[-1]) + 1)
        }
        if not self._styled:
            self._styled = True
            self._painter.restyle(self.font())
        self._painter.paint(painter, lines, self.rowViewportPosition(first), columns, chosen)
        current = self.currentIndex().row()
        if self.hasFocus() and current in lines and current not in chosen:  # Ctrl+Up and Ctrl+Down move only it
            painter.setPen(self.palette().accent().color())
            painter.drawRect(self._area(current, 1).adjusted(0, 0, -1, -1))

    def _column_resized(self, column: int) -> None:
        if column not in SHARING:
            self._share_width()

    def _share_width(self) -> None:
        free = max(0, self.viewport().width() - sum(self.columnWidth(each) for each in Col if each not in SHARING))
        summary = free * (11 if self.isColumnHidden(Col.SIZE) else 12) // 20
        for column, width in zip(SHARING, (summary, free - summary), strict=True):
            self.setColumnWidth(column, max(width, self.horizontalHeader().minimumSectionSize()))

    def _scrolled(self, value: int) -> None:
        self.follow_quietly(value >= self.verticalScrollBar().maximum())

    def follow_quietly(self, on: bool) -> None:
        """Set whether the table follows new rows, without scrolling."""
        if on != self.following:
            self.following = on
            self._new = 0
            self.following_changed.emit(on)
        self._show_jump()

    def _on_flushing(self) -> None:
        self._offset, self._removed, self._sideways = self.verticalHeader().offset(), 0, False
        self._paint_s, self._measuring = 0.0, True
        self._refresh.hold()

    def _on_flushed(self, number: int) -> None:
        if self.following:
            self.scrollToBottom()
        else:
            self._new += number
            self.executeDelayedItemsLayout()
            self._scrolled(self.verticalScrollBar().value())  # removals may have moved the end into view
        if self._refresh.held:
            up = self.verticalHeader().offset() - (self._offset - self._removed * ROW_HEIGHT)
            # The times of all lines change if they count from a row that was removed.
            times_change = self._removed > 0 and self._log.time_style is TimeStyle.SINCE_START
            fresh = self._area(self._log.rowCount() - number, number)
            first = self._area(0, int(self._removed > 0))  # its previous row was removed
            self._refresh.release(None if times_change or self._sideways else up, fresh, first)
        self._show_jump()

    def _area(self, first: int, number: int) -> QRect:
        """Return the area of ``number`` lines, beginning with line ``first``."""
        return QRect(0, self.rowViewportPosition(first), self.viewport().width(), number * ROW_HEIGHT)

    def _on_removing(self, _: QModelIndex, first: int, last: int) -> None:
        self._removed += last - first + 1
        if not self.following:  # keep the same rows in view
            bar = self.verticalScrollBar()
            bar.setValue(bar.value() - len(range(first, min(last + 1, bar.value()))))

    def _on_inserted(self, _: QModelIndex, first: int, last: int) -> None:
        bar = self.verticalScrollBar()
        if first <= bar.value() and not self.following:  # for example older rows: keep the same rows in view
            self.updateGeometries()  # update the scroll bar's range now; Qt would do it later
            bar.setValue(bar.value() + last - first + 1)

    def _on_reset(self) -> None:
        self.follow(True)

    def _on_marked(self, line: int) -> None:
        self.viewport().update(self._area(line, 1))

    def _show_jump(self) -> None:
        self.jump.setVisible(not self.following and self._new > 0)
        if not self.jump.isHidden():
            self.jump.setText(f"{self._new:,} new ↓")
            self.jump.adjustSize()
            place = self.viewport().geometry()
            self.jump.move(place.center().x() - self.jump.width() // 2, place.bottom() - self.jump.height() - 10)
