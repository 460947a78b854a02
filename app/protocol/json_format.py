"""Indent JSON for the window without changing its values: numbers and escapes stay as they are written."""

import re

from app.protocol.envelope import parse_json

INDENT = "  "
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+')


def format_json(text: str) -> str:
    """Return JSON with one value per line.

    Raises ``BadFrame`` if ``envelope.parse_json`` rejects the text, for example because of a duplicate key.
    """
    parse_json(text)
    return indent(text)


def indent(text: str) -> str:
    """Return JSON with one value per line. The caller has checked that it is JSON; keys may be duplicate."""
    tokens = _TOKEN.findall(text)
    parts: list[str] = []
    depth = 0
    for number, token in enumerate(tokens):
        before = tokens[number - 1] if number else ""
        if token in "}]":
            depth -= 1
            if before not in "{[":
                parts.append(_line(depth))
        elif before in ("{", "[", ","):
            parts.append(_line(depth))
        parts.append(": " if token == ":" else token)
        if token in "{[":
            depth += 1
    return "".join(parts)


def _line(depth: int) -> str:
    return "\n" + INDENT * depth
