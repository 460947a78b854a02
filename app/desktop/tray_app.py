"""The running desktop program: connects window, tray icon and companion, starts the servers, stops all on quit.

The companion is the object with the servers, the chat state and the log. This module also handles second starts,
system-wide shortcuts, the fire bar, notifications, changes of settings, the question before quitting, and crash
reports. ``app.desktop.run`` creates application, data directory, window and companion, and runs ``TrayApp``.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEventLoop, QObject, QTimer
from PySide6.QtWidgets import QSystemTrayIcon

from app.control_access import ControlAccess
from app.hub.clock import use_fine_clock
from app.protocol.counts import count
from app.system.crash import CrashReporter
from app.system.data_directory import DataDirectory
from app.system.exit_codes import Exit
from app.system.process_signals import ignore_more, on_stop
from app.system.settings import SHORTCUTS, Settings
from app.system.settings_checks import InvalidSettings, check, ports_in_use
from app.ui import theme
from app.ui.application import Application
from app.ui.browser import open_folder
from app.ui.global_shortcuts import GlobalShortcuts
from app.ui.notifications import Note, Notifications
from app.ui.room_registry import SCENARIOS
from app.ui.single_instance import FirstInstance
from app.ui.tray import Tray, result_of
from app.ui.window import EVENTS, FIXTURES, SETTINGS, MainWindow

if TYPE_CHECKING:
    from app.ui.fire_bar_window import FireBarWindow
    from app.ui.plain_text_dialogs import PlainTextMessageBox

TRAY_POLL_MS = 2000
MAX_TRAY_POLLS = 5
"""After this many polls without a tray, a hidden start shows the window. At login the tray can appear late."""

SESSION_END_MS = 4000
"""Milliseconds to shut down at log-off. Windows ends the process after five seconds."""

RESULT_MS = 3000
"""Milliseconds to show the result of a fired event as a notification, if the window is hidden."""


class TrayApp(QObject):
    """Create the tray icon, and connect it and the companion with the window. ``main`` runs until quit."""

    def __init__(
        self,
        app: Application,
        data: DataDirectory,
        window: MainWindow,
        token_file: Path | None = None,
    ) -> None:
        """``window`` shows its rooms already: it was filled with the companion."""
        super().__init__()
        self._app = app
        self._data = data
        self.window = window
        self.companion = window.companion
        self._saved_theme: str = self.companion.settings.theme
        self._theme: str = self._saved_theme
        """The theme that is shown: Settings shows a chosen theme before it is saved."""
        self._stop = asyncio.Event()
        self._tray: Tray | None = None
        self._quit_question: PlainTextMessageBox | None = None
        self._is_new = not data.folders.chat_file.exists()
        self.access = ControlAccess(self.companion, data.folders, token_file)
        self.companion.raise_window = self.window.present
        self.companion.show_fire_bar = self._show_fire_bar
        self.companion.show_recording = lambda recording: self.window.recordings.show(recording)
        self._fire_bar: FireBarWindow | None = None
        actions = {"repeat_shortcut": self.window.firing.repeat, "fire_bar_shortcut": self._toggle_fire_bar}
        self._shortcuts = GlobalShortcuts(actions, self._on_shortcut_failed)
        self.companion.quit_program = self._stop.set
        self.companion.current_settings.write = data.save
        self.window.open_control = self._open_access
        self._first = FirstInstance(data.folders.runtime)
        self._notifications = Notifications(self.companion, self._notify)
        self._noted_room = ""
        """The room that a click on the last notification opens."""

    async def main(self, *, hidden: bool) -> int:
        """Start everything, wait for the quit request, and stop everything in reverse order. Return the exit code.

        ``hidden``: do not show the window if there is a tray icon.
        """
        loop = asyncio.get_running_loop()
        use_fine_clock(loop)
        crashes = CrashReporter(self._data.folders.logs, self._show_crash, self._stop.set)
        crashes.install(loop)
        on_stop(loop, self._stop.set)
        self._connect()
        self._polls = 0
        poll = QTimer(self, interval=TRAY_POLL_MS)
        poll.timeout.connect(self._look_for_tray)
        self._look_for_tray()
        poll.start()
        if self._is_new and self.window.first_hint("first steps"):
            self.window.show_first_steps(focus=False)
        stay_hidden = (hidden or self.companion.settings.start_hidden) and self._may_hide()
        if not stay_hidden and not self.window.isVisible():
            self.window.present()
        for service in self.companion.services:
            if service.name != "control":  # needs its token first: see _open_access
                await self.companion.start_service(service.name)
        self.window.show_warnings()
        opening = self.companion.tasks.spawn(self._open_access(), "open the control API")
        await self._stop.wait()
        opening.cancel()
        self.companion.raise_window = self.companion.show_fire_bar = None  # the control API still answers
        self.companion.show_recording = None
        self.access.close()
        poll.stop()
        self._first.close_down()
        self._notifications.close_down()
        self._disconnect()
        self._shortcuts.close()
        if self._fire_bar:
            self._fire_bar.close_down()
            self._fire_bar.hide()
            self._fire_bar.deleteLater()
        self._app.quit_requested.disconnect(self._stop.set)
        self._app.styleHints().colorSchemeChanged.disconnect(self._on_color_scheme_changed)
        if self._tray:
            self._tray.close_down()
        self.window.close_down()
        self.window.hide()
        await self.companion.close()
        crashes.uninstall()
        ignore_more(loop)
        return Exit.OK

    async def _open_access(self) -> None:
        await self.access.open()
        self._show_token()
        self.window.show_state()

    def _show_token(self) -> None:
        """Pass the token to the window once it is known. The control API obtains it when it is switched on."""
        token = self.access.token
        if token is None or token is self.window.token:
            return
        self.window.show_token(token)
        if token.notice:
            self.window.banner.show_notice(token.notice, topic="token")

    def _connect(self) -> None:
        self._disconnect = self.companion.changed.connect(lambda _: self._follow_settings())
        self._follow_settings()
        self._app.quit_requested.connect(self._stop.set)
        if sys.platform == "win32" and (main := asyncio.current_task()):
            self._app.aboutToQuit.connect(partial(self._on_session_end, main))
        self.window.closed.connect(self._on_window_closed)
        self.window.quit_requested.connect(self.ask_to_quit)
        self.window.save_requested.connect(self._save)
        self.window.edits_save_requested.connect(self._save_edits)
        self.window.theme_previewed.connect(self._apply_theme)
        self.window.fire_bar_requested.connect(lambda: self._made_fire_bar().present_or_focus())
        self.window.firing.fired.connect(lambda delivery: self._show_result(result_of(self.companion, delivery)))
        self.window.firing.failed.connect(self._show_result)
        self._first.arguments_received.connect(self._on_second_start)
        self._app.styleHints().colorSchemeChanged.connect(self._on_color_scheme_changed)

    # quitting

    def ask_to_quit(self) -> None:
        """Quit. If clients are connected and the setting is on, ask for confirmation first."""
        clients = self.companion.hub.connection_count
        if not clients or not self.companion.settings.confirm_quit:
            self._stop.set()
            return
        if self._quit_question:
            self.window.present()
            self._quit_question.raise_()
            return
        from app.ui.plain_text_dialogs import PlainTextMessageBox

        self.window.present()
        box = PlainTextMessageBox(
            self.window,
            "Quit?",
            f"{count(clients, 'client')} connected. Quit anyway?",
            "Their connections will close with code 1001. You can turn this question off in Settings.",
        )
        quit_button = box.addButton("Quit", box.ButtonRole.AcceptRole)
        box.addButton(box.StandardButton.Cancel)
        box.setDefaultButton(quit_button)
        self._quit_question = box
        box.finished.connect(lambda _: self._on_answer(box.clickedButton() is quit_button))
        box.open()

    def _on_session_end(self, main: asyncio.Task[Any]) -> None:
        """Shut down before this returns, because Windows ends the process then.

        At log-off, shutdown and restart, Qt emits ``aboutToQuit`` while ``main`` runs. Otherwise, it does so only
        after ``main``, also if that has failed.
        """
        if main.done():
            return
        waiting = QEventLoop()
        main.add_done_callback(lambda _: waiting.quit())
        QTimer.singleShot(SESSION_END_MS, waiting, waiting.quit)
        self._stop.set()
        waiting.exec()

    def _on_answer(self, yes: bool) -> None:
        if self._quit_question:
            self._quit_question.deleteLater()
        self._quit_question = None
        if yes:
            self._stop.set()

    def _on_window_closed(self) -> None:
        if self._tray and self.companion.settings.close_to_tray:
            self.window.hide()
            if self.window.first_hint("close"):
                self._noted_room = ""
                self._tray.notify(
                    "Still running in the tray",
                    "The server keeps running. To quit, use this icon's menu. You can change what closing the "
                    "window does in Settings.",
                )
        else:
            self.ask_to_quit()

    # tray

    def _may_hide(self) -> bool:
        return self._tray is not None or self._polls < MAX_TRAY_POLLS

    def _look_for_tray(self) -> None:
        """Create or remove the tray icon as the system tray appears or disappears.

        Without a tray, show the window: a hidden one would be unreachable.
        """
        available = QSystemTrayIcon.isSystemTrayAvailable()
        if available and self._tray is None:
            self._tray = self._make_tray()
        elif not available and self._tray is not None:
            self._tray.close_down()
            self._tray = None
            self._polls = 0
        self.window.show_tray(self._tray is not None)
        self._polls += 1
        if self._tray is None and self._polls == MAX_TRAY_POLLS and not self.window.isVisible():
            self.window.present()

    def _make_tray(self) -> Tray:
        tray = Tray(self.companion)
        tray.open_requested.connect(self.window.present)
        tray.quit_requested.connect(self.ask_to_quit)
        tray.logs_requested.connect(lambda: open_folder(self._data.folders.logs))
        tray.settings_requested.connect(self._open_settings)
        tray.fixtures_requested.connect(self._open_fixtures)
        tray.scenarios_requested.connect(self._open_scenarios)
        tray.status_message.connect(self.window.status.show_message)
        tray.fired.connect(self._show_result)
        tray.fire_bar_requested.connect(self._show_fire_bar)
        tray.notification_clicked.connect(self._on_notification_clicked)
        return tray

    def _notify(self, note: Note) -> None:
        self._noted_room = note.room
        if self._tray:
            self._tray.notify(note.title, note.body)

    def _on_notification_clicked(self) -> None:
        if self._noted_room:
            self.window.open_room(self._noted_room)
        self.window.present()

    def _show_result(self, text: str) -> None:
        """Show the result of a fired event: in the tray icon's tooltip and the fire bar, or else in a notification.

        The notification is for a hidden window. Otherwise its status bar shows the result.
        """
        if self._tray:
            self._tray.show_result(text)
        if self._fire_bar and self._fire_bar.isVisible():
            self._fire_bar.show_result(text)
        elif self._tray and (not self.window.isVisible() or self.window.isMinimized()):
            self._noted_room = EVENTS
            self._tray.notify("P2P Chat Companion", text, RESULT_MS)

    def _open_settings(self) -> None:
        self.window.open_room(SETTINGS)
        self.window.present()

    def _open_fixtures(self) -> None:
        self.window.open_room(FIXTURES)
        self.window.present()

    def _open_scenarios(self) -> None:
        self.window.open_room(SCENARIOS)
        self.window.present()

    # fire bar and system-wide shortcuts

    def _made_fire_bar(self) -> FireBarWindow:
        from app.ui.fire_bar_window import FireBarWindow

        if self._fire_bar is None:
            self._fire_bar = FireBarWindow(self.companion, self.window.memory, self.window.firing.fired.emit)
        return self._fire_bar

    def _show_fire_bar(self) -> None:
        self._made_fire_bar().present()

    def _toggle_fire_bar(self) -> None:
        self._made_fire_bar().toggle()

    def _on_shortcut_failed(self, name: str, why: str) -> None:
        choose = ("Open Settings", partial(self.window.open_setting, name))
        self.window.banner.show_notice(why, (choose,), topic=name)

    # settings, second starts, crashes

    def _save(self, settings: Settings, whole: Collection[str] = ()) -> None:
        try:
            self.companion.save_settings(settings, whole)
        except InvalidSettings as error:
            self.window.banner.show_notice(f"The settings are not saved: {error}.", topic="settings")
            return
        except OSError as error:
            self.window.banner.show_notice(
                f"The settings could not be saved: {error.strerror}. They apply until you quit.", topic="settings"
            )
        else:
            self.window.banner.remove_notice("settings")
            self.window.status.show_message("Settings saved")
        self.companion.tasks.spawn(self.companion.apply(settings), "apply settings")

    def _save_edits(self, edited: Settings) -> None:
        """Save the form of Settings. A list that was changed there replaces the one of the file."""
        before = self.companion.settings
        names = Settings.__struct_fields__
        self._save(edited, [each for each in names if getattr(edited, each) != getattr(before, each)])

    def _follow_settings(self) -> None:
        """Apply the theme and the system-wide shortcuts of the settings, which the control API may have changed."""
        self._show_token()
        settings = self.companion.settings
        if settings.theme != self._saved_theme:
            before, self._saved_theme = self._saved_theme, settings.theme
            if self._theme == before:  # otherwise Settings shows a theme that is not saved
                self._apply_theme(settings.theme)
        shortcuts = {name: getattr(settings, name) for name in SHORTCUTS}
        if shortcuts != self._shortcuts.wanted:
            for name in SHORTCUTS:
                self.window.banner.remove_notice(name)
            self._shortcuts.use(shortcuts)

    def _on_color_scheme_changed(self) -> None:
        self._apply_theme(self._theme)

    def _apply_theme(self, name: str) -> None:
        self._theme = name
        theme.apply(self._app, name)
        self.window.recolor()
        if self._fire_bar:
            self._fire_bar.recolor()

    def _on_second_start(self, arguments: dict[str, Any]) -> None:
        """Handle the arguments of a second start: quit, show the window, or move to another port."""
        if arguments.get("quit") is True:
            self._stop.set()
            return
        if not arguments.get("hidden"):
            self.window.present()
        port = arguments.get("port")
        if type(port) is int and check("port", port) is None and port != self.companion.settings.port:
            in_use = {
                used: server for name, used, server in ports_in_use(self.companion.settings) if name != "port"
            }
            if other := in_use.get(port):
                refused = f"A second start requested port {port}, but {port} is already the port of {other}."
                self.window.banner.show_notice(refused, topic="second start")
                return
            self.companion.tasks.spawn(self._move_to_port(port), "move to another port")

    async def _move_to_port(self, port: int) -> None:
        """Move the event server, and say so unless that failed, which has a notice of its own."""
        await self.companion.move_to_port(port)
        if not self.companion.services["events"].error:
            moved_to = f"The event server moved to port {self.companion.server.port}, as a second start requested."
            self.window.banner.show_notice(moved_to, topic="second start")

    def _show_crash(self, text: str) -> None:
        self.window.banner.show_notice(
            text, (("Open logs folder", lambda: open_folder(self._data.folders.logs)),), topic="crash"
        )
