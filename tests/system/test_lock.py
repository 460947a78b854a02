import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.system.lock import InstanceLock
from tests.conftest import PATIENCE_S

HOLDER = """
import sys, time
from pathlib import Path
from app.system.lock import InstanceLock
lock = InstanceLock(Path(sys.argv[1]))
print(lock.take(), flush=True)
time.sleep(60)
"""


def test_a_lock_cannot_be_taken_again_until_it_is_released(tmp_path: Path) -> None:
    first, second = InstanceLock(tmp_path), InstanceLock(tmp_path)
    assert first.take()
    assert not second.take()
    first.release()
    first.release()
    assert second.take()
    second.release()


def test_two_folders_have_separate_locks(tmp_path: Path) -> None:
    locks = [InstanceLock(tmp_path / name) for name in ("a", "b")]
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    assert [lock.take() for lock in locks] == [True, True]
    for lock in locks:
        lock.release()


@pytest.mark.e2e
def test_the_child_processes_of_the_program_do_not_keep_the_lock(tmp_path: Path) -> None:
    first, second = InstanceLock(tmp_path), InstanceLock(tmp_path)
    assert first.take()
    wait = [sys.executable, "-c", "import sys; sys.stdin.read()"]
    with subprocess.Popen(wait, stdin=subprocess.PIPE, close_fds=False) as child:
        first.release()
        assert second.take()
        assert child.poll() is None
        child.communicate()
    second.release()


@pytest.mark.skipif(sys.platform == "win32", reason="only administrators create symbolic links")
def test_a_symbolic_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "instance.lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OSError, match="symbolic links"):
        InstanceLock(tmp_path).take()
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.e2e
def test_the_lock_of_a_killed_process_can_be_taken(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "True\n"
        lock = InstanceLock(tmp_path)
        assert not lock.take()
        holder.kill()
        holder.wait()
        deadline = time.monotonic() + PATIENCE_S
        while not (acquired := lock.take()) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert acquired
        lock.release()
