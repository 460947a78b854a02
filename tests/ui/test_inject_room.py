"""The room that fires events: what the form shows is what arrives."""

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
from app.protocol.catalog import Catalog
from app.protocol.envelope import Envelope
from app.system.paths import Folders
from app.system.settings import Settings
from app.ui.rooms.inject import InjectRoom
from app.ui.widgets.event_panel import FORM, JSON, EventPanel
from app.ui.widgets.fields import FreshField, LongTextField
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.text_edit import TextEdit
from app.ui.widgets.text_rejection import TOO_LARGE
from app.ui.window import INJECT, ROOMS, MainWindow
from tests.conftest import Connect, until
from tests.ui.cast import set_friends
from tests.ui.conftest import close_and_destroy, destroy_now
from tests.ui.contracts import WithOptionals, event_type, extended_catalog
from tests.ui.frames import all_frames, frame, text

LEFT = Qt.MouseButton.LeftButton
CONTROL = Qt.KeyboardModifier.ControlModifier


@pytest.fixture
async def room(window: MainWindow) -> InjectRoom:
    window.open_room(INJECT)
    return window.inject


def titles(room: InjectRoom) -> list[str]:
    return [room.tabs.tabText(number) for number in range(room.tabs.count())]


def panel(room: InjectRoom, event: str) -> EventPanel:
    found = room.event_panel(event)
    assert found
    room.open_panel(found)
    return found


def click_tab(room: InjectRoom, title: str, qtbot: Any) -> None:
    place = room.tabs.tabRect(titles(room).index(title)).center()
    qtbot.mouseClick(room.tabs, LEFT, pos=place)
    assert room.tabs.tabText(room.tabs.currentIndex()) == title


async def test_every_server_event_has_its_panel(room: InjectRoom) -> None:
    assert titles(room) == ["New message", "Presence", "Typing", "Raw frame"]
    assert room.panels.count() == room.tabs.count()
    assert room.event_panel("friend_offline") is room.event_panel("friend_online")
    assert room.event_panel("mark_read") is None


async def test_a_click_delivers_exactly_what_the_form_shows(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    form = panel(room, "new_message").form()
    shown = form.field("text")
    assert isinstance(shown, LongTextField)
    shown.edit.selectAll()
    qtbot.keyClicks(shown.edit, "first event")
    qtbot.mouseClick(room.bar.now, LEFT)
    arrived = await frame(client)
    assert arrived["event"] == "new_message"
    expected = form.value()
    assert {**expected, **{name: arrived["data"][name] for name in ("msg_id", "timestamp")}} == arrived["data"]
    assert arrived["data"]["text"] == "first event"
    assert "{{" not in json.dumps(arrived)
    assert companion.catalog.problems(Envelope(**arrived)) == []


async def test_own_values_arrive_as_they_are(room: InjectRoom, connect_client: Connect, qtbot: Any) -> None:
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


async def test_every_click_makes_fresh_ids_and_times(room: InjectRoom, connect_client: Connect, qtbot: Any) -> None:
    client = await connect_client()
    panel(room, "new_message")
    seen = set()
    for _ in range(3):
        qtbot.mouseClick(room.bar.now, LEFT)
        seen.add((await frame(client))["data"]["msg_id"])
    assert len(seen) == 3


async def test_what_is_changed_after_a_series_began_waits_for_the_next(
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


async def test_an_event_edited_as_json_arrives(room: InjectRoom, connect_client: Connect, qtbot: Any) -> None:
    client = await connect_client()
    typing = panel(room, "typing")
    typing.show_view(JSON)
    typing.editor.setPlainText('{"event": "typing", "data": {"username": "zoe", "typing": false}}')
    qtbot.mouseClick(room.bar.now, LEFT)
    assert await frame(client) == {"event": "typing", "data": {"username": "zoe", "typing": False}}


@pytest.mark.parametrize(
    "broken", ["no JSON", '{"event": "typing", "data": {"username": ""}}', '{"event": "nope", "data": {}}', ""]
)
async def test_an_invalid_event_cannot_be_fired_in_any_way(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any, broken: str
) -> None:
    client = await connect_client()
    typing = panel(room, "typing")
    typing.show_view(JSON)
    typing.editor.setPlainText(broken)
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


@pytest.mark.parametrize(
    "raw",
    [
        '{"event": "new_message", "data": {"from": "alice", "text": ',
        "not JSON at all",
        "",
        ' {"event" : "typing",\n\n "data":{ "username":"x","typing":true } } ',
        "ünï 🎉 \\u0000",
        "tab\there",
        "no\u00a0break",
        "line\u2028separator",
    ],
)
async def test_a_raw_frame_arrives_byte_for_byte(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any, raw: str
) -> None:
    client = await connect_client()
    click_tab(room, "Raw frame", qtbot)
    room.raw.editor.setPlainText(raw)
    valid = raw.startswith(' {"event"')
    assert room.bar.now.text() == ("Send as is" if valid else "Send malformed")
    assert room.bar.now.accessibleName() == room.bar.now.text()
    qtbot.mouseClick(room.bar.now, LEFT)
    assert (await text(client)).encode() == raw.encode()
    last = list(companion.journal)[-1]
    assert (last.event, last.payload) == ("typing" if valid else "(raw frame)", raw.encode())
    assert last.verdict is (Verdict.OK if valid else Verdict.INVALID)


async def test_a_raw_frame_says_what_is_wrong_with_it(room: InjectRoom, qtbot: Any) -> None:
    click_tab(room, "Raw frame", qtbot)
    room.raw.editor.setPlainText("{")
    assert room.raw.verdict.text().startswith("✕ line 1 column 2: invalid JSON")
    room.raw.editor.setPlainText('{"event": "typing", "data": {"username": "x"}}')
    assert room.raw.verdict.text() == "✕ data.typing: is missing"
    room.raw.editor.setPlainText('{"event": "typing", "data": {"username": "x", "typing": true}}')
    assert room.raw.verdict.text() == "✓ Valid typing event"


async def test_the_button_and_the_validity_of_a_raw_frame_agree(
    room: InjectRoom, companion: Companion, qtbot: Any
) -> None:
    click_tab(room, "Raw frame", qtbot)
    for written, valid in (
        ('{"event": "typing", "data": {"username": "x", "typing": true}}', True),
        ('{"event": "typing", "data": {"username": "x"}}', False),
        ('{"event": "new", "data": {}}', False),
        ("", False),
    ):
        room.raw.editor.setPlainText(written)
        assert room.bar.now.text() == ("Send as is" if valid else "Send malformed")
        assert room.bar.now.property("warns") is not valid
        assert room.raw.verdict.property("tone") == ("ok" if valid else "warning")
        assert room.raw.verdict.text().startswith("✓" if valid else "✕")
    room.raw.editor.setPlainText('{"event": "typing", "data": {"username": "x", "typing": true}}')
    companion.use_events([each for each in companion.catalog if each.name != "typing"])
    assert room.bar.now.text() == "Send malformed"
    assert room.raw.verdict.text().startswith("✕ event: unknown server event 'typing'")


async def test_a_result_belongs_to_the_tab_that_fired(
    room: InjectRoom, connect_client: Connect, qtbot: Any
) -> None:
    await connect_client()
    click_tab(room, "Typing", qtbot)
    qtbot.mouseClick(room.bar.now, LEFT)
    await until(lambda: room.bar.status.text().startswith("Delivered"))
    said = room.bar.status.text()
    for title in ("Presence", "Raw frame", "New message"):
        click_tab(room, title, qtbot)
        assert room.bar.status.text() == ""
    click_tab(room, "Typing", qtbot)
    assert room.bar.status.text() == said
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


async def test_the_reason_why_a_form_cannot_be_shown_disappears_with_the_next_edit(
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


async def test_ctrl_enter_on_an_invalid_event_says_why_nothing_is_fired(room: InjectRoom, qtbot: Any) -> None:
    field = panel(room, "typing").form().field("username")
    field.set_value("")
    room.fire_or_stop()
    assert room.bar.status.text() == "Not fired. data.username: must not be empty"
    assert room.bar.status.property("tone") == "error"


async def test_half_a_character_does_no_harm(room: InjectRoom, connect_client: Connect, qtbot: Any) -> None:
    client = await connect_client()
    click_tab(room, "Raw frame", qtbot)
    room.raw.editor.setPlainText("half: ")
    room.raw.editor.textCursor().insertText("\ud800")
    qtbot.mouseClick(room.bar.now, LEFT)
    room.raw.editor.setPlainText("whole")
    qtbot.mouseClick(room.bar.now, LEFT)
    while await text(client) != "whole":
        pass


async def test_the_raw_frame_goes_to_the_target_only(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    one, two = await connect_client(), await connect_client()
    click_tab(room, "Raw frame", qtbot)
    room.bar.choose_client(2)
    room.raw.editor.setPlainText("only two")
    qtbot.mouseClick(room.bar.now, LEFT)
    assert await text(two) == "only two"
    assert await all_frames(companion, one) == []


async def test_a_message_to_the_ui_is_known_to_mark_read(
    room: InjectRoom, companion: Companion, connect_client: Connect, qtbot: Any
) -> None:
    client = await connect_client()
    panel(room, "new_message")
    qtbot.mouseClick(room.bar.now, LEFT)
    arrived = (await frame(client))["data"]
    await client.send(json.dumps({"event": "mark_read", "data": {"peer": "alice", "msg_id": arrived["msg_id"]}}))
    await until(lambda: any(row.event == "mark_read" for row in companion.journal))
    (row,) = [row for row in companion.journal if row.event == "mark_read"]
    assert row.verdict is Verdict.OK


async def test_the_help_of_an_event_is_shown(room: InjectRoom) -> None:
    labels = {label.text() for label in panel(room, "typing").findChildren(QLabel)}
    assert "A friend started or stopped typing." in labels


@pytest.fixture
async def grown_window(tmp_path: Path) -> AsyncIterator[tuple[MainWindow, Companion]]:
    companion = Companion(Settings(port=0, rest_port=0), extended_catalog())
    assert await companion.start()
    window = MainWindow(Folders.of(tmp_path)).fill(companion)
    window.present()
    window.open_room(INJECT)
    yield window, companion
    await close_and_destroy(window, companion)
    await companion.close()


async def test_an_event_that_was_added_gets_its_own_tab_and_fires(
    grown_window: tuple[MainWindow, Companion], qtbot: Any
) -> None:
    window, companion = grown_window
    room = window.inject
    assert titles(room) == ["New message", "Presence", "Typing", "Message delivered", "Raw frame"]
    async with connect(companion.server.url, proxy=None) as client:
        await until(lambda: companion.hub.connection_count)
        click_tab(room, "Message delivered", qtbot)
        added = room.panels.currentWidget()
        assert isinstance(added, EventPanel)
        assert added.problems == []
        added.form().field("attempts").set_value(3)
        qtbot.mouseClick(room.bar.now, LEFT)
        arrived = await frame(client)
    assert arrived["event"] == "message_delivered"
    assert arrived["data"] == {"msg_id": arrived["data"]["msg_id"], "peer": "alice", "attempts": 3}


async def test_an_added_event_with_optional_fields_can_be_fired_as_it_stands(qapp: Any) -> None:
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


async def test_without_personas_the_quick_ways_are_left_out(room: InjectRoom, companion: Companion) -> None:
    await set_friends(companion)
    room.refresh()
    for event in ("friend_online", "typing"):
        buttons = {button.text() for button in panel(room, event).findChildren(QPushButton)}
        assert buttons == {"Form", "JSON", "Format", "Reset", "▾ Details"}


async def test_a_target_that_is_gone_is_warned_about(room: InjectRoom, connect_client: Connect, qtbot: Any) -> None:
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


async def test_a_large_paste_is_sent_exactly_as_it_was_pasted(
    room: InjectRoom, companion: Companion, qtbot: Any
) -> None:
    click_tab(room, "Raw frame", qtbot)
    text = '{"event":"new_message","data":{"text":"' + "x\u00a0\u2028" * 40_000 + '"}}\r\n'
    room.raw.editor.selectAll()
    paste(room.raw.editor, text)
    qtbot.mouseClick(room.bar.now, LEFT)
    await until(lambda: companion.journal.last_seq > 0 and list(companion.journal)[-1].payload == text.encode())


@pytest.mark.parametrize("place", ["raw", "JSON", "form"])
async def test_a_paste_that_is_too_large_is_rejected_with_an_offer(
    room: InjectRoom, place: str, qtbot: Any
) -> None:
    shown = panel(room, "new_message")
    if place == "raw":
        click_tab(room, "Raw frame", qtbot)
        editor: TextEdit = room.raw.editor
    elif place == "JSON":
        shown.show_view(JSON)
        editor = shown.editor
    else:
        field = shown.form().field("text")
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


async def test_send_from_file_sends_the_file_exactly(
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
    assert room.bar.status.text() == TOO_LARGE


async def test_a_form_too_large_for_the_json_editor_stays_a_form(room: InjectRoom, qtbot: Any) -> None:
    shown = panel(room, "new_message")
    shown.form().field("text").set_value("\u0001" * 100_000)  # each is six characters of JSON
    shown.show_view(JSON)
    assert shown.views.currentIndex() != JSON
    assert room.bar.status.text() == TOO_LARGE


async def test_too_many_templates_cannot_be_fired(room: InjectRoom, qtbot: Any) -> None:
    shown = panel(room, "new_message")
    shown.form().field("text").set_value("{{uuid}}" * 10_000)
    assert [str(each) for each in shown.problems] == ["data: has 10,002 templates; at most 200 are allowed"]
    assert not room.bar.now.isEnabled()


async def test_every_editor_of_the_window_is_bounded(window: MainWindow) -> None:
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
