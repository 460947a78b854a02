"""An item delegate whose editors for the cells of a view reject a text that is too long. See ``line_edit``."""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex
from PySide6.QtWidgets import QLineEdit, QStyledItemDelegate, QStyleOptionViewItem, QWidget  # noqa: TID251
from typing_extensions import override

from app.ui.widgets.line_edit import bound


class BoundedDelegate(QStyledItemDelegate):
    """Edits a cell in a view with a bounded editor."""

    @override
    def createEditor(
        self, parent: QWidget, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> QWidget:
        editor = super().createEditor(parent, option, index)
        if isinstance(editor, QLineEdit):
            bound(editor)
        return editor
