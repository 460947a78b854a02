"""Read and write sessions as transcripts: readable text such as ``alice (types 2s): hi`` (``*.chat``)."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from app.protocol.envelope import are_same
from app.protocol.session.errors import InvalidSession, check_number_of_lines
from app.protocol.session.statements import JSON_MARK, json_fields
from app.protocol.session.steps import (
    MAX_SEED,
    Comment,
    Header,
    InvalidStep,
    Session,
    Step,
    header_from_json,
    header_to_json,
)
from app.protocol.session.transcript_parser import parse_statements
from app.protocol.session.transcript_writer import format_entries, format_step
from app.protocol.session.words import Line, Words, json_text, name_text, shows_all

_SETTING = re.compile(r"(?:seed|me)\s+[^\s:(].*|! *\{ *\"session\".*")


def parse_transcript(text: str, go_on: Callable[[], object] = lambda: None) -> Session:
    """Read a transcript. Its spelling is kept in the session. Raises ``InvalidSession``.

    ``go_on`` is called for each line, and again for each step.
    """
    check_number_of_lines(text)
    lines = [line.removesuffix("\r") for line in text.removeprefix("\ufeff").split("\n")]
    if not lines[-1]:
        lines.pop()
    header, extra, end = _header(lines)
    if end and format_header(header, extra) != lines[:end]:
        header = msgspec.structs.replace(header, text="\n".join(lines[:end]))
    parsed = parse_statements(lines[end:], end + 1, go_on)
    steps_left = sum(isinstance(each.entry, Step) for each in parsed)
    entries: list[Step | Comment] = []
    for each in parsed:
        go_on()
        entry = each.entry
        if isinstance(entry, Step):
            steps_left -= 1
            written = lines[end + each.first : end + each.end]
            if format_step(entry, last=not steps_left) != written:
                entry = replace(entry, text="\n".join(written))
        entries.append(entry)
    return Session(header, tuple(entries), extra)


def format_transcript(session: Session) -> str:
    """Return the text of a session. Every line ends with a line break.

    The result of ``parse_transcript`` becomes the text that was read.
    """
    body = format_entries(session.entries)
    header = _kept_header(session) or format_header(session.header, session.extra)
    if not header and body and body[0].startswith("#"):
        header = ["#"]  # without it, the comment would be the title
    return "".join(f"{line}\n" for line in [*header, *body])


def format_header(header: Header, extra: dict[str, Any]) -> list[str]:
    """Return the lines of a header in the usual spelling, or as JSON if the grammar cannot express it."""
    lines = [f"# {header.title}"] if header.title else []
    if header.seed is not None:
        lines.append(f"seed {header.seed}")
    if header.me is not None:
        lines.append(f"me {name_text(header.me)}")
    if all(map(shows_all, lines)) and _reads_as(lines, header, extra):
        return lines
    fields = header_to_json(msgspec.structs.replace(header, text=""), extra)
    return [f"{JSON_MARK} {json_text(fields)}"]


def _kept_header(session: Session) -> list[str]:
    """Return the header's own spelling, or nothing if it has none or says something else."""
    lines = session.header.text.split("\n") if session.header.text else []
    return lines if _reads_as(lines, session.header, session.extra) else []


def _reads_as(lines: list[str], header: Header, extra: dict[str, Any]) -> bool:
    if any("\n" in each or "\r" in each for each in lines):
        return False
    try:
        read, read_extra, end = _header(lines)
    except InvalidSession:
        return False
    wanted = msgspec.structs.replace(header, text="")
    return (read, read_extra, end) == (wanted, extra, len(lines)) and are_same(
        header_to_json(read, read_extra), header_to_json(wanted, extra)
    )


def _header(lines: Sequence[str]) -> tuple[Header, dict[str, Any], int]:
    """Return the header, its unknown keys, and the number of lines that it takes."""
    fields: dict[str, Any] = {}
    end = 0
    if lines and lines[0].startswith("#"):
        if title := lines[0][1:].strip():
            fields["title"] = title
        end = 1
    for index, text in enumerate(lines):
        statement = text.strip()
        if not statement or statement.startswith("#"):
            continue
        if not _SETTING.fullmatch(text):
            break
        setting = _setting(line := Line(index + 1, text))
        if twice := {"seed", "me"} & fields.keys() & setting.keys():
            raise line.error(f"{min(twice)} is given twice.")
        fields |= setting
        end = index + 1
    try:
        return *header_from_json({"session": 1, **fields}), end
    except InvalidStep as error:
        raise Line(max(end, 1), lines[max(end, 1) - 1]).error(error.reason) from None


def _setting(line: Line) -> dict[str, Any]:
    if line.statement.startswith(JSON_MARK):
        fields = json_fields(line)
        try:
            header_from_json(fields)
        except InvalidStep as error:
            raise line.error(f"Invalid header: {error}") from None
        return fields
    words = Words(line)
    if words.take("seed"):
        value: Any = words.number("Invalid seed.", MAX_SEED, least=0)
        name = "seed"
    else:
        words.take("me")
        name, value = "me", words.name("Name the local user.")
    words.end()
    return {name: value}
