"""Tests of SpanFinder: the part of a JSON text that is underlined for an error."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.envelope import BadFrame, decode
from app.protocol.event_type import EventProblem
from app.protocol.json_spans import MAX_MEMBERS, Span, SpanFinder


def span_of(text: str, problem: EventProblem) -> Span:
    return SpanFinder(text).span_of(problem)


TEXT = """{
  "event": "new_message",
  "data": {"from": "ali\\"ce", "delivered": "yes", "n": -1.5,
           "reactions": [{"emoji": "👍"}, {"emoji": ""}, 7]}
}"""


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("event", '"event": "new_message"'),
        ("data.delivered", '"delivered": "yes"'),
        ("data.from", '"from": "ali\\"ce"'),
        ("data.n", '"n": -1.5'),
        ("data.reactions", '"reactions"'),
        ("data.reactions[1].emoji", '"emoji": ""'),
        ("data.reactions[2]", "7"),
        ("data.reactions[0].from", "{"),
        ("data.reactions[9]", '"reactions"'),
        ("data.text", '"data"'),
        ("data", '"data"'),
        ("", "{"),
    ],
)
def test_a_path_marks_its_field_or_the_object_that_lacks_it(path: str, marked: str) -> None:
    start, end = span_of(TEXT, EventProblem(path, "wrong"))
    assert TEXT[start:end] == marked


@pytest.mark.parametrize(
    ("text", "marked"),
    [
        ('{"event": "typing", "data": tru}', "tru"),
        ('{\n  "event": "typing",\n  "data": {"text": }\n}', "}"),
        ('{"event": "typing"', '"'),
        ('{"data": {"a": 1, "a": 2}}', '"a"'),
        ("nope", "nope"),
        ("", ""),
        ("[]", "["),
    ],
)
def test_an_invalid_frame_is_marked_where_decoding_stopped(text: str, marked: str) -> None:
    with pytest.raises(BadFrame) as raised:
        decode(text)
    start, end = span_of(text, EventProblem(raised.value.where, raised.value.reason))
    assert text[start:end] == marked


@given(st.text(), st.text())
def test_any_text_and_path_return_a_span_within_the_text(text: str, path: str) -> None:
    start, end = span_of(text, EventProblem(path, "wrong"))
    assert 0 <= start <= end <= len(text)


@given(st.text(), st.integers(1, 9), st.integers(1, 99))
def test_a_position_outside_of_the_text_returns_a_span_within_the_text(text: str, line: int, column: int) -> None:
    start, end = span_of(text, EventProblem(f"line {line} column {column}", "wrong"))
    assert 0 <= start <= end <= len(text)


def test_beyond_the_limit_of_members_the_object_is_marked() -> None:
    members = ",".join(f'"n{number}":0' for number in range(MAX_MEMBERS + 1))
    text = f'{{"data":{{{members}}}}}'
    for name, marked in (
        (f"data.n{MAX_MEMBERS - 1}", f'"n{MAX_MEMBERS - 1}":0'),
        (f"data.n{MAX_MEMBERS}", '"data"'),
    ):
        start, end = span_of(text, EventProblem(name, "wrong"))
        assert text[start:end] == marked
