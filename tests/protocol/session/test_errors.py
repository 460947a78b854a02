"""An invalid session is rejected with the line, the column and what to write instead."""

from collections.abc import Callable

import pytest

from app.protocol.session.errors import InvalidSession
from app.protocol.session.lines import parse_lines
from app.protocol.session.saved import LINES, TRANSCRIPT, parse_session
from app.protocol.session.transcript import parse_transcript


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("exepct typing", 1, 1, "Unknown statement 'exepct'; did you mean expect?"),
        ("bob: hi\nalice (typs 2s): hi", 2, 8, "Use (types 2s), (to NAME) or both."),
        ("expect typing frm me", 1, 15, "Unexpected 'frm'. Use from NAME, where PATH=VALUE or within 5s."),
        ("wait 2", 1, 6, "Invalid duration '2'. Write it like 400ms, 2s or 1.5s."),
        ("wait 500ms x", 1, 12, "Unexpected 'x'."),
        ("wait 99999s", 1, 6, "The duration 99999s is too long. Use at most 86400s."),
        ("wait 80000s\nwait 80000s", 2, 1, "The pause is longer than 86,400 s."),
        ("repeat 3\nalice: x", 1, 1, "Add at least one step below, indented by four spaces."),
        (
            "repeat 1000000000\n    alice: x",
            1,
            8,
            "Add the number of repetitions. Use a whole number from 1 to 10,000.",
        ),
        ("   alice: x", 1, 4, "Indent by four spaces or one tab for each level."),
        ("alice: x\n    bob: y", 2, 5, "Unexpected indentation: only the steps of when and repeat are indented."),
        ('fire x with a="b', 1, 15, "A quotation mark is not closed."),
        ("fire x with data.a=b", 1, 1, "'data.a' is not the name of a field."),
        ("when POST", 1, 10, "Add a path like /messages."),
        ("when typing 3", 1, 14, "Add times after the number."),
        ('! {"a": 1}', 1, 1, "Unknown kind of step. A step has one of the keys say, fire,"),
        ("! {a", 1, 4, "invalid JSON: Expecting property name enclosed in double quotes."),
        ("close all 99", 1, 1, "code must be at least 1000."),
        ("refuse 0", 1, 8, "Add the number of connections. Use a whole number from 1 to 10,000."),
        ("alice:", 1, 7, 'Add the text of the message, or "" for an empty one.'),
        ("seed 3\nalice: hi\nseed 4", 3, 1, "seed and me must come before the first step."),
        ("seed x", 1, 6, "Invalid seed. Use a whole number from 0 to 4,294,967,295."),
        ("expect typing where to=a within 2s where text=hi", 1, 36, "where is given twice."),
        ("expect typing within 2s within 3s", 1, 25, "within is given twice."),
        ("when typing from alice from bob\n    a: x", 1, 24, "from is given twice."),
        ("when typing 3 times 4 times\n    a: x", 1, 23, "times is given twice."),
        ("when typing 3 times 1 time\n    a: x", 1, 23, "times is given twice."),
        ("alice: hi\nfire x with a=1 to alice with b=2", 2, 26, "with is given twice."),
        ("fire x as alice to a as bob", 1, 22, "as is given twice."),
        ("alice (types 2s to bob types 3s): hi", 1, 24, "types is given twice."),
        ("faults all seed 1 loss=0.5 seed 2", 1, 28, "seed is given twice."),
        ("faults all profile a profile b", 1, 22, "profile is given twice."),
        ("rest_fault GET /x seed 1 status=503 seed 2", 1, 37, "seed is given twice."),
        (
            "rest_fault GET /x status=503 status=404",
            1,
            1,
            "Not a valid REST fault: status is given twice.",
        ),
        ("expect typing where to=a to=b", 1, 26, "'to' is given twice."),
        ("seed 1\n\nseed 2\nalice: hi", 3, 1, "seed is given twice."),
        ("repeat 2\n" * 20, 1, 1, "Add at least one step below"),
        ('bob: hi\nalice: "\\ud83d"', 2, 8, "The text contains a lone surrogate, which is not valid Unicode."),
        ('close all 1000 "\\ud800"', 1, 16, "The text contains a lone surrogate"),
        ('fire x with a="b" text="\\ud800"', 1, 24, "The text contains a lone surrogate"),
        ('fire x with a[="b"', 1, 13, "Invalid condition: "),
        ('"\\ud800": hi', 1, 1, "The text contains a lone surrogate"),
        ('me "\\ud800"', 1, 4, "The text contains a lone surrogate"),
        ('! {"session": 1, "title": "\\ud800"}', 1, 18, "contains a lone surrogate"),
        ('! {"session": 1, "x": NaN}', 1, 2, "NaN is not valid JSON."),
        ('! {"session": 1, "seed": 1, "seed": 2}', 1, 29, "duplicate key."),
        ('! {"session": 1, "x": ' + "[" * 40 + "]" * 40 + "}", 1, 2, "nested deeper than 32 levels."),
    ],
)
def test_an_invalid_statement_is_reported_with_its_place(text: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(InvalidSession) as caught:
        parse_transcript(text)
    error = caught.value
    assert (error.line, error.column) == (line, column)
    assert error.reason.startswith(reason)
    sentence, excerpt, caret = str(error).split("\n")
    assert sentence == f"line {line}, column {column}: {error.reason}"
    assert excerpt == f"    {text.splitlines()[line - 1]}"
    assert caret.index("^") == 4 + column - 1


def test_too_deep_nesting_is_rejected() -> None:
    lines = [f"{'    ' * depth}repeat 2" for depth in range(10)]
    with pytest.raises(InvalidSession, match="Steps are nested deeper than 8 levels"):
        parse_transcript("\n".join(lines))


def test_repeats_inside_repeats_are_counted() -> None:
    text = "repeat 10000\n    repeat 10000\n        repeat 10\n            alice: x\n"
    with pytest.raises(InvalidSession, match="line 1, column 1: This plays 1,000,000,000 steps; at most 1,000,000"):
        parse_transcript(text)
    lines = '{"session": 1}\n{"repeat":9000,"steps":[{"mark":"a"},{"repeat":9000,"steps":[{"mark":"b"}]}]}\n'
    with pytest.raises(InvalidSession, match="line 2, column 2: This plays 81,009,000 steps"):
        parse_lines(lines)
    parse_transcript("repeat 10000\n    repeat 99\n        alice: x\n")


HEADER = '{"session": 1}\n'


@pytest.mark.parametrize(
    ("text", "line", "column", "reason"),
    [
        ("", 1, 0, 'The first line must be a header like {"session": 1, "title": "…"}.'),
        ("x", 1, 1, 'The first line must be a header like {"session": 1, "title": "…"}.'),
        ('{"say": "x", "as": "y"}', 1, 1, "The first line must be a header"),
        ('{"session": 1, "x": NaN}', 1, 1, "NaN is not valid JSON."),
        ('{"session": 1, "seed": 1, "seed": 2}', 1, 27, "duplicate key."),
        ('{"session": 2}', 1, 2, "The session has version 2 of the format, and this program reads version 1."),
        ('{"session": 1, "seed": -1}', 1, 16, "seed must be at least 0."),
        (HEADER + '{"say":"x"}', 2, 1, "The step lacks the field as."),
        (HEADER + '{"say":"x","as":3}', 2, 12, "as must be text, not a number."),
        (HEADER + '{"sya":"x","as":"y"}', 2, 1, "Unknown kind of step; did you mean say?"),
        (HEADER + "[]", 2, 1, "A step must be an object"),
        (
            HEADER + '{"say":"x","as":"y","fire":"z"}',
            2,
            21,
            "A step does one thing, but this one has the keys say and",
        ),
        (HEADER + '{"repeat":2,"steps":[{"say":1,"as":"x"}]}', 2, 23, "say must be text, not a number."),
        (HEADER + '{"say":"x\n{"mark":"x"}\n', 2, 8, "invalid JSON: Unterminated string."),
        (HEADER + '{"after":-1,"mark":"x"}', 2, 2, "after must be at least 0."),
    ],
)
def test_an_invalid_line_is_reported_with_its_place(text: str, line: int, column: int, reason: str) -> None:
    with pytest.raises(InvalidSession) as caught:
        parse_lines(text)
    assert (caught.value.line, caught.value.column) == (line, column)
    assert caught.value.reason.startswith(reason)


def test_a_long_line_is_cut_around_the_place() -> None:
    with pytest.raises(InvalidSession) as caught:
        parse_transcript(f"expect typing where text={'x' * 300} frm me")
    _, excerpt, caret = str(caught.value).split("\n")
    assert len(excerpt) < 130
    assert excerpt[caret.index("^") :].startswith("frm me")


def test_an_incomplete_last_line_of_a_recording_is_left_out_and_reported() -> None:
    read = parse_lines('{"session": 1, "kind": "recording"}\n{"mark": "a"}\n{"mark": "b')
    assert [each.to_json() for each in read.session.steps] == [{"mark": "a"}]
    assert read.incomplete == 3


def test_an_invalid_last_line_with_a_line_break_is_an_error() -> None:
    with pytest.raises(InvalidSession, match="line 2"):
        parse_lines(HEADER + '{"mark": "b\n')


def test_an_invalid_last_line_of_a_scenario_is_an_error() -> None:
    with pytest.raises(InvalidSession, match="line 2"):
        parse_lines(HEADER + '{"mark": b}')


def test_a_step_in_json_may_have_the_key_that_repeat_uses_for_its_pause() -> None:
    (step,) = parse_transcript('! {"say": "hi", "as": "a", "every": 5}').steps
    assert step.to_json()["every"] == 5
    (repeat,) = parse_transcript('! {"repeat": 2, "steps": [], "every": "x"}\n    a: hi').steps
    assert len(repeat.steps) == 1


def test_files_with_windows_line_breaks_and_a_byte_order_mark_are_read() -> None:
    assert len(parse_lines("\ufeff" + HEADER.replace("\n", "\r\n") + '{"mark": "a"}\r\n').session.steps) == 1
    session = parse_transcript("\ufeff# Title\r\nalice: hi\r\n")
    assert (session.header.title, session.steps[0].to_json()) == ("Title", {"say": "hi", "as": "alice"})


@pytest.mark.parametrize(
    ("parse", "header", "line"),
    [(parse_lines, HEADER, '{"mark": "a"}\n'), (parse_transcript, "# Title\n", "wait 1s\n")],
    ids=["lines", "transcript"],
)
def test_a_session_with_too_many_lines_is_rejected_before_it_is_read(
    monkeypatch: pytest.MonkeyPatch, parse: Callable[[str], object], header: str, line: str
) -> None:
    """Each short line of a file of 250 MB needs 250 bytes of memory."""
    monkeypatch.setattr("app.protocol.session.errors.MAX_LINES", 3)
    assert parse(header + line * 2)
    with pytest.raises(InvalidSession, match=r"The session has 4 lines; at most 3 can be read\. Record less\."):
        parse(header + line * 3)


@pytest.mark.parametrize(
    ("text", "suffix"),
    [("# x\nalice: hi\nalice: ho\n", TRANSCRIPT), ('{"session": 1}\n{"mark": "x"}\n{"mark": "y"}\n', LINES)],
)
def test_parsing_can_be_given_up(text: str, suffix: str) -> None:
    """Regression: a long session was parsed to its end after its client had disconnected."""

    class GivenUp(Exception):
        pass

    calls = 0

    def go_on() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            raise GivenUp

    with pytest.raises(GivenUp):
        parse_session(text, suffix, go_on)
