"""``companion status``, ``token``, ``open`` and ``server``: the companion itself."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from app.cli import completion
from app.cli.options import DataDir, Json, Wait, as_json, done, value_of
from app.protocol.summary import summarize
from app.system.exit_codes import Exit
from app.system.terminal import print_lines, say


def status(
    wait: Wait = 0,
    newer: Annotated[
        bool, typer.Option("--newer", help="Ask whether there is a newer version, and say nothing else.")
    ] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Say what the running companion does, what is off, and why. Exit code 4 when none runs."""
    from app.cli.control import Control

    control = Control(data_dir, wait)
    if newer:
        answer = control.call("POST", "/v1/updates/check")
        text = f"Version {answer['newer']}: {answer['page']}" if answer["newer"] else "This is the newest version"
        done(text, answer, json)
        return
    found = control.call("GET", "/v1/status")
    print_lines(*([as_json(found)] if json else _lines(found)))


def _lines(found: dict[str, Any]) -> list[str]:
    face = "with a window" if found["window"] else "without a window (serve)"
    lines = [
        f"P2P Chat Companion {found['version']}, process {found['pid']}, {face}",
        *(f"{each['name']:<8} {_service(each, found)}" for each in found["services"]),
        f"journal  {found['journal']['rows']:,} rows, the newest #{found['journal']['last_seq']}",
        f"user     {found['username']}" + (" · chat state in memory only" if found["in_memory"] else ""),
    ]
    return [*lines, *found["warnings"]]


def _service(service: dict[str, Any], found: dict[str, Any]) -> str:
    if service["error"]:
        return f"off: {service['error'].rstrip('.')}"
    if not service["listening"]:
        return "off: stopped" if service["wanted"] else "off: switched off in Settings or by an option"
    if service["name"] != "events":
        return str(service["url"])
    clients = found["clients"]
    return f"{service['url']}, {found['state']}, {clients} client{'' if clients == 1 else 's'}"


def token(
    agent: Annotated[
        bool,
        typer.Option("--agent", help="Create or print a token that cannot change settings, origins or tokens."),
    ] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="With --agent: make that token invalid.")] = False,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print the control API's token, for scripts: `Authorization: Bearer TOKEN`.

    On a terminal and with --json, say where it is kept. --agent needs a running companion; commands use that token
    if the variable COMPANION_AGENT_TOKEN holds it.
    """
    if revoke and not agent:
        raise typer.BadParameter("--revoke needs --agent")
    if agent:
        _agent_token(revoke, json, data_dir)
        return
    from app.cli.control import token_of
    from app.system import instance
    from app.system.paths import Folders

    folders = Folders.of(data_dir)
    token = token_of(instance.find(folders.instance_file), folders)
    done(token.value, {"token": token.value, "kept_in": token.kept_in, "file": str(token.file or "")}, json)
    if sys.stdout.isatty():
        say(f"It is kept in {token.place}.")


def _agent_token(revoke: bool, json: bool, data_dir: Path | None) -> None:
    from app.cli.control import Control
    from app.system.control_token import Token

    control = Control(data_dir)
    if revoke:
        control.call("DELETE", "/v1/tokens/agent")
        done("the token for agents is invalid now", {"revoked": True}, json)
        return
    found = control.call("POST", "/v1/tokens/agent")
    done(found["token"], found, json)
    if sys.stdout.isatty():
        place = Token("", found["kept_in"], Path(found["file"]) if found["file"] else None).place
        say(f"It is kept in {place}.")


def open_(json: Json = False, data_dir: DataDir = None) -> None:
    """Raise the running companion's window."""
    from app.cli.control import Control

    Control(data_dir).call("POST", "/v1/window/open")
    done("the window is open", {"open": True}, json)


server = typer.Typer(
    help="Pause, resume, stop and start the event server; settings and allowed origins.", no_args_is_help=True
)


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


@server.command()
def settings(
    changes: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[KEY | KEY=VALUE]…", help="Settings to print or to change.", autocompletion=completion.settings
        ),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Print settings, or change them and save them to the settings file.

    Without KEY, print all of them. A list is JSON: pinned='["basics/message"]'.
    """
    from app.cli.control import Control, fail

    given = changes or []
    wanted = [each for each in given if "=" not in each]
    control = Control(data_dir)
    if len(wanted) < len(given):
        if wanted:
            raise typer.BadParameter(f"{wanted[0]!r} has no value: change settings with KEY=VALUE")
        before = control.call("GET", "/v1/settings")["values"]
        texts = dict(each.split("=", 1) for each in given)
        found = control.call(
            "PATCH",
            "/v1/settings",
            {key: text if isinstance(before.get(key), str) else value_of(text) for key, text in texts.items()},
        )
        for each in found["at_next_start"]:
            say(f"{each} takes effect at the next start.")
        say(*found["warnings"])
        wanted = [each.partition("=")[0] for each in given]
    else:
        found = control.call("GET", "/v1/settings")
    values = found["values"]
    if unknown := [each for each in wanted if each not in values]:
        fail(f"{unknown[0]} is not a setting. There are: {', '.join(values)}.", Exit.USAGE)
    if json:
        print_lines(as_json({each: values[each] for each in wanted} if wanted else values))
        return
    for key in wanted or values:
        print_lines(f"{key} = {as_json(values[key])}")


@server.command()
def origins(json: Json = False, data_dir: DataDir = None) -> None:
    """Print the allowed origins, and the latest refused connections."""
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
        typer.Argument(help="Like http://localhost:5173.", autocompletion=completion.refused_origins),
    ],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Allow the pages of an origin to connect."""
    from app.cli.control import Control

    found = Control(data_dir).call("POST", "/v1/origins", {"origin": origin})
    done(f"{origin} may connect now: reload that page", found, json)


@server.command()
def disallow(
    origin: Annotated[str, typer.Argument(help="An allowed origin.", autocompletion=completion.allowed_origins)],
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Allow the pages of an origin no longer; connected ones stay connected."""
    from app.cli.control import Control

    found = Control(data_dir).call("DELETE", "/v1/origins", origin=origin)
    done(f"{origin} may connect no longer", found, json)


@server.command("start-at-login")
def start_at_login(
    on: Annotated[
        bool | None,
        typer.Option("--on/--off", help="Switch it on or off. Without this, print its state.", show_default=False),
    ] = None,
    json: Json = False,
    data_dir: DataDir = None,
) -> None:
    """Start the tray program when you log in, or no longer."""
    from app.cli.control import Control

    control = Control(data_dir)
    if on is None:
        found = control.call("GET", "/v1/start-at-login")
    else:
        found = control.call("PUT", "/v1/start-at-login", {"on": on})
    done(f"Start at login is {'on' if found['on'] else 'off'}", found, json)
