"""Both notations of a session keep everything: values, unknown keys, comments, blank lines and spelling."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.session import actions
from app.protocol.session.durations import format_duration, parse_duration
from app.protocol.session.errors import InvalidSession
from app.protocol.session.lines import format_lines, parse_lines
from app.protocol.session.steps import Comment, Session, header_from_json, step_from_json
from app.protocol.session.transcript import format_transcript, parse_transcript
from app.protocol.session.words import Line, Words, target_text
from tests.protocol.session.strategies import HEADERS, STEPS

COMMENTS = st.sampled_from(["", "# a comment", "  # indented", "   ", "#"])
ENTRIES = st.lists(st.one_of(STEPS, COMMENTS), max_size=5)

LINES = """\
# a comment

    \x20
alice: hi
alice (types 2s): hi there 👋
alice (types 2000ms): hi
alice  (types 2s to bob):   hi  \x20
"Mary Ann": "two\\nlines"
bob comes online
bob  goes offline
wait 500ms
wait 0.5s
wait for bob
wait for client:2 within 3s
alice starts typing for 3s
alice stops typing
expect typing from me within 5s
expect POST /messages where to=alice text='a b'
fire nasty/markup as bob
fire fixture plain with text=x
fire new_message with text="a b" to bob
close all
close bob 1012 "service restart"
abort client:3
refuse 2 with 503
state reset
state load a.json
mark before the crash
note (see below): x
! {"say": "x", "as": "y", "z": 1}
when POST /messages where to=alice
when typing 3 times
repeat 3
repeat 3 every 200ms
    alice: inside
\tbob: tab
    # inside
    wait 1s
        carol: deep
    repeat 2
"""
STATEMENTS = st.lists(st.sampled_from(LINES.splitlines()), max_size=12)


def session_of(header: dict[str, Any], entries: list[Any]) -> Session:
    parsed, extra = header_from_json(header)
    return Session(parsed, tuple(map(entry, entries)), extra)


def error_of(parse: Callable[[str], object], text: str) -> InvalidSession | None:
    try:
        parse(text)
    except InvalidSession as error:
        return error
    return None


def entry(value: Any) -> Any:
    return Comment(value) if isinstance(value, str) else step_from_json(value)


def contents(session: Session) -> Any:
    return (
        session.header,
        session.extra,
        [each.text if isinstance(each, Comment) else each for each in session.entries],
    )


@given(HEADERS, ENTRIES)
def test_lines_keep_every_step_comment_and_unknown_key(header: dict[str, Any], entries: list[Any]) -> None:
    session = session_of(header, entries)
    text = format_lines(session)
    read, incomplete = parse_lines(text)
    assert not incomplete
    assert contents(read) == contents(session)
    assert format_lines(read) == text


@given(HEADERS, st.lists(STEPS, max_size=5))
def test_a_transcript_keeps_every_step(header: dict[str, Any], steps: list[Any]) -> None:
    session = session_of(header, steps)
    read = parse_transcript(format_transcript(session))
    assert read.steps == session.steps
    assert read.extra == session.extra
    assert msgspec.structs.replace(read.header, text="") == session.header


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5", 5),
        ('"5"', "5"),
        ('"true"', "true"),
        ('"two\\nlines"', "two\nlines"),
        ('"say \\"hi\\""', 'say "hi"'),
        ('"[x y"', "[x y"),
        ('""', ""),
        ('"[1, 2]"', [1, 2]),  # programs before this one have written arrays
        ('"\\"[1]\\""', "[1]"),  # and texts that look like JSON in this form
    ],
)
def test_a_value_in_quotation_marks_is_a_json_string(written: str, value: object) -> None:
    text = f"fire new_message with text={written}\n"
    (step,) = parse_transcript(text).steps
    assert step.to_json() == {"fire": "new_message", "data": {"text": value}}
    assert format_transcript(Session(entries=(step_from_json(step.to_json()),))) == text


@pytest.mark.parametrize(
    ("written", "value"),
    [('"\\"5\\""', "5"), ("'5'", 5), ("'\"5\"'", "5"), ('"a\\qb"', "a\\qb"), ("'a b'", "a b"), ('a" b"', "a b")],
)
def test_values_are_also_quoted_as_in_a_shell(written: str, value: object) -> None:
    (step,) = parse_transcript(f"expect POST /messages where text={written}").steps
    assert step.to_json()["where"] == {"text": value}


@given(STATEMENTS)
def test_a_transcript_keeps_its_spelling_when_it_is_converted_to_lines_and_back(lines: list[str]) -> None:
    text = "".join(f"{line}\n" for line in lines)
    try:
        session = parse_transcript(text)
    except InvalidSession:
        return
    assert format_transcript(session) == text
    assert format_transcript(parse_lines(format_lines(session)).session) == text


@pytest.mark.parametrize(
    ("written", "before", "after"),
    [
        ("fire typing with  typing=true", '"typing": true', '"typing": 1'),
        ("fire typing with  typing=1", '"typing": 1', '"typing": true'),
        ("fire typing with  typing=1", '"typing": 1', '"typing": 1.0'),
        ("expect typing where  typing=0", '"typing": 0', '"typing": false'),
        ("repeat 2\n    fire typing with  typing=true", '"typing": true', '"typing": 1'),
        ('! {"fire": "x",  "data": {"a": [true]}}', '"a": [true]', '"a": [1]'),
        ('! {"fire": "x",  "new": true}', '"new": true', '"new": 1'),
        ('! {"session": 1,  "state": {"a": true}}', '"a": true', '"a": 1'),
        ('! {"session": 1,  "new": true}', '"new": true', '"new": 1'),
    ],
)
def test_a_value_that_is_edited_in_the_lines_is_kept(written: str, before: str, after: str) -> None:
    """Regression: the spelling of the transcript was kept, because true, 1 and 1.0 are equal in Python."""
    lines = format_lines(parse_transcript(f"{written}\n"))
    assert lines.count(before) == 1
    edited = parse_lines(lines.replace(before, after)).session
    assert after in format_lines(parse_transcript(format_transcript(edited)))


@given(HEADERS, ENTRIES)
def test_a_transcript_made_from_lines_becomes_the_same_lines(header: dict[str, Any], entries: list[Any]) -> None:
    session = session_of(header, entries)
    first = parse_transcript(format_transcript(session))
    assert format_transcript(first) == format_transcript(session)
    assert [each.action for each in first.steps] == [each.action for each in session.steps]


@given(st.one_of(st.text(max_size=80), STATEMENTS.map("\n".join)))
def test_any_text_is_a_transcript_or_has_an_error_with_a_place(text: str) -> None:
    error = error_of(parse_transcript, text)
    assert error is None or (error.line >= 1 and 1 <= error.column <= len(error.source) + 1)


@given(
    st.one_of(st.text(max_size=60), st.just('{"session": 1}\n').flatmap(lambda head: st.text().map(head.__add__)))
)
def test_any_text_is_lines_or_has_an_error_with_a_line(text: str) -> None:
    error = error_of(parse_lines, text)
    assert error is None or error.line >= 1


@given(st.floats(0, 86_400))
def test_a_duration_is_read_as_the_same_number(seconds: float) -> None:
    text = format_duration(seconds)
    if len(text.partition(".")[2]) <= 17:
        assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (0.5, "500ms"), (0.0315, "31.5ms"), (1, "1s"), (1.5, "1.5s"), (86_400, "86400s")],
)
def test_durations_are_short(seconds: float, text: str) -> None:
    assert format_duration(seconds) == text


@pytest.mark.parametrize("bad", ["\x1b]0;x\x07", "\u202eevil", "\x9b2J", "\x7f", "\U000e0041"])
def test_what_a_terminal_would_act_on_is_escaped_in_a_transcript(bad: str) -> None:
    """Regression: a path from a HAR file set the title of the terminal that showed the scenario."""
    steps: list[Any] = [
        {"expect": f"DELETE /friends/{bad}"}, {"say": f"hi {bad}", "as": f"al{bad}"}, {"note": f"x{bad}y"},
        {"expect": "typing", "where": {"data.to": bad}}, {"repeat": 2, "steps": [{"mark": f"x{bad}y"}]},
    ]  # fmt: skip
    session = session_of({"session": 1, "title": f"A{bad}b", "me": f"me{bad}"}, steps)
    text = format_transcript(session)
    assert text.replace("\n", "").isprintable()
    assert contents(parse_transcript(text)) == contents(session)


def test_emoji_and_letters_of_all_scripts_are_not_escaped() -> None:
    words = "\N{WOMAN}\u200d\N{PERSONAL COMPUTER} \u4e2d \xe9"
    session = session_of({"session": 1, "title": "e"}, [{"say": words, "as": "bob"}, {"note": words}])
    assert format_transcript(session) == f'# e\nbob: "{words}"\nnote {words}\n'


@pytest.mark.parametrize("user", ["bob", "a:b", "client:3", "x:y z", "all", 'say "x"'])
def test_a_target_is_written_as_it_is_read(user: str) -> None:
    target = f"user:{user}"
    assert Words(Line(1, target_text(target))).target() == target


@pytest.mark.parametrize("seed", [20260101120000, 2**53])
@pytest.mark.parametrize("statement", ["faults all loss=0.5", "rest_fault POST /messages status=503"])
def test_every_seed_of_faults_is_read(statement: str, seed: int) -> None:
    """Regression: one of more than ten digits was an error, although it is in the range that the error named."""
    text = f"{statement} seed {seed}\n"
    session = parse_transcript(text)
    assert session.steps[0].to_json()["seed"] == seed
    assert format_transcript(parse_lines(format_lines(session)).session) == text
    with pytest.raises(InvalidSession, match="from 0 to 9,007,199,254,740,992"):
        parse_transcript(f"{statement} seed {2**53 + 1}\n")


def test_a_rule_for_one_time_is_written_in_the_singular_or_plural() -> None:
    for text in ("when typing 1 time\n    alice: hi\n", "when typing 1 times\n    alice: hi\n"):
        session = parse_transcript(text)
        (step,) = session.steps
        assert isinstance(step.action, actions.When)
        assert step.action.times == 1
        assert format_transcript(session) == text
