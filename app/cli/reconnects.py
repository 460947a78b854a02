"""``companion reconnects``: print when UIs reconnected to the event server, and judge the delays of the attempts.
For each page origin and browser, it prints the attempts with their delays, those of the guide (the chat UI's
specification) and a verdict. The running companion measures them. ``reconnect_lab`` has the subcommand ``lab``.
"""

from typing import Annotated, Any

import typer

from app.cli import reconnect_lab
from app.cli.completion import client_ids
from app.cli.options import DataDir, Json, as_json
from app.protocol.summary import summarize
from app.protocol.times import local
from app.system.terminal import print_lines

app = typer.Typer(
    help="Compare the delays of reconnects with the guide's table, or refuse attempts to see more of them.",
    invoke_without_command=True,
)
app.command()(reconnect_lab.lab)


@app.callback()
def reconnects(
    context: typer.Context,
    client: Annotated[
        int | None,
        typer.Option(
            "--client", min=1, metavar="NUMBER", help="Print only the reconnects of this client and its browser.",
            show_default="all", autocompletion=client_ids,
        ),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:  # fmt: skip
    """Compare the delays of reconnects with the guide's table.

    For each page origin and browser, print the attempts with their delays, the expected delays and a verdict.
    """
    from app.cli.control import Control

    if context.invoked_subcommand:
        source = context.get_parameter_source("data_dir")
        if client is not None or json or (source is not None and source.name == "COMMANDLINE"):
            raise typer.BadParameter(
                f"options must follow the command: companion reconnects {context.invoked_subcommand} …"
            )
        return
    found = Control(data_dir).call("GET", "/v1/reconnects", client=client)
    if json:
        print_lines(as_json(found))
        return
    if not found:
        print_lines("No client has connected yet.")
    for each in found:
        _print_report(each)


def _print_report(report: dict[str, Any]) -> None:
    where = summarize(report["origin"]) or "no browser"
    agent = summarize(report["user_agent"]) if report["browser"] == "unknown" else report["browser"]
    numbers = ", ".join(map(str, report["clients"]))
    connected = f"connected: {numbers}" if numbers else "not connected"
    print_lines(" · ".join(part for part in (where, agent, connected) if part))
    for each in report["attempts"]:
        print_lines(f"  {local(each['at']):%H:%M:%S}  {each['text']}")
    last = report["attempts"][-1]["text"] if report["attempts"] else ""
    for line in (report["text"], report["jitter"]):
        if line and line != last:
            print_lines(f"  {line}")
