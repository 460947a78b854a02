"""Parts of widgets that must exist. Qt's types allow that they do not."""

from typing import TypeVar

from PySide6.QtCore import QObject
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QMenu, QWidget

T = TypeVar("T", bound=QObject)


def child(parent: QObject, kind: type[T], name: str | None = None) -> T:
    """Return the first child of a class, or the one with this object name."""
    found = parent.findChild(kind) if name is None else parent.findChild(kind, name)
    assert found is not None
    return found


def line_of(box: QComboBox) -> QLineEdit:
    """Return the line in which the user types the value of an editable box."""
    line = box.lineEdit()
    assert line is not None
    return line


def menu_of(action: QAction) -> QMenu:
    """Return the submenu of a menu entry."""
    menu = action.menu()
    assert isinstance(menu, QMenu)
    return menu


def focused_widget() -> QWidget:
    """Return the widget with the keyboard focus."""
    widget = QApplication.focusWidget()
    assert widget is not None
    return widget
