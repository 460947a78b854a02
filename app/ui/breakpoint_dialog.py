"""The Breakpoints dialog: a form that adds a breakpoint, and a table of all, with how often each has matched.
Buttons remove the selected breakpoints or all. A breakpoint holds events, client frames and REST calls that match
its filter, until the user or a script decides, or a timeout ends. What is held is not shown here, but in
``widgets/held_strip.py``. The dialog is not modal: the user can work in the window while it is open.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QGridLayout,
    QHBoxLayout,
    QPushButton,
    QTableView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.companion import Companion
from app.hub.held_items import BreakpointOptions
from app.protocol.breakpoints import DEFAULT_TIMEOUT_S, MAX_HITS, MAX_TIMEOUT_S, BreakpointDirection
from app.protocol.errors import NotFound
from app.ui import theme
from app.ui.breakpoint_actions import BreakpointActions
from app.ui.breakpoint_follower import BreakpointFollower
from app.ui.keys import IN_WIDGET, Shortcut
from app.ui.models.breakpoints import DIRECTIONS, BreakpointsModel, Col
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named, number_box
from app.ui.widgets.filter_field import FilterField
from app.ui.widgets.plain_table import plain_table

if TYPE_CHECKING:
    from app.ui.models.filter_completion import Known

REFRESH_MS = 500
"""How often the numbers of matches are read while the dialog is visible."""
INTRODUCTION = (
    "A breakpoint holds matching events, frames of your UI and REST calls before they are stored or handled. "
    "To hold everything, click Add breakpoint without a filter."
)
HITS_TIP = "The first match that is held. Earlier ones pass."
ONCE_TIP = "Remove the breakpoint as soon as it has held one item"
TIMEOUT_TIP = "A held item continues by itself after this time"
REMOVE_TIP = "What the breakpoint holds stays held until you decide, or until its timeout"

SAMPLES: dict[int, str] = {
    Col.NUMBER: "100",
    Col.DIRECTION: "All directions",
    Col.OPTIONS: "from match 3 · once · 600 s",
    Col.MATCHES: "100,000",
}
"""The widest usual text by column."""


class BreakpointDialog(QDialog):
    """Shows the breakpoints of a companion. ``known`` returns what the filter field suggests."""

    manual_requested = Signal()

    def __init__(self, parent: QWidget, companion: Companion, known: Callable[[], Known]) -> None:
        super().__init__(parent)
        self.setWindowTitle("Breakpoints")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        theme.style_window(self)
        self._companion = companion
        self._follower = BreakpointFollower(self, companion)
        self.filter = FilterField(known)
        self.filter.setPlaceholderText("Filter, for example event:typing user:bob")
        named(self.filter, "Filter of the new breakpoint")
        self.direction = named(QComboBox(), "Direction of the new breakpoint")
        for direction, title in DIRECTIONS.items():
            self.direction.addItem(title, direction)
        self.hits = number_box("Hold from match", 1, MAX_HITS, tip=HITS_TIP)
        self.timeout = number_box("Timeout in seconds", 1, round(MAX_TIMEOUT_S), tip=TIMEOUT_TIP)
        self.timeout.setSuffix(" s")
        self.timeout.setValue(round(DEFAULT_TIMEOUT_S))
        self.once = named(QCheckBox("Remove after one item"), "Remove after one item", tip=ONCE_TIP)
        self.add_button = named(QPushButton("Add breakpoint"), "Add breakpoint", style_id="primary")
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem of the breakpoint", style_id="problem")
        self.problem.setVisible(False)
        self.model = BreakpointsModel()
        self.table = self._make_table()
        self.empty = named(PlainTextLabel("There are no breakpoints."), "Breakpoints", style_id="muted")
        self.remove = named(QPushButton("Remove"), "Remove the selected breakpoints", tip=f"{REMOVE_TIP} (Del)")
        self.remove_all = named(QPushButton("Remove all"), "Remove all breakpoints", tip=REMOVE_TIP)
        self.help_button = named(QPushButton("Help"), "Open the manual about breakpoints", tip="F1")
        self.close_button = named(QPushButton("Close"), "Close the breakpoints")
        self._tick = QTimer(self, interval=REFRESH_MS)
        self._lay_out()
        self._connect()
        self.refresh()
        self._tick.start()
        self.resize(680, 460)

    def show_filter(self, text: str) -> None:
        """Write a filter into the form, and give it the keyboard focus."""
        self.filter.setText(text)
        self.filter.setFocus()
        self.filter.selectAll()

    def refresh(self) -> None:
        """Show the current breakpoints."""
        self.model.show(self._follower.all)
        any_left = bool(self.model.lines)
        self.table.setVisible(any_left)
        self.empty.setVisible(not any_left)
        self.remove_all.setEnabled(any_left)
        self._update_remove()

    @override
    def done(self, result: int) -> None:
        self._tick.stop()
        self._follower.close_down()
        super().done(result)

    def _on_enter(self) -> None:
        """Add a breakpoint. A second Enter in the field, empty now, must not add one that holds everything."""
        if self.filter.text().strip():
            self._add()

    def _add(self) -> None:
        options = BreakpointOptions(
            filter=self.filter.text().strip(),
            direction=BreakpointDirection(self.direction.currentData()),
            hits=self.hits.value(),
            once=self.once.isChecked(),
            timeout_s=float(self.timeout.value()),
        )
        if BreakpointActions(self._companion, self._show_problem).add(options):
            self.filter.replace_text("")
            self.refresh()
            self.table.scrollToBottom()
            self._show_problem("")  # instead of the message that it was added, which the table shows

    def _show_problem(self, text: str) -> None:
        self.problem.setText(text)
        self.problem.setVisible(bool(text))

    def _remove_selected(self) -> None:
        lines = {each.row() for each in self.table.selectionModel().selectedRows()}
        for number in [self.model.lines[line].id for line in sorted(lines)]:
            try:
                self._companion.breakpoints.remove(number)
            except NotFound:  # a script, or its own option ``once``, was faster
                continue
        self.refresh()

    def _remove_all(self) -> None:
        self._companion.breakpoints.clear()
        self.refresh()

    def _update_remove(self) -> None:
        self.remove.setEnabled(bool(self.table.selectionModel().selectedRows()))

    # building

    def _connect(self) -> None:
        self._follower.changed.connect(self.refresh)
        self._tick.timeout.connect(self.refresh)
        self.filter.textChanged.connect(lambda _: self._show_problem(""))
        self.filter.returnPressed.connect(self._on_enter)
        self.filter.left.connect(self.reject)
        self.add_button.clicked.connect(self._add)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self._update_remove())
        self.remove.clicked.connect(self._remove_selected)
        self.remove_all.clicked.connect(self._remove_all)
        self.help_button.clicked.connect(self.manual_requested)
        self.close_button.clicked.connect(self.reject)
        Shortcut("F1", self, self.manual_requested.emit)
        Shortcut("Del", self.table, self._remove_selected, IN_WIDGET)

    def _make_table(self) -> QTableView:
        return plain_table("Breakpoints", self.model, SAMPLES, Col.FILTER, style_id="libraries", several=True)

    def _lay_out(self) -> None:
        for button in self.findChildren(QPushButton):
            button.setAutoDefault(False)
        introduction = PlainTextLabel(INTRODUCTION, wordWrap=True)
        introduction.setObjectName("muted")
        options = QHBoxLayout()
        options.setSpacing(8)
        options.addWidget(self.direction)
        for title, widget in (("Hold from match", self.hits), ("Timeout", self.timeout)):
            options.addSpacing(8)
            options.addWidget(PlainTextLabel(title))
            options.addWidget(widget)
        options.addSpacing(8)
        options.addWidget(self.once)
        options.addStretch(1)
        form = QGridLayout()
        form.setSpacing(8)
        form.addWidget(self.filter, 0, 0)
        form.addWidget(self.add_button, 0, 1)
        form.addLayout(options, 1, 0, 1, 2)
        form.addWidget(self.problem, 2, 0, 1, 2)
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.remove)
        foot.addWidget(self.remove_all)
        foot.addStretch(1)
        foot.addWidget(self.help_button)
        foot.addWidget(self.close_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 16, 20, 16)
        column.setSpacing(12)
        column.addWidget(introduction)
        column.addLayout(form)
        column.addWidget(self.table, 1)
        column.addWidget(self.empty, 1, Qt.AlignmentFlag.AlignCenter)
        column.addLayout(foot)
        for button in (self.add_button, self.remove, self.remove_all, self.help_button, self.close_button):
            button.setAutoDefault(False)
