"""Split a line of a transcript into words with their columns. Read them as names, targets, durations, numbers and
conditions. A transcript is a session (a scenario or a recording) as readable text. ``name_text`` and
``target_text`` write names and targets in the form that is read here.
"""

import json
import re
from typing import Any, NamedTuple, NoReturn

from app.protocol.conditions import BadCondition, parse_conditions, parse_value
from app.protocol.envelope import BadFrame, check_tree
from app.protocol.json_path import BadPath, check_path
from app.protocol.session.durations import parse_duration
from app.protocol.session.errors import InvalidSession
from app.protocol.summary import is_visible

_WORD = re.compile(r"""(?:[^\s"']|"(?:[^"\\]|\\.)*"|'[^']*')+""")
_NOT_ASCII = re.compile(r"[^ -~]")
_PLAIN = re.compile(r"""[^\s"',:()=#!\\]+""")

JSON_IN_TEXT = ("[", "{", '"')
"""A text in quotation marks that begins with one of these is read as JSON after ``path=``, if it is valid."""


class Word(NamedTuple):
    """A word as written, and the column of its first character, from 1."""

    text: str
    column: int


class Line(NamedTuple):
    """A line of a transcript: its number from 1, its text, and the column at which the statement begins."""

    number: int
    text: str
    column: int = 1

    @property
    def statement(self) -> str:
        """The text without indentation and trailing spaces."""
        return self.text.strip()

    def error(self, reason: str, column: int | None = None) -> InvalidSession:
        """Return an error at a column, by default where the statement begins."""
        return InvalidSession(reason, self.number, column or self.column, self.text)


class Words:
    """The words of a statement, read from left to right. Errors are raised as ``InvalidSession``."""

    def __init__(self, line: Line, start: int = 0, end: int | None = None) -> None:
        """``start`` and ``end`` are offsets in the statement, between which words are read."""
        self._line = line
        self._words: list[Word] = []
        self._at = 0
        self._taken_once: set[str] = set()
        text, at = line.statement[:end], start
        self._end = line.column + len(text)
        while at < len(text):
            if text[at].isspace():
                at += 1
                continue
            found = _WORD.match(text, at)
            stop = found.end() if found else at
            if stop == at or (stop < len(text) and not text[stop].isspace()):
                raise line.error("A quotation mark is not closed.", line.column + stop)
            self._words.append(Word(text[at:stop], line.column + at))
            at = stop

    @property
    def more(self) -> bool:
        """Whether words are left."""
        return self._at < len(self._words)

    @property
    def next_text(self) -> str:
        """The next word, which stays unread; empty at the end."""
        return self._words[self._at].text if self.more else ""

    def fail(self, reason: str) -> NoReturn:
        """Raise an error at the next word, or after the last one."""
        raise self._line.error(reason, self._words[self._at].column if self.more else self._end)

    def take(self, *texts: str) -> bool:
        """Read these words if they come next; return whether they did."""
        if [each.text for each in self._words[self._at : self._at + len(texts)]] != list(texts):
            return False
        self._at += len(texts)
        return True

    def take_once(self, text: str) -> bool:
        """Read this word if it comes next; return whether it did. Raise an error if it was read before."""
        if self.next_text != text:
            return False
        if text in self._taken_once:
            self.fail(f"{text} is given twice.")
        self._taken_once.add(text)
        self._at += 1
        return True

    def word(self, missing: str) -> str:
        """Read a word as written. ``missing`` is the error if there is none."""
        if not self.more:
            self.fail(missing)
        self._at += 1
        return self._words[self._at - 1].text

    def name(self, missing: str) -> str:
        """Read a name: a plain word, or a JSON string."""
        if self.next_text.startswith('"'):
            name = unquoted(self.next_text, self._line, self._words[self._at].column)
            if not name:
                self.fail("Invalid name in quotation marks.")
            self._at += 1
            return name
        return self.word(missing)

    def target(self, missing: str = "Name the clients: all, a user, or client:NUMBER.") -> str:
        """Read the recipients. A plain name is a user."""
        name = self.name(missing)
        return name if name == "all" or ":" in name else f"user:{name}"

    def duration(self) -> float:
        """Read a duration, and return it in seconds."""
        try:
            seconds = parse_duration(self.next_text)
        except ValueError as error:
            self.fail(str(error) if self.more else "Add a duration like 400ms or 2s.")
        self._at += 1
        return seconds

    def number(self, missing: str, largest: int, least: int = 1) -> int:
        """Read a whole number from ``least`` to ``largest``."""
        if not re.fullmatch(r"[0-9]{1,16}", self.next_text) or not least <= int(self.next_text) <= largest:
            self.fail(f"{missing} Use a whole number from {least} to {largest:,}.")
        self._at += 1
        return int(self._words[self._at - 1].text)

    def conditions(self) -> dict[str, object]:
        """Read words in the form ``path=value`` as long as they follow."""
        start = self._at
        while "=" in self.next_text:
            self._at += 1
        if self._at == start:
            self.fail("Add a condition like to=alice.")
        found: dict[str, object] = {}
        for each in self._words[start : self._at]:
            try:
                condition = self._quoted_condition(each) or parse_conditions(each.text)
            except (BadCondition, BadPath) as error:
                raise self._line.error(f"Invalid condition: {error}.", each.column) from None
            if twice := found.keys() & condition.keys():
                raise self._line.error(f"{min(twice)[:40]!r} is given twice.", each.column)
            found |= condition
        return found

    def _quoted_condition(self, word: Word) -> dict[str, object]:
        """Read ``path="text"`` with a JSON string; return an empty dictionary for any other word.

        The value is a text, also if it looks like a number. An array, an object or a JSON string in quotation marks
        is read as JSON: its spaces need them.
        """
        path, _, value = word.text.partition("=")
        if not path or any(mark in path for mark in "\"'\\") or not value.startswith('"'):
            return {}
        text = unquoted(value, self._line, word.column + len(path) + 1)
        if text is None:
            return {}
        check_path(path)
        return {path: parse_value(text) if text.startswith(JSON_IN_TEXT) else text}

    def end(self) -> None:
        """Require that no words are left."""
        if self.more:
            self.fail(f"Unexpected {self.next_text[:40]!r}.")


def unquoted(text: str, line: Line, column: int) -> str | None:
    """Return the text of a JSON string at a column, or None if ``text`` is not one.

    Raises ``InvalidSession`` if it contains a lone surrogate, which no file and no frame can contain.
    """
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(value, str):
        return None
    try:
        check_tree(value)
    except BadFrame as error:
        raise line.error(f"The text {error.reason}.", column) from None
    return value


def json_text(value: Any) -> str:
    """Return a value as JSON in one line. Characters that are not visible are escaped."""
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_ASCII.sub(lambda found: found[0] if is_visible(found[0]) else json.dumps(found[0])[1:-1], text)


def shows_all(text: str) -> bool:
    """Return whether all characters of a text are visible."""
    return text.isprintable() or all(map(is_visible, text))


def quoted(text: str) -> str:
    """Return a text as a JSON string."""
    return json_text(text)


def name_text(name: str, keywords: frozenset[str] = frozenset()) -> str:
    """Return a name as ``Words.name`` reads it."""
    return name if _PLAIN.fullmatch(name) and name not in keywords and shows_all(name) else quoted(name)


def target_text(target: str) -> str:
    """Return recipients as ``Words.target`` reads them."""
    kind, _, user = target.partition(":")
    if kind == "user" and user and user != "all" and ":" not in user:
        return name_text(user)
    return target if re.fullmatch(r"[\w:,]+", target) else quoted(target)
