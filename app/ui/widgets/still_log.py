"""Keep the rows of the log where they are on the screen while something above the log appears or disappears."""

from typing import cast

from PySide6.QtCore import QEvent, QObject
from PySide6.QtGui import QMoveEvent
from PySide6.QtWidgets import QWidget
from typing_extensions import override

from app.ui.widgets.log_table import ROW_HEIGHT, LogTable


class StillLog(QObject):
    """Scrolls ``table`` when ``body``, which contains it, moves down or up. The end of a log that follows stays.

    The rows are exact to half a row, because the log scrolls by whole rows.
    """

    def __init__(self, body: QWidget, table: LogTable) -> None:
        super().__init__(body)
        self._table = table
        body.installEventFilter(self)

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Move and not self._table.following:
            move = cast(QMoveEvent, event)
            self._scroll(round((move.pos().y() - move.oldPos().y()) / ROW_HEIGHT))
        return False

    def _scroll(self, rows: int) -> None:
        bar = self._table.verticalScrollBar()
        last = bar.maximum() - 1  # at the maximum, the log would start to follow
        if bar.value() <= last:
            bar.setValue(max(0, min(bar.value() + rows, last)))
