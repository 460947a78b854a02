"""Find the event that was fired last before a row, for times like *0.2 s after I fired*."""

from app.hub.origin import Origin
from app.hub.row import Kind, RowKey
from app.hub.row_store import RowStore


class LastFire:
    """Look up fired events. The last result is kept: the log asks for one row after the other."""

    def __init__(self) -> None:
        self._known_to = 0
        """There is no fired event between the last result and this row."""
        self._seq = 0
        """The row of the last result; 0 if no event was fired before ``_known_to``."""
        self._mono: float | None = None

    def before(self, rows: RowStore, seq: int) -> float | None:
        """Return the monotonic time of the last event that was fired up to row ``seq``, or None."""
        if seq < self._seq:
            self._find(rows, 0, seq)
        elif seq > self._known_to:
            self._find(rows, self._known_to, seq)
        return self._mono

    def _find(self, rows: RowStore, known_to: int, seq: int) -> None:
        """Search the rows after ``known_to`` up to ``seq``. If there is none, the last result holds."""
        self._known_to = seq
        if seq == known_to + 1 and (row := rows.row(seq)):  # new rows come one by one
            fired = row if _is_fired(RowKey.of(row)) else None
        else:
            fired = rows.newest_before(seq + 1, _is_fired, known_to)
        if fired:
            self._seq, self._mono = fired.seq, fired.mono
        elif not known_to:
            self._seq, self._mono = 0, None


def _is_fired(key: RowKey) -> bool:
    return key.kind is Kind.TO_UI and Origin(key.origin).injected
