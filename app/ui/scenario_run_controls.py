"""Run, step, pause and stop the scenario that is open in the Scenarios room, and show the progress of its run.
It creates the run bar (options, buttons and result) and the list of other running scenarios, which the room lays
out. In the room's editor, it marks the current line and the results. ``scenario_runs`` keeps the last runs.
"""

from PySide6.QtCore import QObject, Signal

from app.companion import Companion
from app.hub.session_run import CheckedText, NoFiles, RunState
from app.protocol.errors import RequestError
from app.ui.room_tasks import RoomTasks
from app.ui.scenario_check import ScenarioCheck
from app.ui.scenario_edits import Scenario
from app.ui.scenario_runs import Played, ScenarioRuns, moved_results
from app.ui.widgets.other_runs import OtherRuns
from app.ui.widgets.run_bar import RunBar
from app.ui.widgets.transcript_editor import TranscriptEditor


class ScenarioRunControls(QObject):
    """Connects ``bar`` and ``others`` to the runs of the scenario that ``check`` checks."""

    changed = Signal()
    """Emitted soon after a run has started, played a step or ended."""

    def __init__(self, companion: Companion, check: ScenarioCheck, editor: TranscriptEditor, do: RoomTasks) -> None:
        super().__init__()
        self._companion = companion
        self._check = check
        self._edits = check.edits
        self._editor = editor
        self._do = do
        self._is_checking = False
        self.runs = ScenarioRuns(companion)
        self.bar = RunBar(companion)
        self.others = OtherRuns()
        self.bar.run_or_stop.connect(self.run_or_stop)
        self.bar.step.connect(self.step)
        self.bar.pause_or_resume.connect(self.pause_or_resume)
        self.bar.failure_requested.connect(editor.go_to)
        self.bar.seed.textChanged.connect(lambda _: self.show())
        self.others.stop_requested.connect(self.stop)
        self.runs.changed.connect(self._on_run_changed)
        self._disconnect = companion.hub.clients_changed.connect(lambda _: self.bar.target_box.follow_clients())

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        self.runs.close_down()
        self._disconnect()

    def run_or_stop(self) -> None:
        """Run the current scenario, or stop its run."""
        played = self._played
        if played and played.running:
            self.stop(played.run.number)
        else:
            self.run()

    def run(self, *, stepwise: bool = False) -> None:
        """Run the current scenario. If that is not possible, show why."""
        current = self._current
        if not current or self._is_checking:
            return
        if self.bar.problem:
            self.bar.show_problem(f"Not run. {self.bar.problem}")
            return
        text, key, name, saved = current.text, current.key, current.name, current.saved
        library = self._companion.saved_sessions
        options = self.bar.options(library.files_of(saved) if saved else NoFiles(), stepwise=stepwise)

        def checked(result: CheckedText) -> None:
            if result.session is None:
                if self._edits.current is current:
                    self.bar.show_problem(f"Not run. {result.invalid}")
                    self._editor.go_to(result.problems[0].line)
                return
            try:
                self._editor.begin_following()
                self.runs.start(key, name, text, result.session, options)
            except RequestError as error:
                self.bar.show_problem(f"Not run. {error}")

        def ended() -> None:
            self._is_checking = False

        self._is_checking = True
        self._do(self._companion.sessions.check_text(text, current.notation), checked, ended=ended)

    def step(self) -> None:
        """Play the next step of a paused run, or run the scenario step by step."""
        played = self._played
        if not played or not played.running:
            self.run(stepwise=True)
        elif played.run.state is RunState.PAUSED:
            played.run.next_step()

    def pause_or_resume(self) -> None:
        """Pause the run of the current scenario, or continue it."""
        played = self._played
        if played and played.run.state is RunState.PAUSED:
            played.run.resume()
        elif played:
            played.run.pause()

    def stop(self, number: int) -> None:
        """Stop a run."""
        self._do(self._companion.sessions.stop(number))

    def show(self) -> None:
        """Show the last run of the current scenario, and whether it can be run."""
        current, played = self._current, self._played
        text = current.text if current else ""
        nothing = "Loading …" if self._edits.loading else "Select a scenario"
        why_not = self.bar.problem or self._check.problem if current else nothing
        self.bar.show_run(played, text, can_run=not why_not, why_not=why_not)
        shown = played.run.number if played else 0
        listed = {each.name for each in self._companion.saved_sessions.all} | self._edits.drafts.keys()
        others = [each for each in self.runs.running if each.number != shown]
        keys = {each.number: key for each in others for key in self.runs.keys_of(each) if key in listed}
        self.others.show_runs(others, keys)
        if played is None:
            self._editor.show_results({}, outdated=False)
            self._editor.show_current(0)
            return
        outdated = played.text is not None and played.text != text
        self._editor.show_results(moved_results(played.results, played.text or text, text), outdated=outdated)
        self._editor.show_current(played.run.current.line if played.run.current and not outdated else 0)

    def _on_run_changed(self) -> None:
        self.show()
        self.changed.emit()

    @property
    def _current(self) -> Scenario | None:
        """The current scenario, unless it can only be looked at, or the user has chosen another one."""
        edits = self._edits
        can_run = edits.current and edits.current.is_editable and edits.key == edits.chosen_key
        return edits.current if can_run else None

    @property
    def _played(self) -> Played | None:
        """The last run of the current scenario."""
        return self.runs.of(self._current.key) if self._current else None
