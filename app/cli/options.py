"""Options that several verbs share, and how they print."""

import codecs
import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.system.console import json_must_be_ascii
from app.system.terminal import print_lines


def absolute_path(path: Path | None) -> Path | None:
    """Return the path of an option without ``~`` and links. Reject a home folder that is unknown."""
    from app.system.paths import absolute

    try:
        return path and absolute(path)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


DataDir = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        callback=absolute_path,
        envvar="COMPANION_DATA_DIR",
        help="Keep settings, logs and data in this one folder.",
        show_default="the platform's",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
To = Annotated[
    str | None,
    typer.Option("--to", metavar="TARGET", help="all, user:NAME, client:NUMBER or client:1,2.", show_default="all"),
]
Wait = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0,
        max=3600,
        metavar="SECONDS",
        help="Wait this long for the companion and for a ready client; then fail.",
    ),
]
After = Annotated[int | None, typer.Option("--after", min=0, metavar="SEQ", help="Begin after this row.")]
Filter = Annotated[
    str, typer.Option("--filter", metavar="TEXT", help="The log's filter, like: event:typing dir:c2s")
]


def pairs(texts: list[str]) -> dict[str, Any]:
    """Read ``path=value``: JSON where the value is some, else text."""
    found = {}
    for text in texts:
        path, equals, value = text.partition("=")
        if not equals or not path:
            raise typer.BadParameter(f"{text!r} is not of the form path=value, like data.text=hi")
        found[path] = value_of(value)
    return found


def value_of(text: str) -> Any:
    """Return what a value on the command line means: ``true``, ``3`` and ``"3"`` are JSON, ``hi`` is text."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def done(text: str, value: Any, json: bool) -> None:
    """Print what was done: a sentence, or JSON for scripts."""
    print_lines(as_json(value) if json else text)


def as_json(value: Any, *, indent: int | None = None) -> str:
    """Return JSON for standard output: one line, or an indented text."""
    separators = (",", ":") if indent is None else None
    return json.dumps(value, ensure_ascii=json_must_be_ascii(), indent=indent, separators=separators)


def read_input(file: str, max_bytes: int) -> bytes:
    """Return the content of a regular file, or of standard input if ``file`` is ``-``. Raise ``OSError``."""
    from app.system.files import TooLarge, read_file

    if file != "-":
        return read_file(Path(file), max_bytes)
    content = sys.stdin.buffer.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise TooLarge(max_bytes, "standard input")
    return content


def decoded(content: bytes) -> str:
    """Return the text of a file with JSON: UTF-8, or the UTF-16 that Windows PowerShell's ``>`` writes.

    Raises ``UnicodeDecodeError``.
    """
    encoding = "utf-16" if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig"
    return content.decode(encoding)
