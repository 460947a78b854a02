"""Run a process that reads commands and writes responses, one per line: a server, or the load client."""

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.benchmarks import cpu
from tests.benchmarks.servers.commands import FAILED

ROOT = Path(__file__).parents[2]
READY_S = 60.0
RESPONSE_S = 90.0
END_S = 10.0
EXCLUDED_VARIABLES = ("COMPANION_", "PYTHONDONTWRITEBYTECODE")
IDLE_TIMEOUT_S, IDLE_CHECK_S, IDLE_SHARE = 20.0, 0.1, 0.05
"""The limit of ``wait_until_idle``, its interval, and the CPU usage below which a process is idle."""


class Failed(Exception):
    """A process has ended or does not respond. The text contains its last errors."""


class Child:
    """A running process. The end of the ``with`` statement ends it."""

    def __init__(self, name: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115  closed by end()
        self.process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env={**environment(), **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
        )
        self._lines: queue.Queue[str] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line)
        self._lines.put("")

    def line(self, timeout: float = RESPONSE_S) -> str:
        """Return the next line of output. Raises ``Failed``."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise Failed(f"{self.name} wrote no line for {timeout:g} s\n{self._last_errors()}") from None
        if not line:
            raise Failed(f"{self.name} ended\n{self._last_errors()}")
        return line.strip()

    def wait_for(self, start: str, timeout: float = READY_S) -> str:
        """Wait for a line that begins with ``start``, and return the rest of it."""
        while not (line := self.line(timeout)).startswith(start):
            pass
        return line.removeprefix(start).strip()

    def send(self, *words: object) -> None:
        """Send a command without waiting for the response."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def read_response(self, timeout: float = RESPONSE_S) -> dict[str, Any]:
        """Wait for the response to a command."""
        response: dict[str, Any] = json.loads("{" + self.wait_for("{", timeout))
        if FAILED in response:
            raise Failed(f"{self.name} failed: {response[FAILED]}")
        return response

    def request(self, *words: object) -> dict[str, Any]:
        """Send a command, and return the response."""
        self.send(*words)
        return self.read_response()

    def cpu(self) -> float:
        """Return the CPU time of the process in seconds, user and system."""
        return cpu.seconds(self.process.pid)

    def wait_until_idle(self) -> None:
        """Wait until the process is idle, for example after it has built its window or handled connections."""
        deadline = time.monotonic() + IDLE_TIMEOUT_S
        busy = True
        while busy and time.monotonic() < deadline:
            before = self.cpu()
            time.sleep(IDLE_CHECK_S)
            busy = self.cpu() - before > IDLE_SHARE * IDLE_CHECK_S

    def rss(self) -> int:
        """Return the resident memory in bytes."""
        return cpu.resident(self.process.pid)

    def reset_peak(self) -> int:
        """Reset the maximum of the resident memory, and return its current value in bytes."""
        cpu.reset_peak(self.process.pid)
        return self.rss()

    def peak(self) -> int:
        """Return the maximum of the resident memory since ``reset_peak``, in bytes."""
        return cpu.peak(self.process.pid)

    def end(self) -> None:
        """Terminate the process; kill it if it does not end."""
        if self.process.poll() is None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.terminate()
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout, self._stderr):
            if stream is not None:
                stream.close()

    def _last_errors(self) -> str:
        self._stderr.seek(0)
        return self._stderr.read().decode(errors="replace")[-2000:]


def environment() -> dict[str, str]:
    """Return the environment of all processes: without the user's companion, screen and keyring.

    Bytecode is cached, as for an installed program.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(EXCLUDED_VARIABLES)}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "QT_QPA_PLATFORM": "offscreen",
    }


def python(module: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs a Python module."""
    return [sys.executable, "-m", module, *arguments]
