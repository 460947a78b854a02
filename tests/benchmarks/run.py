"""``python -m tests.benchmarks.run``: measure the goals one after the other, and print one table.

``--quick`` takes less than three minutes; a full run takes nine rounds of each comparison. Measurements whose tools
are not installed are skipped with the reason. Most goals are ratios, because absolute figures depend on the
machine.
"""

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

if not __package__:  # run as a script
    sys.path[0] = str(Path(__file__).parents[2])

from tests.benchmarks import growth, peers, readme, table
from tests.benchmarks.bench import Bench
from tests.benchmarks.build import Missing
from tests.benchmarks.contenders import Pool
from tests.benchmarks.files import allow_many_files
from tests.benchmarks.goals import (
    contract_lint,
    delivery,
    fairness,
    freezes,
    hooks,
    log,
    loop,
    peer_link,
    program,
    sessions,
    storage,
    ui_seek,
    volume,
)
from tests.benchmarks.line import Goal, Line, failed, skipped

ROUNDS, QUICK_ROUNDS = 9, 3
MS, QUICK_MS = 500, 150

GOALS: dict[tuple[int, ...], Callable[[Bench], Iterator[Line]]] = {
    (1,): loop.plain,
    (2,): loop.idle,
    (3,): delivery.uncorked,
    (4,): delivery.tick,
    (5,): delivery.paced,
    (6,): delivery.echo,
    (7, 8): volume.storm,
    (9,): volume.quiet,
    (10,): delivery.stalled,
    (11,): log.filtering,
    (12,): log.memory,
    (13,): storage.group_commit,
    (14,): delivery.growth,
    (15,): program.start,
    (16,): program.idle,
    (17,): fairness.beside_a_flood,
    (18,): freezes.stalls,
    (19,): hooks.disarmed,
    (20,): contract_lint.observing,
    (21,): sessions.opening,
    (22,): sessions.playing,
    (23,): ui_seek.seeking,
    (24,): peer_link.sealing,
}
"""The functions that measure the goals, by the numbers of the goals."""


def measure(bench: Bench, wanted: set[int], progress: Callable[[Line | str], object]) -> list[Line]:
    """Measure the wanted goals, or all if none is given. ``progress`` is called with each line."""
    lines = []
    for numbers, goal in GOALS.items():
        if wanted and not wanted & set(numbers):
            continue
        began = time.monotonic()
        try:
            for line in goal(bench):
                lines.append(line)
                progress(line)
        except Missing as why:
            lines.append(skipped(numbers[0], goal.__name__, why, Goal(0)))
            progress(lines[-1])
        except Exception as error:  # continue with the other goals
            traceback.print_exc()
            lines.append(failed(numbers[0], goal.__name__, error))
            progress(lines[-1])
        progress(f"[{time.monotonic() - began:.0f} s]")
    return sorted(lines, key=lambda line: line.number)


def report(lines: list[Line], bench: Bench, progress: Callable[[str], object]) -> str:
    """Return the results for ``README.md`` in Markdown: goals, growth, other servers and the machine."""
    parts = [table.markdown([table.TITLES, *map(table.cells, lines)])]
    for title, rows in (
        ("How the tray program's cost grows with clients:", growth.with_clients(bench, progress)),
        ("And with events:", growth.with_events(bench, progress)),
        (f"{growth.BURST:,} events at once for 100 clients:", growth.burst(bench, progress)),
        ("µs of server CPU per delivery, and the ratio to the first line:", peers.compare(bench, progress)),
    ):
        parts += [title, table.markdown(rows)]
    rounds = f"median of {bench.rounds} interleaved rounds of {bench.ms} ms"
    anew = f"lines 1 to 6: of {bench.rounds_each} with each of {bench.processes} processes"
    return "\n\n".join([*parts, f"Measured on {readme.machine()} Each figure is the {rounds} ({anew})."])


def main() -> int:
    """Measure the selected goals, print or write the results, and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="three short rounds instead of nine")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--markdown", action="store_true", help="print all tables, with growth and peers")
    parser.add_argument("--write", action="store_true", help="write them to tests/benchmarks/README.md")
    parser.add_argument("--only", metavar="N,…", default="", help="measure only these goals")
    parser.add_argument("--check", action="store_true", help="exit with 1 if a goal with status hold is missed")
    given = parser.parse_args()
    if sys.platform != "linux":
        parser.error("the load client needs Linux (epoll)")
    wanted = {int(number) for number in given.only.split(",") if number.strip()}
    if unknown := wanted - {number for numbers in GOALS for number in numbers}:
        parser.error(f"unknown goal {min(unknown)}")
    allow_many_files()

    def progress(line: Line | str) -> None:
        print(line if isinstance(line, str) else "  ".join(table.cells(line)), file=sys.stderr, flush=True)

    with Pool() as pool:
        bench = Bench(pool, QUICK_ROUNDS, QUICK_MS) if given.quick else Bench(pool, ROUNDS, MS)
        lines = measure(bench, wanted, progress)
        section = report(lines, bench, progress) if given.markdown or given.write else ""
    if given.write:
        readme.write(section)
    elif given.json:
        print(table.as_json(lines))
    else:
        print(section or table.text([table.TITLES, *map(table.cells, lines)]))
    return 1 if given.check and any(line.missed for line in lines) else 0


if __name__ == "__main__":
    sys.exit(main())
