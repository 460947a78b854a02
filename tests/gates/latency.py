"""Frames that faults delay arrive after the decided delay, hardly later; quitting does not wait for them."""

import json
import time
import urllib.request
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory
from typing import Any

from tests.e2e import sockets
from tests.e2e.processes import Companion, serve
from tests.gates.gate import Outcome

FRAMES, FRAMES_LONG = 60, 600
MS, JITTER = 120, 100
LATE_MS = 25.0
"""The median of what the frames arrive later than decided."""
QUIT_S = 2.0


def call(program: Companion, token: str, method: str, path: str, body: Any = None) -> Any:
    """Call the control API, and return the JSON of the response."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    content = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(program.control_url + path, content, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read() or b"null")


def measure(program: Companion, token: str, frames: int) -> tuple[list[float], list[float]]:
    """Return the delays that were decided and those that a client measured, in ms."""
    fault = {"fault": "latency", "ms": MS, "jitter": JITTER, "direction": "from_ui"}
    call(program, token, "PUT", "/v1/faults", {"faults": [fault], "seed": 7})
    measured = []
    with sockets.client(program.url, "alice") as alice, sockets.client(program.url, "bob") as bob:
        for number in range(frames):
            began = time.perf_counter()
            sockets.send(alice, "typing", to="bob", typing=number % 2 == 0)
            sockets.receive(bob)
            measured.append(1000 * (time.perf_counter() - began))
    rows = call(program, token, "GET", "/v1/journal?after=0&limit=10000&filter=event:%3Dfault")["rows"]
    decided = [float(row["note"].partition("delayed by ")[2].partition(" ms")[0]) for row in rows]
    return decided, measured


def quit_s(program: Companion, token: str) -> float:
    """Return how long quitting takes while frames wait for minutes and a REST call hangs."""
    faults = [{"fault": "latency", "ms": 600_000, "direction": "both"}]
    call(program, token, "PUT", "/v1/faults", {"faults": faults})
    with sockets.client(program.url, "alice") as alice:
        for _ in range(50):
            sockets.send(alice, "typing", to="bob", typing=True)
            call(program, token, "POST", "/v1/events", {"event": "friend_online", "data": {"username": "bob"}})
        began = time.perf_counter()
        program.process.terminate()
        program.wait()
        return time.perf_counter() - began


def run(long: bool) -> Outcome:
    with TemporaryDirectory(prefix="companion-gate-") as folder, serve(Path(folder) / "data") as program:
        token = (Path(folder) / "data" / "token").read_text().strip()
        decided, measured = measure(program, token, FRAMES_LONG if long else FRAMES)
        late = [got - wanted for wanted, got in zip(decided, measured, strict=True)]
        seconds = quit_s(program, token)
    low, _, high = quantiles(measured, n=4)
    early = sum(each < -1 for each in late)
    return Outcome(
        f"{len(measured)} frames: quartiles {low:.0f} and {high:.0f} ms of {MS} ± {JITTER}, "
        f"{early} early, median {median(late):.1f} ms late; quit after {seconds:.2f} s",
        f"0 early, {LATE_MS:g} ms late, {QUIT_S:g} s",
        not early and median(late) <= LATE_MS and seconds <= QUIT_S,
    )
