"""Goal 19: hooks that are not armed, and event files, cost almost nothing, counted in instructions."""

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
KINDS = {"bare": "", "hooks": "disarmed hooks", "files": "100 event files"}


def disarmed(bench: Bench) -> Iterator[Line]:
    """An interceptor that is not armed and observers of rows and REST calls, then event files, against neither."""
    valgrind = shutil.which("valgrind")
    if valgrind is None:
        raise Missing("no valgrind")
    runs = [(work, times, kind) for work in WORK for kind in KINDS for times in (0, TIMES)]
    with ThreadPoolExecutor(2) as pool:
        counted = dict(zip(runs, pool.map(lambda run: _instructions(valgrind, *run), runs), strict=True))
    for kind, extra in KINDS.items():
        for work, what in WORK.items() if extra else ():
            bare, more = ((counted[work, TIMES, each] - counted[work, 0, each]) / TIMES for each in ("bare", kind))
            figure = f"{more:,.0f} instructions / {bare:,.0f} instructions"
            yield Line(19, f"{what}: with {extra} / without", figure, Goal(1.05, reach=True), more / bare)


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
