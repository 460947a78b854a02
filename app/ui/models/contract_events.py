"""The table model of the events in the Contract room: the events in use, and files whose event is not in use.
A file's event is not in use if the file was not valid so far, or if another file defines the same event. Such a
line shows the errors of the file instead of the fields, and the event's name only if the file has been valid. An
event in use can have errors too: if its file becomes invalid, the last valid version stays in use.
"""

from collections.abc import Iterable
from enum import IntEnum
from typing import NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtGui import QColor
from typing_extensions import override

from app.protocol.contract import Direction
from app.protocol.event_files.event_set import EventFile
from app.protocol.event_type import EventType
from app.ui import theme
from app.ui.models.titled_table import TitledTable


class Col(IntEnum):
    """Columns, left to right."""

    EVENT = 0
    DIRECTION = 1
    DEFINED = 2
    FIELDS = 3


TITLES = ("Event", "Direction", "Defined in", "Fields")
ARROWS = {Direction.TO_UI: "To UI ↓", Direction.FROM_UI: "From UI ↑"}
BUILT_IN = "built in"


class EventLine(NamedTuple):
    """An event in use, or a file whose event is not in use. ``file`` is empty for a built-in event.

    ``unused`` is the valid event of a file that is not in use, for example because another file defines it too.
    """

    event: EventType | None
    file: str = ""
    extends: bool = False
    problems: tuple[str, ...] = ()
    unused: EventType | None = None

    @property
    def key(self) -> tuple[object, ...]:
        """What identifies the line."""
        return (self.event.direction, self.event.name) if self.event else (self.file,)

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts of the columns."""
        defined = (f"{self.file} (extends)" if self.extends else self.file) if self.file else BUILT_IN
        if self.event is None:
            problems = "; ".join(self.problems)
            if self.unused is None:
                return "not valid", "–", defined, problems
            return f"{self.unused.name} (not used)", ARROWS[self.unused.direction], defined, problems
        return self.event.name, ARROWS[self.event.direction], defined, fields_of(self.event)


def fields_of(event: EventType) -> str:
    """Return the names of an event's fields. A question mark follows those that are optional."""
    required = event.schema.get("required", ())
    return ", ".join(name if name in required else f"{name}?" for name in event.fields)


def event_lines(events: Iterable[EventType], files: Iterable[EventFile]) -> list[EventLine]:
    """Return the lines of the events in use, those to the UI first, then of files whose event is not in use."""
    by_event = {(each.event.direction, each.event.name): each for each in files if each.event and each.in_use}
    lines = []
    for event in sorted(events, key=lambda each: each.direction is Direction.FROM_UI):
        if file := by_event.get((event.direction, event.name)):
            lines.append(EventLine(event, file.file, file.extends, tuple(map(str, file.problems))))
        else:
            lines.append(EventLine(event))
    unused = [each for each in files if not (each.event and each.in_use)]
    return lines + [
        EventLine(None, each.file, problems=tuple(map(str, each.problems)), unused=each.event) for each in unused
    ]


class ContractEventsModel(TitledTable[EventLine]):
    """One line per event in use, and per file whose event is not in use."""

    def __init__(self) -> None:
        super().__init__(TITLES)

    def show(self, lines: list[EventLine]) -> None:
        """Replace the lines."""
        self._replace(lines)

    def line_of(self, key: tuple[object, ...]) -> int | None:
        """Return the number of the line with a key, or None."""
        keys = [each.key for each in self._lines]
        return keys.index(key) if key in keys else None

    @override
    def text(self, line: EventLine, column: int) -> str:
        return line.texts[column]

    @override
    def tip(self, line: EventLine, column: int) -> str:
        about = (line.event.about,) if column == Col.EVENT and line.event and line.event.about else ()
        return "\n".join((line.texts[column], *about, *line.problems))

    @override
    def other_data(self, line: EventLine, column: int, role: int) -> QColor | None:
        return QColor(theme.colors().error) if role == Qt.ItemDataRole.ForegroundRole and line.problems else None
