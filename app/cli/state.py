"""``companion state``: save, load and reset the chat state (friends, messages, read marks).

If a companion is running, the commands call its control API. Otherwise they open the chat state file
(``app.offline``). The groups ``personas`` and ``messages`` (``cli/chats.py``) need a running companion.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from app.cli import chats
from app.cli.options import DataDir, Json, not_dash, print_result
from app.system.exit_codes import Exit
from app.system.terminal import say

if TYPE_CHECKING:
    from app.cli.control import Control

app = typer.Typer(
    help="Save, load or reset the chat state (friends, messages, read marks), or change parts of it.",
    no_args_is_help=True,
)
app.add_typer(chats.personas, name="personas", short_help="List and change the simulated chat users.")
app.add_typer(chats.messages, name="messages", short_help="List and change the messages.")
File = Annotated[Path, typer.Argument(dir_okay=False, callback=not_dash, help="JSON file with the chat state.")]


@app.command()
def save(file: File, json: Json = False, data_dir: DataDir = None) -> None:
    """Write the chat state to a file."""
    if is_running(data_dir):
        from app.cli.control import Control, fail
        from app.protocol.backend import state_text
        from app.protocol.errors import TooLarge
        from app.system.files import reason, write_output

        snapshot = Control(data_dir).call("GET", "/v1/state")
        try:
            write_output(file, state_text(snapshot), private=True)
        except TooLarge as error:
            fail(error.reason, Exit.FAILED)
        except OSError as error:
            fail(f"{file} cannot be written: {reason(error)}.", Exit.FAILED)
    else:
        _offline("save", file, data_dir)
    print_result(f"saved the chat state to {file}", {"saved": str(file)}, json)


@app.command()
def load(file: File, json: Json = False, data_dir: DataDir = None) -> None:
    """Replace the chat state with the one in a file. If the file is not valid, nothing changes."""
    from app.cli.control import Control, fail
    from app.protocol.backend import MAX_STATE_BYTES
    from app.system.files import read_text, reason

    try:
        text = read_text(file, MAX_STATE_BYTES)
    except (OSError, UnicodeDecodeError) as error:
        fail(f"{file} cannot be read: {reason(error)}.", Exit.USAGE)
    if is_running(data_dir):
        from app.protocol.envelope import MAX_STATE_DEPTH, BadFrame, parse_json

        try:
            snapshot = parse_json(text, MAX_STATE_DEPTH)
            if not isinstance(snapshot, dict):
                raise BadFrame("it is not a JSON object")
        except BadFrame as bad:
            fail(f"{file.name} is not a saved chat state: {bad}.", Exit.FAILED)
        _replace(Control(data_dir), "PUT", "/v1/state", snapshot)
    else:
        _offline("load", file, data_dir)
    print_result(f"loaded the chat state from {file}", {"loaded": str(file)}, json)


@app.command()
def reset(json: Json = False, data_dir: DataDir = None) -> None:
    """Restore the friends and messages of the first start."""
    if is_running(data_dir):
        from app.cli.control import Control

        _replace(Control(data_dir), "POST", "/v1/state/reset")
    else:
        _offline("reset", None, data_dir)
    print_result("restored the chat state of the first start", {"reset": True}, json)


def is_running(data_dir: Path | None) -> bool:
    """Return whether a companion is running with this data folder."""
    from app.system import instance
    from app.system.paths import Folders

    return instance.find(Folders.of(data_dir).instance_file) is not None


def _replace(control: "Control", method: str, path: str, snapshot: dict[str, Any] | None = None) -> None:
    """Replace the chat state of the running companion, and print what the user has to know."""
    control.call(method, path, snapshot, invalid=Exit.FAILED)
    for run in control.call("GET", "/v1/runs"):
        if run["state"] in ("running", "paused") and run.get("own_state"):
            say(f"This change is undone when the session {run['name']} (number {run['number']}) ends.")
    say("Reload your UI to see the change.")


def _offline(verb: str, file: Path | None, data_dir: Path | None) -> None:
    """Save, load or reset the chat state in its file, because no companion is running."""
    from app import offline

    if code := offline.run(verb, file, data_dir):
        raise typer.Exit(code)
