"""Start ``companion serve`` as a process that ends with this one."""

import os
import queue
import shutil
import subprocess
import sys
import threading
from collections import deque
from pathlib import Path

from pytest_p2p_companion.control import Control
from pytest_p2p_companion.errors import CompanionError
from pytest_p2p_companion.options import CompanionOptions

STOP_TIMEOUT_S = 10.0
KEPT_LINES = 100
VARIABLE = "COMPANION_COMMAND"
NOT_INHERITED = ("COMPANION_DATA_DIR", "COMPANION_TOKEN", "COMPANION_AGENT_TOKEN")
"""Variables about another companion."""


def command_of(options: CompanionOptions) -> str:
    """Return the command that starts the companion."""
    if given := options.command or os.environ.get(VARIABLE):
        return str(given)
    beside = Path(sys.executable).with_name("companion.exe" if sys.platform == "win32" else "companion")
    return str(beside) if beside.is_file() else shutil.which("companion") or "companion"


class ServeProcess:
    """A companion without a window that this process has started, on free ports."""

    def __init__(self, options: CompanionOptions, data_dir: Path) -> None:
        """Start it; ``wait_until_ready`` returns its control API. Raises ``CompanionError``."""
        self.data_dir = data_dir
        self._options = options
        self._token_file = data_dir / "token"
        self._kept: deque[str] = deque(maxlen=KEPT_LINES)
        self._urls: queue.SimpleQueue[str] = queue.SimpleQueue()
        """The URL of the control API, or an empty text when the process has closed its output."""
        command = command_of(options)
        words = [
            command, "serve", "--data-dir", str(data_dir), "--token-file", str(self._token_file),
            "--stop-with-stdin", "--port", "0", "--rest-port", "0", "--control-port", "0",
            *options.folders(), *options.args,
        ]  # fmt: skip
        environment = {name: value for name, value in os.environ.items() if name not in NOT_INHERITED}
        environment["PYTHONIOENCODING"] = "utf-8"
        try:
            # Standard input closes with this process, even if it is killed, and the companion stops then.
            self._process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment,
                encoding="utf-8", errors="replace", creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
            )  # fmt: skip
        except OSError as error:
            raise CompanionError(
                f"The command {command} cannot be started ({error.strerror or error}). Install P2P Chat Companion "
                f"in the environment of your tests, or set {VARIABLE} to the path of its command."
            ) from None
        self._reader = threading.Thread(target=self._read, name="companion output", daemon=True)
        self._reader.start()

    @property
    def output(self) -> str:
        """The last lines that it printed."""
        return "\n".join(self._kept)

    def wait_until_ready(self) -> Control:
        """Return the client of its control API as soon as it listens. Raises ``CompanionError``."""
        try:
            url = self._urls.get(timeout=self._options.start_timeout_s)
        except queue.Empty:
            self.stop()
            raise CompanionError(
                f"The companion was not ready within {self._options.start_timeout_s:g} s:\n{self.output}"
            ) from None
        if not url:
            self.stop()
            code = self._process.returncode
            raise CompanionError(f"The companion ended with exit code {code} before it was ready:\n{self.output}")
        try:
            token = self._token_file.read_text(encoding="utf-8").strip()
        except OSError:
            self.stop()
            raise CompanionError(
                f"The command {command_of(self._options)} is not a companion: it has not written "
                f"{self._token_file}."
            ) from None
        return Control(url, token)

    def stop(self) -> None:
        """Stop it, and wait until it has ended. May be called twice."""
        process = self._process
        if process.stdin and not process.stdin.closed:
            process.stdin.close()
        try:
            process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        self._reader.join(STOP_TIMEOUT_S)
        if process.stdout and not self._reader.is_alive():
            process.stdout.close()

    def _read(self) -> None:
        assert self._process.stdout
        for line in self._process.stdout:
            self._kept.append(line.rstrip("\n"))
            word, _, address = line.strip().partition(" ")
            if word == "control":
                self._urls.put(address)
        self._urls.put("")
