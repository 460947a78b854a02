"""The log's filter language: ``event:typing dir:c2s -user:alice is:invalid larger:1k "quoted" /regex/``.

Words are joined by *and*; ``-`` negates one. A word without a key searches payload, event and note.
"""

import json
import re
import time
from collections.abc import Callable
from typing import NamedTuple

from app.hub.journal import Kind, Row, Verdict

Predicate = Callable[[Row], bool]

REGEX_S = 0.05
REGEX_CHANCES = 4
"""An expression that takes longer than that on a row does not match it, and after so many rows none at all."""

KEYS = ("event", "dir", "client", "user", "is", "larger", "after", "origin")
_TOKEN = re.compile(r'-?(?:[a-z]+:)?"[^"]*"?|-?/(?:[^/\\]|\\.)*/|\S+')
_DIRECTIONS = {"s2c": Kind.TO_UI, "down": Kind.TO_UI, "to": Kind.TO_UI, "c2s": Kind.FROM_UI, "up": Kind.FROM_UI,
               "from": Kind.FROM_UI, "server": Kind.SERVER}  # fmt: skip
_SIZE = re.compile(r"(\d+)(k|m)?b?", re.IGNORECASE)
_AGE = re.compile(r"(\d+)(s|m|h)?")
_UNITS = {"s": 1, "m": 60, "h": 3600}
_FACTORS = {"k": 1024, "m": 1024 * 1024}


class Filter(NamedTuple):
    """A parsed filter; ``complaints`` says what in it was not understood (such words match as text)."""

    matches: Predicate
    complaints: tuple[str, ...] = ()


def parse(text: str, now: Callable[[], float] = time.time) -> Filter:
    """Parse a filter; never fails. ``now`` gives seconds since the epoch."""
    predicates: list[Predicate] = []
    complaints: list[str] = []
    for token in _TOKEN.findall(text):
        negated = token.startswith("-") and len(token) > 1
        word = token[1:] if negated else token
        if word.endswith(":") and word[:-1] in KEYS:
            continue  # still being typed
        try:
            predicate = _predicate(word, now)
        except ValueError as error:
            complaints.append(str(error))
            predicate = _text(word)
        predicates.append(_not(predicate) if negated else predicate)
    return Filter(lambda row: all(holds(row) for holds in predicates), tuple(complaints))


def _not(predicate: Predicate) -> Predicate:
    return lambda row: not predicate(row)


def _predicate(word: str, now: Callable[[], float]) -> Predicate:
    if len(word) > 2 and word.startswith("/") and word.endswith("/"):
        return _regex(word[1:-1])
    if word.startswith('"'):
        return _text(word.strip('"'))
    key, colon, value = word.partition(":")
    if not colon or not key.isalpha():
        return _text(word)
    value = value.strip('"')
    if key not in KEYS:
        raise ValueError(f"unknown key {key!r} (known: {', '.join(KEYS)})")
    return _keyed(key, value, now)


def _keyed(key: str, value: str, now: Callable[[], float]) -> Predicate:
    match key:
        case "event":
            return lambda row: value in row.event
        case "client":
            return lambda row: value in _numbers(row.client) or row.origin == f"client {value}"
        case "origin":
            return lambda row: row.origin.startswith(value)
        case "user":
            quoted = json.dumps(value, ensure_ascii=False).encode()
            return lambda row: quoted in row.payload or value == row.user or row.client == f"user:{value}"
        case "dir" if value in _DIRECTIONS:
            kind = _DIRECTIONS[value]
            return lambda row: row.kind is kind
        case "dir":
            raise ValueError(f"dir:{value}: use s2c, c2s or server")
        case "is":
            return _is(value)
        case "larger":
            size = _number(_SIZE, _FACTORS, value, "larger:1k")
            return lambda row: row.size > size
        case _:
            moment = now() - _number(_AGE, _UNITS, value, "after:10s")
            return lambda row: row.wall >= moment


def _numbers(client: str) -> list[str]:
    """Return the client numbers that a row names: ``3``, or the target ``client:3,5``."""
    return client.removeprefix("client:").split(",")


def _is(value: str) -> Predicate:
    if value == "injected":
        return lambda row: row.origin in ("panel", "tray", "control")
    if value not in tuple(Verdict):
        raise ValueError(f"is:{value}: use {', '.join(Verdict)} or injected")
    return lambda row: row.verdict == value


def _number(pattern: re.Pattern[str], units: dict[str, int], value: str, example: str) -> int:
    found = pattern.fullmatch(value)
    if not found:
        raise ValueError(f"{example.partition(':')[0]}:{value} is no number; try {example}")
    return int(found[1]) * units.get((found[2] or "").lower(), 1)


def _text(word: str) -> Predicate:
    wanted = word.casefold()
    return lambda row: wanted in _haystack(row).casefold()


def _regex(pattern: str) -> Predicate:
    import regex  # Python's own cannot be stopped; loaded only by those who use it

    try:
        search = regex.compile(pattern, regex.IGNORECASE).search
    except regex.error as error:
        raise ValueError(f"/{pattern}/ is no regular expression ({error}); searched as text") from None
    given_up = 0

    def matches(row: Row) -> bool:
        nonlocal given_up
        if given_up >= REGEX_CHANCES:
            return False
        try:
            return search(_haystack(row), timeout=REGEX_S) is not None
        except TimeoutError:
            given_up += 1
            return False

    return matches


def _haystack(row: Row) -> str:
    return f"{row.event}\n{row.note}\n{row.payload.decode('utf-8', 'replace')}"
