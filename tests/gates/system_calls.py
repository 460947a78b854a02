"""System calls of a companion: record them with strace, choose points among them, and kill it at a point."""

import os
import re
import signal
import subprocess
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

from tests.e2e.processes import wait_until

_CALL = re.compile(r"(\d+) +([a-z0-9_]+)\(")
END_S = 5.0


class Point(NamedTuple):
    """The ``number``-th call of ``name`` in any thread, counted from when strace attached."""

    name: str
    number: int


class Strace:
    """strace, attached to all threads of a process. Use it as a context manager."""

    def __init__(self, pid: int, *options: str) -> None:
        self._pid = pid
        command = ["strace", "-f", "-qq", "-p", str(pid), *options]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        wait_until(lambda: self._process.poll() is not None or self._is_attached(), "strace to attach")
        return self

    def __exit__(self, *_: object) -> None:
        # SIGTERM first: a killed strace would take the companion with it. It may hang if the companion was killed.
        self._process.terminate()
        try:
            self._process.wait(END_S)
        except subprocess.TimeoutExpired:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait()

    def _is_attached(self) -> bool:
        with suppress(OSError):
            states = (task / "status" for task in Path(f"/proc/{self._pid}/task").iterdir())
            return all("TracerPid:\t0\n" not in state.read_text() for state in states)
        return True  # it was killed at once


def recording(pid: int, file: Path) -> Strace:
    """Record the system calls of a process in a file."""
    return Strace(pid, "-o", str(file))


def killing(pid: int, point: Point) -> Strace:
    """Kill a process when it makes a system call."""
    return Strace(pid, "-o", os.devnull, "-e", f"inject={point.name}:signal=KILL:when={point.number}")


def points_in(recorded: str) -> list[Point]:
    """Return the different points of a recording, in the order of their first occurrence."""
    counts: Counter[tuple[str, str]] = Counter()
    found: dict[Point, None] = {}
    for line in recorded.splitlines():
        if call := _CALL.match(line):  # not the second half of a call that another thread's interrupted
            counts[call[1], call[2]] += 1
            found.setdefault(Point(call[2], counts[call[1], call[2]]))
    return list(found)


def spread(points: Sequence[Point], number: int) -> list[Point]:
    """Return all points: first ``number`` of them at equal distances, then the others, in the same way."""
    if len(points) <= number:
        return list(points)
    chosen = [points[index * len(points) // number] for index in range(number)]
    others = [each for each in points if each not in set(chosen)]
    return [*chosen, *spread(others, number)]
