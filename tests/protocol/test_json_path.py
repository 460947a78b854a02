"""Paths into JSON: get, set and remove values."""

from contextlib import suppress
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.json_path import BadPath, absolute_path, apply_changes, check_path, value_at

DOCUMENT = {
    "event": "new_message",
    "data": {"text": "Hi", "reactions": [{"emoji": "👍"}, {"emoji": "🎉"}], "none": None, "grid": [[1, 2], [3]]},
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("event", "new_message"),
        ("data.text", "Hi"),
        ("data.reactions[1].emoji", "🎉"),
        ("data.reactions[0]", {"emoji": "👍"}),
        ("data.grid[0][1]", 2),
        ("data.none", None),
    ],
)
def test_a_value_is_read_set_and_removed_by_its_path(path: str, value: Any) -> None:
    assert value_at(DOCUMENT, path) == value
    assert value_at(apply_changes(DOCUMENT, {path: "new"}), path) == "new"
    without = apply_changes(DOCUMENT, {}, [path])
    assert without != DOCUMENT
    assert str(value) not in str(without) or path == "data.none"


def test_missing_containers_are_created() -> None:
    assert apply_changes({}, {"a.b.c": 1}) == {"a": {"b": {"c": 1}}}
    assert apply_changes({}, {"a[0].b": 1}) == {"a": [{"b": 1}]}
    assert apply_changes({}, {"a[0][0]": 1}) == {"a": [[1]]}
    assert apply_changes({}, {"a": 1, "b": None}) == {"a": 1, "b": None}


def test_setting_the_index_after_the_last_item_appends() -> None:
    assert apply_changes(DOCUMENT, {"data.grid[1][1]": 4})["data"]["grid"] == [[1, 2], [3, 4]]
    assert apply_changes({}, {"a[0]": 1, "a[1]": 2}) == {"a": [1, 2]}


def test_changes_are_applied_in_order_before_removals() -> None:
    assert apply_changes({}, {"a": {"b": 1}, "a.c": 2}, ["a.b"]) == {"a": {"c": 2}}
    assert apply_changes({"a": [1, 2, 3]}, {}, ["a[0]", "a[0]"]) == {"a": [3]}


def test_changes_do_not_modify_the_original() -> None:
    before = deepcopy(DOCUMENT)
    apply_changes(DOCUMENT, {"data.reactions[0].emoji": "new", "data.grid[1][1]": 4, "event": "x"}, ["data.text"])
    with pytest.raises(BadPath):
        apply_changes(DOCUMENT, {"data.new.thing": 1}, ["data.nothing"])
    assert before == DOCUMENT


def test_apply_changes_does_not_modify_the_given_values() -> None:
    given = {"a": {"b": 1}, "a.b": 2}
    assert apply_changes({}, given) == {"a": {"b": 2}}
    assert given == {"a": {"b": 1}, "a.b": 2}


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data.color", "data.color: there is no color"),
        ("data.color.red", "data.color.red: there is no color"),
        ("data.text.first", "data.text.first: there is no first"),
        ("data.text[0]", "data.text[0]: there is no [0]"),
        ("data[0]", "data[0]: there is no [0]"),
        ("data.reactions.emoji", "data.reactions.emoji: there is no emoji"),
        ("data.reactions[2]", "data.reactions[2]: there is no [2]"),
        ("data.reactions[2].emoji", "data.reactions[2].emoji: there is no [2]"),
        ("data.none.more", "data.none.more: there is no more"),
    ],
)
def test_a_missing_path_is_reported_with_its_first_missing_part(path: str, message: str) -> None:
    with pytest.raises(BadPath) as caught:
        value_at(DOCUMENT, path)
    assert str(caught.value) == message
    with pytest.raises(BadPath) as caught:
        apply_changes(DOCUMENT, {}, [path])
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("data.text.first", "data.text.first: there is no first"),
        ("data.text[0]", "data.text[0]: there is no [0]"),
        ("data[0]", "data[0]: there is no [0]"),
        ("data.reactions.emoji", "data.reactions.emoji: there is no emoji"),
        ("data.reactions[3]", "data.reactions[3]: there is no [3]"),
        ("data.reactions[3].emoji", "data.reactions[3].emoji: there is no [3]"),
        ("data.fresh[1]", "data.fresh[1]: there is no [1]"),
        ("data.none.more", "data.none.more: there is no more"),
    ],
)
def test_existing_values_are_not_replaced_by_containers(path: str, message: str) -> None:
    with pytest.raises(BadPath) as caught:
        apply_changes(DOCUMENT, {path: 1})
    assert str(caught.value) == message


@pytest.mark.parametrize(
    "path",
    [
        "",
        ".",
        "data.",
        ".text",
        "data..text",
        "[0]",
        "data[x]",
        "data[-1]",
        "data[]",
        "data[0",
        "a]",
        "a[0]b",
        "a[12345]",
    ],
)
def test_an_invalid_path_is_reported_with_an_example(path: str) -> None:
    with pytest.raises(BadPath, match=r"invalid path .*; write it like data\.text or data\.reactions\[0\]\.emoji"):
        apply_changes({}, {path: 1})


@pytest.mark.parametrize(
    ("path", "absolute"),
    [
        ("event", "event"),
        ("data", "data"),
        ("data.text", "data.text"),
        ("data[0]", "data[0]"),
        ("text", "data.text"),
        ("reactions[0].emoji", "data.reactions[0].emoji"),
        ("eventful", "data.eventful"),
        ("data_x", "data.data_x"),
    ],
)
def test_a_path_is_relative_to_data_unless_it_begins_with_event_or_data(path: str, absolute: str) -> None:
    assert absolute_path(path) == absolute


def test_a_path_deeper_than_the_nesting_limit_is_rejected() -> None:
    for path in (".".join("a" * 33), "a" + "[0]" * 32, "a." * 100_000 + "a"):
        with pytest.raises(BadPath, match="is deeper than 32 levels") as caught:
            apply_changes({}, {path: 1})
        assert len(str(caught.value)) < 100
    assert value_at(apply_changes({}, {".".join("a" * 32): 1}), ".".join("a" * 32)) == 1


def test_check_path_validates_the_syntax_of_a_path() -> None:
    check_path("reactions[0].emoji")
    check_path("event")
    with pytest.raises(BadPath):
        check_path("a..b")


NAMES = st.text("ab.[]01", max_size=8)


@given(
    path=NAMES,
    value=st.recursive(st.none(), lambda each: st.lists(each) | st.dictionaries(st.sampled_from("ab"), each)),
)
def test_a_path_sets_its_value_or_raises_badpath(path: str, value: Any) -> None:
    with suppress(BadPath):
        assert value_at(apply_changes(value, {path: 1}), path) == 1
