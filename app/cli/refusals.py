"""``companion server refuse``: refuse new connections to the event server on purpose, to see how the UI reconnects.
It refuses a number of them, or all for some time; connected clients stay connected. ``server accept`` ends that,
and ``server refusals`` lists what will be refused. ``server origins`` lists what the access rules have rejected.
"""

from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.completion import refusal_modes
from app.cli.options import DataDir, Json, as_json, finite
from app.protocol.refusals import MAX_REFUSAL_S, MAX_REFUSALS, MODES, parse_mode
from app.system.terminal import print_lines


def mode_of(text: str) -> str:
    """Check a mode of the command line and return it. Raises ``BadParameter``."""
    try:
        return str(parse_mode(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None


def refuse(
    count: Annotated[
        int | None,
        typer.Argument(min=1, max=MAX_REFUSALS, help="Refuse this many connections.", show_default="1"),
    ] = None,
    for_: Annotated[
        float | None,
        typer.Option(
            "--for", min=0.001, max=MAX_REFUSAL_S, metavar="SECONDS", show_default=False, callback=finite,
            help="Refuse all connections for this time, or at most COUNT.",
        ),
    ] = None,
    mode: Annotated[
        str,
        typer.Option(
            "--mode", metavar="MODE", help=f"Refuse in this way: {MODES}.", callback=mode_of,
            autocompletion=refusal_modes,
        ),
    ] = "503",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:  # fmt: skip
    """Refuse the next connections of clients on purpose. Connected clients stay connected.

    Connections from origins that are not allowed do not count. `companion server accept` ends it.
    """
    from app.cli.control import Control

    body = {"count": count, "for": for_, "mode": mode}
    given = {name: value for name, value in body.items() if value is not None}
    _print(Control(data_dir).call("POST", "/v1/server/refuse", given), json)


def accept(json: Json = False, data_dir: DataDir = None) -> None:
    """Accept all connections again. Connections that get no answer are cut."""
    _call("POST", "/v1/server/accept", json, data_dir)


def refusals(json: Json = False, data_dir: DataDir = None) -> None:
    """Print which connections will be refused."""
    _call("GET", "/v1/server/refusals", json, data_dir)


def _call(method: str, path: str, json: bool, data_dir: Path | None) -> None:
    from app.cli.control import Control

    _print(Control(data_dir).call(method, path), json)


def _print(found: list[dict[str, Any]], json: bool) -> None:
    if json:
        print_lines(as_json(found))
        return
    print_lines(*(f"refuses {each['text']}" for each in found) if found else ("accepts all connections",))
