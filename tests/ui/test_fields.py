"""The form fields, one class per kind of property."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.protocol.templates import NOW, UUID, iso
from app.ui import theme
from app.ui.widgets.fields import (
    ABSENT,
    ChoiceField,
    Field,
    FlagField,
    FreshField,
    JsonField,
    ListField,
    LongTextField,
    NameField,
    OptionalField,
    TextField,
    field_for,
    optional_field_for,
)
from tests.ui.parts import line_of

pytestmark = pytest.mark.usefixtures("styled")

Show = Callable[[QWidget], None]

PERSONAS = ["alice", "bob"]
REACTION = {
    "title": "Reaction",
    "properties": {
        "emoji": {"type": "string", "examples": ["👍"]},
        "from": {"type": "string", "format": "username", "examples": ["alice"]},
    },
}


def make(schema: dict[str, Any]) -> Field:
    return field_for("field", schema, PERSONAS, {"Reaction": REACTION}, lambda: 1_700_000_000.0)


@pytest.fixture
def changes(qapp: Any) -> list[Any]:
    return []


@pytest.mark.parametrize(
    ("schema", "field_type"),
    [
        ({"enum": ["received", "sent"]}, ChoiceField),
        ({"type": "boolean"}, FlagField),
        ({"type": "string", "format": "uuid"}, FreshField),
        ({"type": "string", "format": "date-time"}, FreshField),
        ({"type": "string", "format": "username"}, NameField),
        ({"type": "string", "contentMediaType": "text/plain"}, LongTextField),
        ({"type": "string"}, TextField),
        ({"type": "array", "items": {"$ref": "#/$defs/Reaction"}}, ListField),
        ({"type": "integer"}, JsonField),
        ({"type": "array", "items": {"type": "string"}}, JsonField),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, JsonField),
    ],
)
def test_the_type_of_a_property_determines_the_field(
    schema: dict[str, Any], field_type: type[Field], qapp: Any
) -> None:
    assert type(make(schema)) is field_type


@pytest.mark.parametrize(
    ("schema", "values"),
    [
        ({"enum": ["received", "sent"]}, ["sent", "received", "sideways"]),
        ({"type": "boolean"}, [True, False]),
        ({"type": "string", "format": "uuid"}, ["not-a-uuid", UUID, ""]),
        ({"type": "string", "format": "date-time"}, ["2024-01-15T10:30:00Z", NOW]),
        ({"type": "string", "format": "username"}, ["bob", "other user", "Ålice", ""]),
        ({"type": "string", "contentMediaType": "text/plain"}, ["two\nlines", "<b>no markup</b>", "", "{{uuid}}"]),
        ({"type": "string"}, ["one line", "", "🎉 ünï"]),
        ({"type": "integer"}, [7, -1, 2.5, None, [1, "a"], {"a": {"b": [True]}}, "text"]),
        (
            {"type": "array", "items": {"$ref": "#/$defs/Reaction"}},
            [[{"emoji": "🎉", "from": "carol"}], [{"emoji": "a", "from": "b"}, {"emoji": "c", "from": "d"}]],
        ),
    ],
)
def test_a_value_set_in_a_field_is_returned_and_emits_changed(
    schema: dict[str, Any], values: list[Any], changes: list[Any]
) -> None:
    field = make(schema)
    field.changed.connect(lambda: changes.append(field.value()))
    for value in values:
        before = field.value()
        field.set_value(value)
        assert field.value() == value
        assert type(field.value()) is type(value)
        assert changes[-1:] == [value] or before == value
    assert changes


@pytest.mark.parametrize("text", ["\ufeffabc", "\ufffeabc", "\ufeff\ufeff", "a\ufeff"])
@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "string", "format": "username"},
        {"type": "string", "format": "uuid"},
        {"enum": ["\ufeffabc", "other"]},
    ],
)
def test_a_byte_order_mark_is_kept(schema: dict[str, Any], text: str, qapp: Any) -> None:
    field = make(schema)
    assert field.accepts(text)
    field.set_value(text)
    assert field.value() == text


@pytest.mark.parametrize("text", ["a\u00a0b", "a\u2028b", "tab\there"])
def test_long_text_keeps_every_character(text: str, qapp: Any) -> None:
    field = LongTextField("text")
    field.set_value(text)
    assert field.value() == text


def test_a_choice_field_offers_the_values_of_the_schema(qapp: Any) -> None:
    field = make({"enum": ["direct", "offline"]})
    assert isinstance(field, ChoiceField)
    assert [field.box.itemText(number) for number in range(field.box.count())] == ["direct", "offline"]


def test_other_names_leave_the_text_of_a_name_field_and_its_history(qapp: Any, qtbot: Any, show: Show) -> None:
    field = field_for("peer", {"type": "string", "format": "username"}, ["alice", "bob"])
    assert isinstance(field, NameField)
    show(field)
    field.line.selectAll()
    qtbot.keyClicks(field.line, "carol")
    field.line.setSelection(1, 3)
    changes: list[str] = []
    field.changed.connect(lambda: changes.append(field.value()))
    field.set_names(["dave", "bob", "erin"])
    assert (field.value(), field.line.selectedText(), changes) == ("carol", "aro", [])
    field.line.undo()
    assert field.value() != "carol"
    field.line.redo()
    assert field.value() == "carol"
    assert [field.box.itemText(each) for each in range(field.box.count())] == ["dave", "bob", "erin"]
    field.box.showPopup()
    assert field.box.view().model().rowCount() == 3
    qtbot.keyClick(field.box.view(), Qt.Key.Key_End)
    qtbot.keyClick(field.box.view(), Qt.Key.Key_Return)
    assert field.value() == "erin"
    field.set_names([])
    assert field.value() == "erin"
    field.line.clear()
    field.set_names(["zoe"])
    assert not field.value()
    completer = field.box.completer()
    assert completer is not None
    completer.setCompletionPrefix("z")
    assert completer.currentCompletion() == "zoe"


def test_a_name_field_offers_personas_and_accepts_other_names(qapp: Any, qtbot: Any, show: Show) -> None:
    field = make({"type": "string", "format": "username"})
    assert isinstance(field, NameField)
    show(field)
    assert [field.box.itemText(number) for number in range(field.box.count())] == PERSONAS
    line_of(field.box).selectAll()
    qtbot.keyClicks(field.box.lineEdit(), "eve")
    qtbot.keyClick(field.box.lineEdit(), Qt.Key.Key_Return)
    assert field.value() == "eve"
    assert field.box.count() == len(PERSONAS)


def test_a_flag_field_shows_its_value_and_is_toggled_with_the_space_bar(qtbot: Any, show: Show) -> None:
    field = FlagField("delivered")
    show(field)
    assert field.check.text() == "false"
    qtbot.keyClick(field.check, Qt.Key.Key_Space)
    assert field.value() is True
    assert field.check.text() == "true"


def test_a_fresh_field_is_a_template_unless_a_value_is_entered(qtbot: Any, show: Show) -> None:
    field = make({"type": "string", "format": "uuid"})
    assert isinstance(field, FreshField)
    show(field)
    assert field.value() == UUID
    assert not field.line.isEnabled()
    qtbot.keyClick(field.auto, Qt.Key.Key_Space)
    assert field.line.isEnabled()
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", field.value())
    field.line.selectAll()
    qtbot.keyClicks(field.line, "my-own")
    assert field.value() == "my-own"
    qtbot.keyClick(field.auto, Qt.Key.Key_Space)
    assert field.value() == UUID


def test_a_time_entered_by_the_user_starts_with_the_time_of_the_form(qapp: Any) -> None:
    field = make({"type": "string", "format": "date-time"})
    assert isinstance(field, FreshField)
    field.auto.setChecked(False)
    assert field.value() == "2023-11-14T22:13:20.000Z"


def test_a_json_field_returns_invalid_json_as_text_and_empty_input_as_absent(qapp: Any) -> None:
    field = JsonField("it")
    assert field.value() is ABSENT
    field.line.setText("{half")
    assert field.value() == "{half"


def test_an_empty_optional_list_is_absent(qtbot: Any, show: Show, changes: list[Any]) -> None:
    field = make({"type": "array", "items": {"$ref": "#/$defs/Reaction"}})
    assert isinstance(field, ListField)
    field.omitted_if_empty = True
    show(field)
    assert field.value() is ABSENT
    field.changed.connect(lambda: changes.append(field.value()))
    for _ in range(2):
        qtbot.mouseClick(field.add, Qt.MouseButton.LeftButton)
    assert field.value() == [{"emoji": "👍", "from": "alice"}] * 2
    assert changes[-1] == field.value()
    remove = [each for each in field.findChildren(QPushButton) if each.text() == "Remove"]
    qtbot.mouseClick(remove[0], Qt.MouseButton.LeftButton)
    assert field.value() == [{"emoji": "👍", "from": "alice"}]
    qtbot.mouseClick(remove[1], Qt.MouseButton.LeftButton)
    assert field.value() is ABSENT
    assert changes[-1] is ABSENT


def test_an_item_of_a_list_is_edited_in_place(changes: list[Any]) -> None:
    field = make({"type": "array", "items": {"$ref": "#/$defs/Reaction"}})
    field.set_value([{"emoji": "👍", "from": "alice"}])
    field.changed.connect(lambda: changes.append(field.value()))
    (name,) = field.findChildren(NameField)
    name.set_value("bob")
    assert field.value() == [{"emoji": "👍", "from": "bob"}]
    assert changes == [[{"emoji": "👍", "from": "bob"}]]


def test_setting_an_empty_list_clears_a_list_field(qapp: Any) -> None:
    field = make({"type": "array", "items": {"$ref": "#/$defs/Reaction"}})
    assert isinstance(field, ListField)
    field.omitted_if_empty = True
    field.set_value([{"emoji": "👍", "from": "alice"}])
    field.set_value([])
    assert field.value() is ABSENT


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_hint_of_a_generated_value_is_readable(show: Show, qapp: Any, scheme: str) -> None:
    theme.apply(qapp, scheme)
    try:
        field = FreshField("msg_id", UUID, lambda: 0.0)
        show(field)
        assert field.line.placeholderText() == "generated on each send"
        assert field.line.font().italic()
        hint = field.line.palette().color(QPalette.ColorGroup.Disabled, QPalette.ColorRole.PlaceholderText)
        assert hint.name() == theme.colors().muted
        field.auto.setChecked(False)
        assert not field.line.font().italic()
    finally:
        theme.apply(qapp, "light")


@pytest.mark.parametrize("text", ["NaN", "Infinity", '{"a": 1, "a": 2}', "[" * 2000])
def test_json_that_no_frame_may_have_is_a_text_that_validation_reports(text: str, qapp: Any) -> None:
    field = make({"type": "integer"})
    assert isinstance(field, JsonField)
    field.line.setText(text)
    assert field.value() == text


def test_a_new_line_of_a_list_has_the_defaults_of_its_fields(qapp: Any) -> None:
    item = {
        "properties": {
            "kind": {"enum": ["x", "y"]}, "id": {"type": "string", "format": "uuid"}, "n": {"type": "integer"},
        }
    }  # fmt: skip
    field = ListField("list", item, PERSONAS)
    field.add.click()
    assert field.value() == [{"kind": "x", "id": UUID}]


def test_a_line_of_a_list_can_lack_a_field_that_is_edited_as_json(qapp: Any) -> None:
    item = {"properties": {"name": {"type": "string"}, "n": {"type": "integer", "examples": [1]}}}
    field = ListField("list", item, PERSONAS)
    assert field.accepts([{"name": "a"}])
    assert not field.accepts([{"n": 1}])
    field.set_value([{"name": "a"}, {"name": "b", "n": 2}])
    assert field.value() == [{"name": "a"}, {"name": "b", "n": 2}]


def test_a_time_that_is_no_longer_generated_is_the_current_one(qapp: Any) -> None:
    now = [1_700_000_000.0]
    field = field_for("time", {"type": "string", "format": "date-time"}, PERSONAS, None, lambda: now[0])
    assert isinstance(field, FreshField)
    now[0] += 3600
    field.auto.setChecked(False)
    assert field.value() == iso(now[0])


def test_the_tab_key_reaches_the_value_of_an_optional_field_first(qtbot: Any, show: Show) -> None:
    """Regression: it went to the check box, which is after the value, and never to the value."""
    box = QWidget()
    column = QVBoxLayout(box)
    before, field = TextField("before"), optional_field_for("text", {"type": "string"}, ())
    assert isinstance(field, OptionalField)
    assert isinstance(field.inner, TextField)
    column.addWidget(before)
    column.addWidget(field)
    show(box)
    before.setFocus()
    for expected in (field.included, before.line, field.inner.line, field.included):
        if expected is before.line:
            field.included.setChecked(True)
        qtbot.keyClick(box.focusWidget(), Qt.Key.Key_Tab)
        assert box.focusWidget() is expected
