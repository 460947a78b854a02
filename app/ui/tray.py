"""The tray icon and its menu: show the server's state, open the window, fire fixtures, run scenarios, quit.
The menu contains the pinned fixtures. Other entries, for example, repeat the last event, show the fire bar, pause
or resume sending, and start a stopped event server. This module also shows desktop notifications.
"""

from collections.abc import Coroutine
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.origin import TRAY
from app.hub.server_state import ServerState
from app.protocol.counts import count
from app.protocol.fixture import Fixture
from app.protocol.times import local
from app.ui import theme
from app.ui.icons import icon
from app.ui.models.scenarios import title_of
from app.ui.plain_text import notification_text, without_mnemonics
from app.ui.room_tasks import RoomTasks
from app.ui.run_commands import RunCommands
from app.ui.widgets.status import status_line

MAX_TIP = 127
"""Windows shows at most this many characters in the tooltip."""
MAX_SCENARIOS = 15
"""At most this many of the user's scenarios are in the menu, and as many built-in ones."""
MAX_TITLE = 32
"""Length of an event's title in a result, so that the tooltip has room for the number of clients."""


def icon_name(companion: Companion) -> str:
    """Return the name of the icon in ``resources/icons`` that shows the companion's state."""
    names = {ServerState.PAUSED: "paused", ServerState.BLOCKED: "busy", ServerState.STOPPED: "stopped"}
    connected = "connected" if companion.hub.connection_count else "listening"
    return f"tray/{names.get(companion.state, connected)}"


def menu_text(title: str) -> str:
    """Return a menu item's text for a title, cut at 60 characters."""
    return without_mnemonics(title[:60])


def result_of(companion: Companion, delivery: Delivery) -> str:
    """Return the result of what was fired last: ``Fired: A friend says hi → 2 clients``."""
    title = companion.composer.recent[0].title if companion.composer.recent else "Event"
    if len(title) > MAX_TITLE:
        title = f"{title[:MAX_TITLE].rstrip()} …"
    if delivery.held:
        return f"Held: {title}"
    if delivery.clients:
        return f"Fired: {title} → {count(delivery.delivered, 'client')}"
    return f"{title}: {delivery.note}"


class Tray(QObject):
    """The tray icon with its menu. Create it only while a system tray is available."""

    open_requested = Signal()
    settings_requested = Signal()
    logs_requested = Signal()
    fixtures_requested = Signal()
    scenarios_requested = Signal()
    quit_requested = Signal()
    fire_bar_requested = Signal()
    notification_clicked = Signal()
    status_message = Signal(str)
    fired = Signal(str)
    """Emitted with the result of an event that was fired, or of a scenario that was run, from the menu, or why that
    was not possible.
    """

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._result = ""
        """Time and result of the last event that was fired here or by hand in the window."""
        self._companion = companion
        self._do = RoomTasks(companion.tasks, self._report)
        self._runs = RunCommands(companion, self._report)
        self.menu = QMenu()
        self._fire_menu, self._run_menu = QMenu("Fire", self.menu), QMenu("Run", self.menu)
        theme.style_window(self.menu)
        self.menu.aboutToShow.connect(self.rebuild)
        self.icon = QSystemTrayIcon()
        self.icon.setContextMenu(self.menu)
        self.icon.activated.connect(self._activated)
        self.icon.messageClicked.connect(self.notification_clicked)
        self._disconnects = [
            companion.changed.connect(lambda _: self.show_state()),
            companion.hub.clients_changed.connect(lambda _: self.show_state()),
        ]
        self.rebuild()
        self.show_state()
        self.icon.show()

    def close_down(self) -> None:
        """Disconnect from the companion's signals and remove the icon."""
        self._do.close()
        self._runs.close_down()
        for disconnect in self._disconnects:
            disconnect()
        self.icon.hide()
        self.menu.deleteLater()

    def show_state(self) -> None:
        """Show the companion's current state in icon and tooltip."""
        self.icon.setIcon(icon(icon_name(self._companion)))
        first = () if self._result else ("P2P Chat Companion",)
        text = "\n".join(filter(None, (*first, status_line(self._companion), self._result)))
        self.icon.setToolTip(notification_text(text if len(text) <= MAX_TIP else f"{text[: MAX_TIP - 1]}…"))

    def show_result(self, text: str) -> None:
        """Show the result of a fired event in the tooltip, with the time."""
        self._result = f"{local(self._companion.clock.wall()):%H:%M:%S} {text}"
        self.show_state()

    def notify(self, title: str, text: str, for_ms: int = 8000) -> None:
        """Show a desktop notification."""
        self.icon.showMessage(notification_text(title), notification_text(text), icon("app"), for_ms)

    def rebuild(self) -> None:
        """Fill the menu for the current state."""
        companion = self._companion
        self.menu.clear()
        self.menu.addAction(without_mnemonics(status_line(companion))).setEnabled(False)
        self.menu.addSeparator()
        opening = self.menu.addAction("Open", self.open_requested.emit)
        self.menu.setDefaultAction(opening)
        fire = self._fire_menu
        fire.clear()
        self.menu.addMenu(fire)
        for saved in companion.fixtures.pinned:
            fire.addAction(menu_text(saved.title), partial(self._fire, saved.fixture))
        fire.addSeparator()
        fire.addAction("Show all fixtures", self.fixtures_requested.emit)
        self._run_menu.clear()
        self.menu.addMenu(self._run_menu)
        self._add_runs(self._run_menu)
        repeat = self.menu.addAction("Repeat last", self._repeat)
        repeat.setEnabled(companion.composer.can_fire_again)
        self.menu.addAction("Show fire bar", self.fire_bar_requested.emit)
        self.menu.addSeparator()
        self._add_server_actions()
        self.menu.addAction("Copy URL", self._copy_url)
        self.menu.addAction("Open logs folder", self.logs_requested.emit)
        self.menu.addAction("Settings", self.settings_requested.emit)
        self.menu.addSeparator()
        self.menu.addAction("Quit", self.quit_requested.emit)

    def _add_runs(self, menu: QMenu) -> None:
        """Add the user's scenarios, then the built-in ones."""
        for own in (True, False):
            for saved in [each for each in self._runs.scenarios if each.own is own][:MAX_SCENARIOS]:
                menu.addAction(menu_text(title_of(saved)), partial(self._runs.run, saved.name))
            menu.addSeparator()
        menu.addAction("Stop all scenarios", self._runs.stop_all).setEnabled(bool(self._runs.running))
        menu.addAction("Show all scenarios", self.scenarios_requested.emit)

    def _report(self, text: str) -> None:
        self.status_message.emit(text)
        self.fired.emit(text)

    def _add_server_actions(self) -> None:
        companion = self._companion
        if companion.server.listening:
            paused = companion.hub.paused
            self.menu.addAction(
                "Resume sending" if paused else "Pause sending", lambda: companion.pause(not paused)
            )
        else:
            self.menu.addAction(
                "Retry" if companion.services["events"].error else "Start server",
                lambda: self._do(companion.start()),
            )

    def _fire(self, fixture: Fixture) -> None:
        def fired(delivery: Delivery) -> None:
            self._on_fired(delivery)
            self._do(self._companion.check_fixture(fixture, delivery))  # a failed expectation is notified

        self._do(self._companion.composer.fire(fixture, origin=TRAY), fired)

    def _repeat(self) -> None:
        self._send(self._companion.composer.fire_again(origin=TRAY))

    def _send(self, firing: Coroutine[Any, Any, Delivery]) -> None:
        self._do(firing, self._on_fired)

    def _on_fired(self, delivery: Delivery) -> None:
        self.status_message.emit(delivery.note)
        self.fired.emit(result_of(self._companion, delivery))

    def _copy_url(self) -> None:
        QGuiApplication.clipboard().setText(self._companion.client_url)

    def _activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason in (QSystemTrayIcon.ActivationReason.Trigger, QSystemTrayIcon.ActivationReason.DoubleClick):
            self.open_requested.emit()
