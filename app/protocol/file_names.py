"""Check names of saved files, such as fixtures: valid on Linux, macOS and Windows, at most two folders deep."""

import re

MAX_PARTS = 3
_PART = re.compile(r"[^\W_](?:[\w .()+-]{0,58}[\w)+-])?")
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in "123456789¹²³")}


class BadName(ValueError):
    """An invalid name. The text is shown to users."""


def valid_name(name: str, noun: str) -> str:
    """Return a name without surrounding spaces. Raises ``BadName`` if it is invalid.

    A valid name is ``name``, ``folder/name`` or ``folder/folder/name``. ``noun`` says what is saved.
    """
    parts = name.strip().split("/")
    for part in parts:
        if not _PART.fullmatch(part) or part.casefold().partition(".")[0].rstrip() in _RESERVED:
            shown = "".join(letter if letter.isprintable() else "\ufffd" for letter in name[:80])
            raise BadName(
                f"invalid name '{shown}': use letters, digits, spaces and - _ . ( ) +, and / between folders"
            )
    if len(parts) > MAX_PARTS:
        raise BadName(f"a {noun} can be at most two folders deep")
    return "/".join(parts)
