"""Forms and completion of events that files define, whatever their schemas contain."""

import json
from typing import Any

import pytest

from app.protocol.catalog import Catalog, built_in
from app.protocol.event_files.parse import parse_event_file
from app.protocol.event_type import EventType
from app.ui.widgets.code_completion import offers_of
from app.ui.widgets.fields import FreshField, ListField, NameField
from app.ui.widgets.schema_form import SchemaForm
from tests.protocol.event_files.test_parse import DELIVERED

PROPERTIES: dict[str, Any] = {
    "anything": True,
    "nothing": {},
    "maybe": {"type": ["string", "null"], "enum": ["a", None]},
    "number": {"type": "number", "minimum": -1.5, "maximum": 1e300},
    "whole": {"type": "integer", "exclusiveMinimum": 2},
    "huge": {"type": "integer", "minimum": 10**30},
    "list": {"type": "array", "items": {"$ref": "#/$defs/user"}, "minItems": 1},
    "objects": {"type": "array", "items": {"$ref": "#/$defs/object"}, "minItems": 1},
    "either": {"oneOf": [{"type": "boolean"}, {"type": "object"}]},
    "user": {"$ref": "#/$defs/user"},
    "mixed": {"enum": [1, "two", None, {"three": 3}, []]},
    "fixed": {"const": {"a": 1}},
    "": {"type": "string"},
    "a b/c~d": {"type": "string", "examples": [""]},
    "nested": {"type": "object", "required": ["x"], "properties": {"x": {"type": "object", "required": ["y"]}}},
    "text": {"type": "string", "contentMediaType": "text/plain", "examples": ["two\nlines"]},
}


def event(**content: Any) -> EventType:
    return parse_event_file("e.json", json.dumps({"event": "e", "direction": "to_ui", **content}), built_in())


def shown(each: EventType) -> SchemaForm:
    form = SchemaForm(each, ["alice", "bob"], lambda: 1_700_000_000.0)
    form.set_value(each.sample)
    return form


@pytest.mark.parametrize("name", PROPERTIES)
def test_every_property_has_an_input_that_keeps_its_sample(name: str, qapp: Any) -> None:
    each = event(data={
        "properties": {name: PROPERTIES[name]}, "required": [name],
        "$defs": {
            "user": {"type": "string", "format": "username"},
            "object": {"type": "object", "required": ["a"], "properties": {"a": True, "b": {"type": "string"}}},
        },
    })  # fmt: skip
    assert each.problems(each.sample) == []
    assert shown(each).value() == each.sample
    assert offers_of(Catalog([each]), ["alice"], with_templates=True)


@pytest.mark.parametrize("required", [True, False])
def test_an_empty_list_is_sent_if_it_is_required(required: bool, qapp: Any) -> None:
    each = event(data={
        "properties": {"users": {"type": "array", "items": {"$ref": "#/$defs/user"}}},
        "required": ["users"] if required else [],
        "$defs": {"user": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string"}}}},
    })  # fmt: skip
    form = shown(each)
    assert isinstance(form.field("users"), ListField)
    form.set_value({"users": [{"name": "a"}]})
    assert form.value() == {"users": [{"name": "a"}]}
    form.set_value({"users": []})
    assert form.value() == ({"users": []} if required else {})
    assert each.problems(form.value()) == []
    assert form.has_room_for({"users": []}) is required


def test_formats_decide_about_the_inputs(qapp: Any) -> None:
    each = parse_event_file("e.json", json.dumps(DELIVERED), built_in())
    form = shown(each)
    assert isinstance(form.field("msg_id"), FreshField)
    assert isinstance(form.field("peer"), NameField)


@pytest.mark.parametrize(
    "data",
    [{}, {"required": ["x"]}, {"additionalProperties": {"type": "string"}}, {"allOf": [{}]}],
)
def test_a_schema_without_properties_has_a_form(data: dict[str, Any], qapp: Any) -> None:
    form = shown(event(data=data))
    assert isinstance(form.value(), dict)
