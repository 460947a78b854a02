"""Start the scenarios of the Scenarios room, and keep the last run of each, with the results by line.
The results are those of expectations, such as an event that the UI must send, and of failed rules. A run also has
the text that was played, to tell whether the results are out of date; ``moved_results`` finds their lines in the
edited text. Runs that were started elsewhere, such as by the control API, are kept too, without a text.
"""

from dataclasses import dataclass, field

from PySide6.QtCore import QObject, QTimer, Signal

from app.companion import Companion
from app.hub.session_run import Options, SessionRun
from app.protocol.session.steps import Session
from app.ui.widgets.transcript_editor import LineResult

REFRESH_MS = 50
"""The window shows changes of runs at most this often."""
MAX_KEPT = 100
"""Runs of at most this many scenarios are kept."""


@dataclass
class Played:
    """A run of a scenario, and what was played: ``text`` as it was in the editor, None if it is not known."""

    run: SessionRun
    text: str | None
    ended_at: float = 0.0
    """When it ended, in seconds since the epoch; 0 while it runs."""
    results: dict[int, LineResult] = field(default_factory=dict)
    """The results of the expectations by line."""
    _counts: dict[int, tuple[int, int]] = field(default_factory=dict)
    _read: int = 0

    @property
    def running(self) -> bool:
        """Whether the run has not ended."""
        return not self.run.state.ended

    def read_results(self) -> None:
        """Take over the results that have come since the last call."""
        fresh = self.run.results[self._read :]
        self._read += len(fresh)
        for each in fresh:
            met, unmet = self._counts.get(each.line, (0, 0))
            met, unmet = met + each.met, unmet + (not each.met)
            self._counts[each.line] = met, unmet
            before = self.results.get(each.line)
            detail = before.detail.partition(" · ")[0] if before and not before.met and each.met else each.detail
            repeated = f" · {met:,} of {met + unmet:,} met" if met + unmet > 1 else ""
            self.results[each.line] = LineResult(not unmet, f"{detail}{repeated}")


class ScenarioRuns(QObject):
    """The last run of each scenario, by its key: its name if it is saved. Runs started elsewhere are kept, too."""

    changed = Signal()
    """Emitted soon after a run has started, played a step or ended."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self._played: dict[str, Played] = {}
        self._starting: tuple[str, str] | None = None
        """The key and the text of the scenario that is being started."""
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._timer.timeout.connect(self._refresh)
        for run in companion.sessions:
            self._note(run)
        self._disconnect = companion.sessions.changed.connect(self._note)

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        self._timer.stop()
        self._disconnect()

    def of(self, key: str) -> Played | None:
        """Return the last run of a scenario."""
        return self._played.get(key)

    def keys_of(self, run: SessionRun) -> list[str]:
        """Return the keys of the scenarios whose run it is: of several if a copy was saved meanwhile."""
        return [key for key, played in self._played.items() if played.run is run] or [run.name]

    @property
    def running(self) -> list[SessionRun]:
        """All runs that have not ended."""
        return [each for each in self._companion.sessions if not each.state.ended]

    @property
    def running_keys(self) -> set[str]:
        """The keys of the scenarios and recordings that are played."""
        return {key for each in self.running for key in self.keys_of(each)}

    def start(self, key: str, name: str, text: str, session: Session, options: Options) -> SessionRun:
        """Start a scenario, under this name in the log. Raises ``Conflict``."""
        self._starting = key, text
        try:
            return self._companion.sessions.start(name, session, options)
        finally:
            self._starting = None

    def rename(self, before: str, after: str, *, keep: bool = False) -> None:
        """Keep the last run of a scenario whose key has changed. ``keep``: also under the old one."""
        if played := self._played.get(before):
            if not keep:
                del self._played[before]
            self._played[after] = played

    def _note(self, run: SessionRun) -> None:
        """Keep a run, and show it soon."""
        played = [each for each in self._played.values() if each.run is run]  # the scenario may have a new name
        key, text = self._starting or (run.name, None)
        known = self._played.get(key)
        if not played and (known is None or known.run.number < run.number):
            self._played.pop(key, None)
            self._played[key] = Played(run, text)
            played = [self._played[key]]
            while len(self._played) > MAX_KEPT:
                del self._played[next(iter(self._played))]
        for each in played:
            if run.state.ended and not each.ended_at:
                each.ended_at = self._companion.clock.wall()
        if not self._timer.isActive():
            self._timer.start()

    def _refresh(self) -> None:
        for each in self._played.values():
            each.read_results()
        self.changed.emit()


def moved_results(results: dict[int, LineResult], played: str, now: str) -> dict[int, LineResult]:
    """Return results by the lines of an edited text. Lines between the first and the last change have none."""
    if played == now:
        return results
    old, new = played.split("\n"), now.split("\n")
    most = min(len(old), len(new))
    same = next((index for index in range(most) if old[index] != new[index]), most)
    tail = next((index for index in range(most - same) if old[-1 - index] != new[-1 - index]), most - same)
    shift = len(new) - len(old)
    moved = {line: result for line, result in results.items() if line <= same}
    return moved | {line + shift: result for line, result in results.items() if line > len(old) - tail}
