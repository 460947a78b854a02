"""Who was turned away at the doors, and why: a short memory for people."""

from typing import NamedTuple

from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.signal import Signal

KEPT = 50
"""So many different refusals are remembered."""


class Refused(NamedTuple):
    """Who was turned away, how often, and when last (seconds since the epoch).

    ``origin`` is the one that would have to be allowed, where that is the reason.
    """

    door: str
    reason: str
    origin: str
    user_agent: str
    times: int
    last: float


class RefusedLog:
    """Counts and journals every refusal, and remembers the latest."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._refused: dict[tuple[str, str], Refused] = {}
        self.total = 0
        """How many there were since the start."""
        self.added: Signal[Refused] = Signal()

    @property
    def latest(self) -> list[Refused]:
        """Whom to show, the latest first."""
        return list(reversed(self._refused.values()))

    def add(self, door: str, reason: str, origin: str = "", user_agent: str = "") -> None:
        """Note that somebody was turned away."""
        self.total += 1
        before = self._refused.pop((door, reason), None)
        times = before.times + 1 if before else 1
        refused = Refused(door, reason, origin, user_agent, times, self._hub.clock.wall())
        self._refused[door, reason] = refused
        if len(self._refused) > KEPT:
            del self._refused[next(iter(self._refused))]
        self._hub.tell("refused", note=reason, verdict=Verdict.WARNING)
        self.added.emit(refused)
