"""Parse and check the key combinations of system-wide shortcuts in the settings, such as ``Ctrl+Alt+R``."""

from typing import NamedTuple

from typing_extensions import override

MODIFIERS = ("Ctrl", "Alt", "Shift", "Meta")
"""*Meta* is the Windows or Super key."""
NAMED_KEYS = ("Space", "Insert", "Home", "End", "PageUp", "PageDown", "Pause")
FUNCTION_KEYS = tuple(f"F{number}" for number in range(1, 25))
_KEYS = {key.casefold(): key for key in (*NAMED_KEYS, *FUNCTION_KEYS, *"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")}
_MODIFIERS = {name.casefold(): name for name in MODIFIERS} | {"super": "Meta", "win": "Meta", "control": "Ctrl"}
_ALONE = {*FUNCTION_KEYS, "Pause"}
"""Keys that need no modifier: other programs rarely use them for text."""


class KeyCombination(NamedTuple):
    """Modifiers and a key."""

    modifiers: frozenset[str]
    key: str

    @override
    def __str__(self) -> str:
        return "+".join([*(each for each in MODIFIERS if each in self.modifiers), self.key])


def parse(text: str) -> KeyCombination:
    """Parse ``Ctrl+Alt+R``, regardless of case and spaces. Raise ``ValueError`` with the reason."""
    *names, key = (part.strip().casefold() for part in text.split("+"))
    unknown = next((name for name in names if name not in _MODIFIERS), None)
    if unknown is not None:
        raise ValueError(f"{unknown[:20]!r} is not a modifier. Use {', '.join(MODIFIERS)}")
    if key not in _KEYS:
        raise ValueError(f"{key[:20]!r} is not a key. Use a letter, a digit, F1 to F24 or {', '.join(NAMED_KEYS)}")
    found = KeyCombination(frozenset(_MODIFIERS[name] for name in names), _KEYS[key])
    if found.key not in _ALONE and not found.modifiers - {"Shift"}:
        raise ValueError(f"{found} would be typed as text. Add Ctrl, Alt or Meta")
    return found


def problem(text: str) -> str:
    """Return why a setting is not a key combination; an empty text if it is one, or if it is empty (off)."""
    if not text.strip():
        return ""
    try:
        parse(text)
    except ValueError as error:
        return str(error)
    return ""


def same(one: str, other: str) -> bool:
    """Return whether two texts are the same key combination."""
    return bool(one.strip() and other.strip() and not problem(one) and not problem(other)) and parse(one) == parse(
        other
    )
