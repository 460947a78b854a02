"""The catalog: schemas, samples and validation of the built-in events."""

from typing import Any

import pytest

from app.protocol import events
from app.protocol.catalog import Catalog, built_in
from app.protocol.contract import Direction, Event
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.event_type import EventProblem, EventType, InvalidEvent, StructEvent
from app.protocol.templates import ME, NOW, PERSONA, UUID, TemplateContext, resolve

NEW_MESSAGE_LINE = (
    '{"event":"new_message","data":{"msg_id":"a1b2c3d4-e5f6-7890-abcd-ef1234567890","from":"alice","to":"bob",'
    '"text":"Hey there!","timestamp":"2024-01-15T10:30:00Z","direction":"received","delivered":true,'
    '"delivery_method":"direct"}}'
)
GUIDE_LINES = {
    "new_message": NEW_MESSAGE_LINE,
    "friend_online": '{"event":"friend_online","data":{"username":"alice"}}',
    "friend_offline": '{"event":"friend_offline","data":{"username":"alice"}}',
    "typing": '{"event":"typing","data":{"username":"alice","typing":true}}',
}
CLIENT_SAMPLES: dict[str, dict[str, Any]] = {
    "typing": {"to": "alice", "typing": True},
    "mark_read": {"peer": "alice", "msg_id": "550e8400-e29b-41d4-a716-446655440000"},
}

catalog = built_in()


def to_ui(name: str) -> EventType:
    known = catalog.get(Direction.TO_UI, name)
    assert known is not None
    return known


def struct_of(event: EventType) -> type[Event]:
    assert isinstance(event, StructEvent)
    return event.struct


def from_ui(name: str) -> EventType:
    known = catalog.get(Direction.FROM_UI, name)
    assert known is not None
    return known


def new_message(**changes: Any) -> dict[str, Any]:
    return {**to_ui("new_message").sample, **changes}


def problems_of(data: Any, name: str = "new_message") -> list[str]:
    return [str(problem) for problem in to_ui(name).problems(data)]


def test_the_catalog_has_the_events_of_the_guide() -> None:
    assert catalog.names(Direction.TO_UI) == ["new_message", "friend_online", "friend_offline", "typing"]
    assert catalog.names(Direction.FROM_UI) == ["typing", "mark_read"]
    assert len(list(catalog)) == 6


def test_an_event_name_is_known_in_its_direction_only() -> None:
    assert catalog.get(Direction.TO_UI, "mark_read") is None
    assert catalog.get(Direction.FROM_UI, "new_message") is None
    assert struct_of(to_ui("typing")) is events.Typing
    assert struct_of(from_ui("typing")) is events.TypingTo


@pytest.mark.parametrize("name", GUIDE_LINES)
def test_a_sample_encodes_to_the_guides_line_byte_for_byte(name: str) -> None:
    assert Envelope(name, to_ui(name).sample).encode() == GUIDE_LINES[name].encode()


@pytest.mark.parametrize("name", GUIDE_LINES)
def test_the_typed_payload_encodes_to_the_guides_line_byte_for_byte(name: str) -> None:
    typed = to_ui(name).typed(decode(GUIDE_LINES[name]))
    assert Envelope(name, typed).encode() == GUIDE_LINES[name].encode()


@pytest.mark.parametrize("name", CLIENT_SAMPLES)
def test_a_client_events_sample_is_the_guides_example(name: str) -> None:
    assert from_ui(name).sample == CLIENT_SAMPLES[name]


@pytest.mark.parametrize("each", list(catalog), ids=lambda each: f"{each.direction}-{each.name}")
def test_every_event_has_a_description_and_a_valid_sample(each: EventType) -> None:
    assert each.help.endswith(".")
    assert "\n" not in each.help
    assert each.problems(each.sample) == []
    assert each.typed(Envelope(each.name, each.sample))
    assert each.schema["title"] == each.name
    assert each.schema["type"] == "object"
    assert set(each.schema["required"]) <= set(each.schema["properties"])
    assert all(field["description"] for field in each.schema["properties"].values())


@pytest.mark.parametrize("each", list(catalog), ids=lambda each: f"{each.direction}-{each.name}")
def test_a_template_is_valid_once_its_placeholders_are_resolved(each: EventType) -> None:
    assert list(each.template) == list(each.sample)
    assert each.problems(resolve(each.template, TemplateContext(wall=0.0))) == []


def test_a_message_template_has_placeholders_for_sender_recipient_and_time() -> None:
    sample, template = to_ui("new_message").sample, to_ui("new_message").template
    assert {name: value for name, value in template.items() if value != sample[name]} == {
        "msg_id": UUID, "from": PERSONA, "to": ME, "timestamp": NOW,
    }  # fmt: skip
    assert to_ui("typing").template == {"username": PERSONA, "typing": True}
    assert sample["from"] == "alice"


def test_an_invalid_event_error_lists_all_problems() -> None:
    problems = catalog.problems(Envelope("typing", {"username": "", "typing": "yes"}))
    error = InvalidEvent(problems)
    assert error.problems == tuple(problems)
    assert str(error) == "data.username: must not be empty; data.typing: must be true or false, not text"


def test_the_schema_of_new_message_has_the_fields_of_the_guide() -> None:
    schema = to_ui("new_message").schema
    fields = ["msg_id", "from", "to", "text", "timestamp", "direction", "delivered", "delivery_method", "reactions"]
    assert list(schema["properties"]) == fields
    assert schema["required"] == fields[:-1]
    assert sorted(schema["properties"]["direction"]["enum"]) == ["received", "sent"]
    assert sorted(schema["properties"]["delivery_method"]["enum"]) == ["direct", "offline"]
    assert schema["properties"]["msg_id"]["format"] == "uuid"
    assert schema["properties"]["timestamp"]["format"] == "date-time"
    assert schema["properties"]["delivered"]["type"] == "boolean"
    assert schema["properties"]["reactions"]["items"] == {"$ref": "#/$defs/Reaction"}
    assert sorted(schema["$defs"]["Reaction"]["required"]) == ["emoji", "from"]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"msg_id": "test-id-123"}, "msg_id: must be a UUID, like a1b2c3d4-e5f6-7890-abcd-ef1234567890"),
        ({"from": ""}, "from: must not be empty"),
        ({"to": None}, "to: must be text, not null"),
        ({"text": 7}, "text: must be text, not a number"),
        ({"timestamp": "yesterday"}, "timestamp: must be a time like 2024-01-15T10:30:00Z"),
        ({"timestamp": "2024-13-15T10:30:00Z"}, "timestamp: must be a time like 2024-01-15T10:30:00Z"),
        ({"timestamp": "2024-01-15T10:30:00"}, "timestamp: needs a time zone, like 2024-01-15T10:30:00Z"),
        ({"timestamp": 1705314600}, "timestamp: must be a time in text, not a number"),
        ({"direction": "up"}, "direction: must be one of: received, sent"),
        ({"delivered": "yes"}, "delivered: must be true or false, not text"),
        ({"delivered": 1}, "delivered: must be true or false, not a number"),
        ({"delivery_method": None}, "delivery_method: must be one of: direct, offline"),
        ({"reactions": None}, "reactions: must be a list, not null"),
        ({"reactions": {}}, "reactions: must be a list, not an object"),
        ({"reactions": ["👍"]}, "reactions[0]: must be an object, not text"),
        (
            {"reactions": [{"emoji": "👍", "from": "a"}, {"emoji": 1, "from": "a"}]},
            "reactions[1].emoji: must be text, not a number",
        ),
        ({"reactions": [{"emoji": "👍", "from": ""}]}, "reactions[0].from: must not be empty"),
        (
            {"color": "red"},
            "color: unknown field; known fields: msg_id, from, to, text, timestamp, direction, delivered, "
            "delivery_method, reactions",
        ),
        ({"txt": "hi"}, "txt: unknown field; did you mean text?"),
    ],
)
def test_an_invalid_field_is_reported_with_the_reason(change: dict[str, Any], problem: str) -> None:
    assert problems_of(new_message(**change)) == [problem]


def test_a_reaction_has_exactly_an_emoji_and_a_sender() -> None:
    (missing,) = problems_of(new_message(reactions=[{"emoji": "👍"}]))
    (extra,) = problems_of(new_message(reactions=[{"emoji": "👍", "from": "a", "at": 1}]))
    assert missing.startswith("reactions[0]: ")
    assert "from" in missing.removeprefix("reactions[0]: ")
    assert extra.startswith("reactions[0]: ")
    assert "at" in extra.removeprefix("reactions[0]: ")


def test_reactions_are_optional_and_may_be_empty() -> None:
    assert problems_of(new_message(reactions=[])) == []
    assert problems_of(new_message(reactions=[{"emoji": "👍", "from": "carol"}])) == []


def test_a_time_with_an_offset_or_fractions_is_valid() -> None:
    assert problems_of(new_message(timestamp="2024-01-15T12:30:00.123+02:00")) == []


def test_a_uuid_in_upper_case_is_valid() -> None:
    assert problems_of(new_message(msg_id="A1B2C3D4-E5F6-7890-ABCD-EF1234567890")) == []


def test_text_after_a_uuid_is_invalid() -> None:
    sample = to_ui("new_message").sample["msg_id"]
    assert problems_of(new_message(msg_id=sample + "\n")) != []
    assert problems_of(new_message(msg_id=sample + "0")) != []


def test_a_lone_surrogate_is_a_problem() -> None:
    (problem,) = to_ui("new_message").problems(new_message(text="\ud83d"))
    assert problem.path == "text"


def test_all_problems_are_reported_at_once() -> None:
    data = new_message(direction="up", delivered="yes", color="red")
    del data["msg_id"], data["from"]
    assert [problem.path for problem in to_ui("new_message").problems(data)] == [
        "msg_id", "from", "direction", "delivered", "color",
    ]  # fmt: skip


@pytest.mark.parametrize("data", [None, [], "alice", 7])
def test_data_must_be_an_object(data: Any) -> None:
    assert problems_of(data, "friend_online") == ["data must be an object"]


def test_problems_of_an_envelope_have_absolute_paths() -> None:
    found = catalog.problems(Envelope("typing", {"username": "alice", "typing": "yes"}))
    assert found == [EventProblem("data.typing", "must be true or false, not text")]
    assert catalog.problems(Envelope("friend_online", [])) == [EventProblem("data", "data must be an object")]


def test_an_unknown_event_is_reported_with_the_known_events() -> None:
    (problem,) = catalog.problems(Envelope("message_delivered", {}))
    assert problem.path == "event"
    assert "message_delivered" in problem.message
    assert all(name in problem.message for name in catalog.names(Direction.TO_UI))


def test_a_client_event_cannot_be_sent_to_the_ui() -> None:
    assert catalog.problems(Envelope("mark_read", CLIENT_SAMPLES["mark_read"])) != []
    assert catalog.problems(Envelope("typing", CLIENT_SAMPLES["typing"])) != []


def test_a_client_event_may_have_unknown_fields() -> None:
    data = {**CLIENT_SAMPLES["typing"], "since": 7}
    assert from_ui("typing").problems(data) == []
    assert from_ui("typing").typed(Envelope("typing", data)) == events.TypingTo(to="alice", typing=True)
    assert from_ui("typing").unknown_fields(data) == ["since"]


@pytest.mark.parametrize(
    ("name", "data", "path", "reason"),
    [
        ("typing", {"to": "bob", "typing": "yes"}, "data.typing", "must be true or false, not text"),
        ("typing", {"to": "", "typing": True}, "data.to", "must not be empty"),
        ("mark_read", {"peer": 7, "msg_id": "x"}, "data.peer", "must be text, not a number"),
        ("mark_read", {"peer": "alice", "msg_id": ""}, "data.msg_id", "must not be empty"),
    ],
)
def test_a_client_event_with_an_invalid_field_is_rejected_with_its_path(
    name: str, data: dict[str, Any], path: str, reason: str
) -> None:
    with pytest.raises(BadFrame) as caught:
        from_ui(name).typed(Envelope(name, data))
    assert (caught.value.where, caught.value.reason, caught.value.event) == (path, reason, name)


def test_a_missing_field_of_a_client_event_is_named() -> None:
    with pytest.raises(BadFrame, match="typing"):
        from_ui("typing").typed(Envelope("typing", {"to": "bob"}))


def test_mark_read_accepts_a_message_id_that_is_not_a_uuid() -> None:
    assert from_ui("mark_read").problems({"peer": "alice", "msg_id": "test-id-123"}) == []


def test_a_catalog_contains_exactly_the_events_that_a_module_declares() -> None:
    assert [struct_of(each) for each in Catalog.of(events)] == [
        events.NewMessage, events.FriendOnline, events.FriendOffline,
        events.Typing, events.TypingTo, events.MarkRead,
    ]  # fmt: skip
