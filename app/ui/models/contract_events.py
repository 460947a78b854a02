"""The table model of the events of the contract in the Contract room: name, direction, origin and fields."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Any

from PySide6.QtCore import Qt
from typing_extensions import override

from app.protocol.contract import Direction
from app.protocol.event_type import EventType
from app.ui.models.titled_table import Index, TitledTable
from app.ui.plain_text import tooltip_text


class Col(IntEnum):
    """Columns, left to right."""

    EVENT = 0
    DIRECTION = 1
    FIELDS = 2


TITLES = ("Event", "Direction", "Fields")
ARROWS = {Direction.TO_UI: "To UI ↓", Direction.FROM_UI: "From UI ↑"}


def fields_of(event: EventType) -> str:
    """Return the names of an event's fields. A question mark follows those that are optional."""
    required = event.schema.get("required", ())
    return ", ".join(name if name in required else f"{name}?" for name in event.schema.get("properties", {}))


class ContractEventsModel(TitledTable):
    """One line per event, those to the UI first."""

    def __init__(self) -> None:
        super().__init__(TITLES)
        self._lines: list[EventType] = []

    @property
    def lines(self) -> Sequence[EventType]:
        """The events as they are shown."""
        return self._lines

    def show(self, events: Iterable[EventType]) -> None:
        """Replace the events."""
        self.beginResetModel()
        self._lines = sorted(events, key=lambda each: each.direction is Direction.FROM_UI)
        self.endResetModel()

    def line_of(self, direction: Direction, name: str) -> int | None:
        """Return the line of an event, or None."""
        known = [(each.direction, each.name) for each in self._lines]
        return known.index((direction, name)) if (direction, name) in known else None

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        event = self._lines[index.row()]
        text = (event.name, ARROWS[event.direction], fields_of(event))[index.column()]
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return text
            case Qt.ItemDataRole.ToolTipRole:
                return tooltip_text(f"{text}\n{event.help}" if index.column() == Col.EVENT else text)
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{TITLES[index.column()]}: {text}"
        return None
