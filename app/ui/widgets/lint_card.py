"""The rule of the lint that is selected in the Contract room: why it matters, what to do, and its findings.
The lint compares the traffic with the contract; a finding is a violation. Of many findings, the first ones and the
last are listed. Buttons show the rows of the findings in Events, and turn the rule off or on. They emit signals.
"""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QStackedWidget, QVBoxLayout, QWidget

from app.protocol.counts import count
from app.protocol.lint.findings import RuleTally
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.lint_rules import FindingsModel, RuleLine
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.plain_table import plain_table

SAMPLES: dict[int, str] = {0: "#100,000"}
OFF = "This rule is turned off. Turn it on to see what violates it."
NOTHING = "Nothing in this run violates this rule."


class LintCard(QWidget):
    """Shows a rule. ``show_rule`` updates it."""

    row_requested = Signal(int)
    """Emitted with the number of a row that Events should show."""
    filter_requested = Signal(str)
    """Emitted with the id of a rule whose rows Events should show."""
    switched = Signal(str, bool)
    """Emitted with the id of a rule, and whether it should be on."""

    def __init__(self) -> None:
        super().__init__()
        self._line: RuleLine | None = None
        self.title = named(ElidedLabel(), "Rule", style_id="emptyTitle")
        self.facts = named(ElidedLabel(), "About the rule", style_id="muted")
        self.why = named(PlainTextLabel(wordWrap=True), "Why it matters")
        self.advice_head = named(PlainTextLabel("What to do"), "What to do", style_id="detailHead")
        self.advice = named(PlainTextLabel(wordWrap=True), "Advice")
        for label in (self.why, self.advice):
            label.setMinimumWidth(1)
            label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        self.first = named(QPushButton("First row"), "Show the first row in Events")
        self.last = named(QPushButton("Last row"), "Show the last row in Events")
        self.filter = named(QPushButton("Filter Events"), "Filter Events by this rule")
        self.switch = named(QPushButton("Turn off"), "Turn the rule off or on")
        self.model = FindingsModel()
        self.table = plain_table("Findings of the rule", self.model, SAMPLES, 1)
        self.nothing = named(
            PlainTextLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True), "No findings", style_id="muted"
        )
        self.body = QStackedWidget()
        self.body.addWidget(self.nothing)
        self.body.addWidget(self.table)
        self._lay_out()
        self._connect()
        self.recolor()

    def _lay_out(self) -> None:
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        for button in (self.first, self.last, self.filter):
            buttons.addWidget(button)
        buttons.addStretch(1)
        buttons.addWidget(self.switch)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 8)
        column.setSpacing(8)
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.facts)
        column.addLayout(texts)
        for widget in (self.why, self.advice_head, self.advice):
            column.addWidget(widget)
        column.addLayout(buttons)
        column.addWidget(self.body, 1)

    def _connect(self) -> None:
        self.first.clicked.connect(lambda: self._with_line(lambda line: self.row_requested.emit(line.first)))
        self.last.clicked.connect(lambda: self._with_line(lambda line: self.row_requested.emit(line.last)))
        self.filter.clicked.connect(lambda: self._with_line(lambda line: self.filter_requested.emit(line.rule.id)))
        self.switch.clicked.connect(self._switch)
        self.table.activated.connect(self._show_finding)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        muted = theme.colors().muted
        self.first.setIcon(ui_icon("up", muted))
        self.last.setIcon(ui_icon("down", muted))
        self.filter.setIcon(ui_icon("filter", muted))

    def show_rule(self, line: RuleLine, tally: RuleTally) -> None:
        """Show a rule with its findings."""
        self._line = line
        rule = line.rule
        self.title.setText(rule.title)
        found = count(line.found, "finding") if line.on else "off"
        self.facts.setText(f"{rule.id} · {rule.severity} · {found}")
        self.why.setText(rule.why)
        self.advice.setText(rule.advice)
        self.first.setEnabled(bool(line.first))
        self.last.setEnabled(bool(line.last))
        self.filter.setEnabled(bool(line.first))
        set_tooltip(self.first, f"Show row #{line.first} in Events" if line.first else "")
        set_tooltip(self.last, f"Show row #{line.last} in Events" if line.last else "")
        set_tooltip(self.filter, f"Filter Events with lint:{rule.id}")
        self.switch.setText("Turn off" if line.on else "Turn on")
        switch = "Report no violations of this rule (Del)" if line.on else "Report violations of this rule again"
        set_tooltip(self.switch, switch)
        more = [tally.last] if tally.last and tally.count > len(tally.kept) else []
        self.model.show([*tally.kept, *more] if line.on else [])
        self.nothing.setText(NOTHING if line.on else OFF)
        self.body.setCurrentWidget(self.table if line.found else self.nothing)

    def _with_line(self, act: Callable[[RuleLine], None]) -> None:
        if self._line:
            act(self._line)

    def _switch(self) -> None:
        if self._line:
            self.switched.emit(self._line.rule.id, not self._line.on)

    def _show_finding(self, index: QModelIndex) -> None:
        if seq := self.model.lines[index.row()].seq:
            self.row_requested.emit(seq)
