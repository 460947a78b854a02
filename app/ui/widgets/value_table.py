"""A widget with a heading and a table that compares values of the UI's stores, such as before and after a change,
or expected and reported. The stores are where a chat UI keeps its state. An empty table is replaced by a text.
The model is ``models/value_table.py``. ``state_lists`` creates the three tables of the UI state room, and sets
their headings and the texts for when they are empty.
"""

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QStackedWidget,
    QVBoxLayout,
)
from typing_extensions import override

from app.ui import theme
from app.ui.models.value_table import STEPS, Line, ValueTableModel
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.plain_table import plain_table

SHARES = {3: (0.46, 0.27), 4: (0.42, 0.18, 0.18)}
"""The shares of the columns in the width, by the number of columns. The last column gets the rest."""


class ValueTable(FocusStart):
    """Shows what ``model`` contains."""

    chosen = Signal(object)
    """Emitted with the steps of a value that was activated."""
    selected = Signal()
    """Emitted when another line, or none, was selected."""

    def __init__(self, name: str, titles: tuple[str, ...]) -> None:
        super().__init__()
        self._shares = SHARES[len(titles)]
        self.model = ValueTableModel(titles)
        self.heading = named(ElidedLabel(), name, style_id="detailHead")
        self.table = plain_table(name, self.model, {}, len(titles) - 1)
        self.table.setFont(theme.mono())
        self.table.activated.connect(self._choose)
        self.nothing = named(PlainTextLabel(wordWrap=True), "Why the list is empty", style_id="muted")
        self.nothing.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.nothing.setContentsMargins(16, 8, 16, 8)
        self._stack = QStackedWidget()
        self._stack.addWidget(self.nothing)
        self._stack.addWidget(self.table)
        self.head = QHBoxLayout()
        """The line of the heading. More widgets can be added."""
        self.head.setContentsMargins(16, 8, 12, 4)
        self.head.setSpacing(8)
        self.head.addWidget(self.heading, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(self.head)
        column.addWidget(self._stack, 1)
        self.start_at(self.table)
        self.model.modelReset.connect(self._show_state)
        self.table.selectionModel().selectionChanged.connect(lambda *_: self.selected.emit())

    def _show_state(self) -> None:
        self._stack.setCurrentWidget(self.table if self.model.rowCount() else self.nothing)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column, share in enumerate(self._shares):
            self.table.setColumnWidth(column, int(self.width() * share))

    @property
    def line(self) -> Line | None:
        """The selected line, or None."""
        lines = self.table.selectionModel().selectedRows()
        return self.model.lines[lines[0].row()] if lines else None

    def _choose(self, index: QModelIndex) -> None:
        if steps := index.data(STEPS):
            self.chosen.emit(steps)
