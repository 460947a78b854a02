"""Convert JSON Schemas (2020-12) to TypeScript types, for example to export them or to compare them with the UI's.

The result is sound: a value that is valid according to the schema always has the type. What TypeScript cannot
express is left out (lengths, patterns, ``not``, ``if``), or becomes ``unknown``.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

from app.protocol.contract_documents.schema_parts import look_up, pointer_tokens
from app.protocol.contract_documents.typescript_words import comment, literal_type, property_key, type_name

TYPES = ("string", "number", "boolean", "array", "object", "null")
"""The types of JSON, in the order in which a union lists them."""
_ALL = frozenset(TYPES)
_OBJECT_KEYWORDS = ("properties", "required", "patternProperties", "additionalProperties")
_ARRAY_KEYWORDS = ("items", "prefixItems")
_UNGUARDED = ("allOf", "anyOf", "oneOf")
UNKNOWN, NEVER = "unknown", "never"
_INDENT = "  "


class Expression(NamedTuple):
    """The text of a type. ``operator``: the operator that joins its parts; empty if it needs no parentheses."""

    text: str
    operator: str = ""

    def within(self, operator: str) -> str:
        """Return the text, in parentheses if the type becomes an operand of ``operator``."""
        return f"({self.text})" if self.operator and self.operator != operator else self.text


class TypeScriptTypes:
    """Types with the declarations that they refer to. Each schema that a ``$ref`` names is declared once."""

    def __init__(self, reserved: Iterable[str] = (), *, comments: bool = True) -> None:
        """``reserved`` are names that no type may get. Without ``comments``, an object type is on one line."""
        self._comments = comments
        self._taken = set(reserved)
        self._names: dict[tuple[int, str], str] = {}
        """The names of declared types, by root schema and reference."""
        self._texts: dict[str, str] = {}
        self._roots: list[Any] = []  # keeps the schemas alive, because their ids are keys
        self._declaring: list[tuple[int, str]] = []

    @property
    def declarations(self) -> list[str]:
        """The declarations so far, in the order in which they were first used."""
        return [text for text in self._texts.values() if text]

    def declare(self, hint: str, root: dict[str, Any], about: str = "") -> str:
        """Declare the type of a schema, with a comment, and return its name."""
        return self._declare(hint, "#", root, root, about)

    def text(self, schema: Any, root: Any) -> str:
        """Return the type of a schema. Its references point into ``root``."""
        if not any(each is root for each in self._roots):
            self._roots.append(root)
        return self._type(schema, root, _ALL, unguarded=False).text

    def _declare(self, hint: str, reference: str, schema: Any, root: Any, about: str) -> str:
        key = id(root), reference
        if key in self._names:
            return self._names[key]
        self._roots.append(root)
        name = type_name(hint, self._taken)
        self._taken.add(name)
        self._names[key] = name
        self._texts[name] = ""  # reserves its place
        self._declaring.append(key)
        expression = self._type(schema, root, _ALL, unguarded=True)
        self._declaring.pop()
        about = about or (_text(schema, "description") if isinstance(schema, dict) else "")
        lines = comment(about) if self._comments else []
        is_object = expression.text.startswith("{\n") and expression.text.endswith("\n}")  # and not a list of them
        if self._comments and is_object and not expression.operator:
            lines.append(f"export interface {name} {expression.text}")
        else:
            lines.append(f"export type {name} = {expression.text};")
        self._texts[name] = "\n".join(lines)
        return name

    def _type(self, schema: Any, root: Any, allowed: frozenset[str], *, unguarded: bool) -> Expression:
        """Return the type of a schema. ``allowed`` are the types that the schema around it allows.

        ``unguarded``: no object or array is between the declaration and this type, so that it may not refer back
        to the declaration.
        """
        if schema is False:
            return Expression(NEVER)
        if not isinstance(schema, dict):
            return Expression(UNKNOWN)
        types = _types(schema) & allowed
        parts = []
        if isinstance(reference := schema.get("$ref"), str):
            parts.append(self._reference(reference, root, unguarded))
        if "const" in schema:
            parts.append(_literals([schema["const"]], types))
        elif isinstance(values := schema.get("enum"), list):
            parts.append(_literals(values, types))
        else:
            parts.append(self._shape(schema, root, types))
        for keyword in ("anyOf", "oneOf"):
            if isinstance(choices := schema.get(keyword), list):
                parts.append(_union([self._type(each, root, types, unguarded=unguarded) for each in choices]))
        if isinstance(every := schema.get("allOf"), list):
            parts += [self._type(each, root, types, unguarded=unguarded) for each in every]
        return _intersection(parts)

    def _reference(self, reference: str, root: Any, unguarded: bool) -> Expression:
        tokens = pointer_tokens(reference)
        if tokens is None:
            return Expression(UNKNOWN)
        try:
            target = look_up(root, tokens)
        except KeyError:
            return Expression(UNKNOWN)
        if unguarded and self._leads_back(reference, root):
            return Expression(UNKNOWN)
        names = [each for each in tokens if each not in ("$defs", "properties") and not each.isdigit()]
        return Expression(self._declare(names[-1] if names else "Root", reference, target, root, ""))

    def _leads_back(self, reference: str, root: Any) -> bool:
        """Return whether a type would be defined by itself, without an object or array in between."""
        pending, seen = [reference], set[str]()
        current = self._declaring[-1] if self._declaring else None
        while pending:
            each = pending.pop()
            if (id(root), each) == current:
                return True
            if each in seen:
                continue
            seen.add(each)
            try:
                pending += _unguarded_references(look_up(root, pointer_tokens(each) or []))
            except KeyError:
                continue
        return False

    def _shape(self, schema: dict[str, Any], root: Any, types: frozenset[str]) -> Expression:
        """Return the type that ``type`` and the keywords for objects and arrays describe."""
        shaped = any(each in schema for each in (*_OBJECT_KEYWORDS, *_ARRAY_KEYWORDS))
        if "type" not in schema and (not shaped or not types & {"array", "object"}):
            return Expression(UNKNOWN)
        found = []
        for each in TYPES:
            if each not in types:
                continue
            if each == "array":
                found.append(self._array(schema, root))
            elif each == "object":
                found.append(self._object(schema, root))
            else:
                found.append(Expression(each))
        return _union(found)

    def _array(self, schema: dict[str, Any], root: Any) -> Expression:
        rest = schema.get("items", True)
        item = self._type(rest, root, _ALL, unguarded=False)
        first = schema.get("prefixItems")
        if not isinstance(first, list) or not first:
            return Expression(f"{item.within('[]')}[]")
        least, most = _count(schema, "minItems", 0), _count(schema, "maxItems", len(first) + 1)
        parts = []
        for number, each in enumerate(first[:most]):
            text = self._type(each, root, _ALL, unguarded=False)
            parts.append(text.text if number < least else f"{text.within('[]')}?")
        if rest is not False and most > len(first):
            parts.append(f"...{item.within('[]')}[]")
        return Expression(f"[{', '.join(parts)}]")

    def _object(self, schema: dict[str, Any], root: Any) -> Expression:
        properties = schema.get("properties")
        properties = properties if isinstance(properties, dict) else {}
        required = [each for each in _list(schema, "required") if isinstance(each, str)]
        patterns = schema.get("patternProperties")
        patterns = patterns if isinstance(patterns, dict) else {}
        more = schema.get("additionalProperties")
        fields = [
            (self._about(each), name, name in required, self._type(each, root, _ALL, unguarded=False).text)
            for name, each in properties.items()
        ]
        fields += [([], name, True, UNKNOWN) for name in dict.fromkeys(required) if name not in properties]
        lines = [
            [*about, f"{property_key(name)}{'' if needed else '?'}: {text};"]
            for about, name, needed, text in fields
        ]
        if not fields and more is False and not patterns:
            return Expression("Record<string, never>")
        if not fields:
            values = [self._type(each, root, _ALL, unguarded=False) for each in patterns.values()]
            values += [] if more is False else [self._type(more, root, _ALL, unguarded=False)]
            lines = [[f"[key: string]: {_union(values).text};"]]
        elif patterns or more is True or isinstance(more, dict):
            lines.append(["[key: string]: unknown;"])
        if self._comments and fields:
            inner = "\n".join(line for each in lines for line in each).replace("\n", f"\n{_INDENT}")
            return Expression(f"{{\n{_INDENT}{inner}\n}}")
        return Expression(f"{{ {' '.join(line for each in lines for line in each).removesuffix(';')} }}")

    def _about(self, schema: Any) -> list[str]:
        return comment(_text(schema, "description")) if self._comments and isinstance(schema, dict) else []


def _types(schema: dict[str, Any]) -> frozenset[str]:
    """Return the types that ``type`` allows. Whole numbers count as numbers."""
    given = schema.get("type")
    if given is None:
        return _ALL
    names = given if isinstance(given, list) else [given]
    return frozenset("number" if each == "integer" else str(each) for each in names) & _ALL


def _literals(values: list[Any], types: frozenset[str]) -> Expression:
    allowed = [Expression(literal_type(each)) for each in values if _type_of(each) in types]
    return _union(allowed)


def _type_of(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
    return names.get(type(value), "object")


def _union(parts: list[Expression]) -> Expression:
    texts = list(dict.fromkeys(each.within("|") for each in parts if each.text != NEVER))
    if UNKNOWN in texts:
        return Expression(UNKNOWN)
    return Expression(" | ".join(texts) or NEVER, "|" if len(texts) > 1 else _operator(parts, texts))


def _intersection(parts: list[Expression]) -> Expression:
    known = list(dict.fromkeys(each for each in parts if each.text != UNKNOWN))
    if len(known) <= 1:
        return known[0] if known else Expression(UNKNOWN)
    if any(each.text == NEVER for each in known):
        return Expression(NEVER)
    return Expression(" & ".join(each.within("&") for each in known), "&")


def _operator(parts: list[Expression], texts: list[str]) -> str:
    """Return the operator of a union of one part."""
    return next((each.operator for each in parts if texts and each.text == texts[0]), "")


def _unguarded_references(schema: Any) -> list[str]:
    """Return the references that a schema contains outside of objects and arrays."""
    if not isinstance(schema, dict):
        return []
    found = [each] if isinstance(each := schema.get("$ref"), str) else []
    for keyword in _UNGUARDED:
        for inner in _list(schema, keyword):
            found += _unguarded_references(inner)
    return found


def _list(schema: dict[str, Any], keyword: str) -> list[Any]:
    value = schema.get(keyword)
    return value if isinstance(value, list) else []


def _count(schema: dict[str, Any], keyword: str, otherwise: int) -> int:
    value = schema.get(keyword)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else otherwise


def _text(schema: dict[str, Any], keyword: str) -> str:
    value = schema.get(keyword)
    return value if isinstance(value, str) else ""
