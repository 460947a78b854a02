"""Run a command of the companion in the process of the test, which is five times as fast as starting a process.
The arguments, streams, environment and exit code are those that a process would have. ``COMPANION_E2E_RUN=process``
starts a process for every command.
"""

import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO

from typing_extensions import override

from app.__main__ import run
from tests.conftest import restored_logging

from .processes import INSTALLED

LONG_LIVED = {"serve", "listen", "mcp"}
"""Commands that change the process: loops, log handlers, signal handlers."""


@dataclass(frozen=True)
class Ended:
    """A command that has ended: its arguments, its output, and its exit code."""

    arguments: Sequence[str]
    stdout: bytes
    stderr: bytes
    code: int

    @property
    def out(self) -> list[str]:
        """The lines of its standard output."""
        return self.stdout.decode().splitlines()

    @property
    def err(self) -> list[str]:
        """The lines of its standard error."""
        return self.stderr.decode().splitlines()

    @property
    def name(self) -> str:
        """The title of its output in a report."""
        return f"companion {self.arguments[0]}"

    def wait(self) -> int:
        """Return the exit code."""
        return self.code

    @override
    def __str__(self) -> str:
        lines = [
            f"$ companion {' '.join(self.arguments)}",
            f"  (ended with {self.code}, in this process)",
        ]
        return "\n".join(
            [*lines, *(f"  out: {line}" for line in self.out), *(f"  err: {line}" for line in self.err)]
        )


def runs_in_process(command: str) -> bool:
    """Return whether ``run_command`` can run a command."""
    wanted = os.environ.get("COMPANION_E2E_RUN", "") != "process"
    return wanted and not INSTALLED and sys.platform != "win32" and command not in LONG_LIVED


def run_command(arguments: Sequence[str], environment: Mapping[str, str], typed: str | None) -> Ended:
    """Run a command until it ends. ``typed`` is its standard input."""
    out, err = io.BytesIO(), io.BytesIO()
    with restored_logging(), _process_state(arguments, environment, typed or "", out, err):
        try:
            run()
            code = 0
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0 if end.code is None else 1
        sys.stdout.flush()
        sys.stderr.flush()
        return Ended(arguments, out.getvalue(), err.getvalue(), code)


@contextmanager
def _process_state(
    arguments: Sequence[str], environment: Mapping[str, str], typed: str, out: io.BytesIO, err: io.BytesIO
) -> Iterator[None]:
    before = sys.argv, sys.stdin, sys.stdout, sys.stderr, dict(os.environ)
    sys.argv = ["companion", *arguments]
    sys.stdin = io.TextIOWrapper(io.BytesIO(typed.encode()), "utf-8")
    streams: list[TextIO] = [io.TextIOWrapper(each, "utf-8", write_through=True) for each in (out, err)]
    sys.stdout, sys.stderr = streams
    os.environ.clear()
    os.environ.update(environment)
    try:
        yield
    finally:
        sys.argv, sys.stdin, sys.stdout, sys.stderr = before[:4]
        os.environ.clear()
        os.environ.update(before[4])
