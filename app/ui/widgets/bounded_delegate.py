"""An item delegate whose editors for the cells of a view reject a text that is too long or not valid. See
``line_edit``.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QStyledItemDelegate, QStyleOptionViewItem, QWidget  # noqa: TID251
from typing_extensions import override

from app.ui.plain_text import show_tooltip
from app.ui.widgets.line_edit import bound

LEAVING = (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Tab, Qt.Key.Key_Backtab)


class BoundedDelegate(QStyledItemDelegate):
    """Edits a cell in a view with a bounded editor.

    ``problem`` returns the reason why a text is not valid, or an empty text. Enter then shows the reason below the
    editor, which stays open.
    """

    def __init__(self, parent: QObject, problem: Callable[[str], str] = lambda _: "") -> None:
        super().__init__(parent)
        self._problem = problem

    @override
    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        editor = super().createEditor(parent, option, index)
        if isinstance(editor, QLineEdit):
            bound(editor)
        return editor

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if (
            isinstance(watched, QLineEdit)
            and isinstance(event, QKeyEvent)
            and event.type() == QEvent.Type.KeyPress
            and event.key() in LEAVING
            and (problem := self._problem(watched.text()))
        ):
            show_tooltip(watched.mapToGlobal(watched.rect().bottomLeft()), problem, watched)
            return True
        return super().eventFilter(watched, event)
