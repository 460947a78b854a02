"""Start the unmodified program."""

import socket
import time
from pathlib import Path
from urllib.parse import urlsplit

from tests.benchmarks.child import READY_S, Child, Failed, python

TOKEN = "benchmark-" * 5


def serve(data_dir: Path, *options: str) -> Child:
    """Start ``companion serve`` on free ports. When it is ready, it prints ``listening …``."""
    free = ("--port", "0", "--rest-port", "0", "--control-port", "0", "--data-dir", str(data_dir))
    return Child("serve", python("app", "serve", *free, *options), {"COMPANION_TOKEN": TOKEN})


def tray(data_dir: Path) -> tuple[Child, int]:
    """Start the tray program, wait until it listens, and return it with its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    ports = ("--port", str(port), "--rest-port", "0", "--control-port", "0")
    child = Child("tray", python("app", *ports, "--data-dir", data_dir), {"COMPANION_TOKEN": TOKEN})
    deadline = time.monotonic() + READY_S
    while time.monotonic() < deadline and child.process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return child, port
        time.sleep(0.05)
    child.end()
    raise Failed("the tray program did not listen")


def control_port(server: Child) -> int:
    """Wait until the control API of ``serve`` is ready, and return its port."""
    return int(urlsplit(server.wait_for("control ")).port or 0)
