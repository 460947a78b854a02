"""The bar of the Scenarios room for a run: speed, seed, recipients, the buttons, the progress and the result.
Its signals say what the user wants; ``ui/scenario_run_controls.py`` runs the scenario that is shown. The seed makes
random values of a run repeatable: generated IDs and texts, and what the faults of the scenario do.
"""

import random

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.hub.session_run import AS_FAST_AS_POSSIBLE, Options, RunState, SessionFiles
from app.hub.target import ALL
from app.protocol.session.steps import MAX_SEED
from app.protocol.times import local
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.run_text import TONES, run_text, speed_text
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.scenario_runs import Played
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.target_box import TargetBox

SPEEDS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, AS_FAST_AS_POSSIBLE)
OUT_OF_DATE = "Out of date: the text was edited since."


class RunBar(QWidget):
    """Shows the last run of one scenario. The signals say what the user wants."""

    run_or_stop = Signal()
    step = Signal()
    pause_or_resume = Signal()
    failure_requested = Signal(int)
    """Emitted with the line of the first expectation that was not met, to show it."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self.setObjectName("fireBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._played: Played | None = None
        self._shown: tuple[Played | None, str, str] = (None, "", "")
        """The run, the text and the seed that are shown."""
        self._problem_of: tuple[Played | None, str, str] | None = None
        """The same of the problem that is shown instead of the result."""
        self.stamp = named(PlainTextLabel(), "Time of the result", style_id="muted")
        self.status = named(ElidedLabel(), "Result", style_id="result")
        self.show_failure = named(QPushButton("Show line"), "Show the first line that failed")
        self.show_failure.clicked.connect(self._request_failure)
        self.speed = named(QComboBox(), "Speed", tip="Divides every pause; Max leaves the pauses out")
        for each in SPEEDS:
            self.speed.addItem(speed_text(each), each)
        self.speed.setCurrentText(speed_text(1.0))
        self.seed = named(
            LineEdit(limit=10, placeholder="as written"), "Seed",
            tip="The same seed makes the same IDs and texts. Empty: the seed of the scenario, or a random one.",
        )  # fmt: skip
        self.seed.setFixedWidth(104)
        self.new_seed = named(QPushButton(), "New seed", style_id="square", tip="Choose a random seed")
        self.new_seed.clicked.connect(lambda: self.seed.setText(str(random.randrange(MAX_SEED))))
        self.copy_seed = named(
            QPushButton(), "Copy the seed", style_id="square", tip="Copy the seed of the last run"
        )
        self.copy_seed.clicked.connect(self._copy_seed)
        self.target_box = TargetBox(companion)
        self.step_button = named(QPushButton("Step"), "Step")
        self.step_button.clicked.connect(self.step)
        self.pause = named(QPushButton("Pause"), "Pause")
        self.pause.clicked.connect(self.pause_or_resume)
        self.run = named(QPushButton("Run"), "Run", style_id="primary")
        self.run.clicked.connect(self.run_or_stop)
        self._lay_out()
        self.recolor()
        self.show_run(None, "", can_run=False, why_not="Select a scenario")

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.new_seed.setIcon(ui_icon("refresh", theme.colors().muted))
        self.copy_seed.setIcon(ui_icon("copy", theme.colors().muted))

    def _lay_out(self) -> None:
        options = QHBoxLayout()
        options.setSpacing(6)
        for widget in (
            PlainTextLabel("Speed"), self.speed, PlainTextLabel("Seed"), self.seed, self.new_seed, self.copy_seed,
            PlainTextLabel("Send to"), self.target_box,
        ):  # fmt: skip
            options.addWidget(widget)
        options.addStretch(1)
        options.addWidget(self.show_failure)
        result = QHBoxLayout()
        result.setSpacing(8)
        result.addWidget(self.stamp)
        result.addWidget(self.status, 1)
        for button in (self.step_button, self.pause, self.run):
            result.addWidget(button)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 10, 20, 12)
        column.setSpacing(8)
        column.addLayout(options)
        column.addLayout(result)

    @property
    def problem(self) -> str:
        """What is wrong with the seed, as a sentence; empty if nothing is."""
        seed = self.seed.text().strip()
        if not seed or (seed.isascii() and seed.isdecimal() and int(seed) <= MAX_SEED):
            return ""
        return f"The seed must be a whole number from 0 to {MAX_SEED:,}."

    def options(self, files: SessionFiles, *, stepwise: bool) -> Options:
        """Return how to play a session whose files are ``files``."""
        seed, to = self.seed.text().strip(), self.target_box.target
        return Options(
            speed=float(self.speed.currentData()), stepwise=stepwise, files=files, to=None if to == ALL else to,
            seed=int(seed) if seed else None,
        )  # fmt: skip

    def show_run(self, played: Played | None, text: str, *, can_run: bool, why_not: str) -> None:
        """Show a run of a scenario whose text is now ``text``, and whether the scenario can be run."""
        self._played = played
        shown = played, text, self.seed.text()
        if self._problem_of != shown:
            self._problem_of = None
        self._shown = shown
        running = played is not None and played.running
        paused = running and played is not None and played.run.state is RunState.PAUSED
        outdated = played is not None and played.text is not None and played.text != text
        if not self._problem_of:
            self._show_result(played, outdated=outdated)
        self.run.setText("Stop" if running else "Run")
        self.run.setAccessibleName(self.run.text())
        self.run.setIcon(ui_icon("stop" if running else "play", theme.colors().on_accent))
        self.run.setEnabled(running or can_run)
        set_tooltip(self.run, f"{self.run.text()} (Ctrl+Enter)" if running or can_run else why_not)
        self.pause.setText("Resume" if paused else "Pause")
        self.pause.setAccessibleName(self.pause.text())
        set_tooltip(self.pause, f"{self.pause.text()} (F8)")
        self.pause.setEnabled(running)
        self.step_button.setEnabled(paused or (not running and can_run))
        set_tooltip(
            self.step_button,
            "Play one step (F10)" if running else "Run the scenario step by step (F10)",
        )
        self.copy_seed.setEnabled(played is not None)

    def show_problem(self, text: str) -> None:
        """Show why the scenario could not be run, until its text, the seed or the run changes."""
        self._problem_of = self._shown
        self.stamp.hide()
        self.show_failure.hide()
        self._show_status(text, "error")

    def _show_result(self, played: Played | None, *, outdated: bool) -> None:
        text = run_text(played.run) if played else ""
        self._show_status(text, "muted" if outdated or not played else TONES[played.run.state])
        time = f"{local(played.ended_at):%H:%M:%S}" if played and played.ended_at else ""
        self.stamp.setText(f"{time} · out of date" if time and outdated else time)
        why = OUT_OF_DATE if outdated else ""
        set_tooltip(self.stamp, why)
        self.stamp.setAccessibleDescription(why)
        self.stamp.setVisible(bool(self.stamp.text()))
        failed = self._first_failure
        self.show_failure.setText(f"Show line {failed}")
        self.show_failure.setVisible(bool(failed) and not outdated)

    def _show_status(self, text: str, tone: str) -> None:
        self.status.setText(text)
        if self.status.property("tone") != tone:
            self.status.setProperty("tone", tone)
            self.status.style().polish(self.status)

    @property
    def _first_failure(self) -> int:
        """The line of the first expectation that was not met, or 0."""
        results = self._played.results if self._played else {}
        return min((line for line, result in results.items() if not result.met), default=0)

    def _request_failure(self) -> None:
        if line := self._first_failure:
            self.failure_requested.emit(line)

    def _copy_seed(self) -> None:
        if self._played:
            QGuiApplication.clipboard().setText(str(self._played.run.seed))
