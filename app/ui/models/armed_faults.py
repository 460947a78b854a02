"""The table model of the armed faults in the Faults room: a line per target and per REST route, with its counts.
A fault disturbs frames or REST calls on purpose; it is armed when it is switched on for a target, which is a set of
clients. The counts say how many frames or calls the faults have seen, and on how many they acted. ``fault_list`` is
the model of the faults of a profile.
"""

from collections.abc import Mapping, Sequence
from enum import IntEnum
from typing import Any, NamedTuple

from PySide6.QtCore import QModelIndex, Qt
from typing_extensions import override

from app.companion import Companion
from app.hub.hub import count
from app.hub.target import Target
from app.protocol.faults.rest import rest_fault_text
from app.ui.models.fault_text import armed_words, explain, explain_rest, target_title
from app.ui.models.titled_table import Index, TitledTable
from app.ui.plain_text import tooltip_text

Key = Target | str
"""What identifies a line: the target, or the REST route."""


class Col(IntEnum):
    """Columns, left to right."""

    TARGET = 0
    FAULTS = 1
    SEED = 2
    CLIENTS = 3
    SEEN = 4
    ACTED = 5


NOTHING = "nothing yet"
TITLES = ("Target", "Faults", "Seed", "Clients", "Seen", "Acted on")


class Line(NamedTuple):
    """A target or a REST route with the faults that are armed for it. ``meaning`` explains the faults."""

    key: Key
    texts: tuple[str, ...]
    meaning: str


def lines_of(companion: Companion) -> list[Line]:
    """Return the lines of everything that is armed: targets, then REST routes."""
    faults = companion.faults
    frames = [
        Line(
            each.to,
            (
                target_title(each.to), armed_words(each.profile, each.faults), str(each.seed),
                f"{len(faults.clients_of(each)):,}", count(each.seen, "frame"), counts(each.acted),
            ),
            explain(each.faults),
        )
        for each in faults.armed
    ]  # fmt: skip
    calls = [
        Line(
            each.fault.route,
            (
                each.fault.route, rest_fault_text(each.fault), str(each.seed), "–", count(each.seen, "call"),
                count(each.acted, "call") if each.acted else NOTHING,
            ),
            explain_rest(each.fault),
        )
        for each in faults.rest.armed
    ]  # fmt: skip
    return frames + calls


def counts(acted: Mapping[str, int]) -> str:
    """Return how often each kind of fault has acted: ``loss 3, latency 14``."""
    return ", ".join(f"{kind} {number:,}" for kind, number in acted.items()) or NOTHING


class ArmedFaultsModel(TitledTable):
    """One line per target and REST route."""

    def __init__(self) -> None:
        super().__init__(TITLES)
        self._lines: list[Line] = []

    @property
    def lines(self) -> Sequence[Line]:
        """The lines as they are shown."""
        return self._lines

    def show(self, lines: list[Line]) -> None:
        """Replace the lines. If only texts have changed, the selection stays; else the model is reset."""
        if lines == self._lines:
            return
        if [each.key for each in lines] == [each.key for each in self._lines]:
            self._lines = lines
            last = self.index(len(lines) - 1, len(TITLES) - 1, QModelIndex())
            self.dataChanged.emit(self.index(0, 0, QModelIndex()), last)
            return
        self.beginResetModel()
        self._lines = lines
        self.endResetModel()

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        line = self._lines[index.row()]
        text = line.texts[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text
            case Qt.ItemDataRole.ToolTipRole if index.column() == Col.FAULTS:
                return tooltip_text(f"{text}\n{line.meaning}")
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip_text(text)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{TITLES[index.column()]}: {text}"
        return None
