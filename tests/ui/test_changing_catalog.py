"""The window follows a catalog that changes while it is open."""

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QApplication, QLineEdit

from app.companion import Companion
from app.hub.journal import Kind
from app.protocol.contract import Direction, Event
from app.protocol.event_type import EventType, StructEvent
from app.protocol.fixture import Fixture
from app.ui.widgets.event_toolbar import JSON
from app.ui.window import CLIENTS, EVENTS, FIXTURES, INJECT, MainWindow
from tests.conftest import Connect, MakeCompanion, until
from tests.ui.conftest import Windows
from tests.ui.frames import frame, wait_until_idle

LEFT = Qt.MouseButton.LeftButton


class Delivered(Event, frozen=True, kw_only=True):
    """A message reached its recipient."""

    msg_id: str


class DeliveredAt(Event, frozen=True, kw_only=True):
    """A message reached its recipient at a time."""

    msg_id: str
    device: str


class Reacted(Event, frozen=True, kw_only=True):
    """The user reacted."""

    emoji: str


DELIVERED = StructEvent("message_delivered", Direction.TO_UI, Delivered)
REACTION = StructEvent("reaction", Direction.FROM_UI, Reacted)


def titles(window: MainWindow) -> list[str]:
    return [window.inject.tabs.tabText(number) for number in range(window.inject.tabs.count())]


def add(companion: Companion, *types: EventType) -> None:
    companion.use_events([*companion.catalog, *types])


def remove(companion: Companion, name: str) -> None:
    companion.use_events([each for each in companion.catalog if each.name != name])


def open_tab(window: MainWindow, title: str, qtbot: Any) -> None:
    window.open_room(INJECT)
    tabs = window.inject.tabs
    qtbot.mouseClick(tabs, LEFT, pos=tabs.tabRect(titles(window).index(title)).center())
    assert tabs.tabText(tabs.currentIndex()) == title


async def test_an_added_event_has_a_form_that_fires_it(
    window: MainWindow, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    open_tab(window, "Typing", qtbot)
    add(companion, DELIVERED)
    assert titles(window) == ["New message", "Presence", "Typing", "Message delivered", "Raw frame"]
    assert window.inject.panels.currentWidget() is window.inject.event_panel("typing")
    open_tab(window, "Message delivered", qtbot)
    panel = window.inject.event_panel("message_delivered")
    assert panel is not None
    assert panel is window.inject.panels.currentWidget()
    panel.form().field("msg_id").set_value("m1")
    qtbot.mouseClick(window.inject.bar.now, LEFT)
    assert await frame(client) == {"event": "message_delivered", "data": {"msg_id": "m1"}}


async def test_the_draft_of_a_removed_event_is_restored_when_it_is_added_again(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    before = list(companion.catalog)
    open_tab(window, "Typing", qtbot)
    panel = window.inject.event_panel("typing")
    assert panel
    panel.form().field("username").set_value("zoe")
    remove(companion, "typing")
    assert titles(window) == ["New message", "Presence", "Raw frame"]
    assert window.inject.event_panel("typing") is None
    assert not panel.isVisible()
    assert window.inject.panels.currentWidget() is window.inject.event_panel("new_message")
    assert "Typing is no longer in the contract" in window.inject.bar.status.text()
    companion.use_events(before)
    assert titles(window) == ["New message", "Presence", "Typing", "Raw frame"]
    restored = window.inject.event_panel("typing")
    assert restored
    assert restored.form().value()["username"] == "zoe"


async def test_a_form_being_edited_is_unchanged_when_other_events_change(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    open_tab(window, "Presence", qtbot)
    panel = window.inject.event_panel("friend_online")
    assert panel
    panel.choice.setCurrentText("friend_offline")
    field = panel.form().field("username")
    field.set_value("zoe")
    field.setFocus()
    focused = QApplication.focusWidget()
    remove(companion, "new_message")
    add(companion, DELIVERED)
    assert window.inject.panels.currentWidget() is panel
    assert window.inject.tabs.currentIndex() == titles(window).index("Presence") == 0
    assert QApplication.focusWidget() is focused
    assert panel.template().data == {"username": "zoe"}


async def test_the_order_of_the_tabs_follows_the_catalog(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    open_tab(window, "Typing", qtbot)
    panel = window.inject.panels.currentWidget()
    companion.use_events(reversed(list(companion.catalog)))
    assert titles(window) == ["Typing", "Presence", "New message", "Raw frame"]
    assert window.inject.panels.currentWidget() is panel
    for number, title in enumerate(titles(window)):
        open_tab(window, title, qtbot)
        assert window.inject.panels.currentIndex() == number


async def test_a_form_with_a_new_schema_keeps_the_values_of_common_fields(
    window: MainWindow, companion: Companion
) -> None:
    add(companion, DELIVERED)
    previous = window.inject.event_panel("message_delivered")
    assert previous
    previous.form().field("msg_id").set_value("m7")
    remove(companion, "message_delivered")
    add(companion, StructEvent("message_delivered", Direction.TO_UI, DeliveredAt))
    current = window.inject.event_panel("message_delivered")
    assert current
    assert current is not previous
    assert current.form().value() == {"msg_id": "m7", "device": "device"}


async def test_the_cursor_and_the_undo_history_of_the_json_survive_a_new_schema(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    add(companion, DELIVERED)
    open_tab(window, "Message delivered", qtbot)
    previous = window.inject.event_panel("message_delivered")
    assert previous
    previous.show_view(JSON)
    before = previous.editor.toPlainText()
    previous.editor.setFocus()
    previous.editor.moveCursor(QTextCursor.MoveOperation.Down)
    qtbot.keyClicks(previous.editor, "ab")
    remove(companion, "message_delivered")
    add(companion, StructEvent("message_delivered", Direction.TO_UI, DeliveredAt))
    open_tab(window, "Message delivered", qtbot)
    replaced = window.inject.event_panel("message_delivered")
    assert replaced
    assert replaced.views.currentIndex() == JSON
    assert replaced.editor.textCursor().positionInBlock() == 2
    companion.use_events([*(each for each in companion.catalog if each.name != "message_delivered"), DELIVERED])
    replaced.editor.setFocus()
    companion.use_events(
        [*list(companion.catalog)[:-1], StructEvent("message_delivered", Direction.TO_UI, DeliveredAt)]
    )
    latest = window.inject.event_panel("message_delivered")
    assert latest
    assert latest is not replaced
    assert QApplication.focusWidget() is latest.editor
    qtbot.keyClicks(QApplication.focusWidget(), "c")
    assert latest.editor.toPlainText() == before.replace("\n", "\nabc", 1)
    while latest.editor.document().isUndoAvailable():
        latest.editor.undo()
    assert latest.editor.toPlainText() == before
    assert latest.problems, "the new panel checks the text: the device is missing"


async def test_the_field_being_edited_keeps_focus_and_cursor_when_its_form_is_replaced(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    add(companion, DELIVERED)
    open_tab(window, "Message delivered", qtbot)
    previous = window.inject.event_panel("message_delivered")
    assert previous
    field = previous.form().field("msg_id")
    field.set_value("12345")
    field.setFocus()
    focused = QApplication.focusWidget()
    assert isinstance(focused, QLineEdit)
    focused.setSelection(1, 2)
    companion.use_events(
        [*list(companion.catalog)[:-1], StructEvent("message_delivered", Direction.TO_UI, DeliveredAt)]
    )
    panel = window.inject.event_panel("message_delivered")
    assert panel
    assert panel is not previous
    now = QApplication.focusWidget()
    assert isinstance(now, QLineEdit)
    assert panel.isAncestorOf(now)
    assert (now.text(), now.selectedText(), now.cursorPosition()) == ("12345", "23", 3)


async def test_the_tab_gets_the_focus_of_a_field_that_no_longer_exists(
    window: MainWindow, companion: Companion, qtbot: Any
) -> None:
    open_tab(window, "Typing", qtbot)
    panel = window.inject.event_panel("typing")
    assert panel
    panel.show_view(JSON)
    panel.editor.setFocus()
    remove(companion, "typing")
    assert QApplication.focusWidget() is window.inject.tabs


async def test_quick_buttons_are_removed_together_with_their_event(
    window: MainWindow, companion: Companion
) -> None:
    assert [panel.quick is not None for panel in quick_panels(window)] == [True, True]
    remove(companion, "friend_offline")
    assert [panel.quick is not None for panel in quick_panels(window)] == [False, True]


def quick_panels(window: MainWindow) -> list[Any]:
    return [window.inject.event_panel(event) for event in ("friend_online", "typing")]


async def test_without_server_events_only_the_raw_frame_tab_is_shown(
    window: MainWindow, companion: Companion
) -> None:
    window.open_room(INJECT)
    companion.use_events([])
    assert titles(window) == ["Raw frame"]
    assert window.inject.panels.currentWidget() is window.inject.raw
    assert window.inject.bar.now.text() == "Send malformed"


@pytest.mark.parametrize("room", [INJECT, FIXTURES])
async def test_the_expectation_offers_the_client_events_of_the_new_catalog(
    window: MainWindow, companion: Companion, room: Any
) -> None:
    window.open_room(room)
    expect = (window.fixtures if room == FIXTURES else window.inject).bar.expect
    expect.choice.setCurrentText("mark_read")
    add(companion, REACTION)
    items = [expect.choice.itemText(number) for number in range(expect.choice.count())]
    assert "reaction" in items
    assert expect.choice.currentText() == "mark_read"
    remove(companion, "mark_read")
    assert expect.choice.currentText() == "mark_read", "the choice is kept"
    assert expect.problem
    assert expect.expected is None


async def test_the_details_show_the_schema_of_the_new_catalog(
    window: MainWindow, companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    await client.send('{"event":"reaction","data":{"emoji":"👍"}}')
    window.open_room(EVENTS)
    await until(lambda: any(row.event == "reaction" for row in companion.journal))
    row = next(row for row in companion.journal if row.kind is Kind.FROM_UI)
    details = window.events.details
    details.show_row(row)
    details.tabs.setCurrentWidget(details.schema)
    assert "Event 'reaction' is not defined" in details.schema.toPlainText()
    add(companion, REACTION)
    assert "The user reacted." in details.schema.toPlainText()
    remove(companion, "reaction")
    assert "Event 'reaction' is not defined" in details.schema.toPlainText()


@pytest.fixture
async def window_with_fixtures(
    make_companion: MakeCompanion, windows: Windows, tmp_path: Path
) -> tuple[MainWindow, Companion]:
    companion = await make_companion(fixtures_folder=tmp_path / "own")
    return windows(companion), companion


async def test_a_shown_fixture_is_checked_with_the_new_catalog(
    window_with_fixtures: tuple[MainWindow, Companion],
) -> None:
    window, companion = window_with_fixtures
    await companion.fixtures.save("mine/delivered", Fixture(event="message_delivered", data={"msg_id": "m1"}))
    window.open_room(FIXTURES)
    await wait_until_idle(companion)
    room = window.fixtures
    room.choose("mine/delivered")
    assert "unknown server event 'message_delivered'" in room.form.problem.text()
    add(companion, DELIVERED)
    assert room.form.problem.text() == ""
    room.form.editor.setPlainText('{"event": "message_delivered", "data": {"msg_id": "m1", "emoji": 1}}')
    assert room.bar.now.text() == "Send malformed"
    remove(companion, "message_delivered")
    assert "unknown server event 'message_delivered'" in room.form.problem.text()
    assert "emoji" in room.form.editor.toPlainText()


async def test_rooms_of_a_closed_window_ignore_catalog_changes(window: MainWindow, companion: Companion) -> None:
    for room in (EVENTS, CLIENTS, INJECT, FIXTURES):
        window.open_room(room)
    before = titles(window)
    window.close_down()
    add(companion, DELIVERED, REACTION)
    assert titles(window) == before
    assert window.inject.bar.expect.choice.findText("reaction") == -1
