"""Options that several commands share, such as ``--json``, and helper functions of commands.
For example, these parse values, read input, find the file of a recording and print results.
"""

import codecs
import json
import math
import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.completion import filter_references
from app.protocol.session.run_names import RUNS
from app.system.console import json_must_be_ascii
from app.system.exit_codes import Exit
from app.system.terminal import print_lines

EMPTY = "the value is empty"


def absolute_path(path: Path | None) -> Path | None:
    """Return the path of an option without ``~`` and links. Raise ``BadParameter`` for an unknown home folder."""
    from app.system.paths import absolute

    try:
        return path and absolute(path)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def unicode_path(path: Path | None) -> Path | None:
    """Return a path like ``absolute_path``. Raise ``BadParameter`` if the control API's JSON cannot contain it."""
    from app.system.paths import unicode_problem

    found = absolute_path(path)
    if found and (wrong := unicode_problem(found)):
        raise typer.BadParameter(wrong)
    return found


def named_path(path: Path | None) -> Path | None:
    """Return the path of an option without ``~``, but with links: the target of ``/dev/stdout`` may have no path,
    and a program may act on the name of the link that it is run by.

    Raise ``BadParameter`` for an unknown home folder, and for ``-``.
    """
    return absolute_path(not_dash(path)) and path and path.expanduser().absolute()


def not_dash(path: Path | None) -> Path | None:
    """Return the path of an option or argument. Raise ``BadParameter`` for ``-``, which would be a file's name."""
    if path == Path("-"):
        raise typer.BadParameter("- does not stand for standard input or output here; name a file")
    return path


def finite(value: float | None) -> float | None:
    """Return the number of an option. Raise ``BadParameter`` for NaN, which is within any limits, and infinity."""
    if value is not None and not math.isfinite(value):
        raise typer.BadParameter(f"{value} is not a finite number")
    return value


def not_empty(context: typer.Context, option: typer.CallbackParam, value: str | None) -> str | None:
    """Return the value of an option or argument. Raise ``BadParameter`` if it is given, but empty.

    A shell variable may be empty. It would count as not given, and the command would do something else.
    """
    source = context.get_parameter_source(option.name or "")
    if value == "" and source is not None and source.name == "COMMANDLINE":
        raise typer.BadParameter(EMPTY)
    return value


class GivenPath(str):
    """The text of a path. Raises ``BadParameter`` if it is empty: as a path, it would be the current folder."""

    __slots__ = ()

    def __new__(cls, text: str) -> "GivenPath":
        """Check the text."""
        if not text:
            raise typer.BadParameter(EMPTY)
        return super().__new__(cls, text)


DataDir = Annotated[
    Path | None,
    typer.Option(
        file_okay=False,
        path_type=GivenPath,
        callback=absolute_path,
        envvar="COMPANION_DATA_DIR",
        help="Keep settings, logs and data in this folder.",
        show_default="the platform's folders",
    ),
]
RecordingEvents = Annotated[
    Path | None,
    typer.Option(
        "--events",
        metavar="DIR",
        file_okay=False,
        path_type=GivenPath,
        callback=absolute_path,
        help="With a recording: use the event files in this folder.",
        show_default="as in Settings",
    ),
]
EVENTS_NEED_RECORDING = "--events needs a recording: the running companion uses its own events."
Json = Annotated[bool, typer.Option("--json", help="Print JSON, for scripts.")]
To = Annotated[
    str | None,
    typer.Option(
        "--to",
        metavar="TARGET",
        callback=not_empty,
        help="Send to all, user:NAME, client:NUMBER or client:1,2.",
        show_default="all",
    ),
]
Wait = Annotated[
    float,
    typer.Option(
        "--wait",
        min=0,
        max=3600,
        metavar="SECONDS",
        callback=finite,
        help="Wait up to this long for the companion and for a ready client, then fail.",
    ),
]
NoExpect = Annotated[bool, typer.Option("--no-expect", help="Do not wait for what the fixture expects of the UI.")]
MAX_WITHIN_S = 60.0
"""The longest timeout of a fixture's expectation, as in ``protocol.fixture``, which takes long to load."""
After = Annotated[
    int | None, typer.Option("--after", min=0, metavar="SEQ", help="Begin after the row with this number.")
]
Filter = Annotated[
    str,
    typer.Option(
        "--filter",
        metavar="TEXT",
        help="Print only matching rows, for example: event:typing dir:c2s. @NAME is a saved filter.",
        autocompletion=filter_references,
    ),
]


def parse_assignments(texts: list[str]) -> dict[str, Any]:
    """Parse ``path=value`` arguments. Raises ``BadParameter``."""
    from app.protocol import conditions

    try:
        return conditions.parse_assignments(texts)
    except conditions.BadCondition as bad:
        raise typer.BadParameter(str(bad)) from None


def print_result(text: str, value: Any, json: bool) -> None:
    """Print the result of a command: ``text``, or ``value`` as JSON."""
    print_lines(as_json(value) if json else text)


def as_json(value: Any, *, indent: int | None = None) -> str:
    """Serialize ``value`` for standard output: on one line, or indented."""
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


def input_text(file: str, max_bytes: int, *, lines: bool = False) -> str:
    """Return the text of a file that a command names, or of standard input. ``lines``: see ``decode_text``.

    Print an error and exit with 2 if it cannot be read.
    """
    from app.cli.control import fail
    from app.system.files import reason

    try:
        return decode_text(read_input(file, max_bytes), lines=lines)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {reason(error)}.", Exit.USAGE)


def decode_text(content: bytes, *, lines: bool = False) -> str:
    """Return the text of a file with JSON: UTF-8, or the UTF-16 that Windows PowerShell's ``>`` writes.

    A session as ``lines`` may end inside of a character. Raises ``UnicodeDecodeError``.
    """
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return content.decode("utf-16")
    if lines:
        from app.protocol.session.lines import decode_lines

        return decode_lines(content)
    return content.decode("utf-8-sig")


def recording_file(name: str, data_dir: Path | None) -> Path:
    """Return the file of a recording: a file, that of a run in the data folder, or a saved one by its name.

    Saved ones are in the folder of the settings: a companion that was started with ``--sessions`` has another one.
    Raise ``BadParameter`` for the name of a run that was not recorded, of several recordings, or of a scenario.
    """
    from app.protocol.errors import RequestError
    from app.recorded_input import saved_recording
    from app.system.paths import Folders

    if os.path.isfile(name):  # noqa: PTH113 - not an error if it cannot be the name of a file
        return Path(name)
    if name in RUNS:
        found = Folders.of(data_dir).recordings / f"{name}.session.jsonl"
        if found.is_file():
            return found
        raise typer.BadParameter(f"there is no recording {name} yet. It is made while the companion runs")
    try:
        return saved_recording(name, data_dir) or Path(name)
    except RequestError as error:
        raise typer.BadParameter(error.reason) from None
