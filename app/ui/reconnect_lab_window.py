"""The window of the reconnect lab, which tests how a browser reconnects: it starts and stops runs, and shows one.
A run closes the browser's connections and refuses its attempts to reconnect. The window plots their delays, shows
whether they fit the guide (the UI's specification), and saves the result. It also shows a run that a command or a
script has started.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QPushButton, QWidget
from typing_extensions import override

from app.companion import Companion
from app.hub.lab_run import LabRun
from app.hub.origin import PANEL
from app.protocol.close_codes import why_not_sendable
from app.protocol.errors import RequestError
from app.protocol.reconnect_lab import MAX_ATTEMPTS, SERVICE_RESTART, LabOptions, LabReport
from app.protocol.reconnects import browser_of
from app.ui.lab_export import LabExport
from app.ui.models.lab_text import TONES, command_of, intent_text, page_text, title_of
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.room_tasks import RoomTasks
from app.ui.side_window import SPACING, SideWindow, field_label
from app.ui.widgets.accessible_names import named, number_box
from app.ui.widgets.browser_box import BrowserBox
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.reconnect_plot import ReconnectPlot
from app.ui.widgets.refusal_mode import RefusalModeField

REFRESH_MS = 100
"""Changes are shown at most this often."""
TICK_MS = 500
"""How often the time of a run is updated."""
DEFAULT_ATTEMPTS = 5
VERDICT_LINES = 3
START_TIP = "Close the connections of this browser, and refuse its attempts to reconnect"
COPY_TIP = "Copy the command line that does the same, for CI"


class ReconnectLabWindow(SideWindow):
    """Starts and stops runs, and shows the current or last one. Nothing is updated while it is hidden."""

    def __init__(self, parent: QWidget, companion: Companion) -> None:
        super().__init__(parent, "Reconnect lab")
        self._companion = companion
        self._lab = companion.reconnect_lab
        self._do = RoomTasks(companion.tasks, self.show_message)
        self.exports = LabExport(self, companion, self._do, self.show_message)
        self.browser = BrowserBox()
        self.mode = RefusalModeField()
        self.attempts = number_box("Attempts", 1, MAX_ATTEMPTS, tip="Refuse and judge this many attempts")
        self.attempts.setValue(DEFAULT_ATTEMPTS)
        self.code = number_box(
            "Close with code", 1000, 4999, tip="The connections are closed with this code before the first attempt"
        )
        self.code.setValue(SERVICE_RESTART)
        self.intent = named(PlainTextLabel(wordWrap=True), "What a run does", style_id="muted")
        self.page = named(ElidedLabel(), "Plot of", style_id="detailHead")
        self.plot = ReconnectPlot()
        self.title = named(PlainTextLabel(wordWrap=True), "Result", style_id="result")
        self.verdict = named(PlainTextLabel(wordWrap=True), "Verdict")
        self.save_picture = named(
            QPushButton("Save picture …"), "Save picture …", tip="Save the plot as SVG or PNG"
        )
        self.save_json = named(QPushButton("Save JSON …"), "Save JSON …", tip="Save the attempts and the verdict")
        self.copy = named(QPushButton("Copy command"), "Copy command", tip=COPY_TIP)
        self.start = named(QPushButton("Start"), "Start", style_id="primary")
        self._run: LabRun | None = None
        self._unwatch: Callable[[], None] = lambda: None
        self._problem = ""
        """Why the last start failed."""
        self._refresh = QTimer(self, interval=REFRESH_MS, singleShot=True)
        self._tick = QTimer(self, interval=TICK_MS)
        self._lay_out()
        self._connect()
        if self._lab.run:
            self.show_run(self._lab.run)

    def close_down(self) -> None:
        """Disconnect from all signals. Call it before the window is destroyed."""
        self._refresh.stop()
        self._tick.stop()
        self._do.close()
        self._unwatch()
        for disconnect in self._disconnects:
            disconnect()

    def choose_client(self, number: int) -> None:
        """Choose the browser of a client."""
        client = self._companion.hub.client(number)
        if client and not self.is_running:
            self.browser.choose(client)

    @property
    def is_running(self) -> bool:
        """Whether a run has not ended."""
        return self._run is not None and not self._run.ended

    @property
    def options(self) -> LabOptions | None:
        """What *Start* does; None if the inputs are not valid."""
        mode = self.mode.mode
        if mode is None or self._code_problem:
            return None
        return LabOptions(mode, self.attempts.value(), client=self.browser.client, code=self.code.value())

    @property
    def _code_problem(self) -> str:
        """Why a close code may not be sent, or an empty text."""
        return self.mode.problem or why_not_sendable(self.code.value())

    def start_or_stop(self) -> None:
        """Start a run with the inputs, or stop the current one."""
        if self.is_running:
            self._do(self._lab.stop())
        elif options := self.options:
            self._problem = ""
            try:
                self._lab.start(options, PANEL)
            except RequestError as error:
                self._problem = str(error)
            self.refresh()

    def copy_command(self) -> None:
        """Copy the command line of a run with the inputs. It names a client if there are several browsers."""
        if options := self.options:
            client = None if self.browser.is_only_one else options.client
            command = command_of(options._replace(client=client))
            QGuiApplication.clipboard().setText(command)
            self.show_message(f"Copied {command}")

    def show_run(self, run: LabRun) -> None:
        """Show a run, and follow it until another one starts."""
        self._unwatch()
        self._run = run
        self._problem = ""
        client = self._companion.hub.client(run.report.closed[0]) if run.report.closed else None
        if client:
            self.browser.choose(client)
        self._unwatch = run.changed.connect(lambda _: self._refresh_soon())
        self._refresh_soon()

    def refresh(self) -> None:
        """Show the present state."""
        running = self.is_running
        if not running:
            self.browser.show_clients(self._companion.hub.clients)
        for each in (self.browser, self.code, self.mode, self.attempts):
            each.setEnabled(not running)
        self.start.setText("Stop" if running else "Start")
        self.start.setAccessibleName(self.start.text())
        self._show_inputs()
        self._show_report()
        if running and self.isVisible():
            self._tick.start()
        else:
            self._tick.stop()

    def _show_inputs(self) -> None:
        """Show what *Start* would do, or why it is not possible."""
        options, running = self.options, self.is_running
        why_not = self._code_problem or self.browser.why_not
        self.intent.setText(intent_text(options) if options else self._code_problem)
        self.start.setEnabled(running or not why_not)
        set_tooltip(self.start, "Accept connections again" if running else why_not or START_TIP)
        why_no_command = self._code_problem or ("" if self.browser.is_only_one else self.browser.why_not)
        self.copy.setEnabled(not why_no_command)
        set_tooltip(self.copy, why_no_command or COPY_TIP)
        for button in (self.save_picture, self.save_json):
            button.setEnabled(self._run is not None)
        if self._run is None:
            self._show_report()

    def _show_report(self) -> None:
        """Show the run, or what is expected before the first one."""
        report = self._run.report if self._run else self._preview()
        if report != self.plot.report:
            self.plot.show_report(report)
            self.page.setText(self._page_of(report))
        verdict = self._problem or (report.text if report and self._run else self.browser.why_not)
        if verdict != self.verdict.text():
            self.verdict.setText(verdict)
            self.fit_height()
        self._show_title()

    def _show_title(self) -> None:
        if self._problem:
            text, tone = "Not started", "error"
        elif self._run:
            text, tone = title_of(self._run.report), TONES[self._run.report.outcome]
        else:
            text, tone = "No run yet. The plot shows when the guide expects the attempts.", "muted"
        if text != self.title.text():
            self.title.setText(text)
        if tone != self.title.property("tone"):
            self.title.setProperty("tone", tone)
            self.title.style().polish(self.title)

    def _preview(self) -> LabReport | None:
        """Return a report without attempts, of what the inputs expect."""
        if (options := self.options) is None:
            return self.plot.report
        client = None if options.client is None else self._companion.hub.client(options.client)
        origin, agent = (client.origin, client.user_agent) if client else ("", "")
        return LabReport(options._replace(client=None), origin, agent, browser_of(agent), ())

    def _page_of(self, report: LabReport | None) -> str:
        if report is None or not report.origin + report.user_agent:
            return "Expected attempts"
        from app.hub.clients import Handshake

        return f"{page_text(Handshake(report.origin, report.user_agent))} · refused with {report.options.mode}"

    def _refresh_soon(self) -> None:
        if self.isVisible() and not self._refresh.isActive():
            self._refresh.start()

    def _export(self, ask: Callable[[LabRun], None]) -> None:
        if self._run:
            ask(self._run)

    def _lay_out(self) -> None:
        form = QGridLayout()
        form.setHorizontalSpacing(SPACING)
        form.setVerticalSpacing(SPACING)
        form.addWidget(field_label("Browser", self.browser), 0, 0)
        which = QHBoxLayout()
        which.setSpacing(SPACING)
        which.addWidget(self.browser, 1)
        which.addSpacing(SPACING)
        which.addWidget(field_label("Close with code", self.code))
        which.addWidget(self.code)
        form.addLayout(which, 0, 1)
        how = QHBoxLayout()
        how.setSpacing(SPACING)
        how.addWidget(self.mode)
        how.addSpacing(SPACING)
        how.addWidget(field_label("Attempts", self.attempts))
        how.addWidget(self.attempts)
        how.addStretch(1)
        form.addWidget(field_label("Refuse with", self.mode.kind), 1, 0)
        form.addLayout(how, 1, 1)
        form.setColumnStretch(1, 1)
        font = self.title.font()
        font.setBold(True)
        self.title.setFont(font)
        self.verdict.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.verdict.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.verdict.setMinimumHeight(VERDICT_LINES * self.verdict.fontMetrics().lineSpacing())
        self.column.addLayout(form)
        self.column.addWidget(self.intent)
        self.column.addSpacing(SPACING)
        self.column.addWidget(self.page)
        self.column.addWidget(self.plot, 1)
        self.column.addWidget(self.title)
        self.column.addWidget(self.verdict)
        for each in (self.save_picture, self.save_json, self.copy):
            self.foot.addWidget(each)
        self.foot.addWidget(self.message, 1)
        self.foot.addWidget(self.start)
        self.column.addLayout(self.foot)
        self.no_default_button()
        self.setMinimumSize(640, 520)
        self.resize(760, 600)
        self.start.setFocus()

    def _connect(self) -> None:
        self.start.clicked.connect(self.start_or_stop)
        self.copy.clicked.connect(self.copy_command)
        self.save_picture.clicked.connect(lambda: self._export(self.exports.ask_for_picture))
        self.save_json.clicked.connect(lambda: self._export(self.exports.ask_for_json))
        for changed in (
            self.browser.chosen,
            self.code.valueChanged,
            self.mode.changed,
            self.attempts.valueChanged,
        ):
            changed.connect(self._show_inputs)
        self._refresh.timeout.connect(self.refresh)
        self._tick.timeout.connect(self._show_title)
        self._disconnects = [
            self._lab.started.connect(self.show_run),
            self._companion.hub.clients_changed.connect(lambda _: self._refresh_soon()),
        ]

    # QWidget

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._refresh.stop()
        self._tick.stop()
