"""Parse one statement of a transcript, for example ``alice (types 2s): hi there``, into the JSON of a step.
A transcript is a session as readable text. ``wait_seconds`` reads a pause such as ``wait 2s``, which delays the
next step; at the end of a block it is a step of its own. ``transcript_parser`` calls this module for each line that
is not a comment, and adds the steps that are indented below.
"""

import re
from collections.abc import Callable
from typing import Any

from app.protocol.did_you_mean import suggestion
from app.protocol.envelope import BadFrame, parse_json
from app.protocol.event_type import EventProblem
from app.protocol.faults.draws import MAX_SEED
from app.protocol.faults.rest import parse_rest_fault, parse_rest_word
from app.protocol.faults.words import InvalidFault, parse_fault
from app.protocol.json_spans import SpanFinder
from app.protocol.refusals import MAX_REFUSALS
from app.protocol.session.actions import MAX_REPEATS
from app.protocol.session.words import Line, Words, unquoted

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
JSON_MARK = "!"
"""Begins a statement that is a step in JSON."""
EVERY = "every"
"""The key of the pause before each round of ``repeat``. It is not part of the JSON of a step."""

Fields = dict[str, Any]

_MESSAGE = re.compile(
    r"""(?P<name>"(?:[^"\\]|\\.)*"|[^\s:()"]+)(?P<gap>\s*)(?:\((?P<options>[^)]*)\)\s*)?:(?P<text>.*)"""
)
_FIELD = re.compile(r"\w+")
_VERBS: dict[tuple[str, str], Fields] = {
    ("comes", "online"): {"presence": "online"},
    ("goes", "offline"): {"presence": "offline"},
    ("starts", "typing"): {"typing": True},
    ("stops", "typing"): {"typing": False},
}


def parse_statement(line: Line) -> Fields:
    """Return the JSON of the step on a line.

    The steps of ``when`` and ``repeat`` are an empty list: they are on the lines below. Raises ``InvalidSession``.
    """
    statement = line.statement
    if statement.startswith(JSON_MARK):
        return json_fields(line)
    if message := _message(line):
        return _say(line, message)
    keyword = statement.split(None, 1)[0]
    if reader := _READERS.get(keyword):
        return reader(line)
    return _verb(line)


def wait_seconds(line: Line) -> float | None:
    """Return the duration of a statement like ``wait 500ms``, or None for any other statement."""
    first, *rest = line.statement.split(None, 2)
    if first != "wait" or rest[:1] == ["for"] or _message(line):
        return None
    words = Words(line)
    words.take("wait")
    seconds = words.duration()
    words.end()
    return seconds


def json_fields(line: Line) -> Fields:
    """Return the JSON object of a statement like ``! {"mark": "start"}``. Raises ``InvalidSession``."""
    text = line.statement.removeprefix(JSON_MARK)
    try:
        fields = parse_json(text)
    except BadFrame as error:
        raise line.error(f"{error.reason}.", line.column + 1 + _offset(text, error)) from None
    if not isinstance(fields, dict):
        raise line.error('A step must be an object like {"say": "hi", "as": "alice"}.')
    return fields


def _offset(text: str, error: BadFrame) -> int:
    """Return the offset in one line of JSON at which it is invalid."""
    return SpanFinder(text).span_of(EventProblem(error.where, "")).start if error.where else 0


def _message(line: Line) -> re.Match[str] | None:
    """Return the match of ``NAME: text`` or ``NAME (options): text``."""
    found = _MESSAGE.fullmatch(line.statement)
    if found and found["options"] is not None and found["gap"] and found["name"] in KEYWORDS:
        return None  # ``note (see below): …`` is a note
    return found


def _say(line: Line, found: re.Match[str]) -> Fields:
    name = unquoted(found["name"], line, line.column) if found["name"].startswith('"') else found["name"]
    if not name:
        raise line.error("Invalid name in quotation marks.")
    text = found["text"].strip()
    inner = None
    if text.startswith('"'):
        inner = unquoted(text, line, line.column + found.end() - len(found["text"].lstrip()))
    if not text:
        raise line.error('Add the text of the message, or "" for an empty one.', line.column + found.end())
    fields: Fields = {"say": text if inner is None else inner, "as": name}
    if found["options"] is not None:
        words = Words(line, found.start("options"), found.end("options"))
        while words.more:
            if words.take_once("types"):
                fields["typing"] = words.duration()
            elif words.take_once("to"):
                fields["to"] = words.target()
            else:
                words.fail("Use (types 2s), (to NAME) or both.")
    return fields


def _verb(line: Line) -> Fields:
    words = Words(line)
    name = words.name("Write a statement.")
    for verb, fields in _VERBS.items():
        if words.take(*verb):
            result = {**fields, ("user" if "presence" in fields else "as"): name}
            if fields.get("typing") and words.take("for"):
                result["for"] = words.duration()
            words.end()
            return result
    hint = suggestion(name, KEYWORDS) or "."
    examples = "NAME: text, NAME comes online, wait 500ms, expect EVENT or fire EVENT"
    raise line.error(f"Unknown statement {name[:40]!r}{hint} Write for example {examples}.")


def _cause(words: Words) -> str:
    """Read a client event, or the method and path of a REST call."""
    first = words.name("Name a client event, or a REST call like POST /messages.")
    if first in METHODS or (first.upper() in METHODS and words.next_text.startswith("/")):
        return f"{first.upper()} {words.word('Add a path like /messages.')}"
    return first


def _expect(line: Line) -> Fields:
    words = Words(line)
    words.take("expect")
    fields: Fields = {"expect": _cause(words)}
    while words.more:
        if words.take_once("within"):
            fields["within"] = words.duration()
        elif not _condition(words, fields):
            words.fail(f"Unexpected {words.next_text[:40]!r}. Use from NAME, where PATH=VALUE or within 5s.")
    return fields


def _condition(words: Words, fields: Fields) -> bool:
    """Read ``from NAME`` or ``where PATH=VALUE …`` if it follows; return whether it did."""
    if words.take_once("from"):
        fields["from"] = words.name("Name the user.")
    elif words.take_once("where"):
        fields["where"] = words.conditions()
    else:
        return False
    return True


def _when(line: Line) -> Fields:
    words = Words(line)
    words.take("when")
    fields: Fields = {"when": _cause(words), "do": []}
    while words.more:
        if not _condition(words, fields):
            times = words.number("Use from NAME, where PATH=VALUE or 3 times.", MAX_REPEATS)
            if "times" in fields:
                words.fail("times is given twice.")
            if not (words.take("times") or words.take("time")):
                words.fail("Add times after the number.")
            fields["times"] = times
    return fields


def _repeat(line: Line) -> Fields:
    words = Words(line)
    words.take("repeat")
    fields: Fields = {"repeat": words.number("Add the number of repetitions.", MAX_REPEATS), "steps": []}
    if words.take("every"):
        fields[EVERY] = words.duration()
    words.end()
    return fields


def _wait_for(line: Line) -> Fields:
    words = Words(line)
    words.take("wait", "for")
    fields: Fields = {"client": words.target()}
    if words.take("within"):
        fields["within"] = words.duration()
    words.end()
    return {"wait": fields}


def _fire(line: Line) -> Fields:
    words = Words(line)
    words.take("fire")
    key, values = "fire", "data"
    if words.next_text == "fixture" and len(line.statement.split()) > 2:
        words.take("fixture")
        key, values = "fixture", "set"
    name = words.name("Name an event or a fixture.")
    if "/" in name:
        key, values = "fixture", "set"
    fields: Fields = {key: name}
    while words.more:
        if words.take_once("as"):
            fields["as"] = words.name("Name the user.")
        elif words.take_once("to"):
            fields["to"] = words.target()
        elif words.take_once("with"):
            fields[values] = words.conditions()
        else:
            words.fail(f"Unexpected {words.next_text[:40]!r}. Use as NAME, to NAME or with FIELD=VALUE.")
    for path in fields.get("data", ()):
        if not _FIELD.fullmatch(path):
            example = '! {"fire": …, "data": …}'
            raise line.error(f"{path[:40]!r} is not the name of a field. Write nested data as JSON: {example}.")
    return fields


def _close(line: Line) -> Fields:
    words = Words(line)
    words.take("close")
    fields: Fields = {"close": words.target()}
    if words.more:
        fields["code"] = words.number("Add a close code.", 4999)
    if words.more:
        fields["reason"] = words.name("")
    words.end()
    return fields


def _abort(line: Line) -> Fields:
    words = Words(line)
    words.take("abort")
    fields: Fields = {"abort": words.target()}
    words.end()
    return fields


def _refuse(line: Line) -> Fields:
    words = Words(line)
    words.take("refuse")
    fields: Fields = {"refuse": words.number("Add the number of connections.", MAX_REFUSALS)}
    if words.take("with"):
        fields["mode"] = words.word("Add 503, reset, silence, close:CODE or garbage.")
    words.end()
    return fields


def _faults(line: Line) -> Fields:
    words = Words(line)
    words.take("faults")
    fields: Fields = {"faults": words.target()}
    if words.take("clear"):
        words.end()
        return fields
    while words.more:
        if words.take_once("profile"):
            fields["profile"] = words.name("Name the profile.")
        elif words.take_once("direction"):
            fields["direction"] = words.word("Add to_ui, from_ui or both.")
        elif words.take_once("only"):
            fields["only"] = words.name("Add a filter.")
        elif words.take_once("seed"):
            fields["seed"] = words.number("Add a number.", MAX_SEED, 0)
        else:
            _add_fault(words, fields, parse_fault)
    if not (fields.get("set") or fields.get("profile")):
        words.fail("Add faults like loss=0.5, or profile NAME, or clear.")
    return fields


def _rest_fault(line: Line) -> Fields:
    words = Words(line)
    words.take("rest_fault")
    method = words.word("Name a method and a path, like POST /messages.")
    route = f"{method} {words.word('Add a path like /messages.')}"
    fields: Fields = {"rest_fault": route}
    if words.take("clear"):
        words.end()
        return fields
    while words.more:
        if words.take_once("seed"):
            fields["seed"] = words.number("Add a number.", MAX_SEED, 0)
        else:
            _add_fault(words, fields, parse_rest_word)
    try:
        parse_rest_fault(route, fields.get("set", []))
    except InvalidFault as error:
        raise line.error(str(error)) from None
    return fields


def _add_fault(words: Words, fields: Fields, parse: Callable[[str], object]) -> None:
    try:
        parse(words.next_text)
    except InvalidFault as error:
        words.fail(str(error))
    fields.setdefault("set", []).append(words.word(""))


def _state(line: Line) -> Fields:
    words = Words(line)
    words.take("state")
    fields: Fields = {"state": words.word("Add load FILE, save FILE or reset.")}
    if words.more:
        fields["file"] = words.name("")
    words.end()
    return fields


def _rest_of_line(keyword: str) -> Callable[[Line], Fields]:
    def read(line: Line) -> Fields:
        text = line.statement.removeprefix(keyword).strip()
        if not text:
            raise line.error(f"Add a text after {keyword}.")
        return {keyword: text}

    return read


def _setting(line: Line) -> Fields:
    raise line.error("seed and me must come before the first step.")


_READERS: dict[str, Callable[[Line], Fields]] = {
    "wait": _wait_for,
    "expect": _expect,
    "when": _when,
    "repeat": _repeat,
    "fire": _fire,
    "close": _close,
    "abort": _abort,
    "refuse": _refuse,
    "faults": _faults,
    "rest_fault": _rest_fault,
    "state": _state,
    "mark": _rest_of_line("mark"),
    "note": _rest_of_line("note"),
    "seed": _setting,
    "me": _setting,
}
KEYWORDS = frozenset(_READERS)
"""The first words of statements. A user with such a name is written in quotation marks."""
