"""The program that stays: joins window, tray and companion, and owns the way out."""

import asyncio
from pathlib import Path
from typing import Any

from msgspec.structs import replace
from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QSystemTrayIcon

from app.companion import Companion
from app.control_access import ControlAccess
from app.hub.clock import use_fine_clock
from app.hub.hub import count
from app.system.crash import CrashReporter
from app.system.data_directory import DataDirectory
from app.system.exit_codes import Exit
from app.system.process_signals import ignore_more, on_stop
from app.system.settings import InvalidSettings, Settings, check, equal_ports
from app.ui import theme
from app.ui.application import Application
from app.ui.plain_text import PlainTextMessageBox
from app.ui.rooms.settings import open_folder
from app.ui.single_instance import FirstInstance
from app.ui.tray import Tray
from app.ui.window import FIXTURES, SETTINGS, MainWindow

TRAY_POLL_MS = 2000
TRAY_PATIENCE = 5
"""At login the tray may come late: a hidden start waits for so many polls before it shows the window."""


class TrayApp(QObject):
    """Joins window, tray and companion, and owns the way out."""

    def __init__(
        self,
        app: Application,
        home: DataDirectory,
        settings: Settings,
        window: MainWindow,
        token_file: Path | None = None,
    ) -> None:
        super().__init__()
        self._app = app
        self._home = home
        self._theme: str = settings.theme
        self._stop = asyncio.Event()
        self._tray: Tray | None = None
        self._asking: PlainTextMessageBox | None = None
        folders = home.folders
        self.companion = Companion(
            settings, chat_file=folders.chat_file, fixtures_folder=folders.fixtures,
            warnings=home.settings_file.warnings,
        )  # fmt: skip
        self.access = ControlAccess(self.companion, folders, token_file)
        self.window = window.fill(self.companion)
        self.companion.raise_window = self.window.present
        self.companion.quit_program = self._stop.set
        self.companion.current_settings.write = home.save
        self.window.open_control = self._open_access
        self._first = FirstInstance(home.folders.runtime)

    async def main(self, *, hidden: bool) -> int:
        """Run until told to stop; everything stops in reverse order of its start."""
        loop = asyncio.get_running_loop()
        use_fine_clock(loop)
        crashes = CrashReporter(self._home.folders.logs, self._say_crash, self._stop.set)
        crashes.install(loop)
        on_stop(loop, self._stop.set)
        self._connect()
        self._polls = 0
        poll = QTimer(self, interval=TRAY_POLL_MS)
        poll.timeout.connect(self._look_for_tray)
        self._look_for_tray()
        poll.start()
        stay_hidden = (hidden or self.companion.settings.start_hidden) and self._may_hide()
        if not stay_hidden and not self.window.isVisible():
            self.window.present()
        for service in self.companion.services:
            if service.name != "control":  # it needs its token first; see _open_access
                await self.companion.start_service(service.name)
        if warnings := self.companion.warnings:
            self.window.banner.say("\n".join(warnings))
        opening = self.companion.tasks.spawn(self._open_access(), "open the control API")
        await self._stop.wait()
        opening.cancel()
        self.access.close()
        poll.stop()
        self._first.close_down()
        self._app.quit_wanted.disconnect(self._stop.set)
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
        token = self.access.token
        self.window.settings.show_token(token)
        if token and token.notice:
            self.window.banner.say(token.notice, topic="token")
        self.window.show_state()

    def _connect(self) -> None:
        self.companion.changed.connect(lambda _: self._follow_theme())
        self._app.quit_wanted.connect(self._stop.set)
        self.window.closed.connect(self._window_closed)
        self.window.quit_requested.connect(self.ask_to_quit)
        self.window.save_requested.connect(self._save)
        self._first.handed_over.connect(self._second_start)
        self._app.styleHints().colorSchemeChanged.connect(lambda _: self._dress(self.companion.settings.theme))

    # the way out

    def ask_to_quit(self) -> None:
        """Quit; ask first while clients are connected."""
        clients = self.companion.hub.connection_count
        if not clients or not self.companion.settings.confirm_quit:
            self._stop.set()
            return
        if self._asking:
            self._asking.raise_()
            return
        self.window.present()
        box = PlainTextMessageBox(
            self.window,
            "Quit?",
            f"{count(clients, 'client')} connected. Quit anyway?",
            "Their connections close with code 1001. Settings can switch this question off.",
        )
        quit_button = box.addButton("Quit", box.ButtonRole.AcceptRole)
        box.addButton(box.StandardButton.Cancel)
        box.setDefaultButton(quit_button)
        self._asking = box
        box.finished.connect(lambda _: self._answered(box.clickedButton() is quit_button))
        box.open()

    def _answered(self, yes: bool) -> None:
        if self._asking:
            self._asking.deleteLater()
        self._asking = None
        if yes:
            self._stop.set()

    def _window_closed(self) -> None:
        if self._tray and self.companion.settings.close_to_tray:
            self.window.hide()
            if self.window.take_hint("close"):
                self._tray.hint(
                    "Still running here",
                    "The event server goes on. Quit is in this icon's menu; Settings can change what closing does.",
                )
        else:
            self.ask_to_quit()

    # tray

    def _may_hide(self) -> bool:
        return self._tray is not None or self._polls < TRAY_PATIENCE

    def _look_for_tray(self) -> None:
        """Follow the system tray as it comes and goes; without one the window must not be lost."""
        there = QSystemTrayIcon.isSystemTrayAvailable()
        if there and self._tray is None:
            self._tray = self._make_tray()
        elif not there and self._tray is not None:
            self._tray.close_down()
            self._tray = None
            self._polls = 0
        self._polls += 1
        if self._tray is None and self._polls == TRAY_PATIENCE and not self.window.isVisible():
            self.window.present()

    def _make_tray(self) -> Tray:
        tray = Tray(self.companion)
        tray.open_requested.connect(self.window.present)
        tray.quit_requested.connect(self.ask_to_quit)
        tray.logs_requested.connect(lambda: open_folder(self._home.folders.logs))
        tray.settings_requested.connect(self._open_settings)
        tray.fixtures_requested.connect(self._open_fixtures)
        tray.status_message.connect(self.window.status.say)
        return tray

    def _open_settings(self) -> None:
        self.window.open_room(SETTINGS)
        self.window.present()

    def _open_fixtures(self) -> None:
        self.window.open_room(FIXTURES)
        self.window.present()

    # settings, later starts, failures

    def _save(self, settings: Settings) -> None:
        try:
            self.companion.save_settings(settings)
        except InvalidSettings as error:
            self.window.banner.say(f"The settings are not saved: {error}.")
            return
        except OSError as error:
            self.window.banner.say(f"The settings could not be saved: {error.strerror}. They hold until you quit.")
        else:
            self.window.status.say("Settings saved")
        self.companion.tasks.spawn(self.companion.apply(settings), "apply settings")
        self._dress(settings.theme)

    def _follow_theme(self) -> None:
        """Use the theme of the settings: scripts can change it, too."""
        if self.companion.settings.theme != self._theme:
            self._dress(self.companion.settings.theme)

    def _dress(self, appearance: str) -> None:
        self._theme = appearance
        theme.apply(self._app, appearance)
        self.window.recolor()

    def _second_start(self, arguments: dict[str, Any]) -> None:
        if arguments.get("quit") is True:
            self._stop.set()
            return
        if not arguments.get("hidden"):
            self.window.present()
        port = arguments.get("port")
        if type(port) is int and check("port", port) is None and port != self.companion.settings.port:
            moved = replace(self.companion.settings, port=port)
            if errors := equal_ports(moved):
                self.window.banner.say(f"A second start asked for port {port}, but {errors[0].reason}.")
                return
            self.window.banner.say(f"A second start asked for port {port}: the event server has moved there.")
            self.companion.tasks.spawn(self.companion.apply(moved), "move to another port")

    def _say_crash(self, text: str) -> None:
        self.window.banner.say(
            text, (("Open logs folder", lambda: open_folder(self._home.folders.logs)),), topic="crash"
        )
