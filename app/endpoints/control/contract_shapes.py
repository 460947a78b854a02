"""JSON types of the control API operations that list and reload event files, and a function that converts one.
An event file defines an event of the contract, or extends a built-in one. ``event_file`` converts
one to its part of the response, with the errors in the file.
"""

from typing import Annotated

from msgspec import Meta, Struct

from app.protocol.event_files.event_set import WORDS, EventFile
from app.protocol.event_files.problems import FileProblem


class FileProblemInfo(Struct, kw_only=True):
    """An error in an event file."""

    path: Annotated[str, Meta(description="The place in the content, such as data.properties.peer")]
    line: Annotated[int, Meta(description="Line and column start at 1; 0 if unknown")]
    column: int
    message: str
    text: Annotated[str, Meta(description="File, place and message as one sentence")]


class EventFileInfo(Struct, kw_only=True):
    """An event file."""

    file: Annotated[str, Meta(description="Path below the folder")]
    event: Annotated[str, Meta(description="Name of the event; empty if the file was never valid")]
    direction: Annotated[str, Meta(description="to_ui or from_ui; empty if the file was never valid")]
    title: str
    extends: Annotated[bool, Meta(description="Whether it extends a built-in event")]
    in_use: Annotated[bool, Meta(description="Whether the event, or its last valid version, is in use")]
    current: Annotated[
        bool,
        Meta(description="Whether the event is what the file contains now, not an earlier valid version of it"),
    ]
    problems: list[FileProblemInfo]


class EventFileList(Struct, kw_only=True):
    """The event files. ``warnings`` contains sentences about the folder and about files that are not valid."""

    files: list[EventFileInfo]
    folder: str | None
    warnings: list[str]


def event_file(each: EventFile) -> EventFileInfo:
    """Return an event file for a response."""
    event = each.event
    return EventFileInfo(
        file=each.file, event=event.name if event else "", direction=WORDS[event.direction] if event else "",
        title=event.details.title if event else "", extends=each.extends, in_use=each.in_use,
        current=each.current, problems=[_problem(problem) for problem in each.problems],
    )  # fmt: skip


def _problem(each: FileProblem) -> FileProblemInfo:
    return FileProblemInfo(path=each.path, line=each.line, column=each.column, message=each.message, text=str(each))
