"""Store the newest rows of the journal, up to a limit, in columns: each costs its payload and about 70 bytes.

A row is split into a ``RowKey`` (rows with equal values usually share one key object), its number, its wall-clock
and monotonic time, and its payload. The newest rows stay as ``Row`` objects, which is cheapest while events
arrive quickly. Every ``CHUNK_ROWS`` rows, they are converted to a chunk of columns. Old rows are then no objects of
their own, so the garbage collector does not visit them; ``row`` builds one on request. The memory of removed rows
is freed one chunk at a time, that of large payloads at once. Copies of the store share most of its chunks.
"""

import sys
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import NamedTuple

from app.hub.row import Kind, Row, RowKey, Verdict
from app.hub.row_marks import NO_MARKS, RowMarks

CHUNK_ROWS = 1024

_KeyFields = tuple[Kind, str, str, Verdict, str, str, str, int]
"""The values that identify a ``RowKey``. The last is the ``id`` of the recipients' tuple."""

MAX_CACHED_KEYS = 1024
"""The cache of keys is emptied at this size, so that events with ever new notes or names cannot fill the memory."""


class Columns(NamedTuple):
    """A selection of rows, column by column, oldest first. ``times`` are seconds since the epoch.

    ``marks`` are those of all rows, by sequence number.
    """

    keys: list[RowKey]
    times: list[float]
    payloads: list[bytes]
    seqs: Sequence[int] = ()
    marks: RowMarks = NO_MARKS

    def keys_at(self, indexes: Sequence[int]) -> list[RowKey]:
        """Return the keys of the rows at ``indexes``, which must be in ascending order."""
        return self.keys if len(indexes) == len(self.keys) else [self.keys[index] for index in indexes]

    def payloads_at(self, indexes: Sequence[int]) -> list[bytes]:
        """Return the payloads of the rows at ``indexes``, which must be in ascending order."""
        return self.payloads if len(indexes) == len(self.payloads) else [self.payloads[index] for index in indexes]


class _Chunk:
    """``CHUNK_ROWS`` consecutive rows as columns."""

    __slots__ = ("keys", "monos", "payloads", "sizes", "times")

    def __init__(self, keys: list[RowKey], rows: list[Row]) -> None:
        self.keys = keys
        # A tuple that contains only bytes is untracked by the garbage collector; a list is visited each time.
        self.payloads = tuple([row.payload for row in rows])
        # Payload sizes in bytes. len() of an old payload would load it into the CPU cache.
        self.sizes = array("I", [row.size for row in rows])
        self.times = array("d", [row.wall for row in rows])
        self.monos = array("d", [row.mono for row in rows])


class RowStore:
    """A ring buffer of the newest rows, at most ``capacity``.

    ``first`` and ``last`` are the sequence numbers of the oldest and newest row; ``first > last`` if it is empty.
    ``bytes`` is the total size of the payloads, ``marks`` are pins, annotations and lint.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._chunks: list[_Chunk] = []
        self._tail: list[Row] = []
        """The newest rows, which are not in a chunk yet."""
        self._tail_keys: list[RowKey] = []
        """Keys of the first rows of the tail. They are looked up on demand."""
        self._keys: dict[_KeyFields, RowKey] = {}
        """Cache of keys, so that rows with equal values share one."""
        self._chunks_begin = 1
        """Sequence number of the first row of the first chunk."""
        self._tail_begin = 1
        self._tail_end = CHUNK_ROWS
        self.first = 1
        self.last = 0
        self.bytes = 0
        self.marks = RowMarks()
        self.needed = sys.maxsize
        """Before a row with this or a later number is dropped, ``before_loss`` is called."""
        self.before_loss: Callable[[], object] = lambda: None

    def __len__(self) -> int:
        return self.last - self.first + 1

    def add(self, row: Row) -> None:
        """Append a row, whose number must be ``last + 1``. If the store is full, remove the oldest row."""
        self._tail.append(row)
        self.bytes += row[7]  # row.size; access by name is slower, and this runs for every frame
        self.last = last = self.last + 1
        if last - self.first >= self._capacity:
            self.drop()
        if last == self._tail_end:
            self._compact()

    def drop(self) -> None:
        """Remove the oldest row. A large payload is freed at once, a small one together with its chunk."""
        if self.first >= self.needed:
            self.before_loss()
        index = self.first - self._chunks_begin
        self.first += 1
        if not self._chunks:
            row = self._tail[index]
            self.bytes -= row.size
            self._tail[index] = row._replace(payload=b"")
            return
        chunk = self._chunks[0]
        size = chunk.sizes[index]
        self.bytes -= size
        if size > CHUNK_ROWS:
            chunk = self._chunks[0] = copy(chunk)  # a snapshot may share it
            chunk.payloads = (*chunk.payloads[:index], b"", *chunk.payloads[index + 1 :])
        if index == CHUNK_ROWS - 1:
            del self._chunks[0]
            self._chunks_begin += CHUNK_ROWS

    def row(self, seq: int) -> Row | None:
        """Return the row with that sequence number, or None if it is not stored."""
        if not self.first <= seq <= self.last:
            return None
        if seq >= self._tail_begin:
            return self._tail[seq - self._tail_begin]
        number, index = divmod(seq - self._chunks_begin, CHUNK_ROWS)
        chunk = self._chunks[number]
        key = chunk.keys[index]
        return Row(
            seq, chunk.times[index], chunk.monos[index], key.kind, key.client, key.event,
            chunk.payloads[index], chunk.sizes[index], key.verdict, key.note, key.origin, key.user,
            key.recipients,
        )  # fmt: skip

    def columns(self, first: int, last: int) -> Columns:
        """Return the stored rows from number ``first`` to ``last`` inclusive."""
        first, last = max(first, self.first), min(last, self.last)
        columns = Columns([], [], [], range(first, last + 1), self.marks)
        for chunk, part in self._chunk_slices(first, min(last, self._tail_begin - 1)):
            columns.keys.extend(chunk.keys[part])
            columns.times.extend(chunk.times[part])
            columns.payloads.extend(chunk.payloads[part])
        part = slice(max(0, first - self._tail_begin), max(0, last - self._tail_begin + 1))
        columns.keys.extend(self._keys_of_tail()[part])
        columns.times.extend([row.wall for row in self._tail[part]])
        columns.payloads.extend([row.payload for row in self._tail[part]])
        return columns

    def monos(self, first: int, last: int) -> list[float]:
        """Return the monotonic times of the rows that ``columns`` returns for the same numbers."""
        first, last = max(first, self.first), min(last, self.last)
        found: list[float] = []
        for chunk, part in self._chunk_slices(first, min(last, self._tail_begin - 1)):
            found.extend(chunk.monos[part])
        part = slice(max(0, first - self._tail_begin), max(0, last - self._tail_begin + 1))
        return found + [row.mono for row in self._tail[part]]

    def select(self, seqs: Sequence[int]) -> Columns:
        """Return the rows with these numbers, which must be in ascending order and all stored."""
        chunks = self._chunks
        old = bisect_left(seqs, self._tail_begin)
        positions = [divmod(seq - self._chunks_begin, CHUNK_ROWS) for seq in seqs[:old]]
        tail = [seq - self._tail_begin for seq in seqs[old:]]
        keys = self._keys_of_tail() if tail else []
        return Columns(
            [chunks[number].keys[index] for number, index in positions] + [keys[index] for index in tail],
            [chunks[number].times[index] for number, index in positions]
            + [self._tail[index].wall for index in tail],
            [chunks[number].payloads[index] for number, index in positions]
            + [self._tail[index].payload for index in tail],
            seqs,
            self.marks,
        )

    def newest_before(self, seq: int, matches: Callable[[RowKey], bool], after: int = 0) -> Row | None:
        """Return the newest row whose key matches, with a number above ``after`` and below ``seq``, or None."""
        seq, first = min(seq, self.last + 1), max(after + 1, self.first)
        while seq > first:
            start = max(first, seq - CHUNK_ROWS)
            keys = self.columns(start, seq - 1).keys
            wanted = {key for key in set(keys) if matches(key)}
            for index in reversed(range(len(keys))):
                if keys[index] in wanted:
                    return self.row(start + index)
            seq = start
        return None

    def copy(self) -> "RowStore":
        """Return a read-only snapshot. Rows that are added or removed later do not affect it; marks are shared."""
        twin = copy(self)
        twin._chunks = self._chunks[:]
        twin._tail, twin._tail_keys, twin._keys = self._tail[:], self._tail_keys[:], {}
        return twin

    def _compact(self) -> None:
        """Convert the tail to a chunk."""
        self._chunks.append(_Chunk(self._keys_of_tail(), self._tail))
        self._tail, self._tail_keys = [], []
        self._tail_begin += CHUNK_ROWS
        self._tail_end += CHUNK_ROWS

    def _keys_of_tail(self) -> list[RowKey]:
        """Return the keys of all rows of the tail, after looking up those that are missing."""
        keys = self._tail_keys
        for row in self._tail[len(keys) :]:
            # The id of the recipients' tuple: hashing a hundred numbers for every row would take too long.
            fields = (
                row.kind, row.client, row.event, row.verdict, row.note, row.origin, row.user, id(row.recipients)
            )  # fmt: skip
            keys.append(self._keys.get(fields) or self._cache_key(fields, row))
        return keys

    def _cache_key(self, fields: "_KeyFields", row: Row) -> RowKey:
        if len(self._keys) >= MAX_CACHED_KEYS:
            self._keys.clear()
        key = self._keys[fields] = RowKey.of(row)  # keeps the recipients alive, so their id is not reused
        return key

    def _chunk_slices(self, first: int, last: int) -> Iterator[tuple[_Chunk, slice]]:
        """Yield the parts of chunks that contain the rows from ``first`` to ``last``."""
        while first <= last:
            number, index = divmod(first - self._chunks_begin, CHUNK_ROWS)
            stop = min(CHUNK_ROWS, index + last - first + 1)
            yield self._chunks[number], slice(index, stop)
            first += stop - index
