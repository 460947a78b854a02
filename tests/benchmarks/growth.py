"""Measure how the tray program's cost grows with clients, with events per second, and in a burst of 20,000."""

from collections.abc import Callable
from functools import partial

from tests.benchmarks.bench import Bench, median_of
from tests.benchmarks.build import Missing
from tests.benchmarks.contenders import CONTENDERS, YARDSTICK
from tests.benchmarks.line import digits

CLIENTS = (1, 10, 100, 1000)
PER_S = (10, 100, 1000, 10_000)
MANY = 100
BURST = 20_000
MIB = 2**20

Rows = list[tuple[str, ...]]
"""A table. The first row contains the titles."""
Progress = Callable[[str], object]


def with_clients(bench: Bench, progress: Progress) -> Rows:
    """Return the cost of a delivery, an event and a typing frame for several numbers of clients."""
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
        one, two, three = (median_of(costs[name], "us") for name in ("uncorked", "paced", "echo"))
        rows.append((f"{listeners:,}", *map(digits, (one, one * listeners, two, two * listeners, three))))
        progress("  ".join(rows[-1]))
    return rows


def with_events(bench: Bench, progress: Progress) -> Rows:
    """Return latencies, CPU usage and window delays with 100 clients for several event rates."""
    server = bench.pool.server("tray")
    rows: Rows = [
        ("events/s × 100 clients", "delivered", "p50", "p99", "CPU", "paint p99", "Qt timer lag p99", "max")
    ]
    ms = 4 * bench.ms
    for per_s in PER_S:
        costs, seen = [], []
        with server.link(listeners=MANY) as link:
            for _ in range(max(1, bench.rounds // 3)):
                server.child.request("watch")
                costs.append(link.rate(per_s, ms))
                seen.append(server.child.request("watched"))
        busy = 100 * median_of(costs, "us") * median_of(costs, "delivered") / (1000 * ms)
        worst = (max(each[name] for each in seen) / 1e6 for name in ("paint_p99", "lag_p99", "lag_max"))
        latency = (median_of(costs, name) for name in ("p50", "p99"))
        delivered = f"{100 * median_of(costs, 'share'):.4g} %"
        times = [f"{digits(each)} ms" for each in (*latency, *worst)]
        rows.append((f"{per_s:,}", delivered, *times[:2], f"{busy:.0f} %", *times[2:]))
        progress("  ".join(rows[-1]))
    return rows


def burst(bench: Bench, progress: Progress) -> Rows:
    """Return the results of one burst per server. It is not repeated, because some servers are slow."""
    rows: Rows = [("server", "until the last had come", "delivered", "memory at its peak")]
    for name in ("tray", "serve", "beast", YARDSTICK):
        title = CONTENDERS[name][0]
        try:
            server = bench.pool.server(name)
        except Missing as why:
            rows.append((f"{title}: skipped, {why}", "", "", ""))
            continue
        with server.link(listeners=MANY, sample=16) as link:
            before = server.child.reset_peak()
            cost = link.burst(BURST)
            grown = (server.child.peak() - before) / MIB
        took = f"{cost.delivered / cost.per_s:.2f} s"
        rows.append((title, took, f"{100 * cost.share:.4g} %", f"{grown:+.0f} MB"))
        progress("  ".join(rows[-1]))
    return rows
