"""Inject: the room that fires events. Clients receive what the form shows."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QFileDialog,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QWidget,
)
from websockets.asyncio.client import connect

from app.companion import Companion
from app.hub.journal import Verdict
from app.hub.origin import PANEL
from app.protocol.catalog import Catalog, built_in
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.protocol.event_files.details import FileDetails
from app.protocol.event_files.schema_event import SchemaEvent
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui.rooms.inject import InjectRoom
from app.ui.widgets.event_panel import EventPanel
from app.ui.widgets.event_toolbar import FORM, JSON
from app.ui.widgets.fields import FreshField, LongTextField, NameField
from app.ui.widgets.fire_bar import FireBar
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.quick_controls import PresenceGrid
from app.ui.widgets.text_edit import TextEdit
from app.ui.widgets.text_rejection import TOO_LARGE
from app.ui.window import FIXTURES, INJECT, ROOMS, MainWindow
from tests.conftest import Connect, until
from tests.ui.cast import set_friends
from tests.ui.conftest import close_and_destroy, destroy_now
from tests.ui.contracts import WithOptionals, event_type, extended_catalog
from tests.ui.frames import all_frames, frame, text

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
def first_room() -> str:
    return INJECT


@pytest.fixture
async def room(window: MainWindow) -> InjectRoom:
    window.open_room(INJECT)
    return window.inject


def titles(room: InjectRoom) -> list[str]:
    return [room.tabs.tabText(number) for number in range(room.tabs.count())]


def panel(room: InjectRoom, event: str) -> EventPanel:
    event_panel = room.event_panel(event)
    assert event_panel
    room.open_panel(event_panel)
    return event_panel


def click_tab(room: InjectRoom, title: str, qtbot: Any) -> None:
    position = room.tabs.tabRect(titles(room).index(title)).center()
    qtbot.mouseClick(room.tabs, LEFT, pos=position)
    assert room.tabs.tabText(room.tabs.currentIndex()) == title


async def test_every_server_event_has_a_panel(room: InjectRoom) -> None:
    assert titles(room) == ["New message", "Presence", "Typing", "Raw frame"]
    assert room.panels.count() == room.tabs.count()
    assert room.event_panel("friend_offline") is room.event_panel("friend_online")
    assert room.event_panel("mark_read") is None


async def test_a_click_sends_the_values_of_the_form(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    form = panel(room, "new_message").form()
    field = form.field("text")
    assert isinstance(field, LongTextField)
    field.edit.selectAll()
    qtbot.keyClicks(field.edit, "first event")
    qtbot.mouseClick(room.bar.now, LEFT)
    received = await frame(client)
    assert received["event"] == "new_message"
    expected = form.value()
    assert {**expected, **{name: received["data"][name] for name in ("msg_id", "timestamp")}} == received["data"]
    assert received["data"]["text"] == "first event"
    assert "{{" not in json.dumps(received)
    assert companion.catalog.problems(Envelope(**received)) == []


async def test_entered_values_are_sent_unchanged(room: InjectRoom, connect_client: Connect, qtbot: Any) -> None:
    client = await connect_client()
    form = panel(room, "new_message").form()
    data = {
        "msg_id": "550E8400-e29b-41d4-a716-446655440000", "from": "ünï", "to": "you", "text": 'q"\\\n🎉\t',
        "timestamp": "2024-01-15T10:30:00+02:00", "direction": "sent", "delivered": False,
        "delivery_method": "offline", "reactions": [{"emoji": "👍", "from": "bob"}],
    }  # fmt: skip
    form.set_value(data)
    for _ in range(2):
        qtbot.mouseClick(room.bar.now, LEFT)
        assert await frame(client) == {"event": "new_message", "data": data}


async def test_every_click_generates_new_ids_and_times(
    room: InjectRoom, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    panel(room, "new_message")
    ids = set()
    for _ in range(3):
        qtbot.mouseClick(room.bar.now, LEFT)
        ids.add((await frame(client))["data"]["msg_id"])
    assert len(ids) == 3


async def test_changes_during_a_series_do_not_affect_it(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    form = panel(room, "friend_online").form()
    room.bar.times.setValue(4)
    room.bar.every.setValue(1)
    qtbot.mouseClick(room.bar.now, LEFT)
    form.field("username").set_value("bob")
    await until(lambda: room.bar.now.text() == "Fire")
    assert [each["data"]["username"] for each in await all_frames(companion, client)] == ["alice"] * 4


async def test_firing_uses_the_visible_panel(room: InjectRoom, connect_client: Connect, qtbot: Any) -> None:
    client = await connect_client()
    for title, event in (("Typing", "typing"), ("Presence", "friend_online"), ("New message", "new_message")):
        click_tab(room, title, qtbot)
        qtbot.mouseClick(room.bar.now, LEFT)
        assert (await frame(client))["event"] == event


async def test_ctrl_enter_fires_from_the_json_editor(room: InjectRoom, connect_client: Connect, qtbot: Any) -> None:
    client = await connect_client()
    typing = panel(room, "typing")
    typing.show_view(JSON)
    typing.editor.setFocus()
    before = typing.editor.toPlainText()
    qtbot.keyClick(typing.editor, Qt.Key.Key_Return, CONTROL)
    assert await frame(client) == json.loads(before)
    assert typing.editor.toPlainText() == before


async def test_an_event_edited_as_json_is_sent(room: InjectRoom, connect_client: Connect, qtbot: Any) -> None:
    client = await connect_client()
    typing = panel(room, "typing")
    typing.show_view(JSON)
    typing.editor.setPlainText('{"event": "typing", "data": {"username": "zoe", "typing": false}}')
    qtbot.mouseClick(room.bar.now, LEFT)
    assert await frame(client) == {"event": "typing", "data": {"username": "zoe", "typing": False}}


INVALID_EVENTS = ("not JSON", '{"event": "typing", "data": {"username": ""}}', '{"event": "nope", "data": {}}', "")


async def test_an_invalid_event_cannot_be_fired_with_buttons_or_keys(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    client = await connect_client()
    typing = panel(room, "typing")
    typing.show_view(JSON)
    for invalid in INVALID_EVENTS:
        with subtests.test(invalid=invalid):
            typing.editor.setPlainText(invalid)
            assert not room.bar.now.isEnabled()
            assert not room.bar.later.isEnabled()
            assert room.bar.now.toolTip() not in ("", "Fire (Ctrl+Enter)")
            qtbot.mouseClick(room.bar.now, LEFT)
            qtbot.mouseClick(room.bar.later, LEFT)
            typing.editor.setFocus()
            qtbot.keyClick(typing.editor, Qt.Key.Key_Return, CONTROL)
            assert await all_frames(companion, client) == []
            typing.editor.setPlainText('{"event": "typing", "data": {"username": "zoe", "typing": false}}')
            assert room.bar.now.isEnabled()


async def test_an_invalid_form_disables_firing_and_shows_the_error_in_the_tooltip(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    field = panel(room, "new_message").form().field("msg_id")
    assert isinstance(field, FreshField)
    field.auto.setChecked(False)
    field.line.selectAll()
    qtbot.keyClicks(field.line, "7")
    assert not room.bar.now.isEnabled()
    assert room.bar.now.toolTip() == "data.msg_id: must be a UUID, like a1b2c3d4-e5f6-7890-abcd-ef1234567890"
    qtbot.keyClick(field.line, Qt.Key.Key_Return, CONTROL)
    assert await all_frames(companion, client) == []


async def test_another_panel_can_fire_while_one_is_invalid(
    room: InjectRoom, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    panel(room, "new_message").form().field("from").set_value("")
    assert not room.bar.now.isEnabled()
    click_tab(room, "Typing", qtbot)
    assert room.bar.now.isEnabled()
    qtbot.mouseClick(room.bar.now, LEFT)
    assert (await frame(client))["event"] == "typing"
    click_tab(room, "New message", qtbot)
    assert not room.bar.now.isEnabled()


RAW_FRAMES = (
    '{"event": "new_message", "data": {"from": "alice", "text": ',
    "not JSON at all",
    "",
    ' {"event" : "typing",\n\n "data":{ "username":"x","typing":true } } ',
    "ünï 🎉 \\u0000",
    "tab\there",
    "non-breaking\u00a0space",
    "line\u2028separator",
)


async def test_a_raw_frame_is_sent_byte_for_byte(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any, subtests: pytest.Subtests
) -> None:
    client = await connect_client()
    click_tab(room, "Raw frame", qtbot)
    for raw in RAW_FRAMES:
        with subtests.test(raw=raw):
            room.raw.editor.setPlainText(raw)
            valid = raw.startswith(' {"event"')
            assert room.bar.now.text() == ("Send as is" if valid else "Send malformed")
            assert room.bar.now.accessibleName() == room.bar.now.text()
            qtbot.mouseClick(room.bar.now, LEFT)
            assert (await text(client)).encode() == raw.encode()
            last = list(companion.journal)[-1]
            assert (last.event, last.payload) == ("typing" if valid else "(raw frame)", raw.encode())
            assert last.verdict is (Verdict.OK if valid else Verdict.INVALID)


async def test_the_error_of_a_raw_frame_is_shown(room: InjectRoom, qtbot: Any) -> None:
    click_tab(room, "Raw frame", qtbot)
    room.raw.editor.setPlainText("{")
    assert room.raw.verdict.text().startswith("✕ line 1 column 2: invalid JSON")
    room.raw.editor.setPlainText('{"event": "typing", "data": {"username": "x"}}')
    assert room.raw.verdict.text() == "✕ data.typing: is missing"
    room.raw.editor.setPlainText('{"event": "typing", "data": {"username": "x", "typing": true}}')
    assert room.raw.verdict.text() == "✓ Valid typing event"


async def test_the_fire_button_shows_whether_a_raw_frame_is_valid(
    room: InjectRoom, companion: Companion, qtbot: Any
) -> None:
    click_tab(room, "Raw frame", qtbot)
    for frame_text, valid in (
        ('{"event": "typing", "data": {"username": "x", "typing": true}}', True),
        ('{"event": "typing", "data": {"username": "x"}}', False),
        ('{"event": "new", "data": {}}', False),
        ("", False),
    ):
        room.raw.editor.setPlainText(frame_text)
        assert room.bar.now.text() == ("Send as is" if valid else "Send malformed")
        assert room.bar.now.property("warns") is not valid
        assert room.raw.verdict.property("tone") == ("ok" if valid else "warning")
        assert room.raw.verdict.text().startswith("✓" if valid else "✕")
    room.raw.editor.setPlainText('{"event": "typing", "data": {"username": "x", "typing": true}}')
    companion.use_events([each for each in companion.catalog if each.name != "typing"])
    assert room.bar.now.text() == "Send malformed"
    assert room.raw.verdict.text().startswith("✕ event: unknown server event 'typing'")


async def test_a_result_is_shown_only_in_the_tab_that_fired(
    room: InjectRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    click_tab(room, "Typing", qtbot)
    qtbot.mouseClick(room.bar.now, LEFT)
    await until(lambda: room.bar.status.text().startswith("Delivered"))
    result = room.bar.status.text()
    for title in ("Presence", "Raw frame", "New message"):
        click_tab(room, title, qtbot)
        assert room.bar.status.text() == ""
    click_tab(room, "Typing", qtbot)
    assert room.bar.status.text() == result
    assert "out of date" not in room.bar.result.stamp.text()


async def test_a_result_of_an_edited_event_is_out_of_date(
    room: InjectRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    form = panel(room, "typing").form()
    qtbot.mouseClick(room.bar.now, LEFT)
    await until(lambda: room.bar.status.text().startswith("Delivered"))
    room.refresh()
    assert "out of date" not in room.bar.result.stamp.text()
    form.field("username").set_value("bob")
    assert "out of date" in room.bar.result.stamp.text()
    assert room.bar.result.stamp.toolTip() == "Out of date: the event was edited since."
    qtbot.mouseClick(room.bar.now, LEFT)
    await until(lambda: "out of date" not in room.bar.result.stamp.text())


async def test_the_message_that_the_form_cannot_be_shown_disappears_with_the_next_edit(
    room: InjectRoom, qtbot: Any
) -> None:
    typing = panel(room, "typing")
    typing.show_view(JSON)
    typing.editor.setPlainText("{")
    typing.show_view(FORM)
    assert room.bar.status.text().startswith("The form cannot show this text")
    room.refresh()
    assert room.bar.status.text().startswith("The form cannot show this text")
    typing.editor.setPlainText("{{")
    assert room.bar.status.text() == ""


async def test_ctrl_enter_on_an_invalid_event_shows_the_error(room: InjectRoom, qtbot: Any) -> None:
    field = panel(room, "typing").form().field("username")
    field.set_value("")
    room.fire_or_stop()
    assert room.bar.status.text() == "Not fired. data.username: must not be empty"
    assert room.bar.status.property("tone") == "error"


async def test_a_lone_surrogate_in_a_raw_frame_does_not_prevent_later_frames(
    room: InjectRoom, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    click_tab(room, "Raw frame", qtbot)
    room.raw.editor.setPlainText("half: ")
    room.raw.editor.textCursor().insertText("\ud800")
    qtbot.mouseClick(room.bar.now, LEFT)
    room.raw.editor.setPlainText("whole")
    qtbot.mouseClick(room.bar.now, LEFT)
    while await text(client) != "whole":
        pass


async def test_a_raw_frame_is_sent_only_to_the_target(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    first, second = await connect_client(), await connect_client()
    click_tab(room, "Raw frame", qtbot)
    room.bar.choose_client(2)
    room.raw.editor.setPlainText("only the second")
    qtbot.mouseClick(room.bar.now, LEFT)
    assert await text(second) == "only the second"
    assert await all_frames(companion, first) == []


async def test_a_message_fired_to_the_ui_can_be_marked_as_read(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    panel(room, "new_message")
    qtbot.mouseClick(room.bar.now, LEFT)
    received = (await frame(client))["data"]
    await client.send(json.dumps({"event": "mark_read", "data": {"peer": "alice", "msg_id": received["msg_id"]}}))
    await until(lambda: any(row.event == "mark_read" for row in companion.journal))
    (row,) = [row for row in companion.journal if row.event == "mark_read"]
    assert row.verdict is Verdict.OK


async def test_the_help_of_an_event_is_shown(room: InjectRoom) -> None:
    labels = {label.text() for label in panel(room, "typing").findChildren(QLabel)}
    assert "A friend started or stopped typing." in labels


@pytest.fixture
async def window_with_added_event(tmp_path: Path) -> AsyncIterator[tuple[MainWindow, Companion]]:
    companion = Companion(Settings(port=0, rest_port=0), extended_catalog())
    assert await companion.start()
    window = MainWindow(Folders.of(tmp_path)).fill(companion)
    window.present()
    window.open_room(INJECT)
    yield window, companion
    await close_and_destroy(window, companion)
    await companion.close()


async def test_an_added_event_has_a_tab_and_can_be_fired(
    window_with_added_event: tuple[MainWindow, Companion], qtbot: Any
) -> None:
    window, companion = window_with_added_event
    room = window.inject
    assert titles(room) == ["New message", "Presence", "Typing", "Message delivered", "Raw frame"]
    async with connect(companion.server.url, proxy=None) as client:
        await until(lambda: companion.hub.connection_count)
        click_tab(room, "Message delivered", qtbot)
        added_panel = room.panels.currentWidget()
        assert isinstance(added_panel, EventPanel)
        assert added_panel.problems == []
        added_panel.form().field("attempts").set_value(3)
        qtbot.mouseClick(room.bar.now, LEFT)
        received = await frame(client)
    assert received["event"] == "message_delivered"
    assert received["data"] == {"msg_id": received["data"]["msg_id"], "peer": "alice", "attempts": 3}


async def test_the_default_of_an_added_event_with_optional_fields_is_valid(qapp: Any) -> None:
    added = event_type("with_optionals", WithOptionals)
    panel = EventPanel(Companion(Settings(port=0), Catalog([added])), [added])
    assert panel.problems == []
    assert panel.template() == Envelope("with_optionals", {"peer": "alice"})
    destroy_now(panel)


async def test_rebuilding_keeps_the_tab_and_the_raw_frame(room: InjectRoom, qtbot: Any) -> None:
    click_tab(room, "Raw frame", qtbot)
    room.raw.editor.setPlainText("kept")
    room.rebuild()
    assert room.tabs.tabText(room.tabs.currentIndex()) == "Raw frame"
    assert room.panels.currentWidget() is room.raw
    assert room.raw.editor.toPlainText() == "kept"
    assert room.bar.now.text() == "Send malformed"


async def test_without_personas_no_quick_buttons_are_shown(room: InjectRoom, companion: Companion) -> None:
    await set_friends(companion)
    room.refresh()
    for event in ("friend_online", "typing"):
        buttons = {button.text() for button in panel(room, event).findChildren(QPushButton)}
        assert buttons == {"Form", "JSON", "Format", "Reset", "▾ Details"}


async def test_firing_to_an_unknown_client_is_reported(
    room: InjectRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    room.bar.choose_client(77)
    panel(room, "typing")
    qtbot.mouseClick(room.bar.now, LEFT)
    await until(room.bar.status.text)
    assert room.bar.status.text().startswith("Not sent: client 77 has never connected")


# large texts


def paste(editor: QWidget, text: str) -> None:
    QGuiApplication.clipboard().setText(text)
    QTest.keySequence(editor, QKeySequence(QKeySequence.StandardKey.Paste))


async def test_a_large_pasted_text_is_sent_unchanged(room: InjectRoom, companion: Companion, qtbot: Any) -> None:
    click_tab(room, "Raw frame", qtbot)
    text = '{"event":"new_message","data":{"text":"' + "x\u00a0\u2028" * 40_000 + '"}}\r\n'
    room.raw.editor.selectAll()
    paste(room.raw.editor, text)
    qtbot.mouseClick(room.bar.now, LEFT)
    await until(lambda: companion.journal.last_seq > 0 and list(companion.journal)[-1].payload == text.encode())


async def test_a_pasted_text_that_is_too_large_is_rejected_with_a_button_to_send_a_file(
    room: InjectRoom, qtbot: Any, subtests: pytest.Subtests
) -> None:
    for view in ("raw", "JSON", "form"):
        with subtests.test(view=view):
            event_panel = panel(room, "new_message")
            if view == "raw":
                click_tab(room, "Raw frame", qtbot)
                editor: TextEdit = room.raw.editor
            elif view == "JSON":
                event_panel.show_view(JSON)
                editor = event_panel.editor
            else:
                field = event_panel.form().field("text")
                assert isinstance(field, LongTextField)
                editor = field.edit
            before = editor.toPlainText()
            assert room.bar.send_file.isHidden()
            paste(editor, "x" * 5_000_000)
            assert editor.toPlainText() == before
            assert room.bar.status.text() == TOO_LARGE
            assert not room.bar.send_file.isHidden()
            room.bar.show_status("something else", "ok")
            assert room.bar.send_file.isHidden()


async def test_send_from_file_sends_the_file_unchanged(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any, tmp_path: Path
) -> None:
    client = await connect_client()
    file = tmp_path / "frame.txt"
    content = "\ufeff{\r\n" + "é" * 300_000
    await asyncio.to_thread(file.write_bytes, content.encode())
    click_tab(room, "Raw frame", qtbot)
    qtbot.mouseClick(room.raw.send_file, LEFT)
    dialog = room.window().findChild(QFileDialog)
    assert dialog is not None
    dialog.fileSelected.emit(str(file))
    assert await text(client) == content
    dialog.reject()
    await until(lambda: room.bar.status.text().startswith("Delivered to 1 client"))


async def test_a_file_that_cannot_be_sent_is_reported(room: InjectRoom, tmp_path: Path) -> None:
    room.bar.fire_file(str(tmp_path))
    await until(lambda: room.bar.status.text() == f"{tmp_path} cannot be sent: Is a directory.")


async def test_a_row_that_is_too_large_to_edit_is_reported(room: InjectRoom, companion: Companion) -> None:
    await companion.send_raw("x" * 300_000, origin=PANEL)
    before = room.raw.editor.toPlainText()
    room.edit(list(companion.journal)[-1])
    assert room.raw.editor.toPlainText() == before
    assert not room.raw.editor.textCursor().hasSelection()
    assert room.bar.status.text() == TOO_LARGE


async def test_a_raw_frame_that_a_row_to_edit_replaces_can_be_brought_back(
    room: InjectRoom, companion: Companion
) -> None:
    await companion.send_raw("from the log", origin=PANEL)
    room.raw.editor.setPlainText("mine")
    room.edit(list(companion.journal)[-1])
    assert room.raw.editor.toPlainText() == "from the log"
    room.raw.editor.undo()
    assert room.raw.editor.toPlainText() == "mine"


async def test_a_row_to_edit_is_sent_as_it_was_also_if_its_text_looks_like_a_template(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    message = companion.composer.message_from("alice", "use {{now}}")
    await companion.fire(message, origin=PANEL)
    assert (await frame(client))["data"] == message.data
    room.edit(list(companion.journal)[-1])
    qtbot.mouseClick(room.bar.now, LEFT)
    assert (await frame(client))["data"] == message.data


async def test_a_form_too_large_for_the_json_editor_is_not_shown_as_json(room: InjectRoom, qtbot: Any) -> None:
    event_panel = panel(room, "new_message")
    event_panel.form().field("text").set_value("\u0001" * 100_000)  # each character is six characters of JSON
    event_panel.show_view(JSON)
    assert event_panel.views.currentIndex() != JSON
    assert room.bar.status.text() == TOO_LARGE


async def test_an_event_with_too_many_templates_cannot_be_fired(room: InjectRoom, qtbot: Any) -> None:
    event_panel = panel(room, "new_message")
    event_panel.form().field("text").set_value("{{uuid}}" * 10_000)
    assert [str(each) for each in event_panel.problems] == ["data: has 10,002 templates; at most 200 are allowed"]
    assert not room.bar.now.isEnabled()


async def test_every_editor_of_the_window_limits_its_text(window: MainWindow) -> None:
    for room in ROOMS:
        window.open_room(room.name)
    editors = [*window.findChildren(QLineEdit), *window.findChildren(QPlainTextEdit)]
    unbounded = [
        each.accessibleName() or each.objectName()
        for each in editors
        if not isinstance(each, LineEdit | TextEdit) and not isinstance(each.parent(), QAbstractSpinBox)
    ]
    assert len(editors) > 15
    assert unbounded == []


# the form below the one-click controls


async def test_the_form_below_one_click_controls_is_folded_and_a_line_says_what_is_sent(
    room: InjectRoom, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    presence = panel(room, "friend_online")
    room.open_panel(presence)
    assert presence.fold
    assert not presence.views.isVisible()
    assert presence.fold.summary.text() == "Fire sends friend_online · alice"
    qtbot.mouseClick(room.bar.now, LEFT)
    assert (await frame(client))["event"] == "friend_online"
    qtbot.mouseClick(presence.fold.button, LEFT)
    assert presence.views.isVisible()
    assert not presence.fold.summary.isVisible()
    assert panel(room, "new_message").fold is None


async def test_an_event_to_edit_and_a_problem_unfold_the_form(room: InjectRoom) -> None:
    presence, typing = panel(room, "friend_online"), panel(room, "typing")
    room.open_panel(presence)
    presence.load(Envelope("friend_offline", {"username": "bob"}))
    assert presence.views.isVisible()
    room.open_panel(typing)
    assert not typing.views.isVisible()
    typing.form().field("username").set_value("")
    assert typing.problems
    assert typing.views.isVisible()


async def test_new_personas_do_not_disturb_the_json_that_is_being_written(
    room: InjectRoom, companion: Companion, qtbot: Any
) -> None:
    shown = panel(room, "typing")
    shown.show_view(JSON)
    editor = shown.editor
    editor.setFocus()
    editor.moveCursor(editor.textCursor().MoveOperation.Down)
    before = editor.toPlainText()
    qtbot.keyClicks(editor, "ab")
    await set_friends(companion, "zoe")
    room.refresh()
    assert room.panels.currentWidget() is shown
    assert QApplication.focusWidget() is editor
    qtbot.keyClicks(QApplication.focusWidget(), "c?")
    assert editor.toPlainText() == before.replace("\n", "\nabc?", 1)
    while editor.document().isUndoAvailable():
        editor.undo()
    assert editor.toPlainText() == before


async def test_new_personas_are_suggested_in_the_form_that_is_being_edited(
    room: InjectRoom, companion: Companion, qtbot: Any
) -> None:
    form, untouched = panel(room, "new_message").form(), panel(room, "typing").form()
    panel(room, "new_message")
    field, text = form.field("from"), form.field("text")
    assert isinstance(field, NameField)
    assert isinstance(text, LongTextField)
    text.set_value("mine")
    field.set_value("somebody")
    field.box.setFocus()
    field.line.setSelection(6, -2)
    await set_friends(companion, "zoe")
    room.refresh()
    kept = room.event_panel("new_message")
    assert kept is not None
    assert kept.form() is form
    assert [field.box.itemText(each) for each in range(field.box.count())] == ["zoe"]
    assert QApplication.focusWidget() is field.box
    assert (field.line.selectedText(), field.line.cursorPosition()) == ("bo", 4)
    assert form.value()["text"] == "mine"
    assert form.value()["from"] == "somebody"
    assert untouched.value()["username"] == "zoe"
    assert not panel(room, "typing").toolbar.reset.isEnabled(), "the form shows the default"


async def test_a_focused_switch_keeps_the_focus_when_personas_change(
    room: InjectRoom, companion: Companion, qtbot: Any
) -> None:
    presence = panel(room, "friend_online")
    assert isinstance(presence.quick, PresenceGrid)
    presence.quick.switches["carol"].setFocus()
    await companion.chat.add_person("zoe", is_friend=True)
    room.refresh()
    assert isinstance(presence.quick, PresenceGrid)
    assert list(presence.quick.switches) == companion.personas
    assert QApplication.focusWidget() is presence.quick.switches["carol"]
    assert presence.quick.isVisible()


async def test_a_panel_stays_unfolded_when_personas_change(room: InjectRoom, companion: Companion) -> None:
    presence = panel(room, "friend_online")
    assert presence.fold
    presence.fold.show_part()
    await set_friends(companion, "zoe")
    room.refresh()
    rebuilt = panel(room, "friend_online")
    assert rebuilt.fold
    assert rebuilt.fold.open


@pytest.mark.parametrize("name", [INJECT, FIXTURES])
async def test_the_fire_bar_can_be_opened_where_events_are_fired(window: MainWindow, qtbot: Any, name: str) -> None:
    requests: list[bool] = []
    window.fire_bar_requested.connect(lambda: requests.append(True))
    window.open_room(name)
    bar = window.rooms.page(name).findChild(FireBar)
    assert bar
    qtbot.mouseClick(bar.open_window, LEFT)
    assert requests == [True]


async def test_with_many_events_a_form_is_built_when_its_tab_is_opened(
    room: InjectRoom, companion: Companion, qtbot: Any
) -> None:
    """Regression: with 500 event files, the window froze for 100 s, because it built all forms."""
    details = FileDetails(description="Something happened.")
    data = {"type": "object", "required": ["note"], "properties": {"note": {"type": "string"}}}
    own = [SchemaEvent(f"own_{number}", Direction.TO_UI, data, details) for number in range(40)]
    companion.use_events([*companion.catalog, *own])
    assert room.tabs.count() == room.panels.count() == 4 + 40
    built = [each for each in room.panels.children() if isinstance(each, EventPanel)]
    assert len(built) == 3
    room.tabs.setCurrentIndex(20)
    panel = room.panels.currentWidget()
    assert isinstance(panel, EventPanel)
    assert room.tabs.tabText(20) == f"Own {panel.event_name.removeprefix('own_')}"
    found = room.event_panel("own_39")
    assert found
    room.open_panel(found)
    assert found.event_name == "own_39"
    room.refresh()
    assert (room.panels.currentWidget(), room.tabs.count()) == (found, 44)
    companion.use_events([each for each in companion.catalog if each not in own])
    assert room.tabs.count() == room.panels.count() == 4


async def test_the_title_of_an_event_file_is_shown_in_its_tab_and_the_name_in_its_form(
    room: InjectRoom, companion: Companion
) -> None:
    data = {"type": "object", "properties": {"note": {"type": "string"}}}

    def use(*details: FileDetails) -> None:
        own = [SchemaEvent(f"own_{number}", Direction.TO_UI, data, each) for number, each in enumerate(details)]
        companion.use_events([*built_in(), *own])

    titles = ("R&D", "R&D", "x" * 50, "")
    use(*(FileDetails(title=each, description="Something.") for each in titles))
    shown = [room.tabs.tabText(number) for number in range(3, 7)]
    assert shown == ["R&&D", "R&&D", f"{'x' * 39}…", "Own 3"]
    panel = room.event_panel("own_0")
    assert panel
    room.open_panel(panel)
    panel.form().set_value({"note": "kept"})
    assert "own_0: Something." in [each.text() for each in panel.findChildren(QLabel)]
    use(FileDetails(title="Research"))
    panel = room.event_panel("own_0")
    assert panel is room.panels.currentWidget()
    assert panel
    assert room.tabs.tabText(3) == "Research"
    assert panel.form().value() == {"note": "kept"}
    assert "own_0" in [each.text() for each in panel.findChildren(QLabel)]
