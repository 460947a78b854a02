"""Editing the text of a filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.filter import parse
from app.hub.filter_text import (
    can_be_value,
    format_term,
    hide,
    reference,
    saved_name,
    show_only,
    toggle,
    token_at,
    tokens,
    values,
    with_values,
)

TEXT = 'hello  -event:typing,"a" dir:to "dir:c2s" client:2,3 /x y/ -user:"b c" @saved'


def test_terms_are_found_with_their_positions() -> None:
    found = tokens(TEXT)
    assert [TEXT[each.start : each.end] for each in found] == [each.text for each in found]
    assert [(each.negated, each.key, each.values) for each in tokens('-user:"b c,d" "dir:c2s" hello')] == [
        (True, "user", ("b c", "d")),
        (False, "", ()),
        (False, "", ()),
    ]


@pytest.mark.parametrize("text", ['event:="POST /messages"', 'event:"=POST /messages"', 'event:="POST /messages'])
def test_the_quotes_of_an_exact_value_may_follow_the_equals_sign(text: str) -> None:
    """Regression: the term ended at the space, and matched nothing."""
    assert [each.text for each in tokens(text)] == [text]
    assert values(text, "event") == ["=POST /messages"]
    assert toggle(text, "event", "=POST /messages") == ""


def test_values_of_a_key() -> None:
    text = "event:a,b -event:c event:b client:2"
    assert values(text, "event") == ["a", "b"]
    assert values(text, "event", negated=True) == ["c"]
    assert values(text, "user") == []


@pytest.mark.parametrize("alias", ["dir:s2c", "dir:down", "dir:to"])
def test_aliases_are_equal_to_their_value(alias: str) -> None:
    assert values(alias, "dir") == ["s2c"]
    assert toggle(alias, "dir", "s2c") == ""


@pytest.mark.parametrize(
    ("text", "key", "new_values", "expected"),
    [
        ("", "event", ["typing"], "event:typing"),
        ("hello", "event", ["typing"], "hello event:typing"),
        ("hello  world", "event", ["a", "b"], "hello  world event:a,b"),
        ("event:a hello event:b", "event", ["c"], "event:c hello"),
        ("x event:a  y", "event", [], "x y"),
        ("event:a", "event", [], ""),
        ("-event:a", "event", ["b"], "-event:a event:b"),
        ("", "event", ["POST /messages"], 'event:"POST /messages"'),
        ('event:"POST /messages" x', "event", [], "x"),
    ],
)
def test_the_term_of_a_key_is_replaced(text: str, key: str, new_values: list[str], expected: str) -> None:
    assert with_values(text, key, new_values) == expected


def test_show_only_replaces_the_selected_values_and_shows_a_hidden_one() -> None:
    assert show_only("event:new_message -event:typing,x hello", "event", "typing") == "event:typing -event:x hello"
    assert show_only("", "client", "2") == "client:2"


def test_hide_adds_a_value_to_the_hidden_ones() -> None:
    assert hide("", "event", "typing") == "-event:typing"
    assert hide("-event:typing", "event", "mark_read") == "-event:typing,mark_read"
    assert hide("event:typing,x", "event", "typing") == "event:x -event:typing"
    assert hide("-event:typing", "event", "typing") == "-event:typing"


def test_toggle_adds_and_removes_a_value() -> None:
    assert toggle("event:a", "event", "b") == "event:a,b"
    assert toggle("event:a,b", "event", "a") == "event:b"
    assert toggle("event:a hello", "event", "a") == "hello"
    assert toggle("-event:a", "event", "a") == "event:a"


def test_the_term_at_the_cursor() -> None:
    assert token_at("hello ev", 8).text == "ev"
    assert token_at("hello event:ty more", 12).text == "event:"
    assert token_at("hello ", 6).text == ""
    assert token_at('user:"a b', 9).text == 'user:"a b'


@pytest.mark.parametrize("name", ["errors", "two words", "Grüße", "a:b"])
def test_a_reference_is_parsed_to_its_name(name: str) -> None:
    assert saved_name(reference(name)) == name
    assert [each.text for each in tokens(f"x {reference(name)} y")] == ["x", reference(name), "y"]


@given(st.text(), st.sampled_from(["event", "client", "user"]), st.text(min_size=1))
def test_an_added_value_is_found_and_can_be_removed(text: str, key: str, value: str) -> None:
    if not can_be_value(value) or '"' in text or "/" in text:  # an open quotation mark includes the following text
        return
    edited = show_only(text, key, value)
    assert values(edited, key) == [value.strip('"')]
    assert parse(edited).warnings == parse(with_values(text, key, [])).warnings
    assert values(with_values(edited, key, []), key) == []


def test_a_term_without_values_is_formatted_as_an_empty_text() -> None:
    assert format_term("event", [], negated=True) == ""
