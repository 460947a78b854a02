"""``companion session run``: play sessions one after the other, and print the progress and verdict of each.
Also ``session runs``, which lists the runs that are playing and the latest ended ones, and ``session pause``,
``resume`` and ``stop``, which act on the run with a number. A session is a scenario or a recording. The running
companion plays it; ``session_progress`` prints its progress.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.ci_results import Junit, annotate, not_checked, reporting_failure, write_junit
from app.cli.completion import session_names
from app.cli.options import DataDir, Json, as_json, finite, not_empty, print_result
from app.cli.session_input import session_request, write_files
from app.protocol.counts import count
from app.protocol.session.junit import Suite
from app.system.exit_codes import Exit
from app.system.terminal import print_lines

Number = Annotated[int, typer.Argument(min=1, help="Number of the run, as `session runs` prints it.")]
NameOrFile = Annotated[
    list[str],
    typer.Argument(metavar="SESSION...", help="Files, or names of saved sessions.", autocompletion=session_names),
]

LOADING_S = 60.0
"""Reading a large recording takes a while."""


def run(
    session: NameOrFile,
    speed: Annotated[
        str, typer.Option("--speed", metavar="N|max", help="Play at this speed: 0.25 to 16, or max.")
    ] = "1",
    max_idle: Annotated[
        float | None,
        typer.Option(
            "--max-idle",
            min=0,
            metavar="SECONDS",
            callback=finite,
            help="Limit every pause to this.",
            show_default=False,
        ),
    ] = None,
    step: Annotated[bool, typer.Option("--step", help="Wait for Enter before each step.")] = False,
    sync: Annotated[
        bool, typer.Option("--sync", help="Wait for what the UI sent in a recording before going on.")
    ] = False,
    exact: Annotated[
        bool, typer.Option("--exact", help="Send every recorded frame as it was, and nothing else.")
    ] = False,
    keep: Annotated[
        bool,
        typer.Option(
            "--keep", help="Keep the chat state of the session, if each step could be played; do not restore yours."
        ),
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="Generate the same values as a run with this seed.", show_default=False),
    ] = None,
    at: Annotated[
        str,
        typer.Option(
            "--at",
            metavar="TIME",
            callback=not_empty,
            help="Count the times in events from this time (ISO 8601).",
        ),
    ] = "",
    to: Annotated[
        str,
        typer.Option("--to", metavar="TARGET", callback=not_empty, help="Send to these clients instead of all."),
    ] = "",
    mark: Annotated[
        str, typer.Option("--mark", metavar="NAME", callback=not_empty, help="Begin at this mark.")
    ] = "",
    from_row: Annotated[
        int | None,
        typer.Option(
            "--from-row", min=1, metavar="SEQ", help="Begin at this row of a recording.", show_default=False
        ),
    ] = None,
    junit: Junit = None,
    timeout: Annotated[
        float | None,
        typer.Option(
            "--timeout",
            min=0.001,
            metavar="SECONDS",
            callback=finite,
            help="Fail after this time.",
            show_default=False,
        ),
    ] = None,
    wait: Annotated[
        float,
        typer.Option(
            "--wait", min=0, max=3600, metavar="SECONDS", callback=finite, help="Wait for the companion to start."
        ),
    ] = 0,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Play sessions, one after the other, and print the verdict.

    Exit code 0 if all expectations were met, 1 if one was not, 2 if a session is not valid, has no steps or cannot
    be played, 130 after Ctrl+C.
    """
    from app.cli.control import Control, Failure
    from app.cli.session_progress import Progress, suite_of

    with reporting_failure("session run", junit, quiet=json):
        control = Control(data_dir, wait)
    options = {
        "speed": _speed(speed), "max_idle": max_idle, "step": step, "seed": seed, "at": at or None, "to": to,
        "mark": mark, "from_row": from_row, "timeout": timeout, "keep": keep, "sync": sync, "exact": exact,
    }  # fmt: skip
    body = {key: value for key, value in options.items() if value is not None}
    runs: list[dict[str, Any]] = []
    suites: list[Suite] = []
    failure: Failure | None = None
    interrupted = False
    try:
        requests = _requests(session, suites, quiet=json)
        for each, (path, what) in zip(session, requests, strict=True):
            progress = Progress(control, each, stepwise=step, quiet=json)
            try:
                with _noting_failure(each, suites, quiet=json):
                    if each != "-" and any(run["files"] for run in runs):  # to load what earlier ones have saved
                        path, what = session_request(each)
                    ended = progress.follow(partial(control.call, "POST", path, {**body, **what}, more_s=LOADING_S))
                    runs.append(ended)
                    unwritten = write_files(each, ended["files"])
            except Failure as error:
                failure = failure or error
                if error.exit_code == Exit.NOT_RUNNING:
                    suites += [not_checked(name, f"Not played: {error.text}") for name in session[len(suites) :]]
                    break
                continue  # the results of the others are wanted, too
            suites.append(suite_of(ended, unwritten))
            if unwritten:
                annotate(unwritten, file=each, quiet=json)
            if interrupted := progress.interrupted:
                break
    finally:  # also if a session cannot be loaded or played
        try:
            if json:
                print_lines(*map(as_json, runs))
        finally:
            if suites:
                write_junit(junit, suites)
    if interrupted:
        raise typer.Exit(Exit.INTERRUPTED)
    if failure:
        raise failure
    states = {each["state"] for each in runs}
    if "error" in states:
        raise typer.Exit(Exit.USAGE)
    if states != {"passed"} or any(each.error for each in suites):
        raise typer.Exit(Exit.FAILED)


def _requests(sessions: list[str], suites: list[Suite], *, quiet: bool) -> list[tuple[str, dict[str, Any]]]:
    """Return the requests that play sessions. If one is not valid, end the command: none is played."""
    from app.cli.control import Failure

    requests, last = [], None
    for each in sessions:
        try:
            with _noting_failure(each, suites, quiet=quiet):
                requests.append(session_request(each))
        except Failure as failure:
            last = failure
    if last:
        raise last
    return requests


@contextmanager
def _noting_failure(session: str, suites: list[Suite], *, quiet: bool) -> Iterator[None]:
    """If the block fails, because a session cannot be loaded or played, annotate that and add it to ``suites``."""
    from app.cli.control import Failure

    try:
        yield
    except Failure as failure:
        annotate(failure.text, file=session, quiet=quiet)
        suites.append(not_checked(session, failure.text))
        raise


def runs(json: Json = False, data_dir: DataDir = None) -> None:
    """List the sessions that are playing, and the last ones that ended."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/runs")
    if json:
        print_lines(as_json(found))
        return
    for each in found:
        print_lines(f"{each['number']}  {each['name']}  {each['state']}  {count(each['steps'], 'step')}")


def pause(number: Number, json: Json = False, data_dir: DataDir = None) -> None:
    """Pause a session before its next step."""
    _control_run(number, "pause", json, data_dir)


def resume(number: Number, json: Json = False, data_dir: DataDir = None) -> None:
    """Continue a session that is paused."""
    _control_run(number, "resume", json, data_dir)


def stop(number: Number, json: Json = False, data_dir: DataDir = None) -> None:
    """Stop a session."""
    _control_run(number, "stop", json, data_dir)


def _control_run(number: int, verb: str, json: bool, data_dir: Path | None) -> None:
    from app.cli.control import Control

    run = Control(data_dir).call("POST", f"/v1/runs/{number}/{verb}")
    print_result(f"{run['name']}: {run['state']}", run, json)


def _speed(text: str) -> float | str:
    if text == "max":
        return text
    try:
        return float(text)
    except ValueError:
        raise typer.BadParameter("--speed needs a number from 0.25 to 16, or max") from None
