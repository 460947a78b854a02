"""Shared by all gates: the result type, a companion in its own process, its figures, and the file limit."""

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
KEEP_ALIVE_S = 1.0
"""Older idle connections are reopened, because the server closes a connection that is idle for some seconds."""


class Outcome(NamedTuple):
    """The figures of a gate, their limit, and whether they are within it."""

    figures: str
    limit: str
    passed: bool


Gate = Callable[[bool], Outcome]
"""Runs a gate, with True in its full size. It calls ``pytest.skip`` to be skipped."""


def allow_many_files() -> None:
    """Raise the limit of open files of this process and of the servers that it starts."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


class Server:
    """A companion in its own process, its control API, and figures about the process."""

    def __init__(self, program: Companion, data_dir: Path) -> None:
        self.program = program
        self.port = program.port
        self.url = program.url
        self.pid = program.process.pid
        self.control_port = int(urlsplit(program.control_url).port or 0)
        self.token = (data_dir / "token").read_text().strip()
        self._control = http.client.HTTPConnection("127.0.0.1", self.control_port, timeout=10)
        self._last_request = 0.0

    def request(self, method: str, path: str, body: str | None = None, kind: str = "application/json") -> Any:
        """Call the control API and return its answer."""
        if time.monotonic() - self._last_request > KEEP_ALIVE_S:
            self._control.close()  # the next request connects again
        headers = {"Authorization": f"Bearer {self.token}"}
        if body is not None:
            headers["Content-Type"] = kind
        self._control.request(method, path, None if body is None else body.encode(), headers)
        answer = self._control.getresponse()
        text = answer.read()
        self._last_request = time.monotonic()
        assert answer.status < 300, (method, path, answer.status, text[:500])
        return json.loads(text) if text else None

    def fire(self, frame: str) -> int:
        """Send a text frame to every client, and return the number of recipients."""
        return len(self.request("POST", "/v1/frames", frame, "text/plain")["clients"])

    def clients(self) -> list[Any]:
        """Return the connected clients."""
        return list(self.request("GET", "/v1/clients"))

    def journal_rows(self, event: str) -> list[Any]:
        """Return the journal rows with this event name, oldest first."""
        rows = self.request("GET", f"/v1/journal?limit=10000&filter=event:{event}")["rows"]
        return [row for row in rows if row["event"] == event]

    def sockets(self) -> int:
        """Return the number of open sockets of the process."""
        return sum(name.startswith("socket:") for name in self._open_files())

    def files(self) -> int:
        """Return the number of open file descriptors of the process."""
        return len(self._open_files())

    def _open_files(self) -> list[str]:
        names = []
        for number in Path(f"/proc/{self.pid}/fd").iterdir():
            with suppress(FileNotFoundError):  # it was closed meanwhile
                names.append(str(number.readlink()))
        return names

    def memory(self) -> int:
        """Return the resident memory in bytes."""
        return self._memory("VmRSS")

    def peak(self) -> int:
        """Return the maximum of the resident memory since ``reset_peak``, in bytes."""
        return self._memory("VmHWM")

    def reset_peak(self) -> None:
        """Reset the recorded maximum."""
        Path(f"/proc/{self.pid}/clear_refs").write_text("5")

    def _memory(self, name: str) -> int:
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(f"{name}:"):
                return int(line.split()[1]) * 1024
        raise AssertionError(f"no {name}: the server has ended\n{self.program}")


@contextmanager
def server(command: Sequence[str | Path] = COMPANION, **settings: Any) -> Iterator[Server]:
    """Run ``companion serve`` with these settings, free ports and a temporary data folder."""
    with TemporaryDirectory(prefix="companion-gate-") as folder:
        data_dir = Path(folder) / "data"
        data_dir.mkdir()
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in settings.items()]
        (data_dir / "settings.toml").write_text("".join(lines))
        with serve(data_dir, command=command) as program:
            yield Server(program, data_dir)
            assert "Traceback" not in "\n".join(program.err), program
