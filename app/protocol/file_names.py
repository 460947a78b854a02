"""Check names of saved files, such as fixtures: valid on Linux, macOS and Windows, at most two folders deep."""

import re
from unicodedata import category, normalize

MAX_PARTS = 3
_PART = re.compile(r"[^\W_](?:[\w .()+-]{0,58}[\w)+-])?")
_ALLOWED = re.compile(r"[\w .()+-]+")
MAX_PART = 60
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")}


class BadName(ValueError):
    """An invalid name. The text is shown to users."""


def valid_name(name: str, noun: str) -> str:
    """Return a name without surrounding spaces, in Unicode's composed form. Raises ``BadName`` if it is invalid.

    A valid name is ``name``, ``folder/name`` or ``folder/folder/name``. ``noun`` says what is saved.
    """
    parts = composed(name.strip()).split("/")
    for part in map(_without_marks, parts):
        if not _PART.fullmatch(part) or _is_reserved(part):
            shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in name[:80])
            raise BadName(f"invalid name '{shown}': {_why(part)}")
    if len(parts) > MAX_PARTS:
        raise BadName(f"a {noun} can be at most two folders deep")
    return "/".join(parts)


def composed(name: str) -> str:
    """Return a name in Unicode's composed form (NFC). macOS and shared folders may list a file in another form."""
    return normalize("NFC", name)


def name_key(name: str) -> str:
    """Return a text that is equal for equal names: spaces around them, their form and their case do not matter."""
    return composed(name.strip()).casefold()


def _without_marks(part: str) -> str:
    """Replace each combining mark by a letter, except at the beginning: scripts such as Thai need them in words."""
    return part[:1] + "".join("x" if category(c) in ("Mn", "Mc") else c for c in part[1:])


def _is_reserved(part: str) -> bool:
    return part.casefold().partition(".")[0].rstrip() in _RESERVED


def _why(part: str) -> str:
    """Return what is wrong with a part of a name."""
    if _is_reserved(part):
        return "Windows reserves this name for a device"
    if len(part) > MAX_PART:
        return f"use at most {MAX_PART} characters, and / between folders"
    if part and _ALLOWED.fullmatch(part):
        return "begin with a letter or digit, and do not end with a dot, a space or an opening bracket"
    return "use letters, digits, spaces and - _ . ( ) +, and / between folders"
