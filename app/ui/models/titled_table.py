"""The base class of read-only table models with one row per object (*line*), and a title per column.
It returns texts, tooltips and texts for screen readers. Subclasses return the text of each cell.
"""

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from typing_extensions import override

from app.ui.plain_text import tooltip_text

Index = QModelIndex | QPersistentModelIndex
LineT = TypeVar("LineT")


class TitledTable(QAbstractTableModel, Generic[LineT]):
    """A table with one row per line and one column per title. Subclasses implement ``text``."""

    def __init__(self, titles: Sequence[str]) -> None:
        super().__init__()
        self.titles = titles
        self._lines: list[LineT] = []

    @property
    def lines(self) -> Sequence[LineT]:
        """The lines as they are shown."""
        return self._lines

    @abstractmethod
    def text(self, line: LineT, column: int) -> str:
        """Return the text of a cell."""

    def tip(self, line: LineT, column: int) -> str:
        """Return the text of a cell's tooltip: that of the cell, unless a subclass overrides it."""
        return self.text(line, column)

    def other_data(self, line: LineT, column: int, role: int) -> Any:
        """Return what a cell has for a role other than its texts, such as its colour."""
        return None

    def _replace(self, lines: list[LineT]) -> None:
        """Replace the lines. Nothing stays selected."""
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    def _update(self, lines: list[LineT], key: Callable[[LineT], object]) -> None:
        """Replace the lines. If their keys are the same as before, the selection stays; else the model is reset."""
        if lines == self._lines:
            return
        if list(map(key, lines)) != list(map(key, self._lines)):
            self._replace(lines)
            return
        self._lines = lines
        self.dataChanged.emit(self.index(0, 0), self.index(len(lines) - 1, len(self.titles) - 1))

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self._lines)

    @override
    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.titles)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if orientation is Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self.titles[section]
        return None

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        line, column = self._lines[index.row()], index.column()
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return self.text(line, column)
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip_text(self.tip(line, column))
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{self.titles[column]}: {self.text(line, column)}"
        return self.other_data(line, column, role)
