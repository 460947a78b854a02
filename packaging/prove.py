"""Proves that an installed companion works: an event that its command line fires reaches a WebSocket client.

``python packaging/prove.py COMMAND…`` (say ``companion``, or ``chroot ROOT companion``) runs it without a window,
and with ``--window`` in front of the command its tray program as well. Needs websockets; knows nothing of the
program but its command line.
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
PATIENCE_S = 10.0
ON_WINDOWS = sys.platform == "win32"


class Installed:
    """The program under test, in a folder of its own, on free ports."""

    def __init__(self, command: Sequence[str], data_dir: str, extra: dict[str, str], uid: int | None) -> None:
        self.uid = uid
        self._command = list(command)
        self._env = {
            **os.environ, "COMPANION_DATA_DIR": data_dir, "COMPANION_TOKEN": uuid.uuid4().hex, **extra,
        }  # fmt: skip

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Start it; Windows can tell only what has a process group of its own to stop."""
        group = getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
        return subprocess.Popen(
            [*self._command, *words], env=self._env, stdout=subprocess.PIPE, text=True, creationflags=group
        )

    def ask(self, *words: str) -> Any:
        """Run a verb; return the JSON that it prints."""
        done = subprocess.run(
            [*self._command, *words, "--json"], env=self._env, stdout=subprocess.PIPE, text=True, timeout=60,
            check=True,
        )  # fmt: skip
        return json.loads(done.stdout)


def prove_events(program: Installed, url: str) -> None:
    """Fire an event from the command line, and receive it with a client."""
    text = f"proof {uuid.uuid4()}"
    address = urlsplit(url)
    with as_user(program.uid):
        door = socket.socket()  # whose it is counts from here
    door.connect((address.hostname, address.port))
    with connect(url, sock=door) as client:
        fired = program.ask("trigger", "new_message", "--set", f"text={text}", "--wait", "10")
        frame = json.loads(client.recv(timeout=PATIENCE_S))
    assert fired["delivered"] == 1, fired
    assert (frame["event"], frame["data"]["text"]) == ("new_message", text), frame
    made_up = program.ask("trigger", "new_message", "--set", "text={{faker.sentence}}")
    assert made_up["seq"] > fired["seq"], made_up
    assert any(each["name"].startswith("nasty/") for each in program.ask("fixtures", "list")), "no fixtures inside"


@contextmanager
def as_user(uid: int | None) -> Iterator[None]:
    """Open sockets as the user with this number: on Linux the companion refuses other users' programs."""
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
    """Without a window: starts, delivers, and ends with 0 when the system asks it to."""
    running = program.start("serve", "--port", "0", "--rest-port", "0", "--control-port", "0")
    try:
        assert running.stdout is not None
        line = running.stdout.readline()
        found = re.match(r"listening (ws://127\.0\.0\.1:\d+/events)$", line)
        assert found, f"it said {line!r}"
        prove_events(program, found[1])
        running.send_signal(signal.CTRL_BREAK_EVENT if ON_WINDOWS else signal.SIGTERM)
        code = running.wait(PATIENCE_S)
        assert code == 0, f"it ended with {code}"
    finally:
        end(running)


def prove_window(program: Installed) -> None:
    """The tray program: opens its window, delivers, and ends with 0 when it is told to quit."""
    running = program.start("--port", "0", "--rest-port", "0", "--control-port", "0")
    try:
        status = wait_for_status(program, running)
        assert status["window"], status
        prove_events(program, status["events"]["url"])
        program.ask("quit")
        code = running.wait(PATIENCE_S)
        assert code == 0, f"it ended with {code}"
    finally:
        end(running)


def wait_for_status(program: Installed, running: subprocess.Popen[str]) -> Any:
    """Return what ``companion status`` says as soon as it can be asked."""
    deadline = time.monotonic() + READY_S
    while True:
        assert running.poll() is None, f"it ended with {running.returncode} at its start"
        with suppress(subprocess.CalledProcessError):
            return program.ask("status", "--wait", "5")
        assert time.monotonic() < deadline, "it did not answer"


def end(running: subprocess.Popen[str]) -> None:
    """See that it no longer runs."""
    if running.poll() is None:
        running.kill()
    running.wait()


def main() -> None:
    """Prove what was asked for; an assertion says what did not hold."""
    parser = argparse.ArgumentParser(description="Proves that an installed companion works.")
    parser.add_argument("--window", action="store_true", help="prove the tray program, too")
    parser.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for the command")
    parser.add_argument("--uid", type=int, help="who the command runs as, when it is somebody else")
    parser.add_argument("command", nargs=argparse.REMAINDER, help="the installed program")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="prove-", ignore_cleanup_errors=True) as folder:
        program = Installed(asked.command, folder, dict(each.split("=", 1) for each in asked.env), asked.uid)
        prove_serve(program)
        sys.stdout.write("serve: started, delivered, ended with 0\n")
        if asked.window:
            prove_window(program)
            sys.stdout.write("window: opened, delivered, quit with 0\n")


if __name__ == "__main__":
    main()
