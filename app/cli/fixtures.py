"""``companion fixtures``: the saved events."""

from typing import Annotated

import typer

from app.cli.completion import fixture_names, pinned_names
from app.cli.options import DataDir, Json, To, Wait, as_json, decoded, done, pairs, read_input
from app.system.terminal import print_lines, say

app = typer.Typer(
    help="List, show, save, fire, rename, delete and pin fixtures (saved events).", no_args_is_help=True
)


Name = Annotated[str, typer.Argument(help="Like nasty/rtl.", autocompletion=fixture_names)]


@app.command("list")
def list_(json: Json = False, data_dir: DataDir = None) -> None:
    """List them: name, then what it is."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/fixtures")
    say(*found["warnings"])
    if json:
        print_lines(as_json(found["fixtures"]))
        return
    width = max((len(each["name"]) for each in found["fixtures"]), default=0)
    for each in found["fixtures"]:
        print_lines(f"{each['name']:<{width}}  {each['title']}{'  (pinned)' if each['pinned'] else ''}")
        if each["problems"]:
            say(f"{each['name']} breaks the contract: {'; '.join(each['faults'])}")


@app.command()
def show(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Print a fixture as it is in its file."""
    from app.cli.control import Control, segment

    found = Control(data_dir).call("GET", f"/v1/fixtures/{segment(name)}")
    if json:
        print_lines(as_json(found))
        return
    print_lines(*as_json(found["fixture"], indent=2).split("\n"))
    if must := found["fixture"].get("must"):
        say(f"A correct UI must: {must}")


@app.command()
def save(
    name: Annotated[str, typer.Argument(help="Letters, digits and - _ . with / between folders.")],
    file: Annotated[
        str, typer.Argument(help="A fixture or a frame; - reads standard input.", show_default=False)
    ] = "",
    row: Annotated[
        int | None, typer.Option("--row", min=1, metavar="SEQ", help="Save this row of the log.")
    ] = None,
    literal: Annotated[
        bool, typer.Option("--literal", help="With --row: keep its ID and time instead of making new ones.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Save a fixture from a file, from standard input or from a row of the log.

    A row of the log gets a new ID and time each time the fixture is fired, unless --literal is given. A file is
    saved as it is.
    """
    if (row is None) == (not file):
        raise typer.BadParameter("give either a FILE or --row")
    if literal and row is None:
        raise typer.BadParameter("--literal needs --row: a file is saved as it is")
    from app.cli.control import Control, fail, segment
    from app.protocol.fixture import MAX_FIXTURE_BYTES, BadFixture, parse_fixture
    from app.system.exit_codes import Exit
    from app.system.files import reason

    control, path = Control(data_dir), f"/v1/fixtures/{segment(name)}"
    if row is not None:
        found = control.call("GET", "/v1/journal", after=row - 1, limit=1)["rows"]
        if not found or found[0]["seq"] != row or found[0]["direction"] != "s2c":
            fail(f"Row {row} of the log is gone, or did not go to the UI.", Exit.FAILED)
        saved = control.call("PUT", f"{path}/frame", text=found[0]["frame"], renew=not literal)
    else:
        try:
            text = decoded(read_input(file, MAX_FIXTURE_BYTES))
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{file} cannot be read: {reason(error)}.", Exit.FAILED)
        try:
            fixture = parse_fixture(text)
        except BadFixture as bad:
            saved = control.call("PUT", f"{path}/frame", text=text.strip())
            if "frame" in saved["fixture"]:
                say(f"Saved as a raw frame, since it is neither a fixture nor an event: {bad}.")
        else:
            import msgspec

            saved = control.call("PUT", path, msgspec.to_builtins(fixture))
    done(f"saved {name}", saved, json)


@app.command()
def run(
    name: Name,
    set_: Annotated[list[str] | None, typer.Option("--set", metavar="PATH=VALUE", help="Set a value.")] = None,
    to: To = None,
    wait: Wait = 0,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Fire a fixture; `trigger --fixture` has more options."""
    from app.cli.control import Control
    from app.cli.trigger import tell

    body = {"fixture": name, "set": pairs(set_ or []), "to": to, "wait": wait}
    tell(Control(data_dir, wait).call("POST", "/v1/trigger", body, more_s=wait), json)


@app.command()
def rename(
    name: Name,
    new: Annotated[str, typer.Argument(help="Its name from now on.")],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Give a fixture of your own another name."""
    from app.cli.control import Control, segment

    found = Control(data_dir).call("PATCH", f"/v1/fixtures/{segment(name)}", {"name": new})
    done(f"{name} is now {found['name']}", found, json)


@app.command()
def delete(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Delete a fixture of your own."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/fixtures/{segment(name)}")
    done(f"deleted {name}", {"deleted": name}, json)


@app.command()
def pin(name: Name, json: Json = False, data_dir: DataDir = None) -> None:
    """Show a fixture in the tray icon's Fire menu."""
    from app.cli.control import Control, segment

    Control(data_dir).call("PUT", f"/v1/fixtures/{segment(name)}/pin")
    done(f"pinned {name}", {"pinned": name}, json)


@app.command()
def unpin(
    name: Annotated[str, typer.Argument(help="Name of a pinned fixture.", autocompletion=pinned_names)],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Show a fixture in the tray icon's Fire menu no longer."""
    from app.cli.control import Control, segment

    Control(data_dir).call("DELETE", f"/v1/fixtures/{segment(name)}/pin")
    done(f"unpinned {name}", {"unpinned": name}, json)
