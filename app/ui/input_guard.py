"""Ignore input that hits a control by accident: the mouse wheel, and the second click of a double click."""

from typing import NamedTuple, cast

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QMouseEvent, QWheelEvent, QWindow
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QScrollBar,
    QTabBar,
    QWidget,
)
from typing_extensions import override

VALUE_CONTROLS = (QAbstractSpinBox, QComboBox, QAbstractSlider, QTabBar)
"""Qt's widgets that change their value when the wheel turns over them."""
PRESSES = (QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick)


class Press(NamedTuple):
    """The last mouse press that reached a widget."""

    widget: QWidget | None
    button: Qt.MouseButton
    place: QPointF
    time_ms: int


class InputGuard(QObject):
    """Filters the events of a window and of its dialogs.

    - The wheel changes no value over a control without focus (the event goes on to the scroll area around it), and
      gives no widget the keyboard focus.
    - A button that appeared under the pointer ignores the second click of a double click that began before.

    Windows are filtered rather than the application, so that no other event of any object passes through Python.
    A widget is prepared when the first wheel event comes over it, so widgets that are created later are covered.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._last = Press(None, Qt.MouseButton.NoButton, QPointF(), 0)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusWindowChanged.connect(self.watch)  # dialogs

    def watch(self, window: QWindow | None) -> None:
        """Filter a window's events. Popups (menus, lists of combo boxes) are left alone."""
        if window is not None and window.type() is not Qt.WindowType.Popup:
            window.installEventFilter(self)  # Qt keeps one entry per filter

    @override
    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Filter events of windows, and wheel events of the value controls in them."""
        kind = event.type()
        if kind == QEvent.Type.Wheel:
            if isinstance(watched, QWindow):
                self._prepare(_widget_at(watched, cast(QWheelEvent, event).position()))
            elif isinstance(watched, QWidget) and not watched.hasFocus():
                event.ignore()  # Qt then offers it to the parent
                return True
        elif kind in PRESSES and isinstance(watched, QWindow):
            return self._stray(_widget_at(watched, cast(QMouseEvent, event).position()), cast(QMouseEvent, event))
        return False

    def _prepare(self, widget: QWidget | None) -> None:
        while widget is not None:
            if widget.focusPolicy() is Qt.FocusPolicy.WheelFocus:
                widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            if isinstance(widget, VALUE_CONTROLS) and not isinstance(widget, QScrollBar):
                widget.installEventFilter(self)
            widget = None if widget.isWindow() else widget.parentWidget()

    def _stray(self, widget: QWidget | None, event: QMouseEvent) -> bool:
        """Return whether a press belongs to a double click that began on another widget."""
        hints = QGuiApplication.styleHints()
        last, now = self._last, Press(widget, event.button(), event.globalPosition(), event.timestamp())
        stray = (
            isinstance(widget, QAbstractButton)
            and last.widget is not widget
            and last.button is now.button
            and now.time_ms - last.time_ms < hints.mouseDoubleClickInterval()
            and (now.place - last.place).manhattanLength() < hints.startDragDistance()
        )
        if not stray:
            self._last = now
        return stray


def _widget_at(window: QWindow, place: QPointF) -> QWidget | None:
    """Return the innermost widget at a position in a window."""
    top = next((each for each in QApplication.topLevelWidgets() if each.windowHandle() is window), None)
    return top and (top.childAt(place.toPoint()) or top)
