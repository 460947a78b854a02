"""Parse a filter of the log, like ``event:typing -user:alice larger:1k /regex/``, and find the rows that match.
Breakpoints, faults and recordings use such filters too.

``parse`` turns the text into a ``Filter``, a list of terms that must all match; ``-`` negates a term. A text
without a key is searched in payload, event, note and user, a regular expression in the first three, both ignoring
case. ``event:a,b`` matches either value, and ``event:=a`` only the whole name. ``@name`` stands for the
terms of a saved filter. An invalid term is searched as plain text and adds a warning.

Most terms depend only on a row's ``RowKey`` (everything except number, times and payload), which many rows share,
so the results are cached by key. Terms that need more than the key are tested on the rows themselves, cheapest
first (``payload_matcher`` has the expensive ones).
"""

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import compress
from operator import not_
from types import MappingProxyType
from typing import NamedTuple

from app.hub.filter_text import EXACT, SEPARATOR, TOKEN, saved_name, unquoted
from app.hub.origin import PRIMING, Origin
from app.hub.payload_matcher import (
    Expressions,
    FilterError,
    PayloadMatcher,
    bytes_search,
    text_search,
)
from app.hub.row import UI_STATE, Kind, Row, RowKey, Verdict
from app.hub.row_marks import NO_MARKS, Mark, RowMarks
from app.hub.row_store import Columns
from app.hub.target import Target
from app.protocol.raw_frames import is_raw

KEYS = ("event", "dir", "client", "user", "is", "larger", "after", "origin", "annotation", "lint")
LIST_KEYS = ("event", "dir", "client", "user", "is", "origin", "lint")
"""Keys whose terms may have several values."""
MAX_TERMS = 250
"""The most terms of a filter, with those of saved filters; each value counts. All are tested on each row."""
NO_FILTERS: Mapping[str, str] = MappingProxyType({})
_DIRECTIONS = {"s2c": Kind.TO_UI, "down": Kind.TO_UI, "to": Kind.TO_UI, "c2s": Kind.FROM_UI, "up": Kind.FROM_UI,
               "from": Kind.FROM_UI, "server": Kind.SERVER}  # fmt: skip
_SIZE = re.compile(r"([0-9]{1,12})(k|m)?b?", re.IGNORECASE)
_AGE = re.compile(r"([0-9]{1,12})(s|m|h)?")
_SECONDS = {"s": 1, "m": 60, "h": 3600}
_BYTES = {"k": 1024, "m": 1024 * 1024}
_MAX_CACHED_RESULTS = 10_000

KeyTest = Callable[[RowKey], bool | None]
"""Tests a row by its key alone. None: the rest of the row decides."""


class _KeyResults(dict[RowKey, bool | None]):
    """Caches the result of a ``KeyTest`` for each key."""

    def __init__(self, test: KeyTest) -> None:
        super().__init__()
        self._test = test

    def __missing__(self, key: RowKey) -> bool | None:
        if len(self) >= _MAX_CACHED_RESULTS:
            self.clear()  # the cache keeps its keys alive
        result = self[key] = self._test(key)
        return result


class Term(NamedTuple):
    """One term of a filter. ``by_row`` tests the rows whose key does not decide (``by_key`` gives None for them).

    ``narrows_by_prefix``: appending characters to the term can only remove matches, as in a plain text search.
    ``cost`` orders the terms of a filter, the cheapest first. ``of_marks``: the term tests marks.
    """

    text: str
    by_key: _KeyResults
    by_row: PayloadMatcher | None = None
    negated: bool = False
    narrows_by_prefix: bool = False
    cost: int = 0
    of_marks: bool = False

    def narrows(self, other: "Term") -> bool:
        """Return whether every row that matches this term also matches ``other``."""
        if self.cost != other.cost or self.negated != other.negated or self.cost == _COST_REGEX:
            return False  # a regular expression that timed out on a row may match it the next time
        longer = self.narrows_by_prefix and not self.negated and self.text.startswith(other.text)
        return longer or self.text == other.text


class Filter(NamedTuple):
    """A parsed filter. ``warnings`` lists the terms that are invalid; they are searched as plain text."""

    terms: tuple[Term, ...]
    warnings: tuple[str, ...] = ()

    @property
    def slow(self) -> bool:
        """Whether testing a single row may take milliseconds."""
        return any(term.cost == _COST_REGEX for term in self.terms)

    @property
    def depends_on_marks(self) -> bool:
        """Whether a pin, an annotation or the lint of a row can change the result."""
        return any(term.of_marks for term in self.terms)

    @property
    def words(self) -> tuple[str, ...]:
        """The texts that a matching row contains, in any case: the terms without a key and without a minus."""
        return tuple(term.text for term in self.terms if term.cost == _COST_TEXT and not term.negated)

    def matches(self, row: Row, marks: RowMarks = NO_MARKS) -> bool:
        """Return whether a row matches. By default, it is neither pinned nor annotated."""
        columns = Columns([RowKey.of(row)], [row.wall], [row.payload], (row.seq,), marks)
        return bool(self.matching(columns))

    def matching(self, columns: Columns, candidates: Sequence[int] | None = None) -> Sequence[int]:
        """Return the indexes of the rows that match, in ascending order.

        ``candidates`` restricts the test to these indexes, which must be in ascending order.
        """
        indexes: Sequence[int] = range(len(columns.keys)) if candidates is None else candidates
        for term in self.terms:
            if not indexes:
                break
            results: Sequence[bool | None] = list(map(term.by_key.__getitem__, columns.keys_at(indexes)))
            if term.by_row and (
                undecided := [index for index, each in zip(indexes, results, strict=True) if each is None]
            ):
                by_row = term.by_row(columns, undecided)
                if term.negated:
                    by_row = list(map(not_, by_row))
                if len(undecided) == len(indexes):
                    results = by_row
                else:
                    remaining = iter(by_row)
                    results = [next(remaining) if each is None else each for each in results]
            indexes = list(compress(indexes, results))
        return indexes

    def narrows(self, other: "Filter") -> bool:
        """Return whether every row that matches this filter also matches ``other``.

        Then only the results of ``other`` have to be searched.
        """
        return all(any(mine.narrows(term) for mine in self.terms) for term in other.terms)


def parse(text: str, now: Callable[[], float] = time.time, saved: Mapping[str, str] = NO_FILTERS) -> Filter:
    """Parse a filter. An invalid term becomes a plain text search and a warning.

    ``now`` returns seconds since the epoch, for ``after:``. ``saved`` has the texts of the saved filters, by name.
    """
    terms: list[Term] = []
    warnings: list[str] = []
    expressions, number = Expressions(), 0
    for token in dict.fromkeys(_expanded(text, saved)):
        number += 1 + token.count(SEPARATOR)
        if number > MAX_TERMS and terms:
            warnings.append(f"the filter has more than {MAX_TERMS} terms; the others are ignored")
            break
        negated = token.startswith("-") and len(token) > 1
        bare = token[1:] if negated else token
        begun = bare.rstrip('"')
        if begun in ("", "@") or (begun.endswith(":") and begun[:-1] in KEYS):
            continue  # the user is still typing the value
        try:
            if name := saved_name(bare):
                raise FilterError(_why_not_expanded(name, saved))
            term = _term(bare, now, expressions, excluded=negated)
        except FilterError as error:
            warnings.append(str(error))
            term = _text_term(bare)
        terms.append(_not(term) if negated else term)
    return Filter(tuple(sorted(terms, key=lambda term: term.cost)), tuple(warnings))


def _expanded(text: str, saved: Mapping[str, str]) -> Iterator[str]:
    """Yield the terms of a filter, with those of a saved filter in place of its reference."""
    for token in dict.fromkeys(TOKEN.findall(text)):
        name = saved_name(token)
        if name in saved:
            yield from TOKEN.findall(saved[name])
        else:
            yield token


def _why_not_expanded(name: str, saved: Mapping[str, str]) -> str:
    if name in saved:
        return f"a saved filter cannot be negated with a minus, or be part of another one: @{name}"
    known = f"saved: {', '.join(saved)}" if saved else "none is saved"
    return f'there is no saved filter {name[:60]!r} ({known}); to search for this text, write "@{name[:60]}"'


_COST_KEY, _COST_ROW, _COST_TEXT, _COST_REGEX = range(4)
"""What a term has to look at: only the key, a field of each row, the text of each row, or a regular expression."""


def _not(term: Term) -> Term:
    def test(key: RowKey) -> bool | None:
        result = term.by_key[key]
        return None if result is None else not result

    return term._replace(text=f"-{term.text}", by_key=_KeyResults(test), negated=True)


def _term(bare: str, now: Callable[[], float], expressions: Expressions, *, excluded: bool) -> Term:
    """Parse a term without its ``-``; ``excluded`` says whether it had one. Raises ``FilterError``."""
    if len(bare) > 2 and bare.startswith("/") and bare.endswith("/"):
        return Term(bare, _KeyResults(lambda _: None), expressions.search(bare[1:-1]), cost=_COST_REGEX)
    if bare.startswith('"'):
        return _text_term(bare.strip('"'))
    name, colon, value = bare.partition(":")
    if not colon or not name.isalpha():
        return _text_term(bare)
    value = unquoted(value)
    if name not in KEYS:
        raise FilterError(f"unknown key {name!r} (known: {', '.join(KEYS)})")
    if name in LIST_KEYS and (f'{SEPARATOR}"' in value or f'"{SEPARATOR}' in value):
        raise FilterError(f'{name} has quotes around one of its values; put them around all: {name}:"a b,c"')
    alternatives = [each for each in value.split(SEPARATOR) if each] if name in LIST_KEYS else []
    if len(alternatives) > MAX_TERMS:
        raise FilterError(f"{name} has more than {MAX_TERMS} values")
    if len(alternatives) > 1:
        return _any_of(f"{name}:{value}", [_keyed_term(name, each, now, excluded) for each in alternatives])
    return _keyed_term(name, alternatives[0] if alternatives else value, now, excluded)


def _any_of(text: str, terms: list[Term]) -> Term:
    """Return a term that matches if any of ``terms`` does."""

    def test(key: RowKey) -> bool | None:
        results = [term.by_key[key] for term in terms]
        return True if True in results else None if None in results else False

    matchers = [term.by_row for term in terms if term.by_row]

    def by_row(columns: Columns, indexes: Sequence[int]) -> list[bool]:
        return [any(each) for each in zip(*(match(columns, indexes) for match in matchers), strict=True)]

    cost, of_marks = max(term.cost for term in terms), any(term.of_marks for term in terms)
    return Term(text, _KeyResults(test), by_row if matchers else None, cost=cost, of_marks=of_marks)


def _keyed_term(name: str, value: str, now: Callable[[], float], excluded: bool) -> Term:
    text = f"{name}:{value}"
    match name:
        case "event" if value.startswith(EXACT):
            return _key_term(text, lambda key: key.event == value[1:])
        case "event":
            return _key_term(text, lambda key: value in key.event, narrows_by_prefix=True)
        case "client":
            return _key_term(text, lambda key: _concerns_client(key, value, alone=excluded))
        case "origin":
            return _key_term(text, lambda key: key.origin.startswith(value), narrows_by_prefix=True)
        case "user":
            quoted = json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
            return Term(
                text,
                _KeyResults(lambda key: True if value == key.user or _target_user(key.client) == value else None),
                bytes_search(quoted),
                cost=_COST_ROW,
            )
        case "dir" if value in _DIRECTIONS:
            kind = _DIRECTIONS[value]
            return _key_term(text, lambda key: key.kind is kind)
        case "dir":
            raise FilterError(f"invalid dir:{value}; use s2c, c2s or server")
        case "is":
            return _is_term(value)
        case "annotation":
            wanted = value.casefold()
            return _mark_term(text, lambda mark: wanted in mark.annotation.casefold())
        case "lint":
            return _mark_term(text, lambda mark: any(value in rule for rule in mark.lint))
        case "larger":
            size = _number(_SIZE, _BYTES, value, "larger:1k")
            return _row_term(
                text, lambda columns, indexes: [len(columns.payloads[index]) > size for index in indexes]
            )
        case _:
            since = now() - _number(_AGE, _SECONDS, value, "after:10s")
            # The time is part of the text, because the same term selects other rows a minute later.
            return _row_term(
                f"{text}@{since}", lambda columns, indexes: [columns.times[index] >= since for index in indexes]
            )


def _key_term(text: str, test: KeyTest, *, narrows_by_prefix: bool = False) -> Term:
    return Term(text, _KeyResults(test), narrows_by_prefix=narrows_by_prefix)


def _row_term(text: str, by_row: PayloadMatcher) -> Term:
    return Term(text, _KeyResults(lambda _: None), by_row, cost=_COST_ROW)


def _mark_term(text: str, test: Callable[[Mark], bool]) -> Term:
    term = _row_term(text, lambda columns, indexes: [test(columns.marks[columns.seqs[index]]) for index in indexes])
    return term._replace(of_marks=True)


def _text_term(value: str) -> Term:
    wanted = value.casefold()
    search = text_search(wanted)

    def test(key: RowKey) -> bool | None:
        # A text with a line break may match across event, note and payload: the row decides if the key fails.
        texts = f"{key.event}\n{key.note}\n".casefold()
        return wanted in texts or wanted in (key.user or _target_user(key.client)).casefold() or None

    return Term(wanted, _KeyResults(test), search, narrows_by_prefix=True, cost=_COST_TEXT)


_MAX_DIGITS = 18
"""Maximum number of digits of a client number. Python refuses to convert thousands of digits."""


def _concerns_client(key: RowKey, value: str, *, alone: bool) -> bool:
    """Return whether a client sent or received the frame; ``alone``: as the only recipient of its target.

    Without ``alone``, ``-client:2`` would also hide the frames to everyone.
    """
    if value in _client_numbers(key.client) or key.origin == f"client {value}":
        return True
    if not value.isdecimal() or len(value) > _MAX_DIGITS:
        return False
    if alone:
        return key.client != "all" and key.recipients == (int(value),)
    return int(value) in key.recipients


def _client_numbers(client: str) -> list[str]:
    """Return the client numbers in a row's ``client``: a number, or a target like ``client:3,5``."""
    return client.removeprefix("client:").partition(" ")[0].split(",")


def _target_user(client: str) -> str:
    """Return the user of a row's target, or an empty text if ``client`` is another target or a sender."""
    if not client.startswith("user:"):
        return ""
    try:
        return Target.parse(client).user or ""
    except ValueError:  # "user:" without a name, in a recording of another tool
        return ""


def _is_term(value: str) -> Term:
    if value == "injected":
        return _key_term("is:injected", lambda key: Origin(key.origin).injected)
    if value == PRIMING:
        return _key_term("is:priming", lambda key: key.origin == PRIMING)
    if value == "raw":
        return _key_term("is:raw", lambda key: key.kind is Kind.TO_UI and is_raw(key.event, key.note))
    if value == UI_STATE:
        return _key_term(f"is:{UI_STATE}", lambda key: key.kind is Kind.SERVER and key.event == UI_STATE)
    if value == "pinned":
        return _mark_term("is:pinned", lambda mark: mark.pinned)
    if value == "annotated":
        return _mark_term("is:annotated", lambda mark: bool(mark.annotation))
    if value == "lint":
        return _mark_term("is:lint", lambda mark: bool(mark.lint))
    if value not in tuple(Verdict):
        others = f"injected, priming, raw, {UI_STATE}, pinned, annotated or lint"
        raise FilterError(f"invalid is:{value}; use {', '.join(Verdict)}, {others}")
    return _key_term(f"is:{value}", lambda key: key.verdict == value)


def _number(pattern: re.Pattern[str], units: dict[str, int], value: str, example: str) -> int:
    found = pattern.fullmatch(value)
    if not found:
        name = example.partition(":")[0]
        raise FilterError(f"{name}:{value[:40]} is not a number of at most 12 digits; try {example}")
    return int(found[1]) * units.get((found[2] or "").lower(), 1)
