"""No command writes a control character from untrusted input to the terminal."""

import json
import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from http import HTTPStatus
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

import typer
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

from app.cli.main import app
from tests.e2e import in_process
from tests.e2e.processes import COMPANION, ENVIRONMENT, Companion
from tests.e2e.processes import serve as serve_companion
from tests.gates.gate import Outcome, Server
from tests.gates.outsider import Outsider, write_files

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
FORBIDDEN = {*map(chr, range(0x20)), *map(chr, range(0x7F, 0xA0)), *BIDI} - {"\n", "\t"}
FORGED = "FORGED"
HOSTILE = f"\x1b]0;PWNED\x07\n{FORGED}\r{FORGED}\x9b2J\x85{FORGED}" + "".join(sorted(FORBIDDEN - {"\0"}))
SHORT = f"\x1b]0;P\x07\x9b2J\u202e\u2066\u200f\n{FORGED}"
MESSAGE = str(UUID(int=1, version=4))
"""ID of the message that ``Outsider`` stores."""
PATIENCE_S = 60

DOCUMENTS = {("session", "show"), ("session", "export"), ("contract", "show"), ("contract", "typescript")}
"""Commands whose output is a text for a file. In a pipe, as here, only their errors are escaped."""

Arguments = list[str]


def commands() -> Iterator[tuple[str, ...]]:
    """Return the names of all commands, from the command tree."""

    def walk(command: Any, path: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        inner = getattr(command, "commands", None)
        if inner is None or (path and command.invoke_without_command):
            yield path
        for name, each in (inner or {}).items():
            yield from walk(each, (*path, name))

    return walk(typer.main.get_command(app), ())


def calls(folder: Path, closes: str, refuses: str) -> dict[tuple[str, ...], list[Arguments]]:
    """Return the arguments for each command, in this order. Each is run without and with ``--json``."""
    file = str(folder / "state.json")
    frame = str(folder / "frame.txt")
    profile = str(folder / "profile.json")
    session, hostile = str(folder / "good.session.jsonl"), str(folder / "hostile.chat")
    return {
        ("status",): [[]],
        ("token",): [[], ["--agent"], ["--agent", "--revoke"]],
        ("open",): [[]],
        ("journal",): [["--limit", "10000"], ["--filter", f"{SHORT} dir:x"]],
        ("filters", "save"): [["mine", HOSTILE], [SHORT, "x"], ["mine", f"is:{SHORT}"]],
        ("filters", "list"): [[]],
        ("filters", "rename"): [["mine", SHORT], [SHORT, "mine"], ["mine", "mine-2"]],
        ("filters", "delete"): [[SHORT], ["mine-2"]],
        ("contract", "show"): [[], ["--output", f"/nowhere/{SHORT}"]],
        ("contract", "asyncapi"): [[], ["--as", SHORT]],
        ("contract", "typescript"): [[]],
        ("contract", "schema"): [["fixture"], [SHORT]],
        ("contract", "import"): [[file, "--to", str(folder / "events")], [SHORT, "--to", str(folder)], [file]],
        ("contract", "check"): [[SHORT], [file], [str(folder / "events.ts"), "--type", SHORT]],
        ("faults", "set"): [
            ["client:999999", "loss=1", "--only", SHORT], ["all", SHORT], [SHORT, "loss=1"],
            ["all", "--profile", SHORT], ["client:999999", "--profile", "twice"],
        ],
        ("faults", "rest"): [[f"GET /{SHORT}", "status=503"], [SHORT, "status=503"], ["GET /x", SHORT]],
        ("contract", "lint"): [[], [SHORT], ["--rule", SHORT], ["--format", "junit"]],
        ("contract", "rules"): [[], ["--off", SHORT], ["--off", "clock-skew"], ["--on", "clock-skew"]],
        ("contract", "files"): [[]],
        ("contract", "reload"): [[]],
        ("faults", "list"): [[]],
        ("faults", "profiles", "save"): [["mine", profile], [SHORT, profile], ["mine", frame], ["mine", SHORT]],
        ("faults", "profiles", "list"): [[]],
        ("faults", "profiles", "rename"): [["mine", SHORT], ["mine", "mine-2"], ["mine-2", "mine"]],
        ("faults", "profiles", "delete"): [[SHORT], ["mine"]],
        ("faults", "clear"): [[SHORT], [f"GET /{SHORT}"], []],
        ("sources", "list"): [[]],
        ("sources", "status"): [[], [SHORT]],
        ("sources", "on"): [[SHORT]],
        ("sources", "off"): [[SHORT], ["supabase"]],
        ("sources", "test"): [[SHORT], ["supabase"]],  # without an address and a key: no host is contacted
        ("sources", "key"): [[]],
        ("sources", "delete"): [[SHORT]],
        ("peers", "key"): [[]],
        ("peers", "add"): [
            [SHORT, "--public-key", "A" * 43 + "=", "--signing-key", SHORT],
            ["x", "--public-key", SHORT, "--signing-key", SHORT],
        ],
        ("peers", "list"): [[]],
        ("peers", "verify"): [[SHORT], [SHORT, "--fingerprint", SHORT], [SHORT, "--compared"]],
        ("peers", "accept"): [[SHORT]],
        ("peers", "reject"): [[SHORT]],
        ("peers", "forget"): [[SHORT]],
        ("peers", "export"): [[f"{folder}/no/{SHORT}"]],
        ("peers", "import"): [[f"{folder}/{SHORT}"], [frame]],
        ("peers", "rotate"): [[]],
        ("peers", "erase"): [[], ["--yes"]],
        ("breakpoints", "add"): [
            ["", "--once", "--timeout", "600"], [SHORT, "--hits", "1000"], [f"is:{SHORT}"],
            ["", "--direction", SHORT],
        ],
        ("breakpoints", "list"): [[]],
        ("clients", "list"): [[]],
        ("clients", "identify"): [["999999", SHORT], ["1", SHORT]],
        ("fixtures", "list"): [[]],
        ("fixtures", "show"): [["canary"], ["canary-raw"], ["canary-unknown"], ["canary-field"], [HOSTILE]],
        ("fixtures", "save"): [["mine", frame], [HOSTILE, frame], ["mine", f"{folder}/{SHORT}"]],
        ("fixtures", "run"): [["canary", "--wait", "0"], ["canary-unknown"], [SHORT]],
        ("breakpoints", "held"): [[]],
        ("breakpoints", "wait"): [["--within", "0"]],
        ("breakpoints", "resolve"): [
            ["all", "modify", "--data", SHORT], ["1", "inject", "--event", SHORT], [SHORT, "drop"],
            ["1", "modify", "--text", HOSTILE], ["all", "continue"],
        ],
        ("breakpoints", "remove"): [[SHORT], ["all"]],
        ("fixtures", "rename"): [["mine", SHORT], ["mine", "mine-2"], ["mine-2", "mine"]],
        ("fixtures", "delete"): [[SHORT], ["mine"]],
        ("session", "save"): [
            ["mine", session], [SHORT, session], ["mine", hostile], ["mine", f"{folder}/{SHORT}"],
        ],
        ("session", "list"): [[]],
        ("session", "show"): [["mine"], [SHORT]],
        ("session", "check"): [["mine"], [session], [hostile], [SHORT]],
        ("session", "compare"): [[session, session], [session, SHORT], [hostile, session]],
        ("session", "convert"): [[session, f"{folder}/x.chat"], [hostile, f"{folder}/{SHORT}.chat"]],
        ("session", "export"): [
            ["--as", "markdown"], ["mine", "--as", "playwright"], [session, "--as", SHORT],
            [hostile, "--as", "scenario"],
            ["--as", "msw", "--filter", SHORT], [session, "--as", "pytest", "--output", f"/nowhere/{SHORT}"],
        ],
        ("session", "run"): [
            [session, "--speed", "max", "--mark", SHORT], [session, "--to", SHORT], [hostile], [SHORT],
        ],
        ("session", "runs"): [[]],
        ("mcp",): [["--help"]],  # it speaks a protocol with programs, not with a terminal
        ("session", "bundle"): [
            ["--preview", "--no-redact"], [SHORT, "--preview"], ["--output", f"{folder}/no/{SHORT}.zip"], [],
        ],
        ("session", "pause"): [["1"], ["999"]],
        ("session", "resume"): [["1"]],
        ("session", "stop"): [["1"]],
        ("session", "record", "start"): [["mine-r"], [SHORT], ["x", "--filter", SHORT]],
        ("session", "record", "list"): [[]],
        ("session", "record", "stop"): [[SHORT], []],
        ("session", "record", "save"): [
            [f"{folder}/r.session.jsonl"], [f"{folder}/no/{SHORT}"], [frame, "--run", SHORT],
        ],
        ("session", "rename"): [["mine", SHORT], ["mine", "mine-2"], ["mine-2", "mine"]],
        ("session", "delete"): [[SHORT], ["mine"]],
        ("trigger",): [
            ["new_message", "--set", f"text={HOSTILE}"], ["--fixture", "canary"], ["--frame", HOSTILE], [SHORT],
            ["--last"], ["--list"], ["--row", "1"], ["--row", "5"],
            ["new_message", "--as", SHORT], ["typing", "--to", f"user:{SHORT}"],
        ],
        ("expect",): [["typing", "--within", "0.1"], [SHORT, "--within", "0.1", "--loose"]],
        ("listen",): [
            ["--for", "0.5", "--url", closes], ["--for", "0.5", "--url", refuses], ["--for", "0.5", "--url", SHORT],
            ["--for", "0.5", "--as", SHORT],
        ],
        ("ui-state", "show"): [
            [], ["--reported", "--client", "1"], ["--client", "1"], ["--client", "999999"], ["--after", "999999"],
        ],
        ("ui-state", "report"): [[file], [SHORT], ["--client", "1", file]],
        ("ui-state", "compare"): [["--client", "1", file], [SHORT], [frame], ["--client", "1", "--after", "1"]],
        ("ui-state", "expect"): [[f"chat.{SHORT}={SHORT}", "--within", "0", "--client", "1"], [SHORT]],
        ("ui-state", "clients"): [[]],
        ("ui-state", "changes"): [["--client", "1"], ["--client", "999999"]],
        ("ui-state", "why"): [[f"chat.{SHORT}", "--client", "1"], ["chat.activeChat"]],
        ("ui-state", "select"): [[SHORT, "--client", "1"], ["--client", "1"]],
        ("reconnects",): [[], ["--client", "1"], ["--client", "999999"]],
        ("ui-state", "code"): [["reporter"], [SHORT], ["playwright", "--output", f"{file}/{SHORT}"]],
        ("fixtures", "pin"): [["canary"], [SHORT]],
        ("fixtures", "unpin"): [[SHORT], ["canary"]],
        ("state", "personas", "list"): [[]],
        ("state", "personas", "add"): [[SHORT], ["gate"]],
        ("state", "personas", "change"): [[SHORT, "--online"], ["gate", "--online"]],
        ("state", "personas", "rename"): [["gate", SHORT], ["gate", "gate-2"], ["gate-2", "gate"]],
        ("state", "personas", "remove"): [[SHORT], ["nobody"]],
        ("state", "messages", "list"): [["alice"], [SHORT]],
        ("state", "messages", "deliver"): [[MESSAGE], [SHORT]],
        ("state", "messages", "react"): [
            [MESSAGE, SHORT, "--as", "alice"], [MESSAGE, "x", "--as", SHORT], [SHORT, "--as", "me"],
        ],
        ("state", "messages", "delete"): [[SHORT], [MESSAGE]],
        ("server", "settings"): [[], [SHORT], [f"username={SHORT}"], [f"{SHORT}=1"], ["theme=dark"]],
        ("server", "origins"): [[]],
        ("server", "allow"): [[SHORT], ["http://localhost:5173"]],
        ("server", "disallow"): [[SHORT], ["http://localhost:5173"]],
        ("server", "start-at-login"): [[]],
        ("state", "save"): [[file], [f"{folder}/no/{SHORT}"]],
        ("state", "load"): [[f"{folder}/{SHORT}"], [frame], [file]],
        ("server", "pause"): [[]],
        ("server", "resume"): [[]],
        ("reconnects", "lab"): [["--client", "1", "--within", "0.1"], ["--client", "999999"], ["--refuse", SHORT]],
        ("server", "refuse"): [["2", "--mode", "close:1013"], ["--mode", SHORT]],
        ("server", "refusals"): [[]],
        ("server", "accept"): [[]],
        ("server", "stop"): [[]],
        ("server", "start"): [[]],
        ("clients", "close"): [["all", "--reason", SHORT], [SHORT]],
        ("state", "reset"): [[]],
        ("serve",): [[]],  # a second start, which must fail
        ("help",): [[], ["events"], [SHORT]],
        ("quit",): [[]],
    }  # fmt: skip


def flaws(output: bytes) -> list[str]:
    """Return the control characters and forged lines in a command's output."""
    text = output.decode("utf-8")
    found = [f"U+{ord(char):04X}" for char in sorted(FORBIDDEN & set(text.replace(os.linesep, "\n")))]
    return found + [f"a line {FORGED}" for line in text.splitlines() if line.startswith(FORGED)]


def run_command(data_dir: Path, *arguments: str, long: bool) -> tuple[bytes, bytes]:
    """Run a command, and return its standard output and standard error. ``long``: in a process of its own."""
    environment = {**ENVIRONMENT, "COMPANION_DATA_DIR": str(data_dir), "DISPLAY": "", "WAYLAND_DISPLAY": ""}
    if not long and in_process.runs_in_process(arguments[0]):
        done = in_process.run_command(arguments, environment, None)
        return done.stdout, done.stderr
    ended = subprocess.run(
        [*COMPANION, *arguments], env=environment, stdin=subprocess.DEVNULL, capture_output=True, timeout=PATIENCE_S
    )
    return ended.stdout, ended.stderr


def check_command(
    data_dir: Path, name: tuple[str, ...], arguments: Arguments, with_json: bool, long: bool
) -> list[str]:
    """Run one command, and return the flaws of its output."""
    given = [*name, *(["--json"] if with_json else []), *arguments]
    out, err = run_command(data_dir, *given, long=long)
    found = flaws(err) + (flaws(out) if with_json or name not in DOCUMENTS else [])
    if with_json:
        try:
            for line in out.decode().split("\n"):
                json.loads(line or "null")
        except ValueError as error:
            found.append(f"invalid JSON: {error}")
    if b"Traceback" in err:
        found.append("a traceback")
    return [f"{' '.join(name)} {arguments} json={with_json}: {each}" for each in found]


@contextmanager
def hostile_servers() -> Iterator[tuple[str, str]]:
    """Run a server that sends hostile texts and close reasons, and one that rejects with a hostile body."""

    def close(client: ServerConnection) -> None:
        for frame in (
            HOSTILE,
            json.dumps({"event": HOSTILE, "data": {HOSTILE: HOSTILE}}),
            f'{{"event":"{SHORT[-9:]}"',
        ):
            client.send(frame)
        client.close(4000, SHORT)

    def refuse(client: ServerConnection, _: Request) -> Response:
        return client.respond(HTTPStatus.FORBIDDEN, HOSTILE)

    with serve(close, "127.0.0.1", 0) as closing, serve(close, "127.0.0.1", 0, process_request=refuse) as refusing:
        for each in (closing, refusing):
            threading.Thread(target=each.serve_forever, daemon=True).start()
        first, second = (f"ws://127.0.0.1:{each.socket.getsockname()[1]}/" for each in (closing, refusing))
        yield first, second


def measure(program: Companion, data_dir: Path, folder: Path, long: bool) -> Outcome:
    outsider = Outsider(Server(program, data_dir), HOSTILE, SHORT)
    outsider.fill()
    (folder / "frame.txt").write_bytes(b"{" + HOSTILE.encode())
    (folder / "hostile.chat").write_bytes(HOSTILE.encode())
    (folder / "profile.json").write_text(
        json.dumps({"title": SHORT, "about": SHORT, "faults": [{"fault": "corrupt"}]})
    )
    (folder / "events.ts").write_text(f"export type WSEvent = {json.dumps(HOSTILE)};")
    (folder / "good.session.jsonl").write_text(
        "\n".join(
            map(json.dumps, ({"session": 1, "title": SHORT}, {"say": HOSTILE, "as": "alice"}, {"note": SHORT}))
        )
    )
    found: list[str] = []
    count = 0
    with outsider.stay(), hostile_servers() as (closes, refuses):
        for name, several in calls(folder, closes, refuses).items():
            for arguments in several:
                # By default every second command runs with --json, because all of them take ten minutes.
                for with_json in (False, True) if long else (bool(count % 2) and name != ("serve",),):
                    if name == ("serve",) and with_json:
                        continue
                    count += 1
                    found += check_command(data_dir, name, arguments, with_json, long)
    program.wait()
    for lines, where in ((program.out, "stdout"), (program.err, "stderr")):
        found += [f"serve, {where}: {each}" for each in flaws("\n".join(lines).encode())]
    log = (data_dir / "logs" / "companion.log").read_bytes()
    found += [f"companion.log: {each}" for each in flaws(log)]
    print(*found, sep="\n")
    return Outcome(f"{len(found)} flaws in the output of {count} commands", "0", not found)


def run(long: bool) -> Outcome:
    with TemporaryDirectory(prefix="companion-gate-") as name:
        folder = Path(name)
        data_dir = folder / "data"
        write_files(data_dir, HOSTILE)
        # A relative folder in the settings is created in the working directory.
        with chdir(folder), serve_companion(data_dir, folder=folder) as program:
            return measure(program, data_dir, folder, long)
