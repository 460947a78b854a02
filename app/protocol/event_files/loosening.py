"""Find parts of an extension that loosen or contradict the built-in event that it extends.

An extension is an event file that adds to a built-in event. Data must satisfy both schemas, so a looser part would
have no effect; it is an error of the file. Types, choices, limits, formats and fields are compared, at any depth;
other keywords are not. Definitions (``$defs``) with the name of a built-in one are errors too.
"""

from collections.abc import Iterator
from typing import Any

from app.protocol.event_files.problems import Wrong
from app.protocol.event_files.references import LOWER_LIMITS, UPPER_LIMITS, resolved
from app.protocol.event_files.sentences import json_text, types_text


def loosenings(base: dict[str, Any], data: dict[str, Any], path: str) -> list[Wrong]:
    """Return where the schema ``data`` of an extension at ``path`` is looser than the schema of the event."""
    found = list(_looser(base, base, data, data, path))
    for name in data.get("$defs", {}):
        if name in base.get("$defs", {}):
            found.append(Wrong(f"{path}.$defs.{name}", "the built-in event has a definition with this name"))
    return found


def _looser(base_root: dict[str, Any], base: Any, root: dict[str, Any], data: Any, path: str) -> Iterator[Wrong]:
    base, data = resolved(base_root, base), resolved(root, data)
    if {"type"} <= base.keys() & data.keys():
        yield from _looser_type(_types(base["type"]), _types(data["type"]), f"{path}.type")
    if (choices := _choices(base)) and (more := [each for each in _choices(data) if each not in choices]):
        texts = ", ".join(map(json_text, more))
        yield Wrong(f"{path}.{'enum' if 'enum' in data else 'const'}", f"the built-in event does not allow {texts}")
    for key in (*LOWER_LIMITS, *UPPER_LIMITS):
        if key not in base or key not in data:
            continue
        if data[key] < base[key] if key in LOWER_LIMITS else data[key] > base[key]:
            yield Wrong(f"{path}.{key}", f"the built-in event requires {base[key]}, so {data[key]} is looser")
    if "format" in base and data.get("format", base["format"]) != base["format"]:
        yield Wrong(f"{path}.format", f"the built-in event requires the format {base['format']}")
    required = base.get("required", ())
    for name, value in data.get("properties", {}).items():
        if name in base.get("properties", {}):
            where = f"{path}.properties.{name}"
            if value is False and name in required:
                yield Wrong(where, "the built-in event requires this field, so it cannot be forbidden")
            yield from _looser(base_root, base["properties"][name], root, value, where)
    if data.get("additionalProperties") not in (None, False) and "properties" in base:
        yield Wrong(f"{path}.additionalProperties", "the built-in event does not allow fields that are not listed")
    if isinstance(base.get("items"), dict) and "items" in data:
        yield from _looser(base_root, base["items"], root, data["items"], f"{path}.items")


def _looser_type(base: set[str], own: set[str], path: str) -> Iterator[Wrong]:
    allowed = base | ({"integer"} if "number" in base else set())
    if own - allowed:
        yield Wrong(
            path,
            f"the built-in event allows only {types_text(sorted(base))}, so {types_text(sorted(own))} is looser",
        )


def _types(value: Any) -> set[str]:
    return {value} if isinstance(value, str) else set(value)


def _choices(schema: dict[str, Any]) -> list[Any]:
    return [schema["const"]] if "const" in schema else schema.get("enum", [])
