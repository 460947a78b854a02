"""A reference with other keywords beside it becomes one schema, which accepts the same values."""

import json
from typing import Any

import jsonschema_rs
import pytest

from app.protocol.catalog import built_in
from app.protocol.contract_documents.described_event import described
from app.protocol.contract_documents.typescript import typescript
from app.protocol.event_files.parse import parse_event_file
from app.protocol.event_files.references import resolved
from app.protocol.event_type import EventType

BASE = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]}
BESIDE = {"$ref": "#/$defs/Base", "properties": {"b": {"type": "number"}}, "required": ["b"]}

SCHEMAS: list[dict[str, Any]] = [
    {}, BASE, {"properties": {"a": {"maxLength": 1}, "b": {"$ref": "#/$defs/Text"}}},
    {"type": ["string", "number"]},
    {"properties": {"b": {"minLength": 2}, "a": True}, "additionalProperties": False}, {"properties": {"b": False}},
    {"type": "string", "maxLength": 3}, {"maxLength": 1}, {"minLength": 2}, {"type": "integer"}, {"minimum": 1.5},
    {"type": "number", "maximum": 2}, {"enum": ["a", "bcd", 2]}, {"enum": ["bcd", 1]}, {"const": "a"}, {"const": 1},
    {"patternProperties": {"^a": {"type": "number"}}}, {"unevaluatedProperties": False}, {"required": ["b"]},
    {"items": {"type": "string"}}, {"items": {"maxLength": 1}}, {"prefixItems": [{"type": "number"}]},
    {"prefixItems": [True], "items": False}, {"anyOf": [{"type": "string"}, BASE]}, {"allOf": [{"maxLength": 1}]},
    {"if": {"type": "string"}, "then": {"maxLength": 1}}, {"else": {"type": "number"}, "if": {"type": "string"}},
    {"pattern": "^a"}, {"pattern": "b"}, {"contains": {"const": "a"}}, {"contains": True, "minContains": 2},
]  # fmt: skip
VALUES: list[Any] = [
    "", "a", "ab", "bcd", 1, 2, 1.5, 3, None, [], ["a"], ["a", "a"], ["ab", 1], [1, "a"], [1], {}, {"a": "x"},
    {"a": "xy", "b": "z"}, {"a": "x", "b": "zz"}, {"b": "zz"}, {"a": 1}, {"a": "x", "c": 1}, {"ab": "x"},
]  # fmt: skip


@pytest.mark.parametrize("target", SCHEMAS)
def test_the_combined_schema_accepts_what_the_reference_and_the_keywords_beside_it_accept(target: Any) -> None:
    for other in SCHEMAS:
        root = {"$defs": {"Target": target, "Text": {"type": "string"}}, "$ref": "#/$defs/Target", **other}
        one = {**resolved(root, root), "$defs": root["$defs"]}
        assert "$ref" not in one
        expected, found = jsonschema_rs.validator_for(root), jsonschema_rs.validator_for(one)
        assert [each for each in VALUES if found.is_valid(each) != expected.is_valid(each)] == [], (other, one)


def parsed(data: dict[str, Any]) -> EventType:
    content = {"event": "e", "direction": "to_ui", "data": {**data, "$defs": {"Base": BASE}}}
    return parse_event_file("e.json", json.dumps(content), built_in())


def test_an_event_has_the_fields_of_the_reference_and_those_beside_it() -> None:
    event = parsed(BESIDE)
    assert event.schema["properties"] == {"a": {"type": "string"}, "b": {"type": "number"}}
    assert event.schema["required"] == ["a", "b"]
    assert event.sample == {"a": "a", "b": 1}
    assert "a: string;\n  b: number;" in typescript(described([event]))


@pytest.mark.parametrize("inner", [False, True])
def test_a_field_has_the_fields_of_the_reference_and_those_beside_it(inner: bool) -> None:
    data = {"properties": {"o": BESIDE}, "required": ["o"]}
    if inner:
        data = {"properties": {"x": {"type": "object", **data}}, "required": ["x"]}
    event = parsed(data)
    assert event.problems(event.sample) == []


@pytest.mark.parametrize(("one", "other"), [(5, 50), (50, 5), (5, 5)])
def test_the_narrower_limit_applies(one: int, other: int) -> None:
    root = {"$defs": {"S": {"type": "string", "maxLength": one, "minLength": one, "title": "S"}}}
    found = resolved(root, {"$ref": "#/$defs/S", "maxLength": other, "minLength": other, "title": "Mine"})
    limits = {"maxLength": min(one, other), "minLength": max(one, other)}
    assert found == {"type": "string", "title": "Mine", **limits}


def test_an_extension_keeps_the_fields_of_the_parts_that_it_narrows() -> None:
    narrowed = {"properties": {"reactions": {"items": {"properties": {"emoji": {"enum": ["+1"]}}}}}}
    event = parse_event_file("e.json", json.dumps({"extends": "new_message", "data": narrowed}), built_in())
    items = event.schema["properties"]["reactions"]["items"]
    assert (items["required"], items["properties"]["emoji"]["enum"]) == (["emoji", "from"], ["+1"])


def test_a_sample_that_is_not_valid_is_no_example() -> None:
    fields = {"x": {"type": "string", "pattern": "^[A-Z]{3}$"}, "n": {"type": "number"}}
    examples = [described([parsed({"properties": fields, "required": [each]})])[0].examples for each in fields]
    assert examples == [[], [{"n": 1}]]


def test_an_extension_with_another_pattern_still_gets_new_ids() -> None:
    narrowed = {"properties": {"msg_id": {"pattern": "^[0-9a-f-]{36}$"}}}
    event = parse_event_file("e.json", json.dumps({"extends": "new_message", "data": narrowed}), built_in())
    assert event.template["msg_id"] == "{{uuid}}"
    assert event.with_fresh_values({"msg_id": "old"}) == {"msg_id": "{{uuid}}"}


@pytest.mark.parametrize(
    ("formats", "kept"), [(("uuid", "uuid"), "uuid"), (("uuid", None), "uuid"), (("uuid", "date"), None)]
)
def test_the_format_stays_if_patterns_cannot_be_combined(
    formats: tuple[str | None, str | None], kept: str | None
) -> None:
    one, other = ({"pattern": each, **({"format": value} if value else {})}
                  for each, value in zip("ab", formats, strict=True))  # fmt: skip
    for first, second in ((one, other), (other, one)):
        found = resolved({"$defs": {"S": first}}, {"$ref": "#/$defs/S", **second})
        assert (found.get("format"), len(found["allOf"])) == (kept, 2)
