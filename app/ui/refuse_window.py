"""The window *Refuse connections*: refuse the next connections, or all for some seconds, or close all clients.
It lists the armed refusals (what is still to be refused), and can remove them. Clients can be closed several times
with pauses (see ``client_flapping``), so that a UI has to reconnect again and again.
"""

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QRadioButton, QWidget
from typing_extensions import override

from app.companion import Companion
from app.protocol.close_codes import why_not_sendable
from app.protocol.counts import count
from app.protocol.reconnect_lab import SERVICE_RESTART
from app.protocol.refusals import MAX_REFUSAL_S, MAX_REFUSALS
from app.ui.client_flapping import MAX_PAUSE_S, MAX_TIMES, ClientFlapping
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.refusal_commands import RefusalCommands
from app.ui.side_window import SPACING, SideWindow, field_label
from app.ui.widgets.accessible_names import named, number_box
from app.ui.widgets.refusal_mode import RefusalModeField

REFRESH_MS = 100
"""A faulty UI reconnects a thousand times per second."""
TICK_MS = 1000
MAX_LISTED = 6
"""At most this many armed refusals are listed."""
BOX_WIDTH = 88
NOTHING = "All connections are accepted."
HINT = "Connected clients stay connected. Connections from origins that are not allowed do not count."
FLAP_HINT = "Closes the connections of all clients, so that your UI has to reconnect. Closing this window ends it."


class RefuseWindow(SideWindow):
    """Arms and removes refusals, and closes clients. Nothing is updated while it is hidden."""

    def __init__(self, parent: QWidget, companion: Companion) -> None:
        super().__init__(parent, "Refuse connections")
        self._refusals = companion.refusals
        self.commands = RefusalCommands(companion, lambda _: None, self.show_message)
        self.flapping = ClientFlapping(companion.hub, self)
        self.mode = RefusalModeField()
        self.by_number = named(QRadioButton("The next"), "Refuse a number of connections")
        self.number = number_box("Number of connections", 1, MAX_REFUSALS)
        self.by_time = named(QRadioButton("All for"), "Refuse all connections for some seconds")
        self.seconds = number_box("Seconds", 1, int(MAX_REFUSAL_S))
        self.refuse = named(QPushButton("Refuse"), "Refuse connections", style_id="primary")
        self.armed = named(PlainTextLabel(wordWrap=True), "Armed")
        self.accept_button = named(
            QPushButton("Accept connections"),
            "Accept connections",
            tip="Remove all refusals, and end the reconnect lab",
        )
        self.times = number_box("Times", 1, MAX_TIMES, tip="How often to close the connections")
        self.pause = number_box("Seconds between two times", 1, MAX_PAUSE_S)
        self.code = number_box("Close code", 1000, 4999, tip="Close code: 1000–1003, 1007–1014 or 3000–4999")
        self.flap = named(QPushButton("Close all"), "Close all clients")
        self.flap_state = named(PlainTextLabel(wordWrap=True), "Progress", style_id="muted")
        self._refresh = QTimer(self, interval=REFRESH_MS, singleShot=True)
        self._tick = QTimer(self, interval=TICK_MS)
        for box, value in (
            (self.number, 3), (self.seconds, 30), (self.times, 5), (self.pause, 4), (self.code, SERVICE_RESTART),
        ):  # fmt: skip
            box.setValue(value)
            box.setFixedWidth(BOX_WIDTH)
        self.by_number.setChecked(True)
        self._lay_out()
        self._connect()
        self.refresh()

    def close_down(self) -> None:
        """Disconnect from all signals. Call it before the window is destroyed."""
        self.flapping.stop()
        self._refresh.stop()
        self._tick.stop()
        self._disconnect()

    def arm(self) -> None:
        """Refuse connections as the inputs say."""
        if mode := self.mode.mode:
            number = self.number.value() if self.by_number.isChecked() else None
            seconds = self.seconds.value() if self.by_time.isChecked() else None
            self.commands.refuse(mode, number=number, seconds=seconds)
            self.refresh()

    def flap_or_stop(self) -> None:
        """Close all clients as the inputs say, or stop closing them."""
        if self.flapping.is_running:
            self.flapping.stop()
        else:
            self.flapping.start(self.times.value(), self.pause.value(), self.code.value())

    def refresh(self) -> None:
        """Show what is armed."""
        armed = [f"Refusing {self._refusals.describe(each)}" for each in self._refusals.armed]
        more = len(armed) - MAX_LISTED
        text = "\n".join(armed[:MAX_LISTED] + [f"and {more} more"] * (more > 0)) or NOTHING
        if text != self.armed.text():
            self.armed.setText(text)
            self.fit_height()
        if not armed and self.accept_button.hasFocus():
            self.refuse.setFocus()  # otherwise Qt focuses another button
        self.accept_button.setEnabled(bool(armed))
        self.refuse.setEnabled(self.mode.mode is not None)
        set_tooltip(self.refuse, self.mode.problem or HINT)
        if armed and self.isVisible():
            self._tick.start()
        else:
            self._tick.stop()

    def _show_flapping(self) -> None:
        flapping = self.flapping
        problem = "" if flapping.is_running else why_not_sendable(self.code.value())
        self.flap.setText("Stop" if flapping.is_running else "Close all")
        self.flap.setAccessibleName("Stop closing clients" if flapping.is_running else "Close all clients")
        self.flap.setEnabled(not problem)
        times, clients = count(flapping.times, "time"), count(flapping.closed, "client")
        done = f"Closed {flapping.done} of {times}; {clients} the last time."
        self.flap_state.setText(problem or (done if flapping.done else FLAP_HINT))
        for each in (self.times, self.pause, self.code):
            each.setEnabled(not flapping.is_running)

    def _refresh_soon(self) -> None:
        if self.isVisible() and not self._refresh.isActive():
            self._refresh.start()

    def _lay_out(self) -> None:
        hint = PlainTextLabel(HINT, wordWrap=True)
        hint.setObjectName("muted")
        form = QGridLayout()
        form.setHorizontalSpacing(SPACING)
        form.setVerticalSpacing(SPACING)
        form.addWidget(field_label("Refuse with", self.mode.kind), 0, 0)
        form.addLayout(_row(self.mode), 0, 1, 1, 3)
        amounts = ((self.by_number, self.number, "connections"), (self.by_time, self.seconds, "seconds"))
        for number, (button, box, unit) in enumerate(amounts, 1):
            form.addWidget(button, number, 1)
            form.addWidget(box, number, 2)
            form.addWidget(PlainTextLabel(unit), number, 3)
        form.addWidget(self.refuse, 2, 4)
        form.setColumnStretch(3, 1)
        self.column.addWidget(_heading("Refuse connections"))
        self.column.addWidget(hint)
        self.column.addLayout(form)
        self.column.addLayout(_text_and_button(self.armed, self.accept_button))
        line = QFrame()
        line.setObjectName("dialogFoot")
        line.setFrameShape(QFrame.Shape.NoFrame)
        line.setFixedHeight(1)
        self.column.addSpacing(SPACING)
        self.column.addWidget(line)
        self.column.addSpacing(SPACING)
        self.column.addWidget(_heading("Close all clients"))
        self.column.addLayout(
            _row(
                self.times,
                PlainTextLabel("times, every"),
                self.pause,
                PlainTextLabel("seconds, with code"),
                self.code,
            )
        )
        self.column.addLayout(_text_and_button(self.flap_state, self.flap))
        self.column.addStretch(1)
        self.foot.addWidget(self.message, 1)
        self.column.addLayout(self.foot)
        self.no_default_button()
        self.setMinimumSize(520, 400)
        self.resize(560, 410)
        self.mode.setFocus()

    def _connect(self) -> None:
        self.refuse.clicked.connect(self.arm)
        self.accept_button.clicked.connect(self.commands.accept)
        self.flap.clicked.connect(self.flap_or_stop)
        self.mode.changed.connect(self.refresh)
        self.number.valueChanged.connect(lambda _: self.by_number.setChecked(True))
        self.seconds.valueChanged.connect(lambda _: self.by_time.setChecked(True))
        self.code.valueChanged.connect(lambda _: self._show_flapping())
        self.flapping.changed.connect(self._show_flapping)
        self._refresh.timeout.connect(self.refresh)
        self._tick.timeout.connect(self.refresh)
        self._disconnect = self._refusals.changed.connect(lambda _: self._refresh_soon())
        self._show_flapping()

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
        if not self.isMinimized():
            self.flapping.stop()


def _heading(text: str) -> PlainTextLabel:
    heading = PlainTextLabel(text)
    heading.setObjectName("sectionTitle")
    return heading


def _row(*widgets: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(SPACING)
    for each in widgets:
        row.addWidget(each)
    row.addStretch(1)
    return row


def _text_and_button(text: PlainTextLabel, button: QPushButton) -> QHBoxLayout:
    text.setAlignment(Qt.AlignmentFlag.AlignTop)
    row = QHBoxLayout()
    row.setSpacing(2 * SPACING)
    row.addWidget(text, 1)
    row.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
    return row
