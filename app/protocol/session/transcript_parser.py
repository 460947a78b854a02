"""Parse the lines of a transcript (a session as readable text) into steps and comments. A step contains the steps
that are indented below it. A pause such as ``wait 2s`` becomes the delay of the next step.

``statements`` parses a single line. The grammar is on the page *Sessions* of the manual. ``transcript`` adds the
header and the original spelling.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import NamedTuple

import msgspec

from app.protocol.session.durations import MAX_SECONDS
from app.protocol.session.statements import EVERY, JSON_MARK, parse_statement, wait_seconds
from app.protocol.session.steps import MAX_NESTING, Comment, InvalidStep, Step, step_from_json
from app.protocol.session.words import Line

INDENT = "    "
_INDENTATION = re.compile(r"(?:    |\t)*")


class Parsed(NamedTuple):
    """A step or comment, and the lines that it was read from: ``first`` up to but without ``end``, from 0."""

    entry: Step | Comment
    first: int
    end: int


class _Pause(NamedTuple):
    """The ``wait`` statements before a step: their sum in seconds, and their lines."""

    seconds: float
    first: int
    end: int


def parse_statements(
    lines: Sequence[str], first_number: int = 1, go_on: Callable[[], object] = lambda: None
) -> list[Parsed]:
    """Parse statements. ``first_number`` is the number of the first line in the file. Raises ``InvalidSession``.

    ``go_on`` is called for each line.

    Comments between the steps of a block, and between a pause and its step, belong to the outermost step.
    """
    return _Parser(lines, first_number, go_on).block(0, 0)


class _Parser:
    """Reads lines from top to bottom. An index counts lines from 0."""

    def __init__(self, lines: Sequence[str], first_number: int, go_on: Callable[[], object]) -> None:
        self._lines = lines
        self._first_number = first_number
        self._go_on = go_on

    def block(self, at: int, level: int) -> list[Parsed]:
        """Parse the statements of one level of indentation, from an index on."""
        found: list[Parsed] = []
        comments: list[int] = []
        pause: _Pause | None = None
        while at < len(self._lines):
            self._go_on()
            if self._is_comment(at):
                comments.append(at)
                at += 1
                continue
            line = self._line(at)
            if (depth := _depth(line)) < level:
                break
            if depth > level:
                raise line.error("Unexpected indentation: only the steps of when and repeat are indented.")
            if pause is None:
                found += map(self._comment, comments)
            comments.clear()
            seconds = wait_seconds(line)
            if seconds is not None:
                pause = _longer(pause, seconds, at, line)
                at += 1
                continue
            step, end = self._step(line, at, level)
            if pause:
                step = _delayed(step, pause.seconds, line)
            found.append(Parsed(step, pause.first if pause else at, end))
            at, pause = end, None
        if pause:
            wait = step_from_json({"wait": pause.seconds}, self._first_number + pause.first)
            found.append(Parsed(wait, pause.first, pause.end))
        return found + [self._comment(each) for each in comments]

    def _comment(self, index: int) -> Parsed:
        return Parsed(Comment(self._lines[index], self._first_number + index), index, index + 1)

    def _is_comment(self, index: int) -> bool:
        text = self._lines[index].strip()
        return not text or text.startswith("#")

    def _line(self, index: int) -> Line:
        text = self._lines[index]
        return Line(self._first_number + index, text, len(text) - len(text.lstrip()) + 1)

    def _step(self, line: Line, at: int, level: int) -> tuple[Step, int]:
        """Return the step at an index, with the steps below it, and the index after its last line."""
        fields = parse_statement(line)
        every = 0.0 if line.statement.startswith(JSON_MARK) else fields.pop(EVERY, 0.0)
        end = at + 1
        steps: list[Step] = []
        key = next((key for key in ("do", "steps") if fields.get(key) == []), "")
        if key:
            parsed = [each for each in self.block(end, level + 1) if isinstance(each.entry, Step)]
            if not parsed:
                raise line.error("Add at least one step below, indented by four spaces.")
            steps = [each.entry for each in parsed if isinstance(each.entry, Step)]
            steps[0] = _delayed(steps[0], every, line)
            fields[key] = [each.to_json() for each in steps]
            end = parsed[-1].end
        try:
            step = step_from_json(fields, line.number)
            return (replace(step, steps=tuple(steps)) if steps else step), end  # with their own lines
        except InvalidStep as error:
            raise line.error(error.reason) from None


def _depth(line: Line) -> int:
    found = _INDENTATION.match(line.text)
    assert found
    if found.end() != line.column - 1:
        raise line.error("Indent by four spaces or one tab for each level.")
    depth = found[0].count("\t") + found[0].count(INDENT)
    if depth > MAX_NESTING:
        raise line.error(f"Steps are nested deeper than {MAX_NESTING} levels.")
    return depth


def _longer(pause: _Pause | None, seconds: float, at: int, line: Line) -> _Pause:
    total = seconds + (pause.seconds if pause else 0)
    if total > MAX_SECONDS:
        raise line.error(f"The pause is longer than {MAX_SECONDS:,} s.")
    return _Pause(total, pause.first if pause else at, at + 1)


def _delayed(step: Step, seconds: float, line: Line) -> Step:
    """Return a step that starts ``seconds`` later."""
    after = step.action.after + seconds
    if seconds and after > MAX_SECONDS:  # a recorded step may have a longer pause
        raise line.error(f"The pause is longer than {MAX_SECONDS:,} s.")
    return replace(step, action=msgspec.structs.replace(step.action, after=after))
