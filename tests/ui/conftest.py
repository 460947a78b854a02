"""Qt tests: every async test and fixture in this folder runs on a qasync loop, like the program itself."""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path

os.environ["QT_API"] = "pyside6"

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication, QWidget
from qasync import QEventLoop

from app.companion import Companion
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui import theme
from app.ui.window import Window
from tests.conftest import until


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"qasync": lambda: QEventLoop(QApplication.instance())}


@pytest.fixture(scope="session", autouse=True)
def _program(qapp: QApplication) -> None:
    qapp.setQuitOnLastWindowClosed(False)
    theme.apply(qapp, "light")


def forget(widget: QWidget) -> None:
    """Destroy a widget now."""
    widget.hide()
    widget.deleteLater()
    QCoreApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete)


@pytest.fixture
def still(qapp: QApplication) -> Companion:
    """A companion that was never started: enough for whatever needs no socket."""
    return Companion(Settings(port=0))


@pytest.fixture
def show(qapp: QApplication) -> Iterator[Callable[[QWidget], None]]:
    """Shows widgets; they are destroyed when the test ends."""
    shown: list[QWidget] = []

    def show_one(widget: QWidget) -> None:
        shown.append(widget)
        widget.show()

    yield show_one
    for widget in shown:
        forget(widget)


@pytest.fixture
async def window(companion: Companion, tmp_path: Path) -> AsyncIterator[Window]:
    """The window of a listening companion, at the front."""
    window = Window(companion, Folders.of(tmp_path))
    window.present()
    await until(window.isActiveWindow)
    yield window
    window.close_down()
    forget(window)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("^This plugin does not support"))
