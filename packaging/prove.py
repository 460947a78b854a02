"""Check that an installed companion works: fire an event on its command line, and receive it with a client.

``python packaging/prove.py COMMAND…`` (for example ``companion``, or ``chroot ROOT companion``) checks ``serve``.
With ``--window`` before the command, it checks the tray program too. Needs websockets, and uses only the command
line of the program.
"""

import argparse
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from websockets.sync.client import connect

READY_S = 30.0
TIMEOUT_S = 10.0
ON_WINDOWS = sys.platform == "win32"


class Installed:
    """The program under test, with its own data folder and free ports."""

    def __init__(
        self, command: Sequence[str], data_dir: str, extra: dict[str, str], uid: int | None, *, clean: bool = False
    ) -> None:
        """``clean`` passes no variables of this process on."""
        self.uid = uid
        self._command = list(command)
        self._env = {
            **_inherited(clean=clean), "COMPANION_DATA_DIR": data_dir, "COMPANION_TOKEN": uuid.uuid4().hex, **extra,
        }  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start a command, on Windows in a new process group: only such a group can get CTRL_BREAK_EVENT."""
        group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        return subprocess.Popen(
            [*self._command, *words], env=self._env, stdout=subprocess.PIPE, text=True, creationflags=group
        )

    def ask(self, *words: str) -> Any:
        """Run a command with ``--json`` and return its output."""
        done = subprocess.run(
            [*self._command, *words, "--json"], env=self._env, stdout=subprocess.PIPE, text=True, timeout=60,
            check=True,
        )  # fmt: skip
        return json.loads(done.stdout)


def _inherited(*, clean: bool) -> dict[str, str]:
    """Return the variables of this process for the program; with ``clean``, only what Windows itself needs."""
    if not clean:
        return dict(os.environ)
    return {name: os.environ[name] for name in ("SYSTEMROOT", "TEMP", "TMP") if ON_WINDOWS and name in os.environ}


def prove_events(program: Installed, url: str) -> None:
    """Fire an event from the command line, and receive it with a client."""
    text = f"proof {uuid.uuid4()}"
    address = urlsplit(url)
    with as_user(program.uid):
        connection = socket.socket()  # its owner is the effective user at this moment
    connection.connect((address.hostname, address.port))
    with connect(url, sock=connection) as client:
        fired = program.ask("trigger", "new_message", "--set", f"text={text}", "--wait", "10")
        frame = json.loads(client.recv(timeout=TIMEOUT_S))
    assert fired["delivered"] == 1, fired
    assert (frame["event"], frame["data"]["text"]) == ("new_message", text), frame
    made_up = program.ask("trigger", "new_message", "--set", "text={{faker.sentence}}")
    assert made_up["seq"] > fired["seq"], made_up
    assert any(each["name"].startswith("nasty/") for each in program.ask("fixtures", "list")), (
        "no built-in fixtures"
    )


@contextmanager
def as_user(uid: int | None) -> Iterator[None]:
    """Open sockets as this user: on Linux, the companion rejects programs of other users."""
    if uid is None:
        yield
        return
    before = os.geteuid()
    os.seteuid(uid)
    try:
        yield
    finally:
        os.seteuid(before)


def prove_serve(program: Installed) -> None:
    """Check ``serve``: it starts, delivers an event, and exits with 0 after SIGTERM (Windows: Ctrl+Break)."""
    running = program.start("serve", "--port", "0", "--rest-port", "0", "--control-port", "0")
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        found = re.match(r"listening (ws://127\.0\.0\.1:\d+/events)$", line)
        assert found, f"unexpected output: {line!r}"
        prove_events(program, found[1])
        running.send_signal(signal.CTRL_BREAK_EVENT if ON_WINDOWS else signal.SIGTERM)
        code = running.wait(TIMEOUT_S)
        assert code == 0, f"the exit code is {code}"
    finally:
        end(running)


def prove_window(program: Installed) -> None:
    """Check the tray program: it opens its window, delivers an event, and exits with 0 after ``companion quit``."""
    running = program.start("--port", "0", "--rest-port", "0", "--control-port", "0")
    try:
        status = wait_for_status(program, running)
        assert status["window"], status
        prove_events(program, status["events"]["url"])
        program.ask("quit")
        code = running.wait(TIMEOUT_S)
        assert code == 0, f"the exit code is {code}"
    finally:
        end(running)


def wait_for_status(program: Installed, running: subprocess.Popen[str]) -> Any:
    """Wait until ``companion status`` succeeds, and return its result."""
    deadline = time.monotonic() + READY_S
    while True:
        assert running.poll() is None, f"it ended at start with exit code {running.returncode}"
        with suppress(subprocess.CalledProcessError):
            return program.ask("status", "--wait", "5")
        assert time.monotonic() < deadline, "companion status failed until the timeout"


def end(running: subprocess.Popen[str]) -> None:
    """Kill the process if it is still running."""
    if running.poll() is None:
        running.kill()
    running.wait()


def main() -> None:
    """Run the checks. An ``AssertionError`` says what failed."""
    parser = argparse.ArgumentParser(description="Check that an installed companion works.")
    parser.add_argument("--window", action="store_true", help="check the tray program too")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="variable of the command")
    parser.add_argument("--clean", action="store_true", help="run the command without variables of this process")
    parser.add_argument("--uid", type=int, help="user ID that the command runs as, if it is another user")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the installed program")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="prove-", ignore_cleanup_errors=True) as folder:
        extra = dict(each.split("=", 1) for each in asked.env)
        program = Installed(asked.command, folder, extra, asked.uid, clean=asked.clean)
        prove_serve(program)
        sys.stdout.write("serve: started, delivered, exit code 0\n")
        if asked.window:
            prove_window(program)
            sys.stdout.write("window: opened, delivered, quit with exit code 0\n")


if __name__ == "__main__":
    main()
