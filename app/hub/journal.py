"""The journal: the log in memory, with rows for frames in both directions, REST calls and events of the server.
Of the REST calls, ``rest_log`` decides which ones get a row.

It keeps the newest rows within limits, and emits a signal for each new row. Rows can be pinned and annotated, so
that the user finds them again; beyond the limits, they are dropped like others.
"""

import sys
from collections.abc import Callable, Iterator

from app.hub.clock import Clock
from app.hub.origin import SERVER, Origin
from app.hub.row import Kind, Row, Verdict
from app.hub.row_marks import MAX_MARKS, Mark
from app.hub.row_store import RowStore
from app.hub.signals import Signal
from app.protocol.errors import NotFound

__all__ = ["MAX_BYTES", "MAX_NOTE", "MAX_ROWS", "Journal", "Kind", "Row", "Verdict"]

MAX_ROWS = 100_000
MAX_BYTES = 128 * 1024 * 1024
"""Limit for the total size of all payloads, so that large frames cannot fill the memory."""

MAX_NOTE = 500
"""Longer notes are cut, because they may quote long names from a client."""


class Journal:
    """Keep the newest rows, and notify listeners of each new one.

    Beyond ``max_rows`` or ``max_bytes`` (of all payloads), the oldest rows are dropped. ``rows`` gives direct
    access to the stored rows, for callers that read many.
    """

    def __init__(self, clock: Clock | None = None, max_rows: int = MAX_ROWS, max_bytes: int = MAX_BYTES) -> None:
        clock = clock or Clock()
        self._wall, self._mono = clock.wall, clock.mono
        self.run_id = f"{int(clock.wall() * 1000):x}"
        """Tells rows of different runs apart, because each run numbers its rows from 1."""
        self._max_rows = max_rows
        self._max_bytes = max_bytes
        self._once: list[Callable[[], object]] = []
        self._needed: dict[Callable[[], object], int] = {}
        """The listeners of ``before_loss``, and the numbers of the rows that they need."""
        self.rows = RowStore(max_rows)
        self.rows.before_loss = self._call_before_loss
        self.appended: Signal[Row] = Signal()

    def __len__(self) -> int:
        return len(self.rows)

    def __iter__(self) -> Iterator[Row]:
        return iter(self.after(0))

    @property
    def dropped(self) -> int:
        """Number of rows that were dropped."""
        return self.rows.first - 1

    @property
    def first_seq(self) -> int:
        """Sequence number of the oldest row, or of the next row if there is none."""
        return self.rows.first

    @property
    def last_seq(self) -> int:
        """Sequence number of the newest row; 0 before the first."""
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
        """Store a row with the next sequence number and the current time, emit ``appended``, and return the row.

        ``Row`` describes the fields.
        """
        note = note if len(note) <= MAX_NOTE else note[: MAX_NOTE - 1] + "…"
        rows = self.rows
        # The same as Row(…), which takes twice as long; this runs for every frame.
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
        if self._once:
            self._call_once()
        if self.appended:
            self.appended.emit(row)
        return row

    def once(self, listener: Callable[[], object]) -> None:
        """Call ``listener`` after the next row, once.

        For observers that poll: they register again after each poll, and the rows in between cost them nothing.
        """
        self._once.append(listener)

    def before_loss(self, seq: int, listener: Callable[[], object]) -> None:
        """Call ``listener`` before each drop of a row whose number is ``seq`` or above, until ``stop_before_loss``.

        For observers that poll, and must not miss a row. After they have read rows, they call this again.
        """
        self._needed[listener] = seq
        self.rows.needed = min(self._needed.values())

    def stop_before_loss(self, listener: Callable[[], object]) -> None:
        """Undo ``before_loss``."""
        self._needed.pop(listener, None)
        self.rows.needed = min(self._needed.values(), default=sys.maxsize)

    def after(self, seq: int, limit: int = sys.maxsize) -> list[Row]:
        """Return the stored rows with a number above ``seq``, oldest first, at most ``limit``."""
        first = max(seq + 1, self.rows.first)
        end = min(self.rows.last, first + limit - 1) + 1
        return [row for number in range(first, end) if (row := self.rows.row(number))]

    def row(self, seq: int) -> Row | None:
        """Return the row with that number, or None if it is not stored."""
        return self.rows.row(seq)

    def mark(
        self, seq: int, *, pinned: bool | None = None, annotation: str | None = None, most: int = MAX_MARKS
    ) -> Mark:
        """Pin or annotate a row, and return its mark. None keeps what is set; an empty annotation removes it.

        ``most`` is the most rows that may be marked afterwards.

        Raises ``NotFound`` if the row is not stored, and ``Invalid`` and ``Conflict`` as ``RowMarks.set`` does.
        """
        if self.rows.row(seq) is None:
            raise NotFound(f"Row {seq} is not in the log.")
        before = self.rows.marks[seq]
        after = Mark(
            before.pinned if pinned is None else pinned,
            before.annotation if annotation is None else " ".join(annotation.split()),
        )
        self.rows.marks.set(seq, after, self.rows.first, most)
        return self.rows.marks[seq]  # with the rules of the lint

    def _call_before_loss(self) -> None:
        lost = self.rows.first
        for listener, seq in tuple(self._needed.items()):
            if seq <= lost:
                listener()

    def _call_once(self) -> None:
        listeners, self._once = self._once, []
        for listener in listeners:
            listener()
