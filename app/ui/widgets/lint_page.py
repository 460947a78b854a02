"""The page *Rules* of the Contract room: the rules of the lint in a table, the selected one beside or below it.
The lint compares the traffic with the contract. Buttons filter Events by the findings, and export them. A
``LintCard`` shows the selected rule, and has a button that turns it on or off. The buttons only emit signals, on
which the Contract room acts. The page follows the lint while it is visible.
"""

from collections.abc import Callable

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QWidget
from typing_extensions import override

from app.companion import Companion
from app.protocol.counts import count
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.keys import IN_WIDGET, Shortcut
from app.ui.models.lint_rules import Col, LintRulesModel, RuleLine, rule_lines
from app.ui.widgets.accessible_names import named
from app.ui.widgets.details_splitter import DetailsSplitter
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.lint_card import LintCard
from app.ui.widgets.page_head import fill_page, head_line
from app.ui.widgets.plain_table import offer_buttons, plain_table

REFRESH_MS = 250
"""The page is updated at most this often."""
SAMPLES: dict[int, str] = {
    Col.SEVERITY: "▲ warning", Col.FOUND: "1,000,000", Col.FIRST: "#100,000", Col.LAST: "#100,000",
}  # fmt: skip


class LintPage(FocusStart):
    """Follows the lint while it is visible."""

    filter_requested = Signal(str)
    """Emitted with the filter that Events should use."""
    export_requested = Signal()

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._lint = companion.contract_lint
        self.model = LintRulesModel()
        self.table = plain_table("Rules", self.model, SAMPLES, Col.RULE)
        self.card = LintCard()
        self.summary = named(ElidedLabel(), "Number of findings", style_id="muted")
        self.show_all = named(
            QPushButton("Show in Events"), "Show all findings in Events", tip="Filter Events with is:lint"
        )
        self.export = named(
            QPushButton("Export …"), "Export the findings", tip="Save the findings as text, JSON or JUnit XML"
        )
        self.splitter = DetailsSplitter()
        self._timer = QTimer(self, singleShot=True, interval=REFRESH_MS)
        self._disconnect: Callable[[], None] = lambda: None
        self._lay_out()
        self._connect()
        self.refresh()
        self.table.selectRow(next((number for number, each in enumerate(self.model.lines) if each.found), 0))
        self.recolor()

    def _lay_out(self) -> None:
        head = head_line(self.summary, self.show_all, self.export)
        self.splitter.fill(self, fill_page(QWidget(), head, self.table), self.card)
        self.start_at(self.table)

    def _connect(self) -> None:
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_card())
        self.table.activated.connect(lambda _: self._with_line(self._show_rows))
        offer_buttons(self.table, self.card.first, self.card.last, self.card.filter, self.card.switch)
        Shortcut("Del", self.table, self.card.switch.click, IN_WIDGET)
        self.card.filter_requested.connect(lambda rule: self.filter_requested.emit(f"lint:{rule}"))
        self.show_all.clicked.connect(lambda: self.filter_requested.emit("is:lint"))
        self.export.clicked.connect(self.export_requested)
        self._timer.timeout.connect(self.refresh)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        muted = theme.colors().muted
        self.show_all.setIcon(ui_icon("filter", muted))
        self.export.setIcon(ui_icon("down", muted))
        self.card.recolor()
        self.table.viewport().update()

    def follow(self, on: bool) -> None:
        """Follow the findings, or stop doing so."""
        self._disconnect()
        self._timer.stop()
        self._disconnect = self._lint.changed.connect(lambda _: self._refresh_soon()) if on else lambda: None

    def refresh(self) -> None:
        """Show the current findings."""
        lines = rule_lines(self._lint.tally, self._lint.off)
        self.model.show(lines)
        broken = sum(bool(each.found) for each in lines)
        number = sum(each.found for each in lines)
        off = sum(not each.on for each in lines)
        parts = [f"{count(number, 'finding')} of {count(broken, 'rule')}" if number else "No findings in this run"]
        parts += [f"{count(off, 'rule')} off"] if off else []
        text = " · ".join(parts)
        if text != self.summary.text():
            self.summary.setText(text)
        self.show_all.setEnabled(number > 0)
        self._show_card()

    def select(self, rule_id: str) -> None:
        """Select a rule."""
        ids = [each.rule.id for each in self.model.lines]
        self.table.selectRow(ids.index(rule_id))

    @property
    def selected(self) -> RuleLine | None:
        """The selected rule, or None."""
        rows = self.table.selectionModel().selectedRows()
        return self.model.lines[rows[0].row()] if rows else None

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.follow(True)
        self.refresh()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self.follow(False)

    def _refresh_soon(self) -> None:
        if not self._timer.isActive():  # restarting the timer at each change would delay it forever
            self._timer.start()

    def _show_card(self) -> None:
        line = self.selected
        self.card.setEnabled(line is not None)
        if line:
            self.card.show_rule(line, self._lint.tally[line.rule.id])

    def _with_line(self, act: Callable[[RuleLine], None]) -> None:
        if line := self.selected:
            act(line)

    def _show_rows(self, line: RuleLine) -> None:
        if line.first:
            self.filter_requested.emit(f"lint:{line.rule.id}")
