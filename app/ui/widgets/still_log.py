"""Keep the rows of the log where they are on the screen while something above the log appears or disappears: the
held items of the Events room, or the strip and the banner of the window. A log that follows new rows stays at its
end.
"""

from PySide6.QtCore import QEvent, QObject, QPoint
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.ui.widgets.log_table import ROW_HEIGHT, LogTable


class StillLog(QObject):
    """Scrolls ``table`` when ``body``, which contains it, moves down or up in the window.

    The rows are exact to half a row, because the log scrolls by whole rows.
    """

    def __init__(self, body: QWidget, table: LogTable) -> None:
        super().__init__(body)
        self._body = body
        self._table = table
        self._top = 0
        """The top of ``body`` in the window, in pixels."""
        body.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Show:
            self._top = self._place()
        elif event.type() in (QEvent.Type.Move, QEvent.Type.Resize) and self._body.isVisible():
            moved = self._place() - self._top  # a widget above a parent of the body makes the body only smaller
            self._top += moved
            if moved and not self._table.following:
                self._scroll(round(moved / ROW_HEIGHT))
        return False

    def _place(self) -> int:
        return self._body.mapTo(self._body.window(), QPoint()).y()

    def _scroll(self, rows: int) -> None:
        bar = self._table.verticalScrollBar()
        last = bar.maximum() - 1  # at the maximum, the log would start to follow
        if bar.value() <= last:
            bar.setValue(max(0, min(bar.value() + rows, last)))
