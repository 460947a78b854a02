"""A second start passes its arguments to the first instance."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from PySide6.QtNetwork import QLocalServer, QLocalSocket

from app.ui import single_instance
from app.ui.single_instance import MAX_BYTES, FirstInstance, hand_over
from tests.conftest import until
from tests.ui.conftest import second_start, send_to_first

VALID_REQUEST = b'{"version": 1, "arguments": {"port": 3}}\n'


@pytest.fixture
def short_path() -> Iterator[Path]:
    """Return a folder with a short path."""
    with TemporaryDirectory(prefix="c") as folder:
        yield Path(folder)


@pytest.fixture
async def first(tmp_path: Path) -> AsyncIterator[FirstInstance]:
    first = FirstInstance(tmp_path)
    yield first
    first.close_down()


@pytest.fixture
def received_arguments(first: FirstInstance) -> list[dict[str, Any]]:
    received_arguments: list[dict[str, Any]] = []
    first.arguments_received.connect(received_arguments.append)
    return received_arguments


async def connect_to(folder: Path) -> QLocalSocket:
    socket = QLocalSocket()
    socket.connectToServer(single_instance._name(folder))
    await until(lambda: socket.state() is QLocalSocket.LocalSocketState.ConnectedState)
    return socket


@pytest.mark.e2e
async def test_arguments_are_handed_over(
    first: FirstInstance, received_arguments: list[dict[str, Any]], tmp_path: Path
) -> None:
    arguments = {"port": 9001, "hidden": False, "text": "ünï"}
    assert await second_start(tmp_path, arguments, own_process=True) is True
    assert received_arguments == [arguments]


async def test_simultaneous_starts_are_all_accepted(
    first: FirstInstance, received_arguments: list[dict[str, Any]], tmp_path: Path
) -> None:
    answers = await asyncio.gather(*(second_start(tmp_path, {"port": n}) for n in range(3)))
    assert answers == [True] * 3
    assert sorted(each["port"] for each in received_arguments) == list(range(3))


@pytest.mark.usefixtures("one_attempt")
def test_without_a_first_instance_nothing_is_handed_over(tmp_path: Path, qapp: Any) -> None:
    assert hand_over(tmp_path, {"port": 1}) is False


@pytest.mark.usefixtures("one_attempt")
async def test_a_second_start_is_not_accepted_after_shutdown(first: FirstInstance, tmp_path: Path) -> None:
    first.close_down()
    assert hand_over(tmp_path, {}) is False


@pytest.mark.usefixtures("one_attempt")
async def test_instances_with_different_data_directories_are_independent(
    first: FirstInstance, received_arguments: list[dict[str, Any]], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    assert hand_over(other, {}) is False
    assert received_arguments == []


@pytest.mark.skipif(
    sys.platform == "win32", reason="Windows removes named pipes after a crash, and a name may be used twice"
)
async def test_the_socket_left_by_a_crash_is_replaced(tmp_path: Path) -> None:
    crashed_server = QLocalServer()
    assert crashed_server.listen(single_instance._name(tmp_path))
    first = FirstInstance(tmp_path)
    received_arguments: list[Any] = []
    first.arguments_received.connect(received_arguments.append)
    assert await second_start(tmp_path, {"port": 5}) is True
    assert received_arguments == [{"port": 5}]
    first.close_down()


@pytest.mark.parametrize(
    "request_data",
    [
        b"\n",
        b"hello\n",
        b"{}\n",
        b"[]\n",
        b"7\n",
        b"null\n",
        b'"text"\n',
        b"\xff\xfe\n",
        b'{"version": 1}\n',
        b'{"version": 1, "arguments": null}\n',
        b'{"version": 1, "arguments": [1]}\n',
        json.dumps({"version": 2, "arguments": {"port": 1}}).encode() + b"\n",
        json.dumps({"version": "1", "arguments": {"port": 1}}).encode() + b"\n",
        b"[" * 10_000 + b"\n",
        b"x" * (MAX_BYTES - 2) + b"\n",
    ],
    ids=lambda request_data: request_data[:30].decode("utf-8", "replace").strip() or "empty",
)
async def test_an_invalid_request_is_rejected(
    first: FirstInstance, received_arguments: list[dict[str, Any]], tmp_path: Path, request_data: bytes
) -> None:
    assert await send_to_first(tmp_path, request_data) == b"not understood\n"
    assert received_arguments == []
    assert await send_to_first(tmp_path, VALID_REQUEST) == b"ok\n"


async def test_a_too_large_request_is_cut_off(
    first: FirstInstance, received_arguments: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert await send_to_first(tmp_path, b"x" * (4 * MAX_BYTES)) == b""
    assert received_arguments == []
    assert await send_to_first(tmp_path, VALID_REQUEST) == b"ok\n"


async def test_a_request_in_pieces_is_accepted(
    first: FirstInstance, received_arguments: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert await send_to_first(tmp_path, b'{"version": 1, "argu', b'ments": {"port"', b": 7}}\n") == b"ok\n"
    assert received_arguments == [{"port": 7}]


async def test_a_silent_connection_does_not_block_other_connections(
    first: FirstInstance, received_arguments: list[dict[str, Any]], tmp_path: Path
) -> None:
    silent = await connect_to(tmp_path)
    assert await send_to_first(tmp_path, VALID_REQUEST) == b"ok\n"
    silent.abort()
    assert await send_to_first(tmp_path, VALID_REQUEST) == b"ok\n"
    assert received_arguments == [{"port": 3}] * 2


CLOSE_WITH_A_CONNECTION = """
import gc, os, pathlib, sys, time
from PySide6.QtCore import QCoreApplication
from PySide6.QtNetwork import QLocalSocket
from app.ui import single_instance
app = QCoreApplication([])
def turn():
    end = time.monotonic() + 0.1
    while time.monotonic() < end:
        app.processEvents()
folder = pathlib.Path(sys.argv[1])
first = single_instance.FirstInstance(folder)
silent = QLocalSocket()
silent.connectToServer(single_instance._name(folder))
turn()
assert silent.state() is QLocalSocket.LocalSocketState.ConnectedState
first.close_down()
del first
gc.collect()
turn()
silent.abort()
turn()
print("ended")
sys.stdout.flush()
"""


@pytest.mark.e2e
def test_closing_with_an_open_connection_causes_no_crash(tmp_path: Path) -> None:
    command = [sys.executable, "-c", CLOSE_WITH_A_CONNECTION, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (result.returncode, result.stdout) == (0, "ended\n"), result.stderr


def test_hand_over_fails_if_the_first_instance_does_not_respond(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_instance, "ANSWER_MS", 50)
    unresponsive_server = QLocalServer()
    assert unresponsive_server.listen(single_instance._name(tmp_path))
    assert hand_over(tmp_path, {}) is False
    unresponsive_server.close()


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has names instead of paths")


@POSIX
def test_the_socket_is_inside_the_private_data_directory(tmp_path: Path) -> None:
    folder = Path("/home/user/.local/state/p2p-chat-companion")
    assert Path(single_instance._name(folder)).parent == folder


@pytest.mark.e2e
@POSIX
@pytest.mark.parametrize("depth", [1, 10])
async def test_arguments_are_handed_over_for_long_paths(short_path: Path, depth: int) -> None:
    folder = short_path.joinpath(*["long" * 5] * depth)
    folder.mkdir(parents=True)
    first = FirstInstance(folder)
    try:
        assert first._server.isListening()
        assert (Path(single_instance._name(folder)).parent == folder) is (depth == 1)
        assert await second_start(folder, {"port": 5}, own_process=True) is True
    finally:
        first.close_down()


@POSIX
@pytest.mark.parametrize("obstacle", ["a file", "open to all", "a link"])
def test_a_folder_created_by_another_user_is_not_used(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: Any, obstacle: str
) -> None:
    monkeypatch.setattr("app.ui.single_instance.tempfile.gettempdir", lambda: str(short_path))
    monkeypatch.setattr(single_instance, "CONNECT_MS", 50)
    private = short_path / f"{single_instance.NAME}-{os.getuid()}"
    folder = short_path.joinpath(*["long" * 5] * 10)
    if obstacle == "a file":
        private.write_text("")
    elif obstacle == "a link":
        (short_path / "theirs").mkdir(mode=0o700)
        private.symlink_to(short_path / "theirs")
    else:
        private.mkdir()
        private.chmod(0o777)
    with pytest.raises(PermissionError):
        single_instance._name(folder)
    assert hand_over(folder, {}) is False
    first = FirstInstance(folder)  # other processes cannot connect, everything else works
    assert not first._server.isListening()
    first.close_down()
