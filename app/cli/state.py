"""``companion state``: save, load and reset the chat state, whether a companion runs or not."""

import json as codec
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.cli import chats
from app.cli.options import DataDir, Json, done
from app.system.exits import Exit
from app.system.terminal import say

if TYPE_CHECKING:
    from app.companion import Companion

app = typer.Typer(
    help="Save, load or reset the chat state (friends, messages, read marks), or change a part of it.",
    no_args_is_help=True,
)
app.add_typer(chats.personas, name="personas", short_help="The users that the companion plays.")
app.add_typer(chats.messages, name="messages", short_help="The messages of the chats.")
File = Annotated[Path, typer.Argument(dir_okay=False, help="A JSON file.")]


@app.command()
def save(file: File, json: Json = False, data_dir: DataDir = None) -> None:
    """Write the chat state to a file."""
    if runs(data_dir):
        from app.cli.control import Control, fail
        from app.system.files import reason, write_file

        snapshot = Control(data_dir).call("GET", "/v1/state")
        try:
            write_file(file, codec.dumps(snapshot, indent=1, ensure_ascii=False) + "\n")
        except OSError as error:
            fail(f"{file} could not be written: {reason(error)}", Exit.FAILED)
    else:
        _offline("save", file, data_dir)
    done(f"saved the chat state to {file}", {"saved": str(file)}, json)


@app.command()
def load(file: File, json: Json = False, data_dir: DataDir = None) -> None:
    """Replace the chat state by the one in a file: all of it, or nothing."""
    if runs(data_dir):
        from app.chat.snapshot import MAX_FILE_BYTES
        from app.cli.control import Control, fail
        from app.protocol.envelope import BadFrame, parse_json
        from app.system.files import read_text, reason

        try:
            snapshot = parse_json(read_text(file, MAX_FILE_BYTES))
            if not isinstance(snapshot, dict):
                raise BadFrame("it is no object")
        except (OSError, UnicodeDecodeError) as error:
            fail(f"{file} could not be read: {reason(error)}", Exit.FAILED)
        except BadFrame as bad:
            fail(f"{file.name} is no saved chat state: {bad}.", Exit.FAILED)
        Control(data_dir).call("PUT", "/v1/state", snapshot, invalid=Exit.FAILED)
        say("Reload your UI to see it.")
    else:
        _offline("load", file, data_dir)
    done(f"loaded the chat state from {file}", {"loaded": str(file)}, json)


@app.command()
def reset(json: Json = False, data_dir: DataDir = None) -> None:
    """Go back to the cast and history of the first start."""
    if runs(data_dir):
        from app.cli.control import Control

        Control(data_dir).call("POST", "/v1/state/reset")
        say("Reload your UI to see it.")
    else:
        _offline("reset", None, data_dir)
    done("the chat state is as at the first start", {"reset": True}, json)


def runs(data_dir: Path | None) -> bool:
    """Return whether a companion runs with this chat state and can be asked."""
    from app.system import instance
    from app.system.paths import Folders

    return instance.find(Folders.of(data_dir).instance_file) is not None


def _offline(verb: str, file: Path | None, data_dir: Path | None) -> None:
    """Open the chat state that nobody uses now, and do it there."""
    from app.companion import Companion
    from app.system.home import AlreadyRunning, Home, HomeError, Overrides

    try:
        home = Home.open(data_dir)
        home.start_log(console=True)
    except AlreadyRunning:
        say("A companion is starting or ending with this chat state: try again in a moment.")
        raise typer.Exit(Exit.BUSY) from None
    except HomeError as error:
        say(str(error))
        raise typer.Exit(error.exit) from None
    try:
        companion = Companion(home.load(Overrides()), chat_file=home.folders.chat_file)
        work: dict[str, Callable[[], Awaitable[None]]] = {"reset": companion.chat.reset}
        if file is not None:
            work |= {"save": lambda: companion.chat.store.save(file), "load": lambda: companion.chat.load(file)}
        import asyncio

        asyncio.run(_do(companion, work[verb]))
    finally:
        home.lock.release()


async def _do(companion: "Companion", work: Callable[[], Awaitable[None]]) -> None:
    from app.hub.pipeline import FIRE_ERRORS

    try:
        await companion.open()
        say(*companion.complaints)
        if companion.in_memory:
            raise typer.Exit(Exit.FAILED)
        await work()
    except FIRE_ERRORS as error:
        say(str(error))
        raise typer.Exit(Exit.FAILED) from None
    finally:
        await companion.close()
