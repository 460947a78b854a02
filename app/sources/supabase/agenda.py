"""Say which periodic job of the source is due next. Times are monotonic seconds."""

from collections.abc import Mapping


class Agenda:
    """The jobs and when each is due. Each job has a period; the first time may differ."""

    def __init__(self, periods: Mapping[str, float]) -> None:
        self._periods = dict(periods)
        self._due: dict[str, float] = {}

    def start(self, now: float, first: Mapping[str, float]) -> None:
        """Plan every job, after the seconds of ``first`` or else after its period."""
        self._due = {name: now + first.get(name, period) for name, period in self._periods.items()}

    def next(self) -> tuple[str, float]:
        """Return the job that is due first, and its time."""
        return min(self._due.items(), key=lambda item: item[1])

    def done(self, name: str, now: float, after_s: float | None = None) -> None:
        """Plan a job again: after ``after_s`` seconds, or else after its period."""
        self._due[name] = now + (self._periods[name] if after_s is None else after_s)
