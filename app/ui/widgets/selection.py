"""Selections that stay with their row."""

from PySide6.QtCore import QAbstractItemModel, QModelIndex
from PySide6.QtWidgets import QAbstractItemView


def show_model(view: QAbstractItemView, model: QAbstractItemModel) -> None:
    """Show a model in a view. If the selected row is removed, nothing is selected.

    Qt would select the neighbour instead, and the next click on a button would act on a row that nobody chose.
    """

    def clear(parent: QModelIndex, first: int, last: int) -> None:
        current = view.currentIndex()
        if current.parent() == parent and first <= current.row() <= last:
            view.setCurrentIndex(QModelIndex())

    model.rowsAboutToBeRemoved.connect(clear)  # before the view connects: slots run in this order
    view.setModel(model)
