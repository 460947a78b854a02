"""Read and write sessions as lines of JSON: a header, then one step per line (``*.session.jsonl``).
Blank lines and comments (``#``) are kept. A last line that is cut off is left out: a program that is killed while
it records leaves such a line.
"""

import codecs
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, NamedTuple

from app.protocol.envelope import MAX_STATE_DEPTH, BadFrame, parse_json
from app.protocol.event_type import EventProblem
from app.protocol.json_spans import SpanFinder
from app.protocol.session.errors import InvalidSession, check_number_of_lines
from app.protocol.session.steps import (
    NO_HEADER,
    Comment,
    Header,
    InvalidStep,
    Session,
    Step,
    header_from_json,
    header_to_json,
    step_from_json,
)


class Lines(NamedTuple):
    """A session that was read.

    ``incomplete`` is the number of the last line of a recording if that line is cut off; otherwise 0. A
    program that is killed while it records leaves such a line.
    """

    session: Session
    incomplete: int


def decode_lines(content: bytes) -> str:
    """Return the text of lines of JSON in UTF-8, with or without a byte order mark. Raises ``UnicodeDecodeError``.

    A last line that has no line break ends before its first invalid byte: it may be cut off inside of a character.
    """
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        if content.find(b"\n", error.start) >= 0 or content.find(b"\n", 0, error.start) < 0:
            raise
        return content[: error.start].decode()


def parse_lines(text: str, go_on: Callable[[], object] = lambda: None) -> Lines:
    """Read a session. An incomplete last line of a recording is left out. Raises ``InvalidSession``.

    ``go_on`` is called for each line.
    """
    check_number_of_lines(text)
    lines = text.removeprefix("\ufeff").split("\n")
    last = len(lines)
    if not lines[-1]:
        lines.pop()
    header: Header | None = None
    extra: dict[str, Any] = {}
    entries: list[Step | Comment] = []
    for number, line in enumerate(lines, 1):
        go_on()
        line = line.removesuffix("\r")
        try:
            if header is None:
                header, extra = header_from_json(parse_json(line, MAX_STATE_DEPTH))
            elif not line.strip() or line.lstrip().startswith("#"):
                entries.append(Comment(line, number))
            else:
                entries.append(step_from_json(parse_json(line), number))
        except BadFrame as error:
            if header is None and not line.lstrip().startswith("{"):
                raise InvalidSession(NO_HEADER, number, 1, line) from None
            if header and number == last and header.kind == "recording":  # without a line break at its end
                return Lines(Session(header, tuple(entries), extra), number)
            raise InvalidSession(f"{error.reason}.", number, _column(line, error.where), line) from None
        except InvalidStep as error:
            raise InvalidSession(error.reason, number, _column(line, error.path), line) from None
    if header is None:
        raise InvalidSession(NO_HEADER, 1)
    return Lines(Session(header, tuple(entries), extra), 0)


def format_lines(session: Session) -> str:
    """Return the text of a session. Every line ends with a line break."""
    header = format_line(header_to_json(session.header, session.extra))
    return header + "".join(format_entries(session.entries))


def format_entries(entries: Iterable[Step | Comment]) -> Iterator[str]:
    """Yield the line of each entry."""
    for each in entries:
        yield f"{each.text}\n" if isinstance(each, Comment) else format_line(each.to_json())


def format_line(fields: dict[str, Any]) -> str:
    """Return JSON values as one line, with the line break."""
    return json.dumps(fields, ensure_ascii=False) + "\n"


def _column(line: str, path: str) -> int:
    """Return the column, from 1, of a place in a line: a path, or ``line 1 column 5``."""
    return SpanFinder(line).span_of(EventProblem(path, "")).start + 1 if path else 1
