"""Set a view's model so that nothing is selected after the selected row was removed; Qt selects a neighbour."""

import weakref

from PySide6.QtCore import QAbstractItemModel, QItemSelectionModel, QModelIndex
from PySide6.QtWidgets import QAbstractItemView


def show_model(view: QAbstractItemView, model: QAbstractItemModel) -> None:
    """Set a view's model. If the selected row is removed, clear the selection; other selected rows stay selected.

    Qt would select a neighbouring row instead, and the next click on a button would act on the wrong row.
    """

    shown_in = weakref.ref(view)  # PySide keeps the function, so a view in it would keep itself and the model alive

    def clear(parent: QModelIndex, first: int, last: int) -> None:
        view = shown_in()
        current = view.currentIndex() if view else QModelIndex()
        if view and current.parent() == parent and first <= current.row() <= last:
            # Not view.setCurrentIndex, which would deselect the other rows.
            view.selectionModel().setCurrentIndex(QModelIndex(), QItemSelectionModel.SelectionFlag.NoUpdate)

    model.rowsAboutToBeRemoved.connect(clear)  # before setModel, so that it runs before the view's own slot
    view.setModel(model)
