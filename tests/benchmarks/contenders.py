"""The servers that are compared, by name, with the command that starts each and the tools that it needs."""

import importlib.util
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

from tests.benchmarks.build import Missing, compiled
from tests.benchmarks.child import Child, python
from tests.benchmarks.client import Link

ROWS = 100_000
"""Number of rows in the tray program's log during the measurements."""
SETTINGS = {
    "max_clients": 10_000,
    "max_connections": 20_000,
    "client_frames_per_s": 1_000_000,
    "presence_decays": False,
}
YARDSTICK = "asyncio"
FLOOR = "bare"
"""A server with only the library and Python. It is the lower limit for a Python server."""


def _plain(loop: str, *options: str) -> list[str | Path]:
    if loop == "uvloop" and not importlib.util.find_spec("uvloop"):
        raise Missing("no uvloop (pip install -e '.[fast]')")
    return python("tests.benchmarks.servers.plain", loop, *options)


def _picows() -> list[str | Path]:
    if not importlib.util.find_spec("picows"):
        raise Missing("no picows (pip install -e '.[bench]')")
    return python("tests.benchmarks.servers.picows_plain")


def _node() -> list[str | Path]:
    node, npm = shutil.which("node"), shutil.which("npm")
    if not node:
        raise Missing("no node")
    script = Path(__file__).parent / "servers" / "ws.mjs"
    folders = [Path(os.environ.get("BENCH_NODE_MODULES", ".")) / "node_modules"]
    if npm:
        found = subprocess.run([npm, "root", "--global"], capture_output=True, text=True).stdout.strip()
        folders.append(Path(found))
    for folder in folders:
        if (folder / "ws").is_dir():
            return ["env", f"BENCH_NODE_MODULES={folder.parent.resolve()}", node, script]
    raise Missing("no node package ws (npm install --global ws)")


CONTENDERS: dict[str, tuple[str, Callable[[], list[str | Path]]]] = {
    "asyncio": ("asyncio, `broadcast()`", lambda: _plain("asyncio")),
    "each": ("asyncio, `await send` each", lambda: _plain("asyncio", "--each")),
    "uvloop": ("uvloop, `broadcast()`", lambda: _plain("uvloop")),
    "qasync": ("stock qasync, `broadcast()`", lambda: _plain("qasync")),
    "pumped": ("pumped loop, `broadcast()`", lambda: _plain("pumped")),
    "picows": ("picows", _picows),
    "node": ("Node `ws`", _node),
    "beast": ("C++ Boost.Beast, the guide's design", lambda: [compiled("beast.cpp")]),
    "send": ("bare C `send`", lambda: [compiled("fanout.c")]),
    FLOOR: ("bare Python: selector, the library's parser, `send`", lambda: python("tests.benchmarks.servers.bare")),
    "serve": ("companion serve", lambda: python("tests.benchmarks.servers.companion", "serve")),
    "tray": ("companion tray, 100,000 rows", lambda: python("tests.benchmarks.servers.companion", "tray")),
}
"""Maps a name to a title and a function that returns the command. It may raise ``Missing``."""


class Server(NamedTuple):
    """A running contender."""

    name: str
    child: Child
    port: int

    def link(self, *, listeners: int = 0, pairs: int = 0, stalled: int = 0, sample: int = 1) -> Link:
        """Connect clients to the server."""
        return Link(self.child, self.port, listeners=listeners, pairs=pairs, stalled=stalled, sample=sample)


class Pool:
    """Starts each contender on first use and keeps it running. The end of the ``with`` statement ends all."""

    def __init__(self) -> None:
        self._running: dict[str, Server] = {}
        self._folders = tempfile.TemporaryDirectory(prefix="companion-benchmark-")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for name in list(self._running):
            self.end(name)
        self._folders.cleanup()

    def server(self, name: str) -> Server:
        """Return the running contender with this name. Raises ``Missing`` and ``Failed``."""
        if name not in self._running:
            self._running[name] = self.start(name)
        return self._running[name]

    def start(self, name: str, rows: int = ROWS) -> Server:
        """Start another process of a contender, which the caller must end. Raises ``Missing`` and ``Failed``."""
        command = CONTENDERS[name][1]()
        if name in ("serve", "tray"):
            command.append(self.data_dir())
        child = Child(name, command, {"ROWS": str(rows)} if name == "tray" else None)
        try:
            server = Server(name, child, int(child.wait_for("ready ")))
            # Until the first client has disconnected, glibc returns the buffer of each asyncio read to the system,
            # which costs 15 µs. No server stays in that state, so none is measured in it.
            server.link(listeners=1).close()
            child.wait_until_idle()
            return server
        except BaseException:
            child.end()
            raise

    def end(self, name: str) -> None:
        """End a contender. The next call of ``server`` starts a new one."""
        if server := self._running.pop(name, None):
            server.child.end()

    def data_dir(self) -> Path:
        """Return a new data folder with settings for a thousand clients."""
        folder = Path(tempfile.mkdtemp(dir=self._folders.name))
        lines = [f"{name} = {json.dumps(value)}\n" for name, value in SETTINGS.items()]
        (folder / "settings.toml").write_text("".join(lines))
        return folder
