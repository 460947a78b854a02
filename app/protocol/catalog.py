"""The catalog of all known events: finds an event type by direction and name, and validates events to the UI.
It contains the built-in events, which event files may extend, and the events that event files define. When the
files change, ``Companion.use_events`` replaces its content. Forms, the schema in the window and the documentation
are made from it.
"""

from collections.abc import Iterable, Iterator
from functools import cache
from types import ModuleType

from app.protocol import events
from app.protocol.contract import DECLARED, Direction, Event
from app.protocol.envelope import Envelope
from app.protocol.event_type import EventProblem, EventType, StructEvent


class Catalog:
    """All known events, by direction and name. ``Companion.use_events`` replaces them while the program runs."""

    def __init__(self, types: Iterable[EventType]) -> None:
        self._types: dict[tuple[Direction, str], EventType] = {}
        self.version = 0
        """Increases with every ``replace``, so that callers can detect outdated caches."""
        self.replace(types)

    def replace(self, types: Iterable[EventType]) -> None:
        """Replace all events. The caller must update everything that is derived from the catalog."""
        self._types = {(each.direction, each.name): each for each in types}
        self.version += 1

    @classmethod
    def of(cls, module: ModuleType) -> "Catalog":
        """Return a catalog of the structs that a module declares with ``@event``, in their order."""
        return cls(_declared(module))

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._types.values())

    def get(self, direction: Direction, name: str) -> EventType | None:
        """Return the event with that direction and name, or None."""
        return self._types.get((direction, name))

    def names(self, direction: Direction) -> list[str]:
        """Return the names of all events of a direction, in catalog order."""
        return [name for each, name in self._types if each is direction]

    def problems(self, envelope: Envelope) -> list[EventProblem]:
        """Return everything that is invalid about an event to the UI; empty if it is valid."""
        known = self.get(Direction.TO_UI, envelope.event)
        if known is None:
            names = ", ".join(self.names(Direction.TO_UI))
            return [EventProblem("event", f"unknown server event {envelope.event!r}. Use {names}")]
        return [
            EventProblem(f"data.{path}" if path else "data", text) for path, text in known.problems(envelope.data)
        ]


def built_in() -> Catalog:
    """Return a catalog of the built-in events, which the guide defines."""
    return Catalog.of(events)


@cache
def _declared(module: ModuleType) -> list[StructEvent]:
    declared = [
        (*getattr(value, DECLARED), value)
        for value in vars(module).values()
        if isinstance(value, type) and issubclass(value, Event) and hasattr(value, DECLARED)
    ]
    return [StructEvent(name, direction, struct) for name, direction, struct in declared]
