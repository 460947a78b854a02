"""A word that was mistyped, and what was probably meant."""

import difflib
from collections.abc import Iterable

MAX_WORD = 80
"""A longer one is no slip, and comparing it takes long."""


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return ``; did you mean alice?`` for the word that is most like it, or nothing."""
    found = difflib.get_close_matches(word[:MAX_WORD], list(words), 1)
    return f"; did you mean {found[0]}?" if found else ""
