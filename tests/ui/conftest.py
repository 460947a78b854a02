"""Qt tests: every async test and fixture in this folder runs on the event loop of the program."""

import asyncio
import functools
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest
import pytestqt.plugin
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QApplication, QWidget
from qasync import QThreadExecutor

from app.companion import Companion
from app.loop import new_loop
from app.loop.stock import StockLoop
from app.system import data_directory
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui import single_instance, theme
from app.ui.garbage_collector import collect_all
from app.ui.widgets.lazy_stack import LazyStack
from app.ui.window import CHATS, MainWindow
from tests.conftest import MakeCompanion, until
from tests.ui.frames import wait_until_idle


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"qt": new_test_loop}


THREADS = 3
"""Size of the thread pool of a loop. Starting the usual ten threads would take a millisecond in each test."""


def new_test_loop() -> asyncio.AbstractEventLoop:
    """Return the program's loop: stock qasync if ``COMPANION_LOOP=qasync`` or the system requires it."""
    app = QApplication.instance()
    assert app
    loop = new_loop(app)
    loop.set_default_executor(QThreadExecutor(THREADS))
    if type(loop) is StockLoop:
        _guard_callbacks(loop)
    return loop


def _guard_callbacks(loop: Any) -> None:
    """Let tests process Qt events at any time, as the event loop of the program does.

    Callbacks of stock qasync are Qt timers. Qt also runs them at the end of ``run_until_complete``, between a test
    and its fixtures (pytest-qt), and inside a test that processes events (``QTest``). Set the running loop for
    them, and postpone them while a task is running, because a second task could not be entered and would hang.
    """
    call_later = loop.call_later

    def guarded(delay: float, callback: Callable[..., Any], *args: Any, context: Any = None) -> asyncio.Handle:
        def call() -> None:
            if handle.cancelled():
                return
            if asyncio.current_task(loop) is not None:
                call_later(0, call, context=context)
                return
            before = asyncio._get_running_loop()
            asyncio._set_running_loop(loop)
            try:
                callback(*args)
            finally:
                asyncio._set_running_loop(before)

        handle: asyncio.Handle = call_later(delay, call, context=context)
        return handle

    loop.call_later = guarded


@pytest.fixture(scope="session", autouse=True)
def _set_up_application(qapp: QApplication) -> Iterator[None]:
    gc.disable()  # see app/ui/garbage_collector.py
    qapp.setQuitOnLastWindowClosed(False)
    theme.apply(qapp, "light")
    yield
    collect_all()
    gc.enable()


@pytest.fixture(autouse=True)
def _no_events_outside_of_the_loop(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep pytest-qt from processing events between the fixtures and the body of an async test.

    In the program, Qt processes events only within the loop. Outside of it, ``app.ui.room_tasks.run`` drops the
    tasks of slots. On a slow machine, a timer that was due between a fixture and the test would lose its task.
    """
    if request.node.get_closest_marker("asyncio"):
        monkeypatch.setattr(pytestqt.plugin, "_process_events", lambda: None)


@pytest.fixture
def all_rooms() -> None:
    """Build also the rooms that the test does not use, while the loop is idle, as in the program."""


@pytest.fixture
def only_used_rooms() -> None:
    """Build only the rooms and parts that the test uses, also with ``COMPANION_TEST_ROOMS=all``."""


@pytest.fixture(autouse=True)
def _build_only_used_rooms(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Build only the rooms that the test uses. Building the other rooms takes longer than most tests.

    With ``COMPANION_TEST_ROOMS=all``, windows build all rooms, as in the nightly workflow, except in tests that use
    ``only_used_rooms``.
    """
    fixtures = request.fixturenames
    builds_all = "all_rooms" in fixtures or os.environ.get("COMPANION_TEST_ROOMS") == "all"
    if "only_used_rooms" in fixtures or not builds_all:
        monkeypatch.setattr(LazyStack, "build_the_rest", lambda _: None)


@pytest.fixture
def styled() -> None:
    """Give windows the style sheet of the theme and paint them, because the test depends on sizes or colours."""


@pytest.fixture(autouse=True)
def _style_windows_if_needed(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Do not style and paint windows unless the test uses ``styled``. It needs half of the time of a window.

    With ``COMPANION_TEST_ROOMS=all``, all windows are styled and painted.
    """
    if "styled" not in request.fixturenames and os.environ.get("COMPANION_TEST_ROOMS") != "all":
        monkeypatch.setattr(theme, "style_window", lambda window: window.setUpdatesEnabled(False))


SHORT_MS = 10
DELAYS = (
    "breakpoint_follower.DELAY_MS", "fault_watch.DELAY_MS", "reconnect_lab_window.REFRESH_MS",
    "recording_window.REFRESH_MS", "refuse_window.REFRESH_MS", "rooms.chats.REFRESH_MS", "rooms.faults.REFRESH_MS",
    "rooms.sources.ROWS_MS", "scenario_check.CHECK_MS", "scenario_runs.REFRESH_MS", "source_watch.DELAY_MS",
    "state_follower.REFRESH_MS", "widgets.held_editor.CHECK_MS", "widgets.lint_page.REFRESH_MS",
    "widgets.rejection_list.REFRESH_MS", "window.STRIP_MS",
)  # fmt: skip
"""Delays after which changes are shown together. Nothing but the number of updates depends on them."""


@pytest.fixture(scope="session", autouse=True)
def _short_delays() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patched:
        for name in DELAYS:
            patched.setattr(f"app.ui.{name}", SHORT_MS)
        yield


@pytest.fixture(autouse=True)
def _collect_garbage(request: pytest.FixtureRequest) -> None:
    """Collect the garbage of the test before on Qt's thread, as the program does.

    pytest keeps the values of fixtures until all have ended. Now they are still young, and cheap to collect. What
    survives a full collection is excluded from the next ones, which would need over a second each.
    """
    if hash(request.node.nodeid) % 20:
        gc.collect(1)
    else:
        gc.collect()
        gc.freeze()


def destroy_now(widget: QWidget) -> None:
    """Destroy a widget immediately."""
    widget.hide()
    widget.deleteLater()
    QCoreApplication.sendPostedEvents(widget, QEvent.Type.DeferredDelete)


async def close_and_destroy(window: MainWindow, companion: Companion) -> None:
    """Close a window, wait for its tasks, and destroy it."""
    window.close_down()
    await wait_until_idle(companion)
    destroy_now(window)


class Windows(Protocol):
    """Creates windows that are not shown yet. They are destroyed when the test ends."""

    def __call__(self, companion: Companion) -> MainWindow: ...


@pytest.fixture
def first_room() -> str:
    """Return the room that windows show first: the one that costs the least. Files about a room override it."""
    return CHATS


def new_window(companion: Companion, folder: Path, first_room: str) -> MainWindow:
    """Return a window that opens at a room, as if it had been closed there."""
    window = MainWindow(Folders.of(folder))
    window.navigation.select(first_room)
    window.navigation.focus_current()
    return window.fill(companion)


@pytest.fixture
async def windows(tmp_path: Path, make_companion: MakeCompanion, first_room: str) -> AsyncIterator[Windows]:
    """Return a function that creates windows of companions."""
    windows_to_close: list[tuple[MainWindow, Companion]] = []

    def make(companion: Companion) -> MainWindow:
        window = new_window(companion, tmp_path, first_room)
        windows_to_close.append((window, companion))
        return window

    yield make
    for window, companion in windows_to_close:
        await close_and_destroy(window, companion)


@pytest.fixture
def stopped_companion(qapp: QApplication) -> Companion:
    """Return a companion that was never started, for tests without sockets."""
    return Companion(Settings(port=0, rest_port=0))


@pytest.fixture
def show(qapp: QApplication) -> Iterator[Callable[[QWidget], None]]:
    """Return a function that shows widgets as windows of the theme. They are destroyed when the test ends."""
    shown: list[QWidget] = []

    def show_one(widget: QWidget) -> None:
        shown.append(widget)
        theme.style_window(widget)
        widget.show()

    yield show_one
    for widget in shown:
        destroy_now(widget)


@pytest.fixture
async def window(companion: Companion, tmp_path: Path, first_room: str) -> AsyncIterator[MainWindow]:
    """Return the active window of a listening companion."""
    window = new_window(companion, tmp_path, first_room)
    window.present()
    await until(window.isActiveWindow)
    yield window
    await close_and_destroy(window, companion)


async def run_in_thread(work: Callable[..., Any], *args: Any) -> Any:
    """Run a blocking function in a thread while the loop keeps running."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def run() -> None:
        result = work(*args)
        loop.call_soon_threadsafe(done.set_result, result)

    thread = threading.Thread(target=run)
    thread.start()
    result = await done
    thread.join()
    return result


async def send_to_first(folder: Path, *pieces: bytes) -> bytes:
    """Send data to the first instance. Return its answer when it has closed the connection."""
    state = QLocalSocket.LocalSocketState
    socket = QLocalSocket()
    socket.connectToServer(single_instance._name(folder))
    await until(lambda: socket.state() is state.ConnectedState)
    try:
        for number, piece in enumerate(pieces):
            if number:
                await asyncio.sleep(0.02)  # otherwise they would arrive together
            socket.write(piece)
            socket.flush()
        await until(lambda: socket.state() is state.UnconnectedState)
        return bytes(socket.readAll().data())
    finally:
        socket.abort()
        await asyncio.sleep(0)


HAND_OVER = """
import json, pathlib, sys
from app.ui.single_instance import hand_over
sys.exit(0 if hand_over(pathlib.Path(sys.argv[1]), json.loads(sys.argv[2])) else 1)
"""


@pytest.fixture
def one_attempt(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let ``hand_over`` fail at once if nothing listens, instead of trying for two seconds."""
    monkeypatch.setattr(single_instance, "CONNECT_MS", 0)
    monkeypatch.setattr(data_directory, "ATTEMPTS", 1)
    monkeypatch.setattr(data_directory, "pause", lambda: None)


async def second_start(folder: Path, arguments: Any, *, own_process: bool = False) -> bool:
    """Hand ``arguments`` over to a running instance. Return whether they were accepted.

    ``own_process`` lets another process call ``hand_over``, which blocks. Otherwise, the test sends the same bytes.
    """
    if not own_process:
        request = json.dumps({"version": single_instance.VERSION, "arguments": arguments})
        return await send_to_first(folder, request.encode() + b"\n") == b"ok\n"
    command = [sys.executable, "-c", HAND_OVER, str(folder), json.dumps(arguments)]
    result = await run_in_thread(functools.partial(subprocess.run, command, timeout=60, check=False))
    assert result.returncode in (0, 1)
    return bool(result.returncode == 0)
