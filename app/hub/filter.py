"""The log's filter language: ``event:typing dir:c2s -user:alice is:invalid larger:1k "quoted" /regex/``.

Terms are joined by *and*; ``-`` negates a term. A term without a key searches payload, event and note.

Most terms depend only on a row's key, and many rows share a key, so each key is tested once. Terms that a key
cannot decide are tested on the rows themselves, in order of cost (``payload_matcher.py`` has the expensive ones).
"""

import json
import re
import time
from collections.abc import Callable, Sequence
from itertools import compress
from operator import not_
from typing import NamedTuple

from app.hub.origin import PRIMING, Origin
from app.hub.payload_matcher import FilterError, PayloadMatcher, bytes_search, expression_search, text_search
from app.hub.row import Kind, Row, RowKey, Verdict
from app.hub.row_store import Columns
from app.hub.target import Target

KEYS = ("event", "dir", "client", "user", "is", "larger", "after", "origin")
_TOKEN = re.compile(r'-?(?:[a-z]+:)?"[^"]*"?|-?/(?:[^/\\]|\\.)*/|\S+')
_DIRECTIONS = {"s2c": Kind.TO_UI, "down": Kind.TO_UI, "to": Kind.TO_UI, "c2s": Kind.FROM_UI, "up": Kind.FROM_UI,
               "from": Kind.FROM_UI, "server": Kind.SERVER}  # fmt: skip
_SIZE = re.compile(r"([0-9]{1,12})(k|m)?b?", re.IGNORECASE)
_AGE = re.compile(r"([0-9]{1,12})(s|m|h)?")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_FACTORS = {"k": 1024, "m": 1024 * 1024}
_MAX_KEYS = 10_000

OnHead = Callable[[RowKey], bool | None]
"""What a head alone says; None: the rest of the row decides."""


class _Verdicts(dict[RowKey, bool | None]):
    """What a word makes of each head, asked once per head."""

    def __init__(self, judge: OnHead) -> None:
        super().__init__()
        self._judge = judge

    def __missing__(self, head: RowKey) -> bool | None:
        if len(self) >= _MAX_KEYS:
            self.clear()  # every head that is known here is kept alive by it
        verdict = self[head] = self._judge(head)
        return verdict


class Term(NamedTuple):
    """One word of a filter. ``rest`` says which of the rows pass whose heads left it open.

    ``narrows_by_prefix``: with more letters it can only find less.
    """

    text: str
    on_head: _Verdicts
    rest: PayloadMatcher | None = None
    negated: bool = False
    narrows_by_prefix: bool = False
    cost: int = 0

    def narrows(self, other: "Term") -> bool:
        """Return whether nothing passes here that does not pass ``other``."""
        if self.cost != other.cost or self.negated != other.negated or self.cost == _REGEX:
            return False  # an expression may have given up on rows that it finds when it is asked again
        longer = self.narrows_by_prefix and not self.negated and self.text.startswith(other.text)
        return longer or self.text == other.text


class Filter(NamedTuple):
    """A parsed filter; ``warnings`` says what in it was not understood (such words match as text)."""

    words: tuple[Term, ...]
    warnings: tuple[str, ...] = ()

    @property
    def slow(self) -> bool:
        """Whether a single row may take milliseconds."""
        return any(word.cost == _REGEX for word in self.words)

    def matches(self, row: Row) -> bool:
        """Return whether a row passes."""
        return bool(self.passing(Columns([RowKey.of(row)], [row.wall], [row.payload])))

    def passing(self, span: Columns, among: Sequence[int] | None = None) -> Sequence[int]:
        """Return the places in ``span`` of the rows that pass, in order; ``among``: of these only."""
        places: Sequence[int] = range(len(span.heads)) if among is None else among
        for word in self.words:
            if not places:
                break
            says: Sequence[bool | None] = list(map(word.on_head.__getitem__, span.heads_at(places)))
            if word.rest and (asked := [place for place, each in zip(places, says, strict=True) if each is None]):
                answers = word.rest(span, asked)
                if word.negated:
                    answers = list(map(not_, answers))
                if len(asked) == len(places):
                    says = answers
                else:
                    answered = iter(answers)
                    says = [next(answered) if each is None else each for each in says]
            places = list(compress(places, says))
        return places

    def narrows(self, other: "Filter") -> bool:
        """Return whether nothing passes here that does not pass ``other``: then its rows are enough to look at."""
        return all(any(mine.narrows(word) for mine in self.words) for word in other.words)


def parse(text: str, now: Callable[[], float] = time.time) -> Filter:
    """Parse a filter; never fails. ``now`` gives seconds since the epoch."""
    words: list[Term] = []
    warnings: list[str] = []
    for token in _TOKEN.findall(text):
        negated = token.startswith("-") and len(token) > 1
        bare = token[1:] if negated else token
        if bare.endswith(":") and bare[:-1] in KEYS:
            continue  # still being typed
        try:
            word = _word(bare, now)
        except FilterError as error:
            warnings.append(str(error))
            word = _text(bare)
        words.append(_not(word) if negated else word)
    return Filter(tuple(sorted(words, key=lambda word: word.cost)), tuple(warnings))


_HEAD, _ROW, _TEXT, _REGEX = range(4)
"""How cost a word is."""


def _not(word: Term) -> Term:
    def judge(head: RowKey) -> bool | None:
        verdict = word.on_head[head]
        return None if verdict is None else not verdict

    return word._replace(text=f"-{word.text}", on_head=_Verdicts(judge), negated=True)


def _word(bare: str, now: Callable[[], float]) -> Term:
    if len(bare) > 2 and bare.startswith("/") and bare.endswith("/"):
        return Term(bare, _Verdicts(lambda _: None), expression_search(bare[1:-1]), cost=_REGEX)
    if bare.startswith('"'):
        return _text(bare.strip('"'))
    key, colon, value = bare.partition(":")
    if not colon or not key.isalpha():
        return _text(bare)
    value = value.strip('"')
    if key not in KEYS:
        raise FilterError(f"unknown key {key!r} (known: {', '.join(KEYS)})")
    return _keyed(key, value, now)


def _keyed(key: str, value: str, now: Callable[[], float]) -> Term:
    text = f"{key}:{value}"
    match key:
        case "event":
            return _head(text, lambda head: value in head.event, narrows_by_prefix=True)
        case "client":
            return _head(
                text,
                lambda head: value in _numbers(head.client) or head.origin == f"client {value}",
            )
        case "origin":
            return _head(text, lambda head: head.origin.startswith(value), narrows_by_prefix=True)
        case "user":
            quoted = json.dumps(value, ensure_ascii=False).encode(errors="surrogatepass")
            return Term(
                text,
                _Verdicts(lambda head: True if value == head.user or _user(head.client) == value else None),
                bytes_search(quoted),
                cost=_ROW,
            )
        case "dir" if value in _DIRECTIONS:
            kind = _DIRECTIONS[value]
            return _head(text, lambda head: head.kind is kind)
        case "dir":
            raise FilterError(f"dir:{value}: use s2c, c2s or server")
        case "is":
            return _is(value)
        case "larger":
            size = _number(_SIZE, _FACTORS, value, "larger:1k")
            return _row(text, lambda span, places: [len(span.payloads[place]) > size for place in places])
        case _:
            moment = now() - _number(_AGE, _UNITS, value, "after:10s")
            # The moment is part of the text: the same words mean something else a minute later.
            return _row(f"{text}@{moment}", lambda span, places: [span.walls[place] >= moment for place in places])


def _head(text: str, judge: OnHead, *, narrows_by_prefix: bool = False) -> Term:
    return Term(text, _Verdicts(judge), narrows_by_prefix=narrows_by_prefix)


def _row(text: str, rest: PayloadMatcher) -> Term:
    return Term(text, _Verdicts(lambda _: None), rest, cost=_ROW)


def _text(value: str) -> Term:
    wanted = value.casefold()
    search = text_search(wanted)
    # A line break may lie on the border between event, note and payload: then the row as a whole is asked.
    judge: OnHead = lambda head: wanted in f"{head.event}\n{head.note}\n".casefold() or None  # noqa: E731
    return Term(wanted, _Verdicts(judge), search, narrows_by_prefix=True, cost=_TEXT)


def _numbers(client: str) -> list[str]:
    """Return the client numbers that a row names: ``3``, or the target ``client:3,5``."""
    return client.removeprefix("client:").partition(" ")[0].split(",")


def _user(client: str) -> str:
    """Return the user that a target names; empty for other targets and for senders."""
    return (Target.parse(client).user or "") if client.startswith("user:") else ""


def _is(value: str) -> Term:
    if value == "injected":
        return _head("is:injected", lambda head: Origin(head.origin).injected)
    if value == PRIMING:
        return _head("is:priming", lambda head: head.origin == PRIMING)
    if value not in tuple(Verdict):
        raise FilterError(f"is:{value}: use {', '.join(Verdict)}, injected or priming")
    return _head(f"is:{value}", lambda head: head.verdict == value)


def _number(pattern: re.Pattern[str], units: dict[str, int], value: str, example: str) -> int:
    found = pattern.fullmatch(value)
    if not found:
        key = example.partition(":")[0]
        raise FilterError(f"{key}:{value[:40]} is not a number of at most 12 digits; try {example}")
    return int(found[1]) * units.get((found[2] or "").lower(), 1)
