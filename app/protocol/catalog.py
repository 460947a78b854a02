"""The one catalog of events: name → direction, schema, sample, help. Everything else is derived from it."""

from collections.abc import Iterator, Sequence
from functools import cached_property
from types import ModuleType
from typing import Any, NamedTuple

import msgspec

from app.protocol import events
from app.protocol.contract import DECLARED, Direction, Event
from app.protocol.envelope import BadFrame, Envelope, check_tree
from app.protocol.templates import BY_FORMAT, ME, PERSONA
from app.wording import fault


class Problem(NamedTuple):
    """One thing wrong with an event's data: ``path`` (``reactions[0].emoji``) and what a person can act on."""

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidEvent(ValueError):
    """An event that breaks the contract was to be fired; ``problems`` says how."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


class EventType:
    """One event of the contract."""

    def __init__(self, name: str, direction: Direction, struct: type[Event]) -> None:
        self.name = name
        self.direction = direction
        self.struct = struct
        self.help = next(iter((struct.__doc__ or "").strip().splitlines()), name)
        self._fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}

    @cached_property
    def schema(self) -> dict[str, Any]:
        """JSON Schema of ``data``, references resolved one level into ``$defs``."""
        (schema,), defs = msgspec.json.schema_components([self.struct], ref_template="#/$defs/{name}")
        own = defs.pop(self.struct.__name__, schema)
        own = {"title": self.name, **{key: value for key, value in own.items() if key != "title"}}
        return {**own, "$defs": defs} if defs else own

    @cached_property
    def sample(self) -> dict[str, Any]:
        """The required fields of ``data`` with their first examples (the guide's own, for its events)."""
        properties = self.schema["properties"]
        return {name: _example(name, properties[name]) for name in self.schema["required"]}

    @cached_property
    def template(self) -> dict[str, Any]:
        """The sample, with what suits every desk: a persona to me, ids and times that are made at fire time."""
        data = dict(self.sample)
        for name in data:
            kind = self.schema["properties"][name].get("format", "")
            if kind == "username":
                data[name] = ME if name == "to" else PERSONA
            elif kind in BY_FORMAT:
                data[name] = BY_FORMAT[kind]
        return data

    def problems(self, data: Any) -> list[Problem]:
        """Return everything that is wrong with ``data``; empty when it keeps the contract."""
        if not isinstance(data, dict):
            return [Problem("", "data must be an object")]
        try:
            check_tree(data)
        except BadFrame as bad:
            return [Problem(bad.where, bad.reason)]
        found = [] if self._converts(data) else self._field_problems(data)
        if self.direction is Direction.TO_UI:
            found += [Problem(name, "is not a field of this event") for name in self.unknown_fields(data)]
        return found

    def _converts(self, data: dict[str, Any]) -> bool:
        try:
            msgspec.convert(data, self.struct)
        except msgspec.ValidationError:
            return False
        return True

    def _field_problems(self, data: dict[str, Any]) -> list[Problem]:
        """Look at every field: msgspec itself stops at the first that is wrong."""
        found = []
        for name, field in self._fields.items():
            if name in data:
                found += self._convert_problems(name, field.type, data[name])
            elif field.required:
                found.append(Problem(name, "is missing"))
        return found

    def _convert_problems(self, name: str, expected: Any, value: Any) -> list[Problem]:
        try:
            msgspec.convert(value, expected)
        except msgspec.ValidationError as error:
            wrong = fault(error, self.schema["properties"][name].get("enum", ()))
            return [Problem(wrong.under(name), wrong.sentence)]
        return []

    def unknown_fields(self, data: dict[str, Any]) -> list[str]:
        """Return the names in ``data`` that the contract does not know."""
        return [name for name in data if name not in self._fields]

    def struct_of(self, envelope: Envelope) -> Event:
        """Return the typed payload of a client's envelope. Raises ``BadFrame`` with the place."""
        try:
            return msgspec.convert(envelope.data, self.struct)
        except msgspec.ValidationError as error:
            wrong = fault(error)
            raise BadFrame(wrong.sentence, wrong.under("data"), self.name) from None


def _example(name: str, schema: dict[str, Any]) -> Any:
    """Return the declared example, or the plainest value of the type."""
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    return {"boolean": True, "integer": 1, "number": 1, "array": [], "object": {}}.get(schema.get("type", ""), name)


class Catalog:
    """All events that this companion knows, by direction and name."""

    def __init__(self, types: list[EventType]) -> None:
        self._types = {(each.direction, each.name): each for each in types}

    @classmethod
    def of(cls, module: ModuleType) -> "Catalog":
        """Collect the structs that ``module`` declares with ``@event``, in their order."""
        declared = [
            (*getattr(value, DECLARED), value)
            for value in vars(module).values()
            if isinstance(value, type) and issubclass(value, Event) and hasattr(value, DECLARED)
        ]
        return cls([EventType(name, direction, struct) for name, direction, struct in declared])

    def __iter__(self) -> Iterator[EventType]:
        return iter(self._types.values())

    def get(self, direction: Direction, name: str) -> EventType | None:
        """Return the event, or None when the contract has none of that name in that direction."""
        return self._types.get((direction, name))

    def names(self, direction: Direction) -> list[str]:
        """Return the names of one direction, in catalog order."""
        return [name for way, name in self._types if way is direction]

    def problems(self, envelope: Envelope) -> list[Problem]:
        """Return what is wrong with an event that is to be sent to the UI."""
        known = self.get(Direction.TO_UI, envelope.event)
        if known is None:
            names = ", ".join(self.names(Direction.TO_UI))
            return [Problem("event", f"{envelope.event!r} is not a server event ({names})")]
        return [Problem(f"data.{path}" if path else "data", text) for path, text in known.problems(envelope.data)]


def built_in() -> Catalog:
    """Return the catalog of the guide's events."""
    return Catalog.of(events)
