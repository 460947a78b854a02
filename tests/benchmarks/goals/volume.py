"""Goals 7, 8 and 9: ten thousand events a second to a hundred clients, with the log in sight; and a quiet day."""

from collections.abc import Iterator
from statistics import median

from tests.benchmarks.bench import Bench, middle, ratio
from tests.benchmarks.build import Missing
from tests.benchmarks.client import Cost
from tests.benchmarks.contenders import YARDSTICK
from tests.benchmarks.line import Goal, Line, skipped

PER_S, CLIENTS = 10_000, 100
QUIET_PER_S = 200


def storm(bench: Bench) -> Iterator[Line]:
    """What arrives, and how late; and what the window does meanwhile."""
    tray = bench.pool.server("tray")
    costs: list[Cost] = []
    seen: list[dict[str, int]] = []
    for _ in range(bench.rounds):
        with tray.link(listeners=CLIENTS) as link:
            tray.child.ask("watch")
            costs.append(link.rate(PER_S, 4 * bench.ms))
            seen.append(tray.child.ask("watched"))
    what = f"tray, {PER_S:,} events/s × {CLIENTS}"
    delivered = 100 * middle(costs, "share")
    yield Line(7, f"{what}: delivered", f"{middle(costs, 'per_s'):,.0f}/s", Goal(99, "%", True), delivered)
    p99 = middle(costs, "p99")
    figure = f"p50 {middle(costs, 'p50'):.2f} ms, max {max(cost.worst for cost in costs):.0f} ms"
    yield Line(7, f"{what}: p99", figure, Goal(5, "ms", reach=True), p99)
    yield _against_beast(bench, costs)
    yield from _window(what, seen)


def _against_beast(bench: Bench, costs: list[Cost]) -> Line:
    what, goal = f"tray's rate × {CLIENTS} / beast's highest", Goal(4, at_least=True)
    try:
        with bench.pool.server("beast").link(listeners=CLIENTS, sample=16) as link:
            theirs = [link.tick(bench.ms) for _ in costs]
    except Missing as why:
        return skipped(7, what, why, goal)
    figure = f"{middle(costs, 'per_s'):,.0f}/s / {middle(theirs, 'per_s'):,.0f}/s"
    return Line(7, what, figure, goal, ratio(costs, theirs, "per_s"))


def _window(what: str, seen: list[dict[str, int]]) -> Iterator[Line]:
    paint, lag, worst = (median(each[name] for each in seen) / 1e6 for name in ("paint_p99", "lag_p99", "lag_max"))
    paints, lags = (sum(each[name] for each in seen) for name in ("paints", "lags"))
    yield Line(8, f"{what}: paint p99", f"{paints} paints", Goal(3, "ms"), paint)
    yield Line(8, f"{what}: Qt timer lag p99", f"{lags} timers", Goal(2, "ms", reach=True), lag)
    yield Line(8, f"{what}: Qt timer lag max", f"{lags} timers", Goal(33, "ms"), worst)


def quiet(bench: Bench) -> Iterator[Line]:
    """A human's pace: the window must not be felt in the latency."""
    costs = bench.compare(
        ("tray", YARDSTICK), lambda link: link.rate(QUIET_PER_S, 10 * bench.ms), listeners=10, sample=1
    )
    figure = f"{middle(costs['tray'], 'p99'):.2f} ms / {middle(costs[YARDSTICK], 'p99'):.2f} ms"
    what = f"tray, {QUIET_PER_S} events/s, N=10: p99 / asyncio's"
    yield Line(9, what, figure, Goal(1.3), ratio(costs["tray"], costs[YARDSTICK], "p99"))
