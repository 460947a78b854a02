"""The bounded live log: one row for every frame in either direction, refused ones too."""

from collections.abc import Callable, Iterator

from app.hub.clock import Clock
from app.hub.origin import SERVER, Origin
from app.hub.row import Kind, Row, Verdict
from app.hub.row_store import RowStore
from app.hub.signals import Signal

__all__ = ["MAX_BYTES", "MAX_NOTE", "MAX_ROWS", "Journal", "Kind", "Row", "Verdict"]

MAX_ROWS = 100_000
MAX_BYTES = 128 * 1024 * 1024
"""Bound on all payloads together, so that a flood of large frames cannot fill the memory."""

MAX_NOTE = 500
"""A note may quote a client, and a client may send an endless name."""


class Journal:
    """A ring of rows that tells of each new one and counts those it had to drop.

    ``rows`` is for those who look at many rows; every other needs only the methods here.
    """

    def __init__(self, clock: Clock | None = None, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> None:
        clock = clock or Clock()
        self._wall, self._mono = clock.wall, clock.mono
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._waiting: list[Callable[[], object]] = []
        self.rows = RowStore(max_rows)
        self.appended: Signal[Row] = Signal()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.after(0))

    @property
    def dropped(self) -> int:
        """How many rows had to go."""
        return self.rows.first - 1

    @property
    def first_seq(self) -> int:
        """Number of the oldest row that is still kept (the next one's when there is none)."""
        return self.rows.first

    @property
    def last_seq(self) -> int:
        """Number of the newest row; 0 before the first."""
        return self.rows.last

    def append(
        self,
        kind: Kind,
        event: str,
        *,
        payload: bytes = b"",
        client: str = "",
        verdict: Verdict = Verdict.OK,
        note: str = "",
        origin: Origin = SERVER,
        user: str = "",
        recipients: tuple[int, ...] = (),
    ) -> Row:
        """Number, keep and announce a row, and return it."""
        note = note if len(note) <= MAX_NOTE else note[: MAX_NOTE - 1] + "…"
        rows = self.rows
        # Row(…) means the same and takes twice as long; this runs for every frame.
        row = tuple.__new__(
            Row,
            (
                rows.last + 1, self._wall(), self._mono(),
                kind, client, event, payload, len(payload), verdict, note, origin, user, recipients,
            ),
        )  # fmt: skip
        rows.add(row)
        while rows.bytes > self._max_bytes:
            rows.drop()
        if self._waiting:
            self._wake()
        if self.appended:
            self.appended.emit(row)
        return row

    def once(self, listener: Callable[[], object]) -> None:
        """Call ``listener`` when the next row is there, and not again.

        For whoever looks at the journal from time to time: a thousand rows in between cost it nothing.
        """
        self._waiting.append(listener)

    def after(self, seq: int) -> list[Row]:
        """Return the kept rows with a number above ``seq``, oldest first."""
        first = max(seq + 1, self.rows.first)
        return [row for number in range(first, self.rows.last + 1) if (row := self.rows.row(number))]

    def row(self, seq: int) -> Row | None:
        """Return the row with that number, while it is kept."""
        return self.rows.row(seq)

    def _wake(self) -> None:
        waiting, self._waiting = self._waiting, []
        for listener in waiting:
            listener()
