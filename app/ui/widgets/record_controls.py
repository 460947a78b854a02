"""The controls of the Scenarios room that start and stop recordings, and show the number of lines of the newest.
A recording is a file with all traffic from its start until it is stopped. Several can run at the same time; *Stop*
ends the newest one. The buttons emit signals; the room acts.
"""

from collections.abc import Callable

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget
from typing_extensions import override

from app.companion import Companion
from app.protocol.counts import count
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel

REFRESH_MS = 500
RECORD_TIP = "Record everything that happens from now on into a file"


class RecordControls(QWidget):
    """A button, and below it the newest recording that is being made."""

    record_requested = Signal()
    stop_requested = Signal(str)
    """Emitted with the name of a recording."""

    def __init__(self, companion: Companion, first: QPushButton) -> None:
        """``first`` is another button, beside *Record …*."""
        super().__init__()
        self._companion = companion
        self._name = ""
        self.record = named(QPushButton("Record …"), "Record", tip=RECORD_TIP)
        self.record.clicked.connect(self.record_requested)
        self.symbol = PlainTextLabel()
        self.text = named(ElidedLabel(), "Recording")
        self.stop = named(QPushButton("Stop"), "Stop recording")
        self.stop.clicked.connect(lambda: self.stop_requested.emit(self._name))
        self.active = QWidget()
        row = QHBoxLayout(self.active)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.symbol)
        row.addWidget(self.text, 1)
        row.addWidget(self.stop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(8)
        column.addWidget(self.active)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addWidget(first, 1)
        buttons.addWidget(self.record, 1)
        column.addLayout(buttons)
        self._timer = QTimer(self, interval=REFRESH_MS)
        self._timer.timeout.connect(self.refresh)
        self._disconnect: Callable[[], object] = companion.recordings.changed.connect(lambda _: self.refresh())
        self.recolor()
        self.refresh()

    def close_down(self) -> None:
        """Disconnect from the companion's signals."""
        self._timer.stop()
        self._disconnect()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        scheme = theme.colors()
        self.record.setIcon(ui_icon("record", scheme.muted))
        self.symbol.setPixmap(ui_icon("record", scheme.error).pixmap(16, 16))

    def refresh(self) -> None:
        """Show the newest recording and the number of its lines, while the controls are visible."""
        active = self._companion.recordings.active
        self.active.setVisible(bool(active))
        if not active:
            self._timer.stop()
            return
        newest = active[-1]
        self._name = newest.name
        others = f", {len(active) - 1} more" if len(active) > 1 else ""
        title = newest.name.rpartition("/")[2]
        self.text.setText(newest.file.error or f"{count(newest.recorder.lines, 'line')} · {title}{others}")
        self.text.setAccessibleName("Recording")
        if self.isVisible() and not self._timer.isActive():
            self._timer.start()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.refresh()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()
