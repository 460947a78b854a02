"""AsyncAPI documents as event files: envelopes, unions, references, directions, and what is left out."""

import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.asyncapi_import.convert import import_asyncapi
from app.protocol.asyncapi_import.document import MAX_DOCUMENT_BYTES, MAX_REFERENCES, Document, InvalidAsyncApi
from app.protocol.asyncapi_import.imported_file import Imported
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.asyncapi import asyncapi
from app.protocol.contract_documents.described_event import EnvelopeKeys, described
from app.protocol.event_files.parse import parse_event_file

SUPPORT_CHAT = Path(__file__).with_name("support_chat.yaml")
OBJECT = {"type": "object", "required": ["x"], "properties": {"x": {"type": "string"}}}


def document(*payloads: Any, action: str = "send", title: str = "Backend", **more: Any) -> dict[str, Any]:
    """Return a document with one operation, and a message ``m1``, ``m2``, … for each payload."""
    messages = {f"m{number}": {"payload": each} for number, each in enumerate(payloads, 1)}
    return {
        "asyncapi": "3.0.0",
        "info": {"title": title, "version": "1"},
        "channels": {"c": {"messages": messages}},
        "operations": {"o": {"action": action, "channel": {"$ref": "#/channels/c"}}},
        **more,
    }


def envelope(name: Any, data: Any = None, key: str = "event", data_key: str = "data") -> dict[str, Any]:
    properties = {key: name, **({} if data is None else {data_key: data})}
    return {"type": "object", "required": list(properties), "properties": properties}


def convert(content: Any, application: Application | None = Application.BACKEND, **keys: str) -> Imported:
    text = content if isinstance(content, str) else json.dumps(content)
    return import_asyncapi(text, built_in(), application, EnvelopeKeys(**keys))


def names(found: Imported) -> list[tuple[str, str]]:
    return [(each.event, each.direction.value) for each in found.events]


def data_of(found: Imported, number: int = 0) -> Any:
    return json.loads(found.events[number].text)["data"]


def test_a_document_of_another_protocol() -> None:
    found = import_asyncapi(SUPPORT_CHAT.read_text("utf-8"), built_in())
    assert [(each.file, each.event, each.direction.value) for each in found.events] == [
        ("ticket.message.json", "ticket.message", "s2c"),
        ("ticket.closed.json", "ticket.closed", "s2c"),
        ("agent.presence.json", "agent.presence", "s2c"),
        ("compose.start.json", "compose.start", "c2s"),
        ("compose.stop.json", "compose.stop", "c2s"),
        ("rate.json", "rate", "c2s"),
    ]
    assert found.keys == EnvelopeKeys(event="kind", data="payload")
    assert found.notes == [
        "The document describes the backend, judging by its title, so what it sends goes to the UI. "
        "Use --as if that is wrong.",
        "ticket.message (to_ui): recursive types are not checked further: Person, TicketMessage.",
        "agent.presence (to_ui): recursive types are not checked further: Person.",
        "The document's frames have the keys kind and payload. To send such frames, use companion server settings "
        "envelope_event_key=kind envelope_data_key=payload.",
    ]
    events = {each.event: parse_event_file(each.file, each.text, built_in()) for each in found.events}
    reply = json.loads(found.events[0].text)["examples"][0]
    assert events["ticket.message"].sample == reply
    wrong = {**reply, "ticket": "7", "author": {"name": "", "role": "boss"}, "attachments": [{"url": "x:y"}]}
    assert {each.path for each in events["ticket.message"].problems(wrong)} == {
        "ticket", "author.name", "author.role", "attachments[0].bytes",
    }  # fmt: skip
    assert events["rate"].problems({"stars": 0})
    assert events["rate"].problems({"stars": 5, "comment": None}) == []
    assert data_of(found, 2)["properties"]["seats"] == {
        "type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "items": False,
        "examples": [[1, "a"]],
    }  # fmt: skip


def test_our_own_document_contains_only_built_in_events() -> None:
    for application in Application:
        own = asyncapi(described(built_in()), "ws://127.0.0.1:8081/events", "1", application)
        found = import_asyncapi(json.dumps(own), built_in())
        assert found.events == []
        assert found.application is application, "its title says what it describes"
        assert all(each.endswith("is built in, with the same fields.") for each in found.notes[1:])


@pytest.mark.parametrize(
    ("application", "action", "direction"),
    [
        (Application.BACKEND, "send", Direction.TO_UI),
        (Application.BACKEND, "receive", Direction.FROM_UI),
        (Application.CLIENT, "send", Direction.FROM_UI),
        (Application.CLIENT, "receive", Direction.TO_UI),
    ],
)
def test_the_direction_follows_the_action_and_the_application(
    application: Application, action: str, direction: Direction
) -> None:
    found = convert(document(envelope({"const": "x"}, OBJECT), action=action), application)
    assert [each.direction for each in found.events] == [direction]


@pytest.mark.parametrize(
    ("title", "application"),
    [
        ("Chat UI", Application.CLIENT),
        ("Web client", Application.CLIENT),
        ("Client API", Application.BACKEND),
        ("Equipment", Application.BACKEND),
        ("", Application.BACKEND),
    ],
)
def test_the_application_is_guessed_from_the_title(title: str, application: Application) -> None:
    found = convert(document(envelope({"const": "x"}, OBJECT), title=title), None)
    assert found.application is application
    assert f"describes the {application.value}, judging by its title" in found.notes[0]


def test_the_reply_of_an_operation_goes_the_other_way() -> None:
    content = document(envelope({"const": "ask"}, OBJECT))
    reply = {"payload": envelope({"const": "answer"}, OBJECT)}
    content["channels"]["r"] = {"messages": {"reply": reply}}
    content["operations"]["o"]["reply"] = {"channel": {"$ref": "#/channels/r"}}
    assert names(convert(content)) == [("ask", "s2c"), ("answer", "c2s")]


def test_only_the_messages_that_an_operation_lists_are_its_own() -> None:
    content = document(envelope({"const": "a"}, OBJECT), envelope({"const": "b"}, OBJECT))
    content["operations"]["o"]["messages"] = [{"$ref": "#/channels/c/messages/m2"}]
    assert names(convert(content)) == [("b", "s2c")]


@pytest.mark.parametrize(
    ("payload", "events"),
    [
        (envelope({"const": "a"}, OBJECT), ["a"]),
        (envelope({"enum": ["a", "b"]}, OBJECT), ["a", "b"]),
        ({"oneOf": [envelope({"const": "a"}, OBJECT), {"anyOf": [envelope({"const": "b"}, OBJECT)]}]}, ["a", "b"]),
        (envelope({"const": "a"}, OBJECT, "type", "body"), ["a"]),
        (envelope({"const": "ping"}), ["ping"]),
        (OBJECT, ["m1"]),
        (envelope({"type": "string"}, OBJECT), ["m1"]),
        ({"allOf": [{"properties": {"event": {"type": "string"}}}, envelope({"const": "a"}, OBJECT)]}, ["a"]),
        ({"allOf": [envelope({"const": "a"}, OBJECT), {"properties": {"event": {"type": "string"}}}]}, ["a"]),
        ({"allOf": [envelope({"enum": ["a", "b"]}), envelope({"const": "a"}, OBJECT)]}, ["a"]),
        ({"allOf": [envelope({"enum": ["a", "b", "c"]}), envelope({"enum": ["c", "b", "d"]}, OBJECT)]}, ["b", "c"]),
        (envelope({"allOf": [{"type": "string"}, {"enum": ["a", "b"]}, {"const": "b"}]}, OBJECT), ["b"]),
    ],
)
def test_events_in_a_payload(payload: dict[str, Any], events: list[str]) -> None:
    found = convert(document(payload))
    assert [each.event for each in found.events] == events
    for each in found.events:
        assert isinstance(parse_event_file(each.file, each.text, built_in()).sample, dict)


def test_a_base_may_list_the_names_of_all_events() -> None:
    base = envelope({"type": "string", "enum": ["user_joined", "user_left"]}, {"type": "object"})
    found = convert(document({"allOf": [base, envelope({"const": "user_joined"}, OBJECT)]}))
    assert names(found) == [("user_joined", "s2c")]
    assert data_of(found) == OBJECT
    assert found.notes == []


TEXT = {"type": "string"}
UNION = [envelope({"const": "joined"}, OBJECT), envelope({"enum": ["left", "gone"]}, OBJECT)]


@pytest.mark.parametrize(
    "payload",
    [
        {**envelope(TEXT), "oneOf": UNION},
        {**envelope({"enum": ["joined", "left", "gone", "other"]}, {"type": "object"}), "anyOf": UNION},
        {"allOf": [envelope(TEXT)], "oneOf": UNION},
        {"allOf": [envelope(TEXT), {"oneOf": UNION}]},
        {"allOf": [{"allOf": [{**envelope(TEXT), "anyOf": UNION}]}, {"anyOf": [{"required": ["event"]}]}]},
        {"oneOf": [{**envelope(TEXT), "oneOf": UNION[:1]}, {**envelope(TEXT), "oneOf": [{"anyOf": UNION[1:]}]}]},
        {**envelope(TEXT), "oneOf": [{**envelope(TEXT), "oneOf": UNION}]},
    ],
)
@pytest.mark.parametrize("keys", [("event", "data"), ("op", "d")])
def test_a_union_beside_common_fields_becomes_one_event_per_alternative(
    payload: dict[str, Any], keys: tuple[str, str]
) -> None:
    text = json.dumps(payload).replace('"event"', f'"{keys[0]}"').replace('"data"', f'"{keys[1]}"')
    found = convert(document(json.loads(text)), event="event", data="data")
    assert [each.event for each in found.events] == ["joined", "left", "gone"]
    assert [data_of(found, number)["properties"] for number in range(3)] == [OBJECT["properties"]] * 3
    assert found.keys == EnvelopeKeys(event=keys[0], data=keys[1])
    assert len(found.notes) == (keys[0] != "event")


def test_alternatives_have_the_common_fields() -> None:
    payload = {
        "type": "object", "required": ["type", "at"],
        "properties": {"type": TEXT, "at": {"type": "integer"}},
        "oneOf": [
            {"properties": {"type": {"const": "said"}, "text": TEXT}, "required": ["text"]},
            {"properties": {"type": {"const": "left"}}},
        ],
    }  # fmt: skip
    found = convert(document(payload))
    assert [each.event for each in found.events] == ["said", "left"]
    assert data_of(found) == {
        "type": "object", "properties": {"at": {"type": "integer"}, "text": TEXT}, "required": ["at", "text"],
    }  # fmt: skip
    assert data_of(found, 1)["required"] == ["at"]


@pytest.mark.parametrize(
    "payload",
    [
        {**OBJECT, "anyOf": [{"required": ["x"]}, {"required": ["y"]}]},
        {**OBJECT, "oneOf": [{"properties": {"shape": {"const": each}}} for each in ("circle", "square")]},
        {"allOf": [OBJECT, {"oneOf": [{"required": ["y"]}, {"properties": {"z": TEXT}}]}]},
    ],
)
def test_a_union_about_the_data_stays_one_event(payload: dict[str, Any]) -> None:
    found = convert(document(payload))
    assert names(found) == [("m1", "s2c")]
    assert data_of(found) == {"type": "object", **payload}
    assert found.notes == []
    named = {**envelope({"const": "a"}, OBJECT), "oneOf": payload.get("oneOf", payload.get("anyOf", [{}]))}
    assert names(convert(document(named))) == [("a", "s2c")]


def test_the_name_of_a_message_without_an_envelope_is_that_of_the_message() -> None:
    content = document(OBJECT)
    content["channels"]["c"]["messages"]["m1"]["name"] = "chat.line"
    assert names(convert(content)) == [("chat.line", "s2c")]


def test_fields_beside_the_name_become_the_data() -> None:
    payload = {
        "type": "object", "required": ["type", "content", "to"],
        "properties": {"type": {"const": "say"}, "content": {"type": "string"}, "to": {"type": "string"}},
    }  # fmt: skip
    content = document(payload)
    content["channels"]["c"]["messages"]["m1"]["examples"] = [
        {"payload": {"type": "say", "content": "x", "to": "y"}}, {"payload": {"type": "other"}}, {"payload": 1}, 7,
    ]  # fmt: skip
    found = convert(content)
    assert data_of(found)["required"] == ["content", "to"]
    assert json.loads(found.events[0].text)["examples"] == [{"content": "x", "to": "y"}]
    assert "say: the fields are beside the event's name in the document" in found.notes[0]


@pytest.mark.parametrize(
    "data",
    [
        {**OBJECT, "examples": [{"x": "hi"}, 7]},
        {**OBJECT, "example": {"x": "hi"}},
        {"$ref": "#/components/schemas/Data"},
    ],
)
def test_examples_in_the_schema_of_the_data_are_used(data: dict[str, Any]) -> None:
    """Regression: only the examples of messages were used."""
    schemas = {"schemas": {"Data": {**OBJECT, "examples": [{"x": "hi"}]}}}
    content = document(envelope({"const": "say"}, data), envelope({"const": "other"}, data), components=schemas)
    content["channels"]["c"]["messages"]["m1"]["examples"] = [
        {"payload": {"event": "say", "data": {"x": "first"}}}, {"payload": {"event": "say", "data": {"x": "hi"}}},
    ]  # fmt: skip
    first, second = (json.loads(each.text)["examples"] for each in convert(content).events)
    assert (first, second) == ([{"x": "first"}, {"x": "hi"}], [{"x": "hi"}])


@pytest.mark.parametrize("keys", [("op", "d"), ("t", "args"), ("event", "user")])
def test_an_envelope_may_have_keys_with_any_names(keys: tuple[str, str]) -> None:
    content = document(
        envelope({"const": "say"}, OBJECT, *keys),
        {"oneOf": [envelope({"enum": ["ping", "pong"]}, None, keys[0])]},
        envelope({"const": "seq"}, {"type": "integer"}, *keys),
    )
    content["channels"]["c"]["messages"]["m1"]["examples"] = [
        {"payload": {keys[0]: "say", keys[1]: {"x": "hi"}}},
    ]
    found = convert(content)
    assert [each.event for each in found.events] == ["say", "ping", "pong"]
    assert found.keys == EnvelopeKeys(event=keys[0], data=keys[1])
    assert data_of(found)["properties"] == OBJECT["properties"]
    assert json.loads(found.events[0].text)["examples"] == [{"x": "hi"}]
    assert found.notes == [
        "seq (to_ui) was left out: its data is integer, and must be an object.",
        f"The document's frames have the keys {keys[0]} and {keys[1]}. To send such frames, use companion server "
        f"settings envelope_event_key={keys[0]} envelope_data_key={keys[1]}.",
    ]


def test_an_event_without_data_is_no_envelope_of_its_own() -> None:
    joined = envelope({"const": "room_joined"}, OBJECT, "type", "payload")
    joined["properties"]["id"] = {"type": "string"}
    found = convert(document(envelope({"const": "ping"}, None, "type"), joined))
    assert [each.event for each in found.events] == ["ping", "room_joined"]
    assert found.keys == EnvelopeKeys(event="type", data="payload")
    assert len(found.notes) == 1
    assert "envelope_event_key=type envelope_data_key=payload" in found.notes[0]
    alone = convert(document(envelope({"const": "ping"}, None, "type")))
    assert alone.keys == EnvelopeKeys(event="type", data="data")


def test_the_envelope_of_built_in_events_is_noted() -> None:
    known = built_in().get(Direction.TO_UI, "friend_online")
    assert known
    found = convert(document(envelope({"const": "friend_online"}, known.schema, "type", "payload")))
    assert found.events == []
    assert found.keys == EnvelopeKeys(event="type", data="payload")
    assert "envelope_event_key=type envelope_data_key=payload" in found.notes[1]


@pytest.mark.parametrize(
    "other",
    [
        envelope({"const": "say"}, {"type": "string"}, "type", "text"),
        envelope({"const": "say"}, OBJECT, "type", "message"),
        envelope({"const": "say"}, OBJECT, "kind", "user"),
        {"type": "object", "properties": {"type": {"const": "say"}, "user": OBJECT, "at": {"type": "string"}}},
        OBJECT,
    ],
)  # fmt: skip
def test_an_object_beside_the_name_is_a_field_if_other_messages_have_other_fields(other: dict[str, Any]) -> None:
    found = convert(document(envelope({"const": "joined"}, OBJECT, "type", "user"), other))
    assert list(data_of(found)["properties"]) == ["user"]


def test_the_keys_in_use_are_tried_first() -> None:
    payload = {
        "type": "object",
        "properties": {"type": {"const": "x"}, "topic": {"const": "right"}, "data": OBJECT, "message": OBJECT},
    }
    found = convert(document(payload), event="topic", data="message")
    assert names(found) == [("right", "s2c")]
    assert found.notes == []


def test_what_cannot_be_represented_is_said_and_left_out() -> None:
    content = document(
        envelope({"const": "ok"}, OBJECT),
        envelope({"const": "text"}, {"type": "string"}),
        envelope({"const": "slow"}, {"properties": {"x": {"type": "string", "pattern": "(?=a)b"}}}),
        {**envelope({"const": "ok"}, OBJECT), "description": "again"},
        {**envelope({"const": "more"}, OBJECT), "required": ["event", "data", "trace"]},
    )
    content["channels"]["c"]["messages"]["m0"] = {"name": "empty"}
    content["channels"]["c"]["messages"]["m1"]["examples"] = [{"payload": {"event": "ok", "data": {"x": 1}}}]
    found = convert(content)
    assert [each.event for each in found.events] == ["ok", "more"]
    text, slow, twice, empty, extra, example = sorted(
        found.notes, key=lambda each: ("text", "slow", "twice", "empty", "trace", "example").index(
            next(word for word in ("twice", "trace", "example", "text", "slow", "empty") if word in each)
        ),
    )  # fmt: skip
    assert text == "text (to_ui) was left out: its data is string, and must be an object."
    assert slow.startswith("slow (to_ui) was left out: data.properties.x.pattern: the pattern (?=a)b")
    assert twice == "ok (to_ui) is described twice. The first description is used."
    assert empty == "empty was left out: the message has no payload."
    assert "The envelope also requires trace (for example of more)" in extra
    assert example == "ok (to_ui): an example was left out: must be text, not a number."


def test_a_built_in_event_with_other_fields_is_extended() -> None:
    data = {
        "type": "object", "required": ["username", "device"],
        "properties": {"username": {"type": "string"}, "device": {"type": "string"}},
    }  # fmt: skip
    found = convert(document(envelope({"const": "friend_online"}, data)))
    content = json.loads(found.events[0].text)
    assert content["extends"] == "friend_online"
    assert "event" not in content
    event = parse_event_file("x.json", found.events[0].text, built_in())
    assert [each.path for each in event.problems({"username": "alice"})] == ["device"]


def test_names_of_files_are_valid_and_unique() -> None:
    odd = ["con", "a/b", "../../etc/passwd", "A", "a", "é", "x" * 79]
    content = document(*(envelope({"const": each}, OBJECT) for each in odd))
    content["operations"]["i"] = {"action": "receive", "channel": {"$ref": "#/channels/c"}}
    found = convert(content)
    files = [each.file for each in found.events]
    assert len(found.events) == 2 * len(odd)
    assert len({each.casefold() for each in files}) == len(files)
    assert all(each == Path(each).name and each[0] not in ".-" for each in files)
    assert "event-con.json" in files


def test_references_of_all_kinds_are_resolved() -> None:
    content = document(
        {"$ref": "#/components/schemas/wrap~1per"},
        components={
            "schemas": {
                "wrap/per": envelope({"$ref": "#/components/schemas/Name"}, {"$ref": "#/components/schemas/A"}),
                "Name": {"const": "x"},
                "A": {"type": "object", "properties": {"b": {"$ref": "#/components/schemas/B"},
                                                       "deep": {"$ref": "#/components/schemas/B/properties/a"}}},
                "B": {"type": "object", "properties": {"a": {"$ref": "#/components/schemas/A"}}},
            }
        },
    )  # fmt: skip
    found = convert(content)
    assert names(found) == [("x", "s2c")]
    assert "recursive types are not checked further: A" in found.notes[0]
    assert "#/components" not in found.events[0].text


def test_a_chain_of_references_may_have_the_maximal_length() -> None:
    links = {f"s{number}": {"$ref": f"#/links/s{number + 1}"} for number in range(1, MAX_REFERENCES)}
    links[f"s{MAX_REFERENCES}"] = envelope({"const": "x"}, OBJECT)
    assert names(convert(document({"$ref": "#/links/s1"}, links=links))) == [("x", "s2c")]
    links[f"s{MAX_REFERENCES}"] = {"$ref": "#/links/s0"}
    links["s0"] = envelope({"const": "x"}, OBJECT)
    with pytest.raises(InvalidAsyncApi, match="the chain of references is too long"):
        convert(document({"$ref": "#/links/s1"}, links=links))


@pytest.mark.parametrize("listed", [False, True])
def test_messages_of_a_channel_may_share_a_component_that_has_no_name(listed: bool) -> None:
    content = document(components={"messages": {"user": {"payload": OBJECT}}})
    keys = ("user_joined", "user_left")
    content["channels"]["c"]["messages"] = {key: {"$ref": "#/components/messages/user"} for key in keys}
    if listed:
        content["operations"]["o"]["messages"] = [{"$ref": f"#/channels/c/messages/{key}"} for key in keys]
    assert names(convert(content)) == [("user_joined", "s2c"), ("user_left", "s2c")]
    content["components"]["messages"]["user"]["payload"] = envelope({"const": "x"}, OBJECT)
    found = convert(content)
    assert names(found) == [("x", "s2c")]
    assert not any("twice" in each for each in found.notes)


HUGE = "{" + " " * MAX_DOCUMENT_BYTES + "}"
BOMB = "asyncapi: 3.0.0\na: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(12)
)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        ("", "The document is empty. Import an AsyncAPI document of version 3."),
        ("[1", "The document cannot be read"),
        ("a: [", "The document cannot be read (line"),
        ("[]", "This is not an AsyncAPI document: it lacks the key asyncapi."),
        ("just text", "This is not an AsyncAPI document"),
        ("{}", "This is not an AsyncAPI document"),
        ({"openapi": "3.1.0"}, "it lacks the key asyncapi. It has the key openapi."),
        ({"asyncapi": "2.6.0"}, "AsyncAPI 2.6.0 is not supported: publish and subscribe do not say"),
        ("asyncapi: 3.0", "no operations with messages"),
        ({"asyncapi": "4.0.0"}, "AsyncAPI 4.0.0 is not supported. Use a document of version 3."),
        ({"asyncapi": None}, "AsyncAPI None is not supported"),
        ("{asyncapi: 3, info: {title: x}}", "no operations with messages"),
        ({"asyncapi": "3.0.0"}, "The document has no operations with messages"),
        ({"asyncapi": "3.0.0", "operations": []}, "operations must be an object."),
        ({"asyncapi": "3.0.0", "operations": {"o": 1}}, "operations.o must be an object."),
        ({"asyncapi": "3.0.0", "operations": {"o": {"action": "emit"}}}, "operations.o.action must be send or"),
        (document(action="send"), "The document has no operations with messages"),
        (document({"$ref": "https://example.com/a.json"}), "which is outside of the document. Only local"),
        (document({"$ref": "other.yaml#/A"}), "refers to other.yaml#/A, which is outside"),
        (document(envelope({"const": "x"}, {"properties": {"a": {"$ref": "./b.json"}}})), "refers to ./b.json"),
        (document({"$ref": "#/components/schemas/Nope"}), "which does not exist."),
        (document({"$ref": "#/a"}, a={"$ref": "#/b"}, b={"$ref": "#/a"}), "refers to itself, or the chain"),
        (document({"schemaFormat": "application/vnd.apache.avro", "schema": {}}), "has the format application/vnd"),
        (document(envelope({"const": "x"}, {"properties": {"a": 7}})), "must be a schema: an object, true or"),
        (document({"type": "string"}), "No event could be imported. m1 (to_ui) was left out: its data is string"),
        ({"asyncapi": "3.0.0", "x": [0] * 30_000}, "The document has more than 20,000 values."),
        ("[" * 100_000, "nested deeper"),
        (HUGE, "The document is larger than 1,024 KiB."),
        (BOMB, "The document cannot be read"),
        ('{"asyncapi": "3.0.0", "asyncapi": "3.0.0"}', "duplicate key"),
        ("asyncapi: 3.0.0\nx: !!python/object/apply:os.system [id]", "The document cannot be read"),
        ("a: &a\n  b: *a\nasyncapi: 3.0.0", "The document cannot be read"),
    ],
    ids=range(32),
)
def test_what_is_no_document_gets_one_sentence(content: Any, sentence: str) -> None:
    with pytest.raises(InvalidAsyncApi) as raised:
        convert(content)
    text = str(raised.value)
    assert sentence in text
    assert "\n" not in text
    assert len(text) < 500


@pytest.mark.parametrize("nested", [False, True])
@pytest.mark.parametrize(
    "wrong",
    [{"allOf": 5}, {"required": 5}, {"properties": 5}, {"properties": []}, {"$ref": 5}],
)
def test_an_invalid_schema_of_a_built_in_event_gets_one_sentence(wrong: dict[str, Any], nested: bool) -> None:
    known = built_in().get(Direction.TO_UI, "new_message")
    assert known
    schema = {**known.schema, "allOf": [wrong]} if nested else {**known.schema, **wrong}
    with pytest.raises(
        InvalidAsyncApi, match=r"^No event could be imported\. new_message \(to_ui\) was left out: data"
    ):
        convert(document(envelope({"const": "new_message"}, schema), **{"$defs": known.schema["$defs"]}))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5)
    | st.sampled_from(["send", "#/channels/c", "#"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["$ref", "type", "properties", "oneOf", "allOf", "items", "const", "enum", "event", "data",
                         "payload", "required", "messages", "channel", "action", "schemaFormat", "schema", "name"])
        | st.text(max_size=3), inner, max_size=4,
    ),
    max_leaves=25,
)  # fmt: skip


@given(payload=JSON, more=JSON, message=JSON)
def test_no_document_raises_another_error(payload: Any, more: Any, message: Any) -> None:
    content = document(payload, more, components=more)
    content["channels"]["c"]["messages"]["odd"] = message
    try:
        found = convert(content)
    except InvalidAsyncApi:
        return
    for each in found.events:
        parse_event_file(each.file, each.text, built_in())


@given(text=st.text() | st.binary().map(lambda each: each.decode("latin-1")))
def test_no_text_raises_another_error(text: str) -> None:
    with pytest.raises(InvalidAsyncApi):
        convert("asyncapi: 3.0.0\n" + text)


def test_a_long_name_is_not_repeated_for_each_alternative() -> None:
    alternatives = [{"properties": {"event": {"const": f"x{number}"}}} for number in range(1_000)]
    content = document()
    message = {"payload": {"properties": {"x": TEXT}, "oneOf": alternatives}}
    content["channels"]["c"]["messages"]["n" * 50_000] = message
    tracemalloc.start()
    try:
        with pytest.raises(InvalidAsyncApi, match="more than 500 alternatives"):
            import_asyncapi(json.dumps(content), built_in())
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()


def test_references_that_multiply_are_refused() -> None:
    schemas: dict[str, Any] = {
        f"level{each}": {"allOf": [{"$ref": f"#/components/schemas/level{each + 1}"}] * 8} for each in range(12)
    }
    schemas["level12"] = {"type": "object"}
    document = {
        "asyncapi": "3.0.0",
        "channels": {"c": {"messages": {"m": {"payload": {"$ref": "#/components/schemas/level0"}}}}},
        "operations": {"o": {"action": "send", "channel": {"$ref": "#/channels/c"}}},
        "components": {"schemas": schemas},
    }
    with pytest.raises(InvalidAsyncApi) as raised:
        import_asyncapi(json.dumps(document), built_in())
    assert str(raised.value) == (
        "The document has more than 100,000 nodes once its references are expanded, for example within allOf and "
        "oneOf. Import a smaller document."
    )


def _union(common: Any, choice: Any, count: int = 1_000, **more: Any) -> dict[str, Any]:
    """Return a document whose payload is a union beside a field, with references to one alternative."""
    payload = {"type": "object", "properties": {"type": common}, "oneOf": [{"$ref": "#/x"}] * count}
    return document(payload, x={"type": "object", "properties": choice}, **more)


LONG = [f"name {number}" for number in range(5_000)]


@pytest.mark.parametrize(
    "content",
    [
        _union(True, {"type": {"enum": [*LONG, 1]}}),
        _union({"enum": LONG}, {"type": {"enum": LONG[::-1]}}),
        _union(True, dict.fromkeys(LONG, True)),
        _union(dict.fromkeys(LONG, True), {"type": dict.fromkeys(LONG[::-1], True)}),
        _union(True, {"type": {"$ref": f"#/{'k' * 20_000}"}}, **dict[str, Any]({"k" * 20_000: {}})),
    ],
    ids=["names", "two lists of names", "properties", "keywords", "reference"],
)
def test_large_nodes_that_references_multiply_are_refused(content: Any) -> None:
    """Regression: each counted as one node, however long it took to examine it: 12 s for a document of 101 KB."""
    with pytest.raises(InvalidAsyncApi, match="more than 100,000 nodes once its references are expanded"):
        convert(content)


def test_a_union_of_many_events_with_a_shared_list_of_names_is_imported() -> None:
    names = [f"name {number}" for number in range(200)]
    payload = {"oneOf": [envelope({"const": f"e{number}"}, {"$ref": "#/data"}) for number in range(400)]}
    data = {"type": "object", "properties": {"kind": {"enum": names}}}
    assert len(convert(document(payload, data=data)).events) == 400


def test_files_that_become_too_large_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A few values can make many large files, each of which is checked again for each of its examples."""
    content = document(*[{"type": "object", "properties": {"x": {"$ref": "#/x"}}}] * 2, x={"enum": LONG[:1_000]})
    for message in content["channels"]["c"]["messages"].values():
        message["examples"] = [{"payload": {"y": number}} for number in range(3)]
    size = sum(len(each.text) for each in convert(content).events)
    monkeypatch.setattr("app.protocol.asyncapi_import.document.MAX_TEXT_CHARS", 3 * size)
    with pytest.raises(InvalidAsyncApi, match="Import a smaller document"):
        convert(content)


def test_the_limit_of_the_files_is_the_number_in_the_error() -> None:
    """Regression: it was 64 × 1024 × 1024."""
    content = Document({})
    content.count_text("x" * 64_000_000)
    with pytest.raises(InvalidAsyncApi, match="more than 64 million characters"):
        content.count_text("x")


def test_an_import_can_be_given_up() -> None:
    class Enough(Exception):
        pass

    steps = 0

    def go_on() -> None:
        nonlocal steps
        steps += 1
        if steps > 100:
            raise Enough

    with pytest.raises(Enough):
        import_asyncapi(json.dumps(_union(True, {"a": True})), built_in(), go_on=go_on)


def test_a_document_of_extended_built_in_events_can_be_imported() -> None:
    schema = {"properties": {"extra": {"type": "string"}}}
    extended = [
        parse_event_file(
            "x.json", json.dumps({"extends": each.name, "direction": word, "data": schema}), built_in()
        )
        for each in built_in()
        for word in ("to_ui", "from_ui")
        if each.direction is (Direction.TO_UI if word == "to_ui" else Direction.FROM_UI)
    ]
    text = json.dumps(asyncapi(described(extended), "ws://localhost:8081/events", "1"))
    assert "(?!" not in text
    for each in (text, text.replace("{12}$", "{12}(?![\\\\s\\\\S])")):  # as former versions wrote it, too
        imported = import_asyncapi(each, built_in(), Application.BACKEND)
        assert imported.notes == []
        assert {(event.direction, event.event) for event in imported.events} == {
            (event.direction, event.name) for event in built_in()
        }
    assert "(?!" in each


@pytest.mark.parametrize(
    "data",
    [
        {"properties": {"msg_id": {"pattern": "^[0-9a-f-]{36}$"}, "x": {"type": "string"}}},
        {"properties": {"x": {"type": "string"}}, "required": ["x"], "additionalProperties": False},
        {"properties": {"reactions": {"minItems": 1, "items": {"properties": {"emoji": {"pattern": "^a"}}}},
                        "mood": {"enum": ["glad", "sad"]}}},
        {"properties": {"text": {"anyOf": [{"maxLength": 3}, {"pattern": "a"}]}, "n": {"type": "integer"}}},
        {"properties": {"direction": {"const": "received"}}, "patternProperties": {"^z": {"type": "number"}}},
    ],
)  # fmt: skip
def test_our_own_document_of_an_extension_contains_what_it_adds(data: dict[str, Any]) -> None:
    data = {"type": "object", **data}
    event = parse_event_file("x.json", json.dumps({"extends": "new_message", "data": data}), built_in())
    text = ""
    for _ in range(2):
        found = convert(asyncapi(described([event]), "ws://localhost:8081/events", "1"))
        assert data_of(found) == data
        assert text in ("", found.events[0].text)  # a second import changes nothing
        text = found.events[0].text
        event = parse_event_file("x.json", text, built_in())
        assert event.template["msg_id"] == "{{uuid}}"


def test_definitions_that_an_extension_does_not_use_are_left_out() -> None:
    definitions = {
        "Reaction": {"type": "object", "properties": {"emoji": {"type": "string"}}},
        "Tag": {"type": "string"}, "Tags": {"type": "array", "items": {"$ref": "#/components/schemas/Tag"}},
    }  # fmt: skip
    reactions = {"type": "array", "items": {"$ref": "#/components/schemas/Reaction"}}
    properties = {"tags": {"$ref": "#/components/schemas/Tags"}, "reactions": reactions}
    payload = envelope({"const": "new_message"}, {"type": "object", "properties": properties})
    found = data_of(convert(document(payload, components={"schemas": definitions})))
    assert sorted(found["$defs"]) == ["Reaction_2", "Tag", "Tags"]
    known = built_in().get(Direction.TO_UI, "new_message")
    assert known
    properties["reactions"] = known.schema["properties"]["reactions"] | {
        "items": {"$ref": "#/components/schemas/Reaction"}
    }
    definitions["Reaction"] = known.schema["$defs"]["Reaction"]
    found = data_of(convert(document(payload, components={"schemas": definitions})))
    assert sorted(found["$defs"]) == ["Tag", "Tags"]
    assert list(found["properties"]) == ["tags"]
