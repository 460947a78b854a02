"""The list of the last changes of a UI's state, the newest first. Selecting one shows the state after it.
It is in the tab *Changes* of the UI state room, above the values that the selected change set, and has its own
model.
"""

from collections.abc import Sequence

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QTableView
from typing_extensions import override

from app.protocol.times import local
from app.protocol.ui_moments import Inspection, Moment
from app.ui import theme
from app.ui.models.titled_table import TitledTable
from app.ui.widgets.log_table import ROW_HEIGHT
from app.ui.widgets.plain_table import plain_table

TITLES = ("Time", "Row", "What happened")
SAMPLES = {0: "23:59:59.999", 1: "#100,000"}


class StateHistoryModel(TitledTable[Moment]):
    """Shows the moments of the last changes."""

    def __init__(self) -> None:
        super().__init__(TITLES)
        self._wall = 0.0
        """What turns the time of a moment into seconds since the epoch."""

    def show_moments(self, moments: list[Moment], wall: float) -> bool:
        """Show the moments, the newest first, and return whether they are not those that were shown before."""
        if moments == self._lines:
            return False
        self._wall = wall
        self._replace(moments)
        return True

    @override
    def text(self, line: Moment, column: int) -> str:
        if column == 0:
            return f"{local(self._wall + line.at):%H:%M:%S.%f}"[:-3]
        if column == 1:
            return f"#{line.seq}" if line.seq else "–"
        return line.title

    @override
    def other_data(self, line: Moment, column: int, role: int) -> QColor | None:
        return QColor(theme.colors().muted) if role == Qt.ItemDataRole.ForegroundRole and column < 2 else None


class StateHistory(QTableView):
    """The list. The change that is shown is selected."""

    chosen = Signal(object)
    """Emitted with the ``Moment`` that the user selected."""

    def __init__(self) -> None:
        super().__init__()
        self._model = StateHistoryModel()
        plain_table("Last changes of the state", self._model, SAMPLES, 2, table=self)
        self.setMinimumHeight(4 * ROW_HEIGHT)
        self._is_showing = False
        self.selectionModel().currentRowChanged.connect(self._choose)

    @property
    def moments(self) -> Sequence[Moment]:
        """The moments that are listed, the newest first."""
        return self._model.lines

    def show_changes(self, shown: Inspection) -> None:
        """Show the last changes until now. In the past, keep those that were listed, and select the shown one."""
        self._is_showing = True
        if shown.recent is not None:
            moments = [each.moment for each in reversed(shown.recent)]
            self._model.show_moments(moments, shown.wall - shown.view.moment.at)
        self._select(shown.view.change.moment)
        self._is_showing = False

    def _select(self, moment: Moment) -> None:
        line = next((n for n, each in enumerate(self._model.lines) if each == moment), -1)
        if line < 0:
            self.clearSelection()
        elif line != self.currentIndex().row() or not self.selectionModel().isRowSelected(line):
            flags = QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(self._model.index(line, 0), flags.ClearAndSelect | flags.Rows)

    def _choose(self, index: QModelIndex) -> None:
        if not self._is_showing and index.isValid():
            self.chosen.emit(self._model.lines[index.row()])
