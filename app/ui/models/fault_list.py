"""The table model of the faults of a profile: each as it is written, its direction, and what it does in words.
A fault disturbs frames or REST calls on purpose, for example ``loss=0.5``; a profile is a named set of faults.
``armed_faults`` is the model of the faults that are switched on.
"""

from enum import IntEnum
from typing import Any, NamedTuple

from PySide6.QtCore import Qt
from typing_extensions import override

from app.protocol.faults.profiles import Profile
from app.protocol.faults.rest import rest_fault_text
from app.protocol.faults.words import fault_text
from app.ui import theme
from app.ui.models.fault_text import DIRECTION_TITLES, explain, explain_rest
from app.ui.models.titled_table import Index, TitledTable
from app.ui.plain_text import tooltip_text


class Col(IntEnum):
    """Columns, left to right."""

    FAULT = 0
    DIRECTION = 1
    MEANING = 2


TITLES = ("Fault", "Direction", "What it does")


class Line(NamedTuple):
    """A fault of a profile."""

    fault: str
    direction: str
    meaning: str


class FaultListModel(TitledTable):
    """One line per fault of a profile; those of REST calls come last."""

    def __init__(self) -> None:
        super().__init__(TITLES)
        self._lines: list[Line] = []

    def show(self, profile: Profile) -> None:
        """Show the faults of a profile."""
        frames = [
            Line(fault_text(each), DIRECTION_TITLES[each.direction], explain([each])) for each in profile.faults
        ]
        calls = [Line(f"{each.route} {rest_fault_text(each)}", "REST", explain_rest(each)) for each in profile.rest]
        self.beginResetModel()
        self._lines = frames + calls
        self.endResetModel()

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        text = self._lines[index.row()][index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip_text(text)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{TITLES[index.column()]}: {text}"
            case Qt.ItemDataRole.FontRole if index.column() == Col.FAULT:
                return theme.mono()
        return None
