"""How the tray program's cost grows: with clients, with events per second, and when 20,000 come at once."""

from collections.abc import Callable
from functools import partial

from tests.benchmarks.bench import Bench, middle
from tests.benchmarks.build import Missing
from tests.benchmarks.contenders import CONTENDERS, YARDSTICK
from tests.benchmarks.line import digits

CLIENTS = (1, 10, 100, 1000)
PER_S = (10, 100, 1000, 10_000)
MANY = 100
BURST = 20_000
MIB = 2**20

Rows = list[tuple[str, ...]]
"""A table, its titles first."""
Told = Callable[[str], object]


def with_clients(bench: Bench, told: Told) -> Rows:
    """Return the cost of a delivery, of an event, and of a typing frame, as more clients listen."""
    server = bench.pool.server("tray")
    rows: Rows = [
        ("clients", "uncorked: µs per delivery", "per event", "paced: µs per delivery", "per event", "echo: µs")
    ]
    for listeners in CLIENTS:
        with server.link(listeners=listeners, sample=16) as link:
            costs = bench.interleave(
                {"uncorked": partial(link.uncorked, bench.ms), "paced": partial(link.paced, bench.ms)}
            )
        with server.link(listeners=listeners, pairs=1) as link:
            costs |= bench.interleave({"echo": partial(link.echo, bench.ms)})
        one, two, three = (middle(costs[name], "us") for name in ("uncorked", "paced", "echo"))
        rows.append((f"{listeners:,}", *map(digits, (one, one * listeners, two, two * listeners, three))))
        told("  ".join(rows[-1]))
    return rows


def with_events(bench: Bench, told: Told) -> Rows:
    """Return how 100 clients and the window fare as events come faster."""
    server = bench.pool.server("tray")
    rows: Rows = [
        ("events/s × 100 clients", "delivered", "p50", "p99", "CPU", "paint p99", "Qt timer lag p99", "max")
    ]
    ms = 4 * bench.ms
    for per_s in PER_S:
        costs, seen = [], []
        with server.link(listeners=MANY) as link:
            for _ in range(max(1, bench.rounds // 3)):
                server.child.ask("watch")
                costs.append(link.rate(per_s, ms))
                seen.append(server.child.ask("watched"))
        busy = 100 * middle(costs, "us") * middle(costs, "delivered") / (1000 * ms)
        worst = (max(each[name] for each in seen) / 1e6 for name in ("paint_p99", "lag_p99", "lag_max"))
        latency = (middle(costs, name) for name in ("p50", "p99"))
        delivered = f"{100 * middle(costs, 'share'):.4g} %"
        times = [f"{digits(each)} ms" for each in (*latency, *worst)]
        rows.append((f"{per_s:,}", delivered, *times[:2], f"{busy:.0f} %", *times[2:]))
        told("  ".join(rows[-1]))
    return rows


def burst(bench: Bench, told: Told) -> Rows:
    """Return what becomes of a burst; once, since some take their time."""
    rows: Rows = [("server", "until the last had come", "delivered", "memory at its peak")]
    for name in ("tray", "serve", "beast", YARDSTICK):
        title = CONTENDERS[name][0]
        try:
            server = bench.pool.server(name)
        except Missing as why:
            rows.append((f"{title}: skipped, {why}", "", "", ""))
            continue
        with server.link(listeners=MANY, sample=16) as link:
            before = server.child.forget_peak()
            cost = link.burst(BURST)
            grown = (server.child.peak() - before) / MIB
        took = f"{cost.delivered / cost.per_s:.2f} s"
        rows.append((title, took, f"{100 * cost.share:.4g} %", f"{grown:+.0f} MB"))
        told("  ".join(rows[-1]))
    return rows
