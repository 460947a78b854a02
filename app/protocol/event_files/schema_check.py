"""Check the JSON Schema in an event file, which describes the event's data, and return what is wrong with it.
For example, it must be a valid schema of draft 2020-12, not recursive, and without remote references. Regular
expressions must be matchable in linear time. Keywords such as ``min_length`` are errors, because ``minLength`` is
meant; other unknown keywords are ignored. The size with references expanded and the cost per value (see
``schema_cost``) are limited, because they determine the time for validation.
"""

from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any, NamedTuple

import jsonschema_rs

from app.protocol.did_you_mean import suggestion
from app.protocol.event_files.pattern_size import MAX_PATTERN_BYTES, pattern_size
from app.protocol.event_files.problems import MAX_PROBLEMS, Wrong, inner_path, short
from app.protocol.event_files.references import resolve
from app.protocol.event_files.schema_cost import MAX_APPLIED, MAX_APPLIED_PATTERNS, Cost, highest_cost
from app.protocol.event_files.sentences import event_problems
from app.protocol.event_files.validator import DRAFT, Validator

MAX_SUBSCHEMAS = 2_000
"""More subschemas than this, with references expanded, are an error."""
MAX_PATTERNS_BYTES = 256 * 1024
"""The maximum size of all compiled patterns of a file."""

ONE = (
    "additionalProperties", "items", "contains", "not", "if", "then", "else", "propertyNames", "unevaluatedItems",
    "unevaluatedProperties",
)  # fmt: skip
"""The keywords whose value is a schema."""
MANY = ("allOf", "anyOf", "oneOf", "prefixItems")
"""The keywords whose value is a list of schemas."""
NAMED = ("properties", "patternProperties", "dependentSchemas")
"""The keywords whose value contains schemas by name."""
DEFINITIONS = ("$defs", "definitions")

_OTHER_KEYWORDS = (
    "contentEncoding", "contentMediaType", "contentSchema", "dependentRequired", "exclusiveMaximum",
    "exclusiveMinimum", "maxContains", "maxItems", "maxLength", "maxProperties", "minContains", "minItems",
    "minLength", "minProperties", "multipleOf", "readOnly", "uniqueItems", "writeOnly",
)  # fmt: skip
_BY_SPELLING = {each.lower(): each for each in (*ONE, *MANY, *NAMED, *_OTHER_KEYWORDS)}
"""The keywords that are written in another way easily, by their letters."""

_REFUSED = {
    "$id": "$id is not supported, because a schema must be complete in itself",
    "$anchor": 'anchors are not supported. Refer to a definition by its place: "#/$defs/name"',
    "$dynamicAnchor": "dynamic references are not supported",
    "$dynamicRef": "dynamic references are not supported",
    "$recursiveRef": "recursive references are not supported",
    "$vocabulary": "vocabularies are not supported",
}


@cache
def _meta_validator() -> Validator:
    return Validator({"$ref": DRAFT}, formats=False)  # patterns are checked by _keyword_errors


def schema_errors(schema: Any, path: str) -> list[Wrong]:
    """Return what is wrong with the schema at ``path`` of an event file; empty if it can be used."""
    if not isinstance(schema, dict):
        return [Wrong(path, "must be an object with a JSON Schema")]
    if wrong := [Wrong(_under(path, each.path), each.message) for each in _meta_validator().problems(schema)]:
        return wrong
    every = list(subschemas(schema, path))
    places = {id(each) for _, each in every}
    wrong_keywords = (wrong for where, each in every for wrong in _keyword_errors(schema, places, where, each))
    found = list(islice(wrong_keywords, MAX_PROBLEMS))
    found = found or _pattern_size_errors(schema, path)
    return found or _Size(schema, path).errors() or _cost_errors(schema, path) or _compile_errors(schema, path)


def cost(schema: dict[str, Any]) -> Cost:
    """Return how many schemas, and patterns of which size, apply to one value. The schema must be valid."""
    return highest_cost(schema, lambda ref: resolve(schema, ref))


class Fields(NamedTuple):
    """The fields of the data that a schema mentions. ``others``: it also describes additional fields."""

    names: list[str]
    others: bool


def fields_of(root: dict[str, Any]) -> Fields:
    """Return the fields of a valid schema, with those of its references, conditions and alternatives."""
    names: list[str] = []
    others = False
    pending: list[Any] = [root]
    while pending:
        schema = pending.pop(0)
        if not isinstance(schema, dict):
            continue
        names += [*schema.get("properties", ()), *schema.get("required", ())]
        others = others or "patternProperties" in schema or schema.get("additionalProperties", False) is not False
        if "$ref" in schema:
            pending.append(resolve(root, schema["$ref"]))
        pending += [each for key in ("allOf", "anyOf", "oneOf") for each in schema.get(key, ())]
        pending += [schema.get(key) for key in ("if", "then", "else")]
        pending += schema.get("dependentSchemas", {}).values()
    return Fields(list(dict.fromkeys(names)), others)


def subschemas(schema: Any, path: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield a schema and all schemas in it, with their paths. References are not followed."""
    pending = [(path, schema)]
    while pending:
        where, each = pending.pop()
        if isinstance(each, dict):
            yield where, each
            pending += reversed([*_children(where, each), *_definitions(where, each)])


def _children(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in ONE:
        if key in schema:
            yield inner_path(path, f".{key}"), schema[key]
    for key in MANY:
        yield from ((inner_path(path, f".{key}[{i}]"), each) for i, each in enumerate(schema.get(key, ())))
    for key in NAMED:
        yield from ((inner_path(path, f".{key}.{name}"), each) for name, each in schema.get(key, {}).items())


def _definitions(path: str, schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for key in DEFINITIONS:
        yield from ((inner_path(path, f".{key}.{name}"), each) for name, each in schema.get(key, {}).items())


def _keyword_errors(root: dict[str, Any], places: set[int], path: str, schema: dict[str, Any]) -> Iterator[Wrong]:
    """Yield what is wrong with the keywords of a schema. ``places``: the identities of all schemas in ``root``."""
    for key, reason in _REFUSED.items():
        if key in schema:
            yield Wrong(f"{path}.{key}", reason)
    for key in schema:
        if (meant := _BY_SPELLING.get(key.replace("_", "").replace("-", "").lower(), key)) != key:
            yield Wrong(f"{path}.{key}", f"is not a keyword of JSON Schema; did you mean {meant}?")
    yield from _required_errors(path, schema)
    if schema.get("$schema", DRAFT).rstrip("#") != DRAFT:
        yield Wrong(f"{path}.$schema", f"is not supported. Schemas are of draft 2020-12: {DRAFT}")
    if "$ref" in schema and (reason := _reference_error(root, places, schema["$ref"])):
        yield Wrong(f"{path}.$ref", reason)
    if "pattern" in schema and pattern_size(schema["pattern"]) is None:
        yield Wrong(f"{path}.pattern", _pattern_error(schema["pattern"]))
    for pattern in schema.get("patternProperties", ()):
        if pattern_size(pattern) is None:
            yield Wrong(f"{path}.patternProperties.{pattern}", _pattern_error(pattern))


def _required_errors(path: str, schema: dict[str, Any]) -> Iterator[Wrong]:
    """Yield the required fields that additionalProperties forbids: no data could ever be valid."""
    if schema.get("additionalProperties", True) is not False or "patternProperties" in schema:
        return
    known = list(schema.get("properties", ()))
    for number, name in enumerate(schema.get("required", ())):
        if name not in known:
            hint = suggestion(name, known)
            yield Wrong(f"{path}.required[{number}]", f"{short(name)} is not among the properties{hint or ''}")


def _pattern_error(pattern: str) -> str:
    limit = f"{MAX_PATTERN_BYTES // 1024} KiB"
    return (
        f"the pattern {short(pattern)} is not valid, is too large (at most {limit} once it is compiled; use"
        " maxLength instead of high repeat counts), or cannot be matched in linear time:"
        " lookarounds and back-references are not supported"
    )


def _reference_error(root: dict[str, Any], places: set[int], ref: str) -> str:
    if not ref.startswith("#"):
        return (
            f"the reference {short(ref)} is outside of this file. Only references such as #/$defs/name are allowed"
        )
    if ref != "#" and not ref.startswith("#/"):
        return f'the reference {short(ref)} is not a JSON Pointer. Write it like "#/$defs/name"'
    try:
        target = resolve(root, ref)
    except (LookupError, TypeError, ValueError):
        return f"the reference {short(ref)} points to nothing. It is relative to data"
    if isinstance(target, bool) or id(target) in places:  # an object elsewhere, as in "default", was not checked
        return ""
    return f"the reference {short(ref)} does not point to a schema"


class _Size:
    """Count the subschemas of a schema with its references expanded, and detect recursion."""

    def __init__(self, root: dict[str, Any], path: str) -> None:
        self._root = root
        self._path = path
        self._sizes: dict[int, int] = {}
        """The size of each counted schema, by identity."""
        self._open: set[int] = set()
        self._recursive = ""

    def errors(self) -> list[Wrong]:
        try:
            size = self._count(self._path, self._root)
        except RecursionError:
            return [Wrong(self._path, "its chain of references is too long")]
        if self._recursive:
            return [Wrong(self._recursive, "the schema refers to itself. Recursive schemas are not supported")]
        if size > MAX_SUBSCHEMAS:
            reason = f"has {_number(size)} schemas once its references are expanded"
            return [Wrong(self._path, f"{reason}; at most {MAX_SUBSCHEMAS:,} are allowed")]
        return []

    def _count(self, path: str, schema: Any) -> int:
        if not isinstance(schema, dict) or self._recursive:
            return 1
        if id(schema) in self._sizes:
            return self._sizes[id(schema)]
        if id(schema) in self._open:
            self._recursive = path
            return 1
        self._open.add(id(schema))
        size = 1 + sum(self._count(where, each) for where, each in _children(path, schema))
        if "$ref" in schema:
            size += self._count(inner_path(path, ".$ref"), resolve(self._root, schema["$ref"]))
        size = max([size, *(self._count(where, each) for where, each in _definitions(path, schema))])
        self._open.discard(id(schema))
        self._sizes[id(schema)] = size
        return size


def _pattern_size_errors(root: dict[str, Any], path: str) -> list[Wrong]:
    total = 0
    for where, schema in subschemas(root, path):
        for pattern in [
            *schema.get("patternProperties", ()),
            *([schema["pattern"]] if "pattern" in schema else []),
        ]:
            total += pattern_size(pattern) or 0
            if total > MAX_PATTERNS_BYTES:
                reason = f"has patterns that take more than {MAX_PATTERNS_BYTES // 1024} KiB once they are compiled"
                return [Wrong(path, f"{reason}, up to {short(where)}. Use fewer patterns or lower repeat counts")]
    return []


def _cost_errors(root: dict[str, Any], path: str) -> list[Wrong]:
    try:
        found = cost(root)
    except RecursionError:
        return [Wrong(path, "its chain of references is too long")]
    if found.schemas > MAX_APPLIED:
        reason = f"applies the equivalent of {_number(found.schemas)} simple schemas to one value"
        return [Wrong(path, f"{reason}; at most {MAX_APPLIED:,} are allowed. Use fewer alternatives")]
    if found.patterns > MAX_APPLIED_PATTERNS:
        reason = f"applies patterns to one value that take more than {MAX_APPLIED_PATTERNS // 1024} KiB"
        return [Wrong(path, f"{reason} once they are compiled. Use fewer patterns or lower repeat counts")]
    return []


def _number(size: int) -> str:
    return f"{size:,}" if size < 1_000_000 else "over a million"


def _compile_errors(schema: dict[str, Any], path: str) -> list[Wrong]:
    try:
        Validator(schema)
    except jsonschema_rs.ValidationError as error:
        found = event_problems([error])
        return [Wrong(_under(path, found[0].path), found[0].message)]
    return []


def _under(path: str, inner: str) -> str:
    return f"{path}.{inner}" if inner and not inner.startswith("[") else f"{path}{inner}"
