"""The columnar row store behaves like a plain list of rows."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.hub.origin import PANEL, SERVER
from app.hub.row import Kind, Row, Verdict
from app.hub.row_store import CHUNK_ROWS, MAX_CACHED_KEYS, RowStore


def add(store: RowStore, number: int, size: int = 3) -> Row:
    """Add a row with this number to ``store``, and return it."""
    payload = bytes([number % 256]) * size
    event = ("one", "two", "three")[number % 3]
    row = Row(number, number / 4, number / 2, Kind.TO_UI, "all", event, payload, size, Verdict.OK, "", PANEL)
    store.add(row)
    return row


def store_with_rows(rows: int, capacity: int = 100_000) -> tuple[RowStore, list[Row]]:
    store = RowStore(capacity)
    added = [add(store, number) for number in range(1, rows + 1)]
    return store, added[-capacity:]


def rows_of(store: RowStore) -> list[Row | None]:
    return [store.row(seq) for seq in range(store.first, store.last + 1)]


@given(
    capacity=st.sampled_from([1, 2, 7, CHUNK_ROWS - 1, CHUNK_ROWS, CHUNK_ROWS + 1, 3 * CHUNK_ROWS]),
    steps=st.lists(st.one_of(st.integers(1, 2 * CHUNK_ROWS), st.none()), max_size=8),
)
def test_a_store_behaves_like_a_bounded_list(capacity: int, steps: list[int | None]) -> None:
    """A number adds that many rows. None drops the oldest row."""
    store, model, next_number = RowStore(capacity), list[Row](), 1
    for step in steps:
        if step is None:
            if model:
                store.drop()
                del model[0]
            continue
        for number in range(next_number, next_number + step):
            model.append(add(store, number))
        next_number += step
        del model[: max(0, len(model) - capacity)]
    assert rows_of(store) == model
    assert len(store) == len(model)
    assert store.bytes == sum(row.size for row in model)
    assert store.row(store.first - 1) is None
    assert store.row(store.last + 1) is None


def test_columns_cross_chunks_and_are_limited_to_the_stored_rows() -> None:
    store, rows = store_with_rows(3 * CHUNK_ROWS + 5, 2 * CHUNK_ROWS + 100)
    for first, last in (
        (0, 10**9),
        (CHUNK_ROWS, 2 * CHUNK_ROWS + 1),
        (2 * CHUNK_ROWS, 2 * CHUNK_ROWS),
        (5, 6),
        (9, 8),
    ):
        keys, times, payloads, seqs, _ = store.columns(first, last)
        expected = [row for row in rows if first <= row.seq <= last]
        assert [key.event for key in keys] == [row.event for row in expected]
        assert times == [row.wall for row in expected]
        assert list(seqs) == [row.seq for row in expected]
        assert payloads == [row.payload for row in expected]


def test_rows_are_selected_by_their_numbers() -> None:
    store, rows = store_with_rows(3 * CHUNK_ROWS + 5, 2 * CHUNK_ROWS + 5)
    requested = [CHUNK_ROWS + 1, 2 * CHUNK_ROWS, 3 * CHUNK_ROWS, 3 * CHUNK_ROWS + 2]
    keys, times, payloads, seqs, _ = store.select(requested)
    assert seqs == requested
    by_number = {row.seq: row for row in rows}
    assert [key.event for key in keys] == [by_number[seq].event for seq in requested]
    assert times == [by_number[seq].wall for seq in requested]
    assert payloads == [by_number[seq].payload for seq in requested]


def test_a_copy_is_unchanged_when_rows_are_added() -> None:
    for rows in (0, 5, CHUNK_ROWS, 2 * CHUNK_ROWS + 5):
        store, before = store_with_rows(rows, 3 * CHUNK_ROWS)
        copy = store.copy()
        for number in range(rows + 1, rows + 4 * CHUNK_ROWS):
            add(store, number, size=2 * CHUNK_ROWS)
        assert rows_of(copy) == before


def test_a_copy_keeps_large_payloads_that_are_dropped_later() -> None:
    store = RowStore(3 * CHUNK_ROWS)
    before = [add(store, number, size=CHUNK_ROWS + 1) for number in range(1, 3 * CHUNK_ROWS + 1)]
    copy = store.copy()
    for number in range(3 * CHUNK_ROWS + 1, 5 * CHUNK_ROWS + 10):
        add(store, number)
    assert rows_of(copy) == before


@pytest.mark.parametrize("later_rows", [1, CHUNK_ROWS])
def test_a_large_payload_is_released_when_its_row_is_dropped(later_rows: int) -> None:
    store, _ = store_with_rows(0)
    large = add(store, 1, size=10 * CHUNK_ROWS).payload
    for number in range(2, 2 + later_rows):
        add(store, number)
    store.drop()
    assert gc.get_referrers(large) == []


def test_rows_with_equal_fields_share_a_key() -> None:
    store, _ = store_with_rows(2 * CHUNK_ROWS + 10)
    assert len(set(store.columns(1, store.last).keys)) == 3


def test_the_key_cache_is_bounded_when_every_note_differs() -> None:
    store = RowStore(CHUNK_ROWS)
    for number in range(1, 2 * MAX_CACHED_KEYS):
        store.add(Row(number, 0.0, 0.0, Kind.SERVER, "", "x", b"", 0, Verdict.OK, f"note {number}", SERVER))
    assert len(store._keys) <= MAX_CACHED_KEYS
    assert [key.note for key in store.columns(store.last, store.last).keys] == [f"note {store.last}"]


def test_newest_before_finds_the_newest_earlier_row_that_matches() -> None:
    store, rows = store_with_rows(2 * CHUNK_ROWS + 10, 2 * CHUNK_ROWS)
    for seq in (store.last + 1, store.last, CHUNK_ROWS + 3, store.first + 3):
        before = store.newest_before(seq, lambda key: key.event == "one")
        assert before == next(row for row in reversed(rows) if row.seq < seq and row.event == "one")
    assert store.newest_before(store.last, lambda key: key.event == "none") is None
    assert store.newest_before(store.first, lambda _: True) is None
    newest = store.newest_before(store.last, lambda _: True, store.last - 2)
    assert newest is not None
    assert newest.seq == store.last - 1
    assert store.newest_before(store.last, lambda _: True, store.last - 1) is None
