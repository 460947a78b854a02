"""Goal 17: a client that sends as fast as it can delays others only a little."""

from collections.abc import Iterator
from statistics import median

from tests.benchmarks.bench import Bench
from tests.benchmarks.line import Goal, Line
from tests.gates.fairness import compare, running
from tests.gates.quit_in_time import FLOODERS, LIMIT_S, flooded

ROUNDS_OF_QUIT = 3


def beside_a_flood(bench: Bench) -> Iterator[Line]:
    """A healthy client's latency during a flood against that without one, and the time to quit during a flood."""
    for name in ("serve", "tray"):
        with running(name) as port:
            found = compare(port, bench.rounds, 4 * bench.ms / 1000)
        what = f"{name}, a healthy client beside one that floods: p99 / without the flood"
        yield Line(17, what, str(found), Goal(5, reach=True), found.ratio)
    for name in ("serve", "tray"):
        ends = [flooded(name) for _ in range(ROUNDS_OF_QUIT)]
        assert all(code == 0 for code, _ in ends), ends
        figure = f"at most {max(took for _, took in ends):.2f} s"
        what = f"{name}, quitting while {FLOODERS} clients flood"
        yield Line(17, what, figure, Goal(LIMIT_S, "s", reach=True), median(took for _, took in ends))
