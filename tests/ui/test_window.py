"""The window: navigation, shortcuts, banner, strip and saved layout."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QApplication, QDialog, QLabel, QLineEdit, QPushButton, QScrollArea, QWidget
from typing_extensions import override

from app.companion import Companion
from app.hub.clients import Handshake
from app.hub.journal import Kind, Verdict
from app.hub.origin import PANEL
from app.hub.server_state import ServerState
from app.protocol.refusals import parse_mode
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui import theme
from app.ui.room_registry import SCENARIOS, UI_STATE
from app.ui.theme import DARK, LIGHT
from app.ui.widgets.condition_strip import Condition
from app.ui.widgets.navigation import Badge
from app.ui.window import CHATS, CLIENTS, EVENTS, FIXTURES, INJECT, ROOMS, SETTINGS, MainWindow
from tests.conftest import Connect, until
from tests.ui.conftest import close_and_destroy, new_window
from tests.ui.frames import all_frames, frame, wait_until_series_ended

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier
MINIMUM_SIZE = QSize(880, 560)
"""The minimum size of the window on a screen that is large enough."""


@pytest.fixture
def first_room() -> str:
    return EVENTS


def navigation(window: MainWindow) -> list[QPushButton]:
    return window.findChildren(QPushButton, "nav")


@pytest.fixture
def busy_socket() -> Iterator[socket.socket]:
    """Return a socket that listens, so that its port is busy."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield listener


@pytest.fixture
async def blocked_window(busy_socket: socket.socket, tmp_path: Path) -> AsyncIterator[MainWindow]:
    """Return a window whose companion could not use its port."""
    companion = Companion(Settings(port=busy_socket.getsockname()[1], rest_port=0))
    window = MainWindow(Folders.of(tmp_path)).fill(companion)
    window.present()
    assert not await companion.start()
    yield window
    await close_and_destroy(window, companion)
    await companion.close()


# without a companion


async def test_the_window_can_be_shown_before_it_has_a_companion(
    companion: Companion, tmp_path: Path, qtbot: Any
) -> None:
    window = MainWindow(Folders.of(tmp_path))
    window.present()
    await until(window.isActiveWindow)
    window.recolor()
    qtbot.mouseClick(navigation(window)[1], LEFT)
    size, status_height = window.size(), window._foot.height()
    window.fill(companion)
    assert window.isVisible()
    assert window.rooms.current == CLIENTS
    assert window.clients.isVisible()
    await asyncio.sleep(0.02)  # lets Qt lay out the widgets
    assert (window.size(), window.status.height()) == (size, status_height)
    await close_and_destroy(window, companion)


@pytest.mark.usefixtures("styled")
async def test_the_room_is_painted_at_once(companion: Companion, tmp_path: Path) -> None:
    """Qt shows inserted widgets later, while the program goes on starting: the window would be blank until then."""
    painted: list[tuple[bool, int]] = []

    class Window(MainWindow):
        @override
        def repaint(self) -> None:  # type: ignore[override]
            painted.append((self.events.isVisible(), self.events.width()))
            super().repaint()

    window = Window(Folders.of(tmp_path))
    window.present()
    await until(window.isActiveWindow)
    window.fill(companion)
    assert painted == [(True, window.width() - window.navigation.width())]
    await close_and_destroy(window, companion)


# rooms


async def test_the_window_opens_with_the_room_events(window: MainWindow) -> None:
    assert window.rooms.currentWidget() is window.events
    assert [button.text() for button in navigation(window)] == [
        "Events", "Clients", "UI state", "Inject", "Fixtures", "Scenarios", "Chats", "Sources", "Contract",
        "Faults", "Settings", "Help",
    ]  # fmt: skip
    assert [button.isChecked() for button in navigation(window)] == [True, *[False] * (len(ROOMS) - 1)]
    assert [heading.text() for heading in window.findChildren(QPushButton, "navGroup")] == [
        "Watch",
        "Fire",
        "World",
        "Prove",
    ]


async def test_a_click_on_the_navigation_opens_its_room(window: MainWindow, qtbot: Any) -> None:
    for number, button in enumerate(navigation(window)):
        qtbot.mouseClick(button, LEFT)
        assert window.rooms.currentIndex() == number
        assert [each.isChecked() for each in navigation(window)].index(True) == number


async def test_ctrl_and_a_digit_open_a_room(window: MainWindow, qtbot: Any) -> None:
    keys = (Qt.Key.Key_1, Qt.Key.Key_2, Qt.Key.Key_3, Qt.Key.Key_4, Qt.Key.Key_5, Qt.Key.Key_6, Qt.Key.Key_7)
    for number, name in reversed([*enumerate((EVENTS, CLIENTS, UI_STATE, INJECT, FIXTURES, SCENARIOS, CHATS))]):
        qtbot.keyClick(QApplication.focusWidget() or window, keys[number], CONTROL)
        assert window.rooms.current == name
        assert navigation(window)[number].isChecked()


@pytest.mark.usefixtures("styled")
async def test_an_opened_room_gets_the_focus_and_fits_into_the_smallest_window(
    window: MainWindow, connect_client: Connect, subtests: pytest.Subtests
) -> None:
    await connect_client()
    for room in ROOMS:
        window.open_room(room.name)
        with subtests.test("focus", room=room.name):
            focused = QApplication.focusWidget()
            assert focused is not None
            shown = window.rooms.currentWidget()
            assert shown is not None
            assert shown.isAncestorOf(focused)
        with subtests.test("size", room=room.name):
            hint = window.minimumSizeHint()
            assert hint.width() <= MINIMUM_SIZE.width()
            assert hint.height() <= MINIMUM_SIZE.height()


async def test_ctrl_f_opens_the_filter_of_the_log_from_rooms_without_a_search(
    window: MainWindow, qtbot: Any
) -> None:
    window.events.filter.setText("old")
    window.open_room(INJECT)
    qtbot.keyClick(window.inject, Qt.Key.Key_F, CONTROL)
    assert window.rooms.current == EVENTS
    assert QApplication.focusWidget() is window.events.filter
    qtbot.keyClicks(window.events.filter, "new")
    assert window.events.filter.text() == "new"


async def test_the_question_mark_shows_the_list_of_shortcuts(window: MainWindow, qtbot: Any) -> None:
    qtbot.keyClick(navigation(window)[0], Qt.Key.Key_Question)
    box = QApplication.activeModalWidget()
    assert isinstance(box, QDialog)
    texts = [label.text() for label in box.findChildren(QLabel)]
    for keys in ("Ctrl+1 … Ctrl+9", "Ctrl+K", "Ctrl+Enter", "Ctrl+R", "Ctrl+F", "Ctrl+L", "R", "S", "Ctrl+Shift+C"):
        assert keys in texts
    box.close()
    await until(lambda: QApplication.activeModalWidget() is None)


async def test_ctrl_enter_fires_from_any_room_and_stops_a_series(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    window.open_room(EVENTS)
    qtbot.keyClick(window.events.table, Qt.Key.Key_Return, CONTROL)
    assert (await frame(client))["event"] == "new_message"
    assert window.status.message.text().startswith("Delivered to 1 client")
    window.inject.bar.times.setValue(100_000)
    window.inject.bar.every.setValue(1)
    qtbot.keyClick(window.events.table, Qt.Key.Key_Enter, CONTROL)
    await frame(client)
    qtbot.keyClick(window.events.table, Qt.Key.Key_Enter, CONTROL)
    await until(lambda: window.inject.bar.now.text() == "Fire")
    await wait_until_series_ended(companion)
    await all_frames(companion, client)
    assert await all_frames(companion, client) == []


async def test_ctrl_enter_in_a_text_field_of_another_room_does_not_fire(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    window.open_room(SETTINGS)
    qtbot.keyClick(window.settings.fields.username, Qt.Key.Key_Return, CONTROL)
    assert await all_frames(companion, client) == []
    window.open_room(CHATS)
    await until(lambda: window.chats.composer.isVisible())
    qtbot.keyClick(window.chats.composer.line, Qt.Key.Key_Return, CONTROL)
    assert await all_frames(companion, client) == []
    qtbot.keyClicks(window.chats.composer.line, "see you")
    qtbot.keyClick(window.chats.composer.line, Qt.Key.Key_Return, CONTROL)
    sent = [each["data"] for each in await all_frames(companion, client) if each["event"] == "new_message"]
    assert [each["text"] for each in sent] == ["see you"]


async def test_ctrl_w_and_ctrl_q_emit_their_signals(window: MainWindow, qtbot: Any) -> None:
    requests: list[str] = []
    window.closed.connect(lambda: requests.append("close"))
    window.quit_requested.connect(lambda: requests.append("quit"))
    qtbot.keyClick(window, Qt.Key.Key_W, CONTROL)
    qtbot.keyClick(window, Qt.Key.Key_Q, CONTROL)
    assert requests == ["close", "quit"]
    assert window.isVisible()


async def test_the_status_bar_shows_the_last_action(
    window: MainWindow, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    window.open_room(CLIENTS)
    window.clients.table.selectRow(0)
    qtbot.mouseClick(window.clients.abort, LEFT)
    assert window.status.message.text() == "Aborted the connection of client 1"


# a busy port


async def test_a_busy_port_is_shown_with_the_available_actions(
    blocked_window: MainWindow, busy_socket: socket.socket
) -> None:
    assert blocked_window.strip.isVisible()
    assert blocked_window.strip.lines[0].text.text().startswith(f"Port {busy_socket.getsockname()[1]} is busy")
    assert [button.text() for button in blocked_window.strip.buttons] == ["Retry", "Open Settings"]
    assert not blocked_window.banner.isVisible()
    assert blocked_window.status.state.text().startswith("● Port busy")


async def test_the_remedy_for_a_busy_port_is_only_in_the_notice_of_one(
    window: MainWindow, companion: Companion, subtests: pytest.Subtests
) -> None:
    for error, offered in (("Port 8082 is busy.", True), ("COMPANION_TOKEN contains no valid token.", False)):
        with subtests.test(error):
            companion.services["control"].error = error
            companion.services.changed.emit(None)
            shown = window.banner.text.text()
            assert error in shown
            assert ("choose another port" in shown) is offered


async def test_retry_works_once_the_port_is_free(
    blocked_window: MainWindow, busy_socket: socket.socket, qtbot: Any
) -> None:
    companion = blocked_window.companion
    states: list[ServerState] = []
    companion.changed.connect(lambda _: states.append(companion.state))
    qtbot.mouseClick(blocked_window.strip.buttons[0], LEFT)
    await until(lambda: states)
    assert blocked_window.strip.isVisible()
    assert states == [ServerState.BLOCKED]
    busy_socket.close()
    qtbot.mouseClick(blocked_window.strip.buttons[0], LEFT)
    await until(lambda: companion.state is ServerState.LISTENING)
    assert not blocked_window.strip.isVisible()
    assert blocked_window.status.state.text().startswith("● Listening")


async def test_the_strip_of_a_busy_port_opens_settings(blocked_window: MainWindow, qtbot: Any) -> None:
    qtbot.mouseClick(blocked_window.strip.buttons[1], LEFT)
    assert blocked_window.rooms.current == SETTINGS
    assert blocked_window.settings.isVisible()


async def test_changing_the_port_hides_the_strip(blocked_window: MainWindow, unused_tcp_port: int) -> None:
    companion = blocked_window.companion
    await companion.apply(replace(companion.settings, port=unused_tcp_port))
    assert companion.state is ServerState.LISTENING
    assert not blocked_window.strip.isVisible()


async def test_server_changes_do_not_hide_other_notices(window: MainWindow, companion: Companion) -> None:
    window.banner.show_notice("Something else")
    companion.pause()
    companion.pause(False)
    assert window.banner.isVisible()


# the strip


@pytest.mark.usefixtures("styled")
async def test_a_long_reason_does_not_widen_the_window(window: MainWindow) -> None:
    reason = "Port 8081 is busy: a-program-with-a-long-name (pid 123456) listens there. Clients cannot connect. "
    window.strip.show_conditions([Condition(2 * reason, (("Retry", window.close),))])
    assert window.strip.minimumSizeHint().width() < window.minimumWidth()


async def test_a_button_of_the_strip_stays_while_the_text_counts(window: MainWindow, qtbot: Any) -> None:
    """Regression: a click was lost if the text changed between press and release."""
    done: list[int] = []
    for number in range(2):
        act = partial(done.append, number)
        window.strip.show_conditions([Condition(f"Refusing connections ({number} more).", (("Accept", act),))])
        if number == 0:
            qtbot.mousePress(window.strip.buttons[0], LEFT)
    qtbot.mouseRelease(window.strip.buttons[0], LEFT)
    assert done == [1]
    assert window.strip.lines[0].text.text() == "Refusing connections (1 more)."


async def test_a_server_that_is_not_started_yet_is_not_shown_as_stopped(tmp_path: Path) -> None:
    companion = Companion(Settings(port=0, rest_port=0))
    window = MainWindow(Folders.of(tmp_path)).fill(companion)
    window.present()
    assert not window.strip.isVisible()
    await close_and_destroy(window, companion)
    await companion.close()


async def test_a_stopped_server_is_shown_and_started_again(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    window.open_room(INJECT)
    await companion.stop()
    assert window.strip.isVisible()
    assert window.strip.lines[0].text.text() == "The event server is stopped. Clients cannot connect."
    qtbot.mouseClick(window.strip.buttons[0], LEFT)
    await until(lambda: companion.state is ServerState.LISTENING)
    assert not window.strip.isVisible()


async def test_paused_sending_is_shown_and_resumed(window: MainWindow, companion: Companion, qtbot: Any) -> None:
    companion.pause()
    assert window.strip.lines[0].text.text() == "Sending is paused. Clients stay connected, but receive no events."
    qtbot.mouseClick(window.strip.buttons[0], LEFT)
    assert not companion.hub.paused
    assert not window.strip.isVisible()


async def test_refused_connections_are_shown_with_what_is_left_and_can_be_ended(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    refusals = companion.refusals
    refusals.arm(parse_mode("503"), 4, origin=PANEL)
    await until(window.strip.isVisible)
    refusals.take(Handshake("http://localhost:1420", "Chrome/140"))
    await until(lambda: "(3 more, 503)" in window.strip.lines[0].text.text())
    assert window.strip.lines[0].text.text() == "Connections are refused on purpose (3 more, 503)."
    refusals.arm(parse_mode("silence"), for_s=60, origin=PANEL)
    refusals.arm(parse_mode("reset"), 1, origin=PANEL)
    await until(lambda: "silence" in window.strip.lines[0].text.text())
    assert "(3 more, 503; silence; …)" in window.strip.lines[0].text.text()
    assert [button.text() for button in window.strip.buttons] == ["Accept connections"]
    qtbot.mouseClick(window.strip.buttons[0], LEFT)
    assert refusals.armed == ()
    await until(lambda: not window.strip.isVisible())


async def test_the_strip_is_hidden_when_the_time_of_refusals_has_passed(
    window: MainWindow, companion: Companion
) -> None:
    companion.refusals.arm(parse_mode("503"), for_s=0.3, origin=PANEL)
    await until(window.strip.isVisible)
    await until(lambda: not window.strip.isVisible())


async def test_a_stopped_server_and_paused_sending_are_both_shown_and_resolved(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    companion.pause()
    await companion.stop()
    assert [line.text.text() for line in window.strip.lines] == [
        "The event server is stopped. Clients cannot connect.",
        "Sending is paused. Clients would receive no events.",
    ]
    assert [button.text() for button in window.strip.buttons] == ["Start server", "Resume sending"]
    assert window.status.pause.isEnabled()
    qtbot.mouseClick(window.strip.buttons[1], LEFT)
    assert [button.text() for button in window.strip.buttons] == ["Start server"]
    qtbot.mouseClick(window.strip.buttons[0], LEFT)
    await until(lambda: companion.state is ServerState.LISTENING)
    assert not window.strip.isVisible()


async def test_the_strip_shows_two_conditions_and_counts_the_others(window: MainWindow) -> None:
    window.strip.show_conditions([Condition(f"Reason {number}.", ()) for number in range(4)])
    assert [line.text.text() for line in window.strip.lines] == ["Reason 0.", "Reason 1. (and 2 more)"]
    assert "Reason 3." in window.strip.toolTip()


# the navigation


async def test_a_collapsed_group_is_expanded_when_its_room_is_opened(window: MainWindow, qtbot: Any) -> None:
    heading = window.findChildren(QPushButton, "navGroup")[1]
    qtbot.keyClick(heading, Qt.Key.Key_Space)
    assert [button.text() for button in navigation(window) if not button.isVisible()] == [
        "Inject", "Fixtures", "Scenarios",
    ]  # fmt: skip
    assert heading.accessibleName() == "Fire rooms, collapsed"
    qtbot.keyClick(window, Qt.Key.Key_4, CONTROL)
    assert all(button.isVisible() for button in navigation(window))
    assert window.rooms.current == INJECT


async def test_the_last_room_and_the_collapsed_groups_are_restored(companion: Companion, tmp_path: Path) -> None:
    first = MainWindow(Folders.of(tmp_path)).fill(companion)
    first.open_room(FIXTURES)
    first.navigation.collapse(["World"])
    await close_and_destroy(first, companion)
    second = MainWindow(Folders.of(tmp_path)).fill(companion)
    assert second.rooms.current == second.navigation.current == FIXTURES
    assert second.navigation.collapsed == ["World"]
    await close_and_destroy(second, companion)


async def test_a_saved_room_that_no_longer_exists_is_ignored(companion: Companion, tmp_path: Path) -> None:
    Folders.of(tmp_path).window_file.write_text("[navigation]\nroom=removed\ncollapsed=Removed\n")
    window = MainWindow(Folders.of(tmp_path)).fill(companion)
    assert window.rooms.current == EVENTS
    await close_and_destroy(window, companion)


async def test_unsaved_settings_have_a_badge_in_the_navigation(window: MainWindow) -> None:
    window.settings.fields.username.setText("max")
    badge = window.navigation.badge(SETTINGS)
    assert badge
    assert badge.meaning == "unsaved changes"
    button = next(each for each in navigation(window) if each.text() == "Settings")
    assert button.accessibleName() == "Settings, unsaved changes"
    window.settings.bar.discard.click()
    assert window.navigation.badge(SETTINGS) is None


async def test_the_badge_of_clients_shows_the_number_of_clients(
    window: MainWindow, connect_client: Connect
) -> None:
    assert window.navigation.badge(CLIENTS) is None
    await connect_client()
    assert window.navigation.badge(CLIENTS) == Badge("1", "1 client connected")


async def test_the_badge_of_clients_shows_rejected_pages_until_the_room_is_opened(
    window: MainWindow, companion: Companion
) -> None:
    companion.rejection_log.add("events", "not allowed", "http://localhost:5555")
    assert window.navigation.badge(CLIENTS) == Badge("1", "0 clients connected, 1 refused", "warning")
    window.open_room(CLIENTS)
    assert window.navigation.badge(CLIENTS) is None


async def test_the_badge_of_events_shows_invalid_frames_until_the_room_is_opened(
    window: MainWindow, companion: Companion
) -> None:
    window.open_room(INJECT)
    for verdict in (Verdict.INVALID, Verdict.OK, Verdict.INVALID):
        companion.journal.append(Kind.FROM_UI, "typing", payload=b"{}", verdict=verdict)
    window._badges.count_rows()
    assert window.navigation.badge(EVENTS) == Badge("2", "2 new invalid frames", "error")
    window.open_room(EVENTS)
    assert window.navigation.badge(EVENTS) is None
    companion.journal.append(Kind.FROM_UI, "typing", payload=b"{}", verdict=Verdict.INVALID)
    window._badges.count_rows()
    assert window.navigation.badge(EVENTS) is None, "the user sees it"


# saved layout


@pytest.mark.usefixtures("styled")
async def test_size_splitter_and_columns_are_restored(companion: Companion, tmp_path: Path) -> None:
    def columns(window: MainWindow) -> list[int]:
        tables = (window.events.table, window.clients.table)
        return [table.columnWidth(column) for table in tables for column in (0, 1, 2)]

    first = MainWindow(Folders.of(tmp_path)).fill(companion)
    first.present()
    first.resize(1000, 640)
    first.events.body.setCurrentWidget(first.events.splitter)
    first.events.details.show()
    await asyncio.sleep(0.02)  # lets Qt lay out the widgets
    first.events.splitter.setSizes([150, 300])
    for table in (first.events.table, first.clients.table):
        for column, width in ((0, 133), (1, 77), (2, 99)):
            table.setColumnWidth(column, width)
    first.grab()
    sizes = first.events.splitter.sizes()
    assert columns(first) == [133, 77, 99] * 2
    await close_and_destroy(first, companion)

    second = MainWindow(Folders.of(tmp_path)).fill(companion)
    second.present()
    assert second.height() == 640  # the offscreen screen is narrower than the window
    assert columns(second) == [133, 77, 99] * 2
    second.events.body.setCurrentWidget(second.events.splitter)
    second.events.details.show()
    await asyncio.sleep(0.02)  # lets Qt lay out the widgets
    ratio = sizes[0] / sum(sizes)
    now = second.events.splitter.sizes()
    assert now[0] / sum(now) == pytest.approx(ratio, abs=0.05)
    await close_and_destroy(second, companion)


BUILD = """
import os, pathlib, sys
from PySide6.QtWidgets import QApplication
from typing_extensions import override

from app.companion import Companion
from app.protocol.refusals import parse_mode
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui.window import MainWindow
app = QApplication([])
for folder in sys.argv[1:]:
    window = MainWindow(Folders.of(pathlib.Path(folder))).fill(Companion(Settings(port=0, rest_port=0)))
    window.show()
    print("shown", folder, flush=True)
os._exit(0)
"""


@pytest.mark.e2e
def test_a_corrupt_window_state_file_does_not_prevent_startup(tmp_path: Path) -> None:
    folders = []
    for number, memory in enumerate(
        (
            b"[General]\ngeometry=invalid\n",
            b"[log]\ncolumns=@ByteArray(x)\ndetails=7\n",
            b"\x00\xff[",
            b"[log]\ncolumns=1, 2\n",
        )
    ):
        folder = tmp_path / str(number)
        folder.mkdir()
        Folders.of(folder).window_file.write_bytes(memory)
        folders.append(str(folder))
    command = [sys.executable, "-c", BUILD, *folders]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert result.stdout.splitlines() == [f"shown {folder}" for folder in folders], result.stderr


async def test_first_hint_returns_true_only_once(companion: Companion, tmp_path: Path) -> None:
    for expected in (True, False):
        window = MainWindow(Folders.of(tmp_path)).fill(companion)
        assert window.first_hint("close") is expected
        assert window.first_hint("close") is False
        await close_and_destroy(window, companion)


async def test_a_closed_window_ignores_later_changes(
    window: MainWindow, companion: Companion, connect_client: Connect
) -> None:
    for room in ROOMS:
        window.rooms.page(room.name)
    rows = window.events.model.rowCount()
    clients = window.clients.model
    state = window.status.state.text()
    window.close_down()
    await connect_client()
    companion.pause()
    assert window.events.model.rowCount() == rows
    assert clients.rowCount() == 0
    assert window.status.state.text() == state


# appearance


@pytest.mark.usefixtures("styled")
async def test_every_room_can_be_shown_in_dark_and_light(
    window: MainWindow, companion: Companion, connect_client: Connect, qapp: QApplication
) -> None:
    await connect_client()
    window.inject.bar.fire()
    window.events.model.flush()
    window.events.table.selectRow(0)
    window.inject.raw.editor.setPlainText('{"key": "text"}')
    try:
        for name, scheme in (("dark", DARK), ("light", LIGHT)):
            theme.apply(qapp, name)
            window.recolor()
            for room in ROOMS:
                window.open_room(room.name)
                window.fixtures.choose("nasty/markup")
                picture = window.grab().toImage().scaled(40, 30)
                lightness = [picture.pixelColor(x, y).lightness() for x in range(40) for y in range(30)]
                assert (sum(lightness) / len(lightness) < 128) is (scheme is DARK)
    finally:
        theme.apply(qapp, "light")


@pytest.mark.usefixtures("styled")
async def test_json_editors_change_their_colours_with_the_theme(window: MainWindow, qapp: QApplication) -> None:
    message = window.inject.event_panel("new_message")
    assert message
    for view in (window.inject.raw.editor, message.editor):
        view.setPlainText('{"key": "text"}')
    try:
        theme.apply(qapp, "dark")
        window.recolor()
        for view in (window.inject.raw.editor, message.editor):
            colors = {
                each.format.foreground().color().name() for each in view.document().firstBlock().layout().formats()
            }
            assert colors == {DARK.accent, DARK.ok}
    finally:
        theme.apply(qapp, "light")


@pytest.mark.usefixtures("styled")
async def test_no_button_is_clipped_in_a_small_window(
    window: MainWindow, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    await connect_client("alice", origin="http://localhost:1420")
    window.inject.bar.fire()
    window.events.model.flush()
    window.events.table.selectRow(0)
    window.clients.table.selectRow(0)
    window.resize(1000, 640)
    for room in (each.name for each in ROOMS):
        with subtests.test(room=room):
            window.open_room(room)
            window.fixtures.choose("nasty/markup")
            assert window.grab().size() == QSize(1000, 640)
            for tab in range(window.inject.tabs.count() if room == INJECT else 1):
                window.inject.tabs.setCurrentIndex(tab)
                await asyncio.sleep(0.02)  # lets Qt lay out the widgets
                scrolled = [each for area in window.findChildren(QScrollArea) if (each := area.widget())]
                for button in window.findChildren(QPushButton):
                    if button.isVisible():
                        assert button.width() >= button.sizeHint().width(), button.text()
                        assert button.height() >= button.sizeHint().height(), button.text()
                        if not any(inner.isAncestorOf(button) for inner in scrolled):
                            assert button.visibleRegion().boundingRect() == button.rect(), button.text()
            for button in navigation(window):
                assert (
                    button.fontMetrics().horizontalAdvance(button.text())
                    < button.width() - button.iconSize().width()
                )


# the keyboard


async def test_the_tab_key_moves_from_the_form_to_fire(
    window: MainWindow, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    client = await connect_client()
    window.open_room(INJECT)
    for event in ("new_message", "friend_online", "typing"):
        with subtests.test(event=event):
            panel = window.inject.event_panel(event)
            assert panel
            window.inject.open_panel(panel)
            if panel.fold:
                panel.fold.show_part()
            window.inject.setFocus()
            visited: list[QWidget] = []
            while QApplication.focusWidget() is not window.inject.bar.now:
                focused = QApplication.focusWidget()
                assert focused is not None
                assert focused not in visited, [each.accessibleName() for each in visited]
                visited.append(focused)
                qtbot.keyClick(focused, Qt.Key.Key_Tab)
            names = [each.accessibleName() for each in visited]
            assert "Send to" in names
            assert any(
                isinstance(each, QLineEdit) or "from" in name or "username" in name
                for each, name in zip(visited, names, strict=True)
            )
            qtbot.keyClick(window.inject.bar.now, Qt.Key.Key_Space)
            assert (await frame(client))["event"] == event


@pytest.mark.parametrize("forwards", [True, False])
async def test_the_tab_key_reaches_every_control_of_a_room(
    window: MainWindow, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests, forwards: bool
) -> None:
    """Regression: it entered a room at the list or log, and never reached what is above it."""
    await connect_client()
    window.events.model.flush()
    above = {EVENTS: "Filter", CLIENTS: "Reconnect lab …", FIXTURES: "Find a fixture", SCENARIOS: "Find a scenario"}
    for name, control in above.items():
        with subtests.test(room=name):
            window.open_room(name)
            start = QApplication.focusWidget()
            assert start
            visited: list[QWidget] = []
            while not visited or QApplication.focusWidget() is not start:
                focused = QApplication.focusWidget()
                assert focused
                assert focused not in visited, [each.accessibleName() for each in visited]
                visited.append(focused)
                qtbot.keyClick(focused, Qt.Key.Key_Tab if forwards else Qt.Key.Key_Backtab)
            names = {each.accessibleName() for each in visited}
            assert control in names
            rooms = {each.title for each in ROOMS}
            assert [each for each in rooms if any(found.partition(",")[0] == each for found in names)] == [
                next(each.title for each in ROOMS if each.name == name)
            ], "only the selected entry of the navigation"


async def test_the_tab_key_leaves_the_tables(window: MainWindow, connect_client: Connect, qtbot: Any) -> None:
    await connect_client()
    window.events.model.flush()
    for room, table in ((EVENTS, window.events.table), (CLIENTS, window.clients.table)):
        window.open_room(room)
        table.setFocus()
        qtbot.keyClick(table, Qt.Key.Key_Tab)
        assert QApplication.focusWidget() is not table


@pytest.mark.parametrize("position", ["banner", "strip"])
async def test_the_room_gets_the_focus_of_a_removed_button(
    window: MainWindow, companion: Companion, qtbot: Any, position: str
) -> None:
    window.open_room(CHATS)
    if position == "banner":
        window.banner.show_notice("A page was refused", (("Allow this origin", window.banner.remove_notice),))
        button = window.banner.buttons[0]
    else:
        companion.pause()
        button = window.strip.buttons[0]
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    focused = QApplication.focusWidget()
    assert focused is not None
    assert window.chats.isAncestorOf(focused)


# what does not move


async def test_the_strip_does_not_move_the_navigation(window: MainWindow, companion: Companion) -> None:
    before = window.navigation.mapTo(window, window.navigation.rect().topLeft())
    companion.pause()
    await asyncio.sleep(0.02)  # lays out
    assert window.strip.isVisible()
    assert window.navigation.mapTo(window, window.navigation.rect().topLeft()) == before


async def test_the_first_focus_is_on_the_selected_room(companion: Companion, tmp_path: Path) -> None:
    window = MainWindow(Folders.of(tmp_path))
    focused = window.focusWidget()
    assert isinstance(focused, QPushButton)
    assert focused.text() == "Events"
    window.fill(companion)
    await close_and_destroy(window, companion)


@pytest.mark.usefixtures("styled")
async def test_a_long_message_in_the_status_bar_is_elided_and_has_a_tooltip(window: MainWindow) -> None:
    window.status.show_message("word " * 100)
    assert window.status.message.toolTip() == "word " * 100


async def test_the_window_opens_at_any_room_at_which_it_was_closed(
    companion: Companion, tmp_path: Path, subtests: pytest.Subtests
) -> None:
    for room in ROOMS:
        with subtests.test(room=room.name):
            window = new_window(companion, tmp_path, room.name)
            window.present()
            assert window.rooms.current == room.name
            await close_and_destroy(window, companion)
