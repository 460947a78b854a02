"""How an event is declared: a struct, a name and a direction."""

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

import msgspec


class Direction(StrEnum):
    """Which way an event travels; the values are what is stored."""

    TO_UI = "s2c"
    FROM_UI = "c2s"


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """Base of every event's ``data``. The docstring's first line is the event's help."""


E = TypeVar("E", bound=type[Event])

DECLARED = "__declared_event__"


def event(name: str, direction: Direction) -> Callable[[E], E]:
    """Declare a struct to be the payload of the event ``name``."""

    def declare(struct: E) -> E:
        setattr(struct, DECLARED, (name, direction))
        return struct

    return declare
