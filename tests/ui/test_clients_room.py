"""Clients: the room that lists the connected clients."""

import asyncio
import json
from typing import Any

import pytest
from msgspec.structs import replace
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit, QMenu, QPushButton, QTableView, QToolTip
from websockets.exceptions import ConnectionClosed
from websockets.frames import EXTERNAL_CLOSE_CODES

from app.companion import Companion
from app.hub.origin import PANEL
from app.hub.target import Target
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.ui.models.clients import TITLES, Col
from app.ui.rooms.clients import CODES, ClientsRoom
from app.ui.widgets.client_columns import PADDING
from app.ui.widgets.line_edit import MAX_CHARS
from app.ui.window import CLIENTS, EVENTS, INJECT, MainWindow
from tests.cli.doubles import unused_port
from tests.conftest import PATIENCE_S, Connect, until
from tests.ui.frames import all_frames, frame, wait_until_idle
from tests.ui.parts import child, focused_widget, line_of

LEFT = Qt.MouseButton.LeftButton


@pytest.fixture
def first_room() -> str:
    return CLIENTS


@pytest.fixture
async def room(window: MainWindow) -> ClientsRoom:
    window.open_room(CLIENTS)
    return window.clients


def select(room: ClientsRoom, line: int, qtbot: Any) -> None:
    position = room.table.visualRect(room.model.index(line, Col.ORIGIN)).center()
    qtbot.mouseClick(room.table.viewport(), LEFT, pos=position)
    assert room.selected is room.model.client(line)


async def closed_with(client: Any) -> tuple[int, str]:
    async with asyncio.timeout(PATIENCE_S):
        with pytest.raises(ConnectionClosed):
            await client.recv()
    return client.close_code, client.close_reason


async def test_without_clients_the_room_shows_the_address_to_connect_to(
    room: ClientsRoom, companion: Companion, qtbot: Any
) -> None:
    assert room.body.currentWidget() is room.empty
    assert companion.server.url in room.empty.commands.text()
    qtbot.mouseClick(room.empty.findChild(QPushButton), LEFT)
    assert QGuiApplication.clipboard().text() == companion.server.url


async def test_the_empty_room_shows_a_changed_address(room: ClientsRoom, companion: Companion) -> None:
    before = companion.server.url
    await companion.apply(replace(companion.settings, port=unused_port()))
    assert companion.server.url != before
    assert companion.server.url in room.empty.commands.text()


async def test_clients_appear_and_disappear(room: ClientsRoom, connect_client: Connect) -> None:
    client = await connect_client("alice", origin="http://localhost:1420", user_agent_header="Tester/1")
    assert room.body.currentIndex() == 1

    def shown(column: Col) -> str:
        return str(room.model.data(room.model.index(0, column), Qt.ItemDataRole.DisplayRole))

    assert [shown(column) for column in (Col.CLIENT, Col.ORIGIN, Col.AGENT)] == [
        "1 · alice", "http://localhost:1420", "Tester/1",
    ]  # fmt: skip
    await client.close()
    await until(lambda: room.body.currentWidget() is room.empty)


async def test_the_first_client_is_selected_and_buttons_need_a_selection(
    room: ClientsRoom, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    buttons = (room.send, room.close_button, room.abort)
    assert all(button.isEnabled() for button in buttons)
    room.table.clearSelection()
    assert not any(button.isEnabled() for button in buttons)
    select(room, 0, qtbot)
    assert all(button.isEnabled() for button in buttons)
    await client.close()
    await until(lambda: not any(button.isEnabled() for button in buttons))


async def test_send_to_opens_inject_with_that_client_as_target(
    window: MainWindow, room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    select(room, 1, qtbot)
    qtbot.mouseClick(room.send, LEFT)
    assert window.rooms.current == INJECT
    assert window.inject.bar.target == Target(clients=frozenset({2}))
    assert window.inject.bar.target_box.currentText() == "2 · bob"
    qtbot.mouseClick(window.inject.bar.now, LEFT)
    assert (await frame(bob))["event"] == "new_message"
    assert await all_frames(companion, alice) == []


async def test_the_client_receives_the_close_code_and_reason(
    room: ClientsRoom, connect_client: Connect, qtbot: Any
) -> None:
    other, client = await connect_client(), await connect_client()
    select(room, 1, qtbot)
    line_of(room.code).selectAll()
    qtbot.keyClicks(room.code.lineEdit(), "4321")
    room.reason.setText("göod bye")
    qtbot.mouseClick(room.close_button, LEFT)
    assert await closed_with(client) == (4321, "göod bye")
    await until(lambda: room.model.rowCount() == 1)
    assert other.close_code is None


async def test_every_offered_close_code_is_sent(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    for code, _ in CODES:
        with subtests.test(code=code):
            client = await connect_client()
            select(room, 0, qtbot)
            room.code.setCurrentIndex([each for each, _ in CODES].index(code))
            qtbot.mouseClick(room.close_button, LEFT)
            assert await closed_with(client) == (code, "")
            await until(lambda: not companion.hub.connection_count)
            await wait_until_idle(companion)


@pytest.mark.usefixtures("styled")
async def test_a_long_reason_is_cut_only_between_characters(
    room: ClientsRoom, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    select(room, 0, qtbot)
    room.reason.setText("€" * 60)
    qtbot.mouseClick(room.close_button, LEFT)
    code, reason = await closed_with(client)
    assert code == 1000
    assert set(reason) == {"€"}
    assert len(reason) >= 40


async def test_an_invalid_close_code_disables_the_close_button(
    room: ClientsRoom, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    await connect_client()
    select(room, 0, qtbot)
    for code in ("", "0", "999", "1002x", "1004", "1005", "1006", "1015", "2999", "5000", "abc", "-1000"):
        with subtests.test(code=code):
            room.code.setCurrentText(code)
            assert not room.close_button.isEnabled()
            assert room.abort.isEnabled()
            room.code.setCurrentText("3000")
            assert room.close_button.isEnabled()


async def test_every_close_code_that_enables_the_button_is_valid(
    room: ClientsRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    select(room, 0, qtbot)
    enabled = set()
    for code in (*range(990, 1020), 2999, 3000, 4999, 5000):
        room.code.setCurrentText(str(code))
        if room.close_button.isEnabled():
            enabled.add(code)
    assert enabled <= {*map(int, EXTERNAL_CLOSE_CODES), 3000, 4999}
    assert {1000, 1001, 1008, 1011, 1012, 1013, 3000, 4999} <= enabled


async def test_abort_cuts_the_connection_without_a_closing_handshake(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    select(room, 0, qtbot)
    qtbot.mouseClick(room.abort, LEFT)
    code, _ = await closed_with(client)
    assert code == 1006
    await until(lambda: companion.hub.connection_count == 0)


@pytest.mark.parametrize("title", ["Abort", "Close"])
@pytest.mark.parametrize("by", ["double click", "space"])
async def test_a_repeated_abort_or_close_does_not_affect_other_clients(
    window: MainWindow, room: ClientsRoom, connect_client: Connect, qtbot: Any, title: str, by: str
) -> None:
    first, second, third = [await connect_client(name) for name in ("alice", "bob", "carol")]
    select(room, 1, qtbot)
    button = room.abort if title == "Abort" else room.close_button
    button.setFocus()
    for _ in range(2):
        if by == "space":
            qtbot.keyClick(window.focusWidget(), Qt.Key.Key_Space)
        else:
            qtbot.mouseClick(button, LEFT)
        await closed_with(second)
        await until(lambda: room.model.rowCount() == 2)
        if by == "double click":
            assert room.selected is None
            assert not button.isEnabled()
        assert room.table.hasFocus()
    for other in (first, third):
        assert other.close_code is None


async def test_a_client_that_disconnects_while_its_user_is_edited_is_removed_alone(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client, *_ = [await connect_client(name) for name in ("alice", "bob", "carol")]
    room.table.edit(room.model.index(0, Col.CLIENT))
    qtbot.keyClicks(QApplication.focusWidget(), "anna")
    await client.close()
    await until(lambda: companion.hub.connection_count == 2)
    assert [each.username for each in room.model.lines] == ["bob", "carol"]
    assert all(row.event != "identity changed" for row in companion.journal)


async def test_disconnecting_the_selected_client_selects_no_other(
    room: ClientsRoom, connect_client: Connect, qtbot: Any
) -> None:
    clients = [await connect_client(name) for name in ("alice", "bob", "carol")]
    select(room, 1, qtbot)
    await clients[0].close()
    await until(lambda: room.model.rowCount() == 2)
    assert room.selected
    assert room.selected.username == "bob"
    await clients[1].close()
    await until(lambda: room.model.rowCount() == 1)
    assert room.selected is None


async def test_a_client_that_reconnects_after_an_abort_is_not_selected(
    window: MainWindow, room: ClientsRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    assert room.selected
    qtbot.mouseClick(room.abort, LEFT)
    await until(lambda: room.model.rowCount() == 0)
    await connect_client()
    assert room.selected is None
    window.open_room(INJECT)
    window.open_room(CLIENTS)
    assert room.selected  # opening the room selects the only client


async def test_f2_edits_the_user_name_of_a_client(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    bob = await connect_client("bob")
    other = await connect_client("carol")
    select(room, 2, qtbot)
    room.table.setCurrentIndex(room.model.index(2, Col.CLIENT))
    qtbot.keyClick(room.table, Qt.Key.Key_F2)
    editor = room.table.findChild(QLineEdit)
    assert editor is not None
    assert editor.text() == "carol"
    editor.selectAll()
    qtbot.keyClicks(editor, "alice")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    await until(lambda: companion.hub.clients[2].username == "alice")
    await other.send(json.dumps({"event": "typing", "data": {"to": "bob", "typing": True}}))
    assert await frame(bob) == {"event": "typing", "data": {"username": "alice", "typing": True}}


async def test_a_name_that_is_too_long_is_rejected_and_not_truncated(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client("bob")
    room.table.setCurrentIndex(room.model.index(0, Col.CLIENT))
    qtbot.keyClick(room.table, Qt.Key.Key_F2)
    editor = room.table.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    editor.insert("x" * (MAX_CHARS + 1))
    assert editor.text() == "bob"
    qtbot.keyClick(editor, Qt.Key.Key_Escape)


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Tab])
async def test_a_name_that_is_not_valid_can_be_corrected(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any, key: Qt.Key
) -> None:
    """Regression: the editor was closed, and what was typed was lost."""
    await connect_client("bob")
    room.table.setCurrentIndex(room.model.index(0, Col.CLIENT))
    qtbot.keyClick(room.table, Qt.Key.Key_F2)
    editor = room.table.findChild(QLineEdit)
    assert editor is not None
    editor.setText("al\u202eice")
    qtbot.keyClick(editor, key)
    assert editor.isVisible()
    assert "The user name must not contain" in QToolTip.text()
    assert companion.hub.clients[0].username == "bob"
    editor.setText("alice ")
    qtbot.keyClick(editor, key)
    await until(lambda: companion.hub.clients[0].username == "alice")


async def test_counter_updates_do_not_interrupt_editing(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client("bob")
    room.table.setCurrentIndex(room.model.index(0, Col.CLIENT))
    qtbot.keyClick(room.table, Qt.Key.Key_F2)
    editor = room.table.findChild(QLineEdit)
    assert editor is not None
    editor.selectAll()
    qtbot.keyClicks(editor, "al")
    room.model.refresh()
    qtbot.keyClicks(editor, "ice")
    await connect_client("carol")
    qtbot.keyClick(editor, Qt.Key.Key_Return)
    await until(lambda: companion.hub.clients[0].username != "bob")
    assert companion.hub.clients[0].username == "alice"


async def test_the_counters_are_updated_while_the_room_is_shown(room: ClientsRoom, connect_client: Connect) -> None:
    client = await connect_client()
    changed: list[bool] = []
    room.model.dataChanged.connect(lambda *_: changed.append(True))
    await client.send("{}")
    await until(lambda: changed)
    index = room.model.index(0, Col.FROM_UI)
    assert room.model.data(index, Qt.ItemDataRole.DisplayRole) == "1 · 2 B"


async def test_the_buttons_name_the_client_that_they_act_on(
    room: ClientsRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client("alice", user_agent_header="Tester/1")
    await connect_client("bob")
    for line, name in ((0, "1 · alice"), (1, "2 · bob")):
        select(room, line, qtbot)
        assert room.target.text() == name
    select(room, 0, qtbot)
    assert "Tester/1" in room.details.text()
    room.table.clearSelection()
    assert room.target.text() == "No client is selected"
    assert room.details.text() == ""


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize(("width", "wide"), [(1000, False), (1500, True)])
async def test_all_columns_are_wide_enough_for_their_content(
    window: MainWindow, room: ClientsRoom, connect_client: Connect, width: int, wide: bool
) -> None:
    await connect_client("alice", origin="http://localhost:1420")
    window.resize(width, 640)
    QApplication.processEvents()
    assert room.table.isColumnHidden(Col.AGENT) is not wide
    header = room.table.horizontalHeader()
    shown = [column for column in Col if not room.table.isColumnHidden(column)]
    for column in shown:
        title = room.table.fontMetrics().horizontalAdvance(TITLES[column]) + 18  # the padding of the style sheet
        assert room.table.columnWidth(column) >= title, TITLES[column]
    assert header.length() <= room.table.viewport().width()
    numbers = room.table.fontMetrics().horizontalAdvance("999 · 19.8 KiB") + 12
    assert all(room.table.columnWidth(column) >= numbers for column in (Col.FROM_UI, Col.TO_UI))
    origin = room.table.fontMetrics().horizontalAdvance("http://localhost:1420") + 12
    assert room.table.columnWidth(Col.ORIGIN) >= origin


@pytest.mark.usefixtures("styled")
async def test_in_a_narrow_window_there_is_room_for_the_close_reason(
    window: MainWindow, room: ClientsRoom, connect_client: Connect
) -> None:
    """Regression: it was 48 pixels wide."""
    await connect_client()
    for width, short in ((880, True), (1400, False)):
        window.resize(width, 560)
        await until(lambda short=short: room.send.is_short is room.events.is_short is short)
        await until(lambda: room.reason.width() >= room.reason.sizeHint().width())
    assert room.send.text() == "Send to …"


@pytest.mark.usefixtures("styled")
@pytest.mark.parametrize("size", [QSize(1000, 640), QSize(1400, 900)])
async def test_nothing_important_is_cut_and_the_rest_has_tooltips(
    window: MainWindow, room: ClientsRoom, companion: Companion, connect_client: Connect, size: QSize
) -> None:
    window.resize(size)
    await connect_client("frontend-developer", origin="http://localhost:1420", user_agent_header="Mozilla " * 20)
    await connect_client("al")
    await companion.fire(Envelope("friend_offline", {"username": "bob"}), origin=PANEL)
    window.grab()
    measure, table = room.table.fontMetrics().horizontalAdvance, room.table
    longest = max(companion.catalog.names(Direction.TO_UI), key=measure)
    for column in (Col.CLIENT, Col.READY, Col.LAST_SENT, Col.ORIGIN):
        assert not table.isColumnHidden(column)
        for line in range(room.model.rowCount()):
            needed = measure(room.model.index(line, column).data()) + 2 * PADDING
            assert table.columnWidth(column) >= needed, room.model.index(line, column).data()
    assert table.columnWidth(Col.LAST_SENT) >= measure(f"{longest} · 59 min ago") + 2 * PADDING
    assert table.horizontalHeader().length() <= table.viewport().width()
    for column in Col:
        assert room.model.headerData(column, Qt.Orientation.Horizontal, Qt.ItemDataRole.ToolTipRole)
        assert room.model.index(0, column).data(Qt.ItemDataRole.ToolTipRole)
    table.selectRow(0)
    for column in room.columns.hidden:
        text = room.model.index(0, column).data()
        assert text in room.details.text() or text == "–", column
    assert room.details.text().startswith("connected for" if Col.SINCE in room.columns.hidden else "")


async def test_a_column_grows_with_the_name_of_a_client_but_stays_as_the_user_sets_it(
    window: MainWindow, room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    window.resize(1000, 640)
    await connect_client("al")
    window.grab()
    header = room.table.horizontalHeader()
    before = room.table.columnWidth(Col.CLIENT)
    companion.hub.identify(companion.hub.clients[0], "a_rather_long_user_name")
    assert room.table.columnWidth(Col.CLIENT) > before
    edge = QPoint(header.sectionViewportPosition(Col.CLIENT) + header.sectionSize(Col.CLIENT) - 1, 8)
    qtbot.mousePress(header.viewport(), LEFT, pos=edge)
    qtbot.mouseMove(header.viewport(), edge - QPoint(60, 0))
    qtbot.mouseRelease(header.viewport(), LEFT, pos=edge - QPoint(60, 0))
    narrowed = room.table.columnWidth(Col.CLIENT)
    companion.hub.identify(companion.hub.clients[0], "another_long_user_name")
    assert room.table.columnWidth(Col.CLIENT) == narrowed


async def test_rows_do_not_move_when_a_connection_is_refused(
    window: MainWindow, room: ClientsRoom, companion: Companion, connect_client: Connect
) -> None:
    await connect_client("alice")
    window.grab()
    before = room.table.mapTo(window, QPoint(0, 0)), room.abort.mapTo(window, QPoint(0, 0))
    companion.rejection_log.add(
        "events", "origin http://localhost:5173 is not allowed", "http://localhost:5173", ""
    )
    await until(room.refused.isVisible)
    window.grab()
    assert (room.table.mapTo(window, QPoint(0, 0)), room.abort.mapTo(window, QPoint(0, 0))) == before
    assert not window.banner.isVisible(), "the room shows it"
    window.open_room(EVENTS)
    companion.rejection_log.add(
        "events", "origin http://localhost:5173 is not allowed", "http://localhost:5173", ""
    )
    assert window.banner.isVisible()


async def test_the_buttons_do_not_move_when_a_reconnect_is_shown(
    window: MainWindow, room: ClientsRoom, connect_client: Connect
) -> None:
    await connect_client("alice")
    window.grab()
    before = room.abort.mapTo(window, QPoint(0, 0))
    room.reconnects.show()
    window.grab()
    assert room.abort.mapTo(window, QPoint(0, 0)) == before


async def test_the_focus_stays_in_the_room_after_allow(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    companion.rejection_log.add("events", "not allowed", "http://localhost:5555")
    room.refused.show_refused()
    button = child(room.refused, QPushButton)
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Space)
    assert room.isAncestorOf(focused_widget())
    await connect_client()
    room.table.selectRow(0)
    room.abort.setFocus()
    qtbot.keyClick(room.abort, Qt.Key.Key_Space)
    await until(lambda: companion.hub.connection_count == 0)
    assert room.isAncestorOf(focused_widget())


async def test_show_events_filters_the_log_for_that_client(
    window: MainWindow, room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    for name in ("alice", "bob"):
        await connect_client(name)
    select(room, 1, qtbot)
    qtbot.mouseClick(room.events, LEFT)
    assert window.rooms.current == EVENTS
    assert window.events.filter.text() == "client:2"
    await until(lambda: not window.events.filtering)
    rows = [window.events.model.row(line) for line in range(window.events.model.rowCount())]
    assert [(row.event, row.client) for row in rows] == [("connected", "2")]


async def test_the_context_menu_changes_no_other_user_if_its_client_disconnects(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    first, _ = await connect_client("alice"), await connect_client("bob")
    select(room, 0, qtbot)
    room.table.customContextMenuRequested.emit(QPoint(10, 10))
    menu = room.findChild(QMenu)
    assert isinstance(menu, QMenu)
    await first.close()
    await until(lambda: room.model.rowCount() == 1)
    menu.actions()[-1].trigger()
    assert room.table.state() != QTableView.State.EditingState
    room.table.selectRow(0)
    room.table.customContextMenuRequested.emit(QPoint(10, 10))
    room.findChildren(QMenu)[-1].actions()[-1].trigger()
    assert room.table.state() == QTableView.State.EditingState
    for each in room.findChildren(QMenu):
        each.close()


async def test_the_context_menu_acts_on_the_selected_client(
    room: ClientsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    for name in ("alice", "bob"):
        await connect_client(name)
    room.table.clearSelection()
    room.table.customContextMenuRequested.emit(QPoint(5, 5))
    assert QApplication.activePopupWidget() is None
    select(room, 1, qtbot)
    room.table.customContextMenuRequested.emit(QPoint(5, 5))
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert [each.text() for each in menu.actions()] == [
        "Send to …", "Show events", "Close", "Abort", "Arm faults …", "Reconnect lab …", "Change user",
    ]  # fmt: skip
    menu.actions()[3].trigger()
    menu.close()
    await until(lambda: [each.username for each in companion.hub.clients] == ["alice"])
