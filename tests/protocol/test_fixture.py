"""Fixtures: parsing, changes by path, names and pasted frames."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.cli import options
from app.protocol.catalog import built_in
from app.protocol.envelope import Envelope
from app.protocol.fixture import (
    MAX_WITHIN_S,
    BadFixture,
    Fixture,
    fixture_from_json,
    from_frame,
    parse_fixture,
    valid_fixture_name,
    with_fresh_values,
)
from app.protocol.json_path import BadPath

TYPING = Fixture(event="typing", data={"username": "alice", "typing": True})

catalog = built_in()

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda each: st.lists(each, max_size=3) | st.dictionaries(st.text(), each, max_size=3),
    max_leaves=20,
)
DETAILS: dict[str, st.SearchStrategy[Any]] = {
    "title": st.text(max_size=200),
    "must": st.text(max_size=1000),
    "malformed": st.booleans(),
    "to": st.text(),
    "times": st.integers(1, 1000),
    "order": st.integers(),
}
EVENTS = st.builds(Fixture, event=st.text(min_size=1, max_size=80), data=JSON, **DETAILS)
FRAMES = st.builds(Fixture, frame=st.text(), **DETAILS)


@given(EVENTS | FRAMES)
def test_a_fixture_is_unchanged_after_writing_and_reading(fixture: Fixture) -> None:
    assert parse_fixture(fixture.to_json()) == fixture


def test_the_json_of_a_fixture_is_indented_and_omits_defaults() -> None:
    text = Fixture(event="friend_online", data={"username": "zoë"}, title="Zoë 👋").to_json()
    assert text == (
        '{\n  "title": "Zoë 👋",\n  "event": "friend_online",\n  "data": {\n    "username": "zoë"\n  }\n}\n'
    )
    assert Fixture(frame="", malformed=True).to_json() == '{\n  "frame": "",\n  "malformed": true\n}\n'


def test_an_event_is_distinguished_from_a_raw_frame() -> None:
    assert not TYPING.raw
    assert TYPING.envelope() == Envelope("typing", {"username": "alice", "typing": True})
    assert Fixture(frame="").raw
    assert Fixture(event="friend_online").envelope() == Envelope("friend_online", {})


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ([], "must be an object, not a list"),
        (None, "must be an object, not null"),
        ({}, "the fixture needs either an event with data or a frame"),
        ({"event": "", "data": {}}, "the fixture needs either an event with data or a frame"),
        ({"event": "typing", "data": {}, "frame": ""}, "the fixture needs either an event with data or a frame"),
        ({"event": "typing", "data": {}, "colour": "red"}, "has an unknown field: colour"),
        ({"event": 7, "data": {}}, "event: must be text, not a number"),
        ({"event": "x" * 81, "data": {}}, "event: must not be longer than 80 characters"),
        ({"event": "x", "data": {}, "title": "x" * 201}, "title: must not be longer than 200 characters"),
        ({"event": "x", "data": {}, "must": "x" * 1001}, "must: must not be longer than 1000 characters"),
        ({"event": "x", "data": {}, "times": 0}, "times: must be at least 1"),
        ({"event": "x", "data": {}, "times": 1001}, "times: must be at most 1000"),
        ({"event": "x", "data": {}, "times": True}, "times: must be a whole number, not true or false"),
        ({"event": "x", "data": {}, "malformed": "yes"}, "malformed: must be true or false, not text"),
        ({"frame": None}, "frame: must be text, not null"),
        ({"frame": {"event": "x"}}, "frame: must be text, not an object"),
    ],
)
def test_an_invalid_fixture_is_reported_with_the_path_of_the_error(value: Any, message: str) -> None:
    with pytest.raises(BadFixture) as caught:
        fixture_from_json(value)
    assert str(caught.value) == message
    with pytest.raises(BadFixture):
        parse_fixture(json.dumps(value))


def test_a_frame_and_data_are_mutually_exclusive() -> None:
    with pytest.raises(BadFixture):
        fixture_from_json({"frame": "pong", "data": {"text": "ignored"}})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is empty"),
        ("{nope", "line 1 column 2"),
        ('{"event":"x","event":"y","data":{}}', "duplicate key"),
        ('{"event":"x","data":NaN}', "NaN"),
        ('{"event":"x","data":"\\ud83d"}', "surrogate"),
        ('{"event":"x","data":' + "[" * 40 + "]" * 40 + "}", "nested deeper"),
        ('{"event":"x","data":' + "[" * 100_000, "nested deeper"),
    ],
)
def test_a_fixture_that_is_not_strict_json_is_rejected(text: str, message: str) -> None:
    with pytest.raises(BadFixture, match=message):
        parse_fixture(text)


def test_values_can_be_set_and_removed_by_paths() -> None:
    fixture = Fixture(event="typing", data={"username": "alice", "typing": True}, title="kept", times=3)
    changed = fixture.with_changes({"username": "bob", "data.more[0]": 1, "event": "unknown"}, ["typing"])
    assert changed == Fixture(event="unknown", data={"username": "bob", "more": [1]}, title="kept", times=3)
    assert fixture.data == {"username": "alice", "typing": True}
    assert fixture.with_changes({"data": None}, []).data is None


def test_without_changes_the_same_fixture_is_returned() -> None:
    for fixture in (TYPING, Fixture(frame="pong")):
        assert fixture.with_changes({}, []) is fixture


def test_changes_add_data_to_an_event_without_data() -> None:
    assert Fixture(event="friend_online").with_changes({"username": "bob"}, []).data == {"username": "bob"}


def test_a_raw_frame_cannot_be_changed() -> None:
    with pytest.raises(BadFixture, match="a raw frame has no fields"):
        Fixture(frame="{}").with_changes({"text": "x"}, [])
    with pytest.raises(BadFixture, match="a raw frame has no fields"):
        Fixture(frame="{}").with_changes({}, ["text"])


@pytest.mark.parametrize(
    ("to", "without"), [({"event": 7}, []), ({}, ["event"]), ({}, ["data"]), ({"event": None}, [])]
)
def test_changes_that_remove_name_or_data_are_rejected(to: dict[str, Any], without: list[str]) -> None:
    with pytest.raises(BadFixture, match="an event needs a name and data"):
        TYPING.with_changes(to, without)


def test_a_value_that_cannot_be_encoded_is_rejected() -> None:
    deep: Any = 1
    for _ in range(32):
        deep = [deep]
    for value in ("\ud83d", deep):
        with pytest.raises(BadFixture):
            TYPING.with_changes({"username": value}, [])


def test_a_path_to_a_missing_field_is_reported() -> None:
    with pytest.raises(BadPath, match=r"data\.color: there is no color"):
        TYPING.with_changes({}, ["color"])


def test_a_pasted_event_becomes_an_event_and_anything_else_a_raw_frame() -> None:
    good = '{"event":"typing","data":{"username":"alice","typing":true}}'
    assert from_frame(good, catalog) == TYPING
    for text in ("", "pong", "null", "[]", '{"event":"typing"}', '{"event":"","data":{}}', '{"event":7,"data":{}}'):
        assert from_frame(text, catalog) == Fixture(frame=text, malformed=True)
    with_more = '{"event":"typing","data":{},"id":7}'
    assert from_frame(with_more, catalog) == Fixture(frame=with_more, malformed=True)
    twice = '{"event":"typing","event":"typing","data":{}}'
    assert from_frame(twice, catalog) == Fixture(frame=twice, malformed=True)


@pytest.mark.parametrize("data", ['{"username":"alice"}', "[1]", "null", '"text"', "7"])
def test_a_pasted_event_that_violates_the_contract_is_marked_malformed(data: str) -> None:
    assert from_frame(f'{{"event":"typing","data":{data}}}', catalog) == Fixture(
        event="typing", data=json.loads(data), malformed=True
    )


def test_a_pasted_event_is_validated_with_resolved_templates() -> None:
    frame = json.dumps(
        {"event": "new_message", "data": {
            "msg_id": "{{uuid}}", "from": "{{persona}}", "to": "{{me}}", "text": "Hi", "timestamp": "{{now-5m}}",
            "direction": "received", "delivered": True, "delivery_method": "direct",
        }}
    )  # fmt: skip
    fixture = from_frame(frame, catalog)
    assert not fixture.malformed
    assert isinstance(fixture.data, dict)
    assert fixture.data["msg_id"] == "{{uuid}}"


@given(st.text() | JSON.map(json.dumps))
def test_any_pasted_text_becomes_a_fixture_that_can_be_saved(text: str) -> None:
    fixture = from_frame(text, catalog)
    assert parse_fixture(fixture.to_json()) == fixture


def test_a_pasted_event_with_a_too_long_name_becomes_a_fixture_that_can_be_saved() -> None:
    fixture = from_frame(json.dumps({"event": "x" * 81, "data": {}}), catalog)
    assert parse_fixture(fixture.to_json()) == fixture


@pytest.mark.parametrize(
    ("name", "valid_name"),
    [
        ("hello", "hello"),
        ("a", "a"),
        ("7", "7"),
        ("basics/from five minutes ago", "basics/from five minutes ago"),
        ("a/b/c", "a/b/c"),
        ("v1.2 (beta)+x-y_z", "v1.2 (beta)+x-y_z"),
        ("  hello  ", "hello"),
        ("grüße/привет/你好", "grüße/привет/你好"),
        ("नमस्ते/สวัสดี/தமிழ்", "नमस्ते/สวัสดี/தமிழ்"),
        ("Menu\u0308", "Men\u00fc"),
        ("console", "console"),
        ("com10", "com10"),
        ("con-man", "con-man"),
        ("x" * 60, "x" * 60),
    ],
)
def test_portable_names_are_valid(name: str, valid_name: str) -> None:
    assert valid_fixture_name(name) == valid_name


@pytest.mark.parametrize(
    "name",
    [
        "", " ", "/", ".", "..", "../up", "a/../b", "a/..", "./a", "a/./b", "/etc/passwd", "a/", "a//b", "/a",
        "C:/x", "c:x", "\\\\server\\share", "a\\b", "..\\up", ".hidden", "a/.git", "-rf", "_x", "~", "~/x",
        "x.", "x./y", "x /y", "a/ b", "x?", "x*", 'x"', "x<y", "x|y", "x:y", "x;y", "x$y", "x%2e", "x'", "x`",
        "con", "CON", "Con.tar.gz", "prn", "AUX", "a/nul", "nul/a", "com1", "LPT9.txt", "com¹", "lpt³", "con .txt",
        "a\x00b", "a\nb", "a\tb", "a\x1b[31m", "a\x7f", "a\u202eb", "a\u200bb", "\u0308a", "\ud83d", "x" * 61, "👍",
    ],
)  # fmt: skip
def test_names_that_are_not_portable_are_rejected(name: str) -> None:
    with pytest.raises(BadFixture, match=r"(?s)invalid name .*: (use|begin|Windows) "):
        valid_fixture_name(name)


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("a/con", "Windows reserves this name"),
        ("_draft", "begin with a letter or digit"),
        ("x.", "do not end with a dot"),
        ("x" * 61, "use at most 60 characters"),
        ("x?", "use letters, digits, spaces and - _ . ( ) +, and / between folders"),
    ],
)
def test_the_reason_for_an_invalid_name_is_given(name: str, why: str) -> None:
    with pytest.raises(BadFixture) as error:
        valid_fixture_name(name)
    assert why in str(error.value)


def test_four_levels_are_too_deep() -> None:
    with pytest.raises(BadFixture, match="at most two folders deep"):
        valid_fixture_name("a/b/c/d")


def test_the_error_for_a_very_long_name_is_short() -> None:
    with pytest.raises(BadFixture) as caught:
        valid_fixture_name("?" * 100_000)
    assert len(str(caught.value)) < 250


@given(st.text())
def test_a_validated_name_is_valid(name: str) -> None:
    try:
        valid_name = valid_fixture_name(name)
    except BadFixture:
        return
    assert valid_fixture_name(valid_name) == valid_name
    assert not any(part in ("", ".", "..") for part in valid_name.split("/"))
    assert all(len(f"{part}.json.part".encode()) <= 255 for part in valid_name.split("/"))


@pytest.mark.parametrize(
    "text",
    ['{"event":"typing","data":{"username":["%s"]}}' % ("{{me}}" * 10_000), '{"frame":"%s"}' % ("{{me}}" * 10_000)],
)
def test_a_fixture_with_too_many_templates_is_rejected_with_their_number(text: str) -> None:
    with pytest.raises(BadFixture, match=r"^the fixture has 10,000 templates; at most 200 are allowed$"):
        parse_fixture(text)


def test_a_frame_with_too_many_templates_can_be_edited_but_not_saved() -> None:
    data = {"username": "{{me}}" * 201}
    fixture = from_frame(json.dumps({"event": "friend_online", "data": data}), built_in())
    assert fixture == Fixture(event="friend_online", data=data, malformed=True)
    with pytest.raises(BadFixture, match="201 templates"):
        parse_fixture(fixture.to_json())


(MESSAGE,) = (each.sample for each in built_in() if each.name == "new_message")


def test_ids_and_times_become_templates() -> None:
    fixture = with_fresh_values(Fixture(event="new_message", data=MESSAGE, to="user:bob", title="Late"), catalog)
    templates = {"msg_id": "{{uuid}}", "timestamp": "{{now}}"}
    assert fixture == Fixture(event="new_message", data=MESSAGE | templates, to="user:bob", title="Late")


def test_templates_stay_as_they_are() -> None:
    fixture = Fixture(event="new_message", data=MESSAGE | {"msg_id": "{{uuid}}", "timestamp": "{{now-5m}}"})
    assert with_fresh_values(fixture, catalog) == fixture


@pytest.mark.parametrize(
    "fixture",
    [
        TYPING,
        Fixture(event="new_message", data=MESSAGE, malformed=True),
        Fixture(frame=json.dumps({"event": "new_message", "data": MESSAGE})),
        Fixture(event="unknown", data={"msg_id": "1"}),
        Fixture(event="friend_online", data=["no", "object"]),
        Fixture(event="friend_online", data={"username": "bob", "more": 1}),
    ],
)
def test_a_fixture_without_ids_and_times_or_with_contract_errors_is_unchanged(fixture: Fixture) -> None:
    assert with_fresh_values(fixture, catalog) == fixture


def test_the_command_line_waits_as_long_as_an_expectation_may_last() -> None:
    assert options.MAX_WITHIN_S == MAX_WITHIN_S
