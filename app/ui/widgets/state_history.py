"""The list of the last changes of a UI's state, the newest first. Selecting one shows the state after it.
It is in the tab *Changes* of the UI state room, above the values that the selected change set, and has its own
model.
"""

from typing import Any

from PySide6.QtCore import QItemSelectionModel, QModelIndex, Qt, Signal
from PySide6.QtGui import QColor
from PySide6.QtWidgets import QTableView
from typing_extensions import override

from app.protocol.times import local
from app.protocol.ui_moments import Inspection, Moment
from app.ui import theme
from app.ui.models.titled_table import Index, TitledTable
from app.ui.plain_text import tooltip_text
from app.ui.widgets.log_table import ROW_HEIGHT
from app.ui.widgets.plain_table import make_plain

TITLES = ("Time", "Row", "What happened")
SAMPLES = {0: "23:59:59.999", 1: "#100,000"}


class StateHistoryModel(TitledTable):
    """Shows the moments of the last changes."""

    def __init__(self) -> None:
        super().__init__(TITLES)
        self._lines: list[Moment] = []
        self._wall = 0.0
        """What turns the time of a moment into seconds since the epoch."""

    def show_moments(self, moments: list[Moment], wall: float) -> bool:
        """Show the moments, the newest first, and return whether they are not those that were shown before."""
        if moments == self._lines:
            return False
        self.beginResetModel()
        self._lines, self._wall = moments, wall
        self.endResetModel()
        return True

    @property
    def moments(self) -> list[Moment]:
        """The moments, the newest first."""
        return self._lines

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        moment = self._lines[index.row()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self._text(moment, index.column())
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip_text(self._text(moment, index.column()))
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{TITLES[index.column()]}: {self._text(moment, index.column())}"
            case Qt.ItemDataRole.ForegroundRole if index.column() < 2:
                return QColor(theme.colors().muted)
        return None

    def _text(self, moment: Moment, column: int) -> str:
        if column == 0:
            return f"{local(self._wall + moment.at):%H:%M:%S.%f}"[:-3]
        if column == 1:
            return f"#{moment.seq}" if moment.seq else "–"
        return moment.title


class StateHistory(QTableView):
    """The list. The change that is shown is selected."""

    chosen = Signal(object)
    """Emitted with the ``Moment`` that the user selected."""

    def __init__(self) -> None:
        super().__init__()
        self._model = StateHistoryModel()
        make_plain(self, "Last changes of the state", self._model, SAMPLES, 2)
        self.setMinimumHeight(4 * ROW_HEIGHT)
        self._is_showing = False
        self.selectionModel().currentRowChanged.connect(self._choose)

    @property
    def moments(self) -> list[Moment]:
        """The moments that are listed, the newest first."""
        return self._model.moments

    def show_changes(self, shown: Inspection) -> None:
        """Show the last changes until now. In the past, keep those that were listed, and select the shown one."""
        self._is_showing = True
        if shown.recent is not None:
            moments = [each.moment for each in reversed(shown.recent)]
            self._model.show_moments(moments, shown.wall - shown.view.moment.at)
        self._select(shown.view.change.moment)
        self._is_showing = False

    def _select(self, moment: Moment) -> None:
        line = next((n for n, each in enumerate(self._model.moments) if each == moment), -1)
        if line < 0:
            self.clearSelection()
        elif line != self.currentIndex().row() or not self.selectionModel().isRowSelected(line):
            flags = QItemSelectionModel.SelectionFlag
            self.selectionModel().setCurrentIndex(self._model.index(line, 0), flags.ClearAndSelect | flags.Rows)

    def _choose(self, index: QModelIndex) -> None:
        if not self._is_showing and index.isValid():
            self.chosen.emit(self._model.moments[index.row()])
