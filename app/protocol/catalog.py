"""The catalog of events: name → direction, schema, sample, help. Everything else is derived from it."""

from collections.abc import Iterable, Iterator
from types import ModuleType

from app.protocol import events
from app.protocol.contract import DECLARED, Direction, Event
from app.protocol.envelope import Envelope
from app.protocol.event_type import EventProblem, EventType, StructEvent


class Catalog:
    """All events that the companion knows, by direction and name. It can change while the program runs."""

    def __init__(self, types: Iterable[EventType]) -> None:
        self._types: dict[tuple[Direction, str], EventType] = {}
        self.version = 0
        """Changes with every ``replace``, for results that are cached."""
        self.replace(types)

    def replace(self, types: Iterable[EventType]) -> None:
        """Hold these events from now on. The owner tells everything that is derived from the catalog."""
        self._types = {(each.direction, each.name): each for each in types}
        self.version += 1

    @classmethod
    def of(cls, module: ModuleType) -> "Catalog":
        """Collect the structs that ``module`` declares with ``@event``, in their order."""
        declared = [
            (*getattr(value, DECLARED), value)
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Event) and hasattr(value, DECLARED)
        ]
        return cls([StructEvent(name, direction, struct) for name, direction, struct in declared])

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._types.values())

    def get(self, direction: Direction, name: str) -> EventType | None:
        """Return the event, or None when the contract has none of that name in that direction."""
        return self._types.get((direction, name))

    def names(self, direction: Direction) -> list[str]:
        """Return the names of one direction, in catalog order."""
        return [name for way, name in self._types if way is direction]

    def problems(self, envelope: Envelope) -> list[EventProblem]:
        """Return what is wrong with an event that is to be sent to the UI."""
        known = self.get(Direction.TO_UI, envelope.event)
        if known is None:
            names = ", ".join(self.names(Direction.TO_UI))
            return [EventProblem("event", f"{envelope.event!r} is not a server event ({names})")]
        return [
            EventProblem(f"data.{path}" if path else "data", text) for path, text in known.problems(envelope.data)
        ]


def built_in() -> Catalog:
    """Return the catalog of the guide's events."""
    return Catalog.of(events)
