"""Pins and annotations of the journal's rows."""

import pytest

from app.hub.filter import parse
from app.hub.journal import Journal, Kind
from app.hub.row_marks import UNMARKED, Mark, RowMarks
from app.hub.row_store import CHUNK_ROWS
from app.protocol.errors import Conflict, Invalid, NotFound


def journal_with_rows(rows: int, *, max_rows: int = 5_000) -> Journal:
    journal = Journal(max_rows=max_rows)
    for _ in range(rows):
        journal.append(Kind.SERVER, "x")
    return journal


def found(journal: Journal, text: str) -> list[int]:
    rows = journal.rows
    return [rows.first + index for index in parse(text).matching(rows.columns(rows.first, rows.last))]


def test_pin_and_annotation_are_set_separately_and_listeners_are_called_for_changes() -> None:
    journal = journal_with_rows(3)
    changed: list[int] = []
    journal.rows.marks.changed.connect(changed.append)
    assert journal.mark(2, pinned=True) == Mark(True)
    assert journal.mark(2, annotation="a  b\n") == Mark(True, "a b")
    assert journal.mark(2, pinned=True) == Mark(True, "a b")
    assert journal.mark(2, pinned=False, annotation="") == UNMARKED
    assert journal.mark(3) == UNMARKED
    assert changed == [2, 2, 2]


def test_a_row_whose_lint_is_forgotten_is_reported_as_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.hub.row_marks.MAX_LINT_ROWS", 2)
    marks, changed = RowMarks(), list[int]()
    marks.changed.connect(changed.append)
    for seq in (1, 2, 2, 3):
        marks.add_lint(seq, f"rule-{len(changed)}")
    assert changed == [1, 2, 2, 1, 3]
    assert (marks[1], list(marks.lint)) == (UNMARKED, [2, 3])


def test_filters_find_marked_rows_in_old_chunks_and_among_the_newest() -> None:
    journal = journal_with_rows(2 * CHUNK_ROWS + 10)
    last = journal.last_seq
    journal.mark(5, pinned=True, annotation="Too late")
    journal.mark(last, pinned=True)
    assert found(journal, "is:pinned") == [5, last]
    assert found(journal, "is:annotated") == found(journal, "annotation:late") == [5]
    assert found(journal, "is:pinned -is:annotated") == [last]
    assert found(journal, "-is:pinned after:1h") == [seq for seq in range(1, last) if seq != 5]
    columns = journal.rows.select([4, 5, last])
    assert list(parse("is:pinned").matching(columns)) == [1, 2]


def test_only_filters_that_contain_marks_depend_on_them() -> None:
    assert all(parse(text).depends_on_marks for text in ("is:pinned", "x -is:annotated", "annotation:a"))
    assert not any(parse(text).depends_on_marks for text in ("", "is:invalid", '"is:pinned"'))


def test_a_copy_of_the_rows_shows_later_marks() -> None:
    journal = journal_with_rows(3)
    copy = journal.rows.copy()
    journal.mark(1, pinned=True)
    assert copy.marks[1].pinned


def test_a_discarded_row_cannot_be_marked_and_its_mark_is_forgotten() -> None:
    journal = journal_with_rows(3, max_rows=3)
    journal.mark(1, pinned=True)
    journal.mark(2, pinned=True)
    with pytest.raises(Conflict, match="At most 2 rows"):
        journal.mark(3, pinned=True, most=2)
    journal.append(Kind.SERVER, "x")
    with pytest.raises(NotFound, match="Row 1 is not in the log"):
        journal.mark(1, pinned=False)
    journal.mark(3, pinned=True)
    assert journal.rows.marks[1] == UNMARKED


def test_a_long_annotation_is_rejected() -> None:
    journal = journal_with_rows(1)
    with pytest.raises(Invalid, match="at most 500 characters"):
        journal.mark(1, annotation="x" * 501)
    assert journal.rows.marks[1] == UNMARKED
