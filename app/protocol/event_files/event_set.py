"""Combine the built-in events with the parsed event files of a folder: which events are in use, and the errors.
If a file becomes invalid, its last valid version stays in use. It is an error if two files define an event with the
same name and direction, or if a file forwards an event that clients cannot receive. This module reads no files
itself.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from app.protocol.contract import Direction
from app.protocol.did_you_mean import suggestion
from app.protocol.event_files.problems import FileProblem, short
from app.protocol.event_type import EventType

WORDS = {Direction.TO_UI: "to_ui", Direction.FROM_UI: "from_ui"}
"""The directions as event files write them."""

Parsed = EventType | tuple[FileProblem, ...]
"""The event in a file, or the errors of the file."""


class EventFile(NamedTuple):
    """A file with the event that it defines, and its errors. ``file`` is its path below the folder, with ``/``."""

    file: str
    event: EventType | None
    """The event, or the last valid version of it; None if there was none."""
    in_use: bool
    """Whether ``event`` is in the catalog."""
    problems: tuple[FileProblem, ...]
    current: bool = True
    """Whether ``event`` is what the file contains now, not an earlier valid version of it."""

    @property
    def extends(self) -> bool:
        """Whether the event is a built-in one that the file extends."""
        return bool(self.event and self.event.extends)


class EventSet:
    """The events of all files, on top of the built-in events."""

    def __init__(self, built_in: Iterable[EventType]) -> None:
        self._built_in = tuple(built_in)
        self._valid: dict[str, EventType] = {}
        """The last valid version of each file."""
        self.files: tuple[EventFile, ...] = ()
        """All files, sorted by path."""

    def update(self, parsed: Mapping[str, Parsed]) -> None:
        """Use these files, by path. Events of files that are not among them are removed."""
        valid = {file: each for file, each in self._valid.items() if file in parsed}
        valid |= {file: each for file, each in parsed.items() if isinstance(each, EventType)}
        used: dict[tuple[Direction, str], str] = {}
        files = []
        for file in sorted(parsed):
            event, found = valid.get(file), parsed[file]
            problems = () if isinstance(found, EventType) else found
            first = used.setdefault((event.direction, event.name), file) if event else file
            if event and first != file:
                problems = (*problems, _duplicate(event, first, file))
            in_use = event is not None and first == file
            files.append(EventFile(file, event, in_use, problems, current=isinstance(found, EventType)))
        self._valid, self.files = valid, tuple(files)
        self._check_forwards()

    def _check_forwards(self) -> None:
        """Report files in use that forward an event which no file defines and which is not built in."""
        known = {
            direction: [each.name for each in self.types if each.direction is direction] for direction in Direction
        }
        self.files = tuple(
            each._replace(problems=(*each.problems, *_forward_problems(each.event, known)))
            if each.event and each.in_use and each.current
            else each
            for each in self.files
        )

    @property
    def types(self) -> list[EventType]:
        """The events of the catalog: the built-in ones, some of them extended, and the others by path."""
        own = {
            (each.event.direction, each.event.name): each.event for each in self.files if each.event and each.in_use
        }
        built_in = [own.pop((each.direction, each.name), each) for each in self._built_in]
        return [*built_in, *own.values()]

    @property
    def problems(self) -> list[FileProblem]:
        """All errors, by path."""
        return [problem for each in self.files for problem in each.problems]


def _duplicate(event: EventType, first: str, file: str) -> FileProblem:
    message = f"defines {event.name} ({WORDS[event.direction]}), which {first} defines already. {first} is used"
    return FileProblem(file, "", message)


def _forward_problems(event: EventType, known: Mapping[Direction, Sequence[str]]) -> Iterator[FileProblem]:
    """Yield an error if a file forwards an event that clients cannot receive. ``known``: names by direction."""
    forward = event.details.forward
    if forward is None or forward.event in known[Direction.TO_UI]:
        return
    name = short(forward.event)
    if forward.event in known[Direction.FROM_UI]:
        message = f"{name} exists only with the direction from_ui. Add a file with the direction to_ui"
    else:
        hint = suggestion(forward.event, known[Direction.TO_UI])
        message = f"no event with the direction to_ui is named {name}{hint or '. Add a file that defines it'}"
    yield FileProblem(event.details.file, "forward.event", message, forward.line, forward.column)
