"""Translate the errors of jsonschema-rs into sentences such as "must be text", each with a path.
They are errors in an event file, in the schema that it contains, or in the data of an event of such a file.
``app/validation_messages.py`` does the same for msgspec.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from app.protocol.did_you_mean import unknown_field
from app.protocol.event_files.problems import short
from app.protocol.event_type import EventProblem

MAX_REPORTED = 50
"""At most this many errors of one value are reported."""

_TYPES = {
    "string": "text", "boolean": "true or false", "integer": "a whole number", "number": "a number",
    "array": "a list", "object": "an object", "null": "null",
}  # fmt: skip
_FORMATS = {
    "uuid": "must be a UUID, like a1b2c3d4-e5f6-7890-abcd-ef1234567890",
    "date-time": "must be a time with a time zone, like 2024-01-15T10:30:00Z",
    "date": "must be a date, like 2024-01-15",
    "time": "must be a time of day, like 10:30:00Z",
    "username": "must be a user name: at most 64 characters, without control characters and slashes",
    "email": "must be an e-mail address",
    "uri": "must be a URI, like https://example.org/",
    "ipv4": "must be an IPv4 address, like 127.0.0.1",
    "ipv6": "must be an IPv6 address, like ::1",
    "regex": "must be a regular expression",
}


def event_problems(errors: Iterable[Any], known: Sequence[str] = ()) -> list[EventProblem]:
    """Return the errors of a validator as problems of a value. ``known`` are the names of its fields."""
    found: dict[EventProblem, None] = {}
    wrong_type: set[str] = set()
    for error in islice(errors, MAX_REPORTED):
        for problem in islice(_problems(error, known), MAX_REPORTED):
            if problem.path not in wrong_type:  # other errors of a value with a wrong type only repeat it
                found[problem] = None
            if error.kind.name == "type":
                wrong_type.add(problem.path)
    return list(found)


def path_text(steps: Iterable[str | int]) -> str:
    """Return a path like ``reactions[0].emoji``."""
    path = ""
    for step in steps:
        path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else step
    return path


def type_name(value: Any) -> str:
    """Return the type of a JSON value in words, such as "a list"."""
    kinds = {
        bool: "true or false",
        int: "a number",
        float: "a number",
        str: "text",
        list: "a list",
        dict: "an object",
    }
    return kinds.get(type(value), "null")


def json_text(value: Any) -> str:
    """Return a JSON value for an error message; texts without quotation marks."""
    return short(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def types_text(types: Sequence[str]) -> str:
    """Return types of JSON Schema in words: "text or null"."""
    return " or ".join(_TYPES.get(each, each) for each in types)


def _problems(error: Any, known: Sequence[str]) -> Iterator[EventProblem]:
    path, kind = error.instance_path, error.kind
    match kind.name:
        case "required":
            yield EventProblem(path_text([*path, kind.value]), "is missing")
        case "additionalProperties" | "unevaluatedProperties":
            for name in kind.value:
                yield EventProblem(path_text([*path, name]), unknown_field(name, () if path else known))
        case _:
            yield EventProblem(path_text(path), _sentence(kind, error.instance))


def _sentence(kind: Any, instance: Any) -> str:
    value = kind.value
    match kind.name:
        case "type":
            expected = types_text(value)
            actual = type_name(instance)
            same = actual == expected or (actual == "a number" and "number" in expected)  # "a whole number, not …"
            return f"must be {expected}" if same else f"must be {expected}, not {actual}"
        case "enum":
            return f"must be one of: {short(', '.join(map(json_text, value)), 200)}"
        case "const":
            return f"must be {json_text(value)}"
        case "format":
            return _FORMATS.get(value, f"must have the format {short(value)}")
        case "pattern":
            return f"must match the pattern {short(value, 100)}"
        case "anyOf" | "oneOf" if value and all(value):
            texts = dict.fromkeys(_sentence(each[0].kind, each[0].instance) for each in value)
            return f"fits none of the alternatives: {short('; '.join(texts), 200)}"
        case "not" if isinstance(value, dict) and value.keys() == {"not"}:  # see Validator._brief_validator
            return "fits none of the alternatives, or more than one"
        case "oneOf":
            return "fits more than one of the alternatives"
        case "minLength" | "minItems" | "minProperties" if value == 1:
            return "must not be empty"
    if template := _LIMITS.get(kind.name):
        return template.format(value)
    return f"does not fit {kind.name} of the schema"


_LIMITS = {
    "minLength": "must have at least {} characters",
    "maxLength": "must not be longer than {} characters",
    "minimum": "must be at least {}",
    "maximum": "must be at most {}",
    "exclusiveMinimum": "must be greater than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minItems": "must have at least {} entries",
    "maxItems": "must have at most {} entries",
    "minProperties": "must have at least {} fields",
    "maxProperties": "must have at most {} fields",
    "uniqueItems": "must not contain an entry twice",
    "contains": "lacks an entry that the schema requires",
    "falseSchema": "is not allowed",
    "not": "is not allowed in this form",
    "propertyNames": "has a field whose name is not allowed",
}
