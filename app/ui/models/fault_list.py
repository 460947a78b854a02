"""The table model of the faults of a profile: each as it is written, its direction, and what it does in words.
A fault disturbs frames or REST calls on purpose, for example ``loss=0.5``; a profile is a named set of faults.
``models/armed_faults.py`` has the model of the faults that are switched on.
"""

from enum import IntEnum
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QFont
from typing_extensions import override

from app.protocol.faults.profiles import Profile
from app.protocol.faults.rest import rest_fault_text
from app.protocol.faults.words import fault_text
from app.ui import theme
from app.ui.models.fault_text import DIRECTION_TITLES, explain, explain_rest
from app.ui.models.titled_table import TitledTable


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


class FaultListModel(TitledTable[Line]):
    """One line per fault of a profile; those of REST calls come last."""

    def __init__(self) -> None:
        super().__init__(TITLES)

    def show(self, profile: Profile) -> None:
        """Show the faults of a profile."""
        frames = [
            Line(fault_text(each), DIRECTION_TITLES[each.direction], explain([each])) for each in profile.faults
        ]
        calls = [Line(f"{each.route} {rest_fault_text(each)}", "REST", explain_rest(each)) for each in profile.rest]
        self._replace(frames + calls)

    @override
    def text(self, line: Line, column: int) -> str:
        return line[column]

    @override
    def other_data(self, line: Line, column: int, role: int) -> QFont | None:
        return theme.mono() if role == Qt.ItemDataRole.FontRole and column == Col.FAULT else None
