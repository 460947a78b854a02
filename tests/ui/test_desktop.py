"""The tray program: window, tray and companion on one loop, and every way to quit."""

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import tomlkit
from msgspec.structs import replace
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtNetwork import QLocalSocket
from PySide6.QtWidgets import QApplication, QMessageBox, QPushButton, QSystemTrayIcon
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from app import desktop as desktop_module
from app.companion import Companion
from app.desktop import new_companion, run
from app.desktop import tray_app as tray_app_module
from app.desktop.tray_app import TrayApp
from app.hub.origin import PANEL
from app.hub.server_state import ServerState
from app.protocol.envelope import Envelope
from app.protocol.fixture import Fixture
from app.system import data_directory, instance
from app.system.console import RecentOutput, prepared
from app.system.data_directory import DataDirectory, Overrides
from app.system.exit_codes import Exit
from app.system.settings import Settings
from app.system.settings_checks import InvalidSettings
from app.ui import single_instance, theme
from app.ui.application import Application
from app.ui.single_instance import hand_over
from app.ui.theme import DARK, LIGHT
from app.ui.widgets.name_dialog import NameDialog
from app.ui.window import CHATS, CLIENTS, FIXTURES, SETTINGS, MainWindow
from tests.conftest import PATIENCE_S, make_link, newest_client, until
from tests.system.keyrings import LockedKeyring, using
from tests.ui.conftest import destroy_now, second_start
from tests.ui.frames import frame
from tests.ui.parts import menu_of

LEFT = Qt.MouseButton.LeftButton
Start = Callable[..., Awaitable[TrayApp]]
TOKEN = "the-token-of-these-tests"


@pytest.fixture(autouse=True)
def _own_logging(own_logging: None) -> None:
    """Restore the logging configuration, because each TrayApp starts a log."""


@pytest.fixture(autouse=True)
def _token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_TOKEN", TOKEN)  # otherwise the keyring of the system would be read


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DataDirectory]:
    home = DataDirectory.open(tmp_path)
    home.start_log(console=False)
    yield home
    home.lock.release()


def started(companion: Companion) -> bool:
    rest = companion.rest.listening or companion.services["rest"].error or not companion.settings.rest
    control = companion.control.listening or companion.services["control"].error or not companion.settings.control
    return companion.state is not ServerState.STOPPED and bool(rest and control)


class RunningApps:
    """The tasks of the started programs, and their exit codes."""

    def __init__(self) -> None:
        self.tasks: dict[TrayApp, asyncio.Task[int]] = {}

    async def code(self, desktop: TrayApp) -> int:
        async with asyncio.timeout(PATIENCE_S):
            return await self.tasks[desktop]

    def running(self, desktop: TrayApp) -> bool:
        return not self.tasks[desktop].done()


@pytest.fixture
async def apps() -> RunningApps:
    return RunningApps()


@pytest.fixture
async def start(qapp: Application, home: DataDirectory, apps: RunningApps) -> AsyncIterator[Start]:
    async def start_one(
        *, hidden: bool = False, port: int | None = 0, rest_port: int = 0, first: bool = False, **settings: Any
    ) -> TrayApp:
        """Start the program at the room that costs the least. ``first``: as if it had never been started."""
        overrides = Overrides(port=port, rest_port=rest_port, control_port=0)
        initial_settings = replace(home.load(overrides), **settings)
        if initial_settings.theme != "system":
            theme.apply(qapp, initial_settings.theme)
        window = MainWindow(home.folders)
        if not first:
            window.first_hint("first steps")
            window.navigation.select(CHATS)
            window.navigation.focus_current()
        window.fill(new_companion(home, initial_settings))
        desktop = TrayApp(qapp, home, window)
        apps.tasks[desktop] = asyncio.get_running_loop().create_task(desktop.main(hidden=hidden))
        await until(lambda: started(desktop.companion))
        await asyncio.sleep(0)
        return desktop

    yield start_one
    for desktop, task in apps.tasks.items():
        desktop._stop.set()
        await task
        destroy_now(desktop.window)
    if theme.colors() is not LIGHT:
        theme.apply(qapp, "light")


class Availability:
    """Replaces QSystemTrayIcon in the check whether the system has a tray."""

    available = True

    @classmethod
    def isSystemTrayAvailable(cls) -> bool:
        return cls.available


@pytest.fixture
def system_tray(monkeypatch: pytest.MonkeyPatch) -> type[Availability]:
    monkeypatch.setattr(Availability, "available", True)
    monkeypatch.setattr(tray_app_module, "QSystemTrayIcon", Availability)
    monkeypatch.setattr(tray_app_module, "TRAY_POLL_MS", 10)
    return Availability


@pytest.fixture
def hints(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    hints: list[str] = []
    monkeypatch.setattr(QSystemTrayIcon, "showMessage", lambda _, title, text, *more: hints.append(title))
    return hints


@pytest.fixture
def notifications(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """Record the titles and texts of notifications."""
    notifications: list[tuple[str, str]] = []
    monkeypatch.setattr(
        QSystemTrayIcon, "showMessage", lambda _, title, text, *more: notifications.append((title, text))
    )
    return notifications


async def connect_to(desktop: TrayApp) -> ClientConnection:
    newest = newest_client(desktop.companion.hub)
    client = await connect(desktop.companion.server.url, proxy=None)
    await until(lambda: newest_client(desktop.companion.hub) > newest)
    return client


async def close_code(client: ClientConnection) -> int | None:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionClosed):
            await client.recv()
    return client.close_code


def question() -> QMessageBox:
    box = QApplication.activeModalWidget()
    assert isinstance(box, QMessageBox)
    return box


def answer(box: QMessageBox, title: str, qtbot: Any) -> None:
    button = next(each for each in box.findChildren(QPushButton) if each.text().replace("&", "") == title)
    qtbot.mouseClick(button, LEFT)


# start and quit


async def test_a_start_shows_the_window_and_listens(start: Start) -> None:
    desktop = await start()
    assert desktop.window.isVisible()
    assert desktop.companion.state is ServerState.LISTENING
    assert not desktop.window.banner.isVisible()
    client = await connect_to(desktop)
    await desktop.companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    assert (await frame(client))["event"] == "friend_online"
    await client.close()


async def test_closing_without_a_tray_and_without_clients_quits(start: Start, apps: RunningApps) -> None:
    desktop = await start()
    desktop.window.close()
    assert await apps.code(desktop) == Exit.OK
    assert desktop.companion.state is ServerState.STOPPED
    assert not desktop.window.isVisible()


async def test_the_control_api_opens_no_window_while_quitting(start: Start, apps: RunningApps) -> None:
    desktop = await start()
    assert desktop.companion.show_fire_bar is not None
    desktop.companion.show_fire_bar()
    functions_at_close: list[object] = []
    close = desktop.companion.close

    async def close_and_record(*, keep_run: bool = True) -> None:
        functions_at_close.extend([desktop.companion.raise_window, desktop.companion.show_fire_bar])
        await close(keep_run=keep_run)

    desktop.companion.close = close_and_record  # type: ignore[method-assign]
    desktop._stop.set()
    assert await apps.code(desktop) == Exit.OK
    assert functions_at_close == [None, None]


async def test_ctrl_q_quits(start: Start, apps: RunningApps, qtbot: Any) -> None:
    desktop = await start()
    await until(desktop.window.isActiveWindow)
    qtbot.keyClick(desktop.window, Qt.Key.Key_Q, Qt.KeyboardModifier.ControlModifier)
    assert await apps.code(desktop) == Exit.OK


async def test_with_a_client_quitting_asks_and_cancel_keeps_running(
    start: Start, apps: RunningApps, qtbot: Any
) -> None:
    desktop = await start()
    client = await connect_to(desktop)
    desktop.window.close()
    box = question()
    assert box.text() == "1 client connected. Quit anyway?"
    answer(box, "Cancel", qtbot)
    await asyncio.sleep(0.02)
    assert apps.running(desktop)
    assert desktop.window.isVisible()
    await desktop.companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    assert (await frame(client))["event"] == "friend_online"
    await client.close()


async def test_with_a_client_quitting_asks_and_quit_closes_with_1001(
    start: Start, apps: RunningApps, qtbot: Any
) -> None:
    desktop = await start()
    first, second = await connect_to(desktop), await connect_to(desktop)
    desktop.ask_to_quit()
    assert question().text() == "2 clients connected. Quit anyway?"
    answer(question(), "Quit", qtbot)
    codes = list(await asyncio.gather(close_code(first), close_code(second)))
    assert codes == [1001, 1001]
    assert await apps.code(desktop) == Exit.OK


async def test_escape_cancels_quitting(start: Start, apps: RunningApps, qtbot: Any) -> None:
    desktop = await start()
    client = await connect_to(desktop)
    desktop.ask_to_quit()
    qtbot.keyClick(question(), Qt.Key.Key_Escape)
    await asyncio.sleep(0.02)
    assert apps.running(desktop)
    desktop.ask_to_quit()
    answer(question(), "Quit", qtbot)
    assert await apps.code(desktop) == Exit.OK
    await client.close()


async def test_only_one_confirmation_is_shown_at_a_time(start: Start, qtbot: Any) -> None:
    desktop = await start()
    client = await connect_to(desktop)
    desktop.ask_to_quit()
    desktop.window.close()
    desktop.ask_to_quit()
    assert len([box for box in desktop.window.findChildren(QMessageBox) if box.isVisible()]) == 1
    answer(question(), "Cancel", qtbot)
    await client.close()


async def test_the_confirmation_can_be_disabled(start: Start, apps: RunningApps) -> None:
    desktop = await start(confirm_quit=False)
    client = await connect_to(desktop)
    desktop.window.close()
    assert await close_code(client) == 1001
    assert await apps.code(desktop) == Exit.OK


async def test_a_quit_event_of_the_system_quits(start: Start, apps: RunningApps) -> None:
    desktop = await start()
    client = await connect_to(desktop)
    application = QApplication.instance()
    assert application is not None
    QCoreApplication.sendEvent(application, QEvent(QEvent.Type.Quit))
    assert await apps.code(desktop) == Exit.OK
    assert await close_code(client) == 1001


async def test_everything_is_stopped_when_windows_ends_the_session(
    start: Start, apps: RunningApps, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: Windows ended the process before that, so that the next start reported a crash."""
    monkeypatch.setattr(tray_app_module, "sys", SimpleNamespace(platform="win32"))
    desktop = await start()
    client = await connect_to(desktop)
    stopped: list[ServerState] = []

    def end_session() -> None:
        qapp.aboutToQuit.emit()
        stopped.append(desktop.companion.state)  # Windows ends the process here

    QTimer.singleShot(0, end_session)
    await until(lambda: stopped)
    assert stopped == [ServerState.STOPPED]
    assert await apps.code(desktop) == Exit.OK
    assert await close_code(client) == 1001


async def test_the_end_of_the_session_does_not_wait_for_a_companion_that_hangs(
    start: Start, apps: RunningApps, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tray_app_module, "sys", SimpleNamespace(platform="win32"))
    monkeypatch.setattr(tray_app_module, "SESSION_END_MS", 1)
    desktop = await start()
    goes_on = asyncio.Event()
    close = desktop.companion.close

    async def close_late() -> None:
        await goes_on.wait()
        await close()

    monkeypatch.setattr(desktop.companion, "close", close_late)
    qapp.aboutToQuit.emit()
    assert apps.running(desktop)
    goes_on.set()
    assert await apps.code(desktop) == Exit.OK


async def test_an_ordinary_quit_does_not_wait(
    start: Start, apps: RunningApps, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tray_app_module, "sys", SimpleNamespace(platform="win32"))
    desktop = await start()
    qapp.quit()
    assert await apps.code(desktop) == Exit.OK
    monkeypatch.setattr(tray_app_module, "QEventLoop", None)
    qapp.aboutToQuit.emit()


async def test_qapplication_quit_quits(start: Start, apps: RunningApps, qapp: QApplication) -> None:
    desktop = await start()
    qapp.quit()
    assert await apps.code(desktop) == Exit.OK


@pytest.mark.usefixtures("interruptible")
@pytest.mark.skipif(sys.platform == "win32", reason="Windows sends no such signals")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, getattr(signal, "SIGHUP", signal.SIGTERM)])
async def test_a_signal_quits(start: Start, apps: RunningApps, number: signal.Signals) -> None:
    desktop = await start()
    client = await connect_to(desktop)
    os.kill(os.getpid(), number)
    assert await apps.code(desktop) == Exit.OK
    assert await close_code(client) == 1001


async def test_a_running_series_does_not_prevent_quitting(start: Start, apps: RunningApps) -> None:
    desktop = await start()
    desktop.window.inject.bar.times.setValue(100_000)
    desktop.window.inject.bar.fire(delay_s=1000)
    desktop.window.close()
    assert await apps.code(desktop) == Exit.OK


async def test_quitting_restores_the_exception_hook(start: Start, apps: RunningApps) -> None:
    before = sys.excepthook
    desktop = await start()
    assert sys.excepthook is not before
    desktop.window.close()
    await apps.code(desktop)
    assert sys.excepthook is before


# tray


async def test_closing_the_window_with_a_tray_hides_it_and_shows_the_hint_once(
    start: Start, apps: RunningApps, system_tray: type[Availability], hints: list[str], qtbot: Any
) -> None:
    desktop = await start()
    client = await connect_to(desktop)
    for _ in range(2):
        desktop.window.close()
        await asyncio.sleep(0.02)
        assert not desktop.window.isVisible()
        assert apps.running(desktop)
        desktop.window.present()
    assert hints == ["Still running in the tray"]
    await desktop.companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    assert (await frame(client))["event"] == "friend_online"
    await client.close()


async def test_the_hint_is_not_repeated_at_the_next_start(
    start: Start, apps: RunningApps, system_tray: type[Availability], hints: list[str]
) -> None:
    for _ in range(2):
        desktop = await start()
        desktop.window.close()
        desktop._stop.set()
        await apps.code(desktop)
    assert hints == ["Still running in the tray"]


async def test_the_fire_menu_of_the_tray_opens_the_fixtures(start: Start, system_tray: type[Availability]) -> None:
    desktop = await start(hidden=True)
    assert desktop._tray
    desktop._tray.fixtures_requested.emit()
    assert desktop.window.isVisible()
    assert desktop.window.rooms.current == FIXTURES


async def test_closing_the_window_with_a_tray_quits_if_so_configured(
    start: Start, apps: RunningApps, system_tray: type[Availability], hints: list[str]
) -> None:
    desktop = await start(close_to_tray=False)
    desktop.window.close()
    assert await apps.code(desktop) == Exit.OK
    assert hints == []


async def test_the_menu_of_the_tray_opens_the_window_opens_settings_and_quits(
    start: Start, apps: RunningApps, system_tray: type[Availability]
) -> None:
    desktop = await start(hidden=True)
    tray = desktop._tray
    assert tray
    assert not desktop.window.isVisible()
    actions = {action.text(): action for action in tray.menu.actions()}
    actions["Open"].trigger()
    assert desktop.window.isVisible()
    assert desktop.window.rooms.current == CHATS
    desktop.window.hide()
    actions["Settings"].trigger()
    assert desktop.window.isVisible()
    assert desktop.window.rooms.current == SETTINGS
    actions["Quit"].trigger()
    assert await apps.code(desktop) == Exit.OK
    assert not tray.icon.isVisible()


async def test_quit_in_the_tray_shows_the_window_with_the_confirmation(
    start: Start, apps: RunningApps, system_tray: type[Availability], qtbot: Any
) -> None:
    desktop = await start(hidden=True)
    client = await connect_to(desktop)
    assert desktop._tray
    desktop._tray.quit_requested.emit()
    assert desktop.window.isVisible()
    answer(question(), "Quit", qtbot)
    assert await close_code(client) == 1001
    assert await apps.code(desktop) == Exit.OK


async def test_the_setting_start_hidden_hides_the_window(start: Start, system_tray: type[Availability]) -> None:
    desktop = await start(start_hidden=True)
    assert desktop.companion.state is ServerState.LISTENING
    assert not desktop.window.isVisible()


async def test_a_hidden_start_without_a_tray_shows_the_window_after_a_while(
    start: Start, system_tray: type[Availability]
) -> None:
    system_tray.available = False
    desktop = await start(hidden=True)
    await until(desktop.window.isVisible)


async def test_a_tray_that_becomes_available_later_is_used(
    start: Start, system_tray: type[Availability], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tray_app_module, "MAX_TRAY_POLLS", 1000)
    system_tray.available = False
    desktop = await start(hidden=True)
    system_tray.available = True
    await until(lambda: desktop._tray is not None)
    assert not desktop.window.isVisible()


async def test_the_window_is_shown_when_the_tray_disappears(start: Start, system_tray: type[Availability]) -> None:
    desktop = await start()
    desktop.window.close()
    assert not desktop.window.isVisible()
    system_tray.available = False
    await until(desktop.window.isVisible)
    system_tray.available = True
    await until(lambda: desktop._tray is not None)


# failures


async def test_an_exception_in_a_slot_is_reported_and_the_program_keeps_running(
    start: Start, tmp_path: Path, expected_warnings: list[str]
) -> None:
    expected_warnings.append("unexpected ZeroDivisionError in a Qt slot")
    desktop = await start()

    def fail() -> None:
        raise ZeroDivisionError("of this test")

    QTimer.singleShot(0, fail)
    await until(desktop.window.banner.isVisible)
    text = desktop.window.banner.text.text()
    assert "ZeroDivisionError" in text
    assert [button.text() for button in desktop.window.banner.buttons] == ["Open logs folder", "Dismiss"]
    (report,) = (tmp_path / "logs").glob("crash-*.txt")
    assert str(report) in text
    assert "test_desktop.py" in report.read_text(encoding="utf-8")
    await (await connect_to(desktop)).close()


async def test_an_exception_in_an_event_loop_callback_is_reported(
    start: Start, expected_warnings: list[str]
) -> None:
    expected_warnings.append("unexpected ZeroDivisionError in a task or callback")
    desktop = await start()

    def fail() -> None:
        raise ZeroDivisionError("in a callback")

    asyncio.get_running_loop().call_soon(fail)
    await until(desktop.window.banner.isVisible)
    assert "ZeroDivisionError" in desktop.window.banner.text.text()


async def test_an_exception_in_a_task_is_reported(start: Start, expected_warnings: list[str]) -> None:
    expected_warnings.append("unexpected ZeroDivisionError in a task or callback")
    desktop = await start()

    async def fail() -> None:
        raise ZeroDivisionError("in a task")

    desktop.companion.tasks.spawn(fail(), "doomed")
    await until(desktop.window.banner.isVisible)
    assert "ZeroDivisionError" in desktop.window.banner.text.text()


async def test_crash_report_and_log_contain_no_payloads(
    start: Start, tmp_path: Path, expected_warnings: list[str]
) -> None:
    expected_warnings.append("unexpected ZeroDivisionError in a Qt slot")
    desktop = await start()
    client = await connect_to(desktop)
    await client.send('{"event": "typing", "data": {"to": "secret-name", "typing": true}}')
    await until(lambda: any(row.event == "typing" for row in desktop.companion.journal))

    def fail() -> None:
        raise ZeroDivisionError("error for secret-name")

    QTimer.singleShot(0, fail)
    await until(desktop.window.banner.isVisible)
    texts = [file.read_text(encoding="utf-8") for file in (tmp_path / "logs").iterdir()]
    assert len(texts) == 2
    assert all("ZeroDivisionError" in text for text in texts)
    assert not any("secret-name" in text for text in texts)
    await client.close()


# settings


def saved_settings(home: DataDirectory) -> dict[str, Any]:
    return dict(tomlkit.parse(home.settings_file.path.read_text(encoding="utf-8")).unwrap())


async def test_saved_settings_are_written_and_applied(
    start: Start, home: DataDirectory, unused_tcp_port: int, qtbot: Any
) -> None:
    desktop = await start()
    room = desktop.window.settings
    desktop.window.open_room(SETTINGS)
    room.fields.username.setText("max")
    room.fields.port.setValue(unused_tcp_port)
    qtbot.mouseClick(room.bar.save, LEFT)
    await until(lambda: desktop.companion.server.port == unused_tcp_port)
    await until(lambda: desktop.companion.state is ServerState.LISTENING)
    assert desktop.companion.hub.local_user == "max"
    assert saved_settings(home)["username"] == "max"
    assert saved_settings(home)["port"] == unused_tcp_port
    assert desktop.window.status.message.text() == "Settings saved"
    assert not room.bar.save.isEnabled()


async def test_the_token_can_be_copied_after_the_control_api_was_switched_on(start: Start) -> None:
    desktop = await start(control=False)
    await until(lambda: desktop.access._opened)
    tokens = desktop.window.settings.tokens
    assert not tokens.copy_main.isEnabled()
    await desktop.companion.apply(replace(desktop.companion.settings, control=True))
    await until(tokens.copy_main.isEnabled)


@pytest.mark.usefixtures("styled")
async def test_a_chosen_theme_is_shown_before_it_is_saved_and_until_it_is_discarded(
    start: Start, unused_tcp_port: int
) -> None:
    desktop = await start(port=unused_tcp_port, theme="light")
    room = desktop.window.settings
    choose = room.fields.theme
    choose.setCurrentIndex(choose.findData("dark"))
    assert theme.colors() is DARK
    assert desktop.companion.settings.theme == "light"
    assert room.bar.consequences.text() == "Unsaved changes · The theme is a preview until you save it"
    desktop.companion.pause()
    desktop.window.pin(["basics/typing"])
    await until(lambda: desktop.companion.settings.pinned == ["basics/typing"])
    assert theme.colors() is DARK, "other changes do not end the preview"
    await desktop.companion.apply(replace(desktop.companion.settings, theme="system"))
    assert theme.colors() is DARK, "nor does a theme that is saved elsewhere"
    assert room.bar.consequences.text() == "Unsaved changes · The theme is a preview until you save it"
    await desktop.companion.apply(replace(desktop.companion.settings, theme="light"))
    assert theme.colors() is DARK
    assert choose.currentData() == "dark"
    room.bar.discard.click()
    assert theme.colors() is LIGHT
    assert choose.currentData() == "light"
    choose.setCurrentIndex(choose.findData("dark"))
    await desktop.companion.apply(replace(desktop.companion.settings, username="max"))
    assert choose.currentData() == "dark", "the edit of another setting is kept"
    await desktop.companion.apply(replace(desktop.companion.settings, theme="dark"))
    assert not room.bar.isVisible()


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize(("name", "scheme"), [("dark", DARK), ("light", LIGHT)])
async def test_a_saved_theme_is_applied_immediately(
    start: Start, unused_tcp_port: int, name: str, scheme: theme.Colors
) -> None:
    desktop = await start(port=unused_tcp_port, theme="light" if name == "dark" else "dark")
    room = desktop.window.settings
    assert theme.colors() is not scheme
    room.fields.theme.setCurrentIndex(room.fields.theme.findData(name))
    room.bar.save.click()
    await until(lambda: desktop.companion.settings.theme == name)
    await until(lambda: theme.colors() is scheme)


async def test_settings_that_cannot_be_saved_apply_until_quitting(
    start: Start, tmp_path: Path, unused_tcp_port: int
) -> None:
    (tmp_path / "settings.toml").mkdir()
    desktop = await start(port=unused_tcp_port)
    room = desktop.window.settings
    room.fields.username.setText("max")
    room.bar.save.click()
    await until(lambda: desktop.companion.settings.username == "max")
    assert desktop.window.banner.isVisible()
    assert "The settings could not be saved" in desktop.window.banner.text.text()
    assert "apply until you quit" in desktop.window.banner.text.text()
    await asyncio.to_thread((tmp_path / "settings.toml").rmdir)
    room.fields.username.setText("anna")
    room.bar.save.click()
    await until(lambda: desktop.companion.settings.username == "anna")
    assert "could not be saved" not in desktop.window.banner.text.text()


async def test_an_unreadable_settings_file_is_reported_and_defaults_are_used(start: Start, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text("this is = = not TOML", encoding="utf-8")
    desktop = await start()
    assert desktop.window.banner.isVisible()
    assert "settings.toml could not be read, so defaults are used" in desktop.window.banner.text.text()
    assert desktop.companion.state is ServerState.LISTENING


async def test_invalid_settings_are_reported_and_replaced_by_defaults(start: Start, tmp_path: Path) -> None:
    (tmp_path / "settings.toml").write_text('username = ""\ntheme = "pink"\n', encoding="utf-8")
    desktop = await start()
    text = desktop.window.banner.text.text()
    assert "username" in text
    assert "theme" in text
    assert desktop.companion.settings.username == "me"


@pytest.fixture
def busy() -> Iterator[socket.socket]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


async def test_a_busy_port_is_reported_and_can_be_retried(
    start: Start, apps: RunningApps, busy: socket.socket, qtbot: Any
) -> None:
    desktop = await start(port=busy.getsockname()[1])
    assert desktop.companion.state is ServerState.BLOCKED
    busy.close()
    qtbot.mouseClick(desktop.window.strip.buttons[0], LEFT)
    await until(lambda: desktop.companion.state is ServerState.LISTENING)
    assert not desktop.window.strip.isVisible()
    desktop.window.close()
    assert await apps.code(desktop) == Exit.OK


async def test_a_busy_port_is_not_hidden_by_a_broken_settings_file(
    start: Start, tmp_path: Path, busy: socket.socket
) -> None:
    (tmp_path / "settings.toml").write_text("this is = = not TOML", encoding="utf-8")
    desktop = await start(port=busy.getsockname()[1])
    await until(desktop.window.banner.isVisible)
    assert "Retry" in [button.text() for button in desktop.window.strip.buttons]
    assert "could not be read" in desktop.window.banner.text.text()


# the chat state


async def test_the_chat_state_is_restored_at_the_next_start(start: Start, apps: RunningApps) -> None:
    desktop = await start()
    assert not desktop.companion.in_memory
    desktop.window.chats.add_persona("zoe")
    await until(lambda: desktop.window.chats.model.line_of("zoe") >= 0)
    desktop.window.close()
    await apps.code(desktop)
    second = await start()
    await until(lambda: second.window.chats.model.line_of("zoe") >= 0)
    assert "zoe" in second.companion.personas


async def test_a_damaged_chat_state_is_reported_and_reset(
    start: Start, home: DataDirectory, expected_warnings: list[str]
) -> None:
    home.folders.chat_file.write_bytes(b"not a database" * 1000)
    desktop = await start()
    await until(desktop.window.banner.isVisible)
    assert "The chat state was damaged" in desktop.window.banner.text.text()
    assert desktop.companion.personas == ["alice", "bob", "carol", "dave"]


async def test_invalid_settings_are_rejected_and_not_saved(start: Start, home: DataDirectory) -> None:
    """Settings are checked here too, although the form has checked them."""
    desktop = await start()
    before = desktop.companion.settings
    for invalid, error in (
        (replace(before, port=9000, rest_port=9000), "rest_port: 9000 is already the port of the event server"),
        (replace(before, allowed_origins=["null"]), "allowed_origins: null is not an origin"),
        (replace(before, username="alice"), "username: alice is a friend in this chat state. Choose another name"),
    ):
        desktop._save(invalid)
        assert f"The settings are not saved: {error}" in desktop.window.banner.text.text()
    assert desktop.companion.settings == before
    assert not home.settings_file.path.exists()


async def test_changes_of_settings_that_cannot_be_saved_are_not_reported_as_done(
    start: Start, home: DataDirectory
) -> None:
    """Regression: the status said that they are done. A filter that stays saved was replaced in the field."""
    home.settings_file.path.write_text("this is = = not TOML", encoding="utf-8")
    desktop = await start(saved_filters={"mine": "is:error"})
    window, companion = desktop.window, desktop.companion
    before = companion.settings
    window.status.show_message("")
    window.allow("http://localhost:1234")
    window.contract.switch("typing-not-stopped", on=False)
    window.events.filter.setText("is:warning")
    window.events.bar.saved.save()
    dialog = window.findChild(NameDialog)
    assert dialog
    dialog.name.setText("errors")
    dialog.buttons.accepted.emit()
    assert window.events.bar.saved.current == ""
    window.events.filter.setText("@mine")
    window.events.bar.saved.delete()
    assert window.events.filter.text() == "@mine"
    assert window.status.message.text() == ""
    assert "The settings are not saved: " in window.banner.text.text()
    assert companion.settings == before


@pytest.mark.parametrize("error", [InvalidSettings([]), OSError(errno.ENOSPC, "No space left on device")])
async def test_a_fixture_whose_pin_cannot_be_saved_is_not_renamed(
    start: Start, home: DataDirectory, error: Exception
) -> None:
    """Regression: it was, and its pin pointed to nothing after the next start."""
    fixtures = home.folders.fixtures
    fixtures.mkdir(exist_ok=True)
    (fixtures / "mine.json").write_text('{"frame": "x"}', encoding="utf-8")
    desktop = await start(pinned=["mine"])
    window, companion = desktop.window, desktop.companion
    before = companion.settings

    def fail(*_: object) -> None:
        raise error

    companion.current_settings.write = fail
    window.fixtures._actions._rename_to("mine", "yours")
    why = "mine is not renamed, because its pin could not be saved: "
    await until(lambda: window.status.message.text().startswith(why))
    assert [each.name for each in fixtures.glob("*.json")] == ["mine.json"]
    assert companion.settings == before


async def test_a_second_start_cannot_move_to_the_port_of_another_server(start: Start, tmp_path: Path) -> None:
    desktop = await start()
    desktop.companion.settings.rest_port = 9000
    before = desktop.companion.server.port
    assert await second_start(tmp_path, {"port": 9000, "hidden": False})
    await until(desktop.window.banner.isVisible)
    assert "9000 is already the port of the REST stand-in" in desktop.window.banner.text.text()
    assert desktop.companion.server.port == before


async def test_a_busy_rest_port_does_not_affect_the_event_server(start: Start, busy: socket.socket) -> None:
    desktop = await start(rest_port=busy.getsockname()[1])
    assert desktop.companion.state is ServerState.LISTENING
    assert f"Port {busy.getsockname()[1]} is busy" in desktop.window.banner.text.text()
    await (await connect_to(desktop)).close()


async def test_rest_can_be_disabled_and_enabled_in_the_settings(
    start: Start, home: DataDirectory, qtbot: Any
) -> None:
    desktop = await start()
    room = desktop.window.settings
    desktop.window.open_room(SETTINGS)
    for on in (False, True):
        room.fields.checks["rest"].setChecked(on)
        qtbot.mouseClick(room.bar.save, LEFT)
        await until(lambda on=on: desktop.companion.rest.listening is on and not room.bar.discard.isEnabled())
        assert saved_settings(home).get("rest", True) is on
    assert not desktop.window.banner.isVisible()


async def test_allowed_origins_in_the_settings_replace_those_of_an_edited_file(
    start: Start, home: DataDirectory
) -> None:
    """Regression: an origin that was added to the file could connect after the next start."""
    desktop = await start()
    room = desktop.window.settings
    file = home.folders.settings_file
    for origin in ("http://localhost:1", "http://localhost:3"):
        room.fields.origins.setPlainText(origin)
        room.bar.save.click()
        assert saved_settings(home)["allowed_origins"] == [origin]
        file.write_text(file.read_text("utf-8").replace(':1"]', ':1", "http://localhost:2"]'), encoding="utf-8")


# a second start


async def test_a_second_start_shows_the_window(
    start: Start, tmp_path: Path, system_tray: type[Availability]
) -> None:
    desktop = await start(hidden=True)
    assert not desktop.window.isVisible()
    assert await second_start(tmp_path, {"port": None, "hidden": True})
    assert not desktop.window.isVisible()
    assert await second_start(tmp_path, {"port": None, "hidden": False})
    assert desktop.window.isVisible()
    assert not desktop.window.banner.isVisible()


async def test_a_second_start_can_quit_the_first(start: Start, tmp_path: Path) -> None:
    """Installers call ``companion quit``. No confirmation is shown, although a client is connected."""
    desktop = await start()
    client = await connect_to(desktop)
    assert await second_start(tmp_path, {"quit": "yes"})
    assert not desktop._stop.is_set()
    assert await second_start(tmp_path, {"quit": True})
    await until(desktop._stop.is_set)
    await client.close()


async def test_a_second_start_moves_the_event_server_to_its_port(
    start: Start, tmp_path: Path, unused_tcp_port: int
) -> None:
    desktop = await start()
    assert await second_start(tmp_path, {"port": unused_tcp_port, "hidden": False})
    await until(lambda: desktop.companion.server.port == unused_tcp_port)
    await until(lambda: desktop.companion.state is ServerState.LISTENING)
    await until(lambda: f"moved to port {unused_tcp_port}" in desktop.window.banner.text.text())
    await (await connect_to(desktop)).close()


async def test_a_second_start_with_a_busy_port_is_not_said_to_have_moved_the_server(
    start: Start, tmp_path: Path, busy: socket.socket
) -> None:
    desktop = await start()
    port = busy.getsockname()[1]
    assert await second_start(tmp_path, {"port": port, "hidden": False})
    await until(lambda: desktop.companion.services["events"].error)
    tasks = desktop.companion.tasks
    await until(lambda: all(task.get_name() != "move to another port" for task in tasks._running))
    assert "moved" not in desktop.window.banner.text.text()


async def test_a_second_start_with_any_port_names_the_one_that_was_chosen(
    start: Start, tmp_path: Path, unused_tcp_port: int
) -> None:
    desktop = await start(port=unused_tcp_port)
    assert await second_start(tmp_path, {"port": 0, "hidden": False})
    await until(lambda: "moved to port" in desktop.window.banner.text.text())
    assert f"moved to port {desktop.companion.server.port}," in desktop.window.banner.text.text()


async def test_a_second_start_with_the_same_port_changes_nothing(
    start: Start, tmp_path: Path, unused_tcp_port: int
) -> None:
    desktop = await start(port=unused_tcp_port)
    client = await connect_to(desktop)
    assert await second_start(tmp_path, {"port": unused_tcp_port, "hidden": False})
    await desktop.companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    assert (await frame(client))["event"] == "friend_online"
    assert not desktop.window.banner.isVisible()
    await client.close()


async def test_a_second_start_with_an_invalid_port_does_not_affect_the_server(
    start: Start, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    desktop = await start()
    before = desktop.companion.server.port
    for port in ("8081", 8081.5, None, [1], True, 70_000, -1):
        with subtests.test(port=port):
            assert await second_start(tmp_path, {"port": port, "hidden": False})
            await asyncio.sleep(0.1)
            assert desktop.companion.state is ServerState.LISTENING
            assert desktop.companion.server.port == before


@pytest.mark.usefixtures("one_attempt")
async def test_a_second_start_is_not_accepted_after_shutdown(
    start: Start, apps: RunningApps, tmp_path: Path
) -> None:
    desktop = await start()
    desktop.window.close()
    await apps.code(desktop)
    assert not hand_over(tmp_path, {"port": None})


# fixtures and scripts


async def test_a_saved_and_pinned_fixture_is_restored_at_the_next_start(
    start: Start, apps: RunningApps, tmp_path: Path, qtbot: Any
) -> None:
    desktop = await start()
    await desktop.companion.fixtures.save("mine/late", Fixture(event="typing", data={}))
    desktop.window.open_room(FIXTURES)
    desktop.window.fixtures.choose("mine/late")
    qtbot.mouseClick(desktop.window.fixtures.form.pin, LEFT)
    await until(lambda: "mine/late" in desktop.companion.settings.pinned)
    saved = tomlkit.parse((tmp_path / "settings.toml").read_text()).unwrap()
    assert saved["pinned"] == [*Settings().pinned, "mine/late"]
    desktop.window.close()
    await apps.code(desktop)
    second = await start()
    assert [each.name for each in second.companion.fixtures.pinned][-1] == "mine/late"
    second.window.open_room(FIXTURES)
    second.window.fixtures.choose("mine/late")
    assert second.window.fixtures.form.pin.isChecked()


async def test_the_token_can_be_copied_and_the_control_api_answers(start: Start, qtbot: Any) -> None:
    desktop = await start()
    await until(desktop.window.settings.tokens.copy_main.isEnabled)
    assert desktop.companion.control.listening
    desktop.window.open_room(SETTINGS)
    qtbot.mouseClick(desktop.window.settings.tokens.copy_main, LEFT)
    assert QApplication.clipboard().text() == TOKEN


async def test_an_invalid_token_is_reported_in_the_window(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COMPANION_TOKEN", "short")
    desktop = await start()
    await until(desktop.window.banner.isVisible)
    assert "COMPANION_TOKEN contains no valid token" in desktop.window.banner.text.text()
    assert not desktop.companion.control.listening
    assert not desktop.window.settings.tokens.copy_main.isEnabled()


async def test_without_a_keyring_the_banner_shows_once_where_the_token_is_stored(
    start: Start, home: DataDirectory, apps: RunningApps, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COMPANION_TOKEN")
    with using(LockedKeyring()):
        desktop = await start()
        await until(desktop.window.banner.isVisible)
        assert f"stored in {home.folders.token_file}" in desktop.window.banner.text.text()
        assert desktop.access.token is not None
        assert desktop.access.token.value not in desktop.window.banner.text.text()
        desktop._stop.set()
        assert await apps.code(desktop) == 0
        second = await start()
        await until(lambda: second.access.token is not None)
        assert not second.window.banner.isVisible()


async def test_raise_window_shows_the_window(start: Start, system_tray: type[Availability]) -> None:
    desktop = await start(hidden=True)
    assert not desktop.window.isVisible()
    assert desktop.companion.raise_window
    desktop.companion.raise_window()
    assert desktop.window.isVisible()


@pytest.mark.parametrize("dialog", ["palette", "name", "delete"])
async def test_quitting_with_an_open_dialog_works(start: Start, apps: RunningApps, qtbot: Any, dialog: str) -> None:
    desktop = await start()
    await desktop.companion.fixtures.save("mine/late", Fixture(event="typing", data={}))
    desktop.window.open_room(FIXTURES)
    desktop.window.fixtures.choose("mine/late")
    if dialog == "palette":
        assert desktop.window.open_palette().isVisible()
    else:
        button = {"name": desktop.window.fixtures.form.rename, "delete": desktop.window.fixtures.form.delete}[
            dialog
        ]
        qtbot.mouseClick(button, LEFT)
        assert QApplication.activeModalWidget()
    desktop._stop.set()
    assert await apps.code(desktop) == Exit.OK


# run()


def test_run_opens_the_window_listens_and_returns_ok(qapp: QApplication, tmp_path: Path) -> None:
    states: list[str] = []

    def read_and_quit() -> None:
        windows = [each for each in qapp.topLevelWidgets() if isinstance(each, MainWindow) and each.isVisible()]
        states.extend(
            each.status.state.text() for each in windows if each.filled
        )  # the window is shown before it is filled
        if any("Listening" in text for text in states):
            poll.stop()
            qapp.quit()

    poll = QTimer(interval=20)
    poll.timeout.connect(read_and_quit)
    poll.start()
    assert run(Overrides(port=0, rest_port=0, control_port=0), tmp_path, None, hidden=False) == Exit.OK
    assert "Listening" in states[-1]
    second = DataDirectory.open(tmp_path)  # the lock was released
    second.lock.release()


@pytest.mark.usefixtures("one_attempt")
def test_run_reports_another_instance_that_does_not_respond(
    qapp: QApplication, home: DataDirectory, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Overrides(), tmp_path, None, hidden=False) == Exit.BUSY
    assert "Another companion is running" in capsys.readouterr().err


@pytest.mark.parametrize("overrides", [Overrides(port=0), Overrides(port=0, rest_port=0, control_port=0)])
def test_a_start_waits_until_a_companion_that_is_ending_has_ended(
    home: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overrides: Overrides
) -> None:
    """A companion that quits closes its socket first, and releases the lock last."""
    monkeypatch.setattr(data_directory, "pause", home.lock.release)
    second = desktop_module.SecondStart(overrides.flags[1:], {})
    opened = DataDirectory.open_when_free(tmp_path, second.is_running)
    assert not second.handed_over
    opened.lock.release()


def test_a_start_waits_until_a_companion_that_is_starting_listens(
    qapp: QApplication, home: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets: list[QLocalSocket | None] = [None, QLocalSocket()]
    monkeypatch.setattr(single_instance, "connect", lambda _: sockets.pop(0))
    monkeypatch.setattr(single_instance, "send", lambda _, arguments: True)
    monkeypatch.setattr(data_directory, "pause", lambda: None)
    assert run(Overrides(), tmp_path, None, hidden=True) == Exit.OK
    assert sockets == []


def test_a_start_with_another_spelling_of_the_folder_reaches_the_companion(
    home: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the socket of a folder with a long path has a name that depends on the spelling.

    A link stands for another spelling of a name, as macOS accepts it.
    """
    instance.write(home.folders.instance_file, "", "")
    make_link(other := tmp_path / "Other", tmp_path)
    asked: list[Path] = []
    monkeypatch.setattr(single_instance, "connect", asked.append)
    desktop_module.SecondStart([], {}).is_running(replace(home.folders, runtime=other))
    assert asked == [home.folders.runtime]


def test_a_start_does_not_wait_while_serve_runs(
    qapp: QApplication, home: DataDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.write(home.folders.instance_file, "", "", window=False)
    monkeypatch.setattr(data_directory, "pause", lambda: pytest.fail("waits"))
    assert run(Overrides(), tmp_path, None, hidden=True) == Exit.BUSY


@pytest.mark.usefixtures("home")
def test_a_second_start_with_an_option_that_cannot_be_changed_changes_nothing(
    qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: the command failed, but the running companion had moved its event server."""
    handed_over: list[dict[str, Any]] = []
    monkeypatch.setattr(single_instance, "connect", lambda _: QLocalSocket())

    def send(_: object, arguments: dict[str, Any]) -> bool:
        handed_over.append(arguments)
        return True

    monkeypatch.setattr(single_instance, "send", send)
    assert run(Overrides(port=9000, control_port=9001), tmp_path, None, hidden=False) == Exit.BUSY
    assert "--control-port cannot be changed while it runs" in capsys.readouterr().err
    assert handed_over == []
    assert run(Overrides(port=9000), tmp_path, None, hidden=True) == Exit.OK
    assert handed_over == [{"port": 9000, "hidden": True}]


def test_run_reports_a_data_directory_that_is_not_writable(
    qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "file"
    file.touch()
    assert run(Overrides(), file, None, hidden=False) == Exit.FAILED
    assert "--data-dir" in capsys.readouterr().err


@pytest.mark.parametrize("shown_by", ["this dialog", "terminal", "dialog at the end"])
def test_run_without_a_terminal_shows_start_errors_in_a_dialog(
    qapp: QApplication, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, shown_by: str
) -> None:
    """Standard error is not visible when the program is started from a menu or at login.

    Regression: on Windows, a second dialog had the same text.
    """
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setattr(desktop_module, "INVISIBLE_PLATFORMS", ())
    monkeypatch.setattr(desktop_module, "_is_read", lambda _: shown_by == "terminal")
    monkeypatch.setattr(desktop_module, "is_shown_at_end", lambda: shown_by == "dialog at the end")
    texts: list[str] = []

    def read_and_close() -> None:
        for box in qapp.topLevelWidgets():
            if isinstance(box, QMessageBox) and box.isVisible():
                texts.append(box.text())
                box.accept()

    poll = QTimer(interval=20)
    poll.timeout.connect(read_and_close)
    poll.start()
    assert run(Overrides(), file, None, hidden=False) == Exit.FAILED
    poll.stop()
    assert [text.startswith(f"Cannot write to {file}") for text in texts] == [True] * (shown_by == "this dialog")


def test_a_pipe_is_read_but_a_file_is_not(tmp_path: Path) -> None:
    """Regression: a second start in a CI job waited for someone to close the dialog."""
    end, other_end = os.pipe()
    with os.fdopen(end), os.fdopen(other_end, "w") as pipe, (tmp_path / "errors").open("w") as file:
        assert desktop_module._is_read(pipe)
        assert desktop_module._is_read(prepared(pipe))
        assert not desktop_module._is_read(file)
    assert not desktop_module._is_read(file), "it is closed"
    assert not desktop_module._is_read(RecentOutput())
    assert not desktop_module._is_read(None)


def test_run_reports_conflicting_options(
    qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(Overrides(port=9000, rest_port=9000), tmp_path, None, hidden=False) == Exit.USAGE
    assert "rest_port: 9000 is already the port of the event server" in capsys.readouterr().err
    DataDirectory.open(tmp_path).lock.release()


def test_run_reports_a_log_file_that_is_not_writable_and_releases_the_lock(
    qapp: QApplication, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "logs" / "companion.log").mkdir(parents=True)
    assert run(Overrides(), tmp_path, None, hidden=False) == Exit.FAILED
    assert "companion.log" in capsys.readouterr().err
    assert not [each for each in qapp.topLevelWidgets() if each.isVisible()]
    DataDirectory.open(tmp_path).lock.release()


async def test_settings_disable_the_notifications_while_there_is_no_tray(
    start: Start, system_tray: type[Availability]
) -> None:
    system_tray.available = False
    desktop = await start(notify_refused=True)
    fields = desktop.window.settings.fields
    check = fields.checks["notify_refused"]
    assert (check.isChecked(), check.isEnabled()) == (True, False)
    assert "this desktop shows none" in fields.notifications.text()
    assert check.toolTip() == fields.notifications.text()
    system_tray.available = True
    desktop._look_for_tray()
    assert check.isEnabled()
    assert not check.toolTip()
    assert not desktop.window.settings.bar.isVisible(), "nothing has been edited"


# first steps, results and the fire bar


async def test_a_new_data_folder_offers_the_first_steps_once(
    start: Start, apps: RunningApps, system_tray: type[Availability]
) -> None:
    first = await start(first=True)
    assert first.window.first_steps
    assert first.window.first_steps.isVisible()
    first._stop.set()
    await apps.code(first)
    second = await start(first=True)
    assert second.window.first_steps is None


async def test_a_data_folder_of_an_earlier_version_offers_no_first_steps(start: Start, home: DataDirectory) -> None:
    companion = Companion(Settings(port=0, rest_port=0), chat_file=home.folders.chat_file)
    await companion.open()
    await companion.close()
    assert (await start(first=True)).window.first_steps is None


async def test_the_result_of_firing_is_shown_in_tooltip_and_notification_if_the_window_is_hidden(
    start: Start, system_tray: type[Availability], notifications: list[tuple[str, str]]
) -> None:
    desktop = await start()
    client = await connect_to(desktop)
    assert desktop._tray
    desktop._tray.menu.aboutToShow.emit()
    fire = next(each for each in desktop._tray.menu.actions() if each.text() == "Fire")
    menu_of(fire).actions()[0].trigger()
    assert (await frame(client))["event"] == "new_message"
    await until(lambda: "Fired" in desktop._tray.icon.toolTip() if desktop._tray else False)
    assert desktop._tray.icon.toolTip().endswith(" Fired: A friend says hi → 1 client")
    assert notifications == []
    desktop.window.hide()
    desktop.window.firing.repeat()
    await frame(client)
    await until(lambda: notifications)
    assert notifications == [("P2P Chat Companion", "Fired: A friend says hi → 1 client")]
    await client.close()


async def test_a_visible_fire_bar_shows_the_result_instead_of_a_notification(
    start: Start, system_tray: type[Availability], notifications: list[tuple[str, str]]
) -> None:
    desktop = await start(hidden=True)
    desktop.window.firing.repeat()
    await until(lambda: notifications)
    assert notifications == [("P2P Chat Companion", "Nothing has been fired yet.")]
    await desktop.companion.composer.fire_message("alice", "x" * 200, origin=PANEL)
    desktop._show_fire_bar()
    assert desktop._fire_bar
    desktop.window.firing.repeat()
    await until(desktop._fire_bar.result.text)
    assert desktop._fire_bar.result.text().endswith(" …: not sent: no client is connected")
    assert len(notifications) == 1
    assert desktop._tray
    assert len(desktop._tray.icon.toolTip()) < 128
    assert "no client is connected" in desktop._tray.icon.toolTip()


async def test_a_click_on_a_notification_opens_its_room(
    start: Start, system_tray: type[Availability], notifications: list[tuple[str, str]]
) -> None:
    desktop = await start(hidden=True, notify_refused=True)
    assert desktop._tray
    desktop.companion.rejection_log.add("events", "not allowed", "http://localhost:5173")
    desktop._notifications.flush()
    assert [title for title, _ in notifications] == ["Web page refused"]
    desktop._tray.icon.messageClicked.emit()
    assert desktop.window.isVisible()
    assert desktop.window.rooms.current == CLIENTS


async def test_the_companion_the_tray_and_a_shortcut_show_the_fire_bar(
    start: Start, system_tray: type[Availability]
) -> None:
    desktop = await start(hidden=True)
    assert desktop.companion.show_fire_bar
    desktop.companion.show_fire_bar()
    bar = desktop._fire_bar
    assert bar
    assert bar.isVisible()
    assert not desktop.window.isVisible()
    bar.close()
    assert desktop._tray
    desktop._tray.fire_bar_requested.emit()
    assert bar.isVisible()
    desktop._toggle_fire_bar()
    assert bar.by_keyboard
    desktop._toggle_fire_bar()
    assert not bar.isVisible()
    desktop.window.fire_bar_requested.emit()
    assert (bar.isVisible(), bar.by_keyboard) == (True, False)


async def test_a_shortcut_that_does_not_work_is_reported_with_a_way_to_change_it(start: Start, qtbot: Any) -> None:
    desktop = await start(repeat_shortcut="Ctrl+Alt+R")
    banner = desktop.window.banner
    assert "The system-wide shortcut Ctrl+Alt+R does not work" in banner.text.text()
    desktop.companion.pause()
    assert "Ctrl+Alt+R" in banner.text.text()
    button = next(each for each in banner.buttons if each.text() == "Open Settings")
    qtbot.mouseClick(button, LEFT)
    assert desktop.window.rooms.current == SETTINGS
    await desktop.companion.apply(replace(desktop.companion.settings, repeat_shortcut=""))
    assert "Ctrl+Alt+R" not in banner.text.text()
