"""``companion contract files`` lists the files that define events; ``reload`` reads them again, then lists them.
The running companion does the work. ``reload`` fails if there are warnings, for example about a file that is not
valid.
"""

from typing import Any

import typer

from app.cli.options import DataDir, Json, as_json
from app.system.exit_codes import Exit
from app.system.terminal import print_lines, say


def files(json: Json = False, data_dir: DataDir = None) -> None:
    """List the files that define events: file, direction, event and errors."""
    from app.cli.control import Control

    _print(Control(data_dir).call("GET", "/v1/contract/files"), json)


def reload(json: Json = False, data_dir: DataDir = None) -> None:
    """Read the event files now, and list them. The exit code is 1 if a file is not valid."""
    from app.cli.control import Control

    found = Control(data_dir).call("POST", "/v1/contract/reload")
    _print(found, json)
    if found["warnings"]:
        raise typer.Exit(Exit.FAILED)


def _print(found: dict[str, Any], json: bool) -> None:
    if json:
        print_lines(as_json(found))
        return
    width = max((len(each["file"]) for each in found["files"]), default=0)
    for each in found["files"]:
        print_lines(f"{each['file']:<{width}}  {_event(each)}")
    if not found["files"]:
        print_lines(f"no event files in {found['folder']}" if found["folder"] else "no folder of event files")
    say(*found["warnings"])


def _event(each: dict[str, Any]) -> str:
    if not each["event"]:
        return "not valid"
    parts = [each["direction"], each["event"]]
    if each["extends"]:
        parts.append("extends the built-in event")
    if each["problems"]:
        parts.append(_state(each))
    return " ".join([f"{parts[0]:<7}", parts[1], *(f"({part})" for part in parts[2:])])


def _state(each: dict[str, Any]) -> str:
    """Return which version of the event of a file with errors is used."""
    if not each["in_use"]:
        return "not used"
    return "with an error" if each["current"] else "last valid version"
