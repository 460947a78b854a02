"""Read and edit single terms in the text of a log filter. Terms that are not edited stay as the user typed them.

The window's filter chips, context menus and completion edit the text with these functions, so that the text is the
only description of the filter.
"""

import re
from collections.abc import Iterable
from typing import NamedTuple

TOKEN = re.compile(r'-?[a-z]+:=?"[^"]*"?(?:,(?:"[^"]*"|\S)*)?|-?@?"[^"]*"?|-?/(?:[^/\\]|\\.)*/|\S+')
"""A term: ``event:typing``, ``-user:"a b"``, ``"quoted text"``, ``/regex/``, ``@saved`` or a word."""

SEPARATOR = ","
"""Separates the values of a term: ``event:typing,mark_read``."""

EXACT = "="
"""In front of the value of ``event:``, it matches the whole name instead of a part."""

_ALIASES = {"dir": {"down": "s2c", "to": "s2c", "up": "c2s", "from": "c2s"}}
"""Values of a key that mean the same as another value."""


class Token(NamedTuple):
    """One term and its position in the text. ``key`` is empty for a term without a key."""

    start: int
    end: int
    text: str
    negated: bool
    key: str
    values: tuple[str, ...]


def tokens(text: str) -> list[Token]:
    """Return the terms of a filter, in order."""
    return [_token(found.group(), found.start()) for found in TOKEN.finditer(text)]


def token_at(text: str, position: int) -> Token:
    """Return the part before ``position`` of the term that reaches to it, or an empty term."""
    before = text[:position]
    return next((each for each in tokens(before) if each.end == position), _token("", position))


def values(text: str, key: str, *, negated: bool = False) -> list[str]:
    """Return the values that a filter selects for a key, or excludes if ``negated``."""
    found = [value for each in tokens(text) if (each.key, each.negated) == (key, negated) for value in each.values]
    return list(dict.fromkeys(found))


def with_values(text: str, key: str, wanted: Iterable[str], *, negated: bool = False) -> str:
    """Return a filter with one term that selects (or excludes) these values of a key, or none without values."""
    term = format_term(key, wanted, negated=negated)
    old = [each for each in tokens(text) if (each.key, each.negated) == (key, negated)]
    if not old:
        return f"{text.rstrip()} {term}".strip() if term else text
    for number, each in reversed(list(enumerate(old))):
        replacement = term if number == 0 else ""
        head, tail = text[: each.start], text[each.end :]
        text = f"{head}{replacement}{tail}" if replacement else f"{head.rstrip()} {tail.lstrip()}"
    return text.strip()


def show_only(text: str, key: str, value: str) -> str:
    """Return a filter that selects only this value of a key."""
    others = [each for each in values(text, key, negated=True) if each != value]
    return with_values(with_values(text, key, others, negated=True), key, [value])


def hide(text: str, key: str, value: str) -> str:
    """Return a filter that excludes this value of a key, besides those that it excludes already."""
    selected = [each for each in values(text, key) if each != value]
    excluded = dict.fromkeys([*values(text, key, negated=True), value])
    return with_values(with_values(text, key, selected), key, excluded, negated=True)


def toggle(text: str, key: str, value: str) -> str:
    """Return a filter that selects this value in addition to the others of the key, or no longer does."""
    selected = values(text, key)
    if value in selected:
        return with_values(text, key, [each for each in selected if each != value])
    others = [each for each in values(text, key, negated=True) if each != value]
    return with_values(with_values(text, key, others, negated=True), key, [*selected, value])


def format_term(key: str, wanted: Iterable[str], *, negated: bool = False) -> str:
    """Return the text of a term, quoted if necessary; empty without values."""
    value = SEPARATOR.join(wanted)
    if not value:
        return ""
    quoted = f'"{value}"' if any(char.isspace() for char in value) else value
    return f"{'-' if negated else ''}{key}:{quoted}"


def can_be_value(value: str) -> bool:
    """Return whether a term can contain this value: the grammar has no escape for a quote or a separator."""
    return bool(value.strip()) and not any(char in value for char in ('"', SEPARATOR, "\n", "\r"))


def event_value(name: str, names: Iterable[str]) -> str:
    """Return the value that selects an event: the exact name if it is a part of another one of ``names``."""
    ambiguous = name.startswith(EXACT) or any(name != each and name in each for each in names)
    return f"{EXACT}{name}" if ambiguous else name


def saved_name(token: str) -> str:
    """Return the name in a reference to a saved filter, ``@name`` or ``@"two words"``; empty for another term."""
    return token[1:].strip('"') if token.startswith("@") else ""


def reference(name: str) -> str:
    """Return the term that stands for a saved filter."""
    return f'@"{name}"' if any(char.isspace() for char in name) else f"@{name}"


def _token(text: str, start: int) -> Token:
    negated = text.startswith("-") and len(text) > 1
    key, colon, value = text.removeprefix("-").partition(":")
    if not colon or not key.isalpha() or not key.islower():
        return Token(start, start + len(text), text, negated, "", ())
    return Token(start, start + len(text), text, negated, key, tuple(split_values(key, value)))


def split_values(key: str, value: str) -> list[str]:
    """Return the single values of a term's value, which may be quoted. Aliases are replaced."""
    aliases = _ALIASES.get(key, {})
    return [aliases.get(each, each) for each in unquoted(value).split(SEPARATOR) if each]


def unquoted(value: str) -> str:
    """Return a term's value without the quotes around it. The first may follow ``EXACT``: ``event:="a b"``."""
    return after_quote(value).rstrip('"')


def after_quote(value: str) -> str:
    """Return a term's value without the quotes at its beginning."""
    exact = EXACT if value.startswith(f'{EXACT}"') else ""
    return exact + value.removeprefix(exact).lstrip('"')
