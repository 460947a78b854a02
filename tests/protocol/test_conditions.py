"""Conditions on one line, as in the window, are parsed as on the command line."""

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.conditions import BadCondition, conditions_text, parse_assignments, parse_conditions
from app.protocol.conditions import _split as split


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", {}),
        ("  ", {}),
        ("text=hi", {"text": "hi"}),
        ("data.text=hi typing=true", {"data.text": "hi", "typing": True}),
        ('text="hi there"', {"text": "hi there"}),
        ("text='\"3\"' attempts=3", {"text": "3", "attempts": 3}),
        ("reactions[0].emoji=👍", {"reactions[0].emoji": "👍"}),
        ("text=", {"text": ""}),
        ("text=a=b", {"text": "a=b"}),
        ("n=NaN m=-Infinity", {"n": "NaN", "m": "-Infinity"}),
        ("text='\"\\ud800\"'", {"text": '"\\ud800"'}),
    ],
)
def test_a_line_is_split_and_quoted_as_in_a_shell(text: str, where: dict[str, Any]) -> None:
    assert parse_conditions(text) == where == parse_assignments(shlex.split(text))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("text", "'text' is not in the form path=value, for example data.text=hi"),
        ("=hi", "'=hi' is not in the form path=value, for example data.text=hi"),
        ("text=don't", 'a quotation mark is not closed; write text="don\'t" or text="say \\"hi\\""'),
        ("text=C:\\", "the last backslash has no character after it; write it twice"),
        ("text=a to=bob text=b", "'text' is given twice; give it one value"),
        ("text=a data.text=a", "'data.text' is given twice; give it one value"),
        ("a..b=1", "invalid path 'data.a..b'; write it like data.text or data.reactions[0].emoji"),
    ],
)
def test_the_error_of_an_invalid_line_shows_the_expected_form(text: str, reason: str) -> None:
    with pytest.raises(BadCondition) as raised:
        parse_conditions(text)
    assert str(raised.value) == reason


@given(
    st.dictionaries(
        st.sampled_from(["text", "data.to", "a[0].b"]), st.one_of(st.text(), st.booleans(), st.integers())
    )
)
def test_formatted_conditions_are_parsed_to_the_same_conditions(where: dict[str, Any]) -> None:
    assert parse_conditions(conditions_text(where)) == where


@given(st.text("ab= \t\n\"'\\\\é#"))
def test_words_are_those_of_a_shell(text: str) -> None:
    try:
        words = shlex.split(text)
    except ValueError as error:
        sentence = "the last backslash" if "escaped" in str(error) else "a quotation mark is not closed"
        with pytest.raises(BadCondition, match=sentence):
            split(text)
    else:
        assert split(text) == words


def test_a_long_word_is_split_in_few_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: the time was quadratic, because shlex appends each character to the word."""
    monkeypatch.delattr(shlex, "split")
    assert parse_conditions(f"text={'b,' * 100_000}") == {"text": "b," * 100_000}
