"""Set a view's model so that nothing is selected after the selected row was removed; Qt selects a neighbour."""

from PySide6.QtCore import QAbstractItemModel, QItemSelectionModel, QModelIndex
from PySide6.QtWidgets import QAbstractItemView


def show_model(view: QAbstractItemView, model: QAbstractItemModel) -> None:
    """Set a view's model. If the selected row is removed, clear the selection; other selected rows stay selected.

    Qt would select a neighbouring row instead, and the next click on a button would act on the wrong row.
    """

    def clear(parent: QModelIndex, first: int, last: int) -> None:
        current = view.currentIndex()
        if current.parent() == parent and first <= current.row() <= last:
            # Not view.setCurrentIndex, which would deselect the other rows.
            view.selectionModel().setCurrentIndex(QModelIndex(), QItemSelectionModel.SelectionFlag.NoUpdate)

    model.rowsAboutToBeRemoved.connect(clear)  # before setModel, so that it runs before the view's own slot
    view.setModel(model)
