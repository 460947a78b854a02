"""Goals 3 to 6, 10 and 14: the cost of a delivery in the real tray program, with a full and visible log."""

from collections.abc import Iterator
from statistics import median

from tests.benchmarks.bench import Bench, median_of, ratio, versus
from tests.benchmarks.build import Missing
from tests.benchmarks.client import Cost, Link
from tests.benchmarks.contenders import FLOOR, YARDSTICK
from tests.benchmarks.line import Goal, Line, skipped

MIB = 2**20
FEW, MANY = 10, 1000
STALLED, LIVE = 50, 10
FILL_PER_S, FILL_MS = 2500, 800
"""Enough to fill the socket buffers and the outbox of a stalled client, and to overflow it."""


def uncorked(bench: Bench) -> Iterator[Line]:
    """The program, writing each event at once, against a bare Python server that does the same."""
    costs = bench.compare_anew(("tray", FLOOR), Link.uncorked, listeners=100)
    yield versus(3, "tray, uncorked, N=100 / send in bare Python", costs, "tray", FLOOR, Goal(1.25, reach=True))


def tick(bench: Bench) -> Iterator[Line]:
    """20 events per iteration of the loop, with 100 clients."""
    goal = Goal(0.05)
    names = ["tray", YARDSTICK]
    try:
        bench.pool.server("beast")
        names.append("beast")
    except Missing as why:
        yield skipped(4, "tray, tick, N=100 / beast", why, goal)
    costs = bench.compare_anew(names, Link.tick, listeners=100)
    for other in names[1:]:
        yield versus(4, f"tray, tick, N=100 / {other}", costs, "tray", other, goal)


def paced(bench: Bench) -> Iterator[Line]:
    """One event per iteration of the loop."""
    for listeners, goal in ((100, Goal(0.1)), (10, Goal(0.2, reach=True)), (1, Goal(1.0, reach=True))):
        costs = bench.compare_anew(("tray", YARDSTICK), Link.paced, listeners=listeners)
        yield versus(5, f"tray, paced, N={listeners} / asyncio", costs, "tray", YARDSTICK, goal)


def echo(bench: Bench) -> Iterator[Line]:
    """Receive a typing frame, and send the forwarded frame."""
    goal = Goal(1.0, reach=True)
    for pairs in (1, 100):
        costs = bench.compare_anew(("tray", YARDSTICK, FLOOR), Link.echo, pairs=pairs)
        yield versus(6, f"tray, echo, N={pairs} / asyncio", costs, "tray", YARDSTICK, goal)


def stalled(bench: Bench) -> Iterator[Line]:
    """Clients that do not read delay no other clients, and need little memory."""
    ratios: list[float] = []
    grown: list[float] = []
    costs: list[Cost] = []
    server = bench.pool.server("tray")
    with server.link(listeners=LIVE) as link:
        link.rate(FILL_PER_S, FILL_MS)  # allocate the program's own buffers first
        for _ in range(bench.rounds):
            alone = link.rate(FILL_PER_S, FILL_MS)
            before = server.child.reset_peak()
            with server.link(stalled=STALLED):
                costs.append(link.rate(FILL_PER_S, FILL_MS))
                grown.append((server.child.peak() - before) / MIB)
            ratios.append(costs[-1].us / alone.us)
    what = f"tray, {LIVE} live clients beside {STALLED} stalled / without"
    yield Line(10, what, f"{median_of(costs, 'us'):.3g} µs", Goal(1.5), median(ratios))
    yield Line(10, "the same: memory at its peak", f"{median(grown):+.1f} MB", Goal(20, "MB"), median(grown))


def growth(bench: Bench) -> Iterator[Line]:
    """``serve`` with a thousand clients against ten."""
    server = bench.pool.server("serve")
    ratios, figure = [], ""
    for _ in range(max(1, bench.rounds // 3)):  # connecting a thousand clients takes longer than measuring
        with server.link(listeners=FEW) as link:
            few = [link.uncorked(bench.ms) for _ in range(3)]
        with server.link(listeners=MANY) as link:
            many = [link.uncorked(bench.ms) for _ in range(3)]
        ratios.append(ratio(many, few))
        figure = f"{median_of(many, 'us'):.3g} µs / {median_of(few, 'us'):.3g} µs"
    yield Line(14, f"serve, uncorked, N={MANY:,} / N={FEW}", figure, Goal(3.0), median(ratios))
