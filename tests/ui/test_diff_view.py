"""The diff of a frame to the previous frame of the same event."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtWidgets import QApplication, QWidget

from app.hub.journal import Journal, Kind, Row
from app.ui import theme
from app.ui.widgets.details import pretty
from app.ui.widgets.diff_view import MAX_LINES, DiffView, diff, previous_alike
from tests.hub.doubles import FakeTime

pytestmark = pytest.mark.usefixtures("styled")

LINES = st.lists(st.sampled_from(["{", "}", '"a": 1', '"b": 2', ""]), max_size=8)


@given(LINES, LINES)
def test_both_sides_can_be_read_from_a_diff(before: list[str], after: list[str]) -> None:
    lines = diff(before, after)
    assert [line[2:] for line in lines if line[0] in " -"] == before
    assert [line[2:] for line in lines if line[0] in " +"] == after


def test_unchanged_lines_are_not_marked_as_changes() -> None:
    assert diff(["a", "b"], ["a", "c", "b"]) == ["  a", "+ c", "  b"]


@pytest.fixture
def view(show: Callable[[QWidget], None]) -> DiffView:
    view = DiffView()
    show(view)
    return view


def rows(*payloads: bytes) -> list[Row]:
    clock = FakeTime()
    journal = Journal(clock.clock)
    result = []
    for payload in payloads:
        result.append(journal.append(Kind.TO_UI, "x", payload=payload))
        clock.passed += 1.5
    return result


def compare(view: DiffView, *payloads: str) -> list[str]:
    return compare_bytes(view, *(each.encode() for each in payloads))


def compare_bytes(view: DiffView, *payloads: bytes) -> list[str]:
    before, after = rows(*payloads)
    view.compare(before, after, pretty)
    return view.toPlainText().split("\n")


def test_the_first_line_shows_number_and_age_of_the_previous_row(view: DiffView) -> None:
    assert compare(view, '{"a": 1}', '{"a": 2}') == [
        "Since #1 · 1.500 s earlier",
        "",
        "  {",
        '-   "a": 1',
        '+   "a": 2',
        "  }",
    ]


def test_frames_that_differ_only_in_formatting_have_no_diff(view: DiffView) -> None:
    assert compare(view, '{"a":1}', '{"a":1}')[2:] == ["Identical"]
    assert compare(view, '{"a":1}', '{"a": 1}')[2:] == ["Same content, different formatting"]


def test_duplicate_keys_and_all_digits_of_a_number_are_compared(view: DiffView) -> None:
    assert compare(view, '{"a":1,"a":2}', '{"a":3,"a":2}')[3:-1] == ['-   "a": 1,', '+   "a": 3,', '    "a": 2']
    assert compare(view, "[1.10]", "[1.1]")[3:-1] == ["-   1.10", "+   1.1"]


def test_frames_with_different_invalid_bytes_are_compared_as_they_are(view: DiffView) -> None:
    assert compare_bytes(view, b'{"a":"\xfe"}', b'{"a":"\xff"}')[2:] == [
        r'- {"a":"\xfe"}',
        r'+ {"a":"\xff"}',
    ]


def test_long_frames_are_not_compared(view: DiffView) -> None:
    long = "[" + ",".join("1" * MAX_LINES) + "]"
    assert compare(view, "[1]", long)[2:] == [f"Too long to compare (more than {MAX_LINES} lines)"]


def test_invalid_json_is_compared_as_text(view: DiffView) -> None:
    assert compare(view, "{nope", "{nope!")[2:] == ["- {nope", "+ {nope!"]


def colors(view: DiffView) -> list[str]:
    block = view.document().begin()
    found = []
    while block.isValid():
        formats = block.layout().formats()
        found.append(formats[0].format.foreground().color().name() if formats else "")
        block = block.next()
    return found


def test_changes_have_the_colours_of_the_current_scheme(view: DiffView, qapp: QApplication) -> None:
    compare(view, '{"a": 1}', '{"a": 2}')
    light = theme.LIGHT
    assert colors(view) == [light.muted, "", "", light.error, light.ok, ""]
    theme.apply(qapp, "dark")
    try:
        assert colors(view) == [theme.DARK.muted, "", "", theme.DARK.error, theme.DARK.ok, ""]
    finally:
        theme.apply(qapp, "light")


def test_previous_alike_returns_the_kept_row_with_the_same_name_and_direction() -> None:
    journal = Journal(max_rows=4_000)
    first = journal.append(Kind.TO_UI, "typing")
    for _ in range(3_000):
        journal.append(Kind.TO_UI, "new_message")
    journal.append(Kind.FROM_UI, "typing")
    last = journal.append(Kind.TO_UI, "typing")
    assert previous_alike(journal.rows, last) == first
    assert previous_alike(journal.rows, first) is None
    for _ in range(1_000):
        journal.append(Kind.SERVER, "x")
    assert previous_alike(journal.rows, last) is None
