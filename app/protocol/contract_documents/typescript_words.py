"""Convert texts and JSON values to pieces of TypeScript source: type names, property keys, literals and comments.
The export of the contract as TypeScript uses them, and so do exported tests in JavaScript or TypeScript. Characters
that would break the source are escaped, replaced or left out.
"""

import json
import re
from collections.abc import Container
from typing import Any

_IDENTIFIER = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]*")
_WORD = re.compile(r"[A-Za-z0-9]+")
_LONGEST_NAME = 60
_GLOBAL = frozenset({"Record", "Array", "Object", "String", "Number", "Boolean", "Exclude"})
"""Names of global types that the generated text uses, or that a reader would take for them."""


def type_name(text: str, taken: Container[str]) -> str:
    """Return a name for a type: the words of ``text`` in PascalCase, with a number if that is taken."""
    words = _WORD.findall(text)
    name = "".join(word[:1].upper() + word[1:] for word in words)[:_LONGEST_NAME] or "Type"
    if name[0].isdigit():
        name = f"Type{name}"
    candidate, number = name, 1
    while candidate in taken or candidate in _GLOBAL:
        number += 1
        candidate = f"{name}{number}"
    return candidate


def property_key(name: str) -> str:
    """Return the key of a property: quoted, unless it is an identifier of ASCII characters."""
    return name if _IDENTIFIER.fullmatch(name) else string_literal(name)


def string_literal(text: str) -> str:
    """Return a string literal. Characters that cannot be printed are escaped."""
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(char if char.isprintable() else _escaped(char) for char in quoted)


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1] if ord(char) != 0x7F else "\\u007f"


def literal_type(value: Any) -> str:
    """Return the type whose only value is this JSON value."""
    if isinstance(value, str):
        return string_literal(value)
    if isinstance(value, list):
        return f"[{', '.join(map(literal_type, value))}]"
    if isinstance(value, dict):
        fields = "; ".join(f"{property_key(name)}: {literal_type(each)}" for name, each in value.items())
        return f"{{ {fields} }}" if fields else "Record<string, never>"
    return json.dumps(value)


def comment(text: str) -> list[str]:
    """Return the lines of a documentation comment; none for an empty text."""
    lines = [_plain(line) for line in text.strip().splitlines()]
    if not lines:
        return []
    if len(lines) == 1:
        return [f"/** {lines[0]} */"]
    return ["/**", *(f" * {line}".rstrip() for line in lines), " */"]


def _plain(line: str) -> str:
    visible = "".join(char if char.isprintable() else " " for char in line)
    return visible.replace("*/", "*\\/").strip()
