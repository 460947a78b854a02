"""Find the most similar word for a mistyped one, as ``; did you mean alice?`` to append to an error message.
The text is empty if no word is similar.
"""

from collections.abc import Iterable

MAX_WORD_CHARS = 80
"""Only this many characters are compared, because comparing long words takes long."""


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return ``; did you mean alice?`` with the most similar of ``words``, or an empty text if none is similar."""
    import difflib  # loaded with the first mistyped word

    found = difflib.get_close_matches(word[:MAX_WORD_CHARS], list(words), 1)
    return f"; did you mean {found[0]}?" if found else ""
