"""The table model of the Breakpoints dialog: filter, direction, options, and how often each has matched.
A breakpoint holds events, client frames and REST calls that match its filter, until the user decides or a timeout
ends. ``held_items`` is the model of what they hold.
"""

from collections.abc import Sequence
from enum import IntEnum

from PySide6.QtCore import QModelIndex
from typing_extensions import override

from app.hub.held_items import Breakpoint
from app.protocol.breakpoints import BreakpointDirection
from app.ui.breakpoint_actions import EVERYTHING
from app.ui.models.titled_table import TitledTable

DIRECTIONS = {
    BreakpointDirection.ALL: "All directions",
    BreakpointDirection.TO_UI: "To UI ↓",
    BreakpointDirection.FROM_UI: "From UI ↑",
    BreakpointDirection.REST: "REST calls",
}
MAX_CHARS = 300


class Col(IntEnum):
    """Columns, left to right."""

    NUMBER = 0
    FILTER = 1
    DIRECTION = 2
    OPTIONS = 3
    MATCHES = 4


TITLES = ("#", "Filter", "Direction", "Options", "Matches")


def options_of(each: Breakpoint) -> str:
    """Return the options of a breakpoint in words, for example ``from match 3 · once · 60 s``."""
    options = each.options
    hits = [f"from match {options.hits:,}"] if options.hits > 1 else []
    once = ["once"] if options.once else []
    return " · ".join([*hits, *once, f"{options.timeout_s:g} s"])


class BreakpointsModel(TitledTable[Breakpoint]):
    """One line per breakpoint, oldest first."""

    def __init__(self) -> None:
        super().__init__(TITLES)

    def show(self, breakpoints: Sequence[Breakpoint]) -> None:
        """Show these breakpoints. Lines that stay keep their selection."""
        kept = {each.id for each in breakpoints}
        for line in reversed(range(len(self._lines))):
            if self._lines[line].id not in kept:
                self.beginRemoveRows(QModelIndex(), line, line)
                del self._lines[line]
                self.endRemoveRows()
        if (old := len(self._lines)) < len(breakpoints):  # new ones are always at the end
            self.beginInsertRows(QModelIndex(), old, len(breakpoints) - 1)
            self._lines += breakpoints[old:]
            self.endInsertRows()
        if self._lines != list(breakpoints):
            self._lines = list(breakpoints)
            self.dataChanged.emit(self.index(0, Col.MATCHES), self.index(len(self._lines) - 1, Col.MATCHES))

    @override
    def text(self, line: Breakpoint, column: int) -> str:
        wanted = (line.options.filter.strip() or EVERYTHING)[:MAX_CHARS]
        direction = DIRECTIONS[line.options.direction]
        return (str(line.id), wanted, direction, options_of(line), f"{line.matches:,}")[column]
