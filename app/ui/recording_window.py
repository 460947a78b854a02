"""The window of an opened recording: its rows as in Events, but read-only, above a timeline.
It also shows the UI state after a row, and lists what the UI sent differently in another recording.
``recordings`` opens these windows, and the dialog that makes a bug report.

*Play from here* fires again what was fired in the recording, and *Resend* sends a recorded frame: to the clients
that are connected now. *Edit in Inject* opens one in the main window.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.protocol.counts import count
from app.protocol.session.run_names import RUN_BEFORE, RUN_BEFORE_EARLIER, THIS_RUN, THIS_RUN_EARLIER
from app.protocol.session.steps import RUN_TITLE
from app.protocol.times import local
from app.ui import theme
from app.ui.icons import icon, ui_icon
from app.ui.input_guard import InputGuard
from app.ui.keys import Shortcut
from app.ui.plain_text import PlainTextLabel
from app.ui.room_tasks import RoomTasks
from app.ui.rooms.events import EventsRoom
from app.ui.widgets.accessible_names import named
from app.ui.widgets.code_view import CodeView
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.timeline import Timeline, length_text

if TYPE_CHECKING:
    import asyncio
    from pathlib import Path

    from app.companion import Companion
    from app.hub.session_run import SessionRun
    from app.observers.opened_recording import OpenedRecording
    from app.protocol.session.comparison import UiDifference
    from app.ui.recorded_state_dialog import RecordedStateDialog
    from app.ui.widgets.differences import Differences

REFRESH_MS = 100
"""How often rows that were read are shown while the recording is loaded."""
MAX_LINTED_ROWS = 50_000
"""A recording with more rows is not compared with the contract: it would slow the window down."""
MESSAGE_MS = 8000
PLAY_TIP = (
    "Fire again what was fired in the recording, from the selected row on. It is played on a copy of the recorded "
    "chat state; your chats are back when it ends."
)
COMPARE_TIP = "List what the UI sent differently in another recording, apart from times and IDs"
REPORT_TIP = (
    "Put the recording, its chat state, the settings and your event files into one file, without names and texts"
)
PREVIOUS_KEY, NEXT_KEY = "Alt+Left", "Alt+Right"
RUN_TITLES = {
    THIS_RUN_EARLIER: "This run, earlier part",
    RUN_BEFORE: "Run before",
    RUN_BEFORE_EARLIER: "Run before, earlier part",
}
"""Titles of the recordings of runs. This run so far is the log itself."""
BADGE_TIP = "The rows of a recording cannot be changed. Resend and Edit in Inject act on the running companion."


def title_of(recording: OpenedRecording) -> str:
    """Return the title of a recording, or its name if it has none.

    The header of a run's recording says "This run", which is not true for the run before, or for a copy.
    """
    title = RUN_TITLES.get(recording.name, recording.header.title)
    if not title or (title == RUN_TITLE and recording.name != THIS_RUN):
        return recording.name
    return title


class RecordingWindow(QWidget):
    """Shows a recording while it is read, and afterwards. Closing it stops reading, also what *Play* reads."""

    closed = Signal()
    help_requested = Signal()
    compare_requested = Signal(object)
    """Emitted with the window when the user wants to choose another recording."""

    def __init__(self, companion: Companion, recording: OpenedRecording) -> None:
        super().__init__()
        theme.style_window(self)
        self._companion = companion
        self.recording = recording
        self.setWindowTitle(f"Recording: {recording.name} – read-only")
        self.setWindowIcon(icon("app"))
        self.setMinimumSize(720, 480)
        self.badge = named(
            PlainTextLabel("Read-only recording"), "Kind of the window", style_id="recordingBadge", tip=BADGE_TIP
        )
        self.title = named(ElidedLabel(title_of(recording)), "Title", style_id="detailHead")
        self.facts = named(ElidedLabel(), "About the recording", style_id="muted")
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="recordingProblem")
        self.problem.hide()
        self.room = EventsRoom(companion, recording)
        self.timeline = Timeline(recording)
        self.previous = named(
            QPushButton(), "Previous row", style_id="square", tip=f"Previous row ({PREVIOUS_KEY})"
        )
        self.next = named(QPushButton(), "Next row", style_id="square", tip=f"Next row ({NEXT_KEY})")
        self.play = named(QPushButton("Play from here"), "Play from here", tip=PLAY_TIP)
        self.compare = named(QPushButton("Compare with …"), "Compare with another recording", tip=COMPARE_TIP)
        self.report = named(QPushButton("Bug report …"), "Make a bug report", tip=REPORT_TIP)
        self.differences: Differences | None = None
        self._run: SessionRun | None = None
        self.message = named(ElidedLabel(), "Result", style_id="muted")
        self._message_timer = QTimer(self, interval=MESSAGE_MS, singleShot=True)
        self._refresh = QTimer(self, interval=REFRESH_MS, singleShot=True)
        self._input_guard = InputGuard(self)
        self._do = RoomTasks(companion.tasks, self.show_message)
        self._lay_out()
        self._connect()
        self.recolor()
        self.refresh()
        self._stop_watching: Callable[[], None] = lambda: None
        self._other = self
        self.is_closed = False
        self.state: RecordedStateDialog | None = None
        """The open dialog with a UI state."""
        self._computing = False
        self._starting: asyncio.Task[None] | None = None
        self._loading = self._do(recording.load(), lambda _: self._lint(), ended=self.refresh)

    def close_down(self) -> None:
        """Stop reading, and disconnect from all signals. Call it before the window is destroyed."""
        self._do.close()
        for task in (self._loading, self._starting):
            if task:
                task.cancel()
        self.recording.close()
        self._refresh.stop()
        self._stop_watching()
        self._unwatch_pins()
        self._disconnect()
        self.room.close_down()

    def show_message(self, text: str) -> None:
        """Show the result of an action for a while."""
        self.message.setText(text)
        self._message_timer.start()

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text."""
        self.show_message(text)

    def refresh(self) -> None:
        """Show the rows that were read, and the progress."""
        self.room.model.flush()
        self.timeline.refresh()
        self.facts.setText(self._about())
        if self.recording.error:
            self.problem.setText(self.recording.error)
            self.problem.show()

    def _lint(self) -> None:
        """Mark the rows that violate the contract, unless there are very many rows."""
        if 0 < len(self.recording.times) <= MAX_LINTED_ROWS:
            self._do(self._companion.recording_actions.lint(self.recording), self._mark)

    def _mark(self, found: dict[int, tuple[str, ...]]) -> None:
        marks = self.recording.journal.rows.marks
        marks.turn_lint_off(self._companion.settings.lint_off)
        for row, rules in found.items():
            for rule in rules:
                marks.add_lint(row, rule)

    def present(self) -> None:
        """Show the window and bring it to the front."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for button, name in ((self.previous, "back"), (self.next, "forward")):
            button.setIcon(ui_icon(name, theme.colors().text))
        self.room.recolor()
        for view in self.room.findChildren(CodeView):
            view.highlighter.recolor()
        self.timeline.update()

    def show_row(self, row: int) -> None:
        """Select a row, or the last one before it that the filter shows."""
        self.room.show_nearest(row)

    def play_or_stop(self) -> None:
        """Play the recording from the selected row on, or stop playing it."""
        if self._run and not self._run.state.ended:
            self._do(self._companion.sessions.stop(self._run.number))
            return
        row = self.room.selected
        seq = self.recording.seq(row.seq) if row else 0
        self.play.setEnabled(False)
        self.show_message("Reading the recording …")
        self._starting = self._do(
            self._companion.recording_actions.play(self.recording, seq or None), self._playing,
            ended=lambda: self.play.setEnabled(True),
        )  # fmt: skip

    def _playing(self, run: SessionRun) -> None:
        self._run = run
        self._stop_watching()
        self._stop_watching = run.changed.connect(lambda _: self._show_run())
        self._show_run()

    def _show_run(self) -> None:
        if (run := self._run) is None:
            return
        ended = run.state.ended
        self.play.setText("Play from here" if ended else "Stop playing")
        self.play.setAccessibleName(self.play.text())
        played = f"{run.totals.outermost:,} of {count(run.total_steps, 'step')}"
        text = f"Playing the recording: {run.state.value}, {played}"
        self.show_message(f"{text}. {run.remarks}" if run.remarks else text)

    def _compute_state(self, number: int) -> None:
        """Compute the state of the UI after a row: of the client that the row is from or to, or of the only one.

        One at a time: a second request is ignored until the dialog of the first one is closed.
        """
        if self._computing or self.state or (row := self.recording.journal.row(number)) is None:
            return
        self._computing = True
        client = int(row.client) if row.client.isdecimal() else next(iter(row.recipients), None)
        self.show_message("Computing the UI state …")
        self._do(
            self._companion.recording_actions.ui_state(self.recording, client, self.recording.seq(number)),
            self._show_state,
            ended=self._computed,
        )

    def _computed(self) -> None:
        self._computing = False

    def _show_state(self, state: dict[str, Any]) -> None:
        from app.ui.recorded_state_dialog import RecordedStateDialog

        self.show_message("")
        self.state = RecordedStateDialog(self, state)
        self.state.finished.connect(self._state_closed)
        self.state.open()

    def _state_closed(self) -> None:
        self.state = None

    def compare_with(self, recording: str | Path, show: Callable[[OpenedRecording], RecordingWindow]) -> None:
        """Open another recording, ``show`` it in a window, and list what the UI sent differently in it."""
        if self.differences:
            self.differences.hide()
        self.show_message("Comparing …")
        self._do(self._companion.recording_actions.open(recording), lambda opened: self._compare(show(opened)))

    def _compare(self, other: RecordingWindow) -> None:
        self._do(
            self._companion.recording_actions.compare(self.recording, other.recording),
            lambda found: self._show_differences(other, found),
        )

    def _show_differences(self, other: RecordingWindow, found: Sequence[UiDifference]) -> None:
        from app.ui.widgets.differences import Differences

        if self.differences is None:
            self.differences = Differences()
            self._column.insertWidget(3, self.differences)
            self.differences.chosen.connect(self._choose)
        self._other = other
        self.differences.show_differences(found, self.recording.name, other.recording.name)
        self.show_message("")

    def _choose(self, difference: UiDifference) -> None:
        for window, sent in ((self, difference.first), (self._other, difference.second)):
            if window.is_closed:
                continue
            window.room.table.clearSelection()
            if sent and (row := window.recording.row_of_line(sent.line)):
                window.room.show_row(row)

    def _about(self) -> str:
        recording = self.recording
        rows = count(len(recording.times), "row")
        if not recording.done:
            return f"Reading … {100 * recording.read_bytes // max(recording.size, 1)} % · {rows}"
        parts = [f"{local(recording.began):%Y-%m-%d %H:%M:%S}"] if recording.began else []
        parts += [rows, length_text(recording.duration)]
        parts += [count(len(recording.invalid), "invalid row")] if recording.invalid else []
        parts += [count(len(recording.gaps), "gap")] if recording.gaps else []
        parts += [count(len(recording.marks), "mark")] if recording.marks else []
        return " · ".join(parts)

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 16, 0)
        head.setSpacing(10)
        head.addWidget(self.badge, 0, Qt.AlignmentFlag.AlignVCenter)
        head.addWidget(self.title)
        head.addWidget(self.facts, 1)
        head.addWidget(self.compare)
        head.addWidget(self.report)
        foot = QHBoxLayout()
        foot.setContentsMargins(16, 4, 16, 12)
        foot.setSpacing(8)
        foot.addWidget(self.previous)
        foot.addWidget(self.timeline, 1)
        foot.addWidget(self.next)
        foot.addWidget(self.play)
        self.room.foot.insertWidget(1, self.message, 20)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.problem)
        column.addWidget(self.room, 1)
        column.addLayout(foot)
        self.resize(1000, 680)
        self.room.table.setFocus()

    def _connect(self) -> None:
        self._disconnect = self.recording.progressed.connect(lambda _: self._refresh_soon())
        self._refresh.timeout.connect(self.refresh)
        self._message_timer.timeout.connect(lambda: self.message.setText(""))
        self.room.status_message.connect(self.show_message)
        self.room.table.selectionModel().selectionChanged.connect(lambda *_: self._show_position())
        self.room.row_actions.state_requested.connect(self._compute_state)
        self.timeline.scrubbed.connect(self.show_row)
        self.timeline.stepped.connect(self._step)
        self.previous.clicked.connect(lambda: self._step(-1))
        self._unwatch_pins = self.recording.journal.rows.marks.changed.connect(lambda _: self.timeline.update())
        self.play.clicked.connect(self.play_or_stop)
        self.compare.clicked.connect(lambda: self.compare_requested.emit(self))
        self.next.clicked.connect(lambda: self._step(1))
        for key, act in (
            (PREVIOUS_KEY, self.previous.click), (NEXT_KEY, self.next.click), ("Ctrl+W", self.close),
            ("F1", self.help_requested.emit),
            ("Ctrl+F", self.room.focus_filter),
        ):  # fmt: skip
            Shortcut(key, self, act, repeats=key in (PREVIOUS_KEY, NEXT_KEY))

    def _refresh_soon(self) -> None:
        if not self.room.model.rowCount():
            self.refresh()  # the first rows at once
        elif not self._refresh.isActive():
            self._refresh.start()

    def _show_position(self) -> None:
        if row := self.room.selected:
            self.timeline.show_row(row.seq)

    def _step(self, by: int) -> None:
        if abs(by) == 1:
            self.room.step(by)
        elif rows := len(self.recording.times):
            self.room.show_nearest(1 if by < 0 else rows)

    # QWidget

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._input_guard.watch(self.windowHandle())

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange and self.isVisible():
            self.recolor()

    @override
    def closeEvent(self, event: QCloseEvent) -> None:
        super().closeEvent(event)
        self.is_closed = True
        self.closed.emit()
