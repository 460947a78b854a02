"""Search the journal for the rows that match a filter, newest first, in steps short enough for the event loop.
The caller calls ``step`` until ``done``; each call tests some rows and returns the numbers of those that match.
"""

from bisect import bisect_left
from collections.abc import Sequence

from app.hub.filter import Filter
from app.hub.row_store import RowStore

STEP_ROWS = 256
"""The most rows that one step tests."""
STEP_BYTES = 256 * 1024
"""A step tests fewer rows if their payloads would exceed this size on average."""
SLOW_STEP_ROWS = 16
"""The number of rows per step if the filter has a regular expression, which may take milliseconds per row."""


class IncrementalSearch:
    """Search the rows ``first`` to ``last``, newest first; call ``step`` until ``done``.

    ``candidates`` are numbers above ``last`` in ascending order: results of an earlier, wider search, which are
    tested first. No other row above ``last`` can match.
    """

    def __init__(self, wanted: Filter, first: int, last: int, candidates: Sequence[int] = ()) -> None:
        self._wanted = wanted
        self._first = first
        self._last = last
        self._candidates = candidates
        self._candidates_left = len(candidates)

    @property
    def tested_above(self) -> int:
        """Every row with a number above this one has been tested."""
        return self._candidates[self._candidates_left - 1] if self._candidates_left else self._last

    @property
    def done(self) -> bool:
        """Whether every row has been tested."""
        return self._candidates_left == 0 and self._last < self._first

    def step(self, rows: RowStore) -> list[int]:
        """Test the next rows, and return the numbers of those that match, in ascending order."""
        self._first = max(self._first, rows.first)
        size = step_size(self._wanted, rows)
        if self._candidates_left:
            return self._test_candidates(rows, size)
        start = max(self._first, self._last - size + 1)
        columns = rows.columns(start, self._last)
        self._last = start - 1
        return [start + index for index in self._wanted.matching(columns)]

    def _test_candidates(self, rows: RowStore, size: int) -> list[int]:
        start = max(0, self._candidates_left - size)
        numbers = self._candidates[start : self._candidates_left]
        self._candidates_left = start
        numbers = numbers[bisect_left(numbers, rows.first) :]
        if not numbers:
            return []
        first, last = numbers[0], numbers[-1]
        if last - first < 2 * len(numbers):  # dense: reading the whole range is cheaper than selecting rows
            indexes = range(len(numbers)) if last - first < len(numbers) else [seq - first for seq in numbers]
            return [first + index for index in self._wanted.matching(rows.columns(first, last), indexes)]
        return [numbers[index] for index in self._wanted.matching(rows.select(numbers))]


def step_size(wanted: Filter, rows: RowStore) -> int:
    """Return how many rows can be tested in about 0.1 ms."""
    if wanted.slow:
        return SLOW_STEP_ROWS
    return max(1, min(STEP_ROWS, STEP_BYTES * len(rows) // (rows.bytes + 1)))
