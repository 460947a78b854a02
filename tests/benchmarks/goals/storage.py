"""Goal 13: concurrent requests share one transaction."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks import programs
from tests.benchmarks.bench import Bench
from tests.benchmarks.build import BUILD
from tests.benchmarks.child import Child, python
from tests.benchmarks.http_load import rate
from tests.benchmarks.line import Goal, Line

IN_FLIGHT = 32


def group_commit(bench: Bench) -> Iterator[Line]:
    """``POST /v1/events``, stored durably before the response, against a handler that stores nothing."""
    BUILD.mkdir(parents=True, exist_ok=True)
    seconds = 2 * bench.ms / 1000
    bare, one, many = [], [], []
    # On the project's disk, because a folder in memory needs no writes to a disk.
    with (
        tempfile.TemporaryDirectory(dir=BUILD) as folder,
        programs.serve(Path(folder)) as server,
        Child("bare aiohttp", python("tests.benchmarks.servers.bare_http")) as yardstick,
    ):
        port, bare_port = programs.control_port(server), int(yardstick.wait_for("ready "))
        for _ in range(bench.rounds):
            bare.append(asyncio.run(rate(bare_port, programs.TOKEN, IN_FLIGHT, seconds)))
            one.append(asyncio.run(rate(port, programs.TOKEN, 1, seconds)))
            many.append(asyncio.run(rate(port, programs.TOKEN, IN_FLIGHT, seconds)))
    figure = f"{median(many):,.0f}/s / {median(bare):,.0f}/s; one at a time {median(one):,.0f}/s"
    value = median(one / other for one, other in zip(many, bare, strict=True))
    goal = Goal(0.6, at_least=True, reach=True)
    yield Line(13, f"POST /v1/events, {IN_FLIGHT} in flight / a bare aiohttp handler", figure, goal, value)
