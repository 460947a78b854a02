"""Goals 15 and 16: the time to start, and the memory and CPU usage of an idle program."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median
from typing import NamedTuple

from tests.benchmarks import programs
from tests.benchmarks.bench import Bench
from tests.benchmarks.child import Child, python
from tests.benchmarks.contenders import Server
from tests.benchmarks.line import Goal, Line

MIB = 2**20
CLIENTS = 3
SETTLE_S = 1.5
"""Wait for the work that continues after the start."""


class Start(NamedTuple):
    """The duration of a start, and its CPU time, which depends less on other load."""

    seconds: float
    cpu_s: float


def _start(start: Callable[[], Child], line: str) -> Start:
    began = time.monotonic()
    with start() as child:
        child.wait_for(line)
        return Start(time.monotonic() - began, child.cpu())


def start(bench: Bench) -> Iterator[Line]:
    """The time until the server listens, and until the window is painted."""
    data_dir = bench.pool.data_dir()
    home = _home(bench.pool.data_dir())
    first_paint = "tests.benchmarks.servers.first_paint"

    def serve() -> Child:
        return programs.serve(data_dir)

    def tray() -> Child:
        return Child("tray", python(first_paint, "tray"), home)

    def empty() -> Child:
        return Child("empty window", python(first_paint, "empty"))

    _start(serve, "listening")  # the first start creates the database
    listening, window, filled, nothing = [], [], [], []
    for _ in range(bench.rounds):
        listening.append(_start(serve, "listening"))
        window.append(_start(tray, "painted"))
        filled.append(_start(tray, "filled").seconds)
        nothing.append(_start(empty, "painted"))
    cpu_s = median(each.cpu_s for each in listening)
    seconds = median(each.seconds for each in listening)
    yield Line(15, "start of serve to listening", f"{cpu_s:.2f} s of CPU", Goal(0.35, "s"), seconds)
    for what, times, goal in (
        ("start to window", [each.seconds for each in window], Goal(2.0)),
        ("start to a window with its log", filled, Goal(3.0, reach=True)),
    ):
        figure = f"{median(times):.2f} s / {median(each.seconds for each in nothing):.2f} s"
        value = median(one / other.seconds for one, other in zip(times, nothing, strict=True))
        yield Line(15, f"{what} / an empty PySide6 window", figure, goal, value)


def _home(folder: Path) -> dict[str, str]:
    """Return the environment of a home folder with free ports in its settings: a double click passes no options."""
    settings = folder / "p2p-chat-companion" / "settings.toml"
    settings.parent.mkdir()
    settings.write_text("port = 0\nrest_port = 0\ncontrol_port = 0\n")
    return {f"XDG_{kind}_HOME": str(folder) for kind in ("CONFIG", "DATA", "STATE")}


def idle(bench: Bench) -> Iterator[Line]:
    """The memory and CPU usage of an idle program."""
    with programs.serve(bench.pool.data_dir()) as server:
        programs.control_port(server)
        time.sleep(SETTLE_S)
        yield Line(16, "serve idle: memory", "REST and control on", Goal(45, "MB"), server.rss() / MIB)
    child, port = programs.tray(bench.pool.data_dir())
    with child, Server("tray", child, port).link(listeners=CLIENTS):
        time.sleep(SETTLE_S)
        yield Line(16, "tray idle: memory", f"{CLIENTS} clients", Goal(130, "MB"), child.rss() / MIB)
        before, began = child.cpu(), time.monotonic()
        time.sleep(bench.rounds)
        share = 100 * (child.cpu() - before) / (time.monotonic() - began)
        yield Line(16, "tray idle: processor", f"{CLIENTS} clients", Goal(0.5, "% of a core"), share)
