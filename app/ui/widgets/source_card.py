"""A card about a source of real messages in the Sources room: its switch, state, times, counts and warnings.
Its buttons test the connection, open the settings, resolve conflicts of names, and delete all data. Switch and
buttons only emit signals. The sources are the direct link to peers, and a Supabase project (directory of users,
queue of messages). The caller passes the widget with a source's options, such as the address of the project.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.hub.switchable import Condition, ConnectionResult, Switchable
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.source_text import SIGNS, clock_text, facts, tone_of
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.switch import Switch

TESTING = "Testing …"
STALE = "(before the latest change)"


class SourceCard(QFrame):
    """Call ``show_source`` to update it. The buttons only emit signals."""

    switched = Signal(bool)
    test_requested = Signal()
    settings_requested = Signal()
    delete_requested = Signal()
    resolve_requested = Signal()
    """Emitted when the user wants to rename or remove personas that have the name of a registered user."""

    def __init__(self, title: str, purpose: str, options: QWidget) -> None:
        super().__init__()
        self.setObjectName("card")
        self.title = named(PlainTextLabel(title), title, style_id="sectionTitle")
        self.purpose = named(PlainTextLabel(purpose, wordWrap=True), "Purpose", style_id="muted")
        self.switch = named(Switch(), title, tip=f"Switch on or off: {title}")
        self.state = _toned(PlainTextLabel(), "State")
        self.text = named(PlainTextLabel(wordWrap=True), "State in a sentence")
        self.facts = named(PlainTextLabel(wordWrap=True), "Times and counts", style_id="muted")
        self.warnings = named(PlainTextLabel(wordWrap=True), "Warnings", style_id="warning")
        self.result = _toned(PlainTextLabel(wordWrap=True), "Result of the connection test")
        for label in (self.text, self.facts, self.warnings, self.result):
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
            label.setMinimumWidth(1)
        tip = "Test the connection. It changes nothing."
        self.test = named(QPushButton("Test connection"), f"Test connection: {title}", tip=tip)
        self.resolve = named(QPushButton("Resolve names …"), f"Resolve names: {title}",
                             tip="Rename or remove personas that have the name of a peer")  # fmt: skip
        self.settings = named(QPushButton("Open settings"), f"Open settings: {title}")
        self.delete = named(QPushButton("Delete all data …"), f"Delete all data: {title}", style_id="danger")
        self.options = options
        self._state: tuple[bool, Condition] | None = None
        self._tested_in: tuple[bool, Condition] | None = None
        """The state in which the shown result of a test was found, until the state changes."""
        self._lay_out()
        self.switch.clicked.connect(self.switched)
        self.test.clicked.connect(self._request_test)
        self.settings.clicked.connect(self.settings_requested)
        self.delete.clicked.connect(self.delete_requested)
        self.resolve.clicked.connect(self.resolve_requested)
        self.recolor()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.delete.setIcon(ui_icon("trash", theme.colors().error))

    def show_source(self, source: Switchable, now: float, personas: tuple[str, ...] = ()) -> None:
        """Show the state. ``personas`` are those that have the name of a registered user."""
        status = source.status
        state = (source.is_on, status.condition)
        if self._tested_in and state != self._tested_in:
            self._tested_in = None
            _show(self.result, f"{self.result.text()} {STALE}", "muted")
        self._state = state
        self.switch.setChecked(source.is_on)
        _show(self.state, SIGNS[status.condition], tone_of(status.condition))
        self.text.setText(status.text)
        self.text.setVisible(status.condition is not Condition.OFF or source.is_on)
        for label, text in ((self.facts, facts(status, now)), (self.warnings, "\n".join(status.warnings))):
            label.setText(text)
            label.setVisible(bool(text))
        self.resolve.setVisible(bool(personas))

    def show_result(self, result: ConnectionResult | None, at: float) -> None:
        """Show the result of the connection test; None if it could not run. ``at``: seconds since the epoch."""
        self.test.setEnabled(True)
        if result is None:
            self.result.hide()
            return
        self._tested_in = self._state
        _show(self.result, f"{clock_text(at)}  {result.text}", "ok" if result.ok else "error")
        self.result.show()

    def _request_test(self) -> None:
        self.test.setEnabled(False)
        self._tested_in = None
        _show(self.result, TESTING, "muted")
        self.result.show()
        self.test_requested.emit()

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.title)
        head.addStretch(1)
        head.addWidget(self.state)
        head.addWidget(self.switch)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        for button in (self.test, self.settings, self.resolve):
            foot.addWidget(button)
        foot.addStretch(1)
        foot.addWidget(self.delete)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addLayout(head)
        for widget in (self.purpose, self.text, self.facts, self.warnings, self.options, self.result):
            column.addWidget(widget)
        column.addLayout(foot)
        for widget in (self.facts, self.warnings, self.result, self.resolve):
            widget.hide()


def _toned(label: PlainTextLabel, name: str) -> PlainTextLabel:
    return named(label, name, style_id="result")


def _show(label: PlainTextLabel, text: str, tone: str) -> None:
    """Show a text in the colour of a tone."""
    label.setText(text)
    if label.property("tone") != tone:
        label.setProperty("tone", tone)
        label.style().polish(label)
