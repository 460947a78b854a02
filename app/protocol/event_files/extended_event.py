"""A built-in event that a file extends: with more fields, or with narrower values. It cannot become looser.

Data must satisfy both the built-in event and the schema in the file, so handlers still get the struct they expect.
"""

from functools import cached_property
from typing import Any

from typing_extensions import override

from app.protocol.contract import Direction, Event
from app.protocol.did_you_mean import unknown_field
from app.protocol.envelope import Envelope
from app.protocol.event_files.details import FileDetails
from app.protocol.event_files.references import combined_part, resolved
from app.protocol.event_files.samples import sample_data
from app.protocol.event_files.schema_check import Fields, cost, fields_of
from app.protocol.event_files.schema_event import bad_frame, unknown_names, value_problems
from app.protocol.event_files.validator import Validator
from app.protocol.event_type import EventProblem, EventType, StructEvent, object_problems


class ExtendedEvent(EventType):
    """A built-in event with the schema of a file on top. ``schema_check`` and ``loosening`` have accepted it."""

    def __init__(self, base: StructEvent, data: dict[str, Any], details: FileDetails) -> None:
        super().__init__(base.name, base.direction, details.help or base.help)
        self.base = base
        self.details = details
        self.extends = True
        self._schema = _merged(base.schema, data)
        own = dict.fromkeys(base.schema["properties"], True)
        added = fields_of(data)
        self._fields = Fields([*own, *added.names], added.others)
        self._validator = Validator({**data, "properties": {**own, **data.get("properties", {})}}, cost=cost(data))

    @property
    @override
    def schema(self) -> dict[str, Any]:
        return self._schema

    @override
    def problems(self, data: Any) -> list[EventProblem]:
        if wrong := object_problems(data):
            return wrong
        found = self.base.field_problems(data)
        places = {each.path for each in found}
        found += [each for each in value_problems(self._validator, self.direction, data) if each.path not in places]
        if self.direction is Direction.TO_UI:
            places |= {each.path for each in found}
            found += [
                EventProblem(name, unknown_field(name, self._fields.names, data))
                for name in self.unknown_fields(data)
                if name not in places
            ]
        return found

    @override
    def unknown_fields(self, data: dict[str, Any]) -> list[str]:
        return unknown_names(self._fields, data)

    @override
    def typed(self, envelope: Envelope) -> Event:
        struct = self.base.typed(envelope)
        if problems := value_problems(self._validator, self.direction, envelope.data):
            raise bad_frame(problems, self.name)
        return struct

    @cached_property
    @override
    def sample(self) -> dict[str, Any]:
        """The first example of the file, or that of the built-in event with the required fields of the file."""
        return sample_data(self._schema, self.details.examples)


def _merged(base: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of the extended event, as forms and documents show it."""
    top = resolved(data, data)
    own = top.get("properties", {})
    definitions = {**base.get("$defs", {}), **data.get("$defs", {})}
    root = {**data, "properties": {**base["properties"], **own}, "$defs": definitions}
    fields = base["properties"] | {
        name: combined_part(root, base["properties"].get(name, True), value) for name, value in own.items()
    }
    merged = {**base, **{key: value for key, value in top.items() if key not in ("title", "$ref", "$schema")}}
    merged |= {
        "type": "object", "properties": fields,
        "required": list(dict.fromkeys([*base["required"], *top.get("required", ())])),
    }  # fmt: skip
    if definitions:
        merged["$defs"] = definitions
    return merged
