"""Run saved scenarios and stop all runs, for the tray and the command palette.
A scenario is a script of events and expectations. The start and the verdict of each run are reported as texts. The
Scenarios room has ``scenario_run_controls`` instead.
"""

from collections.abc import Callable

from app.companion import Companion
from app.hub.session_run import SessionRun
from app.protocol.session.saved import SavedSession
from app.ui.models.run_text import run_text
from app.ui.room_tasks import RoomTasks


class RunCommands:
    """Runs scenarios without their room. ``report`` gets the texts."""

    def __init__(self, companion: Companion, report: Callable[[str], object]) -> None:
        self._companion = companion
        self._report = report
        self._do = RoomTasks(companion.tasks, report)
        self._open = True

    def close_down(self) -> None:
        """Report nothing any more. Runs go on."""
        self._open = False
        self._do.close()

    @property
    def scenarios(self) -> list[SavedSession]:
        """The scenarios that can be run: the user's first. Empty until the files have been read."""
        if not self._companion.opened:
            return []
        return [each for each in self._companion.saved_sessions.all if each.kind == "scenario"]

    @property
    def running(self) -> list[SessionRun]:
        """The runs that have not ended."""
        runs = self._companion.sessions if self._companion.has_sessions else ()
        return [each for each in runs if not each.state.ended]

    def run(self, name: str) -> None:
        """Run a scenario as it is saved."""
        self._do(self._companion.run_session(name), self._started)

    def stop_all(self) -> None:
        """Stop all runs."""
        for each in self.running:
            self._do(self._companion.sessions.stop(each.number))

    def _started(self, run: SessionRun) -> None:
        if run.state.ended:
            self._report_end(run)
            return
        self._report(f"Running {run.title}")

        def changed(_: None) -> None:
            if run.state.ended:
                disconnect()
                self._report_end(run)

        disconnect = run.changed.connect(changed)

    def _report_end(self, run: SessionRun) -> None:
        if self._open:
            self._report(f"{run.title}: {run_text(run)}")
