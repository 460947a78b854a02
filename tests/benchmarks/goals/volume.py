"""Goals 7, 8 and 9: 10,000 events per second to 100 clients with a visible log, and a low rate."""

from collections.abc import Iterator
from statistics import median

from tests.benchmarks.bench import Bench, median_of, ratio
from tests.benchmarks.build import Missing
from tests.benchmarks.client import Cost
from tests.benchmarks.contenders import YARDSTICK
from tests.benchmarks.line import Goal, Line, skipped

PER_S, CLIENTS = 10_000, 100
QUIET_PER_S = 200


def storm(bench: Bench) -> Iterator[Line]:
    """The delivered share and the latency, and the delays in the window meanwhile."""
    tray = bench.pool.server("tray")
    costs: list[Cost] = []
    seen: list[dict[str, int]] = []
    for _ in range(bench.rounds):
        with tray.link(listeners=CLIENTS) as link:
            tray.child.request("watch")
            costs.append(link.rate(PER_S, 4 * bench.ms))
            seen.append(tray.child.request("watched"))
    what = f"tray, {PER_S:,} events/s × {CLIENTS}"
    delivered = 100 * median_of(costs, "share")
    yield Line(7, f"{what}: delivered", f"{median_of(costs, 'per_s'):,.0f}/s", Goal(99, "%", True), delivered)
    p99 = median_of(costs, "p99")
    figure = f"p50 {median_of(costs, 'p50'):.2f} ms, max {max(cost.worst for cost in costs):.0f} ms"
    yield Line(7, f"{what}: p99", figure, Goal(5, "ms", reach=True), p99)
    yield _against_beast(bench, costs)
    yield from _window(what, seen)


def _against_beast(bench: Bench, costs: list[Cost]) -> Line:
    what, goal = f"tray's rate × {CLIENTS} / beast's highest", Goal(4, at_least=True)
    try:
        with bench.pool.server("beast").link(listeners=CLIENTS, sample=16) as link:
            beast = [link.tick(bench.ms) for _ in costs]
    except Missing as why:
        return skipped(7, what, why, goal)
    figure = f"{median_of(costs, 'per_s'):,.0f}/s / {median_of(beast, 'per_s'):,.0f}/s"
    return Line(7, what, figure, goal, ratio(costs, beast, "per_s"))


def _window(what: str, seen: list[dict[str, int]]) -> Iterator[Line]:
    paint, lag, worst = (median(each[name] for each in seen) / 1e6 for name in ("paint_p99", "lag_p99", "lag_max"))
    paints, lags = (sum(each[name] for each in seen) for name in ("paints", "lags"))
    yield Line(8, f"{what}: paint p99", f"{paints} paints", Goal(3, "ms"), paint)
    yield Line(8, f"{what}: Qt timer lag p99", f"{lags} timers", Goal(2, "ms", reach=True), lag)
    yield Line(8, f"{what}: Qt timer lag max", f"{lags} timers", Goal(33, "ms"), worst)


def quiet(bench: Bench) -> Iterator[Line]:
    """At a low rate, the window must not increase the latency."""
    costs = bench.compare(
        ("tray", YARDSTICK), lambda link: link.rate(QUIET_PER_S, 10 * bench.ms), listeners=10, sample=1
    )
    figure = f"{median_of(costs['tray'], 'p99'):.2f} ms / {median_of(costs[YARDSTICK], 'p99'):.2f} ms"
    what = f"tray, {QUIET_PER_S} events/s, N=10: p99 / asyncio's"
    yield Line(9, what, figure, Goal(1.3), ratio(costs["tray"], costs[YARDSTICK], "p99"))
