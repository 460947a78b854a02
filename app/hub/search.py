"""Goes through the rows for a filter, newest first and a little at a time, so that nobody waits for it."""

from bisect import bisect_left
from collections.abc import Sequence

from app.hub.filter import Filter
from app.hub.row_store import RowStore

BATCH = 256
"""So many rows at a time, or as many as hold ``BATCH_BYTES`` on average."""
BATCH_BYTES = 256 * 1024
SLOW_BATCH = 16
"""An expression may take milliseconds for each."""


class IncrementalSearch:
    """Looks at the rows ``first`` to ``last``.

    ``among``: above ``last`` only these numbers, in order, can pass; they come from an earlier search.
    """

    def __init__(self, wanted: Filter, first: int, last: int, among: Sequence[int] = ()) -> None:
        self._wanted = wanted
        self._first = first
        self._last = last
        self._among = among
        self._left = len(among)

    @property
    def below(self) -> int:
        """Every number above this one has been looked at."""
        return self._among[self._left - 1] if self._left else self._last

    @property
    def done(self) -> bool:
        """Whether every row has been looked at."""
        return self._left == 0 and self._last < self._first

    def step(self, rows: RowStore) -> list[int]:
        """Look at some more rows; returns the numbers of those that pass, in order."""
        self._first = max(self._first, rows.first)
        size = batch_size(self._wanted, rows)
        if self._left:
            return self._step_among(rows, size)
        start = max(self._first, self._last - size + 1)
        span = rows.span(start, self._last)
        self._last = start - 1
        return [start + place for place in self._wanted.passing(span)]

    def _step_among(self, rows: RowStore, size: int) -> list[int]:
        start = max(0, self._left - size)
        numbers = self._among[start : self._left]
        self._left = start
        numbers = numbers[bisect_left(numbers, rows.first) :]
        if not numbers:
            return []
        first, last = numbers[0], numbers[-1]
        if last - first < 2 * len(numbers):  # most of their neighbours: to read them all is cheaper than to pick
            among = range(len(numbers)) if last - first < len(numbers) else [seq - first for seq in numbers]
            return [first + place for place in self._wanted.passing(rows.span(first, last), among)]
        return [numbers[place] for place in self._wanted.passing(rows.pick(numbers))]


def batch_size(wanted: Filter, rows: RowStore) -> int:
    """Return how many rows can be looked at in about a tenth of a millisecond."""
    if wanted.slow:
        return SLOW_BATCH
    return max(1, min(BATCH, BATCH_BYTES * len(rows) // (rows.bytes + 1)))
