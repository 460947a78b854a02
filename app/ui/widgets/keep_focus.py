"""Give the keyboard focus to a widget again after the widgets around it were moved or replaced.
A replaced widget is found by its class and its name for screen readers. Its cursor and selection are copied.
"""

from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QScrollArea, QWidget  # noqa: TID251

from app.ui.widgets.line_edit import select, selection
from app.ui.widgets.text_edit import TextEdit


class FocusKeeper:
    """Remembers the widget in ``area`` that has the keyboard focus, and its selection, which Qt removes."""

    def __init__(self, area: QWidget) -> None:
        focused = QApplication.focusWidget()
        self._focused = focused if focused and area.isAncestorOf(focused) else None
        line = _line_of(self._focused)
        self._selection = selection(line) if line else (0, 0)

    def give_back(self, page: QWidget) -> bool:
        """Focus the widget again, or the one in ``page`` that replaces it. Return False if there is none."""
        focused = self._focused
        if focused is None or focused is QApplication.focusWidget():
            return True
        is_kept = page.isAncestorOf(focused) and focused.isVisibleTo(page)
        twin = focused if is_kept else _twin(focused, page)
        if twin is None:
            return False
        twin.setFocus()
        if line := _line_of(twin):
            select(line, *self._selection)
        if not is_kept:
            _copy_cursor(focused, twin)
            _scroll_to(twin)
        return True


def _line_of(widget: QWidget | None) -> QLineEdit | None:
    if isinstance(widget, QComboBox):
        return widget.lineEdit()
    return widget if isinstance(widget, QLineEdit) else None


def _twin(focused: QWidget, page: QWidget) -> QWidget | None:
    name = focused.accessibleName()
    for each in page.findChildren(type(focused)):
        if each.accessibleName() == name and each.isEnabled() and each.isVisibleTo(page):
            return each
    return None


def _copy_cursor(old: QWidget, new: QWidget) -> None:
    if isinstance(old, TextEdit) and isinstance(new, TextEdit):
        wanted, cursor = old.textCursor(), new.textCursor()
        last = new.document().characterCount() - 1
        cursor.setPosition(min(wanted.anchor(), last))
        cursor.setPosition(min(wanted.position(), last), cursor.MoveMode.KeepAnchor)
        new.setTextCursor(cursor)
        new.verticalScrollBar().setValue(old.verticalScrollBar().value())


def _scroll_to(widget: QWidget) -> None:
    area = widget.parentWidget()
    while area is not None and not isinstance(area, QScrollArea):
        area = area.parentWidget()
    if area is not None:
        area.ensureWidgetVisible(widget)
