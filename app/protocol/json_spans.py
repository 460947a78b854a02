"""Find where an error is in the text of a frame, to underline it."""

import json
import re
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import NamedTuple

from app.protocol.event_type import EventProblem

_PLACE = re.compile(r"line (\d+) column (\d+)")
_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")
_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"\w+|.", re.DOTALL)
_decode = json.JSONDecoder().raw_decode


class Span(NamedTuple):
    """A part of a text: the offsets of its first character and of the one after its last, in characters."""

    start: int
    end: int


class _Value(NamedTuple):
    """A value in the text: where it or its key starts, where the value starts, and the end of the key if any."""

    start: int
    value: int
    key_end: int


def span_of(text: str, problem: EventProblem) -> Span:
    """Return the part of ``text`` that a problem is about: ``line 1 column 5`` or a path like ``data.text``.

    If the path does not exist, return the key of the object that lacks it.
    """
    if place := _PLACE.fullmatch(problem.path):
        return _at(text, int(place[1]), int(place[2]))
    try:
        return _path_span(text, problem.path)
    except (ValueError, IndexError, StopIteration, RecursionError):
        return Span(0, len(text)) if len(text) < 2 else Span(0, 1)


def _at(text: str, line: int, column: int) -> Span:
    start = 0
    for _ in range(line - 1):
        start = text.find("\n", start) + 1
    start = min(start + column - 1, len(text))
    found = _WORD.match(text, start)
    if not found or found[0].isspace():  # something is missing here: underline what is before it
        before = len(text[:start].rstrip())
        return Span(max(before - 1, 0), max(before, min(1, len(text))))
    return Span(start, found.end())


def _path_span(text: str, path: str) -> Span:
    steps = _STEP.findall(path)
    start = _skip(text, 0)
    found = _Value(start, start, start)
    for step in steps:
        inner = _element(text, found.value, int(step[1:-1])) if step[0] == "[" else _member(text, found.value, step)
        if inner is None:
            if len(steps) == 1 and (last := text.rfind(f'"{step}"')) >= 0:
                return Span(last, last + len(step) + 2)  # a duplicate key somewhere
            return _short(text, found)
        found = inner
    return _short(text, found)


def _short(text: str, found: _Value) -> Span:
    """Return the span of a scalar with its key, of the key of an object or list, or of its first bracket."""
    if text[found.value] not in "{[":
        return Span(found.start, _decode(text, found.value)[1])
    return Span(found.start, max(found.key_end, found.start + 1))


def _member(text: str, at: int, name: str) -> _Value | None:
    if text[at] != "{":
        return None
    at = _skip(text, at + 1)
    while text[at] == '"':
        key, end = scanstring(text, at + 1, True)
        value = _skip(text, _skip(text, end) + 1)
        if key == name:
            return _Value(at, value, end)
        at = _skip(text, _decode(text, value)[1])
        if text[at] != ",":
            return None
        at = _skip(text, at + 1)
    return None


def _element(text: str, at: int, index: int) -> _Value | None:
    if text[at] != "[":
        return None
    at = _skip(text, at + 1)
    for _ in range(index):
        at = _skip(text, _decode(text, at)[1])
        if text[at] != ",":
            return None
        at = _skip(text, at + 1)
    return None if text[at] == "]" else _Value(at, at, at)


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    assert found
    return found.end()
