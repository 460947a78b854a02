"""Conditions on one line, as the window accepts them, mean the same as on the command line."""

import shlex
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.conditions import BadCondition, conditions_text, parse_assignments, parse_conditions


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
    ],
)
def test_a_line_is_split_and_quoted_as_in_a_shell(text: str, where: dict[str, Any]) -> None:
    assert parse_conditions(text) == where == parse_assignments(shlex.split(text))


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("text", "'text' is not in the form path=value, for example data.text=hi"),
        ("=hi", "'=hi' is not in the form path=value, for example data.text=hi"),
        ("text=don't", 'a quotation mark is not closed; write text="don\'t" or text="say \\"hi\\""'),
        ("a..b=1", "invalid path 'data.a..b'; write it like data.text or data.reactions[0].emoji"),
    ],
)
def test_an_invalid_line_says_what_to_write(text: str, why: str) -> None:
    with pytest.raises(BadCondition) as raised:
        parse_conditions(text)
    assert str(raised.value) == why


@given(
    st.dictionaries(
        st.sampled_from(["text", "data.to", "a[0].b"]), st.one_of(st.text(), st.booleans(), st.integers())
    )
)
def test_conditions_survive_being_written_as_text(where: dict[str, Any]) -> None:
    assert parse_conditions(conditions_text(where)) == where
