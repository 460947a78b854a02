"""Goal 13: many requests that wait for the disk together share one trip to it."""

import asyncio
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.benchmarks import programs
from tests.benchmarks.bench import Bench
from tests.benchmarks.build import BUILD
from tests.benchmarks.http_load import rate
from tests.benchmarks.line import Goal, Line

IN_FLIGHT = 32


def group_commit(bench: Bench) -> Iterator[Line]:
    """``POST /v1/events``, each stored durably before it is answered: 32 in flight against one."""
    BUILD.mkdir(parents=True, exist_ok=True)
    seconds = 2 * bench.ms / 1000
    one, many = [], []
    # On the project's own disk: a folder in memory would need no trip at all.
    with tempfile.TemporaryDirectory(dir=BUILD) as folder, programs.serve(Path(folder)) as server:
        port = programs.control_port(server)
        for _ in range(bench.rounds):
            one.append(asyncio.run(rate(port, programs.TOKEN, 1, seconds)))
            many.append(asyncio.run(rate(port, programs.TOKEN, IN_FLIGHT, seconds)))
    figure = f"{median(many):,.0f}/s / {median(one):,.0f}/s"
    value = median(each / alone for each, alone in zip(many, one, strict=True))
    yield Line(13, f"POST /v1/events, {IN_FLIGHT} in flight / 1", figure, Goal(8, at_least=True), value)
