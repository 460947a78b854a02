"""Find the part of a JSON text that an error is about, by its path or its line and column.
Editors underline it, and errors in event files and sessions get their line or column from it. ``members`` finds the
names of an object's fields, so that ``wire_names`` can replace them.
"""

import json
import re
from collections.abc import Iterator
from itertools import islice
from json.decoder import scanstring  # type: ignore[attr-defined]
from typing import NamedTuple

from app.protocol.event_type import EventProblem

_PLACE = re.compile(r"line (\d+) column (\d+)")
_STEP = re.compile(r"[^.\[\]]+|\[\d+\]")
_SPACE = re.compile(r"[ \t\n\r]*")
_WORD = re.compile(r"\w+|.", re.DOTALL)
_decode = json.JSONDecoder().raw_decode


MAX_MEMBERS = 2_000
"""At most this many members of an object are searched, because that takes time on the event loop."""


class Span(NamedTuple):
    """A part of a text: the offsets of its first character and of the one after its last, in characters."""

    start: int
    end: int


class _Value(NamedTuple):
    """A value in the text: where it or its key starts, where the value starts, and the end of the key if any."""

    start: int
    value: int
    key_end: int


class SpanFinder:
    """Find the places of errors in one text. The members of each object are read once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._objects: dict[int, dict[str, _Value]] = {}
        """The members of the objects that were read, by the offset of the object."""

    def span_of(self, problem: EventProblem) -> Span:
        """Return the part of the text that a problem is about: ``line 1 column 5`` or a path like ``data.text``.

        If the path does not exist, return the key of the object that lacks it.
        """
        if place := _PLACE.fullmatch(problem.path):
            return _at(self._text, int(place[1]), int(place[2]))
        try:
            return self._path_span(problem.path)
        except (ValueError, IndexError, StopIteration, RecursionError):
            return Span(0, min(len(self._text), 1))

    def _path_span(self, path: str) -> Span:
        steps = _STEP.findall(path)
        start = _skip(self._text, 0)
        found = _Value(start, start, start)
        for step in steps:
            if step[0] == "[":
                inner = _element(self._text, found.value, int(step[1:-1]))
            else:
                inner = self._members(found.value).get(step)
            if inner is None:
                if len(steps) == 1 and (last := self._text.rfind(f'"{step}"')) >= 0:
                    return Span(last, last + len(step) + 2)  # a duplicate key somewhere
                break
            found = inner
        return self._short(found)

    def _short(self, found: _Value) -> Span:
        """Return the span of a scalar with its key, of the key of an object or list, or of its first bracket."""
        if self._text[found.value] not in "{[":
            return Span(found.start, _decode(self._text, found.value)[1])
        return Span(found.start, max(found.key_end, found.start + 1))

    def _members(self, at: int) -> dict[str, _Value]:
        if at not in self._objects:
            self._objects[at] = dict(islice(_members(self._text, at), MAX_MEMBERS))
        return self._objects[at]


def members(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield the names of the fields of a JSON object, which is valid, and where each name starts and ends."""
    for name, place in _members(text, _skip(text, 0)):
        yield name, place.start, place.key_end


def _members(text: str, at: int) -> Iterator[tuple[str, _Value]]:
    """Yield the names and places of an object's members."""
    if text[at] != "{":
        return
    at = _skip(text, at + 1)
    while text[at] == '"':
        key, end = scanstring(text, at + 1, True)
        value = _skip(text, _skip(text, end) + 1)
        yield key, _Value(at, value, end)
        at = _skip(text, _decode(text, value)[1])
        if text[at] != ",":
            return
        at = _skip(text, at + 1)


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
