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
