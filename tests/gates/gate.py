"""What a gate is, and what gates share: a server of their own, its figures, and enough file descriptors."""

import http.client
import json
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from tests.e2e.processes import COMPANION, Companion, serve

FILES = 16_384
MIB = 2**20
IDLE_S = 1.0
"""The server hangs up on whoever asks nothing for some seconds."""


class Outcome(NamedTuple):
    """What a gate measured, and whether that is good enough."""

    figures: str
    limit: str
    passed: bool


Gate = Callable[[bool], Outcome]
"""Runs a gate; True means its full size. To be skipped it calls ``pytest.skip``."""


def allow_many_files() -> None:
    """Raise the limit of open files of this process and of the servers that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Server:
    """A companion of this gate alone, in another process, and what can be seen of it from outside."""

    def __init__(self, program: Companion, data_dir: Path) -> None:
        self.program = program
        self.port = program.port
        self.url = program.url
        self.pid = program.process.pid
        self.control_port = int(urlsplit(program.control_url).port or 0)
        self.token = (data_dir / "token").read_text().strip()
        self._control = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=10)
        self._asked = 0.0

    def ask(self, method: str, path: str, body: str | None = None, kind: str = "application/json") -> Any:
        """Call the control API and return its answer."""
        if time.monotonic() - self._asked > IDLE_S:
            self._control.close()  # it connects again by itself
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = kind
        self._control.request(method, path, None if body is None else body.encode(), headers)
        answer = self._control.getresponse()
        text = answer.read()
        self._asked = time.monotonic()
        assert answer.status < 300, (method, path, answer.status, text[:500])
        return json.loads(text) if text else None

    def fire(self, frame: str) -> int:
        """Send a text frame to every client; return how many it was handed to."""
        return len(self.ask("POST", "/v1/frames", frame, "text/plain")["clients"])

    def clients(self) -> list[Any]:
        """Return who is connected."""
        return list(self.ask("GET", "/v1/clients"))

    def told(self, event: str) -> list[Any]:
        """Return the server's rows of that name in the journal, oldest first."""
        rows = self.ask("GET", f"/v1/journal?limit=10000&filter=event:{event}")["rows"]
        return [row for row in rows if row["event"] == event]

    def sockets(self) -> int:
        """Return how many sockets it has open, for whatever purpose."""
        return sum(name.startswith("socket:") for name in self._opened())

    def files(self) -> int:
        """Return how many file descriptors it has open."""
        return len(self._opened())

    def _opened(self) -> list[str]:
        names = []
        for number in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # closed meanwhile
                names.append(str(number.readlink()))
        return names

    def memory(self) -> int:
        """Return its resident bytes."""
        return self._memory("VmRSS")

    def peak(self) -> int:
        """Return the most resident bytes since ``forget_peak``."""
        return self._memory("VmHWM")

    def forget_peak(self) -> None:
        """Begin to look for the peak anew."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _memory(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name}: the server has ended\n{self.program}")


@contextmanager
def server(command: Sequence[str | Path] = COMPANION, **settings: Any) -> Iterator[Server]:
    """Run ``companion serve`` with these settings, on free ports, in a folder of its own."""
    with TemporaryDirectory(prefix="companion-gate-") as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir()
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
        (data_dir / "settings.toml").write_text("".join(lines))
        with serve(data_dir, command=command) as program:
            yield Server(program, data_dir)
            assert "Traceback" not in "\n".join(program.err), program
