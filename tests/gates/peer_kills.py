"""A companion that is killed at any system call of sending or receiving neither loses nor duplicates a message.

strace kills one of two real companions at its Nth system call with an effect, while a message is on its way.
"""

import http.client
import os
import shutil
import subprocess
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from tests.e2e.processes import Companion, free_port, serve, start_command, wait_until
from tests.e2e.rest import Rest
from tests.gates.gate import Outcome

KILLS, KILLS_LONG = 12, 110
"""For each of the two sides."""
CALLS = {"anna": 80, "ben": 24}
"""About as many such system calls make the busiest thread of the sender and that of the recipient."""
EFFECTS = (
    "write,writev,pwrite64,pwritev,sendto,sendmsg,fsync,fdatasync,openat,recvfrom,recvmsg,read,pread64,connect,"
    "accept4,close,ftruncate,unlink,rename,lseek,fcntl"
)
PAGE = 1_000


class Person(NamedTuple):
    """A user with a companion, which ``start`` starts again after it was killed."""

    name: str
    folder: Path
    port: int
    running: list[Companion]

    @property
    def companion(self) -> Companion:
        return self.running[-1]

    def start(self) -> None:
        while self.running:
            self.running.pop().end()
        self.folder.mkdir(exist_ok=True)
        lines = f'username = "{self.name}"\nrecord_runs = false\npresence_decays = false\n'
        (self.folder / "settings.toml").write_text(lines)
        self.running.append(serve(self.folder, "--peers", "--peer-port", str(self.port)))

    def texts(self, other: "Person", direction: str) -> list[str]:
        with Rest(self.companion) as rest:
            page = rest.page(other.name, PAGE)
            return [each["text"] for each in page["messages"] if each["direction"] == direction]

    def post(self, to: "Person", text: str) -> bool:
        """Post a message. Return False if the companion was killed before it answered."""
        with Rest(self.companion) as rest:
            try:
                return rest.request("POST", "/messages", {"to": to.name, "text": text}).status in (200, 202)
            except (OSError, http.client.HTTPException):
                return False


class Killer:
    """strace, which kills a companion at its Nth system call with an effect."""

    def __init__(self, victim: Companion, number: int) -> None:
        pid = victim.process.pid
        command = ["strace", "-f", "-qq", "-o", os.devnull, "-p", str(pid)]
        self._process = subprocess.Popen(
            [*command, "-e", f"inject={EFFECTS}:signal=KILL:when={number}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        wait_until(lambda: self._process.poll() is not None or _is_traced(pid), "strace to attach")

    def __enter__(self) -> "Killer":
        return self

    def __exit__(self, *_: object) -> None:
        # SIGTERM first: a killed strace would take the companion with it. It may hang if the companion was killed.
        self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(30)


def _is_traced(pid: int) -> bool:
    with suppress(OSError):
        return all(
            "TracerPid:\t0\n" not in (task / "status").read_text() for task in Path(f"/proc/{pid}/task").iterdir()
        )
    return True  # it was killed at once


def _introduce(one: Person, other: Person) -> None:
    import json

    with start_command(other.folder, "peers", "key") as command:
        assert command.wait() == 0, command
        keys = json.loads(command.out[0])
    arguments = ("--public-key", keys["public_key"], "--signing-key", keys["signing_key"])
    address = f"127.0.0.1:{other.port}"
    with start_command(one.folder, "peers", "add", other.name, *arguments, "--address", address) as command:
        assert command.wait() == 0, command


def run(long: bool) -> Outcome:
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    kills, random = KILLS_LONG if long else KILLS, Random(24)
    with TemporaryDirectory(prefix="companion-gate-") as folder, ExitStack() as stack:
        anna, ben = (Person(name, Path(folder) / name, free_port(), []) for name in ("anna", "ben"))
        for each in (anna, ben):
            each.start()
            stack.callback(lambda each=each: [companion.end() for companion in each.running])
        _introduce(anna, ben)
        _introduce(ben, anna)
        answered: list[str] = []
        killed = {"anna": 0, "ben": 0}
        for victim in (anna, ben):
            for number in random.choices(range(1, CALLS[victim.name]), k=kills):
                text = f"{victim.name} is killed at {number}: message {len(answered)}, {sum(killed.values())}"
                with Killer(victim.companion, number):
                    if anna.post(ben, text):
                        answered.append(text)
                ended = victim.companion.process.poll() is not None
                killed[victim.name] += ended
                if ended:
                    victim.start()
                ben.post(anna, f"a sign of life after {text}")
        missing: list[str] = []

        def settled() -> bool:
            sent = set(anna.texts(ben, "sent"))
            missing[:] = sorted(sent - set(ben.texts(anna, "received")))
            return not missing

        with suppress(AssertionError):
            wait_until(settled, "all messages to arrive", 60)
        sent, received = anna.texts(ben, "sent"), ben.texts(anna, "received")
    lost = len(set(answered) - set(sent)) + len(missing)
    doubled = len(received) - len(set(received))
    return Outcome(
        f"{killed['anna']} kills of the sender and {killed['ben']} of the recipient, "
        f"{len(sent)} messages: {lost} lost, {doubled} twice",
        "0 lost, 0 twice, a kill in half of the attempts",
        not lost and not doubled and min(killed.values()) >= kills // 2,
    )
