"""Start the desktop program: paint the empty window, unless it starts hidden, then load the companion and run it
on Qt's event loop. The companion is the object with the servers, the chat state and the log. If a desktop program
already runs with the same data directory, it gets ``--port`` and ``--hidden``, and shows its window unless
``--hidden`` was given. Other options cannot be changed then: with one, nothing is passed on, which is an error.
While the other program is starting or ending, this start waits.
While ``companion serve`` uses the data directory, the start fails.
"""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from PySide6.QtCore import QEventLoop, QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from app.system import displays
from app.system.console import is_shown_at_end
from app.system.control_token import TokenError, given
from app.system.data_directory import AlreadyRunning, DataDirectory, DataDirectoryError, Overrides
from app.system.descriptors import raise_descriptor_limit
from app.system.exit_codes import Exit
from app.system.paths import Folders
from app.system.terminal import is_terminal, say
from app.ui import theme
from app.ui.application import Application
from app.ui.garbage_collector import GarbageCollector
from app.ui.icons import icon
from app.ui.window import MainWindow

if TYPE_CHECKING:
    from app.companion import Companion
    from app.system.settings import Settings

INVISIBLE_PLATFORMS = ("offscreen", "minimal")
"""Qt platforms without a screen: a dialog would block forever."""
FIRST_PAINT_TIMEOUT_S = 0.1
"""Wait at most this long for the window to appear before loading the rest of the program."""


def run(overrides: Overrides, data_dir: Path | None, token_file: Path | None, *, hidden: bool) -> int:
    """Run the window and the tray icon until the user quits. Return the process's exit code.

    If a companion with the same data directory is running, pass it the port and ``hidden`` instead. With other
    overrides or ``token_file``, pass it nothing, and fail with ``Exit.BUSY``.
    """
    raise_descriptor_limit()
    app = QApplication.instance() or _open_display()
    assert isinstance(app, Application)
    app.setApplicationName("p2p-chat-companion")
    app.setApplicationDisplayName("P2P Chat Companion")
    app.setDesktopFileName("p2p-chat-companion")
    app.setQuitOnLastWindowClosed(False)
    app.setWindowIcon(icon("app"))
    try:
        given(token_file)
    except TokenError as error:
        return _fail(str(error), Exit.USAGE)
    fixed = [flag for flag in overrides.flags if flag != "--port"] + ["--token-file"] * bool(token_file)
    second = SecondStart(fixed, {"port": overrides.port, "hidden": hidden})
    try:
        data = DataDirectory.open_when_free(data_dir, second.is_running)
    except DataDirectoryError as error:
        if second.handed_over:
            return Exit.OK
        return _fail(str(error), error.exit)
    garbage = GarbageCollector()
    try:
        settings = data.load(overrides)
        theme.apply(app, settings.theme)
        window = MainWindow(data.folders)
        if not (hidden or settings.start_hidden):
            _paint_now(app, window)
        data.start_log(console=False)
        window.fill(new_companion(data, settings))
        # Imported only now: loading takes longer than showing the window.
        import asyncio

        from app.desktop.tray_app import TrayApp
        from app.loop import new_loop

        garbage.freeze()
        with asyncio.Runner(loop_factory=lambda: new_loop(app)) as runner:
            return runner.run(TrayApp(app, data, window, token_file).main(hidden=hidden))
    except DataDirectoryError as error:
        return _fail(str(error), error.exit)
    finally:
        garbage.close_down()
        data.lock.release()


class SecondStart:
    """Pass the arguments of this start to a companion that runs already."""

    def __init__(self, fixed: Sequence[str], arguments: dict[str, Any]) -> None:
        """``fixed``: options of this start that cannot be changed while a companion runs."""
        self._fixed = fixed
        self._arguments = arguments
        self.handed_over = False
        """Whether the running companion has accepted the arguments."""

    def is_running(self, folders: Folders) -> bool:
        """Pass the arguments to the running companion. Return False if there is none, or if it starts or ends.

        Raise ``AlreadyRunning`` if the options include one that it cannot change.
        """
        from PySide6.QtNetwork import QLocalSocket

        from app.system import instance
        from app.ui.single_instance import connect, send

        found = instance.find(folders.instance_file)
        if socket := connect(instance.folder_of(found, folders.runtime) if found else folders.runtime):
            if self._fixed:
                options = ", ".join(self._fixed)
                raise AlreadyRunning(
                    f"A companion is already running, and {options} cannot be changed while it runs. "
                    "Quit it first: `companion quit`."
                )
            self.handed_over = send(socket, self._arguments)
            # A companion that quits closes the connection instead of answering.
            return self.handed_over or socket.state() is QLocalSocket.LocalSocketState.ConnectedState
        return found is not None and not found.window  # `companion serve` has no socket


def new_companion(data: DataDirectory, settings: Settings) -> Companion:
    """Create the companion of a data directory."""
    from app.companion import Companion  # takes longer to load than the empty window takes to appear

    folders = data.folders
    return Companion(
        settings, chat_file=folders.chat_file, fixtures_folder=folders.fixtures,
        sessions_folder=folders.sessions, recordings_folder=folders.recordings,
        faults_folder=folders.faults, peer_keys_file=folders.peer_keys_file, events_folder=folders.events,
        supabase_key_file=folders.supabase_key_file,
        warnings=data.settings_file.warnings,
    )  # fmt: skip


def _open_display() -> Application:
    """Connect to the display. If there is none, print why and end the process: Qt itself would dump core."""
    messages: list[str] = []

    def on_message(kind: QtMsgType, _: QMessageLogContext, text: str | None) -> None:
        messages.append(text or "")
        if kind is QtMsgType.QtFatalMsg:
            reasons = messages if "QT_DEBUG_PLUGINS" in os.environ else messages[:1]
            report = (
                f"Cannot open the window: Qt found no usable display. {' '.join(displays.named())}",
                *reasons,
                "On Debian and Ubuntu, README's apt-get line installs the libraries that may be missing. "
                "`companion serve` runs without a window.",
            )
            say(*_lines(report))
            os._exit(Exit.FAILED)

    qInstallMessageHandler(on_message)
    try:
        app = Application(["companion"])
    finally:
        qInstallMessageHandler(None)
    say(*_lines(messages))
    return app


def _lines(texts: Iterable[str]) -> list[str]:
    """Return the lines of several texts."""
    return [line for text in texts for line in text.splitlines()]


def _paint_now(app: QApplication, window: MainWindow) -> None:
    """Show and paint the window. User input stays queued until the event loop runs."""
    window.present()
    end = time.monotonic() + FIRST_PAINT_TIMEOUT_S
    while not window.windowHandle().isExposed() and time.monotonic() < end:
        app.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 10)
    app.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)


def _fail(text: str, code: Exit) -> int:
    """Print why the program cannot start, show it in a dialog if nothing reads the output, and return ``code``."""
    say(text)
    if not (_is_read(sys.stderr) or is_shown_at_end()) and QApplication.platformName() not in INVISIBLE_PLATFORMS:
        # Started from a menu or at login: standard error is not visible.
        from app.ui.plain_text_dialogs import PlainTextMessageBox

        box = PlainTextMessageBox(None, "P2P Chat Companion cannot start", text)
        box.addButton("Close", box.ButtonRole.AcceptRole)
        box.exec()
        box.deleteLater()
    return code


def _is_read(stream: TextIO | None) -> bool:
    """Return whether a stream goes to a terminal, or through a pipe to another program, such as a CI job.

    Desktops that start programs from a menu use a file, a socket or nothing.
    """
    if stream is None:
        return False
    with suppress(OSError, ValueError):  # no descriptor, or closed
        return is_terminal(stream) or stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode)
    return False
