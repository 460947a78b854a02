"""Breakpoints in the window: the strip of held items, the list of breakpoints, menus, keys, badges, the palette."""

import asyncio
import json
from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import Any

import aiohttp
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from websockets.exceptions import ConnectionClosed

from app.companion import Companion
from app.hub.clock import Clock
from app.hub.held_items import BreakpointOptions, Edit
from app.hub.journal import Kind
from app.hub.origin import PANEL, REST
from app.protocol.breakpoints import BreakpointDirection
from app.protocol.envelope import Envelope
from app.ui.breakpoint_dialog import BreakpointDialog
from app.ui.models.event_log import Col as LogCol
from app.ui.models.held_items import Col, title_of
from app.ui.palette import Palette
from app.ui.palette_commands import commands
from app.ui.rooms.events import EventsRoom
from app.ui.widgets.held_strip import CLOSE, CONTINUE, DROP, EDIT, INJECT, MAX_LINES, UNSAVED, HeldStrip
from app.ui.widgets.log_table import ROW_HEIGHT
from app.ui.widgets.navigation import Badge, RoomButton
from app.ui.window import CLIENTS, EVENTS, HELP, MainWindow
from app.ui.window import INJECT as INJECT_ROOM
from tests.conftest import Connect, until
from tests.endpoints.http_client import Rest
from tests.ui.frames import all_frames, frame

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier
BOB, CAROL = {"username": "bob"}, {"username": "carol"}
TYPING = '{"event": "typing", "data": {"to": "me", "typing": true}}'


@pytest.fixture
def first_room() -> str:
    return EVENTS


@pytest.fixture
async def room(window: MainWindow) -> EventsRoom:
    return window.events


@pytest.fixture
async def strip(room: EventsRoom) -> HeldStrip:
    assert room.held
    return room.held


@pytest.fixture(autouse=True)
async def _release(window: MainWindow, companion: Companion) -> AsyncIterator[None]:
    """Let everything continue at the end of a test. Otherwise, the window would wait for what is held."""
    yield
    if companion.has_breakpoints:
        companion.breakpoints.clear()
        companion.breakpoints.resume()


async def fire(companion: Companion, event: str = "friend_online", **data: Any) -> None:
    await companion.fire(Envelope(event, data or BOB), origin=PANEL)


def break_on(companion: Companion, text: str = "event:friend_online", **options: Any) -> int:
    return companion.breakpoints.add(BreakpointOptions(filter=text, **options)).id


async def hold(companion: Companion, strip: HeldStrip, *names: str) -> None:
    """Hold one event per friend, and wait until the strip shows them."""
    break_on(companion)
    for name in names or ("bob",):
        await fire(companion, username=name)
    await until(lambda: shown(strip) == [f"↓ friend_online to everyone · {name}" for name in names or ("bob",)])


def shown(strip: HeldStrip) -> list[str]:
    """Return what the visible strip lists: the title and the content of each item."""
    if not strip.isVisible():
        return []
    model = strip.model
    lines = range(model.rowCount())
    return [f"{model.index(line, Col.ITEM).data()} · {model.index(line, Col.CONTENT).data()}" for line in lines]


def click(strip: HeldStrip, title: str, qtbot: Any) -> None:
    assert strip.buttons[title].isEnabled(), title
    qtbot.mouseClick(strip.buttons[title], LEFT)


def click_line(strip: HeldStrip, line: int, qtbot: Any, modifier: Any = Qt.KeyboardModifier.NoModifier) -> None:
    place = strip.table.visualRect(strip.model.index(line, Col.CONTENT)).center()
    qtbot.mouseClick(strip.table.viewport(), LEFT, modifier, QPoint(place))


def log(companion: Companion) -> list[str]:
    rows = companion.journal.rows
    return [row.event for seq in range(rows.first, rows.last + 1) if (row := rows.row(seq))]


# the strip


async def test_a_held_event_is_shown_with_its_breakpoint_and_its_seconds(
    companion: Companion, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    assert not strip.isVisible()
    break_on(companion, "event:friend_online", timeout_s=30)
    await fire(companion)
    await until(strip.isVisible)
    cells = [strip.model.index(0, column).data() for column in Col]
    assert cells[:3] == ["↓ friend_online to everyone", "bob", "1: event:friend_online"]
    assert cells[3] in ("30 s", "29 s")
    assert strip.title.text() == "1 item held"
    click(strip, CONTINUE, qtbot)
    assert (await frame(client))["data"] == BOB
    await until(lambda: not strip.isVisible())


async def test_a_breakpoint_that_is_removed_after_one_item_is_still_named(
    companion: Companion, strip: HeldStrip, room: EventsRoom
) -> None:
    assert room.breakpoints
    break_on(companion, "event:friend_online", once=True)
    await until(room.breakpoints.isChecked)
    await fire(companion)
    await until(strip.isVisible)
    assert companion.breakpoints.all == []
    assert strip.model.index(0, Col.BREAKPOINT).data() == "1: event:friend_online"
    await until(lambda: room.breakpoints and not room.breakpoints.isChecked())


async def test_the_content_of_the_selected_item_is_shown(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip, "bob", "carol")
    assert strip.pane.isHidden()
    click_line(strip, 1, qtbot)
    assert strip.view.isVisible()
    assert json.loads(strip.view.toPlainText()) == {"event": "friend_online", "data": CAROL}
    click_line(strip, 0, qtbot)
    assert json.loads(strip.view.toPlainText())["data"] == BOB
    click_line(strip, 1, qtbot, CONTROL)
    assert strip.pane.isHidden(), "several items are selected"


async def test_new_items_do_not_take_the_focus_the_selection_or_the_typed_text(
    companion: Companion, room: EventsRoom, strip: HeldStrip, qtbot: Any
) -> None:
    room.focus_filter()
    await hold(companion, strip, "bob", "carol")
    assert QApplication.focusWidget() is room.filter
    click_line(strip, 1, qtbot)
    strip.table.setFocus()
    companion.breakpoints.resume([companion.breakpoints.held[0].number])
    await fire(companion, username="dave")
    await until(lambda: len(shown(strip)) == 2 and "dave" in shown(strip)[1])
    assert [each.payload for each in strip.selected] == [companion.breakpoints.held[0].payload]
    assert QApplication.focusWidget() is strip.table


@pytest.mark.usefixtures("styled")
async def test_the_list_scrolls_beyond_a_few_lines(companion: Companion, strip: HeldStrip) -> None:
    await hold(companion, strip, *(f"friend{number}" for number in range(MAX_LINES + 3)))
    assert strip.table.height() == MAX_LINES * ROW_HEIGHT + 2
    assert strip.table.verticalScrollBar().maximum() > 0


async def show_old_rows(companion: Companion, room: EventsRoom) -> None:
    """Fill the log, and scroll it to older rows."""
    for _ in range(80):
        companion.journal.append(Kind.SERVER, "x")
    room.model.flush()
    room.table.follow(False)
    room.table.verticalScrollBar().setValue(30)
    await asyncio.sleep(0.05)


async def test_the_rows_of_the_log_stay_where_they_are_when_the_strip_of_the_window_is_shown(
    companion: Companion, window: MainWindow, room: EventsRoom
) -> None:
    await show_old_rows(companion, room)

    def place() -> int:
        rect = room.table.visualRect(room.model.index(40, 0))
        return room.table.viewport().mapTo(window, rect.topLeft()).y()

    before, top = place(), room.mapTo(window, QPoint()).y()
    companion.pause()
    await until(lambda: room.mapTo(window, QPoint()).y() > top + ROW_HEIGHT)
    await until(lambda: abs(place() - before) <= ROW_HEIGHT // 2 + 1)
    assert not room.table.following
    companion.pause(False)
    await until(lambda: room.mapTo(window, QPoint()).y() == top)
    await until(lambda: abs(place() - before) <= 1)
    window.resize(window.width(), window.height() - 100)
    await asyncio.sleep(0.05)
    assert abs(place() - before) <= 1


async def test_the_rows_of_the_log_stay_where_they_are(
    companion: Companion, room: EventsRoom, strip: HeldStrip
) -> None:
    await show_old_rows(companion, room)

    def place(line: int) -> int:
        rect = room.table.visualRect(room.model.index(line, 0))
        return room.table.viewport().mapTo(room, rect.topLeft()).y()

    before = place(40)
    await hold(companion, strip)
    await until(lambda: room.body.y() > room.bar.height())
    assert strip.height() > ROW_HEIGHT
    assert abs(place(40) - before) <= ROW_HEIGHT // 2 + 1
    assert not room.table.following
    companion.breakpoints.resume()
    await until(lambda: room.body.y() == room.bar.height())
    assert abs(place(40) - before) <= 1


async def test_the_countdown_runs_only_while_the_strip_is_visible(
    companion: Companion, window: MainWindow, strip: HeldStrip
) -> None:
    assert not strip._tick.isActive()
    await hold(companion, strip)
    assert strip._tick.isActive()
    assert strip._tick.interval() >= 1000
    window.open_room(CLIENTS)
    assert not strip._tick.isActive()
    window.open_room(EVENTS)
    changes: list[Any] = []
    strip.model.dataChanged.connect(lambda first, last: changes.append((first.column(), last.column())))
    strip._tick.timeout.emit()
    assert changes == [(Col.LEFT, Col.LEFT)]


async def test_an_item_continues_by_itself(
    companion: Companion, strip: HeldStrip, connect_client: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = await connect_client()
    break_on(companion, timeout_s=30)
    await fire(companion)
    await until(strip.isVisible)
    clock = companion.clock
    monkeypatch.setattr(companion.breakpoints._held, "_clock", Clock(mono=lambda: clock.mono() + 30))
    companion.breakpoints.expire()
    assert (await frame(client))["data"] == BOB
    await until(lambda: not strip.isVisible())


# decisions


async def test_an_edited_event_reaches_the_client(
    companion: Companion, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await hold(companion, strip)
    click_line(strip, 0, qtbot)
    click(strip, EDIT, qtbot)
    editor = strip.editor
    assert QApplication.focusWidget() is editor.editor
    qtbot.keyClick(editor.editor, Qt.Key.Key_A, CONTROL)
    qtbot.keyClicks(editor.editor, '{"event":"friend_online","data":{"username":"zoe"}}')
    qtbot.mouseClick(editor.apply_button, LEFT)
    assert (await frame(client))["data"] == {"username": "zoe"}
    await until(lambda: not strip.isVisible())
    assert "modified" in log(companion)


async def test_what_is_wrong_is_shown_while_typing(companion: Companion, strip: HeldStrip, qtbot: Any) -> None:
    await hold(companion, strip)
    click(strip, EDIT, qtbot)  # the only item needs no selection
    editor = strip.editor
    assert editor.apply_button.isEnabled()
    qtbot.keyClick(editor.editor, Qt.Key.Key_A, CONTROL)
    qtbot.keyClicks(editor.editor, '{"event":"friend_online","data":{"username":7}}')
    await until(lambda: editor.problem.text() == "data.username: must be text, not a number")
    assert editor.problem.isVisible()
    assert editor.editor.marks
    assert not editor.apply_button.isEnabled()
    qtbot.keyClick(editor.editor, Qt.Key.Key_Return, CONTROL)
    assert companion.breakpoints.held, "an invalid text is not applied"
    qtbot.keyClick(editor.editor, Qt.Key.Key_Backspace)
    await until(lambda: "valid JSON" in editor.problem.text() or "expected" in editor.problem.text().lower())
    editor.editor.setPlainText('{"event":"friend_online","data":{"username":7}}')
    editor.loose.click()
    assert editor.problem.text() == ""
    assert editor.apply_button.isEnabled()
    editor.editor.setPlainText('{"event":"friend_online","data":{"username":"eve"}}')
    await until(lambda: not editor.problem.text())


async def test_ctrl_enter_applies_the_edit_and_does_not_fire_inject(
    companion: Companion, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await hold(companion, strip)
    click(strip, EDIT, qtbot)
    strip.editor.loose.click()
    strip.editor.editor.setPlainText('{"event":"friend_online","data":{"username":5}}')
    strip.editor.editor.setFocus()
    qtbot.keyClick(strip.editor.editor, Qt.Key.Key_Return, CONTROL)
    assert [each["data"] for each in await all_frames(companion, client)] == [{"username": 5}]


async def test_an_edit_survives_that_its_item_continues(companion: Companion, strip: HeldStrip, qtbot: Any) -> None:
    await hold(companion, strip)
    click(strip, EDIT, qtbot)
    text = '{"event":"friend_online","data":{"username":"zoe"}}'
    strip.editor.editor.setPlainText(text)
    companion.breakpoints.resume()
    await until(lambda: "no longer held" in strip.editor.problem.text())
    assert strip.isVisible()
    assert strip.editor.editor.toPlainText() == text
    assert not strip.editor.apply_button.isEnabled()
    qtbot.keyClick(strip.editor.editor, Qt.Key.Key_Escape)
    await until(lambda: not strip.isVisible())


@pytest.mark.parametrize("button", ["Continue all", CONTINUE, DROP])
@pytest.mark.parametrize("form", [EDIT, INJECT])
async def test_a_button_of_the_strip_does_not_discard_a_typed_text(
    companion: Companion, strip: HeldStrip, qtbot: Any, form: str, button: str
) -> None:
    await hold(companion, strip)
    click(strip, form, qtbot)
    pane = strip.editor if form == EDIT else strip.inject
    pane.editor.setPlainText("written")
    qtbot.mouseClick(strip.buttons.get(button, strip.continue_all), LEFT)
    assert not companion.breakpoints.held
    assert "no longer held" in pane.problem.text()
    assert pane.editor.toPlainText() == "written"
    await fire(companion, username="carol")
    await until(lambda: len(shown(strip)) == 1)
    strip.continue_next()
    assert not companion.breakpoints.held, "F8 goes on with the next item"
    assert pane.editor.toPlainText() == "written"
    qtbot.mouseClick(pane.cancel, LEFT)
    await until(lambda: not strip.isVisible())


async def test_an_unchanged_edit_closes_when_its_item_continues(
    companion: Companion, room: EventsRoom, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip)
    click(strip, EDIT, qtbot)
    companion.breakpoints.resume()
    await until(lambda: not strip.isVisible())
    assert QApplication.focusWidget() is room.table


async def test_a_dropped_event_is_not_sent(
    companion: Companion, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await hold(companion, strip, "bob", "carol", "dave")
    assert not strip.buttons[DROP].isEnabled(), "several items are held, and none is selected"
    assert "Select a held item first" in strip.buttons[DROP].toolTip()
    click_line(strip, 1, qtbot)
    click(strip, DROP, qtbot)
    await until(lambda: len(shown(strip)) == 2)
    assert strip.selected == []
    companion.breakpoints.resume()
    await until(lambda: not strip.isVisible())
    assert [each["data"]["username"] for each in await all_frames(companion, client)] == ["bob", "dave"]


async def test_the_second_click_of_a_double_click_spares_the_item_that_is_left(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip, "bob", "carol")
    click_line(strip, 0, qtbot)
    button = strip.buttons[DROP]
    qtbot.mouseClick(button, LEFT)
    await until(lambda: len(shown(strip)) == 1)
    qtbot.mouseClick(button, LEFT)
    assert [each.text for each in companion.breakpoints.held] == [
        '{"event":"friend_online","data":{"username":"carol"}}'
    ]


async def test_the_keys_of_the_list(companion: Companion, strip: HeldStrip, qtbot: Any) -> None:
    await hold(companion, strip, "bob", "carol")
    click_line(strip, 0, qtbot)
    qtbot.keyClick(strip.table, Qt.Key.Key_E)
    assert strip.editor.isVisible()
    qtbot.keyClick(strip.editor.editor, Qt.Key.Key_Escape)
    assert not strip.editor.isVisible()
    assert strip.table.hasFocus()
    qtbot.keyClick(strip.table, Qt.Key.Key_I)
    assert strip.inject.isVisible()
    qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
    assert not strip.inject.isVisible()
    qtbot.keyClick(strip.table, Qt.Key.Key_D)
    await until(lambda: len(shown(strip)) == 1)
    assert "dropped" in log(companion)


async def test_an_event_is_injected_after_the_held_one(
    companion: Companion, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await hold(companion, strip)
    click(strip, INJECT, qtbot)
    form = strip.inject
    form.choice.setCurrentText("friend_offline")
    form.choice.activated.emit(form.choice.currentIndex())
    assert json.loads(form.editor.toPlainText())["event"] == "friend_offline"
    form.editor.setPlainText('{"event": "friend_offline", "data": {"username": 1}}')
    await until(lambda: form.problem.text() == "data.username: must be text, not a number")
    assert not form.fire_button.isEnabled()
    form.editor.setPlainText('{"event": "friend_offline", "data": {"username": "{{persona}}"}}')
    await until(form.fire_button.isEnabled)
    qtbot.mouseClick(form.fire_button, LEFT)
    assert (await frame(client))["event"] == "friend_online"
    injected = await frame(client)
    assert injected["event"] == "friend_offline"
    assert injected["data"]["username"] in companion.personas
    await until(lambda: not strip.isVisible())


async def test_a_written_event_survives_that_its_item_continues(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip)
    click(strip, INJECT, qtbot)
    text = '{"event": "friend_offline", "data": {"username": "bob"}}'
    strip.inject.editor.setPlainText(text)
    companion.breakpoints.resume()
    await until(lambda: "no longer held" in strip.inject.problem.text())
    assert strip.inject.editor.toPlainText() == text
    assert not strip.inject.fire_button.isEnabled()
    qtbot.mouseClick(strip.inject.cancel, LEFT)
    await until(lambda: not strip.isVisible())


async def test_a_written_event_that_another_choice_replaces_can_be_brought_back(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip)
    click(strip, INJECT, qtbot)
    editor, choice = strip.inject.editor, strip.inject.choice
    editor.setPlainText("written")
    choice.setFocus()
    qtbot.keyClick(choice, Qt.Key.Key_Down)
    assert json.loads(editor.toPlainText())["event"] == choice.currentText()
    editor.undo()
    assert editor.toPlainText() == "written"


async def test_an_event_is_injected_after_the_items_that_are_still_held(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip, "alice", "bob", "carol")
    click_line(strip, 0, qtbot)
    for line in (1, 2):
        click_line(strip, line, qtbot, CONTROL)
    click(strip, INJECT, qtbot)
    strip.inject.editor.setPlainText('{"event": "friend_offline", "data": {"username": "bob"}}')
    assert strip.inject.title.text() == "Fire after 3 items"
    first, second, _ = (each.number for each in companion.breakpoints.held)
    companion.breakpoints.resume([first])
    await until(lambda: strip.inject.title.text() == "Fire after 2 items")
    companion.breakpoints.resume([second])  # the strip has not seen this yet when the button is clicked
    qtbot.mouseClick(strip.inject.fire_button, LEFT)
    await until(lambda: not companion.breakpoints.held)
    await until(lambda: log(companion)[-1] == "friend_offline")
    await until(lambda: not strip.isVisible())


async def test_a_written_text_is_not_replaced_by_another_form(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    messages: list[str] = []
    strip.status_message.connect(messages.append)
    await hold(companion, strip, "bob", "carol")
    click_line(strip, 0, qtbot)
    click(strip, INJECT, qtbot)
    strip.inject.editor.setPlainText("written")
    for title in (INJECT, EDIT):
        click(strip, title, qtbot)
    assert strip.injecting
    assert strip.inject.editor.toPlainText() == "written"
    qtbot.mouseClick(strip.inject.cancel, LEFT)
    click(strip, EDIT, qtbot)
    strip.editor.editor.setPlainText("written too")
    click(strip, INJECT, qtbot)
    assert strip.editing
    assert strip.editor.editor.toPlainText() == "written too"
    assert messages == [UNSAVED] * 3


async def test_a_large_item_can_be_applied_when_its_text_is_complete(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip)
    click(strip, EDIT, qtbot)
    editor = strip.editor
    editor.apply_button.setEnabled(False)
    editor.editor.inserted.emit()
    assert editor.apply_button.isEnabled()


async def test_an_event_that_has_left_the_contract_is_reported(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip)
    click(strip, INJECT, qtbot)
    form = strip.inject
    companion.use_events([each for each in companion.catalog if each.name != "typing"])
    form.choice.setCurrentText("typing")
    form.choice.activated.emit(form.choice.currentIndex())
    assert "typing" in form.problem.text()
    assert not form.fire_button.isEnabled()


async def test_every_fixture_and_event_can_be_chosen_to_inject(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip)
    click(strip, INJECT, qtbot)
    form = strip.inject
    titles = [form.choice.itemText(number) for number in range(form.choice.count())]
    assert "typing" in titles
    assert any(title.startswith("Fixture: ") for title in titles)
    for number in range(len(titles)):
        form.choice.setCurrentIndex(number)
        form.choice.activated.emit(number)
        assert json.loads(form.editor.toPlainText())["event"]


async def test_close_closes_the_connections_of_the_recipients(
    companion: Companion, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await hold(companion, strip)
    click_line(strip, 0, qtbot)
    click(strip, CLOSE, qtbot)
    with pytest.raises(ConnectionClosed) as closed:
        await frame(client)
    assert closed.value.rcvd
    assert closed.value.rcvd.code == 1001


async def test_a_frame_of_a_client_can_be_edited(
    companion: Companion, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    bob = await connect_client("bob")
    break_on(companion, "event:typing")
    await bob.send(TYPING)
    await until(lambda: shown(strip) == ["↑ typing from bob (client 1) · typing to me"])
    click(strip, EDIT, qtbot)
    strip.editor.editor.setPlainText('{"event": "typing", "data": {"to": "me", "typing": "yes"}}')
    await until(lambda: strip.editor.problem.text().startswith("The changed frame violates the contract"))
    strip.editor.editor.setPlainText('{"event": "typing", "data": {"to": "alice", "typing": false}}')
    await until(strip.editor.apply_button.isEnabled)
    qtbot.mouseClick(strip.editor.apply_button, LEFT)
    await until(lambda: "typing" in log(companion))
    rows = companion.journal.rows
    (row,) = [row for seq in range(1, rows.last + 1) if (row := rows.row(seq)) and row.kind is Kind.FROM_UI]
    assert json.loads(row.payload)["data"] == {"to": "alice", "typing": False}


async def test_a_rest_call_can_be_dropped_and_a_request_without_body_not_edited(
    companion: Companion, strip: HeldStrip, qtbot: Any
) -> None:
    assert await companion.start_service("rest")
    break_on(companion, "", direction=BreakpointDirection.REST)
    async with aiohttp.ClientSession() as session:
        rest = Rest(companion, session)
        call = asyncio.ensure_future(rest.get("/friends"))
        await until(lambda: [each.partition(" · ")[0] for each in shown(strip)] == ["↑ GET /friends"])
        assert not strip.buttons[EDIT].isEnabled()
        assert "has no body" in strip.buttons[EDIT].toolTip()
        click(strip, DROP, qtbot)
        response = await call
        assert response.status == HTTPStatus.SERVICE_UNAVAILABLE


# F8, continue all, badge, strip of the window


async def test_f8_continues_the_oldest_item_in_every_room(
    companion: Companion, window: MainWindow, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await hold(companion, strip, "bob", "carol")
    window.open_room(INJECT_ROOM)
    qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_F8)
    qtbot.keyClick(QApplication.focusWidget() or window, Qt.Key.Key_F8)
    assert [(await frame(client))["data"]["username"] for _ in range(2)] == ["bob", "carol"]
    assert not companion.breakpoints.held


async def test_f8_fires_the_event_of_the_open_form(
    companion: Companion, window: MainWindow, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await hold(companion, strip)
    click(strip, INJECT, qtbot)
    strip.inject.editor.setPlainText('{"event": "friend_offline", "data": {}}')
    qtbot.keyClick(strip.inject.editor, Qt.Key.Key_F8)
    assert len(companion.breakpoints.held) == 1, "the event is not valid"
    assert "username" in window.status.message.text()
    strip.inject.editor.setPlainText('{"event": "friend_offline", "data": {"username": "carol"}}')
    qtbot.keyClick(strip.inject.editor, Qt.Key.Key_F8)
    assert [(await frame(client))["data"]["username"] for _ in range(2)] == ["bob", "carol"]
    await until(lambda: not strip.isVisible())


async def test_f8_continues_the_selected_item(
    companion: Companion, window: MainWindow, strip: HeldStrip, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    await hold(companion, strip, "bob", "carol")
    click_line(strip, 1, qtbot)
    qtbot.keyClick(strip.table, Qt.Key.Key_F8)
    assert (await frame(client))["data"] == CAROL


async def test_f8_pauses_a_run_in_scenarios_only_if_nothing_is_held(
    companion: Companion, window: MainWindow, qtbot: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pressed: list[bool] = []
    window.open_room("scenarios")
    monkeypatch.setattr(window.scenarios.controls, "pause_or_resume", lambda: pressed.append(True))
    qtbot.keyClick(window.scenarios, Qt.Key.Key_F8)
    assert pressed == [True]
    break_on(companion)
    await fire(companion)
    listed = {each.title: each.act for each in commands(window)}
    qtbot.keyClick(window.scenarios, Qt.Key.Key_F8)
    assert pressed == [True]
    assert not companion.breakpoints.held
    listed["Continue next held item"]()
    assert pressed == [True], "the command does not pause the run either"


async def test_f8_with_nothing_held_says_so_and_does_not_load_breakpoints(
    companion: Companion, window: MainWindow, qtbot: Any
) -> None:
    qtbot.keyClick(window.events.table, Qt.Key.Key_F8)
    assert "Nothing is held" in window.status.message.text()
    window.open_palette().close()
    assert not companion.has_breakpoints


async def test_the_window_says_in_other_rooms_that_items_are_held(
    companion: Companion, window: MainWindow, strip: HeldStrip, qtbot: Any
) -> None:
    await hold(companion, strip, "bob", "carol")
    assert not window.strip.isVisible(), "Events lists the items"
    window.open_room(CLIENTS)
    assert [line.text.text() for line in window.strip.lines] == ["2 items are held at breakpoints."]
    (button,) = [each for each in window.navigation.findChildren(RoomButton) if each.room.name == EVENTS]
    assert button.badge == Badge("2", "2 items held at breakpoints", "warning")
    (resume,) = [each for each in window.strip.buttons if each.text() == "Continue all"]
    qtbot.mouseClick(resume, LEFT)
    assert not companion.breakpoints.held
    await until(lambda: not window.strip.isVisible())
    assert button.badge is None


async def test_continue_all(companion: Companion, strip: HeldStrip, qtbot: Any) -> None:
    await hold(companion, strip, "bob", "carol")
    qtbot.mouseClick(strip.continue_all, LEFT)
    assert not companion.breakpoints.held
    await until(lambda: not strip.isVisible())


async def test_several_items_can_be_selected(companion: Companion, strip: HeldStrip, qtbot: Any) -> None:
    await hold(companion, strip, "bob", "carol", "dave")
    click_line(strip, 0, qtbot)
    click_line(strip, 2, qtbot, CONTROL)
    assert not strip.buttons[EDIT].isEnabled()
    click(strip, DROP, qtbot)
    await until(lambda: [each.rpartition(" · ")[2] for each in shown(strip)] == ["carol"])


# add and remove breakpoints


def menu_of(room: EventsRoom) -> dict[str, QAction]:
    assert room.breakpoints
    room.breakpoints.choices.aboutToShow.emit()
    return {action.text().partition("\t")[0]: action for action in room.breakpoints.choices.actions()}


async def test_break_on_the_filter_of_the_log(companion: Companion, room: EventsRoom) -> None:
    assert room.breakpoints
    await until(lambda: room.breakpoints and room.breakpoints.accessibleName() == "Breakpoints")
    assert "Break on everything" in menu_of(room)
    assert not companion.has_breakpoints
    room.filter.setText("event:typing user:bob")
    menu_of(room)["Break on this filter"].trigger()
    (added,) = companion.breakpoints.all
    assert added.options == BreakpointOptions(filter="event:typing user:bob")
    await until(lambda: room.breakpoints and room.breakpoints.accessibleName() == "Breakpoints: 1")
    assert room.breakpoints.isChecked()
    menu_of(room)["Remove all breakpoints"].trigger()
    assert companion.breakpoints.all == []
    await until(lambda: room.breakpoints and room.breakpoints.accessibleName() == "Breakpoints")


async def test_a_filter_that_cannot_be_a_breakpoint_is_rejected(
    companion: Companion, room: EventsRoom, window: MainWindow
) -> None:
    room.filter.setText("is:pinned")
    menu_of(room)["Break on this filter"].trigger()
    assert "belong to rows of the log" in window.status.message.text()
    assert companion.breakpoints.all == []


@pytest.mark.parametrize("by_key", [True, False])
async def test_break_on_the_event_of_a_row(
    companion: Companion, room: EventsRoom, strip: HeldStrip, qtbot: Any, by_key: bool
) -> None:
    await fire(companion)
    room.model.flush()
    line = next(line for line in range(room.model.rowCount()) if room.model.row(line).event == "friend_online")
    place = QPoint(room.table.visualRect(room.model.index(line, LogCol.SUMMARY)).center())
    qtbot.mouseClick(room.table.viewport(), LEFT, pos=place)
    if by_key:
        room.table.setFocus()
        qtbot.keyClick(room.table, Qt.Key.Key_B)
    else:
        room.table.customContextMenuRequested.emit(place)
        (menu,) = [each for each in QApplication.topLevelWidgets() if isinstance(each, QMenu) and each.isVisible()]
        (action,) = [each for each in menu.actions() if each.text() == "Break on this event"]
        action.trigger()
        menu.close()
    (added,) = companion.breakpoints.all
    assert added.options.filter == "event:friend_online"
    assert added.options.direction is BreakpointDirection.TO_UI
    await fire(companion, username="carol")
    await until(strip.isVisible)


async def test_the_button_in_the_details_breaks_on_a_rest_call(companion: Companion, room: EventsRoom) -> None:
    companion.journal.append(Kind.FROM_UI, "POST /messages", payload=b"{}", client="rest", origin=REST)
    companion.journal.append(Kind.SERVER, "x")
    room.model.flush()
    room.table.selectRow(room.model.rowCount() - 1)
    button = room.details.header.buttons["Break on this event"]
    assert not button.isEnabled()
    assert "Nothing else can be held" in button.toolTip()
    room.table.selectRow(room.model.rowCount() - 2)
    button.click()
    (added,) = companion.breakpoints.all
    assert added.options == BreakpointOptions(filter='event:"=POST /messages"', direction=BreakpointDirection.REST)


@pytest.fixture
async def dialog(window: MainWindow, room: EventsRoom) -> BreakpointDialog:
    menu_of(room)["Manage breakpoints …"].trigger()
    (dialog,) = window.findChildren(BreakpointDialog)
    await until(dialog.isVisible)
    return dialog


async def test_a_breakpoint_with_all_options_is_added_in_the_dialog(
    companion: Companion, dialog: BreakpointDialog, qtbot: Any
) -> None:
    assert dialog.empty.isVisible()
    qtbot.keyClicks(dialog.filter, "event:typing ")
    dialog.direction.setCurrentText("From UI ↑")
    dialog.hits.setValue(3)
    dialog.timeout.setValue(9)
    dialog.once.click()
    qtbot.mouseClick(dialog.add_button, LEFT)
    (added,) = companion.breakpoints.all
    assert added.options == BreakpointOptions(
        filter="event:typing", direction=BreakpointDirection.FROM_UI, hits=3, once=True, timeout_s=9
    )
    assert lines(dialog) == [["1", "event:typing", "From UI ↑", "from match 3 · once · 9 s", "0"]]


def lines(dialog: BreakpointDialog) -> list[list[str]]:
    model = dialog.model
    columns = range(model.columnCount())
    return [[model.index(line, column).data() for column in columns] for line in range(model.rowCount())]


async def test_a_bad_filter_is_explained_in_the_dialog(
    companion: Companion, dialog: BreakpointDialog, qtbot: Any
) -> None:
    qtbot.keyClicks(dialog.filter, "is:pinned")
    qtbot.keyClick(dialog.filter, Qt.Key.Key_Return)
    if not dialog.problem.text():  # the first Enter has chosen a suggestion
        qtbot.keyClick(dialog.filter, Qt.Key.Key_Return)
    assert "belong to rows of the log" in dialog.problem.text()
    assert dialog.problem.isVisible()
    assert companion.breakpoints.all == []
    qtbot.keyClicks(dialog.filter, "x")
    assert not dialog.problem.isVisible()


async def test_held_enter_adds_one_breakpoint_and_none_that_holds_everything(
    companion: Companion, dialog: BreakpointDialog, qtbot: Any
) -> None:
    dialog.filter.setText("event:typing")
    dialog.filter.setFocus()
    for number in range(5):
        QTest.simulateEvent(
            dialog.filter, True, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", number > 0, -1
        )
    assert [each.options.filter for each in companion.breakpoints.all] == ["event:typing"]
    qtbot.mouseClick(dialog.add_button, LEFT)
    assert [each.options.filter for each in companion.breakpoints.all] == ["event:typing", ""], "the button does"


async def test_the_same_breakpoint_is_not_added_again(
    companion: Companion, window: MainWindow, room: EventsRoom, dialog: BreakpointDialog, qtbot: Any
) -> None:
    for _ in range(2):
        dialog.filter.setText("event:typing")
        qtbot.mouseClick(dialog.add_button, LEFT)
    assert dialog.problem.text() == "Breakpoint 1 is the same: event:typing"
    room.filter.setText("event:typing")
    menu_of(room)["Break on this filter"].trigger()
    assert window.status.message.text() == "Breakpoint 1 is the same: event:typing"
    assert len(companion.breakpoints.all) == 1
    dialog.once.click()
    for _ in range(2):
        dialog.filter.setText("event:typing")
        qtbot.mouseClick(dialog.add_button, LEFT)
    assert len(companion.breakpoints.all) == 3, "each holds one item"


async def test_the_dialog_counts_matches_and_removes_breakpoints(
    companion: Companion, dialog: BreakpointDialog, qtbot: Any
) -> None:
    break_on(companion, "event:friend_online", hits=5)
    break_on(companion, "event:typing")
    break_on(companion, "event:friend_offline")
    await until(lambda: len(lines(dialog)) == 3)
    await fire(companion)
    await until(lambda: [each[-1] for each in lines(dialog)] == ["1", "0", "0"])
    assert not dialog.remove.isEnabled()
    dialog.table.selectRow(1)
    qtbot.mouseClick(dialog.remove, LEFT)
    assert [each.id for each in companion.breakpoints.all] == [1, 3]
    assert [each[0] for each in lines(dialog)] == ["1", "3"]
    assert not dialog.remove.isEnabled(), "the selection did not move to another breakpoint"
    qtbot.mouseClick(dialog.remove_all, LEFT)
    assert companion.breakpoints.all == []
    assert dialog.empty.isVisible()


async def test_f1_in_the_strip_and_in_the_dialog_opens_the_manual(
    companion: Companion, window: MainWindow, strip: HeldStrip, dialog: BreakpointDialog, qtbot: Any
) -> None:
    qtbot.keyClick(dialog.filter, Qt.Key.Key_F1)
    assert (window.rooms.current, window.help.page) == (HELP, "breakpoints")
    window.open_room(EVENTS)
    dialog.reject()
    window.activateWindow()
    await hold(companion, strip)
    window.help.open_page("chats")
    strip.table.setFocus()
    qtbot.keyClick(strip.table, Qt.Key.Key_F1)
    assert (window.rooms.current, window.help.page) == (HELP, "breakpoints")
    window.open_room(EVENTS)
    window.events.table.setFocus()
    qtbot.keyClick(window.events.table, Qt.Key.Key_F1)
    assert window.help.page == EVENTS


# the palette


def run(window: MainWindow, words: str, qtbot: Any) -> None:
    palette: Palette = window.open_palette()
    palette.search.setText(words)
    qtbot.keyClick(palette.search, Qt.Key.Key_Return)


async def test_the_palette_breaks_on_a_filter_continues_and_removes(
    companion: Companion, window: MainWindow, strip: HeldStrip, qtbot: Any
) -> None:
    run(window, "break on event:friend_online", qtbot)
    assert [each.options.filter for each in companion.breakpoints.all] == ["event:friend_online"]
    run(window, "break on everything", qtbot)
    assert [each.options.filter for each in companion.breakpoints.all][1:] == [""]
    await fire(companion)
    run(window, "continue all", qtbot)
    assert not companion.breakpoints.held
    run(window, "remove all breakpoints", qtbot)
    assert companion.breakpoints.all == []


# hostile content


async def test_markup_in_an_item_is_shown_literally(companion: Companion, strip: HeldStrip, qtbot: Any) -> None:
    break_on(companion, "")
    await companion.send_raw('{"event": "<img src=/dev/zero>\\n", "data": {}}', origin=PANEL)
    await until(strip.isVisible)
    assert title_of(companion.breakpoints.held[0]).startswith("'<img src=/dev/zero>\\n' to everyone")
    click_line(strip, 0, qtbot)
    tip = strip.model.index(0, Col.ITEM).data(Qt.ItemDataRole.ToolTipRole)
    assert "<img" not in tip
    assert "&lt;img" in tip
    click(strip, EDIT, qtbot)
    assert strip.editor.editor.toPlainText() == companion.breakpoints.held[0].text
    companion.breakpoints.modify(Edit(text="{}"))
