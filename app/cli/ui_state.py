"""``companion ui-state``: show, report, compare and expect the state of the UI's stores, and name the open chat."""

import json as json_format
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli.completion import client_ids, persona_names
from app.cli.options import DataDir, Json, as_json, decode_text, print_result, read_input
from app.protocol.ui_stores import Flavour as UiFlavour
from app.system.exit_codes import Exit
from app.system.terminal import print_lines, say

MAX_STATE_BYTES = 4 * 1024 * 1024

app = typer.Typer(help="Show the state that the UI must have, and compare it with the UI.", no_args_is_help=True)

Client = Annotated[
    int | None,
    typer.Option(
        "--client", min=1, metavar="NUMBER", help="Use the client with this number.",
        show_default="the only connected client", autocompletion=client_ids,
    ),
]  # fmt: skip
Flavour = Annotated[
    UiFlavour, typer.Option(help="Expect the state of a correct UI (guide) or of the released UI (shipped).")
]
StateFile = Annotated[Path, typer.Argument(metavar="FILE", help="JSON file of the stores; - reads standard input.")]


@app.command()
def show(
    client: Client = None,
    flavour: Flavour = UiFlavour.GUIDE,
    after: Annotated[
        int | None, typer.Option(min=1, metavar="SEQ", help="Show the state after this row of the log.")
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the state that the UI's stores must hold now."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/ui-state", client=client, flavour=flavour.value, after=after)
    print_lines(as_json(found["stores"]) if json else as_json(found["stores"], indent=2))
    if not found["complete"]:
        say("The log no longer contains all rows since this page connected, so the state is incomplete.")
    if found["rest_is_guess"]:
        say("Several pages of one browser are open: REST calls may belong to another page.")


@app.command()
def compare(
    file: StateFile,
    client: Client = None,
    flavour: Flavour = UiFlavour.GUIDE,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Compare the UI's stores with the expected state. Exit code 0 if they are equal, 1 if not."""
    from app.cli.control import Control

    body = {"client": client, "flavour": flavour.value, "state": _state(file)}
    answer = Control(data_dir).call("POST", "/v1/ui-state/compare", body)
    if json:
        print_lines(as_json(answer))
    else:
        _print_differences(answer["differences"])
        print_lines("equal" if answer["equal"] else "not equal")
    raise typer.Exit(Exit.OK if answer["equal"] else Exit.FAILED)


@app.command()
def report(file: StateFile, client: Client = None, json: Json = False, data_dir: DataDir = None) -> None:
    """Report the present state of the UI's stores, for `ui-state expect`."""
    from app.cli.control import Control

    Control(data_dir).call("PUT", "/v1/ui-state/reported", _state(file), client=client)
    print_result("reported", {"reported": True}, json)


@app.command()
def expect(
    conditions: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[PATH=VALUE]…",
            help="Conditions, for example chat.messages.alice[-1].text=hi.",
            show_default=False,
        ),
    ] = None,
    equal: Annotated[bool, typer.Option("--all", help="Require that the whole state is as expected.")] = False,
    within: Annotated[float, typer.Option(min=0, max=3600, metavar="SECONDS", help="Wait up to this long.")] = 5,
    client: Client = None,
    flavour: Flavour = UiFlavour.GUIDE,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Wait until the state that the UI reports meets the conditions. Exit code 0 if it does, 1 if not."""
    from app.cli.control import Control

    body = {
        "client": client, "conditions": conditions or [], "equal": equal, "flavour": flavour.value, "within": within
    }  # fmt: skip
    answer = Control(data_dir).call("POST", "/v1/ui-state/expect", body, more_s=within)
    if json:
        print_lines(as_json(answer))
    elif answer["met"]:
        print_lines("✓ met")
    elif not answer["has_reported"]:
        say(f"✗ not met within {within:g} s: the UI has not reported its state (see `companion help cli-ui-state`)")
    else:
        _print_differences(answer["differences"])
        say(f"✗ not met within {within:g} s")
    raise typer.Exit(Exit.OK if answer["met"] else Exit.FAILED)


@app.command()
def select(
    peer: Annotated[
        str | None,
        typer.Argument(
            help="Friend whose chat is open.", autocompletion=persona_names, show_default="no chat is open"
        ),
    ] = None,
    client: Client = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Set the chat that is open in the UI, if the one derived from its requests is wrong."""
    from app.cli.control import Control

    Control(data_dir).call("PUT", "/v1/ui-state/active-chat", {"client": client, "peer": peer})
    print_result(f"open chat: {peer or 'none'}", {"peer": peer}, json)


def _state(file: Path) -> dict[str, Any]:
    from app.cli.control import fail
    from app.system.files import reason

    try:
        state = json_format.loads(decode_text(read_input(str(file), MAX_STATE_BYTES)))
    except OSError as error:
        fail(f"{file} cannot be read: {reason(error)}.", Exit.FAILED)
    except (ValueError, RecursionError) as error:
        fail(f"{file} is not valid JSON: {error}.", Exit.FAILED)
    if not isinstance(state, dict):
        fail(f"{file} must contain an object with chatStore, contactStore and uiStore.", Exit.FAILED)
    return state


def _print_differences(differences: list[dict[str, Any]]) -> None:
    for each in differences:
        say(f"{each['path']}: expected {as_json(each['expected'])}, the UI has {as_json(each['reported'])}")
