"""The event files of a folder: duplicates, the last valid version, and the events of the catalog."""

import json

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.event_files.event_set import EventSet, Parsed
from app.protocol.event_files.parse import parse_event_file
from app.protocol.event_files.problems import FileProblem

CATALOG = built_in()
BUILT_IN = [(each.direction, each.name) for each in CATALOG]
BROKEN = (FileProblem("a.json", "data", "is missing"),)


def file(name: str, event: str, direction: str = "to_ui") -> Parsed:
    return parse_event_file(name, json.dumps({"event": event, "direction": direction, "data": {}}), CATALOG)


def names(events: EventSet) -> list[str]:
    return [each.name for each in events.types[len(BUILT_IN) :]]


def test_the_events_of_all_files_follow_the_built_in_ones() -> None:
    events = EventSet(CATALOG)
    events.update(
        {
            "b.json": file("b.json", "one"),
            "a.json": file("a.json", "two"),
            "c.json": file("c.json", "one", "from_ui"),
        }
    )
    assert [(each.direction, each.name) for each in events.types][: len(BUILT_IN)] == BUILT_IN
    assert names(events) == ["two", "one", "one"]
    assert events.problems == []


def test_an_extension_takes_the_place_of_its_event() -> None:
    events = EventSet(CATALOG)
    extended = parse_event_file("m.json", '{"extends": "new_message", "data": {}}', CATALOG)
    events.update({"m.json": extended})
    assert events.types[BUILT_IN.index((Direction.TO_UI, "new_message"))] is extended
    assert len(events.types) == len(BUILT_IN)
    events.update({})
    assert events.types == list(CATALOG)


def test_of_two_files_with_one_event_the_first_is_used() -> None:
    events = EventSet(CATALOG)
    events.update({"b.json": file("b.json", "one"), "a.json": (first := file("a.json", "one"))})
    assert events.types[-1] is first
    assert [str(each) for each in events.problems] == [
        "b.json: defines one (to_ui), which a.json defines already. a.json is used."
    ]
    assert [each.in_use for each in events.files] == [True, False]
    events.update({"b.json": (second := file("b.json", "one"))})
    assert events.types[-1] is second
    assert events.problems == []


def test_a_broken_file_keeps_its_last_valid_version_until_it_is_deleted() -> None:
    events = EventSet(CATALOG)
    events.update({"a.json": BROKEN})
    assert (names(events), events.problems) == ([], list(BROKEN))
    events.update({"a.json": file("a.json", "one")})
    events.update({"a.json": BROKEN})
    assert (names(events), events.problems) == (["one"], list(BROKEN))
    events.update({"a.json": file("a.json", "two")})
    assert (names(events), events.problems) == (["two"], [])
    events.update({"a.json": BROKEN})
    events.update({})
    assert (names(events), events.files) == ([], ())
    events.update({"a.json": BROKEN})
    assert names(events) == []


def forwarding(event: str) -> Parsed:
    content = {"event": "react", "direction": "from_ui", "data": {}, "forward": {"event": event}}
    return parse_event_file("react.json", json.dumps(content, indent=2), CATALOG)


def test_a_forwarded_event_that_does_not_exist_is_an_error_until_its_file_appears() -> None:
    events = EventSet(CATALOG)
    files = {"react.json": forwarding("reacted")}
    events.update(files)
    assert [str(each) for each in events.problems] == [
        "react.json, line 6 column 5: forward.event: no event with the direction to_ui is named reacted. "
        "Add a file that defines it."
    ]
    assert [(each.in_use, each.current) for each in events.files] == [(True, True)]
    events.update({**files, "reacted.json": file("reacted.json", "reacted")})
    assert events.problems == []
    events.update({**files, "reacted.json": file("reacted.json", "reactd")})
    assert [each.message for each in events.problems] == [
        "no event with the direction to_ui is named reacted; did you mean reactd?"
    ]


def test_an_event_of_the_wrong_direction_cannot_be_forwarded() -> None:
    events = EventSet(CATALOG)
    events.update({"react.json": forwarding("mark_read")})
    assert [each.message for each in events.problems] == [
        "mark_read exists only with the direction from_ui. Add a file with the direction to_ui"
    ]
    events.update({"react.json": forwarding("typing")})
    assert events.problems == []


def test_a_broken_file_that_forwards_has_only_its_own_errors() -> None:
    events = EventSet(CATALOG)
    events.update({"react.json": forwarding("reacted")})
    events.update({"react.json": BROKEN})
    assert (events.problems, events.files[0].current) == (list(BROKEN), False)
