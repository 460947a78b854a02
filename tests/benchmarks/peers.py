"""Measure every server in every workload: µs of CPU per delivery, and the ratio to the yardstick."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from tests.benchmarks.bench import Bench, Work, median_of, ratio
from tests.benchmarks.build import Missing
from tests.benchmarks.client import Cost, Link
from tests.benchmarks.contenders import CONTENDERS, FLOOR, YARDSTICK
from tests.benchmarks.line import digits

FORWARDING = ("asyncio", "each", "uvloop", "qasync", "pumped", "serve", "tray")
"""Servers that receive and forward typing frames."""
ECHOING = (*FORWARDING, FLOOR, "send")
"""These, and the floors, which handle nothing else from clients."""
FRAMES = 1000


class Column(NamedTuple):
    """A workload and its connections."""

    title: str
    work: Callable[[Link, int], Cost]
    listeners: int = 0
    pairs: int = 0
    servers: Iterable[str] = CONTENDERS


COLUMNS = (
    Column("paced N=1", Link.paced, 1),
    Column("paced N=10", Link.paced, 10),
    Column("paced N=100", Link.paced, 100),
    Column("tick N=100", Link.tick, 100),
    Column("echo N=1", Link.echo, pairs=1, servers=ECHOING),
    Column("echo N=100", Link.echo, pairs=100, servers=ECHOING),
    Column("ingest N=10", lambda link, _: link.flood(FRAMES), pairs=10, servers=FORWARDING),
)


def compare(bench: Bench, progress: Callable[[str], object]) -> list[tuple[str, ...]]:
    """Return the table. The first row contains the titles; the row of a missing server contains the reason."""
    missing: dict[str, str] = {}
    for name in CONTENDERS:
        try:
            bench.pool.server(name)
        except Missing as why:
            missing[name] = str(why)
    columns = []
    for column in COLUMNS:
        able = [name for name in column.servers if name not in missing]
        work = _for(column, bench.ms)
        columns.append(bench.compare(able, work, listeners=column.listeners, pairs=column.pairs))
        progress(column.title)
    rows = [("server", *(column.title for column in COLUMNS))]
    for name, (title, _) in CONTENDERS.items():
        if name in missing:
            rows.append((f"{title}: skipped, {missing[name]}", *[""] * len(columns)))
        else:
            rows.append((title, *(_cell(name, costs) for costs in columns)))
    return rows


def _for(column: Column, ms: int) -> Work:
    return lambda link: column.work(link, ms)


def _cell(name: str, costs: dict[str, list[Cost]]) -> str:
    if name not in costs:
        return "–"
    figure = digits(median_of(costs[name], "us"), 2)
    return figure if name == YARDSTICK else f"{figure} ({ratio(costs[name], costs[YARDSTICK]):.2f})"
