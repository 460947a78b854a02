"""``companion reconnects lab``: test how a UI reconnects, and compare the delays of its attempts with the guide's.
The guide is the chat UI's specification. The running companion (``sources.reconnect_lab``) closes the connections
of one browser, refuses its next attempts and judges them. This command prints each attempt as it comes, then the
verdict (with ``--json`` only the result). It can also write a plot as SVG, and the verdict as JUnit XML.
"""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.ci_results import Junit, publish, reporting_failure
from app.cli.completion import client_ids, refusal_modes
from app.cli.options import DataDir, Json, as_json, finite
from app.cli.refusals import mode_of
from app.protocol.counts import count
from app.protocol.refusals import MODES
from app.protocol.session.junit import Case
from app.system.exit_codes import Exit
from app.system.interrupts import interrupted_by_signals, interrupts_delayed
from app.system.terminal import print_lines, say

POLL_S = 20.0
MOST_ATTEMPTS = 10
"""As in ``protocol.reconnect_lab``, which takes long to load; a test compares them."""
MAX_WITHIN_S = 900.0
LAB = "/v1/reconnects/lab"
EXITS = {"fits": Exit.OK, "deviates": Exit.FAILED}


class Expected(StrEnum):
    """What the delays are compared with."""

    GUIDE = "guide"


def lab(
    refuse: Annotated[
        str,
        typer.Option(
            "--refuse", metavar="MODE", help=f"Refuse attempts in this way: {MODES}.", callback=mode_of,
            autocompletion=refusal_modes,
        ),
    ] = "503",
    attempts: Annotated[
        int, typer.Option("--attempts", min=1, max=MOST_ATTEMPTS, help="Refuse and judge this many attempts.")
    ] = 5,
    expect: Annotated[
        Expected, typer.Option("--expect", help="Compare the delays with these: the chat UI's guide.")
    ] = Expected.GUIDE,
    within: Annotated[
        float | None,
        typer.Option(
            "--within", min=0.1, max=MAX_WITHIN_S, metavar="SECONDS", help="Stop waiting after this time.",
            show_default="long enough for all attempts", callback=finite,
        ),
    ] = None,
    client: Annotated[
        int | None,
        typer.Option(
            "--client", min=1, metavar="NUMBER", help="Examine the browser of this client.",
            show_default="the only one that is connected", autocompletion=client_ids,
        ),
    ] = None,
    code: Annotated[
        int, typer.Option("--code", min=1000, max=4999, help="Close the connections with this code.")
    ] = 1012,
    picture: Annotated[
        Path | None,
        typer.Option("--picture", dir_okay=False, metavar="FILE.svg", help="Write a plot of the attempts as SVG."),
    ] = None,
    junit: Junit = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:  # fmt: skip
    """Close the connections of your UI, refuse its attempts to reconnect, and judge the delays.

    With --attempts 10, it also waits whether the UI gives up. Ctrl+C stops it, and connections are accepted again.
    Exit code 0 if all attempts fit, 1 if one does not, 2 if fewer came in time, or if no UI is connected.
    """
    from app.cli.control import Control

    if picture and picture.suffix.lower() != ".svg":
        raise typer.BadParameter(f"The file name must end with .svg, not {picture.suffix or 'nothing'}")
    body = {"mode": refuse, "attempts": attempts, "within": within, "client": client, "code": code}
    given = {name: value for name, value in body.items() if value is not None}
    with reporting_failure("reconnects lab", junit, quiet=json):
        control = Control(data_dir)
        ended = _follow(control, given, quiet=json)
    print_lines(as_json(ended) if json else ended["text"])
    failure = "" if ended["outcome"] == "fits" else "\n".join([*ended["lines"], ended["text"]])
    publish("reconnects lab", Case(f"the delays fit the {expect.value}", 0.0, failure), junit, quiet=json)
    if picture:  # last, because the result must not be lost if it cannot be written
        _write(picture, b"".join(control.download(f"{LAB}/picture")))
    raise typer.Exit(EXITS.get(ended["outcome"], Exit.USAGE))


def _follow(control: Any, options: dict[str, Any], *, quiet: bool) -> dict[str, Any]:
    """Start a run, print each attempt as it comes, and return the run when it has ended.

    Ctrl+C and SIGTERM stop it.
    """
    run: dict[str, Any] | None = None
    shown = 0
    try:
        with interrupted_by_signals():
            with interrupts_delayed(quiet=quiet):
                run = control.call("POST", LAB, options, conflict=Exit.USAGE)
            if not quiet:
                closed = ", ".join(map(str, run["closed"]))
                attempts = count(run["expected_attempts"], "attempt")
                say(f"closed {closed}; refuses {attempts} with {run['mode']}")
            while True:
                if not quiet:
                    print_lines(*run["lines"][shown:])
                    shown = len(run["lines"])
                if run["outcome"] != "running":
                    return run
                run = control.call("GET", LAB, more_s=POLL_S, seen=run["version"], wait=POLL_S)
    except KeyboardInterrupt:
        if run:  # otherwise, a run may be that of another command
            control.call("DELETE", LAB)
        raise


def _write(file: Path, content: bytes) -> None:
    from app.cli.control import fail
    from app.system.files import reason, write_output

    try:
        write_output(file, content.decode())
    except OSError as error:
        fail(f"{file} cannot be written: {reason(error)}.", Exit.FAILED)
