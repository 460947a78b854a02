"""Goals 1 and 2: the loop by itself, with the library's unmodified ``broadcast()``."""

from collections.abc import Iterator

from tests.benchmarks.bench import Bench, versus
from tests.benchmarks.client import Link
from tests.benchmarks.contenders import FLOOR, YARDSTICK
from tests.benchmarks.line import Goal, Line

IDLE = 1000


def plain(bench: Bench) -> Iterator[Line]:
    """The pumped loop against plain asyncio."""
    pair = ("pumped", YARDSTICK)
    for listeners in (1, 10, 100):
        costs = bench.compare_anew(pair, Link.paced, listeners=listeners)
        yield versus(1, f"pumped loop, paced, N={listeners} / asyncio", costs, *pair, Goal(1.10))
    costs = bench.compare_anew(pair, Link.echo, pairs=1)
    yield versus(1, "pumped loop, echo / asyncio", costs, *pair, Goal(1.10))


def idle(bench: Bench) -> Iterator[Line]:
    """A thousand connections that say nothing, and one pair that types."""
    names = ("pumped", YARDSTICK, "qasync", FLOOR)
    costs = bench.compare_anew(names, Link.echo, listeners=IDLE, pairs=1)
    for other, goal in ((YARDSTICK, Goal(1.0)), ("qasync", Goal(0.05))):
        yield versus(2, f"pumped loop, echo beside {IDLE:,} idle / {other}", costs, "pumped", other, goal)
