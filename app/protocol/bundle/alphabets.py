"""The characters that may replace a letter or digit in a pseudonym: of equal script, category and length in UTF-8.
Pseudonyms replace names and texts in bug report bundles, the .zip files that users send to developers.

``COMMON`` lists those of the usual letters and digits, with separate ones for lower and upper case; the others are
computed from the Unicode database. Most are large, so that little can be guessed about a character. A rare
character without a similar one stays. ``marks`` returns the combining marks, which ``pseudonyms`` keeps.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache

BLOCK = 4096
"""Characters that are not in ``COMMON`` are replaced by others of the block of this size."""
LAST_MARK = 0x1FFFF
"""Combining marks beyond this code point are not used in words."""


def _range(first: int, last: int, without: str = "") -> str:
    return "".join(char for char in map(chr, range(first, last + 1)) if char not in without)


COMMON = (
    "0123456789", "abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    _range(0xE0, 0xFE, "÷"), _range(0xC0, 0xDE, "×"),
    _range(0x3B1, 0x3C9, "ς"), _range(0x391, 0x3A9, "\u03a2"),
    _range(0x430, 0x44F), _range(0x410, 0x42F),
    _range(0x621, 0x63A) + _range(0x641, 0x64A),
    _range(0xAC00, 0xD7A3), _range(0x3400, 0x4DBF), _range(0x4E00, 0x9FFF),
)  # fmt: skip
"""Digits, Latin, letters with accents, Greek, Cyrillic, Arabic, Hangul, and Chinese characters."""


@cache
def _common() -> dict[str, str]:
    return {char: alphabet for alphabet in COMMON for char in alphabet}


def alphabet_of(char: str) -> str:
    """Return the characters that may replace a letter or digit, itself among them."""
    return char if not char.isalnum() else _common().get(char) or _like(_kind(char))


def _kind(char: str) -> tuple[int, str, str, int, bool]:
    """Return what a character has in common with those that may replace it."""
    return (
        ord(char) // BLOCK,
        unicodedata.name(char, "").partition(" ")[0],
        unicodedata.category(char),
        len(char.encode()),
        unicodedata.is_normalized("NFC", char),
    )


@cache
def _like(kind: tuple[int, str, str, int, bool]) -> str:
    first = kind[0] * BLOCK
    block = (char for char in map(chr, range(first, first + BLOCK)) if char.isalnum() and char not in _common())
    return "".join(char for char in block if _kind(char) == kind)


@cache
def marks() -> str:
    """Return all combining marks, as the content of a character class in a regular expression."""
    found = (number for number in range(0x300, LAST_MARK) if unicodedata.category(chr(number)) in ("Mn", "Mc"))
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in _ranges(found))


def _ranges(numbers: Iterable[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in numbers:
        if found and found[-1][1] == number - 1:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found
