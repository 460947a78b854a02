"""Who was turned away at the doors, and why: a short memory for people."""

from typing import NamedTuple

from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.signals import Signal

KEPT = 50
"""So many different refusals are remembered."""
SAME_AGAIN_S = 1.0
ROWS_PER_S = 50
"""A hostile page asks a thousand times a second: it must not push everything else out of the journal."""


class RejectionStats(NamedTuple):
    """Who was turned away, how often, and when last (seconds since the epoch).

    ``origin`` is the one that would have to be allowed, where that is the reason.
    """

    server: str
    reason: str
    origin: str
    user_agent: str
    times: int
    last: float


class RejectionLog:
    """Counts every refusal, remembers the latest, and journals them as far as there are not too many.

    The same refusal has a row once a second, and all together ``ROWS_PER_S``; a row says how many had none.
    """

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._refused: dict[tuple[str, str], RejectionStats] = {}
        self._told: dict[tuple[str, str], float] = {}
        """When each of these had its last row, on the monotonic clock."""
        self._second, self._rows = 0, 0
        self._untold = 0
        self.total = 0
        """How many there were since the start."""
        self.added: Signal[RejectionStats] = Signal()

    @property
    def latest(self) -> list[RejectionStats]:
        """Whom to show, the latest first."""
        return list(reversed(self._refused.values()))

    def add(self, server: str, reason: str, origin: str = "", user_agent: str = "") -> bool:
        """Note that somebody was turned away. Return whether it got a row of its own."""
        self.total += 1
        before = self._refused.pop((server, reason), None)
        times = before.times + 1 if before else 1
        refused = RejectionStats(server, reason, origin, user_agent, times, self._hub.clock.wall())
        self._refused[server, reason] = refused
        if len(self._refused) > KEPT:
            oldest = next(iter(self._refused))
            del self._refused[oldest]
            self._told.pop(oldest, None)
        journalled = self._journal(server, reason)
        self.added.emit(refused)
        return journalled

    def add_harmless(self, server: str, reason: str) -> None:
        """Journal a connection that ended by itself before it was accepted: no warning, and nothing to remember."""
        self.total += 1
        self._journal(server, reason, "closed early", Verdict.OK)

    def _journal(
        self, server: str, reason: str, event: str = "refused", verdict: Verdict = Verdict.WARNING
    ) -> bool:
        now = self._hub.clock.mono()
        if int(now) != self._second:
            self._second, self._rows = int(now), 0
        again = now - self._told.get((server, reason), float("-inf")) < SAME_AGAIN_S
        if again or self._rows >= ROWS_PER_S:
            self._untold += 1
            return False
        self._told[server, reason] = now
        self._rows += 1
        before = f" (and {self._untold:,} more since the row before)" if self._untold else ""
        self._untold = 0
        self._hub.log_server_event(event, note=reason + before, verdict=verdict)
        return True
