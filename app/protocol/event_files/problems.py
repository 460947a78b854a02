"""The errors of an event file, as values: which file, where in it, and a sentence about what is wrong.
``InvalidEventFile`` is the exception that lists them. Other modules find the errors.
"""

from collections.abc import Iterable
from typing import NamedTuple

from typing_extensions import override

MAX_PROBLEMS = 20
"""At most this many errors of one file are reported."""
MAX_PATH = 500
"""Longer paths are cut."""


class FileProblem(NamedTuple):
    """One error in an event file. ``file`` is its path below the folder of event files, with ``/``.

    ``path`` is the place in the content, such as ``data.properties.peer``, or empty. ``line`` and ``column`` start
    at 1, and are 0 if they are unknown.
    """

    file: str
    path: str
    message: str
    line: int = 0
    column: int = 0

    @override
    def __str__(self) -> str:
        place = f", line {self.line} column {self.column}" if self.line else ""
        where = f"{self.path}: " if self.path else ""
        end = "" if self.message.endswith("?") else "."
        return printable(f"{self.file}{place}: {where}{self.message}{end}")


class InvalidEventFile(ValueError):
    """A file that is not a valid event file. ``problems`` lists what is wrong: at most ``MAX_PROBLEMS`` errors."""

    def __init__(self, problems: Iterable[FileProblem]) -> None:
        self.problems = tuple(problems)[:MAX_PROBLEMS]
        super().__init__(" ".join(map(str, self.problems)))


class Wrong(NamedTuple):
    """An error before its line is known: the place in the content, and a sentence without a full stop."""

    path: str
    message: str


def printable(text: str) -> str:
    """Replace lone surrogates, which file names and YAML may contain, and control characters."""
    text = text.encode(errors="replace").decode()
    return "".join(char if char.isprintable() else "\N{REPLACEMENT CHARACTER}" for char in text)


def short(value: object, limit: int = 60) -> str:
    """Return a value for an error message, cut to ``limit`` characters."""
    text = str(value)
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def inner_path(path: str, step: str) -> str:
    """Return the path of a member or item; ``step`` is ``.name`` or ``[0]``.

    Long paths are cut. Otherwise, a long name would be repeated for every value that it contains.
    """
    return path if len(path) > MAX_PATH else (path + step)[: MAX_PATH + 1]
