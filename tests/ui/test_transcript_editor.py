"""The editor of scenarios: colours, completions, and results that move with their lines."""

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QTextCursor
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QWidget

from app.hub.session_run import SessionProblem, SessionRun, StepResult
from app.protocol.catalog import built_in
from app.ui import theme
from app.ui.scenario_runs import Played, moved_results
from app.ui.widgets.transcript_completion import offers_from, transcript_completions
from app.ui.widgets.transcript_editor import LineResult, TranscriptEditor
from app.ui.widgets.transcript_words import parts_of

OFFERS = offers_from(
    built_in(), ["alice", "bob", "Mary Ann"], ["nasty/markup", "nasty/bidi override", "basics/message"], ["me"]
)


def kinds(line: str) -> list[tuple[str, str]]:
    return [(line[part.start : part.end], part.kind) for part in parts_of(line)]


def offered(before: str, *, asked: bool = False) -> list[str]:
    return list(transcript_completions(before, OFFERS, asked=asked).choices)


# colours


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("", []),
        ("  # a comment: with a colon", [("# a comment: with a colon", "comment")]),
        ("alice: hi at 2s to all", [("alice", "name")]),
        ("alice (types 1.5s): hi {{uuid}}", [
            ("alice", "name"), ("types", "keyword"), ("1.5s", "duration"), ("{{uuid}}", "template"),
        ]),
        ('"Mary Ann" comes online', [('"Mary Ann"', "name"), ("comes", "keyword"), ("online", "keyword")]),
        ("    wait 500ms", [("wait", "keyword"), ("500ms", "duration")]),
        ('expect POST /messages where text="hi there" within 2s', [
            ("expect", "keyword"), ("POST", "keyword"), ("where", "keyword"), ('"hi there"', "string"),
            ("within", "keyword"), ("2s", "duration"),
        ]),
        ("note wait 2s as alice", [("note", "keyword")]),
        ("note (see below): wait", [("note", "keyword")]),
        ('! {"say": "hi", "typing": 2}', [
            ("!", "keyword"), ('"say"', "keyword"), ('"hi"', "string"), ('"typing"', "keyword"), ("2", "duration"),
        ]),
        ("zzz", [("zzz", "name")]),
    ],
)  # fmt: skip
def test_the_parts_of_a_line_are_recognized(line: str, expected: list[tuple[str, str]]) -> None:
    assert kinds(line) == expected


@given(st.text(alphabet=st.characters(exclude_characters="\n"), max_size=60))
def test_any_line_has_parts_in_order_and_inside_of_it(line: str) -> None:
    at = 0
    for part in parts_of(line):
        assert at <= part.start <= part.end <= len(line)
        at = part.start


def test_colours_are_right_after_an_emoji(show: Callable[[QWidget], None]) -> None:
    editor = TranscriptEditor(lambda: OFFERS)
    show(editor)
    editor.set_text("alice: 👋 {{uuid}}")
    editor.highlighter.rehighlight()
    (colored,) = [
        each
        for each in editor.document().firstBlock().layout().formats()
        if each.format.foreground().color() == QColor(theme.colors().warning)
    ]
    assert (colored.start, colored.length) == (10, 8), "positions count UTF-16 code units"


# completions


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ("ali", ["alice"]),
        ("wa", ["wait for", "wait"]),
        ("M", ['"Mary Ann"', "mark", "me"]),
        ("alice ", ["comes online", "goes offline", "starts typing", "stops typing"]),
        ("alice comes ", ["online"]),
        ("fire typ", ["typing"]),
        ("fire mark", ["nasty/markup"]),
        ("fire nasty/b", ['"nasty/bidi override"']),
        ("fire nasty/markup as ", ["alice", "bob", '"Mary Ann"']),
        ("fire typing to b", ["bob"]),
        ("fire typing to M", ["me", '"Mary Ann"']),
        ("fire typing with ", ["username=", "typing="]),
        ('fire typing with username="Mary A', ['username="Mary Ann"']),
        ('fire typing to "Mary A', ['"Mary Ann"']),
        ('fire typing to "Mary Ann" a', ["as"]),
        ("expect typing from ", ["me", "alice", "bob", '"Mary Ann"']),
        ('"Mary Ann" ', ["comes online", "goes offline", "starts typing", "stops typing"]),
        ("note I will talk to ", []),
        ("mark from ", []),
        ("note at {{no", ["now", "now-5m"]),
        ("wait 2s w", []),
        ("wait for bob w", ["within"]),
        ("close a", ["all", "alice"]),
        ("expect ", ["typing", "mark_read", "POST /messages", "POST /friends", "GET /messages", "GET /friends"]),
        ("expect typing f", ["from"]),
        ("expect typing from b", ["bob"]),
        ("expect typing where ", ["to=", "typing="]),
        ("expect typing where to=b", ["to=bob"]),
        ("expect typing where typing=t", ["typing=true"]),
        ("when POST /m", ["/messages"]),
        ("state l", ["load"]),
        ("refuse 2 ", []),
        ("refuse 2 w", ["with"]),
        ("refuse 2 with ", ["503", "reset", "silence", "close:1013", "garbage"]),
        ("refuse 2 with cl", ["close:1013"]),
        ("alice: hello {{uu", ["uuid"]),
        ("alice: hello a", []),
        ("# a", []),
        ("", []),
        ("alice", []),
        ("wait 2s", []),
    ],
)
def test_what_is_offered(before: str, expected: list[str]) -> None:
    assert offered(before) == expected


def test_ctrl_space_offers_everything_at_the_beginning_and_what_may_follow() -> None:
    assert {"alice", "expect", "wait for"} <= set(offered("", asked=True))
    assert offered("expect typing ") == []
    assert offered("expect typing ", asked=True) == ["from", "where", "within"]


# results


def test_results_of_a_line_that_is_played_several_times_are_counted() -> None:
    run = SessionRun(1, "x", "X", 1, 1)
    played = Played(run, "")
    run.results.append(StepResult(3, "expect", True, 0.1, "after 0.10 s"))
    played.read_results()
    assert played.results == {3: LineResult(True, "after 0.10 s")}
    run.results.append(StepResult(3, "expect", False, 5, "not met within 5 s"))
    run.results.append(StepResult(3, "expect", True, 0.1, "after 0.10 s"))
    played.read_results()
    assert played.results == {3: LineResult(False, "not met within 5 s · 2 of 3 met")}


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("a\nb\nc\nd", {1: "a", 3: "c"}),
        ("new\na\nb\nc\nd", {2: "a", 4: "c"}),
        ("a\nb\nc\nd\nnew", {1: "a", 3: "c"}),
        ("a\nchanged\nc\nd", {1: "a", 3: "c"}),
        ("a\nb\nchanged\nd", {1: "a"}),
        ("c\nd", {1: "c"}),
        ("", {}),
    ],
)
def test_results_move_with_their_lines(now: str, expected: dict[int, str]) -> None:
    results = {1: LineResult(True, "a"), 3: LineResult(False, "c")}
    moved = moved_results(results, "a\nb\nc\nd", now)
    assert {line: result.detail for line, result in moved.items()} == expected


def test_a_problem_is_underlined_from_its_column_on(show: Callable[[QWidget], None]) -> None:
    editor = TranscriptEditor(lambda: OFFERS)
    show(editor)
    editor.set_text("alice: 👋\n    expect typing frm me  ")
    editor.show_problems([SessionProblem(2, "Unexpected")], {2: 19})
    (mark,) = editor.marks
    assert (
        editor.document().toPlainText().encode("utf-16-le")[2 * mark.start : 2 * mark.end].decode("utf-16-le")
        == "frm me"
    )
    assert editor.message_at(mark.start) == "Unexpected"
    assert editor.problem_at(2) == "Unexpected"


# lines

LONG = f"alice: {'x' * 2_500}"
"""A line that is displayed in several blocks."""


@pytest.fixture
def editor(show: Callable[[QWidget], None]) -> TranscriptEditor:
    editor = TranscriptEditor(lambda: OFFERS)
    show(editor)
    editor.activateWindow()
    editor.setFocus()
    return editor


def test_tab_indents_only_the_beginning_of_a_long_line(editor: TranscriptEditor, qtbot: Any) -> None:
    long = f"alice: {'y' * 493}    {'z' * 2_000}"
    text = f"note a\n{LONG}\n{long}"
    editor.set_text(text)
    editor.flush()
    qtbot.waitUntil(editor.hasFocus)
    editor.selectAll()
    qtbot.keyClick(editor, Qt.Key.Key_Tab)
    assert editor.toPlainText() == f"    note a\n    {LONG}\n    {long}"
    qtbot.keyClick(editor, Qt.Key.Key_Backtab)
    assert editor.toPlainText() == text
    qtbot.keyClick(editor, Qt.Key.Key_Backtab)
    assert editor.toPlainText() == text


@pytest.mark.parametrize(
    ("text", "line", "expected"),
    [
        ("note a\nnote b", 1, "note a\nnote 1\nnote 2\nnote b"),
        ("when typing\n    note a\n    note b", 2, "when typing\n    note a\n    note 1\n    note 2\n    note b"),
        ("when typing\n    note a", 1, "when typing\n    note 1\n    note 2\n    note a"),
        ("when typing\n    ", 2, "when typing\n    note 1\n    note 2"),
        (f"  {LONG}\nnote b", 1, f"  {LONG}\n  note 1\n  note 2\nnote b"),
    ],
)
def test_inserted_lines_get_the_indentation_of_their_place(
    editor: TranscriptEditor, text: str, line: int, expected: str
) -> None:
    editor.set_text(text)
    editor.flush()
    editor.go_to(line)
    assert editor.insert_lines("note 1\nnote 2\n")
    editor.flush()
    assert editor.toPlainText() == expected


@pytest.mark.parametrize("modifier", [Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.ShiftModifier])
def test_enter_indents_the_next_line_also_with_shift(
    modifier: Qt.KeyboardModifier, show: Callable[[QWidget], None]
) -> None:
    editor = TranscriptEditor(lambda: OFFERS)
    show(editor)
    editor.set_text("  repeat 2 times")
    editor.moveCursor(QTextCursor.MoveOperation.End)
    QTest.keyClick(editor, Qt.Key.Key_Return, modifier)
    assert editor.toPlainText() == "  repeat 2 times\n      "
