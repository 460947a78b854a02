"""A type of event: name, direction and JSON Schema, sample data, and validation of data.
``EventType`` is the abstract base class. ``StructEvent`` is for an event that is declared as a struct, like the
built-in ones; ``event_files`` has the classes for events that a file defines or extends.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property
from typing import Any, NamedTuple

import msgspec
from typing_extensions import override

from app.protocol.contract import Direction, Event
from app.protocol.did_you_mean import unknown_field
from app.protocol.envelope import BadFrame, Envelope, check_tree
from app.protocol.event_files.details import FileDetails
from app.protocol.templates import BY_FORMAT, ME, PERSONA
from app.validation_messages import fault


class EventProblem(NamedTuple):
    """One error in an event's data: the path, for example ``reactions[0].emoji``, and a message for users."""

    path: str
    message: str

    @override
    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class InvalidEvent(ValueError):
    """Raised when an event is fired or edited and violates the contract. ``problems`` lists the errors."""

    def __init__(self, problems: Sequence[EventProblem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = tuple(problems)


class EventType(ABC):
    """Base class of the event types in the catalog. ``help_text`` is one sentence, or empty."""

    def __init__(self, name: str, direction: Direction, help_text: str) -> None:
        self.name = name
        self.direction = direction
        self.help = help_text
        self.details = FileDetails()
        """What its file says, if a file defines or extends the event; empty if not."""
        self.extends = False
        """Whether a file extends this built-in event."""

    @property
    def title(self) -> str:
        """The title that a file gives the event, in one line; empty if there is none."""
        return " ".join(self.details.title.split())

    @property
    def about(self) -> str:
        """Title and help as one text; empty if there is neither."""
        return title_and_help(self.title, self.help)

    @property
    @abstractmethod
    def schema(self) -> dict[str, Any]:
        """The JSON Schema of ``data``, which is an object. References point into its own ``$defs``."""

    @property
    def fields(self) -> dict[str, Any]:
        """The schemas of the fields that ``data`` may have. A file can forbid a field: its schema is False."""
        return {name: each for name, each in self.schema["properties"].items() if each is not False}

    @abstractmethod
    def problems(self, data: Any) -> list[EventProblem]:
        """Return the errors in ``data``; empty if it is valid."""

    @abstractmethod
    def unknown_fields(self, data: dict[str, Any]) -> list[str]:
        """Return the names in ``data`` that the contract does not define."""

    @abstractmethod
    def typed(self, envelope: Envelope) -> Any:
        """Convert a client event's data to the type that handlers expect. Raises ``BadFrame`` with the location."""

    @cached_property
    def sample(self) -> dict[str, Any]:
        """The required fields of ``data`` with their first examples, for built-in events from the guide."""
        fields = self.fields
        return {name: _example(name, fields[name]) for name in self.schema["required"]}

    @cached_property
    def template(self) -> dict[str, Any]:
        """The sample with template placeholders for generated IDs and times, from a persona to the local user."""
        data, fields = dict(self.sample), self.fields
        for name in data:
            kind = fields.get(name, {}).get("format", "")
            if kind == "username":
                data[name] = ME if name == "to" else PERSONA
            elif kind in BY_FORMAT:
                data[name] = BY_FORMAT[kind]
        return data

    def with_fresh_values(self, data: dict[str, Any]) -> dict[str, Any]:
        """Return a copy of ``data`` with templates instead of IDs and times. Fields with templates are kept."""
        fields = self.fields
        return {
            name: value if "{{" in str(value) else BY_FORMAT.get(fields.get(name, {}).get("format", ""), value)
            for name, value in data.items()
        }


class StructEvent(EventType):
    """An event type that is declared as a msgspec struct, like the built-in events."""

    def __init__(self, name: str, direction: Direction, struct: type[Event]) -> None:
        super().__init__(name, direction, next(iter((struct.__doc__ or "").strip().splitlines()), name))
        self.struct = struct
        self._fields = {field.encode_name: field for field in msgspec.structs.fields(struct)}

    @cached_property
    @override
    def schema(self) -> dict[str, Any]:
        (schema,), defs = msgspec.json.schema_components([self.struct], ref_template="#/$defs/{name}")
        own = defs.pop(self.struct.__name__, schema)
        own = {"title": self.name, **{key: value for key, value in own.items() if key != "title"}}
        return {**own, "$defs": defs} if defs else own

    @override
    def problems(self, data: Any) -> list[EventProblem]:
        if wrong := object_problems(data):
            return wrong
        found = self.field_problems(data)
        if self.direction is Direction.TO_UI:
            found += [
                EventProblem(name, unknown_field(name, self._fields, data)) for name in self.unknown_fields(data)
            ]
        return found

    def field_problems(self, data: dict[str, Any]) -> list[EventProblem]:
        """Return the errors in the fields of the struct. Unknown fields are none."""
        return [] if self._converts(data) else self._each_field_problems(data)

    def _converts(self, data: dict[str, Any]) -> bool:
        try:
            msgspec.convert(data, self.struct)
        except msgspec.ValidationError:
            return False
        return True

    def _each_field_problems(self, data: dict[str, Any]) -> list[EventProblem]:
        """Return the errors of all fields. msgspec itself stops at the first."""
        found = []
        for name, field in self._fields.items():
            if name in data:
                found += self._convert_problems(name, field.type, data[name])
            elif field.required:
                found.append(EventProblem(name, "is missing"))
        return found

    def _convert_problems(self, name: str, expected: Any, value: Any) -> list[EventProblem]:
        try:
            msgspec.convert(value, expected)
        except msgspec.ValidationError as error:
            wrong = fault(error, self.schema["properties"][name].get("enum", ()))
            return [EventProblem(wrong.under(name), wrong.sentence)]
        return []

    @override
    def unknown_fields(self, data: dict[str, Any]) -> list[str]:
        return [name for name in data if name not in self._fields]

    @override
    def typed(self, envelope: Envelope) -> Event:
        try:
            return msgspec.convert(envelope.data, self.struct)
        except msgspec.ValidationError as error:
            wrong = fault(error)
            raise BadFrame(wrong.sentence, wrong.under("data"), self.name) from None


def title_and_help(title: str, help_text: str) -> str:
    """Return both as one text: ``Message delivered: a message reached its recipient.``"""
    if not title or title.rstrip(".") == help_text.rstrip("."):
        return help_text or title
    return f"{title.rstrip('.:')}: {help_text}" if help_text else title


def object_problems(data: Any) -> list[EventProblem]:
    """Return an error if ``data`` is not an object, nested too deeply, or not valid Unicode."""
    if not isinstance(data, dict):
        return [EventProblem("", "data must be an object")]
    try:
        check_tree(data)
    except BadFrame as bad:
        return [EventProblem(bad.where, bad.reason)]
    return []


def _example(name: str, schema: dict[str, Any]) -> Any:
    """Return the first example in a schema, or the simplest value of its type."""
    if "examples" in schema:
        return schema["examples"][0]
    if "enum" in schema:
        return schema["enum"][0]
    return {"boolean": True, "integer": 1, "number": 1, "array": [], "object": {}}.get(schema.get("type", ""), name)
