"""Goal 18: large inputs do not block the event loop."""

from collections.abc import Iterator

from tests.benchmarks.bench import Bench
from tests.benchmarks.line import Goal, Line

LARGE = {
    "paste": "paste 256 KiB on one line into every editor",
    "huge": "paste 50 MB into every editor (rejected)",
    "row": "open rows with 1 MiB",
    "templates": "open a fixture with 10,000 templates (rejected)",
    "list": "list 1,000 fixtures",
}
IDLE = "idle"
ROUNDS = 3


def stalls(bench: Bench) -> Iterator[Line]:
    """The longest time between two iterations of the loop in the real window."""
    server = bench.pool.start("tray", rows=0)
    try:
        rounds = max(1, min(bench.rounds, ROUNDS))
        for name, what in LARGE.items():
            idle, found = (server.child.request("stall", each, rounds) for each in (IDLE, name))
            still = found["still"] / 1e6
            figure = f"{found['cpu'] / 1e6:.0f} ms of CPU; {idle['still'] / 1e6:.0f} ms in an idle window"
            yield Line(18, f"{what}: longest stall", figure, Goal(50, "ms", reach=True), still)
    finally:
        server.child.end()
