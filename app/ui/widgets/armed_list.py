"""The table of what is armed in the Faults room: a row per target or REST route, with its faults and counts.
A fault disturbs frames or REST calls on purpose, for example drops or delays them. It is armed when it is switched
on for a target, which is a set of clients, or for a REST route. Buttons ask to clear the selected row, to clear
everything, or to show in the log what faults did; they only emit signals. The model is ``models/armed_faults.py``.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QApplication, QPushButton, QStackedWidget, QWidget

from app.companion import Companion
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.keys import IN_WIDGET, Shortcut
from app.ui.models.armed_faults import ArmedFaultsModel, Col, Key, lines_of
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.page_head import fill_page, head_line
from app.ui.widgets.plain_table import offer_buttons, plain_table

SAMPLES: dict[int, str] = {
    Col.TARGET: "DELETE /messages", Col.SEED: "9999", Col.CLIENTS: "Clients", Col.SEEN: "9,999 frames",
    Col.ACTED: "latency 1,234, loss 12",
}  # fmt: skip
HINT = "Choose a profile or write faults above, then arm them. Nothing is armed after a restart."


class ArmedList(QWidget):
    """Call ``show_faults`` to update it. The selected entry stays selected while it is armed."""

    clear_requested = Signal(object)
    """Emitted with the ``Key`` of an entry."""
    reset_requested = Signal()
    decisions_requested = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.model = ArmedFaultsModel()
        self.heading = named(PlainTextLabel("Armed"), "Armed faults", style_id="detailHead")
        self.summary = named(ElidedLabel(), "Number of entries", style_id="muted")
        self.decisions = named(
            QPushButton("Show decisions"), "Show the decisions in Events", tip="Filter Events for what faults did"
        )
        self.clear = named(QPushButton("Clear"), "Clear the selected entry", tip="Clear the selected entry (Del)")
        self.reset = named(
            QPushButton("Reset everything"), "Reset everything", style_id="danger",
            tip="Clear all faults. Frames that wait are sent at once.",
        )  # fmt: skip
        self.table = plain_table("Armed faults", self.model, SAMPLES, Col.FAULTS)
        self.empty = EmptyState("faults", "No faults are armed")
        self.empty.show_text("No faults are armed", HINT)
        self.body = QStackedWidget()
        self.body.addWidget(self.empty)
        self.body.addWidget(self.table)
        head = head_line(self.heading, self.summary, self.decisions, self.clear, self.reset)
        fill_page(self, head, self.body)
        self._connect()
        self.recolor()
        self._show_state()

    def _connect(self) -> None:
        self.decisions.clicked.connect(self.decisions_requested)
        self.clear.clicked.connect(self._clear)
        self.reset.clicked.connect(self.reset_requested)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._show_state())
        offer_buttons(self.table, self.clear, self.decisions)
        Shortcut("Del", self.table, self._clear, IN_WIDGET)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        scheme = theme.colors()
        self.decisions.setIcon(ui_icon("filter", scheme.muted))
        self.clear.setIcon(ui_icon("clear", scheme.muted))
        self.reset.setIcon(ui_icon("trash", scheme.error))
        self.empty.recolor()

    @property
    def selected(self) -> Key | None:
        """The key of the selected entry, or None."""
        lines = self.table.selectionModel().selectedRows()
        return self.model.lines[lines[0].row()].key if lines else None

    def show_faults(self, companion: Companion) -> None:
        """Show what is armed now, and what it has done."""
        before = self.selected
        self.model.show(lines_of(companion))
        keys = [each.key for each in self.model.lines]
        if before in keys and self.selected != before:
            self.table.selectRow(keys.index(before))
        self._show_state()

    def _show_state(self) -> None:
        number = len(self.model.lines)
        text = f"{number} targets and REST routes" if number > 1 else ""
        if text != self.summary.text():
            self.summary.setText(text)
        buttons = {self.clear: self.selected is not None, self.reset: number > 0}
        focused = QApplication.focusWidget()
        if any(button is focused and not enabled for button, enabled in buttons.items()):
            (self.table if number else self.window()).setFocus()  # otherwise Qt focuses another button
        for button, enabled in buttons.items():
            button.setEnabled(enabled)
        self.body.setCurrentWidget(self.table if number else self.empty)

    def _clear(self) -> None:
        if self.selected is not None:
            self.clear_requested.emit(self.selected)
