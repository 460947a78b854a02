"""Composition root with Qt: show the empty window first, then load the program behind it, on one loop."""

import os
import sys
import time
from collections.abc import Iterable
from pathlib import Path

from PySide6.QtCore import QEventLoop, QMessageLogContext, QtMsgType, qInstallMessageHandler
from PySide6.QtWidgets import QApplication

from app.system import displays
from app.system.control_token import TokenError, given
from app.system.data_directory import AlreadyRunning, DataDirectory, DataDirectoryError, Overrides
from app.system.descriptors import raise_descriptor_limit
from app.system.exit_codes import Exit
from app.system.paths import Folders
from app.system.terminal import say
from app.ui import theme
from app.ui.application import Application
from app.ui.garbage import GarbageCollector
from app.ui.icons import icon
from app.ui.plain_text import PlainTextMessageBox
from app.ui.window import MainWindow

INVISIBLE_PLATFORMS = ("offscreen", "minimal")
"""Qt platforms whose dialogs nobody sees."""
FIRST_SIGHT_S = 0.1
"""So long the program waits at most for its window to be on the screen before it loads the rest."""


def run(overrides: Overrides, data_dir: Path | None, token_file: Path | None, *, hidden: bool) -> int:
    """Open the window and the tray icon until somebody quits. Returns the process's exit code."""
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
    try:
        home = DataDirectory.open(data_dir)
    except AlreadyRunning as error:
        from app.ui.single_instance import hand_over

        if hand_over(Folders.of(data_dir).runtime, {"port": overrides.port, "hidden": hidden}):
            lost = [flag for flag in overrides.flags if flag != "--port"] + ["--token-file"] * bool(token_file)
            if not lost:
                return Exit.OK
            told = f"A companion is running already, and {', '.join(lost)} cannot be changed there"
            say(f"{told}. Quit it first: `companion quit`.")
            return Exit.BUSY
        return _fail(str(error), error.exit)
    except DataDirectoryError as error:
        return _fail(str(error), error.exit)
    garbage = GarbageCollector()
    try:
        settings = home.load(overrides)
        theme.apply(app, settings.theme)
        window = MainWindow(home.folders)
        if not (hidden or settings.start_hidden):
            _show(app, window)
        home.start_log(console=False)
        # Loaded only now: it takes longer than all that a person has seen so far.
        import asyncio

        from app.desktop.tray_app import TrayApp
        from app.loop import new_loop

        garbage.set_aside()
        with asyncio.Runner(loop_factory=lambda: new_loop(app)) as runner:
            return runner.run(TrayApp(app, home, settings, window, token_file).main(hidden=hidden))
    except DataDirectoryError as error:
        return _fail(str(error), error.exit)
    finally:
        garbage.close_down()
        home.lock.release()


def _open_display() -> Application:
    """Connect to the display, or end the process with a word: Qt itself would end it with a core dump."""
    said: list[str] = []

    def hear(kind: QtMsgType, _: QMessageLogContext, text: str | None) -> None:
        said.append(text or "")
        if kind is QtMsgType.QtFatalMsg:
            why = said if "QT_DEBUG_PLUGINS" in os.environ else said[:1]
            told = (
                f"The window cannot be opened: Qt finds no display that it can use. {' '.join(displays.named())}",
                *why,
                "On Debian and Ubuntu, README's apt-get line installs what may be missing. "
                "`companion serve` runs without a window.",
            )
            say(*_lines(told))
            os._exit(Exit.FAILED)

    qInstallMessageHandler(hear)
    try:
        app = Application(["companion"])
    finally:
        qInstallMessageHandler(None)
    say(*_lines(said))
    return app


def _lines(texts: Iterable[str]) -> list[str]:
    """Return the lines of several texts."""
    return [line for text in texts for line in text.splitlines()]


def _show(app: QApplication, window: MainWindow) -> None:
    """Paint the window. What a person does with it meanwhile is done when there is somebody to do it."""
    window.present()
    end = time.monotonic() + FIRST_SIGHT_S
    while not window.windowHandle().isExposed() and time.monotonic() < end:
        app.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents, 10)
    app.processEvents(QEventLoop.ProcessEventsFlag.ExcludeUserInputEvents)


def _fail(text: str, code: Exit) -> int:
    """Report why the program cannot start, and return ``code``."""
    say(text)
    if not _has_terminal() and QApplication.platformName() not in INVISIBLE_PLATFORMS:
        # Started from a menu or at login, where nobody sees standard error.
        box = PlainTextMessageBox(None, "P2P Chat Companion cannot start", text)
        box.setIcon(PlainTextMessageBox.Icon.Critical)
        box.exec()
        box.deleteLater()
    return code


def _has_terminal() -> bool:
    return sys.stderr is not None and sys.stderr.isatty()
