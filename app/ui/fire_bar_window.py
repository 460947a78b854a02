"""The fire bar: a small window that stays on top, with buttons for pinned fixtures and the events fired last.
A button fires its fixture (a saved event or raw frame), or its event again. The bar shows the result, also of
events from the tray menu or the palette. It takes the keyboard focus only when the user asks for it.
``widgets/fire_bar.py`` is another widget: the bar with the button *Fire* in Inject and Fixtures.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QEvent, QPoint, QSettings, Qt, QTimer
from PySide6.QtGui import QCloseEvent, QGuiApplication, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.companion import Companion
from app.hub.expectation import ExpectationResult
from app.hub.hub import Delivery
from app.hub.origin import PANEL
from app.protocol.fixture import Fixture
from app.protocol.times import local
from app.ui import theme
from app.ui.icons import icon
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.tray import result_of
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.expect_row import fixture_result_text
from app.ui.widgets.fire_buttons import DIGITS, Entry, FireButton, FireButtons, height_for
from app.ui.widgets.status import status_line

WIDTH = 320
MARGIN = 24
"""Distance from the corner of the screen where the bar first appears."""
REFRESH_MS = 100
MAX_PINNED = 12
PLACE = "fireBar/place"
MIN_LIST = 80
"""The smallest height of the buttons."""
ROOM_BELOW = 200
"""Space below the bar where it first appears, for events that are fired while it is shown."""
KEYS = f"↑ ↓ and Enter, or 1 to {DIGITS}, fire · Esc gives back the focus"
NO_FOCUS = Qt.WindowType.WindowDoesNotAcceptFocus


class FireBarWindow(QWidget):
    """The window of the fire bar. ``present`` shows it. Closing it hides it and does not destroy it."""

    def __init__(self, companion: Companion, memory: QSettings, fired: Callable[[Delivery], object]) -> None:
        """``memory`` stores the position of the bar. ``fired`` is called with the delivery of each event."""
        super().__init__(
            None,
            Qt.WindowType.Tool | Qt.WindowType.FramelessWindowHint | Qt.WindowType.WindowStaysOnTopHint | NO_FOCUS,
        )
        theme.style_window(self)
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating)
        self.setAttribute(Qt.WidgetAttribute.WA_MacAlwaysShowToolWindow)
        self.setAttribute(Qt.WidgetAttribute.WA_AlwaysShowToolTips)  # by default, only in the active window
        self.setWindowTitle("Fire bar")
        self.setWindowIcon(icon("app"))
        self.setFixedWidth(WIDTH)
        self._companion = companion
        self._memory = memory
        self._fired = fired
        self._do = RoomTasks(companion.tasks, self.show_result)
        self._grip = QPoint()
        """The offset of the pointer from the bar's top left corner while the user moves the bar."""
        self.by_keyboard = False
        """Whether the bar accepts the keyboard focus, because the user asked for it."""
        self._was_active = False
        """Whether the bar has had the focus since then."""
        self.state = named(ElidedLabel(), "State of the event server", style_id="muted")
        self.result = named(PlainTextLabel(wordWrap=True), "Result", style_id="muted")
        self.keys = named(PlainTextLabel(KEYS, wordWrap=True), "Keys", style_id="muted")
        self.close_button = named(QPushButton("×"), "Close the fire bar", style_id="flat", tip="Close")
        self.close_button.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.close_button.clicked.connect(self.close)
        self.buttons = FireButtons()
        self.buttons.pressed.connect(self._fire)
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

    @property
    def entries(self) -> list[FireButton]:
        """The buttons that fire, from top to bottom."""
        return self.buttons.buttons

    def _lay_out(self) -> None:
        title = PlainTextLabel("Fire bar")
        title.setObjectName("groupTitle")
        head = QHBoxLayout()
        head.setContentsMargins(14, 8, 6, 4)
        head.addWidget(title)
        head.addWidget(self.state, 1)
        head.addWidget(self.close_button)
        foot = QVBoxLayout()
        foot.setContentsMargins(14, 4, 12, 10)
        foot.addWidget(self.keys)
        foot.addWidget(self.result)
        self.keys.hide()
        self.result.hide()
        frame = QFrame()
        frame.setObjectName("fireBarWindow")
        self._inner = column = QVBoxLayout(frame)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(4)
        column.addLayout(head)
        column.addWidget(self.buttons)
        column.addLayout(foot)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.addWidget(frame)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.buttons.recolor()

    # showing

    def present(self) -> None:
        """Show the bar at its last position, without activating it."""
        if not self.isVisible():
            if self.by_keyboard:
                self._accept_focus(False)
            self.refresh()
            self.move(self._place())
            self.show()
            self.setFocus()  # not a button: some systems activate the bar all the same
            self._fit()
        self.raise_()

    def toggle(self) -> None:
        """Show the bar; give it the keyboard focus if it is visible; hide it if it has the focus."""
        if not self.isVisible():
            self.present()
        elif not self.by_keyboard:
            self.use_keyboard()
        else:
            self.close()

    def present_or_focus(self) -> None:
        """Show the bar or, if it is visible, give it the keyboard focus."""
        if self.isVisible():
            self.use_keyboard()
        else:
            self.present()

    def use_keyboard(self) -> None:
        """Give the bar the keyboard focus, until Esc or until another window is activated."""
        self._accept_focus(True)
        self.activateWindow()
        if self.entries:
            self.entries[0].setFocus(Qt.FocusReason.ShortcutFocusReason)

    def _accept_focus(self, accept: bool) -> None:
        """Show the bar as a window that accepts the focus, or not. Hiding it gives the focus back."""
        self.by_keyboard, self._was_active = accept, False
        self.keys.setVisible(accept)
        self.buttons.show_digits(accept)
        place, visible = self.pos(), self.isVisible()
        self.setAttribute(Qt.WidgetAttribute.WA_ShowWithoutActivating, not accept)
        self.setWindowFlag(NO_FOCUS, not accept)  # this hides the window
        if visible:
            self.move(place)
            self.show()
            self._fit()
        self._refresh_soon(None)

    def _fit(self) -> None:
        """Become as high as the content. At the bottom of the screen, the buttons scroll instead of moving."""
        self.buttons.limit_height(0)
        wanted = self._wanted_height()
        too_much = self.y() + wanted - self.screen().availableGeometry().bottom() if self.isVisible() else 0
        if too_much > 0:
            self.buttons.limit_height(max(MIN_LIST, self.buttons.height() - too_much))
            wanted = self._wanted_height()
        self.setFixedHeight(wanted)

    def _wanted_height(self) -> int:
        self._inner.activate()  # otherwise the outer layout would notice the new height later
        return height_for(self._column, WIDTH)

    def _place(self) -> QPoint:
        """Return the saved position if it is still on a screen, otherwise one in the bottom right corner."""
        saved = self._memory.value(PLACE)
        if isinstance(saved, QPoint) and any(
            screen.availableGeometry().contains(saved) for screen in QGuiApplication.screens()
        ):
            return saved
        area = QGuiApplication.primaryScreen().availableGeometry()
        room = min(self.height() + ROOM_BELOW, area.height() - 2 * MARGIN)
        return area.bottomRight() - QPoint(self.width() + MARGIN, room + MARGIN)

    def _remember_place(self) -> None:
        if self.isVisible():
            self._memory.setValue(PLACE, self.pos())

    def refresh(self) -> None:
        """Show the current events. The buttons stay where they are while the bar is visible.

        None is added or replaced while the pointer is over the bar, or while it is used with the keyboard.
        """
        self._refresh.stop()
        self.state.setText(f"· {status_line(self._companion).partition(' · ')[0]}")
        set_tooltip(self.state, status_line(self._companion))
        if self.entries and (self.underMouse() or self.by_keyboard):
            self.buttons.update_entries(self._pinned(), self._recent())
            return
        self.buttons.show_entries(self._pinned(), self._recent(), keep_places=self.isVisible())
        self._fit()

    def _recent(self) -> list[Entry]:
        composer = self._companion.composer
        return [
            Entry(each.title, each.to, each.friend, partial(composer.fire_again, each, origin=PANEL))
            for each in composer.recent
        ]

    def _pinned(self) -> list[Entry]:
        composer = self._companion.composer
        return [
            Entry(
                saved.title,
                saved.fixture.to,
                composer.friend_of(saved.fixture),
                partial(composer.fire, saved.fixture, origin=PANEL),
                saved.fixture,
                saved.name,
            )
            for saved in self._companion.fixtures.pinned[:MAX_PINNED]
        ]

    def _fire(self, entry: Entry) -> None:
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
        self.result.show()
        self._fit()

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
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.ActivationChange and self.by_keyboard:
            if self.isActiveWindow():
                self._was_active = True
            elif self._was_active:
                QTimer.singleShot(0, self, self._give_up_focus)

    def _give_up_focus(self) -> None:
        if self.by_keyboard and self._was_active and not self.isActiveWindow():
            self._accept_focus(False)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, focused = Qt.Key(event.key()), self.focusWidget()
        if event.isAutoRepeat() and key not in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            return  # a key that is held down fires once
        number = key.value - Qt.Key.Key_1.value
        if key is Qt.Key.Key_Escape:
            if self.by_keyboard:
                self._accept_focus(False)
            else:
                self.close()
        elif key in (Qt.Key.Key_Down, Qt.Key.Key_Up):
            self.focusNextPrevChild(key is Qt.Key.Key_Down)
            self.buttons.show_focused()
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter) and isinstance(focused, QPushButton):
            focused.click()
        elif 0 <= number < min(DIGITS, len(self.entries)):
            self.entries[number].click()
        else:
            super().keyPressEvent(event)

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
