"""Convert the schema of an event's data in an AsyncAPI document to a self-contained one: JSON Schema 2020-12 with
its own ``$defs``.

AsyncAPI's schemas are a superset of draft 7. Event files cannot have recursive schemas: where a schema refers back
to itself, any value is allowed.
"""

import re
from collections.abc import Collection
from typing import Any

from app.protocol.asyncapi_import.document import Document, InvalidAsyncApi
from app.protocol.contract_documents.schema_parts import LISTS, MAPS, SINGLE, portable_pattern
from app.protocol.event_files.problems import short

MAX_DEPTH = 64
_DROPPED = frozenset(
    {"discriminator", "externalDocs", "xml", "nullable", "example", "$schema", "$id", "$anchor", "id",
     "definitions", "$defs", "additionalItems", "dependencies"}
)  # fmt: skip
_RAW = frozenset({"const", "enum", "default", "examples", "required", "type"})
_NAME = re.compile(r"[^\w.-]+", re.ASCII)


class SchemaBundle:
    """A schema with the definitions that it refers to."""

    def __init__(self, document: Document, reserved: Collection[str] = ()) -> None:
        """``reserved`` are names that no definition gets."""
        self._document = document
        self._reserved = reserved
        self._names: dict[str, str] = {}
        """The names of definitions by reference."""
        self._open: set[str] = set()
        """References whose schemas are being converted."""
        self._definitions: dict[str, Any] = {}
        self.recursive: list[str] = []
        """The definitions that refer back to themselves."""

    def convert(self, schema: Any, place: str) -> dict[str, Any]:
        """Return the schema of an object at ``place``, with ``$defs``. Raises ``InvalidAsyncApi``."""
        node, reference = self._document.follow(schema, place)
        if reference.startswith("#"):
            self._open.add(reference)
        converted = self._schema(node, place, 0)
        if not isinstance(converted, dict):
            converted = {}
        converted.setdefault("type", "object")
        return {**converted, "$defs": self._definitions} if self._definitions else converted

    def _schema(self, schema: Any, place: str, depth: int) -> Any:
        self._document.count_step()
        if isinstance(schema, bool):
            return schema
        if not isinstance(schema, dict):
            raise InvalidAsyncApi(f"{short(place)} must be a schema: an object, true or false.")
        if depth > MAX_DEPTH:
            raise InvalidAsyncApi(f"{short(place)} is nested too deeply.")
        found: dict[str, Any] = {}
        for keyword, value in schema.items():
            inner = f"{place}.{keyword}"
            if keyword == "$ref" and isinstance(value, str):
                found |= self._reference(value, place, depth)
            elif keyword in _DROPPED or keyword.startswith("x-"):
                continue
            elif keyword == "pattern" and isinstance(value, str):
                found[keyword] = portable_pattern(value)  # documents of former versions have lookaheads
            elif keyword in _RAW:
                found[keyword] = value
            elif keyword == "items" and isinstance(value, list):
                found["prefixItems"] = [self._schema(each, inner, depth + 1) for each in value]
                if "additionalItems" in schema:
                    found["items"] = self._schema(schema["additionalItems"], inner, depth + 1)
            elif keyword in SINGLE:
                found[keyword] = self._schema(value, inner, depth + 1)
            elif keyword in LISTS and isinstance(value, list):
                found[keyword] = [self._schema(each, inner, depth + 1) for each in value]
            elif keyword in MAPS and isinstance(value, dict):
                found[keyword] = {key: self._schema(each, inner, depth + 1) for key, each in value.items()}
            else:
                found[keyword] = value
        return self._newer(schema, found, place, depth)

    def _newer(self, schema: dict[str, Any], found: dict[str, Any], place: str, depth: int) -> dict[str, Any]:
        """Replace keywords of older drafts and of OpenAPI."""
        if schema.get("nullable") is True and isinstance(kind := found.get("type"), str):
            found["type"] = [kind, "null"]
        if "example" in schema:
            found.setdefault("examples", [schema["example"]])
        for keyword, limit in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
            if isinstance(exclusive := found.get(keyword), bool):
                del found[keyword]
                if exclusive and limit in found:
                    found[keyword] = found.pop(limit)
        dependencies = schema.get("dependencies")
        for name, each in dependencies.items() if isinstance(dependencies, dict) else ():
            if isinstance(each, list):
                found.setdefault("dependentRequired", {})[name] = each
            else:
                found.setdefault("dependentSchemas", {})[name] = self._schema(each, place, depth + 1)
        return found

    def _reference(self, reference: str, place: str, depth: int) -> dict[str, Any]:
        if reference in self._open:
            name = reference.rpartition("/")[2] or "the document"
            if name not in self.recursive:
                self.recursive.append(name)
            return {"description": f"A {name} again: any value is allowed here"}
        if reference not in self._names:
            target = self._document.target(reference, place)
            self._names[reference] = name = self._name(reference)
            self._definitions[name] = {}  # reserves the place
            self._open.add(reference)
            self._definitions[name] = self._schema(target, reference, depth + 1)
            self._open.discard(reference)
        return {"$ref": f"#/$defs/{self._names[reference]}"}

    def _name(self, reference: str) -> str:
        name = _NAME.sub("_", reference.rpartition("/")[2]) or "definition"
        candidate, number = name, 1
        while candidate in self._definitions or candidate in self._reserved:
            number += 1
            candidate = f"{name}_{number}"
        return candidate
