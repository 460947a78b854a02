"""The event panel: an event as a form and as JSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QTextCursor
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from app.companion import Companion
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from app.ui.widgets.event_panel import EventPanel
from app.ui.widgets.event_toolbar import FORM, JSON
from app.ui.widgets.fields import LongTextField, NameField
from app.ui.widgets.form_view import as_text
from tests.ui.cast import set_friends
from tests.ui.contracts import MessageDelivered, event_type
from tests.ui.parts import line_of

pytestmark = pytest.mark.usefixtures("styled")

Show = Callable[[QWidget], None]


def panel_of(companion: Companion, *names: str) -> EventPanel:
    types = [companion.catalog.get(Direction.TO_UI, name) for name in names]
    return EventPanel(companion, [each for each in types if each])


@pytest.fixture
def message(stopped_companion: Companion, show: Show) -> EventPanel:
    panel = panel_of(stopped_companion, "new_message")
    show(panel)
    return panel


@pytest.fixture
def presence(stopped_companion: Companion, show: Show) -> EventPanel:
    panel = panel_of(stopped_companion, "friend_online", "friend_offline")
    show(panel)
    return panel


def json_of(panel: EventPanel) -> Any:
    return json.loads(panel.editor.toPlainText())


def button(panel: EventPanel, title: str) -> QPushButton:
    return next(each for each in panel.findChildren(QPushButton) if each.text() == title)


def test_the_default_message_is_valid(message: EventPanel, stopped_companion: Companion) -> None:
    assert message.problems == []
    template = message.template()
    assert template.data == {
        "msg_id": "{{uuid}}",
        "from": "alice",
        "to": "me",
        "text": "Hey there!",
        "timestamp": "{{now}}",
        "direction": "received",
        "delivered": True,
        "delivery_method": "direct",
    }
    first, second = stopped_companion.composer.preview(template), stopped_companion.composer.preview(template)
    assert first.data["msg_id"] != second.data["msg_id"]
    assert stopped_companion.catalog.problems(first) == []


async def test_the_first_persona_and_the_local_user_are_filled_in(companion: Companion, qapp: Any) -> None:
    await set_friends(companion, "zoe", "yan")
    companion.settings.username = "max"
    data = panel_of(companion, "new_message").template().data
    assert (data["from"], data["to"]) == ("yan", "max")


def test_without_personas_the_sample_values_are_filled_in(stopped_companion: Companion, qapp: Any) -> None:
    assert stopped_companion.personas == []
    assert panel_of(stopped_companion, "new_message").template().data["from"] == "alice"


def test_a_validation_error_is_shown_below_its_field_while_typing(message: EventPanel, qtbot: Any) -> None:
    sender = message.form().field("from")
    assert isinstance(sender, NameField)
    line_of(sender.box).selectAll()
    qtbot.keyClick(sender.box.lineEdit(), Qt.Key.Key_Delete)
    assert [problem.path for problem in message.problems] == ["data.from"]
    visible = {label.accessibleName() for label in message.findChildren(QLabel, "problem") if label.isVisible()}
    assert visible == {"from: problem: must not be empty"}
    qtbot.keyClicks(sender.box.lineEdit(), "x")
    assert message.problems == []
    assert not any(label.isVisible() for label in message.findChildren(QLabel, "problem"))


def test_every_keystroke_emits_changed(message: EventPanel, qtbot: Any) -> None:
    texts: list[str] = []
    message.changed.connect(lambda: texts.append(message.template().data["text"]))
    field = message.form().field("text")
    assert isinstance(field, LongTextField)
    field.edit.selectAll()
    qtbot.keyClicks(field.edit, "Hi!")
    assert texts == ["H", "Hi", "Hi!"]


def test_switching_to_json_and_back_keeps_all_values(message: EventPanel, qtbot: Any) -> None:
    data = {
        **message.template().data,
        "text": 'Ünï "quoted" \\ \n second line 🎉 {{now}}',
        "msg_id": "550e8400-e29b-41d4-a716-446655440000",
        "delivered": False,
        "delivery_method": "offline",
        "reactions": [{"emoji": "👍", "from": "bob"}, {"emoji": "🎉", "from": "carol"}],
    }
    message.form().set_value(data)
    qtbot.mouseClick(button(message, "JSON"), Qt.MouseButton.LeftButton)
    assert message.views.currentIndex() == JSON
    assert json_of(message) == {"event": "new_message", "data": data}
    assert message.template() == Envelope("new_message", data)
    qtbot.mouseClick(button(message, "Form"), Qt.MouseButton.LeftButton)
    assert message.views.currentIndex() == FORM
    assert message.form().value() == data


def test_templates_are_shown_as_templates_in_json(message: EventPanel) -> None:
    message.show_view(JSON)
    assert json_of(message)["data"]["msg_id"] == "{{uuid}}"
    message.show_view(FORM)
    assert message.form().value()["msg_id"] == "{{uuid}}"


def test_values_edited_as_json_are_shown_in_the_form(message: EventPanel) -> None:
    message.show_view(JSON)
    event = json_of(message)
    event["data"]["text"] = "from JSON"
    message.editor.setPlainText(json.dumps(event))
    assert message.problems == []
    message.show_view(FORM)
    assert message.form().value()["text"] == "from JSON"


def test_reactions_deleted_in_json_are_not_restored(message: EventPanel) -> None:
    message.form().set_value({"reactions": [{"emoji": "👍", "from": "bob"}]})
    message.show_view(JSON)
    event = json_of(message)
    del event["data"]["reactions"]
    message.editor.setPlainText(json.dumps(event))
    message.show_view(FORM)
    assert message.template().data == event["data"]


def test_invalid_json_is_reported_with_its_position_and_blocks_the_form_view(
    message: EventPanel, qtbot: Any
) -> None:
    message.show_view(JSON)
    message.editor.setPlainText('{\n  "event": "new_message",\n  "data": {"text": }\n}')
    assert message.problem.isVisible()
    assert message.problem.text().startswith("line 3 column 20: invalid JSON")
    qtbot.mouseClick(button(message, "Form"), Qt.MouseButton.LeftButton)
    assert message.views.currentIndex() == JSON
    assert button(message, "JSON").isChecked()
    assert not button(message, "Form").isChecked()


def collect_notices(panel: EventPanel) -> list[str]:
    """Return a list that collects the notices of a panel."""
    notices: list[str] = []
    panel.notice.connect(notices.append)
    return notices


def test_the_form_button_reports_why_it_cannot_show_invalid_json(message: EventPanel, qtbot: Any) -> None:
    notices = collect_notices(message)
    message.show_view(JSON)
    message.editor.setPlainText('{"event": ')
    qtbot.mouseClick(button(message, "Form"), Qt.MouseButton.LeftButton)
    (notice,) = notices
    assert notice.startswith("The form cannot show this text: line 1 column 11: invalid JSON")
    assert notice.endswith(". Correct it or click Reset.")
    data = message.form().value()
    message.editor.setPlainText(json.dumps({"event": "new_message", "data": {**data, "mood": 1}}))
    qtbot.mouseClick(button(message, "Form"), Qt.MouseButton.LeftButton)
    assert notices[1:] == ["The form cannot show data.mood. Correct the JSON or click Reset."]
    message.editor.setPlainText('{"event": "typing", "data": {}}')
    qtbot.mouseClick(button(message, "Form"), Qt.MouseButton.LeftButton)
    assert notices[2:] == ["This tab has no form for the event 'typing'. Correct its name or click Reset."]


def test_reset_restores_the_default_form_and_can_be_undone(message: EventPanel, qtbot: Any) -> None:
    default = message.template()
    assert not message.toolbar.reset.isEnabled()
    message.form().field("text").set_value("mine")
    message.show_view(JSON)
    message.editor.setPlainText('{"event": ')
    assert message.toolbar.reset.isEnabled()
    qtbot.mouseClick(message.toolbar.reset, Qt.MouseButton.LeftButton)
    assert message.views.currentIndex() == FORM
    assert message.template() == default
    assert message.problems == []
    assert message.toolbar.reset.text() == message.toolbar.reset.accessibleName() == "Undo"
    qtbot.mouseClick(message.toolbar.reset, Qt.MouseButton.LeftButton)
    assert message.views.currentIndex() == JSON
    assert message.editor.toPlainText() == '{"event": '
    assert message.form().value()["text"] == "mine"
    assert message.toolbar.reset.text() == "Reset"


def test_reset_cannot_be_undone_after_an_edit(message: EventPanel, qtbot: Any) -> None:
    message.form().field("text").set_value("mine")
    qtbot.mouseClick(message.toolbar.reset, Qt.MouseButton.LeftButton)
    message.form().field("text").set_value("new")
    assert message.toolbar.reset.text() == "Reset"
    assert message.toolbar.reset.isEnabled()


def test_loading_an_event_can_be_undone(message: EventPanel, qtbot: Any) -> None:
    message.load(Envelope("new_message", {**message.form().value(), "text": "from the log"}))
    assert message.toolbar.reset.text() == "Reset"
    message.form().field("text").set_value("mine")
    message.show_view(JSON)
    message.editor.setPlainText('{"event": ')
    for _ in range(2):
        message.load(Envelope("new_message", {**message.form().value(), "text": "from the log"}))
        message.show_view(JSON)
    assert json_of(message)["data"]["text"] == "from the log"
    assert message.toolbar.reset.text() == message.toolbar.reset.accessibleName() == "Undo"
    qtbot.mouseClick(message.toolbar.reset, Qt.MouseButton.LeftButton)
    assert message.editor.toPlainText() == '{"event": '
    assert message.form().value()["text"] == "mine"
    assert message.toolbar.reset.text() == "Reset"


def test_the_notice_names_the_button_as_it_is_then(message: EventPanel, qtbot: Any) -> None:
    notices: list[str] = []
    message.notice.connect(notices.append)
    message.form().field("text").set_value("mine")
    message.load(Envelope("new_message", {**message.form().value(), "mood": "happy"}))
    qtbot.mouseClick(button(message, "Form"), Qt.MouseButton.LeftButton)
    assert notices == ["The form cannot show data.mood. Correct the JSON or click Undo."]


def test_reset_keeps_the_focus(message: EventPanel, qtbot: Any) -> None:
    message.show()
    message.form().field("text").set_value("mine")
    reset = message.toolbar.reset
    reset.setFocus()
    for _ in range(2):
        qtbot.keyClick(reset, Qt.Key.Key_Space)
        assert message.window().focusWidget() is reset


def test_loading_an_event_can_be_undone_if_only_another_form_of_the_tab_was_edited(presence: EventPanel) -> None:
    presence.form().field("username").set_value("bob")
    presence.choice.setCurrentText("friend_offline")
    presence.show_view(JSON)
    presence.editor.setPlainText(as_text(Envelope("friend_offline", {"username": "alice"})))
    presence.load(Envelope("friend_online", {"username": "carol"}))
    assert presence.toolbar.reset.text() == "Undo"


def test_reset_resets_all_events_of_the_tab(presence: EventPanel, qtbot: Any) -> None:
    presence.form().field("username").set_value("bob")
    presence.choice.setCurrentText("friend_offline")
    presence.form().field("username").set_value("carol")
    qtbot.mouseClick(presence.toolbar.reset, Qt.MouseButton.LeftButton)
    assert presence.event_name == "friend_offline"
    assert presence.template().data == {"username": "alice"}
    presence.choice.setCurrentText("friend_online")
    assert presence.template().data == {"username": "alice"}


def test_format_indents_the_json_or_reports_an_error(message: EventPanel, qtbot: Any) -> None:
    assert not message.toolbar.format.isVisible()
    notices = collect_notices(message)
    message.show_view(JSON)
    message.editor.setPlainText(json.dumps(json_of(message)))
    before = message.template()
    qtbot.mouseClick(message.toolbar.format, Qt.MouseButton.LeftButton)
    assert message.editor.toPlainText().startswith('{\n  "event"')
    assert message.template() == before
    assert notices == []
    message.editor.setPlainText("{")
    qtbot.mouseClick(message.toolbar.format, Qt.MouseButton.LeftButton)
    assert notices[0].startswith("Only valid JSON can be formatted. line 1 column 2: invalid JSON")


def test_problems_in_json_are_underlined(message: EventPanel) -> None:
    message.show_view(JSON)
    event = json_of(message)
    event["data"]["delivered"] = "yes"
    message.editor.setPlainText(json.dumps(event))
    assert [each.message for each in message.editor.marks] == ["data.delivered: must be true or false, not text"]
    event["data"]["delivered"] = True
    message.editor.setPlainText(json.dumps(event))
    assert message.editor.marks == []


def test_the_json_is_shown_next_to_the_form_if_the_panel_is_wide(message: EventPanel, qtbot: Any) -> None:
    message.resize(1199, 600)
    assert not message.preview.isVisible()
    message.resize(1200, 600)
    assert message.preview.isVisible()
    assert json.loads(message.preview.toPlainText())["data"] == message.template().data
    message.form().field("text").set_value("shown immediately")
    assert "shown immediately" in message.preview.toPlainText()
    message.form().field("from").set_value("")
    assert json.loads(message.preview.toPlainText())["data"]["from"] == ""
    message.show_view(JSON)
    assert not message.preview.isVisible()


def test_a_form_is_at_most_640_pixels_wide(message: EventPanel) -> None:
    message.resize(1900, 900)
    message.grab()  # lets Qt lay out the widgets
    assert message.form().width() == 640
    assert message.form().mapTo(message, QPoint(0, 0)).x() == 20


def test_loading_an_event_with_changed_details_unfolds_them(message: EventPanel) -> None:
    form = message.form()
    assert not form.field("delivered").isVisible()
    message.load(Envelope("new_message", {**message.template().data, "text": "only the text differs"}))
    assert not form.field("delivered").isVisible()
    message.load(Envelope("new_message", {**message.template().data, "delivered": False}))
    assert form.field("delivered").isVisible()


def test_json_that_violates_the_schema_is_reported_with_its_path(message: EventPanel, qtbot: Any) -> None:
    message.show_view(JSON)
    message.editor.selectAll()
    message.editor.textCursor().removeSelectedText()
    sender = '"from": "alice", "to": "me", "text": "hi", "delivered": "yes", "direction": "received"'
    qtbot.keyClicks(message.editor, f'{{"event": "new_message", "data": {{{sender}}}')
    qtbot.keyClicks(message.editor, "}")
    problems = message.problem.text().splitlines()
    assert "data.delivered: must be true or false, not text" in problems
    assert "data.msg_id: is missing" in problems


def test_many_problems_are_counted_below_the_json_and_all_are_underlined(message: EventPanel) -> None:
    message.show_view(JSON)
    message.editor.setPlainText('{"event": "new_message", "data": {}}')
    problems = message.problem.text().splitlines()
    assert len(problems) == 6
    assert problems[0] == "data.msg_id: is missing"
    assert problems[-1] == "and 3 more"
    assert len(message.editor.marks) == 8


def test_a_field_unknown_to_the_contract_keeps_the_json_view(message: EventPanel) -> None:
    message.show_view(JSON)
    event = json_of(message)
    event["data"]["mood"] = "good"
    message.editor.setPlainText(json.dumps(event))
    message.show_view(FORM)
    assert message.views.currentIndex() == JSON
    assert json_of(message)["data"]["mood"] == "good"
    assert "data.mood: unknown field" in message.problem.text()


def test_a_value_that_the_form_would_change_keeps_the_json_view(
    message: EventPanel, subtests: pytest.Subtests
) -> None:
    message.show_view(JSON)
    original = json_of(message)
    changes: tuple[dict[str, object], ...] = (
        {"delivered": "yes"},
        {"delivered": 1},
        {"text": 5},
        {"text": None},
        {"from": ["alice"]},
        {"direction": None},
        {"msg_id": 7},
        {"reactions": "none"},
        {"reactions": []},
        {"reactions": [{"emoji": "👍"}]},
        {"reactions": [{"emoji": "👍", "from": "bob", "at": 5}]},
    )
    for change in changes:
        with subtests.test(change=change):
            event = {**original, "data": original["data"] | change}
            message.editor.setPlainText(json.dumps(event))
            message.show_view(FORM)
            assert message.views.currentIndex() == JSON
            assert json.dumps(json_of(message)) == json.dumps(event)  # comparing texts distinguishes True and 1


def test_an_event_without_a_required_field_keeps_the_json_view(message: EventPanel) -> None:
    notices = collect_notices(message)
    incomplete = {key: value for key, value in message.form().value().items() if key != "text"}
    message.load(Envelope("new_message", incomplete))
    assert message.views.currentIndex() == JSON
    assert message.template().data == incomplete
    assert message.problem.text() == "data.text: is missing"
    message.show_view(FORM)
    assert message.views.currentIndex() == JSON
    assert notices == ["The form cannot show data.text (missing). Correct the JSON or click Reset."]


@pytest.fixture
def delivered(qapp: Any) -> EventPanel:
    """Return a panel whose required field ``attempts`` is edited as JSON."""
    return new_panel()


def new_panel() -> EventPanel:
    added = event_type("message_delivered", MessageDelivered)
    return EventPanel(Companion(Settings(port=0), Catalog([added])), [added])


def test_a_required_field_that_was_emptied_is_empty_after_undo_of_reset(delivered: EventPanel) -> None:
    form, default = delivered.form(), delivered.form().value()
    form.set_value({"msg_id": "m1", "peer": "bob"})
    delivered.reset_or_undo()
    assert form.value() == default
    assert "attempts" in default
    delivered.reset_or_undo()
    assert form.value() == {"msg_id": "m1", "peer": "bob"}


def test_a_required_field_that_was_emptied_is_empty_in_a_new_panel(delivered: EventPanel) -> None:
    delivered.form().set_value({"msg_id": "m1", "peer": "bob"})
    later = new_panel()
    later.take_over(delivered)
    assert later.form().value() == {"msg_id": "m1", "peer": "bob"}


def test_an_event_of_another_panel_keeps_the_json_view(presence: EventPanel) -> None:
    presence.load(Envelope("new_message", {"text": "hi"}))
    assert presence.views.currentIndex() == JSON
    assert json_of(presence) == {"event": "new_message", "data": {"text": "hi"}}
    presence.show_view(FORM)
    assert presence.views.currentIndex() == JSON


def test_presence_keeps_the_user_name_when_the_event_changes(presence: EventPanel) -> None:
    assert presence.choice.isVisible()
    presence.form().field("username").set_value("carol")
    presence.choice.setCurrentText("friend_offline")
    assert presence.template() == Envelope("friend_offline", {"username": "carol"})
    presence.form().field("username").set_value("dave")
    presence.choice.setCurrentText("friend_online")
    assert presence.template() == Envelope("friend_online", {"username": "dave"})


def test_the_help_text_of_the_chosen_event_is_shown(presence: EventPanel) -> None:
    presence.choice.setCurrentText("friend_offline")
    texts = {label.text() for label in presence.findChildren(QLabel, "muted") if label.isVisible()}
    assert texts == {"A friend went offline."}


def test_an_event_changed_in_json_changes_the_form(presence: EventPanel) -> None:
    presence.show_view(JSON)
    presence.editor.setPlainText('{"event": "friend_offline", "data": {"username": "bob"}}')
    presence.show_view(FORM)
    assert presence.event_name == "friend_offline"
    assert presence.template() == Envelope("friend_offline", {"username": "bob"})


def test_choosing_an_event_in_the_json_view_changes_the_event_to_fire(presence: EventPanel) -> None:
    presence.show_view(JSON)
    presence.choice.setCurrentText("friend_offline")
    assert presence.template().event == "friend_offline"


def test_a_panel_with_one_event_shows_no_choice(message: EventPanel) -> None:
    assert not message.choice.isVisible()


def test_loading_an_event_shows_it_as_a_form(message: EventPanel) -> None:
    data = {**message.template().data, "text": "loaded", "msg_id": "550e8400-e29b-41d4-a716-446655440000"}
    message.show_view(JSON)
    message.load(Envelope("new_message", data))
    assert message.views.currentIndex() == FORM
    assert message.template().data == data


def test_the_json_editor_supports_undo(message: EventPanel, qtbot: Any) -> None:
    message.show_view(JSON)
    before = message.editor.toPlainText()
    message.editor.moveCursor(QTextCursor.MoveOperation.End)
    qtbot.keyClicks(message.editor, "!")
    assert message.problems
    message.editor.undo()
    assert message.editor.toPlainText() == before
    assert message.problems == []


# warnings about unknown users


@pytest.fixture
async def panel(companion: Companion, show: Show) -> EventPanel:
    """Return the message panel of a companion that has friends."""
    panel = panel_of(companion, "new_message")
    show(panel)
    return panel


async def test_a_message_of_a_friend_shows_no_warning(panel: EventPanel) -> None:
    assert not panel.warning.isVisible()


async def test_a_message_of_an_unknown_user_shows_a_warning_with_a_solution(panel: EventPanel) -> None:
    panel.form().field("from").set_value("mallory")
    assert panel.warning.isVisible()
    assert panel.warning.text().startswith("mallory is not a friend")
    assert "add the persona in Chats" in panel.warning.text()
    panel.form().field("from").set_value("carol")
    assert not panel.warning.isVisible()


async def test_the_recipient_of_a_sent_message_is_checked(panel: EventPanel) -> None:
    panel.form().set_value({"direction": "sent", "from": "me", "to": "bob"})
    assert not panel.warning.isVisible()
    panel.form().set_value({"direction": "sent", "from": "alice", "to": "mallory"})
    assert panel.warning.isVisible()
    assert panel.warning.text().startswith("mallory is not a friend")


@pytest.mark.parametrize("event", ["typing", "friend_online", "friend_offline"])
async def test_presence_and_typing_of_an_unknown_user_show_a_warning(
    companion: Companion, show: Show, event: str
) -> None:
    panel = panel_of(companion, event)
    show(panel)
    assert not panel.warning.isVisible()
    panel.form().field("username").set_value("mallory")
    assert panel.warning.isVisible()


async def test_the_json_view_shows_the_warning_unless_it_has_a_problem(panel: EventPanel) -> None:
    panel.form().field("from").set_value("mallory")
    panel.show_view(JSON)
    assert panel.warning.isVisible()
    panel.editor.setPlainText("{")
    assert not panel.warning.isVisible()
    assert panel.problem.isVisible()


def test_an_unknown_user_shows_no_warning_if_the_friend_list_is_empty(message: EventPanel) -> None:
    message.form().field("from").set_value("mallory")
    assert not message.warning.isVisible()
