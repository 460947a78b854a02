"""The table model of values of the UI's stores that changed or differ: path, both values, optionally a note.
The stores are where a chat UI keeps its state. ``widgets/value_table.py`` shows the model, for example with the
values before and after a change.
"""

import json
from collections.abc import Sequence
from typing import Any, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from typing_extensions import override

from app.protocol.ui_changes import MISSING, ValueChange
from app.protocol.ui_comparison import as_plain
from app.protocol.ui_stores import UNKNOWN
from app.ui import theme
from app.ui.models.state_tree import NOT_KNOWN
from app.ui.models.titled_table import Index, TitledTable
from app.ui.plain_text import tooltip_text

MAX_CHARS = 300
NONE = "–"
"""Shown for a value that does not exist."""
STEPS = Qt.ItemDataRole.UserRole
"""The role with the steps to a value."""


class Line(NamedTuple):
    """A line of the table. ``steps`` leads to the value in the tree, if it is there.

    ``note`` is the text of a fourth column, ``seq`` the number of a row of the log.
    """

    steps: tuple[str | int, ...]
    path: str
    left: Any
    right: Any
    note: str = ""
    seq: int = 0


class ValueTableModel(TitledTable):
    """Shows lines. ``titles`` are those of the three or four columns."""

    def __init__(self, titles: tuple[str, ...]) -> None:
        super().__init__(titles)
        self._lines: Sequence[Line] = ()

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Replace the lines, if they are not the same."""
        if list(lines) != list(self._lines):
            self.beginResetModel()
            self._lines = lines
            self.endResetModel()

    @property
    def lines(self) -> Sequence[Line]:
        """The lines."""
        return self._lines

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        line = self._lines[index.row()]
        value = (line.path, line.left, line.right, line.note)[index.column()]
        text = value_text(value) if index.column() in (1, 2) else str(value)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text[:MAX_CHARS]
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip_text(text)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{self._titles[index.column()]}: {text[:MAX_CHARS]}"
            case Qt.ItemDataRole.ForegroundRole if index.column() == 0 or value is MISSING or value is UNKNOWN:
                scheme = theme.colors()
                return QColor(scheme.accent if index.column() == 0 else scheme.muted)
            case Qt.ItemDataRole.UserRole:  # STEPS
                return line.steps
        return None


def value_text(value: Any) -> str:
    """Return a value as JSON on one line."""
    if value is MISSING:
        return NONE
    return NOT_KNOWN if value is UNKNOWN else json.dumps(as_plain(value), ensure_ascii=False)


def lines_of(changes: Sequence[ValueChange]) -> list[Line]:
    """Return changes as lines."""
    return [Line(*change) for change in changes]
