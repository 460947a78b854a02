"""``companion status``, ``token``, ``open`` and ``server``: the companion itself."""

import sys
from typing import Any

import typer

from app.cli.options import DataDir, Json, Wait, as_json, done
from app.system.exits import Exit
from app.system.terminal import print_lines, say


def status(wait: Wait = 0, json: Json = False, data_dir: DataDir = None) -> None:
    """Say what the running companion does, what is off, and why. Exit code 4 when none runs."""
    from app.cli.control import Control

    found = Control(data_dir, wait).call("GET", "/v1/status")
    print_lines(*([as_json(found)] if json else _lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    face = "with a window" if found["window"] else "without a window (serve)"
    lines = [
        f"P2P Chat Companion {found['version']}, process {found['pid']}, {face}",
        *(f"{each['name']:<8} {_service(each, found)}" for each in found["services"]),
        f"journal  {found['journal']['rows']:,} rows, the newest #{found['journal']['last_seq']}",
        f"user     {found['username']}" + (" · chat state in memory only" if found["in_memory"] else ""),
    ]
    return [*lines, *found["complaints"]]


def _service(service: dict[str, Any], found: dict[str, Any]) -> str:
    if service["error"]:
        return f"off: {service['error'].rstrip('.')}"
    if not service["listening"]:
        return "off: stopped" if service["wanted"] else "off: switched off in Settings or by an option"
    if service["name"] != "events":
        return str(service["url"])
    clients = found["clients"]
    return f"{service['url']}, {found['state']}, {clients} client{'' if clients == 1 else 's'}"


def token(json: Json = False, data_dir: DataDir = None) -> None:
    """Print the control API's token, for scripts: `Authorization: Bearer TOKEN`.

    On a terminal and with --json, say where it is kept.
    """
    from app.cli.control import token_of
    from app.system import instance
    from app.system.paths import Folders

    folders = Folders.of(data_dir)
    token = token_of(instance.find(folders.instance_file), folders)
    done(token.value, {"token": token.value, "kept_in": token.kept_in, "file": str(token.file or "")}, json)
    if sys.stdout.isatty():
        say(f"It is kept in {token.place}.")


def open_(json: Json = False, data_dir: DataDir = None) -> None:
    """Raise the running companion's window."""
    from app.cli.control import Control

    Control(data_dir).call("POST", "/v1/window/open")
    done("the window is open", {"open": True}, json)


server = typer.Typer(help="Pause, resume, stop and start the event server.", no_args_is_help=True)


def _act(verb: str, json: bool, data_dir: Any) -> None:
    from app.cli.control import Control

    found = Control(data_dir).call("POST", f"/v1/server/{verb}", conflict=Exit.BUSY)
    if json:
        print_lines(as_json(found))
        return
    say(f"events: {found['state']}")
    if verb == "start":
        say(*(f"{each['name']}: {_service(each, found)}" for each in found["services"] if each["error"]))


@server.command()
def pause(json: Json = False, data_dir: DataDir = None) -> None:
    """Keep clients connected but send them nothing."""
    _act("pause", json, data_dir)


@server.command()
def resume(json: Json = False, data_dir: DataDir = None) -> None:
    """Send again."""
    _act("resume", json, data_dir)


@server.command()
def stop(json: Json = False, data_dir: DataDir = None) -> None:
    """Close the event port and every client's connection; the companion goes on."""
    _act("stop", json, data_dir)


@server.command()
def start(json: Json = False, data_dir: DataDir = None) -> None:
    """Open the event port again, and try REST's once more where that was busy."""
    _act("start", json, data_dir)
