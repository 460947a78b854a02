"""What the program loads before its window is painted: everything else is loaded afterwards, or on first use.

How long a start takes is measured by ``tests.benchmarks``. These tests find what would make it longer.
"""

import json
import os
import subprocess
import sys

import pytest

PROGRAM = """
import json, sys
from pathlib import Path
from PySide6 import QtGui, QtWidgets
from app.desktop import new_companion
from app.system.data_directory import DataDirectory, Overrides
from app.ui import theme
from app.ui.application import Application
from app.ui.window import MainWindow

class Window(MainWindow):
    def repaint(self):
        note("filled")
        super().repaint()

loaded = {}
def note(moment):
    loaded[moment] = [*sys.modules, *vars(QtGui), *vars(QtWidgets)]

app = Application(["companion"])
data = DataDirectory.open(Path(sys.argv[1]))
settings = data.load(Overrides())
theme.apply(app, settings.theme)
window = Window(data.folders)
note("appears")
window.present()
app.processEvents()
window.fill(new_companion(data, settings))
print(json.dumps(loaded), flush=True)
"""


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Return the modules and classes of Qt that are loaded when the window appears, and when it shows its log."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(tmp_path_factory.mktemp("data"))],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"}, check=True, capture_output=True, text=True,
    )  # fmt: skip
    return {moment: set(names) for moment, names in json.loads(done.stdout).items()}


def found(loaded: set[str], *names: str) -> set[str]:
    """Return the loaded modules and classes with these names, and the modules in packages of these names."""
    return {each for each in loaded if any(each == name or each.startswith(f"{name}.") for name in names)}


@pytest.mark.e2e
def test_the_empty_window_needs_no_companion(loaded: dict[str, set[str]]) -> None:
    later = ("app.companion", "app.hub", "app.chat", "asyncio", "logging.handlers", "sqlite3", "ssl", "hashlib")
    assert found(loaded["appears"], *later) == set()
    assert found(loaded["appears"], "app.ui.rooms", "app.ui.plain_text_dialogs") == set()


def test_the_log_is_shown_before_servers_tray_and_other_rooms_are_loaded(loaded: dict[str, set[str]]) -> None:
    servers = ("websockets", "aiohttp", "app.endpoints.events", "app.endpoints.rest", "app.endpoints.control")
    program = ("qasync", "app.loop", "app.desktop.tray_app", "app.ui.tray", "app.ui.notifications", "keyring")
    parts = ("app.observers", "app.interceptors", "app.sources.sessions", "app.protocol.session")
    hub = ("app.hub.expectation", "app.hub.held_items")
    rarely = ("faker", "tomlkit", "typer", "PySide6.QtNetwork", "app.ui.plain_text_dialogs", "app.ui.palette")
    hidden = ("hashlib", "app.ui.widgets.details", "app.ui.widgets.json_view", "app.ui.badges", "app.ui.notices")
    assert found(loaded["filled"], *servers, *program, *parts, *hub, *rarely, *hidden) == set()
    assert found(loaded["filled"], "app.ui.rooms") == {"app.ui.rooms", "app.ui.rooms.events"}


def test_no_classes_of_qt_are_loaded_that_the_window_does_not_use(loaded: dict[str, set[str]]) -> None:
    """PySide creates a class on first use, but all widgets at once if Python asks Qt for a widget that Qt created.

    ``QAbstractScrollArea.viewport()`` does this. So does ``QPainter.fillRect`` with the classes of brushes.
    """
    assert found(loaded["appears"], "QPushButton") == {"QPushButton"}
    assert found(loaded["appears"], "QGradient", "QMessageBox", "QTableView") == set()
    assert found(loaded["filled"], "QTableView") == {"QTableView"}
    assert found(loaded["filled"], "QWizard", "QGraphicsView", "QMessageBox", "QPlainTextEdit") == set()
