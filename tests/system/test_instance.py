import json
import os
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import psutil
import pytest
from msgspec import structs

from app.system import instance
from app.system.instance import VERSION, Instance, find
from tests.conftest import make_link

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
URL = "http://127.0.0.1:8082"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "instance.json"


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def instance_json(**changes: Any) -> str:
    """Return the content of an instance file of this process."""
    value = {
        "version": VERSION, "pid": os.getpid(), "started": psutil.Process().create_time(), "control": URL,
        "token_in": "keyring", "token_file": "",
    }  # fmt: skip
    return json.dumps({**value, **changes})


def test_the_file_is_found_while_the_process_runs(file: Path, tmp_path: Path) -> None:
    instance.write(file, URL, "file", tmp_path / "token")
    assert find(file) == Instance(
        pid=os.getpid(), started=psutil.Process().create_time(), control=URL, token_in="file",
        token_file=str(tmp_path / "token"), folder=str(tmp_path),
        booted=psutil.boot_time() if sys.platform == "linux" else 0.0,
    )  # fmt: skip
    instance.write(file, "", "memory")
    found = find(file)
    assert found is not None
    assert (found.control, found.token_in, found.token_file) == ("", "memory", "")
    assert names(tmp_path) == ["instance.json"]


def test_a_folder_has_the_name_that_the_companion_uses(file: Path, tmp_path: Path) -> None:
    """A link stands for another spelling of a name, as macOS accepts it."""
    make_link(tmp_path / "Other", tmp_path)
    instance.write(file, URL, "keyring")
    found = find(tmp_path / "Other" / file.name)
    assert found is not None
    assert instance.folder_of(found, tmp_path / "Other") == tmp_path
    (tmp_path / "more").mkdir()
    for forged in (str(tmp_path / "more"), f"{tmp_path} (peer keys)", "\0", ""):
        assert instance.folder_of(structs.replace(found, folder=forged), tmp_path / "Other") == tmp_path / "Other"


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere, start times do not depend on the boot time")
def test_a_process_is_found_after_the_clock_was_set(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: the boot time, and so the start time of the process, had moved."""
    instance.write(file, URL, "memory")
    booted = psutil.boot_time()
    monkeypatch.setattr("psutil._pslinux.boot_time", lambda: booted + 3600)
    assert find(file) is not None


def test_a_removed_file_is_not_found(file: Path) -> None:
    instance.write(file, URL, "memory")
    instance.remove(file)
    instance.remove(file)
    assert find(file) is None
    assert not file.exists()


def test_removing_never_fails(tmp_path: Path) -> None:
    instance.remove(tmp_path)
    instance.remove(tmp_path / "nowhere" / "instance.json")
    assert tmp_path.is_dir()


@posix
def test_the_file_is_private_even_if_a_public_one_exists(file: Path) -> None:
    file.write_text("old")
    file.chmod(0o666)
    before = os.umask(0)
    try:
        instance.write(file, URL, "memory")
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


@pytest.mark.e2e
def test_a_process_that_has_ended_is_not_found(file: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        file.write_text(instance_json(pid=other.pid, started=psutil.Process(other.pid).create_time()))
        found = find(file)
        assert found is not None
        assert found.pid == other.pid
        other.kill()
    assert find(file) is None


@pytest.mark.e2e
@posix
def test_a_zombie_process_is_not_found(file: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        file.write_text(instance_json(pid=other.pid, started=psutil.Process(other.pid).create_time()))
        other.kill()
        os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
        assert psutil.pid_exists(other.pid)
        assert find(file) is None


def test_another_process_with_the_same_id_is_not_the_companion(file: Path) -> None:
    file.write_text(instance_json(started=psutil.Process().create_time() - 3600))
    assert find(file) is None


@pytest.mark.parametrize("version", [0, VERSION + 1])
def test_a_file_of_another_version_is_ignored(file: Path, version: int) -> None:
    file.write_text(instance_json(version=version))
    assert find(file) is None


def test_unknown_fields_are_ignored(file: Path) -> None:
    file.write_text(instance_json(colour="red"))
    assert find(file) is not None


@pytest.mark.parametrize(
    "content",
    [
        b"", b"{nope", b"null", b"[]", b"{}", b"\xff\xfe", b"\x00" * 100, b"[" * 10_000,
        instance_json(pid="x").encode(), instance_json(pid=-1).encode(), instance_json(pid=2**40).encode(),
        instance_json(pid=2**70).encode(), instance_json(started="now").encode(),
        instance_json(started=None).encode(), instance_json(control=None).encode(),
    ],
)  # fmt: skip
def test_an_invalid_file_is_ignored(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    assert find(file) is None


def test_without_an_instance_file_no_companion_is_found(tmp_path: Path) -> None:
    assert find(tmp_path / "instance.json") is None
    assert find(tmp_path / "nowhere" / "instance.json") is None
    assert find(tmp_path) is None
