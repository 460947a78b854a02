import socket
import subprocess
import sys

import psutil
import pytest

from app.system.ports import OWN_PROCESS, holder

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems may not report the process")


@pytest.mark.e2e
@linux_only
def test_the_holder_of_a_port_is_named() -> None:
    program = (
        "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True); input()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program], text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout
        port = int(other.stdout.readline())
        assert holder(port) == f"{psutil.Process(other.pid).name()} (pid {other.pid})"
        other.communicate("\n")


def test_this_process_is_named_as_the_companion_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """On macOS, only root may list the connections of other processes."""
    monkeypatch.setattr(psutil, "net_connections", deny_access)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        assert holder(listener.getsockname()[1]) == OWN_PROCESS


def deny_access(kind: str) -> None:
    raise psutil.AccessDenied


def test_a_port_without_a_listener_has_no_holder() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert holder(bound.getsockname()[1]) is None


@pytest.mark.parametrize("error", [psutil.AccessDenied(), psutil.NoSuchProcess(1), PermissionError()])
def test_a_failed_process_lookup_returns_no_holder(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def raise_error(kind: str) -> None:
        raise error

    monkeypatch.setattr(psutil, "net_connections", raise_error)
    assert holder(8081) is None
