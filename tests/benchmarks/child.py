"""A process that is told lines and answers with lines: a server under load, or the load client."""

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

ROOT = Path(__file__).parents[2]
READY_S = 60.0
ANSWER_S = 90.0
END_S = 10.0
STRANGE = ("COMPANION_", "PYTHONDONTWRITEBYTECODE")
CALM_S, LOOK_S, CALM = 20.0, 0.1, 0.05
"""So long that may take, how often it is looked at, and which share of a core is calm."""


class Failed(Exception):
    """A process that ended or fell silent; the text holds what it said last."""


class Child:
    """A running process; leaving the ``with`` ends it."""

    def __init__(self, name: str, command: Sequence[str | Path], env: Mapping[str, str] | None = None) -> None:
        self.name = name
        self._complaints = tempfile.TemporaryFile()  # noqa: SIM115  closed by end()
        self.process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env={**environment(), **(env or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._complaints,
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

    def line(self, timeout: float = ANSWER_S) -> str:
        """Return its next line. Raises ``Failed``."""
        try:
            line = self._lines.get(timeout=timeout)
        except queue.Empty:
            raise Failed(f"{self.name} said nothing for {timeout:g} s\n{self._last_words()}") from None
        if not line:
            raise Failed(f"{self.name} ended\n{self._last_words()}")
        return line.strip()

    def wait_for(self, start: str, timeout: float = READY_S) -> str:
        """Return what follows ``start`` in the first line that begins with it."""
        while not (line := self.line(timeout)).startswith(start):
            pass
        return line.removeprefix(start).strip()

    def tell(self, *words: object) -> None:
        """Give a command without waiting for its answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(" ".join(map(str, words)) + "\n")
        self.process.stdin.flush()

    def answer(self, timeout: float = ANSWER_S) -> dict[str, Any]:
        """Wait for the answer to a command."""
        told: dict[str, Any] = json.loads("{" + self.wait_for("{", timeout))
        return told

    def ask(self, *words: object) -> dict[str, Any]:
        """Give a command and wait for its answer."""
        self.tell(*words)
        return self.answer()

    def cpu(self) -> float:
        """Return the seconds of CPU that it has used, in user and kernel mode."""
        return cpu.seconds(self.process.pid)

    def calm_down(self) -> None:
        """Wait until it does next to nothing: it builds its window, or takes note of who came and left."""
        deadline = time.monotonic() + CALM_S
        busy = True
        while busy and time.monotonic() < deadline:
            before = self.cpu()
            time.sleep(LOOK_S)
            busy = self.cpu() - before > CALM * LOOK_S

    def rss(self) -> int:
        """Return its resident bytes."""
        return cpu.resident(self.process.pid)

    def forget_peak(self) -> int:
        """Begin to look for the most resident bytes anew; return those of now."""
        cpu.forget_peak(self.process.pid)
        return self.rss()

    def peak(self) -> int:
        """Return the most resident bytes since ``forget_peak``."""
        return cpu.peak(self.process.pid)

    def end(self) -> None:
        """Let it end, or make it."""
        if self.process.poll() is None and self.process.stdin is not None:
            self.process.stdin.close()
            self.process.terminate()
            try:
                self.process.wait(END_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._reader.join()
        for stream in (self.process.stdin, self.process.stdout, self._complaints):
            if stream is not None:
                stream.close()

    def _last_words(self) -> str:
        self._complaints.seek(0)
        return self._complaints.read().decode(errors="replace")[-2000:]


def environment() -> dict[str, str]:
    """Return the environment of all processes: nothing of a person's own companion, no screen, no keyring.

    Bytecode is kept, as an installed program's is.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith(STRANGE)}
    return {
        **kept,
        "PYTHONUNBUFFERED": "1",
        "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",
        "QT_QPA_PLATFORM": "offscreen",
    }


def python(module: str, *arguments: str | Path) -> list[str | Path]:
    """Return the command that runs a module."""
    return [sys.executable, "-m", module, *arguments]
