"""Estimate how long validation with a schema takes: the number of schemas, and the size of patterns, per value.

The time for a frame grows with this number times the number of values in the frame. The size of a frame is limited,
so limiting the number for each event file limits the time, during which no other event is handled.
"""

from collections.abc import Callable, Iterable
from itertools import zip_longest
from typing import Any, NamedTuple

from app.protocol.event_files.pattern_size import pattern_size

MAX_APPLIED = 1_000
"""The maximum cost of the schemas that apply to one value, for example of the alternatives of an ``anyOf``."""
MAX_APPLIED_PATTERNS = 32 * 1024
"""The maximum size of the compiled patterns that apply to one value, in bytes. Small patterns do not count."""
_SMALL_PATTERN = 4096
_FIELDS = 8
"""The cost of looking up the fields of an object, in simple schemas."""
_CONSTANTS_PER_SCHEMA = 4
"""Number of constants whose comparison costs as much as a simple schema."""
_IN_PLACE = ("not", "if", "then", "else")
_CHILDREN = (
    "items", "contains", "additionalProperties", "propertyNames", "unevaluatedItems", "unevaluatedProperties",
)  # fmt: skip


class Cost(NamedTuple):
    """What applies to one value: the number of schemas, and the size of the compiled patterns in bytes.

    A schema that only names a type counts as 1, others as more. A value has at most ``schemas`` errors.
    """

    schemas: int = 0
    patterns: int = 0


_Levels = list[Cost]
"""The cost for a value, for its children, for their children, and so on."""
_FREE = Cost()


def highest_cost(schema: dict[str, Any], resolve: Callable[[str], Any]) -> Cost:
    """Return the highest number of schemas, and the highest size of patterns, that apply to one value.

    ``schema`` must not be recursive. ``resolve`` returns the schema that a ``$ref`` points to.
    """
    levels = _Costs(resolve).levels(schema)
    return Cost(max(each.schemas for each in levels), max(each.patterns for each in levels))


class _Costs:
    def __init__(self, resolve: Callable[[str], Any]) -> None:
        self._resolve = resolve
        self._known: dict[int, _Levels] = {}
        """By the identity of a schema."""

    def levels(self, schema: Any) -> _Levels:
        if not isinstance(schema, dict):
            return [Cost(1)]
        if id(schema) not in self._known:
            self._known[id(schema)] = self._count(schema)
        return self._known[id(schema)]

    def _count(self, schema: dict[str, Any]) -> _Levels:
        here = [schema[key] for key in _IN_PLACE if key in schema]
        for key in ("allOf", "anyOf", "oneOf"):
            here += schema.get(key, ())
        here += schema.get("dependentSchemas", {}).values()
        if "$ref" in schema:
            here.append(self._resolve(schema["$ref"]))
        fields = _highest(map(self.levels, schema.get("properties", {}).values()))
        entries = _highest(map(self.levels, schema.get("prefixItems", ())))
        named = map(self.levels, schema.get("patternProperties", {}).values())
        others = (self.levels(schema[key]) for key in _CHILDREN if key in schema)
        below = _sum([fields, entries, *named, *others])
        found = _sum([[_own_cost(schema), *below], *map(self.levels, here)])
        if "unevaluatedProperties" in schema or "unevaluatedItems" in schema:  # the schemas are applied once more
            found = _sum([found, found])
        return found


def _own_cost(schema: dict[str, Any]) -> Cost:
    names = len(schema.get("required", ())) + sum(map(len, schema.get("dependentRequired", {}).values()))
    patterns = [*schema.get("patternProperties", ()), *([schema["pattern"]] if "pattern" in schema else [])]
    sizes = [size for each in patterns if (size := pattern_size(each) or 0) > _SMALL_PATTERN]
    fields = _FIELDS if "properties" in schema or "patternProperties" in schema else 0
    return Cost(1 + names + fields + len(schema.get("enum", ())) // _CONSTANTS_PER_SCHEMA, sum(sizes))


def _sum(all_levels: Iterable[_Levels]) -> _Levels:
    return [
        Cost(sum(each.schemas for each in level), sum(each.patterns for each in level))
        for level in zip_longest(*all_levels, fillvalue=_FREE)
    ]


def _highest(all_levels: Iterable[_Levels]) -> _Levels:
    return [
        Cost(max(each.schemas for each in level), max(each.patterns for each in level))
        for level in zip_longest(*all_levels, fillvalue=_FREE)
    ]
