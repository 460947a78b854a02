"""Work with the parts of a JSON Schema (2020-12): which keywords contain schemas or do not restrict values, and the
schema that a local reference such as ``#/$defs/Name`` leads to.
"""

from typing import Any

SINGLE = (
    "items", "contains", "additionalProperties", "propertyNames", "not", "if", "then", "else",
    "unevaluatedItems", "unevaluatedProperties", "contentSchema",
)  # fmt: skip
"""Keywords whose value is a schema."""
LISTS = ("allOf", "anyOf", "oneOf", "prefixItems")
"""Keywords whose value is a list of schemas."""
MAPS = ("properties", "patternProperties", "$defs", "dependentSchemas", "definitions")
"""Keywords whose value is an object of schemas."""
ANNOTATIONS = frozenset(
    {"title", "description", "examples", "default", "deprecated", "readOnly", "writeOnly", "$comment", "$defs",
     "$schema", "$id", "$anchor"}
)  # fmt: skip
"""Keywords that do not restrict values."""


_END_OF_TEXT = r"(?![\s\S])"


def portable_pattern(pattern: str) -> str:
    """Return a pattern with ``$`` instead of the lookahead that means the end of the text in Python too.

    In JSON Schema, ``$`` does not match before a line break at the end.
    """
    return pattern.removesuffix(_END_OF_TEXT) + "$" if pattern.endswith(_END_OF_TEXT) else pattern


def pointer_tokens(reference: str) -> list[str] | None:
    """Return the tokens of a local reference (``#`` or ``#/…``), or None for any other."""
    if reference == "#":
        return []
    if not reference.startswith("#/"):
        return None
    return [unquoted(token) for token in reference[2:].split("/")]


def unquoted(token: str) -> str:
    """Return a token of a JSON Pointer in a URI fragment without its escapes."""
    from urllib.parse import unquote

    return unquote(token).replace("~1", "/").replace("~0", "~")


def look_up(document: Any, tokens: list[str]) -> Any:
    """Return the value at a pointer. Raises ``KeyError`` if there is none."""
    value = document
    for token in tokens:
        if isinstance(value, dict) and token in value:
            value = value[token]
        elif isinstance(value, list) and token.isascii() and token.isdigit() and int(token) < len(value):
            value = value[int(token)]
        else:
            raise KeyError(token)
    return value


def referenced(schema: Any, root: Any) -> Any:
    """Return a schema, or the one that its ``$ref`` leads to if it has no other keyword that restricts values.

    A reference that cannot be followed, or that leads back to itself, is returned as it is.
    """
    seen: list[str] = []
    value = schema
    while isinstance(value, dict) and isinstance(reference := value.get("$ref"), str):
        tokens = pointer_tokens(reference)
        if tokens is None or reference in seen or value.keys() - ANNOTATIONS - {"$ref"}:
            break
        seen.append(reference)
        try:
            value = look_up(root, tokens)
        except KeyError:
            break
    return value
