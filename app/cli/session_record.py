"""``companion session record``: begin and end recordings of the traffic between UI and companion.
``list`` shows those in progress, and the automatic recordings of this run of the program and the previous one.
``save`` copies an automatic recording to a file. Recordings that were ended are in ``companion session list``.
"""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from app.cli.completion import run_names
from app.cli.options import DataDir, Json, as_json, not_empty, print_result
from app.protocol.counts import count
from app.protocol.session.run_names import ANY_RUN, THIS_RUN
from app.system.exit_codes import Exit
from app.system.terminal import print_lines, say

app = typer.Typer(help="Record the traffic, and save the recording of the whole run.", no_args_is_help=True)


@app.command()
def start(
    name: Annotated[str, typer.Argument(help="Name of the session.", show_default="recordings/DATE TIME")] = "",
    filter_: Annotated[
        str, typer.Option("--filter", metavar="TEXT", help="Record only matching rows, for example: event:typing.")
    ] = "",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Record everything from now on, until `session record stop`."""
    from app.cli.control import Control

    chosen = name or f"recordings/{datetime.now().astimezone():%Y-%m-%d %H%M%S}"
    begun = Control(data_dir).call("POST", "/v1/recordings", {"name": chosen, "filter": filter_})
    print_result(f"recording {begun['name']}", begun, json)


@app.command()
def stop(
    name: Annotated[
        str, typer.Argument(help="Name of the session.", callback=not_empty, show_default="the one begun last")
    ] = "",
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """End a recording."""
    from app.cli.control import Control

    missing = Exit.USAGE if name else Exit.FAILED
    ended = Control(data_dir).call("POST", "/v1/recordings/stop", {"name": name}, missing=missing)
    print_result(f"recorded {count(ended['lines'], 'line')}: {ended['file']}", ended, json)


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List the recordings of this run and the one before, and those that are being made."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/recordings")
    if json:
        print_lines(as_json(found))
        return
    say(*([found["error"]] if found["error"] else []))
    for each in found["runs"]:
        note = "" if each["complete"] or each["name"].startswith("this") else "  (did not end normally)"
        print_lines(f"{each['name']}  {each['size']:,} bytes{note}")
    for each in found["active"]:
        print_lines(f"{each['name']}  {count(each['lines'], 'line')} so far")


@app.command()
def save(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="File to write: NAME.session.jsonl.")],
    run: Annotated[
        str,
        typer.Option(
            "--run",
            metavar="NAME",
            help=f"{ANY_RUN}.",
            autocompletion=run_names,
        ),
    ] = THIS_RUN,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Save the recording of the whole run so far."""
    from app.cli.control import Control, fail, segment
    from app.protocol.session.saved import LINES
    from app.system.files import reason, write_output

    if not file.name.casefold().endswith(LINES) and not _is_device(file):
        fail(f"{file} must end in {LINES}.", Exit.USAGE)
    try:
        write_output(file, Control(data_dir).download(f"/v1/recordings/{segment(run)}"), private=True)
    except OSError as error:
        fail(f"{file} cannot be written: {reason(error)}.", Exit.FAILED)
    print_result(f"saved {run} to {file}", {"saved": str(file)}, json)


def _is_device(file: Path) -> bool:
    """Return whether a file is not a regular one, such as ``/dev/stdout``."""
    return file.exists() and not file.is_file()
