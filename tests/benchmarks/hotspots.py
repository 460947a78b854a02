"""``python -m tests.benchmarks.hotspots [WORKLOAD]``: profile the tray program under load.

WORKLOAD is ``tick`` (the default), ``paced``, ``uncorked``, ``echo`` or ``quiet`` (1,000 events per second). It
samples the process with py-spy (``pip install -e '.[bench]'``) and prints the functions with their own and total
time. All samples are written to ``build/benchmarks`` as collapsed stacks, for flamegraph.pl and speedscope.app.
Sampling another process may need root, or ``ptrace_scope`` 0.
"""

import argparse
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks import table
from tests.benchmarks.build import BUILD
from tests.benchmarks.client import Cost, Link
from tests.benchmarks.contenders import Pool
from tests.benchmarks.files import allow_many_files

PER_S = 499
"""Samples per second. It is not a multiple of any timer's rate."""
LOOP_THREAD = "MainThread"
WORKLOADS: dict[str, Callable[[Link, int], Cost]] = {
    "tick": Link.tick,
    "paced": Link.paced,
    "uncorked": Link.uncorked,
    "echo": Link.echo,
    "quiet": lambda link, ms: link.rate(1000, ms),
}


def record(pid: int, seconds: int, file: Path) -> None:
    """Sample a process, and write the stacks to ``file``. Raises ``SystemExit`` if py-spy fails."""
    sampler = Path(sys.executable).with_name("py-spy")
    if not sampler.exists():
        raise SystemExit("no py-spy: pip install -e '.[bench]'")
    options = ("--pid", str(pid), "--duration", str(seconds), "--rate", str(PER_S), "--format", "raw", "--threads")
    done = subprocess.run([sampler, "record", *options, "--output", file], capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"py-spy: {done.stderr.strip()[-500:]}")


def shares(stacks: str) -> tuple[Counter[str], Counter[str]]:
    """Return the number of samples per function of the loop's thread: own, and including calls."""
    own: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for line in stacks.splitlines():
        stack, _, count = line.rpartition(" ")
        if LOOP_THREAD not in stack:
            continue  # py-spy sometimes counts waiting threads as busy
        stack = stack.partition(";")[2]
        frames = [_function(frame) for frame in stack.split(";")]
        own[frames[-1]] += int(count)
        for frame in set(frames):
            total[frame] += int(count)
    return own, total


def _function(frame: str) -> str:
    """Return a stack frame without its line number, to count a function once."""
    return frame.rpartition(":")[0] + ")" if ":" in frame else frame


def rows(stacks: str, top: int) -> list[tuple[str, str, str]]:
    """Return a table of the ``top`` functions with the most own time. The first row contains the titles."""
    own, total = shares(stacks)
    samples = sum(own.values()) or 1
    return [
        ("own", "with calls", "function"),
        *(
            (f"{100 * count / samples:.1f} %", f"{100 * total[name] / samples:.1f} %", name)
            for name, count in own.most_common(top)
        ),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.hotspots", description=__doc__)
    parser.add_argument("workload", nargs="?", default="tick", choices=WORKLOADS)
    parser.add_argument("--server", default="tray", choices=("tray", "serve"))
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--top", type=int, default=25, help="number of functions")
    given = parser.parse_args()
    allow_many_files()
    BUILD.mkdir(parents=True, exist_ok=True)
    file = BUILD / f"{given.server}-{given.workload}.stacks"
    echo = given.workload == "echo"
    with Pool() as pool:
        server = pool.server(given.server)
        listeners, pairs = (0, given.clients) if echo else (given.clients, 0)
        with server.link(listeners=listeners, pairs=pairs, sample=16) as link:
            work = WORKLOADS[given.workload]
            load = threading.Thread(target=work, args=(link, 1000 * (given.seconds + 2)))
            load.start()
            record(server.child.process.pid, given.seconds, file)
            load.join()
    print(table.text(rows(file.read_text(), given.top)))
    print(f"\nall stacks: {file}")


if __name__ == "__main__":
    main()
