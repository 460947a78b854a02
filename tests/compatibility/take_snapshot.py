"""Write the public surface of the program as it is now into a folder named after its version.

Run it once per release: ``python -m tests.compatibility.take_snapshot``. ``test_surface.py`` and
``test_data_folder.py`` then check that every later version is compatible.
"""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from pathlib import Path
from typing import Any

import msgspec
import typer

from app import __version__
from app.cli.main import app
from app.system.exit_codes import Exit
from app.system.settings import Settings
from tests.e2e.processes import free_ports

TOKEN = "a-token-of-the-compatibility-snapshot"
FOLDER = Path(__file__).parent / __version__
SETTINGS = """\
# A comment that must survive.
username = "me"
allowed_origins = ["http://localhost:1420", "http://localhost:5173"]
journal_rows = 5000
presence_decays = false
pinned = ["mine/greeting", "basics/typing"]
an_unknown_key = "kept"
"""
MESSAGE = {
    "msg_id": "7d0cf4a5-6a3c-4b52-9f5c-000000000001",
    "from": "alice",
    "to": "me",
    "text": "für alle 🎉",
    "timestamp": "2026-01-02T03:04:05Z",
    "direction": "received",
    "delivered": True,
    "delivery_method": "direct",
}
FIXTURE = {
    "title": "Greeting",
    "event": "new_message",
    "data": {**MESSAGE, "msg_id": "{{uuid}}", "timestamp": "{{now-5m}}"},
    "must": "Show it.",
}
NOT_DATA = ("instance.json", "instance.lock", "logs")
"""Files that a run leaves in the folder and that are not user data."""


def main() -> None:
    """Write all parts of the snapshot."""
    data = FOLDER / "data"
    data.mkdir(parents=True)
    write("commands.json", commands())
    write("exit_codes.json", {each.name: each.value for each in Exit})
    write("settings.json", settings())
    (data / "settings.toml").write_text(SETTINGS, "utf-8")
    (data / "token.txt").write_text(TOKEN + "\n", "utf-8")
    (data / "token.txt").chmod(0o600)
    serve_and_collect(data)


def write(name: str, value: Any) -> None:
    """Write a part as JSON."""
    (FOLDER / name).write_text(json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n", "utf-8")


def commands() -> dict[str, Any]:
    """Return every command with its options, their value types, its arguments and its help text."""
    found: dict[str, Any] = {}
    walk(typer.main.get_command(app), "companion", found)
    return found


def walk(command: Any, name: str, found: dict[str, Any]) -> None:
    """Add a command and its subcommands. The classes are those of typer, which has its own copy of click."""
    found[name] = {
        "help": command.get_help(command.context_class(command, info_name=name)),
        "options": {
            option: {"type": each.type.name, "flag": each.is_flag, "multiple": each.multiple}
            for each in command.params
            if each.param_type_name == "option"
            for option in (*each.opts, *each.secondary_opts)
        },
        "arguments": [
            {"name": each.name, "required": each.required, "nargs": each.nargs}
            for each in command.params
            if each.param_type_name == "argument"
        ],
    }
    for part, subcommand in getattr(command, "commands", {}).items():
        walk(subcommand, f"{name} {part}", found)


def settings() -> dict[str, Any]:
    """Return every key of the settings file with its default and its JSON schema."""
    defaults = msgspec.to_builtins(Settings())
    schemas = msgspec.json.schema(Settings)["$defs"]["Settings"]["properties"]
    return {key: {"default": defaults[key], "schema": schemas[key]} for key in defaults}


def serve_and_collect(data: Path) -> None:
    """Run the program on the data folder, add a fixture and a message, and save what its API returns."""
    events, rest, control = free_ports(3)
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring", "PYTHONUTF8": "1"}
    common = ("--data-dir", str(data), "--token-file", str(data / "token.txt"))
    companion = (sys.executable, "-m", "app")
    ports = ("--port", str(events), "--rest-port", str(rest), "--control-port", str(control))
    server = subprocess.Popen(
        [*companion, "serve", *common, *ports], stdout=subprocess.PIPE, text=True, env=environment
    )
    assert server.stdout
    while not server.stdout.readline().startswith("control "):
        pass
    base = f"http://127.0.0.1:{control}"
    call(base, "PUT", "/v1/fixtures/mine%2Fgreeting", FIXTURE)
    call(base, "POST", "/v1/events", {"event": "new_message", "data": MESSAGE})
    write("openapi.json", call(base, "GET", "/v1/openapi.json"))
    write("state.json", call(base, "GET", "/v1/state"))
    write("fixtures.json", sorted(each["name"] for each in call(base, "GET", "/v1/fixtures")["fixtures"]))
    server.terminate()
    server.wait(20)
    for name in NOT_DATA:
        path = data / name
        shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)


def call(base: str, method: str, path: str, body: Any = None) -> Any:
    """Call the control API and return its JSON answer."""
    request = urllib.request.Request(
        base + path,
        method=method,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request) as answer:
        text = answer.read()
    return json.loads(text) if text else None


if __name__ == "__main__":
    main()
