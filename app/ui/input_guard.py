"""Event filter of windows that ignores accidental input: the mouse wheel over a control without focus that the
wheel would change, such as a spin box, combo box, slider or tab bar, and a stray click on a button. The wheel
scrolls the area around the control instead. A stray click is the second one of a double click that began on another
widget; other double clicks pass. Enter that is held down counts once, except in editors of several lines.
"""

from typing import NamedTuple, cast

from PySide6.QtCore import QEvent, QObject, QPointF, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QMouseEvent, QWheelEvent, QWindow
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
    """Filter the events of a window and of its dialogs.

    - Over a control without focus, the wheel scrolls the surrounding scroll area instead of changing the value. It
      never moves the keyboard focus.
    - A button that appears under the pointer ignores the second click of a double click that started elsewhere.
    - Enter that is held down does not, for example, submit a field again and again, or press the default button of
      the next dialog. For shortcuts, see ``keys``: Qt handles them before a filter of the window.

    The filter is installed on windows, not on the application: otherwise every event of every object would pass
    through Python. A widget is prepared at the first wheel event over it, so later widgets are covered, too.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._last = Press(None, Qt.MouseButton.NoButton, QPointF(), 0)
        app = QApplication.instance()
        assert isinstance(app, QApplication)
        app.focusWindowChanged.connect(self.watch)  # dialogs

    def watch(self, window: QWindow | None) -> None:
        """Filter a window's events. Popups (menus, lists of combo boxes) are not filtered."""
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
                event.ignore()  # Qt then sends it to the parent
                return True
        elif kind in PRESSES and isinstance(watched, QWindow):
            return self._is_stray_click(
                _widget_at(watched, cast(QMouseEvent, event).position()), cast(QMouseEvent, event)
            )
        elif kind == QEvent.Type.KeyPress and isinstance(watched, QWindow):
            return _is_repeated_enter(cast(QKeyEvent, event))
        return False

    def _prepare(self, widget: QWidget | None) -> None:
        while widget is not None:
            if widget.focusPolicy() is Qt.FocusPolicy.WheelFocus:
                widget.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
            if isinstance(widget, VALUE_CONTROLS) and not isinstance(widget, QScrollBar):
                widget.installEventFilter(self)
            widget = None if widget.isWindow() else widget.parentWidget()

    def _is_stray_click(self, widget: QWidget | None, event: QMouseEvent) -> bool:
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


def _is_repeated_enter(event: QKeyEvent) -> bool:
    """Return whether Enter is held down where it does not begin a new line."""
    if not event.isAutoRepeat() or event.key() not in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
        return False
    focused = QApplication.focusWidget()
    return not (focused and focused.inputMethodHints() & Qt.InputMethodHint.ImhMultiLine)


def _widget_at(window: QWindow, place: QPointF) -> QWidget | None:
    """Return the innermost widget at a position in a window."""
    top = next((each for each in QApplication.topLevelWidgets() if each.windowHandle() is window), None)
    return top and (top.childAt(place.toPoint()) or top)
