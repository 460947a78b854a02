"""Every server in every workload: µs of CPU per delivery, and in brackets the ratio to the yardstick beside it."""

from collections.abc import Callable, Iterator

from tests.benchmarks.bench import Bench, middle, ratio
from tests.benchmarks.build import Missing
from tests.benchmarks.client import Cost, Link
from tests.benchmarks.contenders import CONTENDERS, PUMPED, YARDSTICK

BROADCASTS: dict[str, tuple[Callable[[Link, int], Cost], int]] = {
    "paced N=1": (Link.paced, 1),
    "paced N=10": (Link.paced, 10),
    "paced N=100": (Link.paced, 100),
    "tick N=100": (Link.tick, 100),
}
ECHOES = {"echo N=1": 1, "echo N=100": 100}
BURST = 20_000
MIB = 2**20
FORWARDING = ("asyncio", "each", "uvloop", "qasync", "pumped", "serve", "tray")
"""Those that forward what a client types."""
INGEST, TALKERS, FRAMES = "ingest N=10", 10, 1000
"""Clients that flood frames, which go nowhere."""
TITLES = ("server", *BROADCASTS, *ECHOES, INGEST)


def compare(bench: Bench, told: Callable[[str], object]) -> list[tuple[str, ...]]:
    """Return the table, its titles first; what is missing is named in its row."""
    missing: dict[str, str] = {}
    names = [name for name in CONTENDERS if name != "pumped" or PUMPED == "pumped"]
    for name in names:
        try:
            bench.pool.server(name)
        except Missing as why:
            missing[name] = str(why)
    there = [name for name in names if name not in missing]
    columns = dict(_columns(bench, there, told))
    rows = [TITLES]
    for name in names:
        title = CONTENDERS[name][0]
        if name in missing:
            rows.append((f"{title}: skipped, {missing[name]}", *[""] * len(columns)))
        else:
            rows.append((title, *(_cell(name, costs) for costs in columns.values())))
    return rows


def _columns(
    bench: Bench, there: list[str], told: Callable[[str], object]
) -> Iterator[tuple[str, dict[str, list[Cost]]]]:
    for title, (workload, listeners) in BROADCASTS.items():
        yield title, bench.compare(there, lambda link, run=workload: run(link, bench.ms), listeners=listeners)  # type: ignore[misc]
        told(title)
    forwarding = [name for name in there if name in FORWARDING]
    for title, pairs in ECHOES.items():
        yield title, bench.compare(forwarding, lambda link: link.echo(bench.ms), pairs=pairs)
        told(title)
    yield INGEST, bench.compare(forwarding, lambda link: link.flood(FRAMES), pairs=TALKERS)


def _cell(name: str, costs: dict[str, list[Cost]]) -> str:
    if name not in costs:
        return "–"
    figure = (
        f"{middle(costs[name], 'us'):.2g}" if middle(costs[name], "us") < 10 else f"{middle(costs[name], 'us'):.0f}"
    )
    return figure if name == YARDSTICK else f"{figure} ({ratio(costs[name], costs[YARDSTICK]):.2f})"


def growth(bench: Bench, told: Callable[[str], object]) -> list[tuple[str, ...]]:
    """Return how the cost of the tray program grows with clients."""
    server = bench.pool.server("tray")
    rows: list[tuple[str, ...]] = [
        (
            "clients",
            "uncorked: µs per delivery",
            "per event",
            "paced: µs per delivery",
            "per event",
            "echo beside them: µs",
        )
    ]
    for listeners in (1, 10, 100, 1000):
        with server.link(listeners=listeners, pairs=1, sample=16) as link:
            costs = bench.interleave(
                {
                    "uncorked": lambda link=link: link.uncorked(bench.ms),  # type: ignore[misc]
                    "paced": lambda link=link: link.paced(bench.ms),  # type: ignore[misc]
                    "echo": lambda link=link: link.echo(bench.ms),  # type: ignore[misc]
                }
            )
        one, two, three = (middle(costs[name], "us") for name in ("uncorked", "paced", "echo"))
        figures = (one, one * listeners, two, two * listeners, three)
        rows.append(
            (f"{listeners:,}", *(f"{figure:.3g}" if figure < 1000 else f"{figure:,.0f}" for figure in figures))
        )
        told(" ".join(rows[-1]))
    return rows


def volume(bench: Bench, told: Callable[[str], object]) -> list[tuple[str, ...]]:
    """Return how the tray program fares with 100 clients as events come faster."""
    server = bench.pool.server("tray")
    rows: list[tuple[str, ...]] = [
        ("events/s × 100 clients", "delivered", "p50", "p99", "CPU", "paint p99", "Qt timer lag p99", "max")
    ]
    for per_s in (10, 100, 1000, 10_000):
        costs, seen = [], []
        with server.link(listeners=100) as link:
            for _ in range(max(1, bench.rounds // 3)):
                server.child.ask("watch")
                costs.append(link.rate(per_s, 4 * bench.ms))
                seen.append(server.child.ask("watched"))
        busy = middle(costs, "us") * middle(costs, "delivered") / (4 * bench.ms * 1000)
        worst = (max(each[name] for each in seen) / 1e6 for name in ("paint_p99", "lag_p99", "lag_max"))
        rows.append(
            (
                f"{per_s:,}",
                f"{100 * middle(costs, 'share'):.4g} %",
                f"{middle(costs, 'p50'):.2f} ms",
                f"{middle(costs, 'p99'):.2f} ms",
                f"{100 * busy:.0f} %",
                *(f"{figure:.1f} ms" for figure in worst),
            )
        )
        told(" ".join(rows[-1]))
    return rows


def burst(bench: Bench, told: Callable[[str], object]) -> list[tuple[str, ...]]:
    """Return what becomes of 20,000 events at once for 100 clients; once, since some take their time."""
    rows: list[tuple[str, ...]] = [("server", "until the last had come", "delivered", "memory at its peak")]
    for name in ("tray", "serve", "beast", YARDSTICK):
        title = CONTENDERS[name][0]
        try:
            child = bench.pool.server(name).child
        except Missing as why:
            rows.append((f"{title}: skipped, {why}", "", "", ""))
            continue
        with bench.pool.server(name).link(listeners=100, sample=16) as link:
            before = child.forget_peak()
            cost = link.burst(BURST)
            grown = (child.peak() - before) / MIB
        took = f"{cost.delivered / cost.per_s:.2f} s"
        rows.append((title, took, f"{100 * cost.share:.4g} %", f"{grown:+.0f} MB"))
        told(" ".join(rows[-1]))
    return rows
