"""The line of ``fire_bar`` that shows the last result with its time, or a notice, and a button that may help.
``fire_bar`` is the bar in Inject and Fixtures, not the small window of ``ui/fire_bar_window.py``.

If no client is connected, it offers to fire when one connects. If a message from an offline friend was sent, it
offers to switch the friend online and fire again. If an editor rejected a text, it offers to send a file instead.
"""

from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.protocol.times import local
from app.ui.plain_text import PlainTextLabel, set_tooltip, without_mnemonics
from app.ui.widgets.accessible_names import named
from app.ui.widgets.fire_results import Result

SEND_FILE = "Send from file …"
SEND_FILE_TIP = "Send the content of a file as one frame, unchanged"


class ResultLine(QWidget):
    """Show a ``Result``. A result that is no longer current says so, and offers no remedies."""

    def __init__(self) -> None:
        super().__init__()
        self.stamp = named(PlainTextLabel(), "Time of the result", style_id="muted")
        self.status = named(PlainTextLabel(wordWrap=True), "Result", style_id="result")
        self.send_file = named(QPushButton(SEND_FILE), "Send a frame from a file", tip=SEND_FILE_TIP)
        self.when_connected = named(QPushButton("Fire when a client connects"), "Fire when a client connects")
        self.online_first = named(QPushButton(), "Switch the friend online and fire again")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        row.addWidget(self.stamp)
        row.addWidget(self.status, 1)
        for button in (self.send_file, self.when_connected, self.online_first):
            button.setVisible(False)
            row.addWidget(button)

    def show_result(self, result: Result) -> None:
        """Show a result and its remedies."""
        self.status.setText(result.text)
        tone = "muted" if result.outdated else result.tone
        if self.status.property("tone") != tone:
            self.status.setProperty("tone", tone)
            self.status.style().polish(self.status)
        time = f"{local(result.time):%H:%M:%S}" if result.final else ""
        self.stamp.setText(f"{time} · out of date" if result.outdated else time)
        self.stamp.setVisible(bool(time))
        why = f"Out of date: {result.outdated}." if result.outdated else ""
        for label in (self.stamp, self.status):
            set_tooltip(label, why)
            label.setAccessibleDescription(why)
        remedies = result.remedies
        self.send_file.setVisible(remedies.file)
        self.when_connected.setVisible(remedies.wait)
        self.online_first.setText(without_mnemonics(f"Switch {remedies.online[:20]} online and fire again"))
        self.online_first.setVisible(bool(remedies.online))
