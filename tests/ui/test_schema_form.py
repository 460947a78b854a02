"""SchemaForm builds a form for any event from its schema."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.protocol.catalog import built_in
from app.protocol.event_files.parse import parse_event_file
from app.protocol.event_type import EventProblem, EventType
from app.protocol.templates import UUID
from app.ui.widgets.fields import ABSENT, FreshField, JsonField, NameField
from app.ui.widgets.schema_form import SchemaForm, main_fields
from tests.ui.contracts import MessageDelivered, WithOptionals, event_type

pytestmark = pytest.mark.usefixtures("styled")

Show = Callable[[QWidget], None]

EVENTS: list[EventType] = [*built_in(), event_type("message_delivered", MessageDelivered)]


def make_form(event: EventType) -> SchemaForm:
    return SchemaForm(event, ["alice", "bob"], lambda: 1_700_000_000.0)


def event_named(name: str) -> EventType:
    return next(each for each in EVENTS if each.name == name)


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.name}-{event.direction}")
def test_every_event_has_a_form_that_shows_its_sample(event: EventType, qapp: Any) -> None:
    form = make_form(event)
    form.set_value(event.sample)
    assert form.value() == event.sample
    assert event.problems(form.value()) == []


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: f"{event.name}-{event.direction}")
def test_every_property_has_a_label_an_input_and_an_explanation(event: EventType, qapp: Any) -> None:
    form = make_form(event)
    labels = {label.text(): label for label in form.findChildren(QLabel) if label.buddy()}
    assert sorted(labels) == sorted(event.schema["properties"])
    for name, schema in event.schema["properties"].items():
        field = form.field(name)
        assert labels[name].buddy() is field
        assert field.accessibleDescription().startswith(schema.get("description", ""))
        assert field.accessibleDescription().endswith("(optional)") is (name not in event.schema["required"])


def test_the_form_of_an_added_event_has_inputs_for_the_types_of_its_struct(qapp: Any) -> None:
    form = make_form(event_named("message_delivered"))
    assert [type(form.field(name)) for name in ("msg_id", "peer", "attempts")] == [FreshField, NameField, JsonField]
    form.set_value({"msg_id": UUID, "peer": "bob", "attempts": 3})
    assert form.value() == {"msg_id": UUID, "peer": "bob", "attempts": 3}


def test_a_forbidden_field_has_no_input(qapp: Any) -> None:
    file = {"extends": "new_message", "data": {"properties": {"reactions": False}}}
    event = parse_event_file("e.json", json.dumps(file), built_in())
    form = make_form(event)
    form.set_value({**event.sample, "reactions": [{"emoji": "👍", "from": "bob"}]})
    assert "reactions" not in form.value()


@pytest.mark.parametrize(
    ("name", "main"),
    [
        ("new_message", ["from", "to", "text"]),
        ("friend_online", ["username"]),
        ("typing", ["username", "typing"]),
        ("message_delivered", ["msg_id", "peer", "attempts"]),
    ],
)
def test_the_main_fields_are_visible_and_the_details_are_folded(name: str, main: list[str], show: Show) -> None:
    form = make_form(event_named(name))
    show(form)
    names = list(event_named(name).schema["properties"])
    assert main_fields(event_named(name)) == main
    assert [each for each in names if form.field(each).isVisible()] == [each for each in names if each in main]
    assert form.fold.isVisible() is (main != names)


def test_folded_details_are_listed_by_name_and_can_be_unfolded(show: Show, qtbot: Any) -> None:
    form = make_form(event_named("new_message"))
    show(form)
    hidden = "msg_id, timestamp, direction, delivered, delivery_method, reactions"
    assert hidden in {label.text() for label in form.findChildren(QLabel) if label.isVisible()}
    qtbot.keyClick(form.fold, Qt.Key.Key_Space)
    assert all(form.field(each).isVisible() for each in hidden.split(", "))
    assert hidden not in {label.text() for label in form.findChildren(QLabel) if label.isVisible()}
    form.grab()  # lets Qt lay out the widgets
    assert form.field("text").mapTo(form, form.rect().topLeft()).y() < form.fold.y()
    assert form.fold.y() < form.field("msg_id").mapTo(form, form.rect().topLeft()).y()
    qtbot.keyClick(form.fold, Qt.Key.Key_Space)
    assert not form.field("msg_id").isVisible()


def test_details_with_a_problem_can_be_folded_again(show: Show) -> None:
    form = make_form(event_named("new_message"))
    show(form)
    problems = [EventProblem("msg_id", "must be a UUID")]
    form.show_problems(problems)
    assert form.field("msg_id").isVisible()
    form.fold.setChecked(False)
    form.show_problems(problems)
    assert not form.fold.isChecked()


def test_an_empty_optional_list_is_omitted(qapp: Any) -> None:
    event = event_named("new_message")
    form = make_form(event)
    form.set_value(event.sample)
    assert "reactions" not in form.value()
    form.set_value({**event.sample, "reactions": [{"emoji": "👍", "from": "bob"}]})
    assert form.value()["reactions"] == [{"emoji": "👍", "from": "bob"}]
    form.set_value(event.sample)
    assert "reactions" not in form.value()


def test_optional_fields_of_all_types_are_omitted_if_empty(qapp: Any) -> None:
    event = event_type("with_optionals", WithOptionals)
    form = make_form(event)
    form.set_value(event.sample)
    assert form.value() == {"peer": "alice"}
    assert event.problems(form.value()) == []


def test_set_value_keeps_the_fields_that_are_missing(qapp: Any) -> None:
    event = event_named("new_message")
    form = make_form(event)
    form.set_value(event.sample)
    form.set_value({"text": "other"})
    assert form.value() == {**event.sample, "text": "other"}


def test_changing_a_field_emits_changed(qapp: Any) -> None:
    form = make_form(event_named("friend_online"))
    values: list[Any] = []
    form.changed.connect(lambda: values.append(form.value()))
    form.field("username").set_value("bob")
    assert values == [{"username": "bob"}]


def test_a_validation_error_is_shown_below_its_field(show: Show) -> None:
    form = make_form(event_named("new_message"))
    show(form)
    assert not form.fold.isChecked()
    form.show_problems(
        [
            EventProblem("text", "must be text, not a number"),
            EventProblem("reactions[1].emoji", "must not be empty"),
            EventProblem("reactions[2].from", "must not be empty"),
        ]
    )

    def shown_errors() -> dict[str, str]:
        return {
            label.accessibleName().partition(":")[0]: label.text()
            for label in form.findChildren(QLabel, "problem")
            if label.isVisible()
        }

    assert shown_errors() == {
        "text": "must be text, not a number",
        "reactions": "[1].emoji must not be empty; [2].from must not be empty",
    }
    assert form.fold.isChecked()  # one of the errors is in the details
    form.fold.setChecked(False)
    assert shown_errors() == {"text": "must be text, not a number"}
    form.show_problems([])
    assert shown_errors() == {}


def test_an_error_is_between_its_field_and_the_next(show: Show) -> None:
    form = make_form(event_named("typing"))
    show(form)
    form.show_problems([EventProblem("username", "must not be empty")])
    form.grab()  # lets Qt lay out the widgets
    (label,) = [each for each in form.findChildren(QLabel, "problem") if each.isVisible()]
    assert form.field("username").geometry().bottom() < label.geometry().top()
    assert label.geometry().bottom() < form.field("typing").geometry().top()


@pytest.mark.parametrize(
    ("data", "fits"),
    [
        ({"username": "bob", "typing": False}, True),
        ({"username": "bob"}, False),
        ({"username": "bob", "typing": True, "mood": "good"}, False),
    ],
)
def test_has_room_for_returns_whether_all_fields_fit_in_the_form(
    data: dict[str, Any], fits: bool, qapp: Any
) -> None:
    assert make_form(event_named("typing")).has_room_for(data) is fits


def test_a_required_field_that_is_edited_as_json_can_be_missing(qapp: Any) -> None:
    form = make_form(event_named("message_delivered"))
    form.set_value({"msg_id": UUID, "peer": "bob", "attempts": 3})
    incomplete = {"msg_id": UUID, "peer": "carol"}
    assert form.has_room_for(incomplete)
    form.set_value(incomplete)
    assert form.value() == incomplete


def test_merge_keeps_the_other_fields_and_those_that_do_not_fit(qapp: Any) -> None:
    form = make_form(event_named("message_delivered"))
    form.set_value({"msg_id": UUID, "peer": "bob", "attempts": 3})
    form.merge({"msg_id": ABSENT, "peer": 7, "attempts": ABSENT, "mood": "good"})
    assert form.value() == {"msg_id": UUID, "peer": "bob"}
