"""Where the journal's rows lie: in columns, so that a row costs its payload and 36 bytes more.

The newest rows lie here as they came, which is what costs least while events pour in. When there are a chunk of
them, they become columns. No old row is an object of its own then, so there is nothing for the garbage collector
to visit either; a row is built when somebody reads it. What is old goes chunk by chunk, and a copy shares chunks.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from copy import copy
from typing import NamedTuple

from app.hub.row import Kind, Row, RowKey, Verdict

CHUNK = 1024

_KeyFields = tuple[Kind, str, str, Verdict, str, str, str, int]

MAX_KEYS = 1024
"""So many heads are known again; what says something new each time must not fill the memory."""


class Columns(NamedTuple):
    """Some rows, column by column, oldest first."""

    heads: list[RowKey]
    walls: list[float]
    payloads: list[bytes]

    def heads_at(self, places: Sequence[int]) -> list[RowKey]:
        """Return the heads of the rows at ``places``, which are in order."""
        return self.heads if len(places) == len(self.heads) else [self.heads[place] for place in places]

    def payloads_at(self, places: Sequence[int]) -> list[bytes]:
        """Return the payloads of the rows at ``places``, which are in order."""
        return self.payloads if len(places) == len(self.payloads) else [self.payloads[place] for place in places]


class _Chunk:
    """``CHUNK`` rows that follow one another."""

    __slots__ = ("heads", "monos", "payloads", "sizes", "walls")

    def __init__(self, heads: list[RowKey], rows: list[Row]) -> None:
        self.heads = heads
        # A tuple: the garbage collector lets go of one that holds nothing but bytes, and no longer visits them.
        self.payloads = tuple([row.payload for row in rows])
        # Of the payloads: to ask an old one itself would cost a trip to the memory.
        self.sizes = array("I", [row.size for row in rows])
        self.walls = array("d", [row.wall for row in rows])
        self.monos = array("d", [row.mono for row in rows])


class RowStore:
    """The newest rows, at most ``capacity``; ``first`` and ``last`` are their numbers (``first > last``: none)."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._chunks: list[_Chunk] = []
        self._tail: list[Row] = []
        self._tail_heads: list[RowKey] = []  # of as many of the tail's rows as somebody has asked for
        self._heads: dict[_KeyFields, RowKey] = {}
        self._begin = 1  # number of the first row of the first chunk
        self._tail_begin = 1
        self._tail_end = CHUNK
        self.first = 1
        self.last = 0
        self.bytes = 0

    def __len__(self) -> int:
        return self.last - self.first + 1

    def add(self, row: Row) -> None:
        """Keep a row, whose number is the next, as the newest; a full ring drops its oldest."""
        self._tail.append(row)
        self.bytes += row[7]  # its size; by name it takes longer, and this runs for every frame
        self.last = last = self.last + 1
        if last - self.first >= self._capacity:
            self.drop()
        if last == self._tail_end:
            self._compact()

    def drop(self) -> None:
        """Forget the oldest row; its payload goes at once when it is large, with its chunk otherwise."""
        place = self.first - self._begin
        self.first += 1
        if not self._chunks:
            row = self._tail[place]
            self.bytes -= row.size
            self._tail[place] = row._replace(payload=b"")
            return
        chunk = self._chunks[0]
        size = chunk.sizes[place]
        self.bytes -= size
        if size > CHUNK:
            chunk.payloads = (*chunk.payloads[:place], b"", *chunk.payloads[place + 1 :])
        if place == CHUNK - 1:
            del self._chunks[0]
            self._begin += CHUNK

    def row(self, seq: int) -> Row | None:
        """Return the row with that number, while it is kept."""
        if not self.first <= seq <= self.last:
            return None
        if seq >= self._tail_begin:
            return self._tail[seq - self._tail_begin]
        number, place = divmod(seq - self._begin, CHUNK)
        chunk = self._chunks[number]
        head = chunk.heads[place]
        return Row(
            seq, chunk.walls[place], chunk.monos[place], head.kind, head.client, head.event,
            chunk.payloads[place], chunk.sizes[place], head.verdict, head.note, head.origin, head.user,
            head.recipients,
        )  # fmt: skip

    def span(self, first: int, last: int) -> Columns:
        """Return the kept rows from ``first`` to ``last``."""
        span = Columns([], [], [])
        first, last = max(first, self.first), min(last, self.last)
        for chunk, part in self._parts(first, min(last, self._tail_begin - 1)):
            span.heads.extend(chunk.heads[part])
            span.walls.extend(chunk.walls[part])
            span.payloads.extend(chunk.payloads[part])
        part = slice(max(0, first - self._tail_begin), max(0, last - self._tail_begin + 1))
        span.heads.extend(self._known_heads()[part])
        span.walls.extend([row.wall for row in self._tail[part]])
        span.payloads.extend([row.payload for row in self._tail[part]])
        return span

    def pick(self, seqs: Sequence[int]) -> Columns:
        """Return the rows with these numbers, which are in order; all of them must be kept."""
        chunks = self._chunks
        old = bisect_left(seqs, self._tail_begin)
        places = [divmod(seq - self._begin, CHUNK) for seq in seqs[:old]]
        tail = [seq - self._tail_begin for seq in seqs[old:]]
        heads = self._known_heads() if tail else []
        return Columns(
            [chunks[number].heads[place] for number, place in places] + [heads[place] for place in tail],
            [chunks[number].walls[place] for number, place in places] + [self._tail[place].wall for place in tail],
            [chunks[number].payloads[place] for number, place in places]
            + [self._tail[place].payload for place in tail],
        )

    def before(self, seq: int, alike: Callable[[RowKey], bool]) -> Row | None:
        """Return the newest row below ``seq`` with such a head."""
        seq = min(seq, self.last + 1)
        while seq > self.first:
            start = max(self.first, seq - CHUNK)
            heads = self.span(start, seq - 1).heads
            wanted = {head for head in set(heads) if alike(head)}
            for place in reversed(range(len(heads))):
                if heads[place] in wanted:
                    return self.row(start + place)
            seq = start
        return None

    def copy(self) -> "RowStore":
        """Return a ring with the same rows for reading; it stays as it is while this one goes on."""
        twin = copy(self)
        twin._chunks = self._chunks[:]
        if twin._chunks:  # the oldest loses its large payloads as they are dropped; the others stay as they are
            twin._chunks[0] = copy(twin._chunks[0])
        twin._tail, twin._tail_heads, twin._heads = self._tail[:], self._tail_heads[:], {}
        return twin

    def _compact(self) -> None:
        self._chunks.append(_Chunk(self._known_heads(), self._tail))
        self._tail, self._tail_heads = [], []
        self._tail_begin += CHUNK
        self._tail_end += CHUNK

    def _known_heads(self) -> list[RowKey]:
        """Return the heads of the tail."""
        heads = self._tail_heads
        for row in self._tail[len(heads) :]:
            # The id of the recipients' tuple: to hash a hundred numbers for every row would take too long.
            key = (
                row.kind, row.client, row.event, row.verdict, row.note, row.origin, row.user, id(row.recipients)
            )  # fmt: skip
            heads.append(self._heads.get(key) or self._remember(key, row))
        return heads

    def _remember(self, key: "_KeyFields", row: Row) -> RowKey:
        if len(self._heads) >= MAX_KEYS:
            self._heads.clear()
        head = self._heads[key] = RowKey.of(row)  # keeps the recipients, so their id stays theirs
        return head

    def _parts(self, first: int, last: int) -> Iterator[tuple[_Chunk, slice]]:
        while first <= last:
            number, place = divmod(first - self._begin, CHUNK)
            stop = min(CHUNK, place + last - first + 1)
            yield self._chunks[number], slice(place, stop)
            first += stop - place
