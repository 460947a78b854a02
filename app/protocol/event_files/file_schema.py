"""Two JSON Schemas of an event file, the file that defines an event of the contract or extends a built-in one.
``FILE_SCHEMA`` describes all fields, so that editors can complete and check a file. ``CONTENT`` is a part of it,
with which ``parse`` checks a file first. ``parse`` checks the rest in code, with better messages, and also rules
that ``FILE_SCHEMA`` does not contain.
"""

from typing import Any

from app.protocol.catalog import built_in
from app.protocol.event_files.effects import EFFECTS
from app.protocol.event_files.validator import DRAFT

MAX_NAME = 80
NAME_PATTERN = r"^[^\s\x00-\x1f\x7f]*$"
"""No spaces and no control characters."""
DIRECTIONS = ("to_ui", "from_ui")

_VALUE = {"$ref": "#/$defs/value"}
_VALUES = {"type": "object", "additionalProperties": _VALUE}


def _effect(fields: tuple[str, ...]) -> dict[str, Any]:
    if not fields:
        return {"anyOf": [_VALUE, _VALUES]}
    return {
        "type": "object", "required": list(fields), "additionalProperties": False,
        "properties": dict.fromkeys(fields, _VALUE),
    }  # fmt: skip


def _text(description: str, limit: int) -> dict[str, Any]:
    return {"type": "string", "description": description, "maxLength": limit}


def _single(name: str, value: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "required": [name], "additionalProperties": False, "properties": {name: value}}


_BUILT_IN = {
    "type": "string",
    "description": "The built-in event to change",
    "enum": list(dict.fromkeys(each.name for each in built_in())),
}
_NAME = {
    "type": "string", "description": "The name of the event", "minLength": 1, "maxLength": MAX_NAME,
}  # fmt: skip

CONTENT: dict[str, Any] = {
    "type": "object",
    "required": ["data"],
    "additionalProperties": False,
    "properties": {
        "$schema": {"type": "string", "description": "The schema of this file, for editors"},
        "event": _NAME,
        "direction": {"description": "to_ui: fired; from_ui: sent by the UI", "enum": list(DIRECTIONS)},
        "extends": _BUILT_IN,
        "title": _text("A short title", 200),
        "description": _text("What the event is about", 2_000),
        "data": {"type": "object", "description": "The JSON Schema (draft 2020-12) of the event's data"},
        "examples": {
            "type": "array", "description": "Examples of data", "items": {"type": "object"}, "maxItems": 50,
        },
        "summary": _text("The text in the log; {name} inserts a field of the data", 500),
        "effect": {"type": "object", "description": "How the event changes the chat state", "maxProperties": 20},
        "forward": {"type": "object", "description": "The event that other clients receive (from_ui)"},
    },
}  # fmt: skip
"""The schema of a file's fields, without the parts that ``parse`` checks itself: it explains errors better."""

FILE_SCHEMA: dict[str, Any] = {
    "$schema": DRAFT,
    "title": "Event",
    "description": "An event of the chat UI, defined by a file",
    **CONTENT,
    "properties": {
        **CONTENT["properties"],
        "event": {**_NAME, "pattern": NAME_PATTERN},
        "data": {**CONTENT["properties"]["data"], "$ref": DRAFT},
        "effect": {
            **CONTENT["properties"]["effect"],
            "additionalProperties": False,
            "properties": {kind: _effect(fields) for kind, fields in EFFECTS.items()},
        },
        "forward": {
            **CONTENT["properties"]["forward"],
            "required": ["event"],
            "additionalProperties": False,
            "properties": {"event": _NAME, "to": _VALUE, "data": {"anyOf": [_VALUE, _VALUES]}},
        },
    },
    "oneOf": [{"required": ["event", "direction"]}, {"required": ["extends"], "not": {"required": ["event"]}}],
    "$defs": {
        "value": {
            "description": "A JSON Pointer into data, a constant, or the user that the client acts as",
            "anyOf": [
                {"type": "string", "pattern": "^(/([^/~]|~[01])*)*$"},
                _single("value", {}),
                _single("sender", {"const": True}),
            ],
        }
    },
}  # fmt: skip
"""The complete schema."""
