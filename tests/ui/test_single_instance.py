"""A second start hands its arguments to the first."""

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
from tests.ui.conftest import second_start

GOOD = b'{"version": 1, "arguments": {"port": 3}}\n'


@pytest.fixture
def short_path() -> Iterator[Path]:
    """A folder whose own path is short."""
    with TemporaryDirectory(prefix="c") as folder:
        yield Path(folder)


@pytest.fixture
async def first(tmp_path: Path) -> AsyncIterator[FirstInstance]:
    first = FirstInstance(tmp_path)
    yield first
    first.close_down()


@pytest.fixture
def handed(first: FirstInstance) -> list[dict[str, Any]]:
    handed: list[dict[str, Any]] = []
    first.arguments_received.connect(handed.append)
    return handed


async def dial(folder: Path) -> QLocalSocket:
    socket = QLocalSocket()
    socket.connectToServer(single_instance._name(folder))
    await until(lambda: socket.state() is QLocalSocket.LocalSocketState.ConnectedState)
    return socket


async def say(folder: Path, *pieces: bytes) -> bytes:
    """Say anything at all to the first instance; returns what it answers before it hangs up."""
    socket = await dial(folder)
    try:
        for piece in pieces:
            socket.write(piece)
            socket.flush()
            await asyncio.sleep(0.02)
        await until(lambda: socket.state() is QLocalSocket.LocalSocketState.UnconnectedState)
        return bytes(socket.readAll().data())
    finally:
        socket.abort()
        await asyncio.sleep(0.05)


async def test_arguments_are_handed_over(
    first: FirstInstance, handed: list[dict[str, Any]], tmp_path: Path
) -> None:
    arguments = {"port": 9001, "hidden": False, "text": "ünï"}
    assert await second_start(tmp_path, arguments) is True
    assert handed == [arguments]


async def test_simultaneous_starts_are_all_accepted(
    first: FirstInstance, handed: list[dict[str, Any]], tmp_path: Path
) -> None:
    answers = await asyncio.gather(*(second_start(tmp_path, {"port": n}) for n in range(3)))
    assert answers == [True] * 3
    assert sorted(each["port"] for each in handed) == list(range(3))


def test_without_a_first_instance_nothing_is_handed_over(tmp_path: Path, qapp: Any) -> None:
    assert hand_over(tmp_path, {"port": 1}) is False


async def test_a_second_start_is_not_accepted_after_shutdown(first: FirstInstance, tmp_path: Path) -> None:
    first.close_down()
    assert await second_start(tmp_path, {}) is False


async def test_instances_with_different_data_directories_are_independent(
    first: FirstInstance, handed: list[dict[str, Any]], tmp_path: Path
) -> None:
    other = tmp_path / "other"
    assert await second_start(other, {}) is False
    assert handed == []


@pytest.mark.skipif(
    sys.platform == "win32", reason="a crash leaves no named pipe behind, and a name may be used twice"
)
async def test_what_a_crash_left_behind_is_replaced(tmp_path: Path) -> None:
    dead = QLocalServer()
    assert dead.listen(single_instance._name(tmp_path))
    first = FirstInstance(tmp_path)
    handed: list[Any] = []
    first.arguments_received.connect(handed.append)
    assert await second_start(tmp_path, {"port": 5}) is True
    assert handed == [{"port": 5}]
    first.close_down()


@pytest.mark.parametrize(
    "said",
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
    ids=lambda said: said[:30].decode("utf-8", "replace").strip() or "empty",
)
async def test_an_invalid_request_is_rejected(
    first: FirstInstance, handed: list[dict[str, Any]], tmp_path: Path, said: bytes
) -> None:
    assert await say(tmp_path, said) == b"not understood\n"
    assert handed == []
    assert await say(tmp_path, GOOD) == b"ok\n"


async def test_a_flood_without_end_is_cut_off(
    first: FirstInstance, handed: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert await say(tmp_path, b"x" * (4 * MAX_BYTES)) == b""
    assert handed == []
    assert await say(tmp_path, GOOD) == b"ok\n"


async def test_a_line_in_pieces_is_understood(
    first: FirstInstance, handed: list[dict[str, Any]], tmp_path: Path
) -> None:
    assert await say(tmp_path, b'{"version": 1, "argu', b'ments": {"port"', b": 7}}\n") == b"ok\n"
    assert handed == [{"port": 7}]


async def test_a_silent_connection_does_not_block_other_connections(
    first: FirstInstance, handed: list[dict[str, Any]], tmp_path: Path
) -> None:
    silent = await dial(tmp_path)
    assert await say(tmp_path, GOOD) == b"ok\n"
    silent.abort()
    assert await say(tmp_path, GOOD) == b"ok\n"
    assert handed == [{"port": 3}] * 2


END_WITH_A_CONNECTION = """
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


def test_the_end_with_a_connection_that_is_still_open_does_no_harm(tmp_path: Path) -> None:
    command = [sys.executable, "-c", END_WITH_A_CONNECTION, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout) == (0, "ended\n"), ended.stderr


def test_hand_over_fails_if_the_first_instance_does_not_respond(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(single_instance, "ANSWER_MS", 50)
    deaf = QLocalServer()
    assert deaf.listen(single_instance._name(tmp_path))
    assert hand_over(tmp_path, {}) is False
    deaf.close()


POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows has names instead of paths")


@POSIX
def test_the_socket_is_inside_the_private_data_directory(tmp_path: Path) -> None:
    folder = Path("/home/somebody/.local/state/p2p-chat-companion")
    assert Path(single_instance._name(folder)).parent == folder


@POSIX
@pytest.mark.parametrize("depth", [1, 10])
async def test_arguments_are_handed_over_however_long_the_path_is(short_path: Path, depth: int) -> None:
    folder = short_path.joinpath(*["long" * 5] * depth)
    folder.mkdir(parents=True)
    first = FirstInstance(folder)
    try:
        assert first._server.isListening()
        assert (Path(single_instance._name(folder)).parent == folder) is (depth == 1)
        assert await second_start(folder, {"port": 5}) is True
    finally:
        first.close_down()


@POSIX
@pytest.mark.parametrize("squat", ["a file", "open to all", "a link"])
def test_a_folder_that_others_prepared_is_not_used(
    short_path: Path, monkeypatch: pytest.MonkeyPatch, qapp: Any, squat: str
) -> None:
    monkeypatch.setattr(single_instance.tempfile, "gettempdir", lambda: str(short_path))
    monkeypatch.setattr(single_instance, "CONNECT_MS", 50)
    private = short_path / f"{single_instance.NAME}-{os.getuid()}"
    folder = short_path.joinpath(*["long" * 5] * 10)
    if squat == "a file":
        private.write_text("")
    elif squat == "a link":
        (short_path / "theirs").mkdir(mode=0o700)
        private.symlink_to(short_path / "theirs")
    else:
        private.mkdir()
        private.chmod(0o777)
    with pytest.raises(PermissionError):
        single_instance._name(folder)
    assert hand_over(folder, {}) is False
    first = FirstInstance(folder)  # it cannot be reached, and works otherwise
    assert not first._server.isListening()
    first.close_down()
