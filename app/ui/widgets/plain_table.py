"""Create a read-only table of lines in the style of the log: whole rows are selected, and Tab leaves the table."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QAbstractItemModel, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableView

from app.ui.widgets.accessible_names import named
from app.ui.widgets.log_table import ROW_HEIGHT
from app.ui.widgets.selection import show_model

PADDING = 14
"""Pixels to the left and right of a cell's text."""


def plain_table(
    name: str, model: QAbstractItemModel, titles: Sequence[str], samples: Mapping[int, str], stretched: int
) -> QTableView:
    """Return a table. ``samples`` has the widest usual text by column; the column ``stretched`` gets the rest."""
    table = named(QTableView(), name, style_id="log")
    show_model(table, model)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setHighlightSections(False)
    header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
    measure = table.fontMetrics().horizontalAdvance
    for column, sample in samples.items():
        table.setColumnWidth(column, max(measure(sample), measure(titles[column])) + 2 * PADDING)
    return table
