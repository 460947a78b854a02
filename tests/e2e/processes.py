"""Programs started by the tests: their output line by line, their end, and nothing left behind."""

import functools
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import psutil

ROOT = Path(__file__).parents[2]
INSTALLED = os.environ.get("COMPANION_INSTALLED", "")
COMPANION = (INSTALLED,) if INSTALLED else (sys.executable, "-m", "app")
"""What is tested: the program of this folder, or the installed one at the path ``COMPANION_INSTALLED``."""
PORTS_OF_TESTS, SHARES = (20_000, 32_000), 8
READY_S = 30.0
PATIENCE_S = 30.0
"""Limit of a wait for a program. A test fails if it is reached; how long a stop takes is measured by a gate."""

ON_WINDOWS = sys.platform == "win32"
STOP_SIGNALS = (signal.CTRL_BREAK_EVENT,) if ON_WINDOWS else (signal.SIGTERM, signal.SIGINT)

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("COMPANION_")},
    "PYTHONUNBUFFERED": "1",
    # On Windows the program itself has to write UTF-8 to pipes.
    **({} if ON_WINDOWS else {"PYTHONUTF8": "1"}),
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",  # nothing of the tests in a person's keyring
}


def wait_until(true: Callable[[], Any], what: str, timeout: float = PATIENCE_S) -> Any:
    """Return the first true value of ``true()``; fail when that takes too long."""
    deadline = time.monotonic() + timeout
    while not (value := true()):
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:g} s in vain for {what}")
        time.sleep(0.02)
    return value


def _candidates() -> Iterator[int]:
    """Yield ports below those that systems give away by themselves, other ones in each process of the tests."""
    first, last = PORTS_OF_TESTS
    share = (last - first) // SHARES
    number = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % SHARES
    begin = random.randrange(share)  # a run before this one may have left some in TIME_WAIT
    while True:
        for offset in range(share):
            yield first + number * share + (begin + offset) % share


_ports = _candidates()


def free_ports(count: int) -> list[int]:
    """Return different ports nobody listens on now, and no other test will take."""
    free: list[int] = []
    while len(free) < count:
        port = next(_ports)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            free.append(port)
    return free


def free_port() -> int:
    """Return a port nobody listens on now."""
    return free_ports(1)[0]


def answers(port: int) -> bool:
    """Whether somebody listens on ``port``."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """A running program. ``out`` and ``err`` grow while it writes; leaving the ``with`` ends it."""

    def __init__(
        self, name: str, *command: str | Path, env: Mapping[str, str] | None = None, typed: str | None = None
    ) -> None:
        """``typed`` is its standard input."""
        self.name = name
        self.out: list[str] = []
        self.err: list[str] = []
        self.process = subprocess.Popen(
            [str(part) for part in command],
            cwd=ROOT,
            env={**ENVIRONMENT, **(env or {})},
            stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=not ON_WINDOWS,
            # Whoever starts the tests in the background lets them, and all that they start, ignore Ctrl+C.
            preexec_fn=None
            if ON_WINDOWS
            else functools.partial(signal.signal, signal.SIGINT, signal.default_int_handler),
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._readers = [
            threading.Thread(target=_collect, args=pair, daemon=True)
            for pair in ((self.process.stdout, self.out), (self.process.stderr, self.err))
        ]
        for reader in self._readers:
            reader.start()
        if self.process.stdin is not None:
            self.process.stdin.write(typed or "")
            self.process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.end()

    def __str__(self) -> str:
        ended = self.process.poll()
        state = "still running" if ended is None else f"ended with {ended}"
        lines = [f"$ {' '.join(map(str, self.process.args))}", f"  ({state})"]
        lines += [f"  out: {line}" for line in self.out] + [f"  err: {line}" for line in self.err]
        return "\n".join(lines)

    def wait_for_line(self, pattern: str, *, among: str = "out", timeout: float = PATIENCE_S) -> re.Match[str]:
        """Return the match of the first line that ``pattern`` is found in; ``among`` is ``out`` or ``err``."""
        lines = getattr(self, among)

        def found() -> re.Match[str] | None:
            if match := next((m for line in tuple(lines) if (m := re.search(pattern, line))), None):
                return match
            if self.process.poll() is not None and not any(reader.is_alive() for reader in self._readers):
                raise AssertionError(f"{self.name} ended without saying /{pattern}/\n{self}")
            return None

        try:
            return wait_until(found, f"/{pattern}/", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self}") from None

    def send(self, number: int) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Wait for the process to end by itself; return its exit code with all output read."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {timeout:g} s\n{self}") from None
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return code

    def end(self) -> None:
        """Make sure that it no longer runs, nor anything that it started."""
        if self.process.poll() is None:
            self.process.send_signal(STOP_SIGNALS[0])
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_S)
        if ON_WINDOWS:
            self.process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # and whatever it started
        self.process.wait()
        for reader in self._readers:
            reader.join(PATIENCE_S)
        for stream in (self.process.stdout, self.process.stderr):
            stream.close()  # type: ignore[union-attr]


def _collect(stream: Any, lines: list[str]) -> None:
    try:
        for line in stream:
            lines.append(line.rstrip("\r\n"))
    except ValueError:
        return  # closed by the test


class Companion(Program):
    """The program under test, with an event server that has been seen to listen."""

    port: int
    rest_port: int
    control_url: str

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://127.0.0.1:{self.port}/events"

    @property
    def rest_url(self) -> str:
        """The base of REST's paths."""
        return f"http://127.0.0.1:{self.rest_port}"

    def stop(self) -> None:
        """Stop it as a person would, and see that it ends well."""
        self.send(STOP_SIGNALS[0])
        assert self.wait() == 0, self

    def keeps(self, client: socket.socket) -> bool:
        """Whether its end of ``client``'s connection is still open (the client cannot tell before it reads)."""
        held = psutil.Process(self.process.pid).net_connections("tcp")
        return any(each.raddr and each.raddr[:2] == client.getsockname() for each in held)

    def is_asked(self) -> bool:
        """Whether a verb of the command line waits for its answer."""
        port = urlsplit(self.control_url).port
        held = psutil.Process(self.process.pid).net_connections("tcp")
        return any(each.raddr and each.laddr[1] == port for each in held)


def aside(data_dir: Path) -> tuple[str | Path, ...]:
    """Return the options of a companion that takes no port from another one, and keeps its token in its folder."""
    return "--control-port", "0", "--token-file", data_dir / "token", "--data-dir", data_dir


def without_pace(data_dir: Path) -> Path:
    """Let the clients of the companion with ``data_dir`` send as fast as they can."""
    data_dir.mkdir(exist_ok=True)
    (data_dir / "settings.toml").write_text("client_frames_per_s = 1_000_000\n")
    return data_dir


def serve(
    data_dir: Path,
    *options: str | Path,
    port: int | None = 0,
    rest_port: int | None = 0,
    token_file: bool = True,
    env: Mapping[str, str] | None = None,
    command: Sequence[str | Path] = COMPANION,
) -> Companion:
    """Start ``companion serve`` and wait until it says where it listens and answers, unless it must not.

    A port of None is the program's own default.
    """
    chosen = [] if port is None else ["--port", str(port)]
    chosen += [] if rest_port is None else ["--rest-port", str(rest_port)]
    own = aside(data_dir) if token_file else ("--control-port", "0", "--data-dir", data_dir)
    program = Companion("serve", *command, "serve", *chosen, *own, *options, env=env)
    try:
        line = program.wait_for_line(r"^listening ws://127\.0\.0\.1:(\d+)/events$", timeout=READY_S)
        program.port = int(line[1])
        if "--no-rest" not in options:
            program.rest_port = int(program.wait_for_line(r"^answering http://127\.0\.0\.1:(\d+)$")[1])
        if "--no-control" not in options:
            program.control_url = program.wait_for_line(r"^control (http://127\.0\.0\.1:\d+)$")[1]
    except BaseException:
        program.end()
        raise
    return program


def tray(
    data_dir: Path,
    *options: str | Path,
    env: Mapping[str, str] | None = None,
    command: Sequence[str | Path] = COMPANION,
) -> Companion:
    """Start the tray program (offscreen unless ``env`` says otherwise) and wait until its servers listen."""
    port, rest_port = free_ports(2)
    chosen = ("--port", str(port), "--rest-port", str(rest_port), *aside(data_dir))
    environment = {"QT_QPA_PLATFORM": "offscreen", **(env or {})}
    before = told(data_dir)
    program = Companion("tray", *command, *chosen, *options, env=environment)
    program.port, program.rest_port = port, rest_port

    def listening() -> bool:
        if program.process.poll() is not None:
            raise AssertionError(f"the tray program ended while starting\n{program}")
        return answers(port) and answers(rest_port) and told(data_dir) not in (None, before)

    try:
        wait_until(listening, f"the tray program to listen on {port} and {rest_port}", READY_S)
        program.control_url = told(data_dir)["control"]
    except BaseException:
        program.end()
        raise
    return program


def told(data_dir: Path) -> Any:
    """Return what a companion tells the command line: where its control API is; None when it does not."""
    try:
        return json.loads((data_dir / "instance.json").read_bytes())
    except FileNotFoundError:
        return None


def listen(*options: str, typed: str | None = None) -> Program:
    """Start the reference client."""
    return Program("listen", *COMPANION, "listen", *options, typed=typed)


def verb(
    data_dir: Path, *arguments: str | Path, env: Mapping[str, str] | None = None, typed: str | None = None
) -> Program:
    """Start a verb of the command line, for the companion that runs with ``data_dir``."""
    environment = {"COMPANION_DATA_DIR": str(data_dir), **(env or {})}
    return Program(f"companion {arguments[0]}", *COMPANION, *arguments, env=environment, typed=typed)
