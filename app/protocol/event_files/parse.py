"""Parse the text of an event file, JSON or YAML, into an event type, or raise ``InvalidEventFile`` with its errors.
An event file defines an event of the contract, or extends a built-in one. Its examples are checked, too.
"""

import re
from collections.abc import Iterator
from typing import Any

from app.protocol.catalog import Catalog
from app.protocol.contract import Direction
from app.protocol.did_you_mean import suggestion
from app.protocol.event_files.details import FileDetails
from app.protocol.event_files.effects import ADD_MESSAGE, EFFECTS, Forward, StateEffect
from app.protocol.event_files.extended_event import ExtendedEvent
from app.protocol.event_files.file_schema import CONTENT, DIRECTIONS, MAX_NAME, NAME_PATTERN
from app.protocol.event_files.loosening import loosenings
from app.protocol.event_files.problems import Wrong, short
from app.protocol.event_files.references import resolved
from app.protocol.event_files.schema_check import fields_of, schema_errors
from app.protocol.event_files.schema_event import SchemaEvent
from app.protocol.event_files.source import Source, read_source
from app.protocol.event_files.validator import Validator
from app.protocol.event_files.values import Pointer, Sender, Value, Values, parse_value
from app.protocol.event_type import EventType, StructEvent

_BY_WORD = {"to_ui": Direction.TO_UI, "from_ui": Direction.FROM_UI}
_FIELD = re.compile(r"\{([^{}]*)\}")


def parse_event_file(file: str, text: str, built_in: Catalog) -> EventType:
    """Return the event that a file defines. ``file`` is its path below the folder, for messages.

    ``built_in`` contains the events that files can extend. Raises ``InvalidEventFile`` with all errors that were
    found, and no other exception.
    """
    source = read_source(file, text)
    parser = _Parser(source, built_in)
    event = parser.event()
    if parser.wrong or event is None:
        raise source.invalid(parser.wrong)
    return event


class _Parser:
    """Collect the errors of one file, and make its event."""

    def __init__(self, source: Source, built_in: Catalog) -> None:
        self._source = source
        self._built_in = built_in
        self.wrong: list[Wrong] = []

    def _report(self, path: str, message: str) -> None:
        self.wrong.append(Wrong(path, message))

    def event(self) -> EventType | None:
        """Return the event, or None if there are errors, which are in ``wrong`` then."""
        content = self._source.value
        if not isinstance(content, dict):
            self._report("", "the file must contain an object with the fields event, direction and data")
            return None
        self.wrong += [Wrong(*each) for each in Validator(CONTENT).problems(content)]
        if not self.wrong:
            self._check_names(content)
        if "data" in content:
            self.wrong += schema_errors(content["data"], "data")
            self._check_object(content["data"])
        if self.wrong:
            return None
        return self._extended(content) if "extends" in content else self._defined(content)

    def _check_names(self, content: dict[str, Any]) -> None:
        if "extends" in content:
            if "event" in content:
                self._report("event", "cannot be used together with extends, which names the event")
            return
        for name in ("event", "direction"):
            if name not in content:
                self._report(name, "is missing")
        name = content.get("event", "")
        if not re.match(NAME_PATTERN, name):
            self._report("event", "must not contain spaces or control characters")
        elif not name.isprintable():
            self._report("event", "must not contain invisible characters, which change how it is shown")

    def _check_object(self, data: Any) -> None:
        if self.wrong:
            return
        kind = resolved(data, data).get("type", "object")
        if kind != "object":
            self._report("data.type", 'must be "object", because the data of an event is an object')

    def _defined(self, content: dict[str, Any]) -> EventType | None:
        name, direction = content["event"], _BY_WORD[content["direction"]]
        if self._built_in.get(direction, name):
            self._report("event", f'{name} is a built-in event. Write "extends": "{name}" to change it')
            return None
        details = self._details(content, direction, fields_of(content["data"]).names)
        return self._with_examples(SchemaEvent(name, direction, content["data"], details), details)

    def _extended(self, content: dict[str, Any]) -> EventType | None:
        name = content["extends"]
        found = {
            word: each
            for word, direction in _BY_WORD.items()
            if isinstance(each := self._built_in.get(direction, name), StructEvent)
        }
        wanted = content.get("direction")
        if len(found) > 1 and wanted is None:
            self._report(
                "direction", f"is missing: {name} exists in both directions. Add {' or '.join(DIRECTIONS)}"
            )
            return None
        base = found.get(wanted) if wanted else next(iter(found.values()), None)
        if base is None:
            self._report("direction", f"the built-in event {name} does not have the direction {wanted}")
            return None
        self.wrong += loosenings(base.schema, content["data"], "data")
        own = fields_of(content["data"]).names
        details = self._details(content, base.direction, [*base.schema["properties"], *own])
        return self._with_examples(ExtendedEvent(base, content["data"], details), details)

    def _with_examples(self, event: EventType, details: FileDetails) -> EventType:
        for number, example in enumerate(details.examples):
            for each in event.problems(example):
                self._report(f"examples[{number}].{each.path}".rstrip("."), each.message)
        return event

    def _details(self, content: dict[str, Any], direction: Direction, fields: list[str]) -> FileDetails:
        values = _ValueReader(direction, fields)
        effects = tuple(self._effects(content.get("effect", {}), values))
        forward = self._forward(content["forward"], direction, values) if "forward" in content else None
        summary = content.get("summary", "")
        for name in _FIELD.findall(summary):
            if name not in fields:
                self._report("summary", f"{{{short(name)}}} is not a field of data{suggestion(name, fields)}")
        self.wrong += values.wrong
        return FileDetails(
            self._source.file, content.get("title", ""), content.get("description", ""), summary, effects, forward,
            tuple(content.get("examples", ())),
        )  # fmt: skip

    def _effects(self, effects: dict[str, Any], values: "_ValueReader") -> Iterator[StateEffect]:
        for kind, raw in effects.items():
            path = f"effect.{kind}"
            if kind not in EFFECTS:
                hint = suggestion(kind, EFFECTS) or f". Use {', '.join(EFFECTS)}"
                self._report(path, f"unknown effect{hint}")
            elif kind == ADD_MESSAGE:
                yield StateEffect(kind, values.fields(raw, path))
            elif not isinstance(raw, dict):
                self._report(path, f"must be an object with {', '.join(EFFECTS[kind])}")
            else:
                for name in EFFECTS[kind]:
                    if name not in raw:
                        self._report(f"{path}.{name}", "is missing")
                for name in raw:
                    if name not in EFFECTS[kind]:
                        self._report(f"{path}.{name}", f"unknown field{suggestion(name, EFFECTS[kind])}")
                yield StateEffect(kind, values.fields(raw, path))

    def _forward(self, raw: dict[str, Any], direction: Direction, values: "_ValueReader") -> Forward | None:
        if direction is Direction.TO_UI:
            self._report("forward", "only events with the direction from_ui can be forwarded")
            return None
        for key in raw:
            if key not in ("event", "to", "data"):
                self._report(f"forward.{key}", f"unknown field{suggestion(key, ('event', 'to', 'data'))}")
        name: Any = raw.get("event")
        if not isinstance(name, str) or not name or len(name) > MAX_NAME:
            self._report("forward.event", "must be the name of the event that other clients receive")
            return None
        to = values.value(raw["to"], "forward.to") if "to" in raw else None
        place = self._source.place("forward.event")
        return Forward(name, to, values.fields(raw.get("data", ""), "forward.data"), *place)


class _ValueReader:
    """Read the values of effects and of the forwarded event, and collect the errors in ``wrong``."""

    def __init__(self, direction: Direction, fields: list[str]) -> None:
        self._direction = direction
        self._fields = fields
        self.wrong: list[Wrong] = []

    def fields(self, raw: Any, path: str) -> Values:
        """Return the values of an object: of each field, or a pointer to an object."""
        if isinstance(raw, dict):
            return {name: self.value(each, f"{path}.{name}") for name, each in raw.items()}
        value = self.value(raw, path)
        if isinstance(value, Pointer):
            return value
        return {}

    def value(self, raw: Any, path: str) -> Value:
        """Return one value."""
        try:
            value = parse_value(raw)
        except ValueError as error:
            self.wrong.append(Wrong(path, str(error)))
            return Pointer("")
        if isinstance(value, Sender) and self._direction is Direction.TO_UI:
            self.wrong.append(Wrong(path, "only an event with the direction from_ui has a sender"))
        if isinstance(value, Pointer) and value.steps and value.steps[0] not in self._fields:
            name = value.steps[0]
            hint = suggestion(name, self._fields)
            self.wrong.append(Wrong(path, f"{short(name)!r} is not in the properties of data{hint}"))
        return value
