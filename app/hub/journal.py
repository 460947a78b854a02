"""The bounded live log: one row for every frame in either direction, refused ones too."""

from collections import deque
from collections.abc import Iterator
from enum import StrEnum
from itertools import takewhile
from typing import NamedTuple

from app.hub.clock import Clock
from app.hub.signal import Signal

MAX_ROWS = 100_000
MAX_BYTES = 128 * 1024 * 1024
"""Bound on all payloads together, so that a flood of large frames cannot fill the memory."""


MAX_NOTE = 500
"""A note may quote a client, and a client may send an endless name."""


class Kind(StrEnum):
    """What a row tells of: an event's direction as stored, or what the server itself did."""

    TO_UI = "s2c"
    FROM_UI = "c2s"
    SERVER = "server"


class Verdict(StrEnum):
    """``ok``; ``warning``: kept the contract, but did less than one may expect; ``invalid``: broke it."""

    OK = "ok"
    WARNING = "warning"
    INVALID = "invalid"


class Row(NamedTuple):
    """One row. ``wall`` in seconds since the epoch, ``mono`` in monotonic seconds, ``size`` in bytes.

    ``client`` is the sender's number, or the target of what was sent. ``origin`` is who caused it:
    ``panel``, ``tray``, ``control``, ``client 3``, ``server``. ``note`` explains the verdict. ``user`` is whom
    the sender spoke for.
    """

    seq: int
    wall: float
    mono: float
    kind: Kind
    client: str
    event: str
    payload: bytes
    size: int
    verdict: Verdict
    note: str
    origin: str
    user: str = ""


class Journal:
    """A ring of rows that tells of each new one and counts those it had to drop."""

    def __init__(self, clock: Clock | None = None, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> None:
        self._clock = clock or Clock()
        self._rows: deque[Row] = deque()
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._bytes = 0
        self._next = 1
        self.dropped = 0
        self.appended: Signal[Row] = Signal()

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self._rows)

    @property
    def first_seq(self) -> int:
        """Number of the oldest row that is still kept (the next one's when there is none)."""
        return self._rows[0].seq if self._rows else self._next

    @property
    def last_seq(self) -> int:
        """Number of the newest row; 0 before the first."""
        return self._next - 1

    def append(
        self,
        kind: Kind,
        event: str,
        *,
        payload: bytes = b"",
        client: str = "",
        verdict: Verdict = Verdict.OK,
        note: str = "",
        origin: str = "server",
        user: str = "",
    ) -> Row:
        """Number, keep and announce a row."""
        note = note if len(note) <= MAX_NOTE else note[: MAX_NOTE - 1] + "…"
        row = Row(
            self._next, self._clock.wall(), self._clock.mono(),
            kind, client, event, payload, len(payload), verdict, note, origin, user,
        )  # fmt: skip
        self._next += 1
        self._rows.append(row)
        self._bytes += row.size
        while len(self._rows) > self._max_rows or self._bytes > self._max_bytes:
            self._bytes -= self._rows.popleft().size
            self.dropped += 1
        self.appended.emit(row)
        return row

    def after(self, seq: int) -> list[Row]:
        """Return the kept rows with a number above ``seq``, oldest first."""
        newest_first = takewhile(lambda row: row.seq > seq, reversed(self._rows))
        return list(newest_first)[::-1]

    def row(self, seq: int) -> Row | None:
        """Return the row with that number, while it is kept."""
        place = seq - self.first_seq
        return self._rows[place] if 0 <= place < len(self._rows) else None
