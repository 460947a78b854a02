"""Summarize an event's data in one line, such as ``alice → bob: Hey there!``, for log rows and terminals.
The line is cut to ``MAX_CHARS``. Characters that are not shown as they are get replaced: control characters, those
that reorder text, and invisible ones (see ``is_visible``).
"""

import json
from typing import Any
from unicodedata import category

MAX_CHARS = 200
JOINERS = "\u200c\u200d\ufe0e\ufe0f"
"""Invisible characters that words and emoji need."""


def summarize(data: Any) -> str:
    """Return a summary of an event's data in one line, for example ``alice → bob: Hey there!``."""
    if not isinstance(data, dict):
        return _printable(_short(data))
    match data:
        case {"from": sender, "to": to, "text": text}:
            line = f"{_short(sender)} → {_short(to)}: {_short(text)}"
        case {"username": user, "typing": bool(typing)}:
            line = f"{_short(user)} {'is typing' if typing else 'stopped typing'}"
        case {"to": user, "typing": bool(typing)}:
            line = f"{'typing' if typing else 'stopped typing'} to {_short(user)}"
        case {"username": user} if len(data) == 1:
            line = _short(user)
        case _:
            line = ", ".join(f"{key}: {_short(value)}" for key, value in data.items())
    return one_line(line)


def one_line(text: str) -> str:
    """Return a text in one line, cut to ``MAX_CHARS``, without control characters."""
    return _printable(" ".join(text[: MAX_CHARS * 10].split())[:MAX_CHARS])


def _printable(text: str) -> str:
    """Replace control characters, which terminals would interpret, and bidi controls, which reorder text."""
    if text.isprintable():
        return text
    return "".join(char if is_visible(char) else "\N{REPLACEMENT CHARACTER}" for char in text)


def is_visible(char: str) -> bool:
    """Return whether a character is shown as it is, also an emoji that is newer than Python's Unicode tables."""
    return char.isprintable() or char in JOINERS or category(char) == "Cn"


def field_text(value: Any) -> str:
    """Return a value of a field for a line of text: a text as it is, anything else as JSON."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _short(value: Any) -> str:
    return field_text(value)[:MAX_CHARS]
