"""``companion clients``: who is connected, and parting with them."""

from typing import Annotated

import typer

from app.cli.completion import client_ids, persona_names
from app.cli.options import DataDir, Json, as_json
from app.protocol.summary import summarize
from app.system.terminal import print_lines

app = typer.Typer(
    help="List the connected clients, close them, change the user that one acts as.", no_args_is_help=True
)


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List them: number, user, whether it is ready, origin, frames from and to it."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/clients")
    if json:
        print_lines(as_json(found))
        return
    for each in found:
        where = summarize(each["origin"] or each["user_agent"]) or "no browser"
        who = summarize(each["username"])
        ready = "ready" if each["ready"] else "not ready"
        print_lines(
            f"{each['id']:>4}  {who:<16}  ↑ {each['frames_in']}  ↓ {each['frames_out']}  {ready:<9}  {where}"
        )


@app.command()
def close(
    client: Annotated[str, typer.Argument(help="Its number, or all.", autocompletion=client_ids)],
    code: Annotated[int, typer.Option(min=1000, max=4999, help="Close code.")] = 1001,
    reason: Annotated[str, typer.Option(help="Reason in the close frame.")] = "",
    abort: Annotated[bool, typer.Option("--abort", help="Cut the connection without a closing handshake.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Close a client's connection; the port stays open, so that your UI reconnects."""
    from app.cli.control import Control, segment

    method, path = ("POST", "/v1/clients/drop") if client == "all" else ("DELETE", f"/v1/clients/{segment(client)}")
    answer = Control(data_dir).call(method, path, code=code, reason=reason, abort=abort)
    print_lines(
        as_json(answer) if json else f"closed {', '.join(map(str, answer['clients'])) or 'none: nobody was there'}"
    )


@app.command()
def identify(
    client: Annotated[int, typer.Argument(min=1, help="Its number.", autocompletion=client_ids)],
    username: Annotated[str, typer.Argument(help="The user.", autocompletion=persona_names)],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Make a client act as another user."""
    from app.cli.control import Control

    answer = Control(data_dir).call("PATCH", f"/v1/clients/{client}", {"username": username})
    print_lines(as_json(answer) if json else f"client {client} acts as {answer['username']}")
