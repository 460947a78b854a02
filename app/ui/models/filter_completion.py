"""Return completions of the term before the cursor in a log filter: keys, their values, and saved filters.
A term is, for example, ``event:typing``. ``widgets/filter_field.py`` shows the completions.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from app.hub.filter import KEYS, LIST_KEYS
from app.hub.filter_grammar import KEY_MEANINGS, VALUE_MEANINGS, Meaning
from app.hub.filter_text import EXACT, SEPARATOR, after_quote, can_be_value, format_term, reference, token_at

MAX_SUGGESTIONS = 50


class Known(NamedTuple):
    """The values that a session has: names of events and users, clients with their users, and saved filters."""

    events: Sequence[str] = ()
    users: Sequence[str] = ()
    clients: Sequence[tuple[int, str]] = ()
    saved: Sequence[tuple[str, str]] = ()


class Suggestion(NamedTuple):
    """A term to insert instead of the text from ``start`` to the cursor.

    ``final``: the term is complete. Otherwise it is a key, whose value comes next.
    """

    start: int
    term: str
    meaning: str
    final: bool = True


def suggestions(text: str, cursor: int, known: Known) -> list[Suggestion]:
    """Return what the term before the cursor can become, the likeliest first. An empty term can become any key."""
    token = token_at(text, cursor)
    bare = token.text.removeprefix("-")
    sign = "-" if token.negated or token.text == "-" else ""
    key, colon, value = bare.partition(":")
    if bare.startswith(('"', "/")):
        found: Iterable[Suggestion] = ()
    elif bare.startswith("@"):
        found = _saved(token.start, bare[1:].strip('"'), known) if not sign else ()
    elif colon and key in KEYS:
        found = _values(token.start, sign, key, after_quote(value), known)
    else:
        found = _terms(token.start, sign, bare, known)
    return [each for each, _ in zip(found, range(MAX_SUGGESTIONS), strict=False) if each.term != token.text]


def _terms(start: int, sign: str, typed: str, known: Known) -> Iterator[Suggestion]:
    """Yield keys that begin with the typed text, and values that contain it."""
    for key, meaning in KEY_MEANINGS:
        if key.startswith(typed):
            yield Suggestion(start, f"{sign}{key}:", meaning, final=False)
    if typed:
        for key in ("event", "user", "client"):
            yield from _values(start, sign, key, typed, known)
    if not sign:
        yield from _saved(start, typed, known)


def _values(start: int, sign: str, key: str, typed: str, known: Known) -> Iterator[Suggestion]:
    """Yield terms of a key whose last value contains what was typed."""
    earlier, _, last = typed.rpartition(SEPARATOR) if key in LIST_KEYS else ("", "", typed)
    before = [each for each in earlier.split(SEPARATOR) if each]
    exact = EXACT if key == "event" and last.startswith(EXACT) else ""
    for value, meaning in _matching(_known_values(key, known), last.removeprefix(exact)):
        if value not in before and can_be_value(value):
            yield Suggestion(start, format_term(key, [*before, f"{exact}{value}"], negated=bool(sign)), meaning)


def _saved(start: int, typed: str, known: Known) -> Iterator[Suggestion]:
    for name, text in _matching([Meaning(*each) for each in known.saved], typed):
        yield Suggestion(start, reference(name), f"Saved: {text}")


def _known_values(key: str, known: Known) -> Sequence[Meaning]:
    match key:
        case "event":
            return [Meaning(name, "Event") for name in known.events]
        case "user":
            return [Meaning(name, "User") for name in known.users]
        case "client":
            return [Meaning(str(number), f"Client {number} · {user}") for number, user in known.clients]
    return VALUE_MEANINGS[key]


def _matching(values: Iterable[Meaning], typed: str) -> list[Meaning]:
    """Return the values that contain a text, ignoring case; those that begin with it come first."""
    wanted = typed.casefold()
    found = [each for each in values if wanted in each.text.casefold()]
    return sorted(found, key=lambda each: not each.text.casefold().startswith(wanted))
