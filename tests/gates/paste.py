"""A paste of 5 MB into any editor of the real window is rejected, and the companion keeps answering requests."""

import json
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.e2e.processes import tray
from tests.gates.gate import Outcome, Server

LIMIT_S = 3.0
"""Limit of one response, on a busy machine. Without the size limit, a paste blocked the program for minutes."""
PATIENCE_S = 120.0
AT_LEAST = 15


def measure(server: Server, data_dir: Path) -> Outcome:
    report = data_dir / "paste.json"
    (data_dir / "paste").touch()
    slowest, requests = 0.0, 0
    end = time.monotonic() + PATIENCE_S
    while not report.exists() and time.monotonic() < end:
        began = time.monotonic()
        server.request("GET", "/v1/status")
        slowest, requests = max(slowest, time.monotonic() - began), requests + 1
    if not report.exists():
        return Outcome("the pastes did not end", f"within {PATIENCE_S:g} s", False)
    seen = json.loads(report.read_text())
    print(*seen["flaws"], sep="\n", end="\n" if seen["flaws"] else "")
    return Outcome(
        f"{seen['rejected']} pastes of 5 MB rejected, {seen['inserted']} of 256 KiB inserted, "
        f"{len(seen['flaws'])} flaws; slowest of {requests} responses {slowest:.2f} s",
        f"at least {AT_LEAST} rejected, 0 flaws, {LIMIT_S:g} s",
        not seen["flaws"] and seen["rejected"] >= AT_LEAST and slowest <= LIMIT_S,
    )


def run(long: bool) -> Outcome:
    with TemporaryDirectory(prefix="companion-gate-") as name:
        data_dir = Path(name) / "data"
        data_dir.mkdir()
        command = (sys.executable, "-m", "tests.gates.paster", data_dir)
        with tray(data_dir, command=command) as program:
            server = Server(program, data_dir)
            outcome = measure(server, data_dir)
            server.request("POST", "/v1/quit")
            program.wait()
            return outcome
