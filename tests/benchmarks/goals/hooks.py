"""Goal 19: hooks that are registered but not armed cost almost nothing, measured in instructions."""

import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from tests.benchmarks.bench import Bench
from tests.benchmarks.build import Missing
from tests.benchmarks.child import ROOT, Failed, environment
from tests.benchmarks.line import Goal, Line

TIMES = 10_000
WORK = {"publish": "publishing an event (lines 4 and 5)", "typing": "taking a typing frame (line 6)"}


def disarmed(bench: Bench) -> Iterator[Line]:
    """An interceptor that is not armed and observers of rows and REST calls, against no hooks."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise Missing("no valgrind")
    runs = [("publish", 0, "bare"), *((work, TIMES, kind) for work in WORK for kind in ("bare", "hooks"))]
    with ThreadPoolExecutor(2) as pool:
        start, *counted = pool.map(lambda run: _instructions(valgrind, *run), runs)
    for what, bare, hooks in zip(WORK.values(), counted[::2], counted[1::2], strict=True):
        figure = " / ".join(f"{(each - start) / TIMES:,.0f} instructions" for each in (hooks, bare))
        ratio = (hooks - start) / (bare - start)
        yield Line(19, f"{what}: with disarmed hooks / without", figure, Goal(1.05, reach=True), ratio)


def _instructions(valgrind: str, work: str, times: int, kind: str) -> int:
    """Return the number of instructions that the whole process executes."""
    command = [valgrind, "--tool=callgrind", "--callgrind-out-file=/dev/null", sys.executable, "-m"]
    command += ["tests.benchmarks.servers.hooks", work, str(times), kind]
    # The same hashes in each run, because they determine the collisions in dictionaries.
    env = {**environment(), "PYTHONHASHSEED": "0"}
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True)
    found = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode or not found:
        raise Failed(done.stderr)
    return int(found[1])
