"""Find what the schema of a known event in a document adds to the schema of the built-in event. Documents describe
whole events, but an event file that extends a built-in event has to contain only what it adds.
"""

from typing import Any

from app.protocol.contract_documents.schema_parts import portable_pattern
from app.protocol.event_files.references import resolved

_DEPENDENT = frozenset(
    {"additionalProperties", "patternProperties", "unevaluatedProperties", "prefixItems", "unevaluatedItems"}
)
"""Keywords whose meaning depends on others beside them, such as ``properties`` or ``items``."""
_CONTAINERS = {"properties", "patternProperties", "items", "prefixItems"}


def additions(schema: dict[str, Any], built_in: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an extension: what the schema of an event requires beyond that of the built-in event.

    Definitions (``$defs``) that are not used any more are left out.
    """
    known = _Known(schema, built_in)
    added = known.beyond({key: value for key, value in schema.items() if key != "properties"}, built_in)
    fields = known.fields(schema.get("properties", {}), built_in["properties"])
    added = {"type": "object", **added, **({"properties": fields} if fields else {})}
    definitions = schema.get("$defs", {})
    used: set[str] = set()
    pending = [{key: value for key, value in added.items() if key != "$defs"}]
    while pending:
        names = {each for each in _references(pending.pop()) if each in definitions} - used
        used |= names
        pending += [definitions[each] for each in names]
    added.pop("$defs", None)
    return {**added, "$defs": {key: value for key, value in definitions.items() if key in used}} if used else added


class _Known:
    """Compares parts of a document's schema with parts of the built-in schema, which is never recursive."""

    def __init__(self, root: dict[str, Any], built_in: dict[str, Any]) -> None:
        self._root = root
        self._built_in = built_in

    def beyond(self, schema: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
        """Return what a schema requires beyond another one; an empty schema if nothing."""
        base = resolved(self._built_in, base)
        if "$ref" in schema:
            return {} if self._same(schema, base) else schema
        if self._has_all(base, schema):
            return {}
        rest = {}
        for key, value in schema.items():
            if (left := self._left(key, value, base, schema.keys().isdisjoint(_DEPENDENT))) is not None:
                rest[key] = left
        parts = [self.beyond(each, base) if isinstance(each, dict) else each for each in rest.pop("allOf", ())]
        parts = [each for each in parts if each != {} and each is not True]
        if len(parts) == 1 and isinstance(parts[0], dict) and _fit(rest, parts[0]):
            return {**rest, **parts[0]}
        return {**rest, "allOf": parts} if parts else rest

    def fields(self, properties: dict[str, Any], base: dict[str, Any]) -> dict[str, Any]:
        """Return the properties that are not those of the built-in event, or require more."""
        found = {}
        for name, value in properties.items():
            if isinstance(value, dict) and name in base:
                value = self.beyond(value, base[name])
            if name not in base or value not in ({}, True):
                found[name] = value
        return found

    def _left(self, key: str, value: Any, base: dict[str, Any], is_independent: bool) -> Any:
        """Return the value of a keyword that a schema keeps, or None if the other one requires the same."""
        before = base.get(key)
        if key == "properties" and isinstance(before, dict) and is_independent:
            return self.fields(value, before) or None
        if key == "items" and isinstance(before, dict) and isinstance(value, dict) and is_independent:
            return self.beyond(value, before) or None
        if key == "required" and before:
            return [each for each in value if each not in before] or None
        keeps = key in _DEPENDENT or key in ("properties", "items") or key not in base
        return value if keeps or not self._same(value, before, key) else None

    def _has_all(self, base: dict[str, Any], schema: dict[str, Any]) -> bool:
        """Return whether the built-in schema has all keywords of a schema, with the same meaning."""
        if not schema.keys().isdisjoint(_DEPENDENT) and not base.keys() & _CONTAINERS <= schema.keys():
            return False
        return all(key in base and self._same(value, base[key], key) for key, value in schema.items())

    def _same(self, one: Any, base: Any, key: str = "") -> bool:
        """Return whether a part of the document equals a part of the built-in schema. References are followed."""
        if isinstance(base, dict) and isinstance(one, dict):
            base = resolved(self._built_in, base) if "$ref" in base else base
            one = resolved(self._root, one) if "$ref" in one else one
            return one.keys() == base.keys() and all(self._same(one[each], base[each], each) for each in base)
        if isinstance(base, list) and isinstance(one, list):
            return len(one) == len(base) and all(map(self._same, one, base))
        if key == "pattern" and isinstance(one, str) and isinstance(base, str):
            return portable_pattern(one) == portable_pattern(base)
        return type(one) is type(base) and bool(one == base)


def _fit(one: dict[str, Any], other: dict[str, Any]) -> bool:
    """Return whether the keywords of two schemas can be in one schema, which is their only difference then."""
    if one.keys() <= other.keys():
        return all(other[key] == value for key, value in one.items())
    return (
        all(other[key] == value for key, value in one.items() if key in other)
        and "$ref" not in other
        and (one.keys() | other.keys()).isdisjoint(_DEPENDENT)
    )


def _references(schema: Any) -> set[str]:
    """Return the names of the definitions that a schema refers to."""
    prefix = "#/$defs/"
    if isinstance(schema, dict):
        found: set[str] = set().union(*map(_references, schema.values()))
        reference = schema.get("$ref")
        if isinstance(reference, str) and reference.startswith(prefix):
            found.add(reference.removeprefix(prefix))
        return found
    return set().union(*map(_references, schema)) if isinstance(schema, list) else set()
