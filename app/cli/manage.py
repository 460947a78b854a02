"""``companion status``, ``token``, ``open`` and ``server``: inspect and control the running companion.
``token`` prints the control API's main token, even if no companion is running, or creates, prints or revokes the
agent token, which has fewer rights. ``open`` shows the window, the fire bar (a small window with buttons that fire
events) or a recording. ``server`` pauses, resumes, stops and starts the event server, and prints or changes
any setting (``system.settings``), allowed origins and start at login; its commands that refuse connections are in
``refusals.py``.
"""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import completion
from app.cli.options import DataDir, Json, as_json, finite, not_empty, print_result
from app.protocol.counts import count
from app.protocol.summary import summarize
from app.system.exit_codes import Exit
from app.system.settings import FOLDERS
from app.system.terminal import is_terminal, print_lines, say


def status(
    wait: Annotated[
        float,
        typer.Option(
            "--wait",
            min=0,
            max=3600,
            metavar="SECONDS",
            callback=finite,
            help="Wait up to this long for the companion to start.",
        ),
    ] = 0,
    newer: Annotated[
        bool, typer.Option("--newer", help="Only check whether a newer version is available.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the state of the running companion, and why a server is off. Exit code 4 if no companion is running."""
    from app.cli.control import Control

    control = Control(data_dir, wait)
    if newer:
        answer = control.call("POST", "/v1/updates/check")
        text = f"Version {answer['newer']}: {answer['page']}" if answer["newer"] else "This is the newest version"
        print_result(text, answer, json)
        return
    found = control.call("GET", "/v1/status")
    print_lines(*([as_json(found)] if json else _lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    face = "with a window" if found["window"] else "without a window (serve)"
    refused = [f"refuses  {each['text']}" for each in found.get("refusals", [])]
    lines = [
        f"P2P Chat Companion {found['version']}, process {found['pid']}, {face}",
        *(f"{each['name']:<8} {_service(each, found)}" for each in found["services"]),
        f"journal  {count(found['journal']['rows'], 'row')}, the newest #{found['journal']['last_seq']}",
        f"user     {found['username']}" + (" · chat state in memory only" if found["in_memory"] else ""),
    ]
    return [*lines, *refused, *found["warnings"]]


def _service(service: dict[str, Any], found: dict[str, Any]) -> str:
    if service["error"]:
        return f"off: {service['error'].rstrip('.')}"
    if not service["listening"]:
        return "off: stopped" if service["wanted"] else "off: switched off in Settings or by an option"
    if service["name"] != "events":
        return str(service["url"])
    clients = found["clients"]
    return f"{service['url']}, {found['state']}, {count(clients, 'client')}"


def token(
    agent: Annotated[
        bool,
        typer.Option(
            "--agent",
            help="Print the agent token, which cannot change settings, tokens, peers, keys or sources; create it "
            "if needed.",
        ),
    ] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="With --agent, make that token invalid.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the token of the control API. Scripts send it as `Authorization: Bearer TOKEN`.

    On a terminal and with --json, also print where it is stored. --agent needs a running companion. Commands use
    the agent token if COMPANION_AGENT_TOKEN is set to it.
    """
    if revoke and not agent:
        raise typer.BadParameter("--revoke needs --agent")
    if agent:
        _agent_token(revoke, json, data_dir)
        return
    from app.cli.control import read_token
    from app.system import instance
    from app.system.paths import Folders

    folders = Folders.of(data_dir)
    token = read_token(instance.find(folders.instance_file), folders)
    print_result(token.value, {"token": token.value, "kept_in": token.kept_in, "file": str(token.file or "")}, json)
    if is_terminal(sys.stdout):
        say(f"It is stored in {token.place}.")


def _agent_token(revoke: bool, json: bool, data_dir: Path | None) -> None:
    from app.cli.control import Control
    from app.system.control_token import Token

    control = Control(data_dir)
    if revoke:
        control.call("DELETE", "/v1/tokens/agent", missing=Exit.FAILED)
        print_result("the agent token is no longer valid", {"revoked": True}, json)
        return
    found = control.call("POST", "/v1/tokens/agent")
    print_result(found["token"], found, json)
    if is_terminal(sys.stdout):
        place = Token("", found["kept_in"], Path(found["file"]) if found["file"] else None).place
        say(f"It is stored in {place}.")


def open_window(
    fire_bar: Annotated[
        bool, typer.Option("--fire-bar", help="Show the fire bar instead. It does not take the keyboard focus.")
    ] = False,
    recording: Annotated[
        str | None,
        typer.Option(
            "--recording",
            metavar="NAME|FILE",
            callback=not_empty,
            help="Open this recording in a window of its own.",
        ),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Open the window of the running companion and bring it to the front, the fire bar, or a recording."""
    if fire_bar and recording:
        raise typer.BadParameter("--fire-bar and --recording exclude each other")
    from app.cli.control import Control

    if recording:
        file = Path(recording)
        if file.is_file():
            Control(data_dir).call("POST", "/v1/recordings/open-file", {"file": str(file.resolve())})
        else:
            Control(data_dir).call("POST", "/v1/recordings/open", {"name": recording})
        print_result(f"{recording} is open", {"open": True}, json)
        return
    Control(data_dir).call("POST", "/v1/fire-bar/open" if fire_bar else "/v1/window/open")
    print_result(f"the {'fire bar' if fire_bar else 'window'} is open", {"open": True}, json)


server = typer.Typer(
    help="Pause, resume, stop and start the event server; refuse connections; change settings and allowed origins.",
    no_args_is_help=True,
)


def _control_server(verb: str, json: bool, data_dir: Any) -> None:
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
    """Stop sending events. Clients stay connected."""
    _control_server("pause", json, data_dir)


@server.command()
def resume(json: Json = False, data_dir: DataDir = None) -> None:
    """Send events again after a pause."""
    _control_server("resume", json, data_dir)


@server.command()
def stop(json: Json = False, data_dir: DataDir = None) -> None:
    """Stop the event server: close its port and all connections. The companion keeps running."""
    _control_server("stop", json, data_dir)


@server.command()
def start(json: Json = False, data_dir: DataDir = None) -> None:
    """Start the event server again. Also retry the REST port if it was busy."""
    _control_server("start", json, data_dir)


@server.command()
def settings(
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY | KEY=VALUE]…", help="Settings to print or change.", autocompletion=completion.settings
        ),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print settings, or change them and save the settings file.

    Without KEY, print all settings. Write a list as JSON: pinned='["basics/message"]'.
    """
    from app.cli.control import Control
    from app.protocol.conditions import parse_value

    given = changes or []
    wanted = [each for each in given if "=" not in each]
    control = Control(data_dir)
    if len(wanted) < len(given):
        if wanted:
            raise typer.BadParameter(f"{wanted[0]!r} has no value; use KEY=VALUE to change a setting")
        texts: dict[str, str] = {}
        for key, _, text in (each.partition("=") for each in given):
            if key in texts:
                raise typer.BadParameter(f"{key!r} is given twice; give it one value")
            texts[key] = text
        before = control.call("GET", "/v1/settings")["values"]
        _require_known(texts, before)
        new = {key: text if isinstance(before[key], str) else parse_value(text) for key, text in texts.items()}
        new |= {key: _absolute(text) for key, text in texts.items() if key in FOLDERS}
        found = control.call("PATCH", "/v1/settings", new)
        for each in found["at_next_start"]:
            say(f"{each} takes effect at the next start.")
        say(*found["warnings"])
        wanted = list(texts)
    else:
        found = control.call("GET", "/v1/settings")
    values = found["values"]
    _require_known(wanted, values)
    if json:
        print_lines(as_json({each: values[each] for each in wanted} if wanted else values))
        return
    for key in wanted or values:
        print_lines(f"{key} = {as_json(values[key])}")


def _require_known(keys: Iterable[str], values: dict[str, Any]) -> None:
    """Fail if a key is not a setting."""
    from app.cli.control import fail
    from app.protocol.did_you_mean import suggestion

    for key in keys:
        if key not in values:
            hint = suggestion(key, values) or f". Use one of: {', '.join(values)}."
            fail(f"{key} is not a setting{hint}", Exit.USAGE)


def _absolute(folder: str) -> str:
    """Return the path of a folder for the companion, whose working directory is another one. It expands ``~``."""
    folder = folder.strip()
    return str(Path(folder).absolute()) if folder and not folder.startswith("~") else folder


@server.command()
def origins(json: Json = False, data_dir: DataDir = None) -> None:
    """Print the allowed origins, and the connections that were refused."""
    from app.cli.control import Control

    found = Control(data_dir).call("GET", "/v1/origins")
    if json:
        print_lines(as_json(found))
        return
    for each in found["allowed"]:
        print_lines(f"allowed  {summarize(each)}")
    for each in found["refused"]:
        print_lines(f"refused  {summarize(each['origin'] or '-')}  {each['times']} × {summarize(each['reason'])}")


@server.command()
def allow(
    origin: Annotated[
        str,
        typer.Argument(
            help="Origin of the page, for example http://localhost:5173.", autocompletion=completion.refused_origins
        ),
    ],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Allow pages of an origin to connect."""
    from app.cli.control import Control

    found = Control(data_dir).call("POST", "/v1/origins", {"origin": origin})
    print_result(f"{origin} may connect now. Reload that page.", found, json)


@server.command()
def disallow(
    origin: Annotated[
        str, typer.Argument(help="An origin that is allowed now.", autocompletion=completion.allowed_origins)
    ],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Remove an allowed origin. Connected pages stay connected."""
    from app.cli.control import Control

    found = Control(data_dir).call("DELETE", "/v1/origins", origin=origin)
    print_result(f"{origin} is no longer allowed to connect", found, json)


@server.command("start-at-login")
def start_at_login(
    on: Annotated[
        bool | None,
        typer.Option(
            "--on/--off", help="Switch it on or off. Without this option, print the state.", show_default=False
        ),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Start the companion in the tray when you log in."""
    from app.cli.control import Control

    control = Control(data_dir)
    if on is None:
        found = control.call("GET", "/v1/start-at-login")
    else:
        found = control.call("PUT", "/v1/start-at-login", {"on": on})
    print_result(f"Start at login is {'on' if found['on'] else 'off'}", found, json)
