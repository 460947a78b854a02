"""The fire bar: a small window with buttons that fire recent events and pinned fixtures.

It stays on top and never takes the keyboard focus from the chat UI. A pinned fixture is a saved event in the tray
icon's *Fire* menu. ``widgets/fire_bar.py`` is another widget: the bar with the button *Fire* in Inject and
Fixtures.
"""

from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple

from PySide6.QtCore import QEvent, QPoint, QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QMouseEvent, QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.companion import Companion
from app.hub.expectation import ExpectationResult
from app.hub.hub import Delivery
from app.hub.origin import PANEL
from app.protocol.fixture import Fixture
from app.protocol.times import local
from app.ui import theme
from app.ui.icons import icon, ui_icon
from app.ui.models.log_text import recipients
from app.ui.plain_text import PlainTextLabel, set_tooltip, without_mnemonics
from app.ui.room_tasks import RoomTasks
from app.ui.tray import result_of
from app.ui.widgets.accessible_names import named
from app.ui.widgets.expect_row import fixture_result_text
from app.ui.widgets.status import status_line

WIDTH = 300
MARGIN = 24
"""Distance from the corner of the screen where the bar first appears."""
REFRESH_MS = 100
MAX_PINNED = 12
PLACE = "fireBar/place"
EMPTY = "Nothing has been fired yet, and no fixture is pinned."


class Entry(NamedTuple):
    """What a button fires. ``to`` has the recipients (empty: all clients). ``fixture`` is set for a pinned one."""

    title: str
    to: str
    fire: Callable[[], Coroutine[Any, Any, Delivery]]
    fixture: Fixture | None = None


class FireBarWindow(QWidget):
    """The window of the fire bar. ``present`` shows it. Closing it hides it and does not destroy it."""

    def __init__(self, companion: Companion, memory: QSettings, fired: Callable[[Delivery], object]) -> None:
        """``memory`` stores the position of the bar. ``fired`` is called with the delivery of each event."""
        super().__init__(
            None,
            Qt.WindowType.Tool
            | Qt.WindowType.FramelessWindowHint
            | Qt.WindowType.WindowStaysOnTopHint
            | Qt.WindowType.WindowDoesNotAcceptFocus,
        )
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_MacAlwaysShowToolWindow)
        self.setWindowTitle("Fire bar")
        self.setWindowIcon(icon("app"))
        self.setFixedWidth(WIDTH)
        self._companion = companion
        self._memory = memory
        self._fired = fired
        self._do = RoomTasks(companion.tasks, self.show_result)
        self._grip = QPoint()
        """The offset of the pointer from the bar's top left corner while the user moves the bar."""
        self.state = named(PlainTextLabel(), "State of the event server", style_id="muted")
        self.result = named(PlainTextLabel(wordWrap=True), "Result", style_id="muted")
        self.close_button = named(QPushButton("×"), "Close the fire bar", style_id="flat", tip="Close")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.close_button.clicked.connect(self.close)
        self.entries: list[FireButton] = []
        self._list = QVBoxLayout()
        self._lay_out()
        self._refresh = QTimer(self, interval=REFRESH_MS, singleShot=True)
        self._refresh.timeout.connect(self.refresh)
        self._disconnects = [
            companion.composer.recent_changed.connect(self._refresh_soon),
            companion.fixtures.changed.connect(self._refresh_soon),
            companion.changed.connect(self._refresh_soon),
            companion.hub.clients_changed.connect(self._refresh_soon),
        ]

    def close_down(self) -> None:
        """Save the position and disconnect from the companion's signals. Call it before the bar is destroyed."""
        self._remember_place()
        self._refresh.stop()
        self._do.close()
        for disconnect in self._disconnects:
            disconnect()

    def _lay_out(self) -> None:
        title = PlainTextLabel("Fire bar")
        title.setObjectName("groupTitle")
        head = QHBoxLayout()
        head.setContentsMargins(12, 8, 6, 4)
        head.addWidget(title)
        head.addWidget(self.state, 1)
        head.addWidget(self.close_button)
        self._list.setContentsMargins(6, 0, 6, 0)
        self._list.setSpacing(2)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 4, 12, 10)
        foot.addWidget(self.result)
        frame = QFrame()
        frame.setObjectName("fireBarWindow")
        column = QVBoxLayout(frame)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addLayout(self._list)
        column.addLayout(foot)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(frame)
        self.recolor()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for each in self.entries:
            each.setIcon(ui_icon("send", theme.colors().accent))

    # showing

    def present(self) -> None:
        """Show the bar at its last position, without activating it."""
        if not self.isVisible():
            self.refresh()
            self.adjustSize()
            self.move(self._place())
            self.show()
        self.raise_()

    def toggle(self) -> None:
        """Show the bar, or hide it."""
        if self.isVisible():
            self.close()
        else:
            self.present()

    def _place(self) -> QPoint:
        """Return the saved position if it is still on a screen, otherwise one in the bottom right corner."""
        saved = self._memory.value(PLACE)
        if isinstance(saved, QPoint) and any(
            screen.availableGeometry().contains(saved) for screen in QGuiApplication.screens()
        ):
            return saved
        corner = QGuiApplication.primaryScreen().availableGeometry().bottomRight()
        return corner - QPoint(self.width() + MARGIN, self.height() + MARGIN)

    def _remember_place(self) -> None:
        if self.isVisible():
            self._memory.setValue(PLACE, self.pos())

    def refresh(self) -> None:
        """Show the current events. While the pointer is over the bar, the buttons are not replaced."""
        self._refresh.stop()
        self.state.setText(f"· {status_line(self._companion).partition(' · ')[0]}")
        set_tooltip(self.state, status_line(self._companion))
        recent, pinned = self._recent(), self._pinned()
        listed = [(each.title, each.to) for each in (*recent, *pinned)]
        if listed == [(each.entry.title, each.entry.to) for each in self.entries] and self._list.count():
            for button, entry in zip(self.entries, (*recent, *pinned), strict=True):
                button.entry = entry  # another event or fixture may have the same title
            return
        if self.underMouse() and self.entries:
            return
        self.entries.clear()
        while item := self._list.takeAt(0):
            if widget := item.widget():
                widget.hide()
                widget.deleteLater()
        for heading, entries in (("Fired last", recent), ("Pinned", pinned)):
            if entries:
                self._add(_heading(heading))
            for entry in entries:
                button = FireButton(entry)
                button.clicked.connect(partial(self._fire, button))
                self.entries.append(button)
                self._add(button)
        if not listed:
            self._add(_heading(EMPTY))
        self.recolor()
        self.adjustSize()

    def _add(self, widget: QWidget) -> None:
        self._list.addWidget(widget)
        widget.show()  # a layout would show it later, after the size was adjusted

    def _recent(self) -> list[Entry]:
        composer = self._companion.composer
        return [
            Entry(each.title, each.to, partial(composer.fire_again, each, origin=PANEL)) for each in composer.recent
        ]

    def _pinned(self) -> list[Entry]:
        composer = self._companion.composer
        return [
            Entry(saved.title, "", partial(composer.fire, saved.fixture, origin=PANEL), saved.fixture)
            for saved in self._companion.fixtures.pinned[:MAX_PINNED]
        ]

    def _fire(self, button: "FireButton") -> None:
        entry = button.entry
        self._do(entry.fire(), partial(self._on_delivered, entry.fixture))

    def _on_delivered(self, fixture: Fixture | None, delivery: Delivery) -> None:
        self.show_result(result_of(self._companion, delivery))
        self._fired(delivery)
        if fixture:
            self._do(self._companion.check_fixture(fixture, delivery), partial(self._show_expectation, fixture))

    def _show_expectation(self, fixture: Fixture, result: ExpectationResult | None) -> None:
        if result:
            self.show_result(fixture_result_text(fixture, result))

    def show_result(self, text: str) -> None:
        """Show the result of an event, with the time."""
        self.result.setText(f"{local(self._companion.clock.wall()):%H:%M:%S} {text}")
        self.adjustSize()

    def _refresh_soon(self, _: object) -> None:
        if self.isVisible() and not self._refresh.isActive():
            self._refresh.start()

    # events

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        self._remember_place()
        super().closeEvent(event)

    @override
    def leaveEvent(self, event: QEvent) -> None:
        self._refresh_soon(None)

    @override
    def mousePressEvent(self, event: QMouseEvent) -> None:
        """Begin to move the bar: it has no title bar."""
        if event.button() is Qt.MouseButton.LeftButton:
            if QGuiApplication.platformName().startswith("wayland"):
                self.windowHandle().startSystemMove()
            else:
                self._grip = event.globalPosition().toPoint() - self.pos()

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        if event.buttons() & Qt.MouseButton.LeftButton and not self._grip.isNull():
            self.move(event.globalPosition().toPoint() - self._grip)

    @override
    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        self._grip = QPoint()
        self._remember_place()


def _heading(text: str) -> PlainTextLabel:
    label = PlainTextLabel(text, wordWrap=True)
    label.setObjectName("fireBarHeading")
    return label


class FireButton(QPushButton):
    """A button whose text is elided to its width. The tooltip has the full text and the recipients."""

    def __init__(self, entry: Entry) -> None:
        super().__init__()
        self.entry = entry
        """The event to fire. ``refresh`` may replace it with one that has the same title and recipients."""
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        to = f"\nTo: {recipients(entry.to)}" if entry.to not in ("", "all") else ""
        named(self, f"Fire: {entry.title}", style_id="fireBarButton", tip=f"{entry.title}{to}")
        self._elide()

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._elide()

    def _elide(self) -> None:
        width = (self.width() if self.isVisible() else WIDTH) - 56
        text = self.fontMetrics().elidedText(self.entry.title, Qt.TextElideMode.ElideRight, width)
        self.setText(without_mnemonics(text))
