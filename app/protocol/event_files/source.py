"""Parse the text of an event file, JSON or YAML, to a value, and find the line and column of a field for errors.
What the value must contain is checked elsewhere, by ``parse``.
"""

import re
from typing import Any, NamedTuple

from app.protocol.envelope import BadFrame, check_tree, parse_json
from app.protocol.event_files.limits import MAX_FILE_BYTES
from app.protocol.event_files.problems import MAX_PATH, MAX_PROBLEMS, FileProblem, InvalidEventFile, Wrong, short
from app.protocol.event_files.yaml_values import InvalidYaml, Place, parse_yaml
from app.protocol.event_type import EventProblem
from app.protocol.json_spans import SpanFinder

YAML_SUFFIXES = (".yaml", ".yml")

_PLACE = re.compile(r"line (\d+) column (\d+)")


class Source(NamedTuple):
    """The content of an event file, and what is needed to find a place in it."""

    file: str
    value: Any
    text: str
    places: dict[str, Place] | None
    """The places of the values of YAML by path; None for JSON."""

    def problem(self, wrong: Wrong) -> FileProblem:
        """Return an error with its line and column."""
        return FileProblem(self.file, short(wrong.path, 160), wrong.message, *self.place(wrong.path))

    def invalid(self, wrong: list[Wrong]) -> InvalidEventFile:
        """Return the exception for a file with these errors."""
        return InvalidEventFile([self.problem(each) for each in wrong[:MAX_PROBLEMS]])

    def place(self, path: str) -> Place:
        """Return line and column of a value, by its path; of the object that lacks it, if it is missing."""
        if self.places is None:
            return _line_and_column(self.text, SpanFinder(self.text).span_of(EventProblem(path, "")).start)
        path = path[: MAX_PATH + 1]  # as inner_path cuts it
        while path not in self.places and path:  # a field that is missing: the object that lacks it
            path = path[: max(path.rfind("."), path.rfind("["), 0)]
        return self.places.get(path, (1, 1))


def read_source(file: str, text: str) -> Source:
    """Parse the text of an event file. The ending of its name says if it is YAML. Raises ``InvalidEventFile``."""
    if len(text.encode(errors="surrogatepass")) > MAX_FILE_BYTES:
        raise InvalidEventFile([FileProblem(file, "", f"the file is larger than {MAX_FILE_BYTES // 1024} KiB")])
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise InvalidEventFile([FileProblem(file, "", "the file is empty")])
    if file.lower().endswith(YAML_SUFFIXES):
        return _read_yaml(file, text)
    try:
        return Source(file, parse_json(text), text, None)
    except BadFrame as bad:
        if place := _PLACE.fullmatch(bad.where):
            raise InvalidEventFile([FileProblem(file, "", bad.reason, int(place[1]), int(place[2]))]) from None
        raise Source(file, None, text, None).invalid([Wrong(bad.where, bad.reason)]) from None


def _read_yaml(file: str, text: str) -> Source:
    try:
        value, places = parse_yaml(text)
    except InvalidYaml as bad:
        raise InvalidEventFile([FileProblem(file, "", bad.reason, bad.line, bad.column)]) from None
    source = Source(file, value, text, places)
    try:
        check_tree(value)
    except BadFrame as bad:
        raise source.invalid([Wrong(bad.where, bad.reason)]) from None
    return source


def _line_and_column(text: str, offset: int) -> Place:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1
