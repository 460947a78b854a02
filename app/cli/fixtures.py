"""``companion fixtures``: list, show, save, run, rename and delete fixtures (saved events or raw frames).
``run`` fires one, and waits for what it expects of the UI. ``pin`` adds one to the *Fire* menu of the tray icon and
to the fire bar (a small window with buttons); ``unpin`` removes it from both. The commands call the control API.
"""

from typing import Annotated

import typer

from app.cli.completion import fixture_names, pinned_names
from app.cli.options import (
    MAX_WITHIN_S,
    DataDir,
    Json,
    NoExpect,
    To,
    Wait,
    as_json,
    input_text,
    parse_assignments,
    print_result,
)
from app.system.terminal import print_lines, say

app = typer.Typer(
    help="List, show, save, run, rename, delete and pin fixtures (saved events).", no_args_is_help=True
)

Name = Annotated[
    str, typer.Argument(help="Name of the fixture, for example nasty/rtl.", autocompletion=fixture_names)
]


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List the fixtures: name and title."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/fixtures")
    say(*found["warnings"])
    if json:
        print_lines(as_json(found["fixtures"]))
        return
    width = max((len(each["name"]) for each in found["fixtures"]), default=0)
    for each in found["fixtures"]:
        notes = [f"expects {each['expect']['event']}"] if each.get("expect") else []
        notes += ["pinned"] if each["pinned"] else []
        shown = f"  ({', '.join(notes)})" if notes else ""
        print_lines(f"{each['name']:<{width}}  {each['title']}{shown}")
        if each["problems"]:
            say(f"{each['name']} is not valid: {'; '.join(each['faults'])}")


@app.command()
def show(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Print a fixture as its file contains it."""
    from app.cli.control import Control, segment

    found = Control(data_dir).call("GET", f"/v1/fixtures/{segment(name)}")
    if json:
        print_lines(as_json(found))
        return
    print_lines(*as_json(found["fixture"], indent=2).split("\n"))
    if must := found["fixture"].get("must"):
        say(f"What your UI should do: {must}")


@app.command()
def save(
    name: Annotated[
        str, typer.Argument(help="Name of the fixture: letters, digits and - _ . with / between folders.")
    ],
    file: Annotated[
        str, typer.Argument(help="File with a fixture or a frame; - reads standard input.", show_default=False)
    ] = "",
    row: Annotated[
        int | None, typer.Option("--row", min=1, metavar="SEQ", help="Save this row of the log.")
    ] = None,
    literal: Annotated[
        bool, typer.Option("--literal", help="With --row, keep its ID and time instead of generating new ones.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Save a fixture from a file, standard input or a row of the log.

    A fixture from the log gets a new ID and time each time it is fired, unless --literal is given. A file is saved
    unchanged.
    """
    if (row is None) == (not file):
        raise typer.BadParameter("give either a FILE or --row")
    if literal and row is None:
        raise typer.BadParameter("--literal needs --row: a file is always saved unchanged")
    from app.cli.control import Control, fail, segment
    from app.protocol.fixture import MAX_FIXTURE_BYTES, BadFixture, parse_fixture
    from app.system.exit_codes import Exit

    control, path = Control(data_dir), f"/v1/fixtures/{segment(name)}"
    if row is not None:
        found = control.call("GET", "/v1/journal", after=row - 1, limit=1)["rows"]
        if not found or found[0]["seq"] != row or found[0]["direction"] != "s2c":
            fail(f"Row {row} is no longer in the log, or is not an event to the UI.", Exit.USAGE)
        saved = control.call("PUT", f"{path}/frame", text=found[0]["frame"], renew=not literal, literal=True)
    else:
        text = input_text(file, MAX_FIXTURE_BYTES)
        try:
            fixture = parse_fixture(text)
        except BadFixture as bad:
            saved = control.call("PUT", f"{path}/frame", text=text.strip())
            if "frame" in saved["fixture"]:
                say(f"Saved as a raw frame, since it is neither a fixture nor an event: {bad}.")
        else:
            import msgspec

            saved = control.call("PUT", path, msgspec.to_builtins(fixture))
    print_result(f"saved {name}", saved, json)


@app.command()
def run(
    name: Name,
    set_: Annotated[
        list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Set a field, for example text=hi.")
    ] = None,
    to: To = None,
    wait: Wait = 0,
    no_expect: NoExpect = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Fire a fixture; `trigger --fixture` has more options.

    If the fixture has an expectation, wait for it. Exit code 1 if the UI does not send what is expected.
    """
    from app.cli.control import Control
    from app.cli.trigger import print_delivery
    from app.system.exit_codes import Exit

    body = {
        "fixture": name, "set": parse_assignments(set_ or []), "to": to, "wait": wait, "expect": not no_expect,
    }  # fmt: skip
    more_s = wait + (0.0 if no_expect else MAX_WITHIN_S)
    answer = Control(data_dir, wait).call("POST", "/v1/trigger", body, more_s=more_s)
    if not print_delivery(answer, json):
        raise typer.Exit(Exit.FAILED)


@app.command()
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(help="New name of the fixture.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Rename one of your own fixtures."""
    from app.cli.control import Control, segment

    found = Control(data_dir).call("PATCH", f"/v1/fixtures/{segment(name)}", {"name": new})
    print_result(f"{name} is now {found['name']}", found, json)


@app.command()
def delete(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Delete one of your own fixtures."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/fixtures/{segment(name)}")
    print_result(f"deleted {name}", {"deleted": name}, json)


@app.command()
def pin(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Add a fixture to the Fire menu of the tray icon."""
    from app.cli.control import Control, segment

    Control(data_dir).call("PUT", f"/v1/fixtures/{segment(name)}/pin")
    print_result(f"pinned {name}", {"pinned": name}, json)


@app.command()
def unpin(
    name: Annotated[str, typer.Argument(help="Name of a pinned fixture.", autocompletion=pinned_names)],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Remove a fixture from the Fire menu of the tray icon."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/fixtures/{segment(name)}/pin")
    print_result(f"unpinned {name}", {"unpinned": name}, json)
