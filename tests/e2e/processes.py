"""Start programs for the tests, read their output line by line, and end them with all their child processes."""

import functools
import io
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
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import psutil
from typing_extensions import override

T = TypeVar("T")

ROOT = Path(__file__).parents[2]
INSTALLED = os.environ.get("COMPANION_INSTALLED", "")
COMPANION = (INSTALLED,) if INSTALLED else (sys.executable, "-m", "app")
"""The command under test: the program of this folder, or the installed one at the path ``COMPANION_INSTALLED``."""
PORTS_OF_TESTS, SHARES = (20_000, 32_000), 8
READY_S = 30.0
PATIENCE_S = 30.0
"""Limit of a wait for a program. A test fails if it is reached; how long a stop takes is measured by a gate."""

ON_WINDOWS = sys.platform == "win32"
STOP_SIGNALS: tuple[signal.Signals, ...]
if sys.platform == "win32":
    STOP_SIGNALS = (signal.CTRL_BREAK_EVENT,)
else:
    STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)

ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith("COMPANION_")},
    "PYTHONUNBUFFERED": "1",
    # Not on Windows: there, the program itself must write UTF-8 to pipes.
    **({} if ON_WINDOWS else {"PYTHONUTF8": "1"}),
    "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring",  # do not write to the user's keyring
}


def wait_until(true: Callable[..., T | None], what: str, timeout: float = PATIENCE_S) -> T:
    """Call ``true()`` until its result is true, and return the result. Fail after ``timeout`` seconds."""
    deadline = time.monotonic() + timeout
    while not (value := true()):
        if time.monotonic() > deadline:
            raise AssertionError(f"timeout after {timeout:g} s: {what}")
        time.sleep(0.02)
    return value


def _candidates() -> Iterator[int]:
    """Yield ports below the ephemeral range. Each test process has its own range, and the gates have one."""
    first, last = PORTS_OF_TESTS
    share = (last - first) // SHARES
    number = int(os.environ.get("PYTEST_XDIST_WORKER", f"gw{SHARES - 1}").removeprefix("gw")) % SHARES
    begin = random.randrange(share)  # some ports may still be in TIME_WAIT after the previous run
    while True:
        for offset in range(share):
            yield first + number * share + (begin + offset) % share


_ports = _candidates()


def free_ports(count: int) -> list[int]:
    """Return different free ports that no other test uses."""
    free: list[int] = []
    while len(free) < count:
        port = next(_ports)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            free.append(port)
    return free


def free_port() -> int:
    """Return a free port."""
    return free_ports(1)[0]


def answers(port: int) -> bool:
    """Return whether a server listens on ``port``."""
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


class Program:
    """A running program. ``out`` and ``err`` are its output so far. The end of the ``with`` statement ends it."""

    def __init__(
        self,
        name: str,
        *command: str | Path | int,
        env: Mapping[str, str] | None = None,
        typed: str | None = None,
        folder: Path = ROOT,
    ) -> None:
        """``typed`` is its standard input, ``folder`` its working directory."""
        self.name = name
        self.out: list[str] = []
        self.err: list[str] = []
        self.command = [str(part) for part in command]
        self.process = subprocess.Popen(
            self.command,
            cwd=folder,
            env={**ENVIRONMENT, **(env or {})},
            stdin=subprocess.DEVNULL if typed is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="replace",
            start_new_session=not ON_WINDOWS,
            # A shell that starts the tests in the background makes them and their children ignore SIGINT.
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
            assert isinstance(self.process.stdin, io.TextIOWrapper)
            self.process.stdin.reconfigure(newline="")  # Windows would send each \n as \r\n
            self.process.stdin.write(typed or "")
            self.process.stdin.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error:
            error.add_note(str(self))
        self.end()

    @override
    def __str__(self) -> str:
        ended = self.process.poll()
        state = "still running" if ended is None else f"ended with {ended}"
        lines = [f"$ {' '.join(self.command)}", f"  ({state})"]
        lines += [f"  out: {line}" for line in self.out] + [f"  err: {line}" for line in self.err]
        return "\n".join(lines)

    def wait_for_line(self, pattern: str, *, among: str = "out", timeout: float = PATIENCE_S) -> re.Match[str]:
        """Wait for a line that matches ``pattern``, and return the match. ``among`` is ``out`` or ``err``."""
        lines = getattr(self, among)

        def found() -> re.Match[str] | None:
            if match := next((m for line in tuple(lines) if (m := re.search(pattern, line))), None):
                return match
            if self.process.poll() is not None and not any(reader.is_alive() for reader in self._readers):
                raise AssertionError(f"{self.name} ended without a line that matches /{pattern}/\n{self}")
            return None

        try:
            return wait_until(found, f"/{pattern}/", timeout)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self}") from None

    def send(self, number: int) -> None:
        """Send a signal to the process."""
        self.process.send_signal(number)

    def wait(self, timeout: float = PATIENCE_S) -> int:
        """Wait until the process ends and all its output is read. Return its exit code."""
        try:
            code = self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"{self.name} did not end within {timeout:g} s\n{self}") from None
        for reader in self._readers:
            reader.join(PATIENCE_S)
        return code

    def end(self) -> None:
        """End the process and all its child processes."""
        if self.process.poll() is None:
            self.process.send_signal(STOP_SIGNALS[0])
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(PATIENCE_S)
        if ON_WINDOWS:
            self.process.kill()
        else:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)  # also ends its child processes
        self.process.wait()
        for reader in self._readers:
            reader.join(PATIENCE_S)
        for stream in (self.process.stdout, self.process.stderr):
            assert stream is not None
            stream.close()


def _collect(stream: Any, lines: list[str]) -> None:
    try:
        for line in stream:
            lines.append(line.rstrip("\r\n"))
    except ValueError:
        return  # closed by the test


class Companion(Program):
    """The program under test. Its event server listens."""

    port: int
    rest_port: int
    control_url: str

    @property
    def url(self) -> str:
        """The URL for clients."""
        return f"ws://127.0.0.1:{self.port}/events"

    @property
    def rest_url(self) -> str:
        """The base URL of the REST stand-in."""
        return f"http://127.0.0.1:{self.rest_port}"

    def stop(self) -> None:
        """Stop the program with a signal. Its exit code must be 0."""
        self.send(STOP_SIGNALS[0])
        assert self.wait() == 0, self

    def has_connection(self, client: socket.socket) -> bool:
        """Return whether the server has not closed the connection of ``client``, which does not read."""
        held = psutil.Process(self.process.pid).net_connections("tcp")
        return any(each.raddr and each.raddr[:2] == client.getsockname() for each in held)

    def client_count(self, data_dir: Path) -> int:
        """Return the number of connected clients."""
        token = (data_dir / "token").read_text("utf-8").strip()
        request = Request(f"{self.control_url}/v1/clients", headers={"Authorization": f"Bearer {token}"})
        with urlopen(request, timeout=PATIENCE_S) as response:
            return len(json.load(response))

    def has_control_request(self) -> bool:
        """Return whether a command is connected to the control API."""
        port = urlsplit(self.control_url).port
        held = psutil.Process(self.process.pid).net_connections("tcp")
        return any(each.raddr and each.laddr[1] == port for each in held)


def own_options(data_dir: Path) -> tuple[str | Path, ...]:
    """Return the options for a free control port, and for a token file in the data folder."""
    return "--control-port", "0", "--token-file", data_dir / "token", "--data-dir", data_dir


def without_rate_limit(data_dir: Path) -> Path:
    """Write settings with a very high rate limit to ``data_dir``, and return ``data_dir``."""
    data_dir.mkdir(exist_ok=True)
    (data_dir / "settings.toml").write_text("client_frames_per_s = 1_000_000\n")
    return data_dir


def without_recording(data_dir: Path) -> Path:
    """Write settings to ``data_dir`` so that runs are not recorded, and return ``data_dir``."""
    data_dir.mkdir(parents=True, exist_ok=True)
    (data_dir / "settings.toml").write_text("record_runs = false\n")
    return data_dir


def serve(
    data_dir: Path,
    *options: str | Path,
    port: int | None = 0,
    rest_port: int | None = 0,
    token_file: bool = True,
    env: Mapping[str, str] | None = None,
    command: Sequence[str | Path] = COMPANION,
    folder: Path = ROOT,
) -> Companion:
    """Start ``companion serve``, and wait until it has printed the URLs of the servers that ``options`` leave on.

    It runs in ``folder``. If a port is None, the program uses its default port.
    """
    chosen = [] if port is None else ["--port", str(port)]
    chosen += [] if rest_port is None else ["--rest-port", str(rest_port)]
    own = own_options(data_dir) if token_file else ("--control-port", "0", "--data-dir", data_dir)
    program = Companion("serve", *command, "serve", *chosen, *own, *options, env=env, folder=folder)
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
    """Start the tray program, and wait until its servers listen. It is offscreen, unless ``env`` changes that."""
    port, rest_port = free_ports(2)
    chosen = ("--port", str(port), "--rest-port", str(rest_port), *own_options(data_dir))
    environment = {"QT_QPA_PLATFORM": "offscreen", **(env or {})}
    before = read_instance_file(data_dir)
    program = Companion("tray", *command, *chosen, *options, env=environment)
    program.port, program.rest_port = port, rest_port

    def listening() -> bool:
        if program.process.poll() is not None:
            raise AssertionError(f"the tray program ended while starting\n{program}")
        return answers(port) and answers(rest_port) and read_instance_file(data_dir) not in (None, before)

    try:
        wait_until(listening, f"the tray program to listen on {port} and {rest_port}", READY_S)
        program.control_url = read_instance_file(data_dir)["control"]
    except BaseException:
        program.end()
        raise
    return program


def read_instance_file(data_dir: Path) -> Any:
    """Return the content of the instance file, for example the control API's URL; None if there is no file."""
    try:
        return json.loads((data_dir / "instance.json").read_bytes())
    except FileNotFoundError:
        return None


def listen(*options: str, typed: str | None = None) -> Program:
    """Start ``companion listen``, the reference client. ``typed`` is its standard input."""
    return Program("listen", *COMPANION, "listen", *options, typed=typed)


def start_command(
    data_dir: Path, *arguments: str | Path | int, env: Mapping[str, str] | None = None, typed: str | None = None
) -> Program:
    """Start a command for the companion that runs with ``data_dir``. ``typed`` is its standard input."""
    environment = {**command_environment(data_dir), **(env or {})}
    return Program(f"companion {arguments[0]}", *COMPANION, *arguments, env=environment, typed=typed)


def command_environment(data_dir: Path) -> dict[str, str]:
    """Return the variables that a command gets in addition to ``ENVIRONMENT``."""
    return {"COMPANION_DATA_DIR": str(data_dir)}
