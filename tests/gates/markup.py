"""Showing the tooltips of everything in the window opens no file and no connection named by an untrusted text."""

import json
import re
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.e2e.processes import Companion, tray, wait_until
from tests.e2e.tools import need
from tests.gates.gate import Outcome, Server
from tests.gates.outsider import Outsider, write_files

HOST = "127.7.7.7"
SHORT = "<img src=bait.png>"
HOVER_S = 240.0
MUST_SEE = (
    "Events, tooltip", "Events, label", "edit, label", "Clients, tooltip", "Clients, label", "Inject, label",
    "Fixtures, tooltip", "Fixtures, label", "Chats, label", "chats, label",
)  # fmt: skip
"""Places where untrusted texts must appear. Without them, the gate would prove nothing."""
ENDED: dict[str, Any] = {"flaws": ["the program ended by itself"], "tooltips": 0, "seen": {}}
QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"')


def hostile(folder: Path) -> str:
    """Return HTML that makes Qt open files and contact hosts."""
    return (
        f'<img src="{folder}/bait.png"><img src="file://{folder}/bait-url.png"><img src="//{HOST}/bait/share.png">'
        f'<img src="http://{HOST}:7/bait.png"><link rel="stylesheet" href="{folder}/bait.css">'
        f'<table background="{folder}/bait-table.png"><tr><td>x'
    )


def touched(trace: str) -> list[str]:
    """Return the system calls that an untrusted text caused, except those with fixture files named after it."""
    found = []
    for line in trace.splitlines():
        paths = [path for path in QUOTED.findall(line) if "bait" in path and "<" not in path]
        if paths or ("connect(" in line and (HOST in line or "htons(53)" in line or "htons(445)" in line)):
            found.append(line)
    return found


def measure(program: Companion, data_dir: Path, text: str, trace: Path) -> Outcome:
    server = Server(program, data_dir)
    outsider = Outsider(server, text, SHORT)
    outsider.fill()
    with outsider.stay():
        (data_dir / "hover").touch()
        report = data_dir / "hover.json"
        wait_until(
            lambda: report.exists() or program.process.poll() is not None, "the end of the tooltips", HOVER_S
        )
        if report.exists():
            server.request("POST", "/v1/quit")
            program.wait()
    seen: dict[str, Any] = json.loads(report.read_text()) if report.exists() else ENDED
    flaws = seen["flaws"] + touched(trace.read_text(errors="replace"))
    flaws += [f"no untrusted text in: {place}" for place in MUST_SEE if place not in seen["seen"]]
    print(*flaws[:50], sep="\n")
    figures = f"{len(flaws)} flaws after {outsider.requests} requests, {seen['tooltips']} tooltips, {seen['seen']}"
    return Outcome(figures, "0 flaws", not flaws)


def run(long: bool) -> Outcome:
    strace = need("strace", install="apt-get install strace")
    with TemporaryDirectory(prefix="companion-gate-") as name:
        folder = Path(name)
        data_dir, trace = folder / "data", folder / "trace"
        text = hostile(folder)
        write_files(data_dir, text)
        traced = (
            strace, "-f", "--seccomp-bpf", "-qq", "-s", "400", "-o", trace, "-e", "trace=%file,connect",
            sys.executable, "-m", "tests.gates.hover", data_dir,
        )  # fmt: skip
        with tray(data_dir, command=traced) as program:
            return measure(program, data_dir, text, trace)
