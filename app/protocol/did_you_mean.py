"""Find the most similar word for a mistyped one, as ``; did you mean alice?`` to append to an error message.
The text is empty if no word is similar.
"""

from collections.abc import Collection, Iterable

MAX_WORD_CHARS = 80
"""Only this many characters are compared, because comparing long words takes long."""


def unknown_field(name: str, fields: Collection[str], given: Collection[str] = ()) -> str:
    """Return an error about a field that an object does not have: with a similar one, or all that it has.

    A field that is not ``given`` is preferred.
    """
    hint = suggestion(name, [each for each in fields if each not in given]) or suggestion(name, fields)
    there = f"; known fields: {', '.join(fields)}" if fields else ""
    return f"unknown field{hint or there}"


def suggestion(word: str, words: Iterable[str]) -> str:
    """Return ``; did you mean alice?`` with the most similar of ``words``, or an empty text if none is similar."""
    import difflib  # loaded with the first mistyped word

    found = difflib.get_close_matches(word[:MAX_WORD_CHARS], list(words), 1)
    return f"; did you mean {found[0]}?" if found else ""
