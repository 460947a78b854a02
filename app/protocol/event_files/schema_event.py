"""The type of an event that a file defines: its data is validated against the JSON Schema in the file.
An event that a file only extends has the type ``ExtendedEvent``. The functions here serve both.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

from typing_extensions import override

from app.protocol.contract import Direction
from app.protocol.envelope import BadFrame, Envelope
from app.protocol.event_files.details import FileDetails
from app.protocol.event_files.references import resolved, resolved_part
from app.protocol.event_files.samples import sample_data
from app.protocol.event_files.schema_check import Fields, cost, fields_of
from app.protocol.event_files.validator import Validator
from app.protocol.event_type import EventProblem, EventType, object_problems

MAX_QUOTED = 3
"""At most this many errors are in the note of a client's invalid frame."""


class SchemaEvent(EventType):
    """An event type with a JSON Schema, which ``schema_check`` has accepted."""

    def __init__(self, name: str, direction: Direction, data: dict[str, Any], details: FileDetails) -> None:
        super().__init__(name, direction, details.help)
        self.details = details
        self._schema = _complete(name, data)
        self._fields = fields_of(data)
        self._validator = Validator(data, cost=cost(data))

    @property
    @override
    def schema(self) -> dict[str, Any]:
        return self._schema

    @override
    def problems(self, data: Any) -> list[EventProblem]:
        return object_problems(data) or value_problems(self._validator, self.direction, data)

    @override
    def unknown_fields(self, data: dict[str, Any]) -> list[str]:
        return unknown_names(self._fields, data)

    @override
    def typed(self, envelope: Envelope) -> dict[str, Any]:
        if problems := self.problems(envelope.data):
            raise bad_frame(problems, self.name)
        data: dict[str, Any] = envelope.data
        return data

    @cached_property
    @override
    def sample(self) -> dict[str, Any]:
        """The first example of the file, or its required fields with examples that are made from the schema."""
        return sample_data(self._schema, self.details.examples)


def value_problems(validator: Validator, direction: Direction, data: dict[str, Any]) -> list[EventProblem]:
    """Return the errors in the data of an event. Clients' data is not validated if that would take too long."""
    return validator.frame_problems(data) if direction is Direction.FROM_UI else validator.problems(data)


def unknown_names(fields: Fields, data: dict[str, Any]) -> list[str]:
    """Return the names in ``data`` that a schema does not mention; none if it describes additional fields."""
    known = set(fields.names)  # a frame may have thousands of names
    return [] if fields.others else [name for name in data if name not in known]


def bad_frame(problems: Sequence[EventProblem], event: str) -> BadFrame:
    """Return the exception for a client's frame with these errors in its data."""
    first, *others = problems[:MAX_QUOTED]
    reason = "; ".join([first.message, *(f"data.{each}" for each in others)])
    if len(problems) > MAX_QUOTED:
        reason += f"; and {len(problems) - MAX_QUOTED} more"
    return BadFrame(reason, f"data.{first.path}" if first.path else "data", event)


def _complete(name: str, data: dict[str, Any]) -> dict[str, Any]:
    """Return a schema in which callers find fields without following references."""
    top = resolved(data, data)
    fields = {each: resolved_part(data, value) for each, value in top.get("properties", {}).items()}
    return {
        "title": name, **{key: value for key, value in top.items() if key not in ("title", "$ref")},
        "type": "object", "properties": fields, "required": list(top.get("required", ())),
    }  # fmt: skip
