"""Goals 1 and 2: the event loop alone, with the library's unmodified ``broadcast()``."""

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
        goal = Goal(1.10, reach=listeners == 1)
        yield versus(1, f"pumped loop, paced, N={listeners} / asyncio", costs, *pair, goal)
    costs = bench.compare_anew(pair, Link.echo, pairs=1)
    yield versus(1, "pumped loop, echo / asyncio", costs, *pair, Goal(1.10))


def idle(bench: Bench) -> Iterator[Line]:
    """A thousand idle connections, and one pair that types."""
    costs = bench.compare_anew(("pumped", YARDSTICK, FLOOR), Link.echo, listeners=IDLE, pairs=1)
    what = f"pumped loop, echo beside {IDLE:,} idle / {YARDSTICK}"
    yield versus(2, what, costs, "pumped", YARDSTICK, Goal(1.0))
