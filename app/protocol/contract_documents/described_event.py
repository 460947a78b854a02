"""An event with everything that documents say about it, independent of how it was declared."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from app.protocol.contract import Direction
from app.protocol.event_type import EventType

EVENT_KEY, DATA_KEY = "event", "data"


class EnvelopeKeys(Struct, frozen=True):
    """The names of the two keys of a frame."""

    event: str = EVENT_KEY
    data: str = DATA_KEY


class DescribedEvent(Struct, frozen=True, kw_only=True):
    """An event of the contract. ``schema`` is the JSON Schema of its data."""

    name: str
    direction: Direction
    help: str
    schema: dict[str, Any]
    examples: list[dict[str, Any]] = field(default_factory=list)
    effect: str = ""
    """How the event changes the chat state, in words; empty if it does not, or if it is built in."""


def described(types: Iterable[EventType]) -> list[DescribedEvent]:
    """Return the events of a catalog, those to the UI first."""
    found = [
        DescribedEvent(
            name=each.name, direction=each.direction, help=each.help, schema=each.schema, examples=[each.sample]
        )
        for each in types
    ]
    return sorted(found, key=lambda each: each.direction is Direction.FROM_UI)
