"""``companion clients``: list and close connections, and change the user of a client.
A client is a connection to the event server, usually of a page of the UI. It acts as one chat user.
"""

import time
from typing import Annotated, Any

import typer

from app.cli.completion import client_ids, persona_names
from app.cli.options import DataDir, Json, as_json, finite
from app.protocol.summary import summarize
from app.system.terminal import print_lines, say

app = typer.Typer(
    help="List the connected clients, close them, or change the user that a client acts as.", no_args_is_help=True
)


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List the clients.

    Each line has the number, the user, the frames received and sent, whether the client is ready, the frames of the
    last second, the last event that was sent to it and how long ago, and its origin.
    """
    from app.cli.control import Control

    control = Control(data_dir)
    found = control.call("GET", "/v1/clients")
    if json:
        print_lines(as_json(found))
        return
    if not found and (why := control.why_no_client()):
        say(why)
    for each in found:
        where = summarize(each["origin"] or each["user_agent"]) or "no browser"
        who = summarize(each["username"])
        ready = "ready" if each["ready"] else "not ready"
        rate = f"{next(reversed(each.get('frames_per_s', [])), 0)}/s"
        counts = f"↑ {each['frames_in']}  ↓ {each['frames_out']}"
        print_lines(f"{each['id']:>4}  {who:<16}  {counts}  {ready:<9}  {rate:<5}  {_last_sent(each):<24}  {where}")


def _last_sent(client: dict[str, Any]) -> str:
    last = client.get("last_sent")
    if not last:
        return "nothing sent"
    return f"{summarize(last['event'])} {max(0.0, time.time() - last['at']):,.0f} s ago"


@app.command()
def close(
    client: Annotated[str, typer.Argument(help="Number of the client, or all.", autocompletion=client_ids)],
    code: Annotated[int, typer.Option(min=1000, max=4999, help="Use this WebSocket close code.")] = 1001,
    reason: Annotated[str, typer.Option(help="Send this reason in the close frame.")] = "",
    abort: Annotated[
        bool, typer.Option("--abort", help="Drop the connection without a closing handshake.")
    ] = False,
    flap: Annotated[
        int,
        typer.Option(
            "--flap",
            min=1,
            max=1000,
            metavar="N",
            help="With all: close them N times; they may reconnect.",
        ),
    ] = 1,
    every: Annotated[
        float,
        typer.Option(
            "--every", min=0.1, max=600, metavar="SECONDS", callback=finite, help="The time between two rounds."
        ),
    ] = 10.0,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Close a client's connection. The port stays open, so that your UI reconnects."""
    from app.cli.control import Control, segment

    if flap > 1 and client != "all":
        raise typer.BadParameter("--flap needs all: a client that reconnects gets another number")
    method, path = ("POST", "/v1/clients/drop") if client == "all" else ("DELETE", f"/v1/clients/{segment(client)}")
    control = Control(data_dir)
    for number in range(flap):
        if number:
            time.sleep(every)
        answer = control.call(method, path, code=code, reason=reason, abort=abort)
        closed = ", ".join(map(str, answer["clients"])) or "none: no client is connected"
        print_lines(as_json(answer) if json else f"closed {closed}")


@app.command()
def identify(
    client: Annotated[int, typer.Argument(min=1, help="Number of the client.", autocompletion=client_ids)],
    username: Annotated[str, typer.Argument(help="Name of the user.", autocompletion=persona_names)],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Change the user that a client acts as."""
    from app.cli.control import Control

    answer = Control(data_dir).call("PATCH", f"/v1/clients/{client}", {"username": username})
    print_lines(as_json(answer) if json else f"client {client} acts as {answer['username']}")
