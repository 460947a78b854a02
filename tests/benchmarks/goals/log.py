"""Goals 11 and 12: a hundred thousand rows, filtered without a halt and kept in little memory."""

from collections.abc import Iterator
from statistics import median

from tests.benchmarks.bench import Bench
from tests.benchmarks.contenders import ROWS
from tests.benchmarks.line import Goal, Line

FILTERS = ("event:typing", "event:new_message", "hello", "/hel+o/", "user:alice", "-dir:s2c", "")
"""By an index, by a search of all payloads, with all rows left and with none; the last shows all again."""
WARM = 1000


def filtering(bench: Bench) -> Iterator[Line]:
    """The real window, with a full log: how long nothing else could happen while a filter was changed."""
    child = bench.pool.server("tray").child
    told = {
        text: [child.ask("filter", text) for _ in range(bench.rounds)] if text else [child.ask("filter")]
        for text in FILTERS
    }
    still = {text: median(each["still"] for each in all_) / 1e6 for text, all_ in told.items()}
    done = max(median(each["done"] for each in all_) / 1e6 for all_ in told.values())
    worst = max(still, key=lambda text: still[text])
    figure = f"worst {worst or 'no filter'}; all rows within {done:.0f} ms"
    yield Line(11, f"a filter over {ROWS:,} rows: the window stands still", figure, Goal(10, "ms"), still[worst])


def memory(bench: Bench) -> Iterator[Line]:
    """What a row costs the whole tray program: journal, index and view, payload of about 250 bytes included."""
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
