"""Formatting JSON changes only white space."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.envelope import MAX_DEPTH, BadFrame
from app.protocol.json_format import format_json

TEXT = st.text(st.characters(codec="utf-8"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=10,
)


@given(JSON)
def test_formatted_json_looks_like_that_of_the_standard_library(value: Any) -> None:
    expected = json.dumps(value, indent=2, ensure_ascii=False)
    assert format_json(json.dumps(value, ensure_ascii=False)) == expected
    assert format_json(expected) == expected


def test_numbers_and_escapes_are_not_changed() -> None:
    text = '{"n":1.50e+1,"big":123456789012345678901234567890,"s":"\\u0041\\/ {[,:]}","empty":[ ],"o":{ }}'
    assert format_json(text) == (
        '{\n  "n": 1.50e+1,\n  "big": 123456789012345678901234567890,\n  "s": "\\u0041\\/ {[,:]}",\n'
        '  "empty": [],\n  "o": {}\n}'
    )


@pytest.mark.parametrize("text", ["", "{", '{"a": 1,}', "[1] x", "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1)])
def test_text_that_is_not_valid_json_is_not_formatted(text: str) -> None:
    with pytest.raises(BadFrame):
        format_json(text)
