import os
import socket
import sys

import psutil
import pytest

from app.system.ports import holder

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems may not say")


@linux_only
def test_the_holder_of_a_port_is_named() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        told = holder(listener.getsockname()[1])
    assert told == f"{psutil.Process().name()} (pid {os.getpid()})"


def test_a_port_that_nobody_listens_on_has_no_holder() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        assert holder(bound.getsockname()[1]) is None


@pytest.mark.parametrize("error", [psutil.AccessDenied(), psutil.NoSuchProcess(1), PermissionError()])
def test_a_system_that_will_not_say_is_no_trouble(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def refuse(kind: str) -> None:
        raise error

    monkeypatch.setattr(psutil, "net_connections", refuse)
    assert holder(8081) is None
