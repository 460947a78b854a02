"""Create or set up read-only tables that look like the log: whole rows are selected, and Tab leaves the table.
A caller can allow editing afterwards, as the Clients room does. ``offer_buttons`` adds a context menu to a table,
with the actions of buttons. The table of the log itself, which paints its rows, is ``log_table``.
"""

from collections.abc import Mapping
from typing import Any

from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QPushButton, QTableView

from app.ui.models.titled_table import TitledTable
from app.ui.widgets.accessible_names import named
from app.ui.widgets.log_table import ROW_HEIGHT
from app.ui.widgets.selection import show_model

PADDING = 14
"""Pixels to the left and right of a cell's text."""


def plain_table(
    name: str,
    model: TitledTable[Any],
    samples: Mapping[int, str],
    stretched: int | None,
    *,
    style_id: str = "log",
    several: bool = False,
    table: QTableView | None = None,
) -> QTableView:
    """Return a table, or set up ``table``.

    ``samples`` has the widest usual text by column; the column ``stretched``, if any, gets the rest. ``several``:
    several rows can be selected.
    """
    table = table or QTableView()
    named(table, name, style_id=style_id)
    show_model(table, model)
    mode = QAbstractItemView.SelectionMode
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.setSelectionMode(mode.ExtendedSelection if several else mode.SingleSelection)
    table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    table.setShowGrid(False)
    table.setWordWrap(False)
    table.setTabKeyNavigation(False)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(ROW_HEIGHT)
    header = table.horizontalHeader()
    header.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    header.setHighlightSections(False)
    if stretched is not None:
        header.setSectionResizeMode(stretched, QHeaderView.ResizeMode.Stretch)
    measure = table.fontMetrics().horizontalAdvance
    for column, sample in samples.items():
        table.setColumnWidth(column, max(measure(sample), measure(model.titles[column])) + 2 * PADDING)
    return table


def offer_buttons(table: QTableView, *buttons: QPushButton) -> None:
    """Let the context menu of a table offer what ``buttons`` do, while a line is selected."""

    def show(place: QPoint) -> None:
        if not table.selectionModel().hasSelection():
            return
        menu = QMenu(table)
        for button in buttons:
            menu.addAction(button.text(), button.click).setEnabled(button.isEnabled())
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(table.viewport().mapToGlobal(place))

    table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
    table.customContextMenuRequested.connect(show)
