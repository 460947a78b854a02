"""Follow local references (``$ref``) in the JSON Schema of an event file. Data must satisfy the schema that a
reference points to and the keywords beside the reference, so the two are combined to one schema.
"""

from typing import Any
from urllib.parse import unquote

from app.protocol.contract_documents.schema_parts import portable_pattern

LOWER_LIMITS = ("minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties")
UPPER_LIMITS = ("maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties")
_DESCRIBING = frozenset(
    {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "$comment", "$schema",
     "$defs", "definitions"}
)  # fmt: skip
"""Keywords that do not restrict values. Those beside a reference replace those of its schema."""
_COMBINED = frozenset({"type", "enum", "properties", "required", "items", *LOWER_LIMITS, *UPPER_LIMITS})
"""Keywords that ``combined`` can combine."""
_DEPENDENT = (
    ({"additionalProperties", "patternProperties"}, {"properties"}),
    ({"prefixItems"}, {"items"}),
    ({"contains", "minContains", "maxContains"}, set[str]()),
    ({"if", "then", "else"}, set[str]()),
)
"""Keywords whose meaning depends on others in the same schema, and keywords that only the former depend on."""
_UNEVALUATED = {"unevaluatedProperties", "unevaluatedItems"}
"""Keywords whose meaning depends on all others in the same schema."""


def resolve(root: dict[str, Any], ref: str) -> Any:
    """Return what a local reference (``#/$defs/name``) points to. Raises ``LookupError``."""
    value: Any = root
    for step in ref.removeprefix("#").split("/")[1:]:
        name = unquote(step).replace("~1", "/").replace("~0", "~")
        value = value[int(name)] if isinstance(value, list) and name.isdecimal() else value[name]
    return value


def resolved(root: dict[str, Any], schema: Any) -> dict[str, Any]:
    """Return a schema with its ``$ref`` replaced by what it points to, combined with the keywords beside it."""
    return resolved_part(root, schema) or {}


def resolved_part(root: dict[str, Any], schema: Any) -> Any:
    """Return the same for a part of a schema, for example a field. It is False if the schema allows no value."""
    beside: list[dict[str, Any]] = []
    while isinstance(schema, dict) and "$ref" in schema:
        beside.append({key: value for key, value in schema.items() if key != "$ref"})
        schema = resolve(root, schema["$ref"])
    if schema is False:
        return False
    found = schema if isinstance(schema, dict) else {}
    for each in reversed(beside):
        if each.keys() & _UNEVALUATED:  # they depend on the schema of the reference, too
            found = {**each, "allOf": [*each.get("allOf", ()), found]}
        else:
            found = combined(root, found, each)
    return found


def combined(root: dict[str, Any], one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Return one schema for values that satisfy two. Titles and other descriptions are those of ``other``, if any.

    The result has the fields of both, so that callers find them. If other keywords cannot be combined, the two
    schemas are in its ``allOf``; its ``format`` stays outside too, because templates and forms depend on it.
    """
    found = {**one, **other}
    if both := one.keys() & other.keys():
        found |= {key: max(one[key], other[key]) for key in LOWER_LIMITS if key in both}
        found |= {key: min(one[key], other[key]) for key in UPPER_LIMITS if key in both}
        if "type" in both:
            found["type"] = _common_types(one["type"], other["type"]) or other["type"]
        if "enum" in both:
            found["enum"] = [each for each in one["enum"] if each in other["enum"]] or other["enum"]
        if "required" in both:
            found["required"] = list(dict.fromkeys([*one["required"], *other["required"]]))
        if "items" in both:
            found["items"] = combined_part(root, one["items"], other["items"])
        if "properties" in both:
            found["properties"] = dict(one["properties"])
            for name, value in other["properties"].items():
                before = one["properties"].get(name, True)
                found["properties"][name] = combined_part(root, before, value)
    if not _can_be_combined(one, other):
        kept = (_COMBINED | _DESCRIBING | {"format"}) - {"items"}
        if one.get("format", found.get("format")) != found.get("format"):
            kept -= {"format"}
        found = {key: value for key, value in found.items() if key in kept}
        found["allOf"] = [
            {key: value for key, value in each.items() if key not in _DESCRIBING} for each in (one, other)
        ]
    return found


def combined_part(root: dict[str, Any], one: Any, other: Any) -> Any:
    """Return ``combined`` for two parts of schemas, for example of a field. It is False if one allows no value."""
    one, other = resolved_part(root, one), resolved_part(root, other)
    if one is False or other is False:
        return False
    return other if one == other else combined(root, one, other)


def _can_be_combined(one: dict[str, Any], other: dict[str, Any]) -> bool:
    both = one.keys() & other.keys()
    if (one.keys() | other.keys()) & _UNEVALUATED:
        return not (one.keys() - _DESCRIBING and other.keys() - _DESCRIBING)
    if any(_restriction(key, one) != _restriction(key, other) for key in both - _COMBINED - _DESCRIBING):
        return False
    if "type" in both and not _common_types(one["type"], other["type"]):
        return False
    return not any(
        (one.keys() & keys and other.keys() & (keys | neighbours))
        or (other.keys() & keys and one.keys() & (keys | neighbours))
        for keys, neighbours in _DEPENDENT
    )


def _restriction(key: str, schema: dict[str, Any]) -> Any:
    return portable_pattern(schema[key]) if key == "pattern" else schema[key]


def _common_types(one: str | list[str], other: str | list[str]) -> str | list[str]:
    ones, others = ([each] if isinstance(each, str) else each for each in (one, other))
    common = [each for each in ones if each in others or (each == "integer" and "number" in others)]
    if "number" in ones and "integer" in others and "number" not in common and "integer" not in common:
        common.append("integer")
    return common[0] if len(common) == 1 else common
