"""A companion that is killed at any system call of sending or receiving neither loses nor duplicates a message.

The system calls that two real companions make while a message is on its way are recorded. Then strace kills the
sender or the recipient at one of them, again and again: each time at another call, spread over the recording.
"""

import http.client
import json
import shutil
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import NamedTuple

import pytest

from tests.e2e.processes import Companion, free_port, serve, start_command, wait_until
from tests.e2e.rest import Rest
from tests.gates.gate import Outcome
from tests.gates.system_calls import Point, killing, points_in, recording, spread

KILLS, KILLS_LONG = {"anna": 12, "ben": 8}, {"anna": 120, "ben": 80}
"""At how many different system calls the sender and the recipient are killed."""
ATTEMPTS = 3
"""At most this many times as many attempts: two runs do not make exactly the same calls."""
REST_S = 0.3
"""How long calls are recorded after the message was acknowledged."""
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
        with Rest(self.companion) as rest:  # the first request loads the HTTP framework, with thousands of calls
            rest.page("alice", 1)

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


def _introduce(one: Person, other: Person) -> None:
    with start_command(other.folder, "peers", "key") as command:
        assert command.wait() == 0, command
        keys = json.loads(command.out[0])
    arguments = ("--public-key", keys["public_key"], "--signing-key", keys["signing_key"])
    address = f"127.0.0.1:{other.port}"
    with start_command(one.folder, "peers", "add", other.name, *arguments, "--address", address) as command:
        assert command.wait() == 0, command


def end_all(companions: list[Companion]) -> None:
    """End those of the companions that run then."""
    for each in companions:
        each.end()


def run(long: bool) -> Outcome:
    if shutil.which("strace") is None:
        pytest.skip("no strace")
    kills = KILLS_LONG if long else KILLS
    with TemporaryDirectory(prefix="companion-gate-") as folder, ExitStack() as stack:
        anna, ben = (Person(name, Path(folder) / name, free_port(), []) for name in ("anna", "ben"))
        for each in (anna, ben):
            each.start()
            stack.callback(end_all, each.running)
        _introduce(anna, ben)
        _introduce(ben, anna)
        answered: list[str] = []
        hit: dict[str, set[Point]] = {"anna": set(), "ben": set()}
        known = 0
        for victim in (anna, ben):
            victim.start()  # every kill is followed by a start: record what the first message after it causes
            with recording(victim.companion.process.pid, trace := Path(folder) / "trace"):
                anna.post(ben, f"while the calls of {victim.name} are recorded")
                time.sleep(REST_S)
            points = points_in(trace.read_text())
            known += len(points)
            wanted = min(kills[victim.name], len(points))
            for point in spread(points, wanted)[: wanted * ATTEMPTS]:
                if len(hit[victim.name]) == wanted:
                    break
                text = f"{victim.name} is killed at {point.name} {point.number}"
                with killing(victim.companion.process.pid, point):
                    if anna.post(ben, text):
                        answered.append(text)
                if victim.companion.process.poll() is not None:
                    hit[victim.name].add(point)
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
    total = sum(kills.values())
    return Outcome(
        f"killed at {len(hit['anna'])} different system calls of the sender and {len(hit['ben'])} of the recipient "
        f"({known} were recorded), {len(sent)} messages: {lost} lost, {doubled} twice",
        f"{total} different calls, 0 lost, 0 twice",
        not lost and not doubled and all(len(hit[name]) == number for name, number in kills.items()),
    )
