"""Journal the UI's REST calls. Successful GET requests get a row only if the setting is on.
Repeats of a GET request are counted in one row every one to two minutes. A call without a row of its own is emitted
as a signal, because expectations, rules and replays of sessions count it too. The last ``MAX_UNLOGGED`` are kept.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from app.hub.clock import Clock
from app.hub.journal import Journal, Kind, Row, Verdict
from app.hub.origin import REST
from app.hub.signals import Signal

FOLD_S = 60.0
"""Repeats of a GET request within this time are counted in one row."""
MAX_FOLDED = 100
"""At most this many different GET requests are counted at a time."""
MAX_UNLOGGED = 500
"""At most this many requests without a row are kept for expectations."""


_REPEATS = re.compile(r" · ×\d+ in \d+ s$")


def sums_up_repeats(row: Row) -> bool:
    """Return whether a row counts the repeats of a GET request, which were emitted as ``unlogged`` calls before."""
    return row.origin == REST and row.event.startswith("GET ") and _REPEATS.search(row.note) is not None


class Call(NamedTuple):
    """One REST call and its result. ``payload`` is the body, or the query of a GET request, as JSON."""

    name: str
    """Method and path, for example ``GET /friends``."""
    payload: bytes
    note: str
    verdict: Verdict
    user: str

    @property
    def is_read(self) -> bool:
        """Whether it is a GET request that succeeded."""
        return self.name.startswith("GET ") and self.verdict is Verdict.OK


class LogPosition(NamedTuple):
    """A place in the log: after a row, and after some of the calls without a row that followed it.

    Positions are in the order of time. That of a row is ``LogPosition(row.seq)``, before the calls that follow it.
    """

    seq: int
    """The number of the newest row."""
    calls: int = 0
    """The number of calls without a row up to this position; 0: only those before the row."""
    mono: float | None = None
    """The time in monotonic seconds; None: that of the row."""


class _Folded:
    """A GET request that has a row, and the number of its repeats since then."""

    def __init__(self, now: float) -> None:
        self.since = now
        self.repeats = 0


class RestLog:
    """Journal REST calls. ``log_gets`` returns whether successful GET requests are logged.

    ``unlogged`` is emitted for each call without a row of its own, because expectations count those too.
    """

    def __init__(self, journal: Journal, clock: Clock, log_gets: Callable[[], bool]) -> None:
        self._journal = journal
        self._clock = clock
        self._log_gets = log_gets
        self._folded: dict[Call, _Folded] = {}
        self._unlogged_calls: deque[tuple[LogPosition, Row]] = deque(maxlen=MAX_UNLOGGED)
        self._unlogged_count = 0
        self._timer: asyncio.TimerHandle | None = None
        self.unlogged: Signal[Row] = Signal()

    def add(self, call: Call) -> int:
        """Journal a call and return its row's number, or count it as a repeat or only emit ``unlogged`` (0)."""
        if not call.is_read:
            return self._append(call, call.note)
        if not self._log_gets():
            self._emit_unlogged(call)
        elif call in self._folded:
            self._folded[call].repeats += 1
            self._emit_unlogged(call)
            self._flush_later()
        else:
            if len(self._folded) >= MAX_FOLDED:
                self.flush(everything=True)
            self._folded[call] = _Folded(self._clock.mono())
            self._flush_later()
            return self._append(call, call.note)
        return 0

    def now(self) -> LogPosition:
        """Return the position after the newest row and the newest call."""
        return LogPosition(self._journal.last_seq, self._unlogged_count, self._clock.mono())

    def position(self, row: Row) -> LogPosition:
        """Return the position of a row, or of a call without a row that has just arrived."""
        if row.seq:
            return LogPosition(row.seq, mono=row.mono)
        return next((position for position, each in reversed(self._unlogged_calls) if each is row), self.now())

    def after(self, position: LogPosition) -> list[Row]:
        """Return the kept calls without a row that arrived after a position."""
        return [row for at, row in self._unlogged_calls if at[:2] > position[:2]]

    def flush(self, *, everything: bool = False) -> None:
        """Append one row for the repeats of each request that was counted for ``FOLD_S``, or of all requests."""
        now = self._clock.mono()
        for call, folded in tuple(self._folded.items()):
            if not everything and now - folded.since < FOLD_S:
                continue
            del self._folded[call]
            if folded.repeats:
                self._append(call, f"{call.note} · ×{folded.repeats} in {now - folded.since:.0f} s")
                if not everything:
                    self._folded[call] = _Folded(now)  # the UI keeps polling

    def close(self) -> None:
        """Append the rows for counted repeats, and stop the timer."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        self.flush(everything=True)

    def _flush_later(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(FOLD_S, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        self.flush()
        if self._folded:
            self._flush_later()

    def _append(self, call: Call, note: str) -> int:
        row = self._journal.append(
            Kind.FROM_UI, call.name, payload=call.payload, origin=REST, client="rest",
            note=note, verdict=call.verdict, user=call.user,
        )  # fmt: skip
        return row.seq

    def _emit_unlogged(self, call: Call) -> None:
        row = Row(
            0, self._clock.wall(), self._clock.mono(), Kind.FROM_UI, "rest", call.name, call.payload,
            len(call.payload), call.verdict, call.note, REST, call.user,
        )  # fmt: skip
        self._unlogged_count += 1
        self._unlogged_calls.append((self.now()._replace(mono=row.mono), row))
        self.unlogged.emit(row)
