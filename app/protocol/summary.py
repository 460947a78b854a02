"""An event in a few words, for log rows and terminals."""

from typing import Any

MAX_CHARS = 200
JOINERS = "\u200c\u200d\ufe0e\ufe0f"
"""Invisible, but part of words and emoji."""


def summarize(data: Any) -> str:
    """Return one line that tells what an event's data says: ``alice → bob: Hey there!``."""
    if not isinstance(data, dict):
        return _printable(_short(data))
    match data:
        case {"from": sender, "to": to, "text": text}:
            line = f"{_short(sender)} → {_short(to)}: {_short(text)}"
        case {"username": who, "typing": bool(typing)}:
            line = f"{_short(who)} {'is typing' if typing else 'stopped typing'}"
        case {"to": who, "typing": bool(typing)}:
            line = f"{'typing' if typing else 'stopped typing'} to {_short(who)}"
        case {"username": who} if len(data) == 1:
            line = _short(who)
        case _:
            line = ", ".join(f"{key}: {_short(value)}" for key, value in data.items())
    return _printable(" ".join(line.split())[:MAX_CHARS])


def _printable(text: str) -> str:
    """Return text that no terminal takes for a command and no bidi control turns around."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() or char in JOINERS else "\N{REPLACEMENT CHARACTER}" for char in text)


def _short(value: Any) -> str:
    return str(value)[:MAX_CHARS]
