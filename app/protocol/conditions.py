"""Parse and format ``path=value`` texts such as ``text=hi``: a field to set, or a condition on a field.
They are written after options of commands such as ``--set`` and ``--where``, for an expectation in the window, and
in transcripts of sessions (``words`` there reads values in quotation marks itself). The value is read as JSON, or
as text if it is not valid JSON.
"""

import json
import re
import shlex
from collections.abc import Iterable
from typing import Any

from app.protocol.envelope import BadFrame, parse_json
from app.protocol.json_path import BadPath, absolute_path, check_path

_PIECE = re.compile(r"""([^ \t\r\n"'\\]+)|'([^']*)'|"([^"\\]*(?:\\.[^"\\]*)*)"|\\(.)""", re.DOTALL)
"""A part of a word: without quotation marks, in single or double ones, or a character after a backslash."""
_ESCAPED = re.compile(r"""\\(["\\])""")
_CUT_ESCAPE = re.compile(r"""(?:"[^"\\]*(?:\\.[^"\\]*)*)?\\""", re.DOTALL)


class BadCondition(ValueError):
    """A condition that cannot be parsed. The text is shown to users."""


def parse_value(text: str) -> Any:
    """Parse a value as JSON (``true``, ``3``, ``"3"``), or return it as text if it is not valid JSON.

    ``NaN`` and lone surrogates are not valid: neither a fixture nor a request can contain them.
    """
    try:
        return parse_json(text)
    except BadFrame:
        return text


def parse_assignments(texts: Iterable[str]) -> dict[str, Any]:
    """Parse ``path=value`` texts into a dictionary; values as ``parse_value`` reads them.

    Raises ``BadCondition``, also for a path that is given twice: ``text`` is ``data.text``.
    """
    found: dict[str, Any] = {}
    given: set[str] = set()
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise BadCondition(f"{text[:80]!r} is not in the form path=value, for example data.text=hi")
        if (whole := absolute_path(path)) in given:
            raise BadCondition(f"{path[:80]!r} is given twice; give it one value")
        given.add(whole)
        found[path] = parse_value(value)
    return found


def parse_conditions(text: str) -> dict[str, Any]:
    """Parse conditions on one line, separated and quoted as in a shell: ``text="hi there" typing=true``.

    Raises ``BadCondition``.
    """
    try:
        found = parse_assignments(_split(text))
        for path in found:
            check_path(path)
    except BadPath as bad:
        raise BadCondition(str(bad)) from None
    return found


def _split(text: str) -> list[str]:
    """Return the words of a text as ``shlex.split`` does, which takes quadratic time for a long word."""
    words: list[str] = []
    pieces: list[str] = []
    at = 0
    while at < len(text):
        if text[at] in " \t\r\n":
            if pieces:
                words.append("".join(pieces))
                pieces.clear()
            at += 1
        elif found := _PIECE.match(text, at):
            plain, single, double, escaped = found.groups()
            pieces.append(plain or single or escaped or _ESCAPED.sub(r"\1", double or ""))
            at = found.end()
        elif _CUT_ESCAPE.fullmatch(text, at):
            raise BadCondition("the last backslash has no character after it; write it twice")
        else:
            raise BadCondition('a quotation mark is not closed; write text="don\'t" or text="say \\"hi\\""')
    return [*words, "".join(pieces)] if pieces else words


def conditions_text(where: dict[str, Any]) -> str:
    """Return conditions in the form that ``parse_conditions`` reads. It cannot read a path that contains ``=``."""
    return " ".join(shlex.quote(f"{path}={value_text(value)}") for path, value in where.items())


def value_text(value: Any) -> str:
    """Return a value in the form that ``parse_value`` reads."""
    if isinstance(value, str) and parse_value(value) == value:
        return value
    return json.dumps(value, ensure_ascii=False)
