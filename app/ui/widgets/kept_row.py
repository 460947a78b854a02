"""Select the selected row of the log again after the filter was changed and the table rebuilt, and show it.
So the user can widen the filter and see the rows around it. Several selected rows are not selected again.
"""

from bisect import bisect_left

from PySide6.QtCore import QItemSelectionModel, QModelIndex, QObject
from PySide6.QtWidgets import QAbstractItemView, QTableView

from app.ui.models.event_log import EventLogModel


class KeptRow(QObject):
    """Selects a single selected row of ``table`` again after a reset of ``model``, once the row is listed.

    Create it after the table has connected its own slots. A row that the filter hides is selected again when a
    later filter shows it, unless the user has selected another one.
    """

    def __init__(self, table: QTableView, model: EventLogModel) -> None:
        super().__init__(table)
        self._table = table
        self._model = model
        self._wanted = 0
        """The number of the row to select, or 0."""
        model.modelAboutToBeReset.connect(self._remember)
        model.modelReset.connect(self._restore)
        model.rowsInserted.connect(self._on_inserted)
        table.selectionModel().selectionChanged.connect(lambda *_: self._forget())

    def _remember(self) -> None:
        chosen = self._table.selectionModel().selectedRows()
        if len(chosen) == 1:
            self._wanted = self._model.seq(chosen[0].row())

    def _restore(self) -> None:
        line = self._line() if self._wanted else None
        if line is None:
            return
        index = self._model.index(line, 0)
        flags = QItemSelectionModel.SelectionFlag
        # Not selectRow, which extends the selection while Shift is held.
        self._table.selectionModel().setCurrentIndex(index, flags.ClearAndSelect | flags.Rows)
        self._table.executeDelayedItemsLayout()
        if not self._table.viewport().rect().contains(self._table.visualRect(index)):
            self._table.scrollTo(index, QAbstractItemView.ScrollHint.PositionAtCenter)

    def _on_inserted(self, _: QModelIndex, first: int, __: int) -> None:
        if self._wanted and first == 0:  # older rows that a search has found
            self._restore()

    def _line(self) -> int | None:
        """Return the line of the wanted row, or None if it is not listed."""
        number = self._model.rowCount()
        line = bisect_left(range(number), self._wanted, key=self._model.seq)
        return line if line < number and self._model.seq(line) == self._wanted else None

    def _forget(self) -> None:
        self._wanted = 0
