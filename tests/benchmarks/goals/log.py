"""Goals 11 and 12: filter 100,000 rows without blocking, and keep them in little memory."""

from collections.abc import Iterator
from statistics import median

from tests.benchmarks.bench import Bench
from tests.benchmarks.contenders import ROWS
from tests.benchmarks.line import Goal, Line

FILTERS = ("event:typing", "event:new_message", "hello", "/hel+o/", "user:alice", "-dir:s2c", "")
"""Filters that use an index or search all payloads, with many or no results. The last one shows all rows again."""
WARM = 1000


def filtering(bench: Bench) -> Iterator[Line]:
    """The longest time for which a change of the filter blocks the real window, with a full log."""
    child = bench.pool.server("tray").child
    results = {
        text: [child.request("filter", text) for _ in range(bench.rounds)] if text else [child.request("filter")]
        for text in FILTERS
    }
    still = {text: median(each["still"] for each in all_) / 1e6 for text, all_ in results.items()}
    done = max(median(each["done"] for each in all_) / 1e6 for all_ in results.values())
    worst = max(still, key=lambda text: still[text])
    figure = f"worst {worst or 'no filter'}; all rows within {done:.0f} ms"
    yield Line(11, f"a filter over {ROWS:,} rows: the window stands still", figure, Goal(10, "ms"), still[worst])


def memory(bench: Bench) -> Iterator[Line]:
    """The memory per row in the tray program: journal, index, view and a payload of about 250 bytes."""
    server = bench.pool.start("tray", rows=0)
    try:
        with server.link() as link:
            link.burst(WARM)
            before = server.child.rss()
            link.burst(ROWS - WARM)
            per_row = (server.child.rss() - before) / (ROWS - WARM)
    finally:
        server.child.end()
    yield Line(12, "memory per row of the log kept", f"{ROWS:,} rows", Goal(500, "B"), per_row)
