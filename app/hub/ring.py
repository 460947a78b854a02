"""Where the journal's rows lie: in columns, so that a row costs its payload and 36 bytes more.

A row is built when somebody reads it. No row is an object of its own while it lies here, so there is nothing for
the garbage collector to visit either. The columns come in chunks: what is old goes chunk by chunk, and a copy
shares all chunks that are full.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from app.hub.row import Head, Row

CHUNK = 1024


class Span(NamedTuple):
    """Some rows, column by column, oldest first."""

    heads: list[Head]
    walls: list[float]
    payloads: list[bytes]

    def heads_at(self, places: Sequence[int]) -> list[Head]:
        """Return the heads of the rows at ``places``, which are in order."""
        return self.heads if len(places) == len(self.heads) else [self.heads[place] for place in places]

    def payloads_at(self, places: Sequence[int]) -> list[bytes]:
        """Return the payloads of the rows at ``places``, which are in order."""
        return self.payloads if len(places) == len(self.payloads) else [self.payloads[place] for place in places]


class _Chunk:
    """Up to ``CHUNK`` rows that follow one another."""

    __slots__ = ("heads", "monos", "payloads", "sizes", "walls")

    def __init__(self) -> None:
        self.heads: list[Head] = []
        self.payloads: list[bytes] = []
        self.sizes = array("I")  # of the payloads: to ask an old one itself costs a trip to the memory
        self.walls = array("d")
        self.monos = array("d")

    def copy(self) -> "_Chunk":
        twin = _Chunk()
        twin.heads, twin.payloads = self.heads[:], self.payloads[:]
        twin.sizes, twin.walls, twin.monos = self.sizes[:], self.walls[:], self.monos[:]
        return twin


class Ring:
    """The newest rows, at most ``capacity``; ``first`` and ``last`` are their numbers (``first > last``: none)."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._chunks: list[_Chunk] = []
        self._begin = 1  # number of the first row of the first chunk
        self._end = 0  # number of the last row that the last chunk has room for
        self.first = 1
        self.last = 0
        self.bytes = 0
        self._extend()

    def __len__(self) -> int:
        return self.last - self.first + 1

    def add(self, head: Head, payload: bytes, wall: float, mono: float) -> int:
        """Keep a row as the newest; a full ring drops its oldest. Returns the row's number."""
        size = len(payload)
        self._add_head(head)
        self._add_payload(payload)
        self._add_size(size)
        self._add_wall(wall)
        self._add_mono(mono)
        self.bytes += size
        self.last = last = self.last + 1
        if last - self.first >= self._capacity:
            self.drop()
        if last == self._end:
            self._extend()
        return last

    def drop(self) -> None:
        """Forget the oldest row; its payload goes at once when it is large, with its chunk otherwise."""
        chunk = self._chunks[0]
        place = self.first - self._begin
        size = chunk.sizes[place]
        self.bytes -= size
        if size > CHUNK:
            chunk.payloads[place] = b""
        self.first += 1
        if place == CHUNK - 1:
            del self._chunks[0]
            self._begin += CHUNK

    def row(self, seq: int) -> Row | None:
        """Return the row with that number, while it is kept."""
        if not self.first <= seq <= self.last:
            return None
        number, place = divmod(seq - self._begin, CHUNK)
        chunk = self._chunks[number]
        head = chunk.heads[place]
        return Row(
            seq, chunk.walls[place], chunk.monos[place], head.kind, head.client, head.event,
            chunk.payloads[place], chunk.sizes[place], head.verdict, head.note, head.origin, head.user,
        )  # fmt: skip

    def span(self, first: int, last: int) -> Span:
        """Return the kept rows from ``first`` to ``last``."""
        span = Span([], [], [])
        for chunk, part in self._parts(max(first, self.first), min(last, self.last)):
            span.heads.extend(chunk.heads[part])
            span.walls.extend(chunk.walls[part])
            span.payloads.extend(chunk.payloads[part])
        return span

    def pick(self, seqs: Iterable[int]) -> Span:
        """Return the rows with these numbers; all of them must be kept."""
        chunks = self._chunks
        places = [divmod(seq - self._begin, CHUNK) for seq in seqs]
        return Span(
            [chunks[number].heads[place] for number, place in places],
            [chunks[number].walls[place] for number, place in places],
            [chunks[number].payloads[place] for number, place in places],
        )

    def copy(self) -> "Ring":
        """Return a ring with the same rows for reading; it stays as it is while this one goes on."""
        twin = Ring(self._capacity)
        # The first chunk loses large payloads and the last one grows; those between stay as they are.
        twin._chunks = [self._chunks[0].copy(), *self._chunks[1:-1], self._chunks[-1].copy()]
        if len(self._chunks) == 1:
            del twin._chunks[-1]
        twin._begin, twin.first, twin.last, twin.bytes = self._begin, self.first, self.last, self.bytes
        return twin

    def _extend(self) -> None:
        chunk = _Chunk()
        self._chunks.append(chunk)
        self._add_head, self._add_payload, self._add_size = (
            chunk.heads.append, chunk.payloads.append, chunk.sizes.append
        )  # fmt: skip
        self._add_wall, self._add_mono = chunk.walls.append, chunk.monos.append
        self._end += CHUNK

    def _parts(self, first: int, last: int) -> Iterator[tuple[_Chunk, slice]]:
        while first <= last:
            number, place = divmod(first - self._begin, CHUNK)
            stop = min(CHUNK, place + last - first + 1)
            yield self._chunks[number], slice(place, stop)
            first += stop - place
