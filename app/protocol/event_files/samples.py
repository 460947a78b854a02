"""Make an example value for a JSON Schema, such as the sample data of an event that a file defines.
It is a value from the schema (constant, example, default, first value of an enum), or else the simplest value, with
only the required fields. It may not satisfy the schema, for example a pattern.
"""

import math
from collections.abc import Sequence
from typing import Any

from app.protocol.event_files.references import resolved

MAX_DEPTH = 8
"""Objects that are nested deeper are left empty."""

_BY_FORMAT = {
    "uuid": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "date-time": "2024-01-15T10:30:00Z", "date": "2024-01-15",
    "time": "10:30:00Z", "username": "alice", "email": "alice@example.org", "uri": "https://example.org/",
    "ipv4": "127.0.0.1", "ipv6": "::1",
}  # fmt: skip


def sample_data(schema: dict[str, Any], examples: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return sample data: the first example, or the required fields with values that are made from the schema."""
    if examples:
        return examples[0]
    fields = schema["properties"]
    return {name: sample_value(schema, fields.get(name, {}), name) for name in schema["required"]}


def sample_value(root: dict[str, Any], schema: Any, name: str, depth: int = 0) -> Any:
    """Return an example for a schema in the schema ``root``: one that it contains, or the simplest value.

    Not every schema can be satisfied that way: a text that must match a pattern needs ``examples``.
    """
    schema = resolved(root, schema)
    if "const" in schema:
        return schema["const"]
    choices = schema.get("enum")
    for each in (*schema.get("examples", ()), *([schema["default"]] if "default" in schema else ())):
        if choices is None or each in choices:
            return each
    if choices:
        return choices[0]
    for key in ("oneOf", "anyOf", "allOf"):
        if key in schema and "type" not in schema:
            return sample_value(root, schema[key][0], name, depth + 1) if depth < MAX_DEPTH else {}
    kind = schema.get("type", "object" if "properties" in schema else "string")
    return _simplest(root, schema, kind if isinstance(kind, str) else kind[0], name, depth)


def _simplest(root: dict[str, Any], schema: dict[str, Any], kind: str, name: str, depth: int) -> Any:
    match kind:
        case "object":
            fields = schema.get("properties", {})
            required = schema.get("required", ()) if depth < MAX_DEPTH else ()
            return {each: sample_value(root, fields.get(each, {}), each, depth + 1) for each in required}
        case "array":
            count = min(int(schema.get("minItems", 0)), 3) if depth < MAX_DEPTH else 0
            return [sample_value(root, schema.get("items", {}), name, depth + 1) for _ in range(count)]
        case "boolean":
            return True
        case "integer" | "number":
            return _number(schema, kind)
        case "null":
            return None
    text = _BY_FORMAT.get(schema.get("format", ""), name).ljust(min(int(schema.get("minLength", 0)), 1_000), "x")
    return text[: int(schema.get("maxLength", len(text)))]


def _number(schema: dict[str, Any], kind: str) -> Any:
    step = schema.get("multipleOf", 1)
    if "minimum" in schema:
        number = schema["minimum"]
    elif "exclusiveMinimum" in schema:
        number = schema["exclusiveMinimum"] + step
    else:
        number = min(step, schema.get("maximum", schema.get("exclusiveMaximum", step + 1) - step))
    return math.ceil(number) if kind == "integer" else number
