"""Accidental input: the wheel over controls without focus, and double clicks on buttons that move."""

import asyncio
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDateTimeEdit,
    QDial,
    QDialog,
    QDoubleSpinBox,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QScrollBar,
    QSlider,
    QSpinBox,
    QTabBar,
    QVBoxLayout,
    QWidget,
)

from app.companion import Companion
from app.system.paths import Folders
from app.ui.main_window_shell import MainWindowShell
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.text_edit import TextEdit
from app.ui.window import INJECT, ROOMS, SETTINGS, MainWindow
from tests.conftest import LONG, Connect, until
from tests.ui.frames import wait_until_idle

LEFT = Qt.MouseButton.LeftButton
DOWN, UP, LEFTWARDS = QPoint(0, -120), QPoint(0, 120), QPoint(-120, 0)
NOTCHES = (DOWN, UP, LEFTWARDS) if LONG else (DOWN,)


def turn_wheel(widget: QWidget, angle: QPoint = DOWN) -> None:
    """Turn the wheel over the centre of a widget, with an event from the window system."""
    window = widget.window()
    position = widget.mapTo(window, widget.rect().center())
    QTest.wheelEvent(window.windowHandle(), QPointF(position), angle)
    QApplication.processEvents()


def value(widget: QWidget) -> object:
    """Return the value of an input control, or None for any other widget."""
    if isinstance(widget, QTabBar):
        return widget.currentIndex()
    if isinstance(widget, QScrollBar):
        return None
    meta = widget.metaObject().userProperty()
    return meta.read(widget) if meta.isValid() else None


def visible_values(widgets: Iterable[QWidget]) -> dict[QWidget, object]:
    """Return the values of the visible input controls among some widgets."""
    return {each: current for each in widgets if each.isVisible() and (current := value(each)) is not None}


def area_of(widget: QWidget) -> QScrollArea | None:
    parent = widget.parentWidget()
    while parent is not None and not isinstance(parent, QScrollArea):
        parent = parent.parentWidget()
    return parent


def visible_widgets(root: QWidget) -> Iterator[QWidget]:
    """Yield every visible widget in ``root`` after scrolling to it."""
    for widget in root.findChildren(QWidget):
        if widget.isVisible() and widget.width() > 1 and widget.height() > 1:
            if area := area_of(widget):
                area.ensureWidgetVisible(widget)
            yield widget


async def test_the_wheel_changes_neither_values_nor_focus(
    window: MainWindow, companion: Companion, connect_client: Connect, subtests: pytest.Subtests
) -> None:
    await connect_client()
    window.resize(window.minimumSize())
    root: QWidget = window  # then the room alone, because the rest of the window stays the same
    for room in (each.name for each in ROOMS):
        with subtests.test(room=room):
            window.open_room(room)
            window.fixtures.choose("nasty/markup")
            message = window.inject.event_panel("new_message")
            assert message
            message.form().field("reactions").set_value([{"emoji": "👍", "from": "bob"}])
            await wait_until_idle(companion)
            turned = 0
            for tab in range(window.inject.tabs.count() if room == INJECT else 1):
                window.inject.tabs.setCurrentIndex(tab)
                window.rooms.setFocus()
                focus, before = QApplication.focusWidget(), visible_values(window.findChildren(QWidget))
                for angle in NOTCHES:
                    for widget in visible_widgets(root):
                        turn_wheel(widget, angle)
                        turned += value(widget) is not None
                        assert QApplication.focusWidget() is focus, widget
                    now = visible_values(before)  # scrolling may have hidden some
                    assert now == {each: before[each] for each in now}
                current = window.inject.panels.currentWidget() if room == INJECT else window.rooms
                assert current is not None
                root = current
            root = window.rooms
            assert turned > 1


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("name", [SETTINGS, INJECT])
async def test_the_wheel_over_a_control_scrolls_the_page(window: MainWindow, name: str) -> None:
    window.resize(window.minimumSize())
    window.open_room(name)
    room = window.rooms.page(name)
    if name == INJECT:
        panel = window.inject.event_panel("new_message")
        assert panel
        panel.form().fold.click()
        await asyncio.sleep(0.02)  # lets Qt lay out the widgets
    controls = [
        (each, area)
        for each in room.findChildren(QWidget)
        if isinstance(each, QSpinBox | QComboBox) and each.isVisible() and (area := area_of(each))
    ]
    assert len(controls) > 3
    for control, area in controls:
        area.ensureWidgetVisible(control)
        bar = area.verticalScrollBar()
        assert bar.maximum() > 0
        down = bar.value() < bar.maximum()
        before = bar.value()
        turn_wheel(control, DOWN if down else UP)
        assert (bar.value() > before) is down, control.accessibleName()
        assert bar.value() != before


async def test_the_wheel_changes_a_control_that_has_the_focus(window: MainWindow) -> None:
    window.open_room(SETTINGS)
    port = window.settings.fields.port
    turn_wheel(port)
    before = port.value()
    port.setFocus()
    turn_wheel(port, UP)
    assert port.value() == before + 1
    theme = window.settings.fields.theme
    window.settings.form.ensureWidgetVisible(theme)
    theme.setFocus()
    turn_wheel(theme)
    assert theme.currentIndex() == 1


async def test_controls_created_later_ignore_the_wheel(window: MainWindow, subtests: pytest.Subtests) -> None:
    """Check controls in the window and in one of its dialogs."""
    window.open_room(SETTINGS)
    for kind in (QSpinBox, QDoubleSpinBox, QDateTimeEdit, QComboBox, QSlider, QDial, QTabBar):
        with subtests.test(kind=kind.__name__):
            dialog = QDialog(window)
            for parent in (window.settings.form.widget(), dialog):
                control = kind()
                for number in range(3):
                    if isinstance(control, QComboBox):
                        control.addItem(str(number))
                    elif isinstance(control, QTabBar):
                        control.addTab(str(number))
                assert parent is not None
                layout = parent.layout() or QVBoxLayout(parent)
                assert isinstance(layout, QVBoxLayout)
                layout.insertWidget(0, control)
                other = QPushButton("First")
                layout.insertWidget(0, other)
                if parent is dialog:
                    dialog.open()
                    await until(dialog.isActiveWindow)
                layout.activate()
                QApplication.processEvents()
                window.settings.form.ensureWidgetVisible(control)
                other.setFocus()
                before = value(control)
                for angle in NOTCHES:
                    turn_wheel(control, angle)
                assert value(control) == before
                assert not control.hasFocus()
            dialog.done(0)


@pytest.mark.parametrize("action", ["hide", "disable", "delete"])
async def test_the_focus_of_a_removed_button_does_not_move_to_another_button(
    tmp_path: Path, show: Callable[[QWidget], None], action: str
) -> None:
    window = MainWindowShell(Folders.of(tmp_path))
    show(window)
    clicked: list[str] = []
    first, second = QPushButton("First"), QPushButton("Second")
    row = QHBoxLayout()
    for button in (first, second):
        button.clicked.connect(lambda _=False, button=button: clicked.append(button.text()))
        row.addWidget(button)
    actions: dict[str, Callable[[], object]] = {
        "hide": first.hide,
        "disable": lambda: first.setEnabled(False),
        "delete": first.deleteLater,
    }
    first.clicked.connect(lambda _: actions[action]())
    host = QWidget()
    host.setLayout(row)
    window.setCentralWidget(host)
    await until(window.isActiveWindow)
    await until(first.isVisible)
    first.setFocus()
    for _ in range(2):
        QTest.keyClick(window.windowHandle(), Qt.Key.Key_Space)
        await asyncio.sleep(0)
        QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    assert clicked == ["First"]
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Tab)
    assert isinstance(window.focusWidget(), QPushButton)  # the Tab key still works


async def test_a_button_that_moves_under_the_pointer_ignores_the_second_click(
    tmp_path: Path, show: Callable[[QWidget], None]
) -> None:
    window = MainWindowShell(Folders.of(tmp_path))
    show(window)
    clicked: list[str] = []
    first, second = QPushButton("First"), QPushButton("Second")
    row = QHBoxLayout()
    for button in (first, second):
        button.clicked.connect(lambda _=False, button=button: clicked.append(button.text()))
        row.addWidget(button)
    host = QWidget()
    host.setLayout(row)
    window.setCentralWidget(host)
    first.clicked.connect(first.hide)
    first.clicked.connect(row.activate)
    QApplication.processEvents()
    position = first.mapTo(window, first.rect().center())
    QTest.mouseDClick(window.windowHandle(), LEFT, pos=position)
    assert window.childAt(position) is second
    assert clicked == ["First"]
    QTest.mouseClick(window.windowHandle(), LEFT, pos=position)
    QTest.mouseDClick(window.windowHandle(), LEFT, pos=position)
    assert clicked == ["First", "Second", "Second", "Second"]


async def test_enter_that_is_held_down_counts_once_except_in_an_editor_of_several_lines(
    tmp_path: Path, show: Callable[[QWidget], None]
) -> None:
    window = MainWindowShell(Folders.of(tmp_path))
    show(window)
    submitted: list[str] = []
    line, editor = LineEdit("typed"), TextEdit()
    line.returnPressed.connect(lambda: submitted.append(line.text()))
    host = QWidget()
    column = QVBoxLayout(host)
    column.addWidget(line)
    column.addWidget(editor)
    window.setCentralWidget(host)
    await until(window.isActiveWindow)
    for widget in (line, editor):
        widget.setFocus()
        for repeated in (False, True, True):
            press = QKeyEvent(
                QEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", repeated
            )
            QApplication.sendEvent(window.windowHandle(), press)
    assert submitted == ["typed"]
    assert editor.toPlainText() == "\n\n\n"
