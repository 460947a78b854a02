"""The suggestions of the filter field."""

import pytest

from app.hub.filter import KEYS, parse
from app.hub.filter_grammar import KEY_MEANINGS
from app.ui.models.filter_completion import Known, suggestions

KNOWN = Known(
    events=["friend_online", "new_message", "typing"],
    users=["alice", "bob", "two words"],
    clients=[(2, "bob"), (12, "me")],
    saved=[("errors", "is:invalid"), ("my typing", "event:typing")],
)


def suggested_terms(text: str, cursor: int | None = None) -> list[str]:
    return [each.term for each in suggestions(text, len(text) if cursor is None else cursor, KNOWN)]


def test_all_keys_and_saved_filters_are_suggested_for_an_empty_term() -> None:
    assert suggested_terms("")[: len(KEYS)] == [f"{key.text}:" for key in KEY_MEANINGS]
    assert suggested_terms("hello ")[-2:] == ["@errors", '@"my typing"']


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("event:", ["event:friend_online", "event:new_message", "event:typing"]),
        ("event:m", ["event:new_message"]),
        ("event:TYP", ["event:typing"]),
        ("-event:ty", ["-event:typing"]),
        ("event:=ty", ["event:=typing"]),
        ('event:="ty', ["event:=typing"]),
        ("is:pi", ["is:pinned"]),
        ("annotation:", []),
        ("event:typing,", ["event:typing,friend_online", "event:typing,new_message"]),
        ("event:typing,new", ["event:typing,new_message"]),
        ("dir:", ["dir:s2c", "dir:c2s", "dir:server"]),
        ("client:", ["client:2", "client:12"]),
        ("client:1", ["client:12"]),
        ("user:a", ["user:alice"]),
        ("user:two", ['user:"two words"']),
        ('user:"two w', ['user:"two words"']),
        ("is:in", ["is:invalid", "is:injected"]),
        ("larger:1", ["larger:1k", "larger:10k", "larger:1m"]),
        ("after:5", ["after:5m"]),
        ("origin:re", ["origin:rest"]),
        ("@e", ["@errors"]),
        ("@", ["@errors", '@"my typing"']),
        ("-@", []),
        ("di", ["dir:"]),
        ("-di", ["-dir:"]),
        ("typ", ["event:typing", '@"my typing"']),
        ("ali", ["user:alice"]),
        ("event:typing", []),
        ("colour:", []),
        ('"event', []),
        ("/event", []),
        ("nothing-like-this", []),
    ],
)
def test_a_term_is_completed(text: str, expected: list[str]) -> None:
    result = suggested_terms(text)
    assert result[: len(expected)] == expected
    if not expected:
        assert result == []


def test_only_the_term_before_the_cursor_is_completed() -> None:
    (suggestion,) = suggestions("hello ty dir:s2c", 8, KNOWN)[:1]
    assert (suggestion.start, suggestion.term) == (6, "event:typing")


def test_every_suggestion_is_valid_and_explained() -> None:
    for text in ("", "-", *(f"{key}:" for key in KEYS), "@"):
        for each in suggestions(text, len(text), KNOWN):
            assert each.meaning
            assert parse(each.term, saved=dict(KNOWN.saved)).warnings == ()
            assert each.final is not each.term.endswith(":")


def test_values_that_a_term_cannot_contain_are_not_suggested() -> None:
    assert suggestions("user:", 5, Known(users=['a"b', "a,b", "ok"]))[0].term == "user:ok"
    assert len(suggestions("user:", 5, Known(users=['a"b', "a,b", "ok"]))) == 1


def test_the_number_of_suggestions_is_limited() -> None:
    assert len(suggestions("user:", 5, Known(users=[f"user{number}" for number in range(1000)]))) == 50
