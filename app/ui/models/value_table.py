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
from app.protocol.ui_paths import locate
from app.protocol.ui_stores import UNKNOWN
from app.ui import theme
from app.ui.models.state_tree import NOT_KNOWN
from app.ui.models.titled_table import TitledTable

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


class ValueTableModel(TitledTable[Line]):
    """Shows lines. ``titles`` are those of the three or four columns."""

    def show_lines(self, lines: Sequence[Line]) -> None:
        """Replace the lines, if they are not the same."""
        if list(lines) != self._lines:
            self._replace(list(lines))

    @override
    def text(self, line: Line, column: int) -> str:
        return self.tip(line, column)[:MAX_CHARS]

    @override
    def tip(self, line: Line, column: int) -> str:
        value = _values(line)[column]
        return value_text(value) if column in (1, 2) else str(value)

    @override
    def other_data(self, line: Line, column: int, role: int) -> Any:
        value = _values(line)[column]
        match role:
            case Qt.ItemDataRole.ForegroundRole if column == 0 or value is MISSING or value is UNKNOWN:
                scheme = theme.colors()
                return QColor(scheme.accent if column == 0 else scheme.muted)
            case Qt.ItemDataRole.UserRole:  # STEPS
                return line.steps
        return None


def _values(line: Line) -> tuple[Any, ...]:
    """Return the values of the columns."""
    return line.path, line.left, line.right, line.note


def value_text(value: Any) -> str:
    """Return a value as JSON on one line."""
    if value is MISSING:
        return NONE
    return NOT_KNOWN if value is UNKNOWN else json.dumps(as_plain(value), ensure_ascii=False)


def value_or_missing(value: Any, state: Any, path: str) -> Any:
    """Return the value that a ``Difference`` has for a state: ``MISSING`` if there is none at the path."""
    return MISSING if value is None and locate(state, path) is None else value


def lines_of(changes: Sequence[ValueChange]) -> list[Line]:
    """Return changes as lines."""
    return [Line(*change) for change in changes]
