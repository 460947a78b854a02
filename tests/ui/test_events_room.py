"""Events: the room that shows the live log."""

import json
import re
import shlex
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QTextDocument
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QWidget
from typing_extensions import override

import app
from app.cli.options import parse_assignments
from app.companion import Companion
from app.hub.clock import Clock
from app.hub.expectation import Expectation
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL, REST
from app.hub.row import STATE_CHANGES
from app.protocol.catalog import Catalog, built_in
from app.protocol.command import expect_arguments, trigger_arguments, trigger_command
from app.protocol.envelope import Envelope
from app.protocol.event_files.parse import parse_event_file
from app.protocol.templates import TemplateContext, resolve
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.event_log import Col
from app.ui.rooms import events as module
from app.ui.rooms.events import EventsRoom
from app.ui.widgets.code_view import MAX_COLORED_LINES
from app.ui.widgets.details import Details
from app.ui.widgets.details_splitter import BESIDE
from app.ui.widgets.json_view import JsonHighlighter, JsonView
from app.ui.widgets.log_pages import CLEARED, EMPTY, NO_MATCH
from app.ui.widgets.row_facts import MEANINGS
from app.ui.widgets.row_header import PIN, RESEND
from app.ui.widgets.text_edit import is_piece
from app.ui.window import EVENTS, INJECT, MainWindow
from tests.conftest import Connect, until
from tests.ui.conftest import destroy_now
from tests.ui.frames import all_frames, text

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier
HELLO = Envelope(
    "new_message",
    {
        "msg_id": "550e8400-e29b-41d4-a716-446655440000",
        "from": "bob",
        "to": "me",
        "text": "Hällo\n🎉",
        "timestamp": "2024-01-15T10:30:00Z",
        "direction": "received",
        "delivered": False,
        "delivery_method": "offline",
    },
)


@pytest.fixture
def first_room() -> str:
    return EVENTS


@pytest.fixture
async def room(window: MainWindow) -> EventsRoom:
    return window.events


async def online(companion: Companion, username: str = "alice") -> None:
    await companion.fire(Envelope("friend_online", {"username": username}), origin=PANEL)


def events(room: EventsRoom) -> list[str]:
    return [room.model.row(line).event for line in range(room.model.rowCount())]


def selected_row(room: EventsRoom) -> Row:
    assert room.selected is not None
    return room.selected


async def select(room: EventsRoom, event: str, qtbot: Any) -> None:
    """Click the newest row of this event."""
    room.model.flush()
    line = max(number for number, name in enumerate(events(room)) if name == event)
    index = room.model.index(line, Col.SUMMARY)
    room.table.scrollTo(index)
    qtbot.mouseClick(room.table.viewport(), LEFT, pos=QPoint(room.table.visualRect(index).center()))
    assert room.selected is not None
    assert room.selected.event == event
    room.table.setFocus()


async def test_an_empty_log_shows_a_hint(room: EventsRoom, companion: Companion, qtbot: Any) -> None:
    await until(lambda: room.model.rowCount() == 1)
    assert room.body.currentWidget() is room.body.reason(EMPTY)
    assert companion.server.url in room.body.reason(EMPTY).hint.text()
    assert room.bar.count.text() == "0 rows", "it agrees with the hint; the only row says that the server listens"
    requests: list[bool] = []
    room.inject_requested.connect(lambda: requests.append(True))
    qtbot.mouseClick(room.body.reason(EMPTY).findChild(QPushButton), LEFT)
    assert requests == [True]


@pytest.mark.usefixtures("only_used_rooms")
async def test_the_details_are_built_when_a_row_is_selected(
    window: MainWindow, room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    assert room.findChild(Details) is None, "the log is painted earlier"
    await online(companion)
    await select(room, "friend_online", qtbot)
    assert room.details.isVisible()
    assert room.findChild(Details) is room.details
    assert room.splitter.widget(1) is room.details
    assert not room.build_next_part()


@pytest.mark.usefixtures("only_used_rooms")
async def test_idle_time_builds_the_details(room: EventsRoom) -> None:
    assert room.build_next_part()
    assert room.findChild(Details) is room.details
    assert room.details.isHidden()
    assert not room.build_next_part()


async def test_rows_of_all_kinds_are_added_automatically(
    room: EventsRoom, companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client("alice")
    await client.send('{"event": "typing", "data": {"to": "unknown", "typing": true}}')
    await client.send("not JSON")
    await online(companion)
    await until(lambda: room.model.rowCount() >= 5)
    assert sorted(events(room)) == sorted(["listening", "connected", "typing", "", "friend_online"])
    assert room.body.currentWidget() is room.splitter
    assert room.bar.count.text() == "5 rows"
    assert room.counts.text() == "Following new rows"


async def test_typing_in_the_filter_hides_other_rows(room: EventsRoom, companion: Companion, qtbot: Any) -> None:
    await online(companion)
    await companion.fire(HELLO, origin=PANEL)
    room.model.flush()
    room.focus_filter()
    qtbot.keyClicks(room.filter, "event:new")
    await until(lambda: events(room) == ["new_message"])
    assert room.bar.count.text() == "1 of 3"
    assert not room.filter_problem.isVisible()
    await companion.fire(HELLO, origin=PANEL)
    await online(companion)
    await until(lambda: len(events(room)) == 2)
    assert events(room) == ["new_message"] * 2
    room.filter.clear()
    await until(lambda: len(events(room)) == 5)


async def test_the_selected_row_stays_selected_and_in_view_when_the_filter_changes(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    for number in range(120):
        await online(companion, "bob" if number == 40 else "alice")
    room.model.flush()
    room.filter.setText("bob")
    await until(lambda: not room.filtering and room.model.rowCount() == 1)
    await select(room, "friend_online", qtbot)
    number = selected_row(room).seq
    tree = room.details.tree.view
    tree.collapseAll()
    room.clear_filter()
    await until(lambda: not room.filtering and room.model.rowCount() > 100)
    assert room.selected is not None
    assert room.selected.seq == number
    assert room.details.isVisible()
    assert not tree.isExpanded(tree.model().index(1, 0)), "the details are not filled again"
    line = room.table.selected_line
    assert line is not None
    await until(lambda: room.table.viewport().rect().contains(room.table.visualRect(room.model.index(line, 0))))
    assert not room.table.following
    room.filter.setText("event:nothing")
    await until(lambda: not room.filtering and room.model.rowCount() == 0)
    assert room.selected is None
    assert not room.details.isVisible()
    room.clear_filter()
    await until(lambda: not room.filtering and room.model.rowCount() > 100)
    assert room.selected.seq == number


async def test_esc_clears_the_filter_and_then_goes_to_the_log(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await online(companion)
    room.focus_filter()
    room.filter.setText("bob")
    qtbot.keyClick(room.filter, Qt.Key.Key_Escape)
    assert room.filter.text() == ""
    await until(lambda: not room.filtering)
    qtbot.keyClick(room.filter, Qt.Key.Key_Escape)
    assert QApplication.focusWidget() is room.table


async def test_a_filter_that_esc_has_cleared_can_be_restored(room: EventsRoom, qtbot: Any) -> None:
    room.focus_filter()
    room.filter.setText("bob")
    qtbot.keyClick(room.filter, Qt.Key.Key_Escape)
    qtbot.keyClick(room.filter, Qt.Key.Key_Z, CONTROL)
    assert room.filter.text() == "bob"


async def test_the_words_of_the_filter_are_marked_in_the_details(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    def marked_in_tree() -> list[str]:
        model = room.details.tree.model
        data = model.index(1, 0)
        cells = [model.index(line, column, data) for line in range(model.rowCount(data)) for column in (0, 1)]
        return [each.data() for each in cells if each.data(Qt.ItemDataRole.BackgroundRole)]

    def marked_in(view: JsonView) -> list[str]:
        block, found = view.document().begin(), []
        while block.isValid():
            for each in block.layout().formats():
                if each.format.background().style() != Qt.BrushStyle.NoBrush:
                    units = block.text().encode("utf-16-le")  # Qt counts in them
                    part = units[2 * each.start : 2 * (each.start + each.length)]
                    found.append(part.decode("utf-16-le"))
            block = block.next()
        return found

    await companion.fire(HELLO, origin=PANEL)
    room.filter.setText("OFFLINE bob event:new_message")
    await until(lambda: not room.filtering)
    await select(room, "new_message", qtbot)
    assert marked_in_tree() == ['"bob"', '"offline"']
    for view in (room.details.pretty, room.details.raw):
        room.details.tabs.setCurrentWidget(view)
        assert sorted(marked_in(view)) == ["bob", "offline"]
    room.filter.setText("direct")
    await until(lambda: not room.filtering)
    assert marked_in(room.details.raw) == ["direct"]
    room.clear_filter()
    await until(lambda: not room.filtering)
    assert marked_in_tree() == marked_in(room.details.raw) == []


def test_a_very_long_text_is_not_searched_for_the_words_of_a_filter(qapp: QApplication) -> None:
    """That would block the window."""
    searched: list[str] = []

    class Highlighter(JsonHighlighter):
        @override
        def highlightBlock(self, text: str) -> None:
            searched.append(text)

    document = QTextDocument("direct\n" * MAX_COLORED_LINES)
    highlighter = Highlighter(document)
    searched.clear()
    highlighter.mark(["direct"])
    assert searched == []
    document.setPlainText("direct")
    searched.clear()
    highlighter.mark(["dir"])
    assert searched == ["direct"]


def test_the_words_of_a_filter_are_marked_in_all_pieces_of_a_long_line(show: Callable[[QWidget], None]) -> None:
    """Regression: they were marked in the first piece only."""
    view = JsonView("Raw")
    show(view)
    view.set_text(f'"{"x" * 3_000} needle"')
    view.highlighter.mark(["needle"])
    last = view.document().lastBlock()
    assert is_piece(last)
    assert [last.text()[each.start : each.start + each.length] for each in last.layout().formats()] == ["needle"]


async def test_filter_errors_are_shown_until_the_filter_is_cleared(room: EventsRoom, qtbot: Any) -> None:
    qtbot.keyClicks(room.filter, "colour:red /(/")
    await until(room.filter_problem.isVisible)
    assert "unknown key 'colour'" in room.filter_problem.text()
    assert "not a valid regular expression" in room.filter_problem.text()
    room.filter.clear()
    await until(lambda: not room.filter_problem.isVisible())


async def test_a_filter_without_matches_shows_its_own_placeholder(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await online(companion)
    room.filter.setText("nothing-like-this")
    await until(lambda: room.model.rowCount() == 0)
    await until(lambda: room.body.currentWidget() is room.body.reason(NO_MATCH))
    assert room.body.reason(NO_MATCH).title.text() == "No row matches the filter"
    qtbot.mouseClick(room.body.reason(NO_MATCH).findChild(QPushButton), LEFT)
    assert room.filter.text() == ""
    await until(lambda: room.body.currentWidget() is room.splitter)


async def test_letters_typed_into_the_filter_do_not_trigger_shortcuts(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await online(companion)
    await select(room, "friend_online", qtbot)
    room.focus_filter()
    qtbot.keyClicks(room.filter, "rep?")
    assert room.filter.text() == "rep?"
    assert not room.freeze.isChecked()
    assert QApplication.activeModalWidget() is None
    assert len(await all_frames(companion, client)) == 1


async def test_a_selected_row_shows_its_details(room: EventsRoom, companion: Companion, qtbot: Any) -> None:
    await companion.fire(HELLO, origin=PANEL)
    assert not room.details.isVisible()
    await select(room, "new_message", qtbot)
    assert room.details.isVisible()
    room.details.tabs.setCurrentWidget(room.details.pretty)
    assert json.loads(room.details.pretty.toPlainText()) == {"event": "new_message", "data": HELLO.data}


@pytest.mark.usefixtures("styled")
async def test_closed_details_are_reopened_by_a_click_on_the_same_row(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await companion.fire(HELLO, origin=PANEL)
    await select(room, "new_message", qtbot)
    qtbot.mouseClick(room.details.header.close_button, LEFT)
    assert not room.details.isVisible()
    assert room.table.selectionModel().selectedRows() == []
    await select(room, "new_message", qtbot)
    assert room.details.isVisible()


@pytest.mark.usefixtures("styled")
async def test_closing_the_details_clears_the_selection(room: EventsRoom, companion: Companion, qtbot: Any) -> None:
    await companion.fire(HELLO, origin=PANEL)
    await select(room, "new_message", qtbot)
    qtbot.mouseClick(room.details.header.close_button, LEFT)
    assert room.selected is None


async def test_esc_closes_the_details_and_the_arrow_keys_continue_there(
    room: EventsRoom, companion: Companion, qtbot: Any, subtests: pytest.Subtests
) -> None:
    for focused in ("table", "tree", "pretty", "tabs", "header", "search"):
        with subtests.test(focused=focused):
            for name in ("alice", "bob", "carol"):
                await online(companion, name)
            await select(room, "friend_online", qtbot)
            qtbot.keyClick(room.table, Qt.Key.Key_Up)
            number = selected_row(room).seq
            details = room.details
            if focused == "pretty":
                details.tabs.setCurrentWidget(details.pretty)
            widget = {
                "table": room.table, "tree": details.tree, "pretty": details.pretty, "tabs": details.tabs.tabBar(),
                "header": details.header.buttons[PIN], "search": details.search,
            }[focused]  # fmt: skip
            widget.setFocus()
            qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
            assert not details.isVisible()
            assert room.table.selected_count == 0
            assert QApplication.focusWidget() is room.table
            qtbot.keyClick(room.table, Qt.Key.Key_Down)
            assert selected_row(room).seq == number + 1


async def test_esc_in_the_search_of_the_details_clears_the_search_first(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await online(companion)
    await select(room, "friend_online", qtbot)
    room.details.search.setFocus()
    qtbot.keyClicks(room.details.search, "ali")
    qtbot.keyClick(room.details.search, Qt.Key.Key_Escape)
    assert room.details.isVisible()
    assert room.details.search.text() == ""


async def test_esc_while_an_annotation_is_edited_does_not_close_the_details(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await online(companion)
    await select(room, "friend_online", qtbot)
    qtbot.keyClick(room.table, Qt.Key.Key_A)
    qtbot.keyClicks(QApplication.focusWidget(), "r e s")
    assert room.details.header.annotation.text() == "r e s", "the letters are no shortcuts there"
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert room.details.isVisible()
    assert room.model.mark(selected_row(room).seq).annotation == ""


@pytest.mark.parametrize("where", ["header", "tabs"])
async def test_the_keys_of_a_row_work_in_the_header_of_its_details(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any, where: str
) -> None:
    client = await connect_client()
    await online(companion)
    await select(room, "friend_online", qtbot)
    await text(client)
    (room.details.header.buttons[RESEND] if where == "header" else room.details.tabs.tabBar()).setFocus()
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_R)
    assert json.loads(await text(client))["event"] == "friend_online"
    number = selected_row(room).seq
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_M)
    assert room.model.mark(number).pinned


async def test_a_row_of_the_server_shows_what_happened(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    await select(room, "connected", qtbot)
    facts = room.details.facts
    assert facts.isVisible()
    assert not room.details.tabs.isVisible()
    assert facts.meaning.text() == "A client connected to the event server."
    assert facts.note.text().startswith("acts as me")
    assert facts.client.text() == "1 · me"
    assert facts.time.text() == f"{datetime.fromtimestamp(selected_row(room).wall):%Y-%m-%d %H:%M:%S.%f}"[:-3]
    assert not facts.result.isVisible()
    assert " 0 B" not in room.details.header.facts.text()
    companion.hub.log_server_event("not sent", note="no client is connected", verdict=Verdict.WARNING)
    await select(room, "not sent", qtbot)
    assert facts.meaning.text() == "An event was not sent."
    assert facts.note.text() == "no client is connected"
    assert facts.result.text() == "▲ warning"
    assert not facts.client.isVisible()
    await online(companion)
    await select(room, "friend_online", qtbot)
    assert room.details.tabs.isVisible()
    assert not facts.isVisible()


@pytest.mark.usefixtures("styled")
async def test_the_details_beside_the_log_leave_room_for_it(
    window: MainWindow, room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    window.resize(1400, 900)
    await online(companion)
    await select(room, "friend_online", qtbot)
    window.grab()
    await until(lambda: room.splitter.sizes()[1] > 0)
    log, details = room.splitter.sizes()
    assert room.splitter.place == BESIDE
    assert log / (log + details) == pytest.approx(0.6, abs=0.02)
    tabs = room.details.tabs.tabBar()
    assert tabs.tabRect(tabs.count() - 1).right() < tabs.width(), "all tabs are visible"


def test_every_event_of_the_server_is_explained() -> None:
    """Every name that the code passes to ``log_server_event``, directly or through a method that takes it."""
    calls = re.compile(r"(?:log_server_event|_log_warning|_log_replaced|_report|self\._journal)\(\s*([^()]*)")
    files = (file for file in Path(app.__file__).parent.rglob("*.py") if "protocol" not in file.parts)
    sources = (file.read_text("utf-8") for file in files)
    arguments = " ".join(" ".join(calls.findall(source)) for source in sources)
    names = {*re.findall(r'(?<!note=)"([a-z][a-z ]+)"', arguments), *STATE_CHANGES}
    assert {"connected", "refused", "paused", "resumed", "not listening", "chat state reset"} - names <= {"refused"}
    assert {name for name in names if name not in MEANINGS and len(name) < 30} == set()


async def test_r_resends_the_same_bytes(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client, other = await connect_client(), await connect_client("bob")
    await companion.fire(HELLO, origin=PANEL)
    first = await text(client)
    assert await text(other) == first
    await select(room, "new_message", qtbot)
    messages: list[str] = []
    room.status_message.connect(messages.append)
    qtbot.keyClick(room.table, Qt.Key.Key_R)
    assert await text(client) == first
    assert await text(other) == first
    await until(lambda: messages)
    assert ": delivered to 2 clients" in messages[0]
    assert messages[0].startswith("Resent #")


async def test_r_resends_an_invalid_frame_unchanged(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await companion.send_raw('{"event": half', origin=PANEL)
    assert await text(client) == '{"event": half'
    await select(room, "(raw frame)", qtbot)
    qtbot.keyClick(room.table, Qt.Key.Key_R)
    assert await text(client) == '{"event": half'


async def test_only_frames_to_the_ui_can_be_resent(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await select(room, "connected", qtbot)
    messages: list[str] = []
    room.status_message.connect(messages.append)
    qtbot.keyClick(room.table, Qt.Key.Key_R)
    assert messages == ["Select a frame that was sent to the UI. Other rows cannot be resent."]
    assert await all_frames(companion, client) == []


async def test_ctrl_c_copies_the_frame_as_json(room: EventsRoom, companion: Companion, qtbot: Any) -> None:
    await companion.fire(HELLO, origin=PANEL)
    await select(room, "new_message", qtbot)
    QGuiApplication.clipboard().clear()
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL)
    copied = QGuiApplication.clipboard().text()
    assert json.loads(copied) == {"event": "new_message", "data": HELLO.data}
    assert copied.startswith('{\n  "event"')
    assert "Hällo" in copied


async def test_ctrl_c_on_a_row_of_the_server_copies_its_note(
    room: EventsRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client("alice")
    await select(room, "connected", qtbot)
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL)
    assert QGuiApplication.clipboard().text() == "acts as alice"


async def test_e_opens_inject_with_the_values_of_the_event(
    window: MainWindow, room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await companion.fire(HELLO, origin=PANEL)
    first = await text(client)
    await select(room, "new_message", qtbot)
    qtbot.keyClick(room.table, Qt.Key.Key_E)
    assert window.rooms.current == INJECT
    panel = window.inject.event_panel("new_message")
    assert panel is not None
    assert panel is window.inject.panels.currentWidget()
    assert panel.form().value() == HELLO.data
    qtbot.mouseClick(window.inject.bar.now, LEFT)
    assert json.loads(await text(client)) == json.loads(first)


async def test_e_on_an_invalid_frame_opens_the_raw_frame_panel(
    window: MainWindow, room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await companion.send_raw('{"event": half', origin=PANEL)
    await select(room, "(raw frame)", qtbot)
    qtbot.keyClick(room.table, Qt.Key.Key_E)
    assert window.inject.panels.currentWidget() is window.inject.raw
    assert window.inject.raw.editor.toPlainText() == '{"event": half'


async def test_a_double_click_opens_inject(
    window: MainWindow, room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await companion.fire(HELLO, origin=PANEL)
    await select(room, "new_message", qtbot)
    position = room.table.visualRect(room.table.currentIndex()).center()
    qtbot.mouseDClick(room.table.viewport(), LEFT, pos=QPoint(position))
    assert window.rooms.current == INJECT


async def test_a_row_from_the_ui_is_not_edited_in_inject(
    window: MainWindow, room: EventsRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    await select(room, "connected", qtbot)
    qtbot.keyClick(room.table, Qt.Key.Key_E)
    assert window.rooms.current == EVENTS


async def test_p_freezes_the_log_while_rows_are_still_recorded(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await online(companion)
    room.model.flush()
    room.table.setFocus()
    qtbot.keyClick(room.table, Qt.Key.Key_P)
    assert room.freeze.isChecked()
    assert room.freeze.text() == "Unfreeze log"
    count = len(events(room))
    for _ in range(3):
        await online(companion)
    await until(lambda: "3 new rows waiting" in room.counts.text())
    assert len(events(room)) == count
    qtbot.keyClick(room.table, Qt.Key.Key_P)
    assert room.freeze.text() == "Freeze log"
    assert len(events(room)) == count + 3
    assert "paused" not in room.counts.text()


async def test_the_button_freezes_the_log(room: EventsRoom, companion: Companion, qtbot: Any) -> None:
    await online(companion)
    room.model.flush()
    qtbot.mouseClick(room.freeze, LEFT)
    await online(companion)
    assert room.model.waiting == 1
    qtbot.mouseClick(room.freeze, LEFT)
    assert room.model.waiting == 0


@pytest.mark.usefixtures("styled")
async def test_the_button_keeps_its_icon_when_the_theme_changes(room: EventsRoom) -> None:
    for name in ("play", "pause"):
        room.freeze.toggle()
        room.recolor()
        expected = ui_icon(name, theme.colors().muted).pixmap(16, 16).toImage()
        assert room.freeze.icon().pixmap(16, 16).toImage() == expected


async def test_ctrl_l_clears_the_view_but_not_the_journal(
    window: MainWindow, room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    for _ in range(3):
        await online(companion)
    await select(room, "friend_online", qtbot)
    count = len(companion.journal)
    qtbot.keyClick(room.table, Qt.Key.Key_L, CONTROL)
    assert events(room) == []
    assert not room.details.isVisible()
    assert len(companion.journal) == count
    await online(companion, "bob")
    await until(lambda: events(room) == ["friend_online"])


async def test_clear_can_be_undone(
    room: EventsRoom, companion: Companion, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    time = datetime(2024, 1, 15, 19, 2).astimezone().timestamp()
    monkeypatch.setattr(companion, "clock", Clock(wall=lambda: time))
    await online(companion)
    room.model.flush()
    before = events(room)
    qtbot.mouseClick(room.clear_button, LEFT)
    assert room.body.currentWidget() is room.body.reason(CLEARED)
    assert room.body.reason(CLEARED).title.text() == "View cleared at 19:02"
    assert f"{len(before)} earlier rows" in room.body.reason(CLEARED).hint.text()
    qtbot.mouseClick(room.body.reason(CLEARED).findChild(QPushButton), LEFT)
    assert room.body.currentWidget() is room.splitter
    assert events(room) == before
    assert not room.show_earlier.isVisible()


async def test_clear_can_be_undone_after_new_rows(room: EventsRoom, companion: Companion, qtbot: Any) -> None:
    await online(companion)
    room.model.flush()
    before = events(room)
    room.clear()
    await online(companion, "bob")
    await until(lambda: events(room) == ["friend_online"])
    assert room.show_earlier.isVisible()
    qtbot.mouseClick(room.show_earlier, LEFT)
    assert events(room) == [*before, "friend_online"]
    assert not room.show_earlier.isVisible()


async def test_a_click_on_a_row_does_not_move_it_out_of_view(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    for _ in range(100):
        await online(companion)
    await until(lambda: room.model.rowCount() > 100)
    line = room.table.rowAt(5)
    position = room.table.visualRect(room.model.index(line, Col.SUMMARY)).center()
    qtbot.mouseClick(room.table.viewport(), LEFT, pos=QPoint(position))
    await until(lambda: room.table.height() < 400)
    assert room.details.isVisible()
    assert room.table.viewport().rect().contains(room.table.visualRect(room.model.index(line, Col.TIME)))


async def test_the_number_of_discarded_rows_is_shown(room: EventsRoom, companion: Companion) -> None:
    journal = companion.journal
    for _ in range(journal._max_rows + 25):
        journal.append(Kind.SERVER, "x")
    room.model.flush()
    assert f"{journal.dropped:,} older rows discarded" in room.counts.text()
    assert journal.dropped > 0


async def test_the_counts_show_whether_the_log_follows_new_rows(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    for _ in range(200):
        await online(companion)
    await until(lambda: room.model.rowCount() > 200)
    assert room.counts.text() == "Following new rows"
    room.table.verticalScrollBar().setValue(0)
    assert room.counts.text().startswith("Not following")
    room.table.follow(True)
    assert room.counts.text() == "Following new rows"


async def test_rows_added_while_another_room_is_open_are_counted_as_new(
    window: MainWindow, room: EventsRoom, companion: Companion
) -> None:
    for _ in range(200):
        await online(companion)
    await until(lambda: room.model.rowCount() > 200)
    room.table.verticalScrollBar().setValue(0)
    window.open_room(INJECT)
    await online(companion)
    await until(lambda: room.model.rowCount() > 201)
    window.open_room(EVENTS)
    assert room.table.jump.isVisible()
    assert room.table.jump.text() == "1 new ↓"


async def test_the_time_style_changes_the_time_column(room: EventsRoom, companion: Companion, qtbot: Any) -> None:
    await online(companion)
    room.model.flush()
    qtbot.keyClick(room.time_style, Qt.Key.Key_Down)
    assert room.model.data(room.model.index(0, Col.TIME), Qt.ItemDataRole.DisplayRole) == "+0.000 s"


async def test_the_context_menu_enables_the_actions_of_the_row(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    await online(companion)

    async def menu_entries(event: str) -> dict[str, bool]:
        await select(room, event, qtbot)
        position = room.table.visualRect(room.table.currentIndex()).center()
        room.table.customContextMenuRequested.emit(position)
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        entries = {action.text(): action.isEnabled() for action in menu.actions()}
        menu.close()
        return entries

    for_the_ui = ("Resend", "Edit in Inject", "Copy as command", "Copy as Playwright", "Save as fixture …")
    all_enabled = dict.fromkeys(["Copy as JSON", *for_the_ui, "Freeze log"], True)
    assert (await menu_entries("friend_online")).items() >= all_enabled.items()
    assert (await menu_entries("connected")).items() >= {**all_enabled, **dict.fromkeys(for_the_ui, False)}.items()
    await select(room, "friend_online", qtbot)
    sent = companion.journal.last_seq
    qtbot.keyClick(room.table, Qt.Key.Key_R)
    await until(lambda: companion.journal.last_seq == sent + 1)


# copy as a command


def options(command: str) -> tuple[list[str], dict[str, Any]]:
    """Return the words before the options of a command, and the data that its options set."""
    words = shlex.split(command)
    start = words.index("--set") if "--set" in words else len(words)
    assert set(words[start::2]) <= {"--set"}
    return words[:start], parse_assignments(words[start + 1 :: 2])


async def test_ctrl_shift_c_copies_a_command_that_fires_the_event(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    await companion.fire(HELLO, origin=PANEL)
    await select(room, "new_message", qtbot)
    messages: list[str] = []
    room.status_message.connect(messages.append)
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    start, data = options(QGuiApplication.clipboard().text())
    assert start == ["companion", "trigger", "new_message"]
    assert data == {name: value for name, value in HELLO.data.items() if name not in ("msg_id", "timestamp")}
    assert room.selected
    assert messages == [f"Copied #{room.selected.seq} as a command"]


@pytest.mark.parametrize(
    "text",
    ["hi", "", "true", "null", "3", " 3 ", "NaN", '"quoted"', "{}", "[1", "it's $HOME `ls` \\", "a=b", "-x", "--to",
     "\n\t", "🎉", "[" * 5_000],
)  # fmt: skip
@pytest.mark.parametrize("changes", [{}, {"reactions": [{"emoji": "👍", "from": "bob"}]}, {"delivered": False}])
def test_every_value_of_a_command_is_parsed_to_the_same_value(text: str, changes: dict[str, Any]) -> None:
    data = {**HELLO.data, "text": text, **changes}
    start, parsed = options(trigger_command(json.dumps({"event": "new_message", "data": data}), built_in()))
    assert start == ["companion", "trigger", "new_message"]
    assert parsed == {name: value for name, value in data.items() if name not in ("msg_id", "timestamp")}


def test_a_command_sends_text_that_looks_like_a_template_as_it_was() -> None:
    data = {**HELLO.data, "text": "use {{now}}"}
    _, parsed = options(trigger_command(json.dumps({"event": "new_message", "data": data}), built_in()))
    assert parsed["text"] == "use {{braces}}now}}"
    assert resolve(parsed["text"], TemplateContext(wall=0.0)) == data["text"]


INVALID = '{"event": "friend_online", "data": {"username": 7}}'


@pytest.mark.parametrize("frame", ["not JSON", "", '{"event": "typing"}', "[]", "--to\n'quoted'", INVALID])
async def test_an_invalid_event_is_copied_as_a_trigger_command_with_a_raw_frame(frame: str) -> None:
    assert shlex.split(trigger_command(frame, built_in())) == ["companion", "trigger", "--frame", frame]


def own_catalog(examples: Sequence[Any] = (), **schema: Any) -> Catalog:
    """Return a catalog with an event ``party`` of a file."""
    content = {"event": "party", "direction": "to_ui", "data": {"type": "object", **schema}, "examples": examples}
    return Catalog([parse_event_file("party.json", json.dumps(content), built_in())])


def test_fields_without_a_plain_path_are_copied() -> None:
    catalog = own_catalog(additionalProperties=True)

    def copied(data: dict[str, Any], **more: Any) -> list[str]:
        return trigger_arguments(json.dumps({"event": "party", "data": data, **more}), catalog)

    assert copied({"event": "dance"}) == ["trigger", "party", "--set", "data.event=dance"]
    for data in ({"a.b": 1}, {"a=b": 1}, {"": 1}, {"a[0]": 1}):
        assert copied(data)[:2] == ["trigger", "--frame"]
    assert copied({}, id=5)[:2] == ["trigger", "--frame"]
    assert expect_arguments("POST /x", {"data": "x", "a.b": 1}) == ["expect", "POST /x", "--where", "data.data=x"]


def test_fields_of_the_example_that_a_row_lacks_are_removed() -> None:
    catalog = own_catalog(
        properties={"a": {"type": "string"}, "note": {"type": "string"}}, examples=[{"a": "x", "note": "hello"}]
    )
    frame = '{"event": "party", "data": {"a": "y"}}'
    assert trigger_arguments(frame, catalog) == ["trigger", "party", "--set", "a=y", "--remove", "note"]


async def test_only_frames_to_the_ui_are_copied_as_a_command(
    room: EventsRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    await select(room, "connected", qtbot)
    QGuiApplication.clipboard().setText("before")
    messages: list[str] = []
    room.status_message.connect(messages.append)
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL | Qt.KeyboardModifier.ShiftModifier)
    assert messages == ["Select a frame that was sent to the UI. Other rows cannot be fired."]
    assert QGuiApplication.clipboard().text() == "before"


# copy as a line for Playwright

ALT = Qt.KeyboardModifier.AltModifier


def arguments(line: str) -> list[str]:
    """Return the arguments of ``await companion("…", "…");``."""
    assert line.startswith("await companion(")
    assert line.endswith(");")
    words: list[str] = json.loads(f"[{line.removeprefix('await companion(').removesuffix(');')}]")
    return words


async def test_ctrl_alt_c_copies_a_line_that_fires_the_event_in_playwright(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    await companion.fire(HELLO, origin=PANEL)
    await select(room, "new_message", qtbot)
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL | ALT)
    words = arguments(QGuiApplication.clipboard().text())
    assert words[:2] == ["trigger", "new_message"]
    assert set(words[2::2]) == {"--set"}
    assert "text=Hällo\n🎉" in words


async def test_a_client_event_is_copied_as_an_expectation_for_playwright(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client("alice")
    await client.send('{"event": "typing", "data": {"to": "bob", "typing": true}}')
    await until(lambda: any(row.event == "typing" for row in companion.journal))
    await select(room, "typing", qtbot)
    messages: list[str] = []
    room.status_message.connect(messages.append)
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL | ALT)
    words = arguments(QGuiApplication.clipboard().text())
    assert words == ["expect", "typing", "--where", "to=bob", "--where", "typing=true"]
    assert room.selected
    assert messages == [f"Copied #{room.selected.seq} as a line for Playwright"]
    expected = Expectation(words[1], where=parse_assignments(words[3::2]))
    assert expected.met_by(room.selected)


async def test_a_rest_call_is_copied_as_an_expectation_with_its_body(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    body = b'{"to":"bob","text":"3"}'
    companion.journal.append(Kind.FROM_UI, "POST /messages", payload=body, origin=REST)
    await select(room, "POST /messages", qtbot)
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL | ALT)
    words = arguments(QGuiApplication.clipboard().text())
    assert words == ["expect", "POST /messages", "--where", "to=bob", "--where", 'text="3"']
    assert room.selected
    assert Expectation(words[1], where=parse_assignments(words[3::2])).met_by(room.selected)


async def test_an_invalid_client_event_is_not_copied_as_an_expectation(
    room: EventsRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await client.send('{"event": "typing", "data": {}}')
    await until(lambda: any(row.event == "typing" for row in companion.journal))
    await select(room, "typing", qtbot)
    QGuiApplication.clipboard().setText("before")
    messages: list[str] = []
    room.status_message.connect(messages.append)
    qtbot.keyClick(room.table, Qt.Key.Key_C, CONTROL | ALT)
    assert messages == ["Select a frame to the UI, or a valid frame from the UI."]
    assert QGuiApplication.clipboard().text() == "before"


# comparison with the previous event of the same name


async def test_the_diff_compares_with_the_previous_event_of_the_same_name_and_direction(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await online(companion, "alice")
    await companion.fire(HELLO, origin=PANEL)
    companion.journal.append(Kind.FROM_UI, "friend_online", payload=b"{}")
    await online(companion, "bob")
    await select(room, "friend_online", qtbot)
    room.details.tabs.setCurrentWidget(room.details.diff)
    first = next(row for row in companion.journal if row.event == "friend_online")
    lines = room.details.diff.toPlainText().split("\n")
    assert lines[0].startswith(f"Since #{first.seq} · ")
    assert [line for line in lines if line[:1] in "+-" and line] == [
        '-     "username": "alice"',
        '+     "username": "bob"',
    ]
    await select(room, "new_message", qtbot)
    assert room.details.diff.toPlainText().startswith("The log has no earlier event of this kind")


async def test_the_diff_is_computed_only_when_its_tab_is_visible(
    room: EventsRoom, companion: Companion, qtbot: Any
) -> None:
    await online(companion)
    await online(companion)
    await select(room, "friend_online", qtbot)
    assert room.details.diff.toPlainText() == ""
    room.details.tabs.setCurrentWidget(room.details.diff)
    assert room.details.diff.toPlainText().split("\n")[2:] == ["Identical"]


def test_the_regex_library_is_loaded_when_the_filter_contains_a_slash(
    stopped_companion: Companion, show: Callable[[QWidget], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    monkeypatch.setattr(module, "prepare_expressions", lambda: calls.append("/"))
    room = EventsRoom(stopped_companion)
    show(room)
    room.filter.setText("hello")
    assert (calls, room.filtering) == ([], True)
    room.filter.setText("hello /w")
    assert calls == ["/"]
    room.close_down()


def test_a_room_that_is_destroyed_without_being_closed_ignores_later_rows(
    stopped_companion: Companion, qtbot: Any
) -> None:
    room = EventsRoom(stopped_companion)
    model, journal = room.model, stopped_companion.journal
    journal.append(Kind.SERVER, "listening")
    destroy_now(room)
    journal.append(Kind.SERVER, "listening")
    model.flush()  # pytest-qt fails the test if a slot raises
    assert not model._timer.isActive()
    assert not model._pause.isActive()
