"""Find and cache when an event was last fired by hand, a script or a coding agent, up to and including a log row.
``LastFire.before`` returns that monotonic time; the log's time column can show the time since then. A script uses
the control API or the command line, an agent ``companion mcp``. Events that the program fires by itself, such as
those of a running scenario or automatic replies, do not count.
"""

from typing import NamedTuple

from app.hub.origin import Origin
from app.hub.row import Kind, RowKey
from app.hub.row_store import RowStore

MAX_KNOWN = 64
"""At least as many results as lines are visible, so that painting them again searches nothing."""


class _Known(NamedTuple):
    """A result: no event was fired between the row ``fired`` (0: no row) and the row ``to``."""

    fired: int
    to: int
    mono: float | None


class LastFire:
    """Look up fired events. The last results are kept: the log asks for the visible rows again and again."""

    def __init__(self) -> None:
        self._known: list[_Known] = []
        """The results, the latest first."""

    def before(self, rows: RowStore, seq: int) -> float | None:
        """Return the monotonic time of the last event that was fired up to row ``seq``, or None."""
        earlier: _Known | None = None
        for known in self._known:
            if known.fired <= seq <= known.to:
                return known.mono
            if known.to < seq and (earlier is None or known.to > earlier.to):
                earlier = known
        found = self._find(rows, earlier, seq)
        self._known = [found, *(each for each in self._known if each.fired != found.fired)][:MAX_KNOWN]
        return found.mono

    @staticmethod
    def _find(rows: RowStore, earlier: _Known | None, seq: int) -> _Known:
        """Search the rows after those of the result ``earlier``, up to ``seq``."""
        searched_to = earlier.to if earlier else 0
        if seq == searched_to + 1 and (row := rows.row(seq)):  # new rows come one by one
            fired = row if _is_fired(RowKey.of(row)) else None
        else:
            fired = rows.newest_before(seq + 1, _is_fired, searched_to)
        if fired:
            return _Known(fired.seq, seq, fired.mono)
        return earlier._replace(to=seq) if earlier else _Known(0, seq, None)


def _is_fired(key: RowKey) -> bool:
    return key.kind is Kind.TO_UI and Origin(key.origin).injected
