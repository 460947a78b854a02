"""Redact the event files (definitions of events, as JSON) in a bug report bundle that is redacted.
The names of events and fields stay, because the traffic refers to them, and so do types, formats and limits of
fields. Texts, such as titles, and values, such as examples, are redacted. Patterns and unknown keys are left out.
"""

import re
from typing import Any

from app.protocol.bundle.redaction import Redactor
from app.protocol.bundle.vocabulary import declared_names
from app.protocol.event_files.effects import EFFECTS

TYPES = ("object", "array", "string", "number", "integer", "boolean", "null")
FORMATS = (
    "date-time", "date", "time", "duration", "email", "idn-email", "hostname", "idn-hostname", "ipv4", "ipv6",
    "uri", "uri-reference", "iri", "iri-reference", "uuid", "json-pointer", "relative-json-pointer",
    "regex", "username",
)  # fmt: skip
NAMED = ("properties", "$defs", "definitions", "dependentSchemas")
"""Keywords with schemas by name."""
SCHEMAS = (
    "items", "not", "if", "then", "else", "additionalProperties", "propertyNames", "contains",
    "unevaluatedProperties", "unevaluatedItems", "allOf", "anyOf", "oneOf", "prefixItems",
)  # fmt: skip
NUMBERS = (
    "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "minLength", "maxLength",
    "minItems", "maxItems", "minProperties", "maxProperties", "minContains", "maxContains", "uniqueItems",
    "deprecated", "readOnly", "writeOnly",
)  # fmt: skip
VALUES = ("enum", "const", "default", "examples")
TEXTS = ("title", "description", "$comment")

_FIELD = re.compile(r"\{([^{}]*)\}")


def names_in(file: Any) -> tuple[set[str], set[str]]:
    """Return the names of the fields and events that the content of an event file declares."""
    if not isinstance(file, dict):
        return set(), set()
    events = {name for name in (file.get("event"), file.get("extends")) if isinstance(name, str)}
    forward = file.get("forward")
    if isinstance(forward, dict) and isinstance(forward.get("event"), str):
        events.add(forward["event"])
    return declared_names(file.get("data")) | _definitions(file.get("data")), events


def redacted_event_file(file: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    """Return the redacted content of an event file. Patterns are left out: they may contain texts."""
    found: dict[str, Any] = {}
    for key, value in file.items():
        match key:
            case "event" | "extends":
                found[key] = redactor.event(value) if isinstance(value, str) else ""
            case "direction":
                found[key] = value if value in ("to_ui", "from_ui") else ""
            case "title" | "description":
                found[key] = redactor.value(value)
            case "summary":
                found[key] = _summary(value, redactor) if isinstance(value, str) else ""
            case "data":
                found[key] = _schema(value, redactor)
            case "examples":
                found[key] = redactor.value(value)
            case "effect" if isinstance(value, dict):
                found[key] = {name: _values(each, redactor) for name, each in value.items() if name in EFFECTS}
            case "forward" if isinstance(value, dict):
                found[key] = _forward(value, redactor)
    return found


def _forward(forward: dict[str, Any], redactor: Redactor) -> dict[str, Any]:
    found = {key: _values(value, redactor) for key, value in forward.items() if key in ("to", "data")}
    name = forward.get("event")
    return {"event": redactor.event(name) if isinstance(name, str) else "", **found}


def _schema(schema: Any, redactor: Redactor) -> Any:
    if isinstance(schema, list):
        return [_schema(each, redactor) for each in schema]
    if not isinstance(schema, dict):
        return schema if isinstance(schema, bool) else redactor.value(schema)
    found: dict[str, Any] = {}
    for key, value in schema.items():
        if key in NAMED and isinstance(value, dict):
            found[key] = {redactor.field(name): _schema(each, redactor) for name, each in value.items()}
        elif key in SCHEMAS:
            found[key] = _schema(value, redactor)
        elif key in NUMBERS and isinstance(value, bool | int | float):
            found[key] = value
        elif key in VALUES or key in TEXTS:
            found[key] = redactor.value(value)
        elif key == "type":
            found[key] = _known(value, TYPES, redactor)
        elif key == "format":
            found[key] = _known(value, FORMATS, redactor)
        elif key == "required" and isinstance(value, list):
            found[key] = [redactor.field(each) for each in value if isinstance(each, str)]
        elif key == "dependentRequired" and isinstance(value, dict):
            found[key] = {
                redactor.field(name): [redactor.field(each) for each in names if isinstance(each, str)]
                for name, names in value.items()
                if isinstance(names, list)
            }
        elif key == "$ref" and isinstance(value, str):
            found[key] = _pointer(value, redactor)
    return found


def _known(value: Any, known: tuple[str, ...], redactor: Redactor) -> Any:
    if isinstance(value, list):
        return [_known(each, known, redactor) for each in value]
    return value if value in known else redactor.value(value)


def _pointer(text: str, redactor: Redactor) -> str:
    """Redact a JSON Pointer, or a reference with one."""
    kept = {"#", "", *NAMED, *SCHEMAS}
    parts = [
        each if each in kept or (each.isdecimal() and len(each) < 4) else redactor.field(each)
        for each in text.split("/")
    ]
    return "/".join(parts)


def _values(values: Any, redactor: Redactor) -> Any:
    """Redact the values of an effect: pointers, constants, and objects with them."""
    if isinstance(values, str):
        return _pointer(values, redactor)
    if not isinstance(values, dict):
        return redactor.value(values)
    return {
        (name if name in ("value", "sender") else redactor.field(name)): (
            redactor.value(each) if name == "value" else _values(each, redactor)
        )
        for name, each in values.items()
    }


def _summary(text: str, redactor: Redactor) -> str:
    parts = _FIELD.split(text)  # text, name of a field, text, …
    return "".join(
        f"{{{redactor.field(part)}}}" if index % 2 else redactor.text(part) for index, part in enumerate(parts)
    )


def _definitions(schema: Any) -> set[str]:
    """Return the names of the definitions in a schema."""
    if isinstance(schema, list):
        return {name for each in schema for name in _definitions(each)}
    if not isinstance(schema, dict):
        return set()
    own = {name for key in ("$defs", "definitions") if isinstance(schema.get(key), dict) for name in schema[key]}
    return own.union(*(_definitions(each) for each in schema.values()))
