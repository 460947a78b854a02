"""Report the result of a command to CI systems: as a file of JUnit XML (``--junit``), and in GitHub Actions as
annotations. The commands ``expect``, ``session run``, ``contract lint``, ``contract check``, ``ui-state compare``,
``ui-state expect`` and ``reconnects lab`` use it.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Literal

import typer

from app.cli.options import not_dash
from app.protocol.session.junit import Case, Suite, junit_xml
from app.system.exit_codes import Exit
from app.system.terminal import in_github_actions, print_runner_command

Junit = Annotated[
    Path | None,
    typer.Option(
        "--junit", dir_okay=False, metavar="OUT", callback=not_dash, help="Write the results as JUnit XML."
    ),
]
Level = Literal["error", "warning", "notice"]


def annotate(
    text: str, *, title: str = "", file: str = "", line: int = 0, level: Level = "error", quiet: bool = False
) -> None:
    """Print an annotation if the command runs in GitHub Actions; else nothing.

    ``quiet``: print it to standard error, because standard output has JSON or XML. The runner reads both.
    """
    if not in_github_actions():
        return
    given = {"file": file, "line": str(line) if line else "", "title": title}
    properties = ",".join(f"{name}={_property(value)}" for name, value in given.items() if value)
    annotation = f"::{level}{' ' if properties else ''}{properties}::{_data(text)}"
    print_runner_command(annotation, to_errors=quiet)


def write_junit(file: Path | None, suites: Iterable[Suite]) -> None:
    """Write results as JUnit XML, unless ``file`` is None. End the command with an error if that fails."""
    if file:
        write_junit_text(file, junit_xml(suites))


def write_junit_text(file: Path, text: str) -> None:
    """Write the text of a JUnit file. End the command with an error if that fails."""
    from app.cli.control import fail
    from app.system.files import reason, write_output

    try:
        write_output(file, text)
    except OSError as error:
        fail(f"{file} cannot be written: {reason(error)}.", Exit.FAILED)


def publish(command: str, case: Case, junit: Path | None, *, quiet: bool) -> None:
    """Pass the only result of a command on: as JUnit XML, and as an annotation if it failed."""
    write_junit(junit, [Suite(command, (case,), case.took_s)])
    if case.failure:
        annotate(f"{case.name}: {case.failure}", title=f"companion {command}", quiet=quiet)


@contextmanager
def reporting_failure(command: str, junit: Path | None, *, quiet: bool) -> Iterator[None]:
    """If the block ends the command with an error, such as because no UI is connected, pass the reason on.

    Then the check has no result: the file has an error instead of a failure. Without it, the file of an earlier run
    would be taken for the result.
    """
    from app.cli.control import Failure

    try:
        yield
    except Failure as failure:
        write_junit(junit, [not_checked(command, failure.text)])
        annotate(failure.text, title=f"companion {command}", quiet=quiet)
        raise


def not_checked(name: str, why: str) -> Suite:
    """Return the result of a command or session that could not check anything."""
    return Suite(name, (Case("checked", 0.0),), 0.0, why)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
