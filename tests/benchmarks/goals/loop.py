"""Goals 1 and 2: the loop by itself, with the library's unmodified ``broadcast()``."""

from collections.abc import Iterator

from tests.benchmarks.bench import Bench, against, ratio
from tests.benchmarks.contenders import PUMPED, YARDSTICK
from tests.benchmarks.line import Goal, Line

IDLE = 1000
LOOP = "pumped loop" if PUMPED == "pumped" else "stock qasync (no pumped loop)"


def plain(bench: Bench) -> Iterator[Line]:
    """The pumped loop against plain asyncio."""
    pair = ("pumped", YARDSTICK)
    for listeners in (1, 10, 100):
        costs = bench.compare(pair, lambda link: link.paced(bench.ms), listeners=listeners)
        what = f"{LOOP}, paced, N={listeners} / asyncio"
        yield Line(1, what, against(costs, *pair), Goal(1.10), ratio(costs["pumped"], costs[YARDSTICK]))
    costs = bench.compare(pair, lambda link: link.echo(bench.ms), pairs=1)
    yield Line(
        1, f"{LOOP}, echo / asyncio", against(costs, *pair), Goal(1.10), ratio(costs["pumped"], costs[YARDSTICK])
    )


def idle(bench: Bench) -> Iterator[Line]:
    """A thousand connections that say nothing, and one pair that types."""
    names = ("pumped", YARDSTICK, "qasync")
    costs = bench.compare(names, lambda link: link.echo(bench.ms), listeners=IDLE, pairs=1)
    for other, goal in ((YARDSTICK, Goal(1.0)), ("qasync", Goal(0.05))):
        what = f"{LOOP}, echo beside {IDLE:,} idle / {other}"
        yield Line(2, what, against(costs, "pumped", other), goal, ratio(costs["pumped"], costs[other]))
