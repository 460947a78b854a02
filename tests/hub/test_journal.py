"""The journal: sequence numbers, limits and listeners."""

import pytest

from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import client_origin
from tests.hub.doubles import FakeTime


def seqs(journal: Journal) -> list[int]:
    return [row.seq for row in journal]


def journal_of(rows: int, *, max_rows: int = 100) -> Journal:
    journal = Journal(max_rows=max_rows)
    for _ in range(rows):
        journal.append(Kind.SERVER, "x")
    return journal


def test_rows_are_numbered_from_one() -> None:
    journal = Journal()
    assert (journal.first_seq, journal.last_seq, len(journal)) == (1, 0, 0)
    assert [journal.append(Kind.SERVER, "x").seq for _ in range(3)] == [1, 2, 3]
    assert (journal.first_seq, journal.last_seq, len(journal)) == (1, 3, 3)


def test_a_row_has_its_times_and_the_size_of_its_payload() -> None:
    time = FakeTime()
    row = Journal(time.clock).append(
        Kind.FROM_UI,
        "typing",
        payload="ü".encode(),
        client="3",
        verdict=Verdict.WARNING,
        note="n",
        origin=client_origin(3),
        user="zoe",
    )
    assert row == Row(
        1, time.clock.wall(), time.clock.mono(),
        Kind.FROM_UI, "3", "typing", "ü".encode(), 2, Verdict.WARNING, "n", client_origin(3), "zoe",
    )  # fmt: skip


def test_directions_are_stored_as_s2c_and_c2s() -> None:
    assert (Kind.TO_UI, Kind.FROM_UI) == ("s2c", "c2s")


def test_the_journal_keeps_the_newest_rows_and_counts_dropped_rows() -> None:
    journal = journal_of(13, max_rows=10)
    assert seqs(journal) == list(range(4, 14))
    assert (journal.first_seq, journal.last_seq, journal.dropped) == (4, 13, 3)


def test_the_journal_is_also_bounded_by_bytes() -> None:
    journal = Journal(max_bytes=100)
    for _ in range(5):
        journal.append(Kind.TO_UI, "x", payload=b"y" * 40)
    assert seqs(journal) == [4, 5]
    assert journal.dropped == 3
    journal.append(Kind.SERVER, "small")
    assert seqs(journal) == [4, 5, 6]


def test_a_row_larger_than_the_size_limit_is_emitted_but_not_stored() -> None:
    journal = Journal(max_bytes=10)
    emitted: list[Row] = []
    journal.appended.connect(emitted.append)
    journal.append(Kind.TO_UI, "x", payload=b"y" * 11)
    journal.append(Kind.TO_UI, "x", payload=b"y")
    assert [row.seq for row in emitted] == [1, 2]
    assert (seqs(journal), journal.dropped) == ([2], 1)


def test_a_row_is_in_the_journal_when_appended_is_emitted() -> None:
    journal = Journal()
    found: list[bool] = []
    journal.appended.connect(lambda row: found.append(row in list(journal)))
    journal.append(Kind.SERVER, "x")
    assert found == [True]


@pytest.mark.parametrize(
    ("seq", "rows"),
    [(0, [4, 5, 6]), (-5, [4, 5, 6]), (2, [4, 5, 6]), (3, [4, 5, 6]), (4, [5, 6]), (5, [6]), (6, []), (60, [])],
)
def test_after_returns_the_kept_rows_with_a_higher_number(seq: int, rows: list[int]) -> None:
    assert [row.seq for row in journal_of(6, max_rows=3).after(seq)] == rows


def test_after_returns_nothing_in_an_empty_journal() -> None:
    assert Journal().after(0) == []


@pytest.mark.parametrize("seq", [4, 5, 6])
def test_a_row_is_found_by_its_number_while_it_is_kept(seq: int) -> None:
    row = journal_of(6, max_rows=3).row(seq)
    assert row is not None
    assert row.seq == seq


@pytest.mark.parametrize("seq", [-1, 0, 1, 3, 7, 100])
def test_the_number_of_a_dropped_or_future_row_has_no_row(seq: int) -> None:
    assert journal_of(6, max_rows=3).row(seq) is None


def test_an_empty_journal_has_no_rows() -> None:
    assert [Journal().row(seq) for seq in (-1, 0, 1)] == [None, None, None]
    journal = Journal(max_bytes=1)
    journal.append(Kind.TO_UI, "x", payload=b"too large")
    assert [journal.row(seq) for seq in (0, 1, 2)] == [None, None, None]


def test_a_row_has_no_user_by_default() -> None:
    assert Journal().append(Kind.SERVER, "x").user == ""
