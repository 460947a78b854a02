"""How a built-in event is declared: a msgspec struct derived from ``Event``, decorated with ``@event(…)``.
The struct describes the event's ``data``; ``Direction`` says whether the event goes to the UI or comes from it.
Other events are defined by event files: see ``event_files``.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import msgspec


class Direction(StrEnum):
    """The direction of an event. The values are stored."""

    TO_UI = "s2c"
    FROM_UI = "c2s"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base class for the ``data`` of an event. The first line of the docstring is the event's help text."""


E = TypeVar("E", bound=type[Event])

DECLARED = "__declared_event__"


def event(name: str, direction: Direction) -> Callable[[E], E]:
    """Return a class decorator that declares a struct as the ``data`` of an event."""

    def declare(struct: E) -> E:
        setattr(struct, DECLARED, (name, direction))
        return struct

    return declare
