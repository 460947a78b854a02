"""Find the parts of a line of a scenario to colour: for example names, keywords, durations, values and templates.
A scenario is a script with lines such as ``alice (types 2s): hi``, or with steps in JSON. The highlighter in
``transcript_editor`` colours them; ``transcript_completion`` uses ``message`` to recognise messages. Nothing is
validated.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from app.protocol.session.statements import JSON_MARK, KEYWORDS, METHODS

OPTIONS = frozenset(
    (
        "as",
        "to",
        "with",
        "from",
        "where",
        "within",
        "for",
        "every",
        "time",
        "times",
        "fixture",
        "load",
        "save",
        "reset",
        "profile",
        "direction",
        "only",
        "seed",
        "clear",
    )
) | {"types", "comes", "online", "goes", "offline", "starts", "stops", "typing"}
"""Words that are keywords after the first word of a statement."""
TEXT_FOLLOWS = ("note", "mark")
_STATEMENT = re.compile(
    r"""(?P<name>"(?:[^"\\]|\\.)*"|[^\s:()"]+)(?P<gap>\s*)(?P<options>\([^)]*\)\s*)?:(?P<text>.*)"""
)
_WORD = re.compile(r"""(?:[^\s"'()]|"(?:[^"\\]|\\.)*"?|'[^']*'?)+""")
_DURATION = re.compile(r"\d+(?:\.\d+)?(?:ms|s)|\d+")
_TEMPLATE = re.compile(r"\{\{.*?\}\}")
_JSON = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))|(?P<string>"(?:[^"\\]|\\.)*"?)|(?P<number>-?\b\d[\d.eE+-]*)'
)


class Part(NamedTuple):
    """A part of a line: its offsets, and its kind: comment, name, keyword, duration, string or template."""

    start: int
    end: int
    kind: str


def parts_of(line: str) -> Iterator[Part]:
    """Yield the parts of a line that have a colour."""
    start = len(line) - len(line.lstrip())
    statement = line[start:]
    if not statement:
        return
    if statement.startswith("#"):
        yield Part(start, len(line), "comment")
    elif statement.startswith((JSON_MARK, "{")):
        yield from _json(line, start)
    elif found := message(statement):
        yield from _message(found, start)
    else:
        yield from _words(statement, start)


def message(statement: str) -> "re.Match[str] | None":
    """Return the match of ``NAME (options): text``; None for other statements."""
    found = _STATEMENT.match(statement)
    if found and found["options"] and found["gap"] and found["name"] in KEYWORDS:
        return None
    return found


def _json(line: str, start: int) -> Iterator[Part]:
    if line[start] == JSON_MARK:
        yield Part(start, start + 1, "keyword")
    kinds = {"key": "keyword", "string": "string", "number": "duration"}
    for found in _JSON.finditer(line, start):
        yield Part(found.start(), found.end(), kinds[str(found.lastgroup)])


def _message(found: "re.Match[str]", start: int) -> Iterator[Part]:
    yield Part(start, start + found.end("name"), "name")
    if found["options"]:
        yield from _rest(found["options"], start + found.start("options"))
    for each in _TEMPLATE.finditer(found.string, found.start("text")):
        yield Part(start + each.start(), start + each.end(), "template")


def _words(statement: str, start: int) -> Iterator[Part]:
    first = _WORD.match(statement)
    if not first:
        return
    is_keyword = first[0] in KEYWORDS
    yield Part(start, start + first.end(), "keyword" if is_keyword else "name")
    if first[0] not in TEXT_FOLLOWS:
        yield from _rest(statement[first.end() :], start + first.end())


def _rest(text: str, start: int) -> Iterator[Part]:
    """Yield the parts of the words after the first one."""
    for found in _WORD.finditer(text):
        word, at = found[0], start + found.start()
        if word in OPTIONS or word in METHODS:
            yield Part(at, at + len(word), "keyword")
        elif _DURATION.fullmatch(word):
            yield Part(at, at + len(word), "duration")
        else:
            _, equals, value = word.partition("=")
            quoted = value if equals else word
            if quoted[:1] in ("'", '"') or (equals and "{{" not in value):
                yield Part(at + len(word) - len(quoted), at + len(word), "string")
            for each in _TEMPLATE.finditer(word):
                yield Part(at + each.start(), at + each.end(), "template")
