# ruff: noqa: E501
"""Event files: what they define, and one sentence for everything that can be wrong with them."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.protocol.asyncapi_import.convert import import_asyncapi
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.asyncapi import asyncapi
from app.protocol.contract_documents.described_event import described
from app.protocol.contract_documents.event_page import event_page
from app.protocol.contract_documents.typescript import typescript
from app.protocol.envelope import BadFrame, Envelope
from app.protocol.event_files.effects import SetDelivered
from app.protocol.event_files.limits import MAX_FILE_BYTES
from app.protocol.event_files.parse import parse_event_file
from app.protocol.event_files.problems import InvalidEventFile
from app.protocol.event_type import EventType
from app.protocol.events import TypingTo
from tests.conftest import examples

CATALOG = built_in()
MSG_ID = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"

DELIVERED = {
    "$schema": "event.schema.json",
    "event": "message_delivered",
    "direction": "to_ui",
    "title": "Message delivered",
    "description": "A message reached its recipient.",
    "data": {
        "type": "object",
        "required": ["msg_id", "peer"],
        "additionalProperties": False,
        "properties": {
            "msg_id": {"type": "string", "format": "uuid", "description": "Which message"},
            "peer": {"type": "string", "format": "username", "examples": ["alice"]},
        },
    },
    "examples": [{"msg_id": MSG_ID, "peer": "alice"}],
    "summary": "{peer} received {msg_id}",
    "effect": {"set_delivered": {"msg_id": "/msg_id"}},
}

REACTION = """
event: reaction
direction: from_ui
data:
  required: [to, msg_id, emoji]
  properties:
    to: {type: string, format: username}
    msg_id: {type: string, format: uuid}
    emoji: {type: string, minLength: 1, maxLength: 8}
effect:
  add_reaction: {msg_id: /msg_id, emoji: /emoji, by: {sender: true}}
forward:
  event: reaction
  to: /to
  data: {username: {sender: true}, emoji: /emoji, msg_id: /msg_id}
"""


def parsed(content: Any, file: str = "event.json") -> EventType:
    return parse_event_file(file, content if isinstance(content, str) else json.dumps(content, indent=2), CATALOG)


def errors(content: Any, file: str = "event.json") -> list[str]:
    with pytest.raises(InvalidEventFile) as raised:
        parsed(content, file)
    return [str(each) for each in raised.value.problems]


def test_the_example_of_the_specification() -> None:
    event = parsed(DELIVERED)
    assert (event.name, event.direction, event.help) == (
        "message_delivered", Direction.TO_UI, "A message reached its recipient.",
    )  # fmt: skip
    assert event.sample == {"msg_id": MSG_ID, "peer": "alice"}
    assert event.template == {"msg_id": "{{uuid}}", "peer": "{{persona}}"}
    assert event.with_fresh_values(event.sample) == {"msg_id": "{{uuid}}", "peer": "alice"}
    assert event.problems(event.sample) == []
    (effect,) = event.details.effects
    assert effect.change({"msg_id": "x"}, "bob") == SetDelivered("x")


def test_all_errors_of_the_data_have_a_path_and_a_sentence() -> None:
    event = parsed(DELIVERED)
    assert [str(each) for each in event.problems({"msg_id": "1", "pear": "alice"})] == [
        "peer: is missing",
        "msg_id: must be a UUID, like a1b2c3d4-e5f6-7890-abcd-ef1234567890",
        "pear: unknown field; did you mean peer?",
    ]
    assert [str(each) for each in event.problems([])] == ["data must be an object"]
    assert [str(each) for each in event.problems({"msg_id": MSG_ID, "peer": "\ud800"})] == [
        "peer: contains a lone surrogate, which is not valid Unicode"
    ]


@pytest.mark.parametrize(
    ("schema", "value", "sentence"),
    [
        ({"type": "integer"}, "x", "must be a whole number, not text"),
        ({"type": "integer"}, 1.5, "must be a whole number"),
        ({"type": ["string", "null"]}, 1, "must be null or text, not a number"),
        ({"type": "boolean"}, {}, "must be true or false, not an object"),
        ({"enum": ["a", 1]}, "b", "must be one of: a, 1"),
        ({"const": True}, "b", "must be true"),
        ({"minLength": 1}, "", "must not be empty"),
        ({"minLength": 3}, "", "must have at least 3 characters"),
        ({"maxLength": 3}, "abcd", "must not be longer than 3 characters"),
        ({"minimum": 3}, 1, "must be at least 3"),
        ({"exclusiveMaximum": 3}, 3, "must be less than 3"),
        ({"multipleOf": 2}, 3, "must be a multiple of 2"),
        ({"uniqueItems": True}, [1, 1], "must not contain an entry twice"),
        ({"minItems": 2}, [1], "must have at least 2 entries"),
        ({"pattern": "^a+$"}, "b", "must match the pattern ^a+$"),
        ({"format": "date-time"}, "2024-01-15T10:30:00", "must be a time with a time zone, like 2024-01-15T10:30:00Z"),
        ({"format": "username"}, " x", "must be a user name: at most 64 characters, without control characters and slashes"),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, 1, "fits none of the alternatives: must be text, not a number; must be null, not a number"),
        ({"oneOf": [{}, {}]}, 1, "fits more than one of the alternatives"),
        (False, 1, "is not allowed"),
        ({"not": {"type": "string"}}, "x", "is not allowed in this form"),
    ],
)  # fmt: skip
def test_each_keyword_has_a_sentence(schema: Any, value: Any, sentence: str) -> None:
    event = parsed({"event": "e", "direction": "to_ui", "data": {"properties": {"x": schema}}})
    assert [str(each) for each in event.problems({"x": value})] == [f"x: {sentence}"]


def test_limits_may_be_whole_numbers_with_a_fraction() -> None:
    list_, text = {"type": "array", "minItems": 1.0}, {"minLength": 2.0, "maxLength": 3.0}
    event = parsed(
        {"event": "e", "direction": "to_ui", "data": {"properties": {"a": list_, "long": text}, "required": ["a", "long"]}}
    )  # fmt: skip
    assert event.sample == {"a": ["a"], "long": "lon"}


def test_a_client_event_in_yaml() -> None:
    event = parsed(REACTION, "reaction.yaml")
    data = {"to": "alice", "msg_id": MSG_ID, "emoji": "👍"}
    assert event.typed(Envelope("reaction", data)) == data
    assert event.unknown_fields({**data, "more": 1}) == ["more"]
    forward = event.details.forward
    assert forward
    assert forward.recipient(data, "bob") == "alice"
    assert forward.data(data, "bob") == {"username": "bob", "emoji": "👍", "msg_id": MSG_ID}
    with pytest.raises(
        BadFrame, match=r"data\.to: is missing; data\.msg_id: must be a UUID.*; data\.emoji: must not be empty"
    ):
        event.typed(Envelope("reaction", {"msg_id": "x", "emoji": ""}))


def test_yaml_has_the_values_of_json() -> None:
    text = """
event: no
direction: to_ui
data:
  properties:
    on: {enum: [no, yes, off, 2024-01-15, 1:30, 0o17, 0x1f, 1_000, ~, null, true, 1, -1.5, 1e3, '1', "true"]}
"""
    event = parsed(text, "no.yml")
    assert event.name == "no"
    assert event.schema["properties"]["on"]["enum"] == [
        "no", "yes", "off", "2024-01-15", "1:30", "0o17", "0x1f", "1_000", None, None, True, 1, -1.5, 1000.0,
        "1", "true",
    ]  # fmt: skip


def test_local_references_and_examples_of_the_schema() -> None:
    event = parsed({
        "event": "moved", "direction": "to_ui",
        "data": {
            "$ref": "#/$defs/move",
            "$defs": {
                "move": {
                    "type": "object", "required": ["who", "at", "tags", "kind", "n"],
                    "properties": {
                        "who": {"$ref": "#/$defs/user"}, "at": {"type": "string", "format": "date-time"},
                        "tags": {"type": "array", "minItems": 2, "items": {"enum": ["a", "b"]}},
                        "kind": {"const": "move"}, "n": {"type": "integer", "exclusiveMinimum": 4},
                    },
                },
                "user": {"type": "string", "format": "username", "examples": ["carol"]},
            },
        },
    })  # fmt: skip
    assert event.sample == {
        "who": "carol", "at": "2024-01-15T10:30:00Z", "tags": ["a", "a"], "kind": "move", "n": 5,
    }  # fmt: skip
    assert event.problems(event.sample) == []
    assert event.template["who"] == "{{persona}}"
    assert [str(each) for each in event.problems({**event.sample, "who": ""})] == [
        "who: must be a user name: at most 64 characters, without control characters and slashes"
    ]


def test_an_extension_adds_and_narrows() -> None:
    event = parsed({
        "extends": "new_message",
        "data": {
            "required": ["thread_id"],
            "properties": {
                "thread_id": {"type": "string", "format": "uuid"}, "text": {"maxLength": 5},
                "direction": {"enum": ["received"]},
            },
        },
    })  # fmt: skip
    base = CATALOG.get(Direction.TO_UI, "new_message")
    assert base
    assert event.schema["required"] == [*base.schema["required"], "thread_id"]
    assert event.schema["properties"]["text"]["contentMediaType"] == "text/plain"
    assert [
        str(each) for each in event.problems({**base.sample, "text": "too long", "thread": 1, "delivered": 3})
    ] == [
        "delivered: must be true or false, not a number",
        "thread_id: is missing",
        "text: must not be longer than 5 characters",
        "thread: unknown field; did you mean thread_id?",
    ]
    assert event.problems({**base.sample, "text": "short", "thread_id": MSG_ID}) == []
    assert event.template["thread_id"] == "{{uuid}}"


@pytest.mark.parametrize("head", [{"extends": "new_message"}, {"event": "own", "direction": "to_ui"}])
@pytest.mark.parametrize("field", [False, {"$ref": "#/$defs/nothing", "description": "Not used"}])
def test_a_forbidden_field_is_forbidden_in_the_documents_too(head: dict[str, Any], field: Any) -> None:
    """Regression: the documents said that it may have any value, or that of the built-in event."""
    event = parsed({**head, "data": {"properties": {"reactions": field}, "$defs": {"nothing": False}}})
    data = {**event.sample, "reactions": []}
    assert [str(each) for each in event.problems(data)] == ["reactions: is not allowed"]
    assert event.schema["properties"]["reactions"] is False
    assert "reactions" not in event.fields
    assert event.with_fresh_values(data)["reactions"] == []
    assert "reactions?: never" in typescript(described([event]))
    assert "reactions[]" not in event_page(described([event]))
    document = json.dumps(asyncapi(described([event]), "ws://localhost/events", "1"))
    (again,) = import_asyncapi(document, built_in(), Application.BACKEND).events
    imported = parse_event_file(again.file, again.text, built_in())
    assert [str(each) for each in imported.problems(data)] == ["reactions: is not allowed"]


def test_an_extended_client_event_still_has_its_struct() -> None:
    event = parsed({
        "extends": "typing", "direction": "from_ui", "data": {"properties": {"draft": {"type": "string"}}},
    })  # fmt: skip
    envelope = Envelope("typing", {"to": "alice", "typing": True, "draft": "Hi"})
    assert event.typed(envelope) == TypingTo(to="alice", typing=True)
    assert event.unknown_fields(envelope.data) == []
    with pytest.raises(BadFrame, match=r"data\.draft: must be text, not a number"):
        event.typed(Envelope("typing", {"to": "alice", "typing": True, "draft": 1}))


EXTRA = {"properties": {"extra": {"type": "string"}}}


@pytest.mark.parametrize(
    "schema",
    [
        {"allOf": [{**EXTRA, "required": ["extra"]}]},
        {"anyOf": [EXTRA, True]},
        {"oneOf": [EXTRA, False]},
        {"if": {"required": ["username"]}, "then": EXTRA},
        {"if": {"required": ["username"]}, "then": True, "else": EXTRA},
        {"dependentSchemas": {"username": EXTRA}},
        {"allOf": [{"$ref": "#/$defs/x"}], "$defs": {"x": EXTRA}},
        {"required": ["extra"]},
    ],
)
def test_a_field_that_is_not_among_the_top_properties_is_known(schema: dict[str, Any]) -> None:
    effect = {"set_presence": {"username": "/extra", "online": {"value": True}}}
    extended = parsed({"extends": "typing", "direction": "to_ui", "data": schema, "effect": effect})
    assert extended.problems({"username": "alice", "typing": True, "extra": "x"}) == []
    assert [
        each.path for each in extended.problems({"username": "alice", "typing": True, "extra": "x", "y": 1})
    ] == ["y"]
    own = parsed({"event": "e", "direction": "from_ui", "data": schema})
    assert own.unknown_fields({"extra": "x", "y": 1}) == ["y"]


def test_a_part_that_allows_additional_fields_leaves_none_unknown() -> None:
    own = parsed(
        {"event": "e", "direction": "from_ui", "data": {"allOf": [{"additionalProperties": {"type": "string"}}]}}
    )
    assert own.unknown_fields({"x": "y"}) == []


def data(**schema: Any) -> dict[str, Any]:
    return {"event": "e", "direction": "to_ui", "data": schema}


def growing(levels: int) -> dict[str, Any]:
    """A schema whose size doubles with each level when its references are expanded."""
    level = {f"l{i}": {"allOf": [{"$ref": f"#/$defs/l{i + 1}"}] * 2} for i in range(levels)}
    return {"properties": {"x": {"$ref": "#/$defs/l0"}}, "$defs": {**level, f"l{levels}": {"type": "string"}}}


BAD_FILES: list[tuple[Any, str]] = [
    ("", "event.json: the file is empty."),
    (" \n", "event.json: the file is empty."),
    ("\ufeff", "event.json: the file is empty."),
    ("x" * (MAX_FILE_BYTES + 1), "event.json: the file is larger than 64 KiB."),
    ('{"event": 1,\n "event": 2}', "event.json, line 2 column 2: event: duplicate key."),
    ('{\n"a": }', "event.json, line 2 column 6: invalid JSON: Expecting value."),
    ("[" * 40 + "]" * 40, "event.json, line 1 column 1: nested deeper than 32 levels."),
    ("[" * 5000 + "]" * 5000, "event.json, line 1 column 1: nested deeper than 32 levels."),
    ('{"data": NaN}', "event.json, line 1 column 1: NaN is not valid JSON."),
    ('{"event": "\\ud800"}', "event.json, line 1 column 2: event: contains a lone surrogate, which is not valid Unicode."),
    ([1], "event.json, line 1 column 1: the file must contain an object with the fields event, direction and data."),
    ({}, "event.json, line 1 column 1: data: is missing."),
    ({"data": {}}, "event.json, line 1 column 1: event: is missing."),
    ({"event": "e", "direction": "up", "data": {}}, "event.json, line 3 column 3: direction: must be one of: to_ui, from_ui."),
    ({"event": "a b", "direction": "to_ui", "data": {}}, "event.json, line 2 column 3: event: must not contain spaces or control characters."),
    ({"event": "a\u202eb", "direction": "to_ui", "data": {}}, "event.json, line 2 column 3: event: must not contain invisible characters, which change how it is shown."),
    (data(properties={"text": {"type": "string", "max_length": 5}}), "data.properties.text.max_length: is not a keyword of JSON Schema; did you mean maxLength?"),
    (data(properties={"text": {}}, required=["text", "txt"], additionalProperties=False), "data.required[1]: txt is not among the properties; did you mean text?"),
    ({"event": "x" * 81, "direction": "to_ui", "data": {}}, "event.json, line 2 column 3: event: must not be longer than 80 characters."),
    ({"event": "e", "direction": "to_ui", "data": {}, "sumary": ""}, "event.json, line 5 column 3: sumary: unknown field; did you mean summary?"),
    ({"event": "typing", "direction": "to_ui", "data": {}}, 'event.json, line 2 column 3: event: typing is a built-in event. Write "extends": "typing" to change it.'),
    ({"extends": "typing", "data": {}}, "event.json, line 1 column 1: direction: is missing: typing exists in both directions. Add to_ui or from_ui."),
    ({"extends": "mark_read", "direction": "to_ui", "data": {}}, "event.json, line 3 column 3: direction: the built-in event mark_read does not have the direction to_ui."),
    ({"extends": "mark_red", "data": {}}, "event.json, line 2 column 3: extends: must be one of: new_message, friend_online, friend_offline, typing, mark_read."),
    ({"extends": "mark_read", "event": "x", "data": {}}, "event.json, line 3 column 3: event: cannot be used together with extends, which names the event."),
    ({"extends": "new_message", "data": {"properties": {"text": {"type": ["string", "null"]}}}}, "the built-in event allows only text, so null or text is looser."),
    ({"extends": "new_message", "data": {"properties": {"direction": {"enum": ["received", "both"]}}}}, "the built-in event does not allow both."),
    ({"extends": "new_message", "data": {"properties": {"text": False}}}, "the built-in event requires this field, so it cannot be forbidden."),
    ({"extends": "new_message", "data": {"properties": {"msg_id": {"format": "date"}}}}, "the built-in event requires the format uuid."),
    ({"extends": "new_message", "data": {"additionalProperties": True}}, "the built-in event does not allow fields that are not listed."),
    ({"extends": "new_message", "data": {"properties": {"from": {"minLength": 0}}}}, "the built-in event requires 1, so 0 is looser."),
    (data(type="array"), 'data.type: must be "object", because the data of an event is an object.'),
    (data(type="objekt"), "data.type: fits none of the alternatives: must be one of: array, boolean, integer, null, number, object, string; must be a list, not text."),
    (data(required="x"), "data.required: must be a list, not text."),
    (data(properties={"x": {"minLength": -1}}), "data.properties.x.minLength: must be at least 0."),
    (data(properties={"x": {"pattern": "("}}), "data.properties.x.pattern: the pattern ( is not valid, is too large"),
    (data(properties={"x": {"pattern": "(?=a)b"}}), "lookarounds and back-references are not supported."),
    (data(properties={"x": {"pattern": "(a)\\1"}}), "lookarounds and back-references are not supported."),
    (data(properties={"x": {"pattern": "(((a{99}){99}){99}){99}"}}), "is too large"),
    (data(patternProperties={"[": {}}), "data.patternProperties.[: the pattern [ is not valid"),
    (data(properties={"x": {"$ref": "https://example.org/schema"}}), "data.properties.x.$ref: the reference https://example.org/schema is outside of this file."),
    (data(properties={"x": {"$ref": "other.json#/x"}}), "is outside of this file."),
    (data(properties={"x": {"$ref": "file:///etc/passwd"}}), "is outside of this file."),
    (data(properties={"x": {"$ref": "#/$defs/x"}}), "the reference #/$defs/x points to nothing. It is relative to data."),
    (data(properties={"x": {"$ref": "#x"}}), "the reference #x is not a JSON Pointer."),
    (data(properties={"x": {"$ref": "#/type"}}, type="object"), "the reference #/type does not point to a schema."),
    (data(**{"x-a": {"b": {"$ref": "#/nope"}}}, properties={"x": {"$ref": "#/x-a/b"}}), "the reference #/x-a/b does not point to a schema."),
    (data(contentSchema={"$ref": "#/nope"}, properties={"x": {"$ref": "#/contentSchema"}}), "the reference #/contentSchema does not point to a schema."),
    (data(default={"$ref": "https://x.y/z"}, properties={"x": {"$ref": "#/default"}}), "the reference #/default does not point to a schema."),
    (data(**{"x-a": {"properties": [1]}}, properties={"x": {"$ref": "#/x-a"}}), "the reference #/x-a does not point to a schema."),
    ({**data(), "data": {"$ref": "#"}}, "the schema refers to itself. Recursive schemas are not supported."),
    (data(properties={"x": {"items": {"$ref": "#"}}}), "the schema refers to itself. Recursive schemas are not supported."),
    (data(**{"$defs": {"a": {"not": {"$ref": "#/$defs/a"}}}}), "the schema refers to itself. Recursive schemas are not supported."),
    ({**data(), "data": growing(13)}, "schemas once its references are expanded; at most 2,000 are allowed."),
    ({**data(), "data": growing(200)}, "has over a million schemas once its references are expanded"),
    (data(**{"$id": "https://example.org/"}), "$id is not supported, because a schema must be complete in itself."),
    (data(**{"$schema": "http://json-schema.org/draft-07/schema#"}), "data.$schema: is not supported. Schemas are of draft 2020-12"),
    (data(**{"$dynamicRef": "#x"}), "dynamic references are not supported."),
    ({**data(), "data": True}, "data: must be an object"),
    ({**DELIVERED, "examples": [{"peer": 1}]}, "examples[0].peer: must be text, not a number."),
    ({**DELIVERED, "summary": "{per}"}, "summary: {per} is not a field of data; did you mean peer?"),
    ({**DELIVERED, "effect": {"set_deliverd": {}}}, "effect.set_deliverd: unknown effect; did you mean set_delivered?"),
    ({**DELIVERED, "effect": {"set_delivered": {}}}, "effect.set_delivered.msg_id: is missing."),
    ({**DELIVERED, "effect": {"set_delivered": {"msg_id": "msg_id"}}}, "effect.set_delivered.msg_id: 'msg_id' is not a JSON Pointer."),
    ({**DELIVERED, "effect": {"set_delivered": {"msg_id": "/id"}}}, "effect.set_delivered.msg_id: 'id' is not in the properties of data"),
    ({**DELIVERED, "effect": {"set_delivered": {"msg_id": {"sender": True}}}}, 'only an event with the direction from_ui has a sender.'),
    ({**DELIVERED, "effect": {"set_delivered": {"msg_id": {"x": 1}}}}, "is not a value. Write a JSON Pointer"),
    ({**DELIVERED, "effect": {"set_delivered": "/msg_id"}}, "effect.set_delivered: must be an object with msg_id."),
    ({**DELIVERED, "forward": {"event": "x"}}, "forward: only events with the direction from_ui can be forwarded."),
    ({**DELIVERED, "direction": "from_ui", "forward": {}}, "forward.event: must be the name of the event that other clients receive."),
    ({**DELIVERED, "direction": "from_ui", "forward": {"event": "x", "too": "/peer"}}, "forward.too: unknown field; did you mean to?"),
]  # fmt: skip


@pytest.mark.parametrize(("content", "sentence"), BAD_FILES)
def test_every_bad_file_gets_a_sentence(content: Any, sentence: str) -> None:
    found = errors(content)
    assert any(sentence in each for each in found), found
    assert all("\n" not in each and len(each) < 400 for each in found)


BAD_YAML = [
    ("a: [", "invalid YAML: "),
    ("a: 1\na: 2", "event.yaml, line 2 column 1: duplicate key 'a'."),
    ("a: &x [*x]", "event.yaml, line 1 column 8: the alias *x refers to the value that contains it."),
    ("a: *x", "event.yaml, line 1 column 4: there is no anchor &x."),
    ("a: !!timestamp 2024-01-15", "the tag tag:yaml.org,2002:timestamp is not supported: only the types of JSON are."),
    ("a: !!python/object/apply:os.system [ls]", "is not supported: only the types of JSON are."),
    ("a: !!int x", "'x' does not fit its tag !!int."),
    ("a: .inf", ".inf is not a valid number in JSON."),
    ("a: 1e999", "the number 1e999 is too large."),
    ("<<: {a: 1}", "merge keys (<<) are not supported. Write the fields out."),
    ("? [a]\n: 1", "the name of a field must be a text."),
    ("a: 1\n---\nb: 1", "the file has more than one YAML document. Write one event per file."),
    ("# nothing", "event.yaml: the file is empty."),
    ("a: \x07", "event.yaml"),
    ('a: "\\ud800"', "event.yaml"),
    ("[" * 100, "event.yaml, line 1 column 34: nested deeper than 32 levels."),
    ("a: &a [1,1,1,1,1,1,1,1,1,1]\n" + "\n".join(f"{chr(98 + i)}: &{chr(98 + i)} [{','.join(['*' + chr(97 + i)] * 10)}]" for i in range(9)),
     "it has more than 20,000 values once its aliases are expanded."),
    (f"a: &a {'x' * 30_000}\nb: [{'*a,' * 10_000}]", "it has more than 4,194,304 characters once its aliases are expanded."),
    (f"a: &a {{? {'x' * 30_000}\n: 1}}\nb: [{'*a,' * 10_000}]", "it has more than 4,194,304 characters once its aliases are expanded."),
    ("a: &a [1]\n" + "\n".join(f"a{i}: &a{i} [*a{i - 1 if i else ''}]".replace("*a]", "*a]") for i in range(40)), "nested deeper than 32 levels."),
    ("event: x\ndirection: to_ui\ndata:\n  properties:\n    x:\n      minLength: -1", "event.yaml, line 6 column 7: data.properties.x.minLength: must be at least 0."),
]  # fmt: skip


@pytest.mark.parametrize(("content", "sentence"), BAD_YAML)
def test_every_bad_yaml_gets_a_sentence(content: str, sentence: str) -> None:
    found = errors(content, "event.yaml")
    assert any(sentence in each for each in found), found
    assert all("\n" not in each for each in found)


@given(st.one_of(st.binary(max_size=300), st.text(max_size=300).map(lambda text: text.encode(errors="replace"))))
@settings(max_examples=examples(300))
def test_arbitrary_bytes_raise_only_the_domain_error(content: bytes) -> None:
    text = content.decode(errors="surrogateescape")
    for file in ("event.json", "event.yaml"):
        with pytest.raises(InvalidEventFile):
            parse_event_file(file, text, CATALOG)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(
        ["type", "properties", "items", "$ref", "pattern", "required", "enum", "$defs", "allOf", "x", "format"]
    ), inner, max_size=4),
    max_leaves=12,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from([*DELIVERED, "extends", "forward"]), VALUES, max_size=5), VALUES)
@settings(max_examples=examples(300))
def test_arbitrary_content_raises_only_the_domain_error(changes: dict[str, Any], example: Any) -> None:
    try:
        event = parsed({**DELIVERED, **changes})
    except InvalidEventFile:
        return
    event.problems(example)
    event.problems(event.sample)
    assert isinstance(event.template, dict)
