"""Build the text of a TypeScript module that compares the UI's types with the contract: one assertion per line.

The compiler reports an error for each line whose assertion does not hold, and the error quotes what the UI's types
say there. ``drift_result`` turns these errors into differences of events and fields.
"""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct

from app.protocol.contract import Direction
from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys
from app.protocol.contract_documents.drift_types import HELPERS, RESERVED
from app.protocol.contract_documents.schema_parts import ANNOTATIONS, referenced
from app.protocol.contract_documents.typescript_types import TypeScriptTypes
from app.protocol.contract_documents.typescript_words import string_literal

MAX_DEPTH = 12
"""Objects that are nested deeper are compared as a whole."""

UI_TYPES = {Direction.TO_UI: "UiEvent", Direction.FROM_UI: "UiClientEvent"}


class Aspect(StrEnum):
    """What an assertion compares."""

    IMPORT = "import"
    CANARY = "canary"
    """An assertion that never holds. Without its error, the compiler has not compared types."""
    KEY = "key"
    """No type of the union has the key with the name of the event."""
    NAME = "name"
    """The name of an event is any text, or ``any``, instead of a literal."""
    EXTRA_EVENT = "extra event"
    EVENT = "event"
    PRESENCE = "presence"
    KIND = "kind"
    NULLABLE = "nullable"
    TYPE = "type"
    EXTRA_FIELD = "extra field"


class Assertion(Struct, frozen=True, kw_only=True):
    """A line of the module. ``contract`` is what the contract says.

    ``needs`` are the lines of assertions that must hold for this one to be meaningful: for the items of a list, the
    assertion that it is a list.
    """

    line: int
    aspect: Aspect
    direction: Direction
    event: str = ""
    path: str = ""
    contract: str = ""
    needs: tuple[int, ...] = ()


class Check(Struct, frozen=True):
    """A module and its assertions. ``keys`` are the names of the keys of a frame."""

    text: str
    assertions: tuple[Assertion, ...]
    keys: EnvelopeKeys


class _Place(Struct, frozen=True, kw_only=True):
    """A type in the UI, and where it is in an event."""

    direction: Direction
    event: str
    path: str
    type: str
    needs: tuple[int, ...]


class DriftCheck:
    """Builds the module."""

    def __init__(self, module: str, names: dict[Direction, str], keys: EnvelopeKeys) -> None:
        """``module`` is what the UI's types are imported from; ``names`` are the unions that it exports."""
        self._names = names
        self._keys = keys
        self._types = TypeScriptTypes(RESERVED, comments=False)
        self._lines: list[str] = []
        self._assertions: list[Assertion] = []
        self._aliases = 0
        for direction, name in names.items():
            self._note(Aspect.IMPORT, direction, contract=name)
            alias = name if name == UI_TYPES[direction] else f"{name} as {UI_TYPES[direction]}"
            self._lines.append(f"import type {{ {alias} }} from {string_literal(module)};")
        self._lines.append(f"type EventKey = {string_literal(keys.event)};")
        self._lines += HELPERS.splitlines()
        self._assert(Aspect.CANARY, "Same<1, 2>", "[1]", Direction.TO_UI)

    def build(self, events: Sequence[DescribedEvent]) -> Check:
        """Return the module that compares all events of the directions whose union is checked."""
        for direction in self._names:
            chosen = [each for each in events if each.direction is direction]
            names = self._events(direction, [each.name for each in chosen])
            for each in chosen:
                self._event(each, names)
        text = "\n".join([*self._lines, *self._types.declarations, "export {};"]) + "\n"
        return Check(text, tuple(self._assertions), self._keys)

    def _events(self, direction: Direction, names: list[str]) -> tuple[int, ...]:
        """Compare the names of the events. Return the lines that all assertions about an event need."""
        ui = UI_TYPES[direction]
        known = " | ".join(map(string_literal, names)) or "never"
        key = self._assert(Aspect.KEY, f"HasKey<{ui}>", f"[Known<{ui}>]", direction, ui=ui)
        line = self._assert(
            Aspect.NAME,
            f"IsAny<Names<{ui}>> extends true ? never : string extends Names<{ui}> ? never : unknown",
            f"[Names<{ui}>]", direction, needs=(key,), ui=f"Names<{ui}>",
        )  # fmt: skip
        extra = f"Exclude<Names<{ui}>, {known}>"
        self._assert(Aspect.EXTRA_EVENT, f"None<{extra}>", f"[{extra}]", direction, needs=(key, line))
        return key, line

    def _event(self, event: DescribedEvent, names: tuple[int, ...]) -> None:
        ui, name = UI_TYPES[event.direction], string_literal(event.name)
        known = self._assert(
            Aspect.EVENT, f"HasName<{ui}, {name}>", "[1]", event.direction, event.name, needs=names
        )
        whole = _Place(
            direction=event.direction, event=event.name, path="", needs=(*names, known),
            type=self._alias(f"Named<{ui}, {name}>"),
        )  # fmt: skip
        data, keys = string_literal(self._keys.data), (self._keys.event, self._keys.data)
        self._extra_fields(whole, keys)
        present = self._presence(whole, self._keys.data, required=True, path="")
        inner = _Place(
            direction=event.direction, event=event.name, path="", needs=(*names, known, present),
            type=self._alias(f"Field<{whole.type}, {data}>"),
        )  # fmt: skip
        self._compare(inner, event.schema, event.schema, 0)

    def _compare(self, place: _Place, schema: Any, root: Any, depth: int) -> None:
        """Add the assertions about a type and what is within it."""
        target = referenced(schema, root)
        inner, nullable = _without_null(target, root)
        inner = referenced(inner, root)
        is_object, is_list = _is_plain_object(inner), _is_plain_list(inner)
        if depth >= MAX_DEPTH or not (is_object or is_list):
            text = self._types.text(schema, root)
            self._assert_at(place, Aspect.TYPE, f"Same<{place.type}, {text}>", f"[Shown<{place.type}>]", text)
            return
        says = "nullable" if nullable else "not nullable"
        actual = f"Nullable<{place.type}>"
        fits = f'{actual} extends "unclear" | {string_literal(says)} ? unknown : never'
        self._assert_at(place, Aspect.NULLABLE, fits, f"[{actual}]", says)
        kind = "AnObject" if is_object else "AList"
        bare = self._alias(f"Exclude<{place.type}, null>")
        text = self._types.text(inner, root)
        line = self._assert_at(place, Aspect.KIND, f"{kind}<{bare}>", f"[{bare}]", text)
        within = _Place(
            direction=place.direction, event=place.event, path=place.path, type=bare, needs=(*place.needs, line)
        )
        if is_object:
            self._fields(within, inner, root, depth)
            return
        items = _Place(
            direction=place.direction, event=place.event, path=f"{place.path}[]", type=self._alias(f"Item<{bare}>"),
            needs=within.needs,
        )  # fmt: skip
        self._compare(items, inner.get("items", True), root, depth + 1)

    def _fields(self, place: _Place, schema: dict[str, Any], root: Any, depth: int) -> None:
        properties: dict[str, Any] = schema["properties"]
        required = schema.get("required", [])
        if not schema.get("additionalProperties"):
            self._extra_fields(place, tuple(properties))
        for name, each in properties.items():
            if referenced(each, root) is False:
                continue  # a field that is not allowed: a type may have it or not
            path = f"{place.path}.{name}" if place.path else name
            text = self._types.text(each, root)
            line = self._presence(place, name, required=name in required, path=path, contract=text)
            field = _Place(
                direction=place.direction, event=place.event, path=path, needs=(*place.needs, line),
                type=self._alias(f"Field<{place.type}, {string_literal(name)}>"),
            )  # fmt: skip
            self._compare(field, each, root, depth + 1)

    def _presence(self, place: _Place, name: str, *, required: bool, path: str, contract: str = "") -> int:
        says = "required" if required else "optional"
        actual = f"Presence<{place.type}, {string_literal(name)}>"
        expected = f"Same<{actual}, {string_literal(says)}>"
        there = _Place(direction=place.direction, event=place.event, path=path, type="never", needs=place.needs)
        return self._assert_at(there, Aspect.PRESENCE, expected, f"[{actual}]", f"{says} {contract}".strip())

    def _extra_fields(self, place: _Place, names: Sequence[str]) -> None:
        known = " | ".join(map(string_literal, names)) or "never"
        extra = f"Exclude<Known<{place.type}>, {known}>"
        self._assert_at(place, Aspect.EXTRA_FIELD, f"None<{extra}>", f"[{extra}]", "")

    def _alias(self, text: str) -> str:
        self._aliases += 1
        name = f"ui{self._aliases}"
        # Not an alias of the type itself: the compiler would print the alias instead of the type.
        self._lines.append(f"type {name} = {{ t: {text} }};")
        return f'{name}["t"]'

    def _assert_at(self, place: _Place, aspect: Aspect, holds: str, actual: str, contract: str) -> int:
        return self._assert(
            aspect, holds, actual, place.direction, place.event, path=place.path, contract=contract,
            needs=place.needs, ui=place.type,
        )  # fmt: skip

    def _assert(self, aspect: Aspect, holds: str, actual: str, direction: Direction, event: str = "", *,
                path: str = "", contract: str = "", needs: tuple[int, ...] = (),
                ui: str = "never") -> int:  # fmt: skip
        """Add a line that is an error unless ``holds`` is ``unknown``. The error quotes the type ``actual``.

        It is also an error, about ``any``, if the UI's type ``ui`` cannot be resolved.
        """
        line = self._note(aspect, direction, event, path=path, contract=contract, needs=needs)
        found = f"Unless<{holds}, {actual}> | Unresolved<{ui}>"
        self._lines.append(f"export const line{line}: never = null! as {found};")
        return line

    def _note(self, aspect: Aspect, direction: Direction, event: str = "", *, path: str = "", contract: str = "",
              needs: tuple[int, ...] = ()) -> int:  # fmt: skip
        line = len(self._lines) + 1
        self._assertions.append(
            Assertion(
                line=line,
                aspect=aspect,
                direction=direction,
                event=event,
                path=path,
                contract=contract,
                needs=needs,
            )
        )
        return line


def _is_plain_object(schema: Any) -> bool:
    """Return whether a schema is an object whose fields can be compared one by one."""
    allowed = ANNOTATIONS | {"type", "properties", "required", "additionalProperties", "minProperties",
                             "maxProperties", "propertyNames", "unevaluatedProperties"}  # fmt: skip
    return (
        isinstance(schema, dict)
        and schema.get("type") == "object"
        and isinstance(schema.get("properties"), dict)
        and not schema.keys() - allowed
        and not isinstance(schema.get("additionalProperties"), dict)
        and set(schema.get("required", [])) <= schema["properties"].keys()
    )


def _is_plain_list(schema: Any) -> bool:
    allowed = ANNOTATIONS | {"type", "items", "minItems", "maxItems", "uniqueItems", "contains"}
    return isinstance(schema, dict) and schema.get("type") == "array" and not schema.keys() - allowed


def _without_null(schema: Any, root: Any) -> tuple[Any, bool]:
    """Return a schema without the alternative ``null``, and whether it had one."""
    if not isinstance(schema, dict):
        return schema, False
    types = schema.get("type")
    if isinstance(types, list) and len(types) == 2 and "null" in types:
        return {**schema, "type": next(each for each in types if each != "null")}, True
    choices = schema.get("anyOf", schema.get("oneOf"))
    if isinstance(choices, list) and len(choices) == 2 and not schema.keys() - ANNOTATIONS - {"anyOf", "oneOf"}:
        others = [each for each in choices if referenced(each, root) != {"type": "null"}]
        if len(others) == 1:
            return others[0], True
    return schema, False
