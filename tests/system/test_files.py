"""Reads never block and are bounded; writes replace a file or change nothing."""

import errno
import os
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.system import files, instance
from app.system.files import delete, read_file, read_text, replace, write_file, write_output
from app.system.settings import Settings
from app.system.settings_file import SettingsFile
from tests.conftest import make_link

posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs in folders and no modes")


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_read_file_returns_a_file_of_exactly_the_limit_and_rejects_a_larger_one(tmp_path: Path) -> None:
    file = tmp_path / "x"
    file.write_bytes(b"x" * 2048)
    assert read_file(file, 2048) == b"x" * 2048
    with pytest.raises(OSError, match="The file is larger than 1 KiB"):
        read_file(file, 2047)


def test_read_text_skips_a_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes("\ufeffü".encode())
    assert read_text(tmp_path / "x", 100) == "ü"


@posix
def test_read_file_rejects_a_fifo_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    with pytest.raises(OSError, match="Not a regular file"):
        read_file(tmp_path / "fifo", 100)


@posix
def test_read_file_rejects_a_file_that_becomes_a_fifo_before_it_is_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "x"
    file.write_text("x")
    regular = file.stat()
    file.unlink()
    os.mkfifo(file)
    monkeypatch.setattr(Path, "stat", lambda path: regular)
    with pytest.raises(OSError, match="Not a regular file"):
        read_file(file, 100)


@posix
@pytest.mark.parametrize("device", ["/dev/zero", "/dev/null", "/dev/tty"])
def test_read_file_rejects_a_device(device: str, tmp_path: Path) -> None:
    make_link(tmp_path / "x", device)
    with pytest.raises(OSError, match="Not a regular file"):
        read_file(tmp_path / "x", 100)


@pytest.mark.parametrize("path", ["folder", "missing", "a\0b", "x" * 300])
def test_read_file_raises_oserror_for_a_path_that_is_not_a_file(tmp_path: Path, path: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(OSError, match=r".") as caught:
        read_file(tmp_path / path, 100)
    assert caught.value.strerror


def test_write_file_keeps_line_ends_and_leaves_only_the_file(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    write_file(file, "old and longer\n")
    write_file(file, "ü\r\n\n")
    assert file.read_bytes() == "ü\r\n\n".encode()
    assert names(tmp_path) == ["x.json"]


@posix
def test_write_file_creates_a_private_file_even_if_a_public_one_exists(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("old")
    (tmp_path / "x").chmod(0o666)
    umask = os.umask(0)
    try:
        write_file(tmp_path / "x", "new")
    finally:
        os.umask(umask)
    assert stat.S_IMODE((tmp_path / "x").stat().st_mode) == 0o600


def test_write_file_does_not_create_folders(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_file(tmp_path / "nowhere" / "x", "x")
    assert names(tmp_path) == []


def test_write_file_that_cannot_replace_its_target_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x").mkdir()
    with pytest.raises(OSError, match="x"):
        write_file(tmp_path / "x", "secret")
    assert names(tmp_path) == ["x"]


def test_write_file_rejects_text_that_is_not_unicode_and_does_not_change_the_file(tmp_path: Path) -> None:
    write_file(tmp_path / "x", "before")
    with pytest.raises(ValueError, match="surrogates"):
        write_file(tmp_path / "x", "lone surrogate: \ud83d")
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "before"


def test_write_file_on_a_full_disk_does_not_change_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path / "x", "before")

    def fdopen(descriptor: int, mode: str) -> object:
        os.close(descriptor)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("app.system.files.os.fdopen", fdopen)
    with pytest.raises(OSError, match="No space left"):
        write_file(tmp_path / "x", "x" * 100_000)
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "before"


class Disk:
    """Records what is written to the disk, and when a file is renamed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, error: int = 0) -> None:
        self.steps: list[str] = []
        self.error = error
        original = Path.replace

        def replace_file(source: Path, target: Path) -> Path:
            self.steps.append(f"rename to {target.name}")
            return original(source, target)

        monkeypatch.setattr(Path, "replace", replace_file)
        if sys.platform == "darwin":
            monkeypatch.setattr(files, "_sync", self.sync)
        else:
            monkeypatch.setattr(os, "fsync", self.sync)

    def sync(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self.steps.append("sync folder" if stat.S_ISDIR(status.st_mode) else f"sync {status.st_size} bytes")
        if self.error:
            raise OSError(self.error, os.strerror(self.error))


@pytest.mark.parametrize("write", [write_file, write_output])
def test_a_file_is_on_the_disk_before_it_gets_its_name(
    write: Callable[[Path, str], None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: after a power failure, keys and settings could be empty files."""
    disk = Disk(monkeypatch)
    write(tmp_path / "x", "secret")
    folder = [] if sys.platform == "win32" else ["sync folder"]
    assert disk.steps == ["sync 6 bytes", "rename to x", *folder]


def test_only_the_settings_file_waits_for_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: the event loop waited for the schema and for the instance file, too, which are written again."""
    disk = Disk(monkeypatch)
    SettingsFile(tmp_path / "settings.toml").save(Settings(username="zoe"))
    instance.write(tmp_path / "instance.json", "", "memory")
    (content,) = [each for each in disk.steps if each.endswith(" bytes")]
    folder = [] if sys.platform == "win32" else ["sync folder"]
    assert disk.steps == [
        content, "rename to settings.toml", *folder, "rename to settings.schema.json", "rename to instance.json",
    ]  # fmt: skip


def test_a_file_that_cannot_be_written_to_the_disk_is_not_replaced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_file(tmp_path / "x", "before")
    Disk(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        write_file(tmp_path / "x", "after")
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "before"


@pytest.mark.skipif(sys.platform == "darwin", reason="``_sync`` itself is replaced there")
def test_a_file_is_written_where_the_file_system_cannot_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Disk(monkeypatch, errno.EINVAL)
    write_file(tmp_path / "x", "after")
    assert (tmp_path / "x").read_text() == "after"


def test_a_file_is_written_on_a_network_drive_of_windows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: Windows reports every failure to sync as EBADF, and nothing could be saved there."""
    monkeypatch.setattr(sys, "platform", "win32")
    Disk(monkeypatch, errno.EBADF)
    write_file(tmp_path / "x", "after")
    assert (tmp_path / "x").read_text() == "after"


def test_write_file_replaces_a_link_and_not_its_target(tmp_path: Path) -> None:
    (tmp_path / "victim").write_text("mine")
    make_link(tmp_path / "x", "victim")
    write_file(tmp_path / "x", "new")
    assert (tmp_path / "victim").read_text() == "mine"
    assert not (tmp_path / "x").is_symlink()


def test_write_file_uses_unpredictable_temporary_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a predictable name, another user could place a link there that the program would follow."""
    temporary_files: list[Path] = []
    original = files.replace

    def record(source: Path, target: Path) -> None:
        temporary_files.append(source)
        original(source, target)

    monkeypatch.setattr(files, "replace", record)
    for _ in range(20):
        write_file(tmp_path / "x", "x")
    assert len(set(temporary_files)) == 20


def test_write_file_does_not_follow_a_link_with_its_temporary_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.system.files.os.urandom", lambda length: b"\0" * length)
    (tmp_path / "victim").write_text("mine")
    make_link(tmp_path / f".companion-{'00' * 8}.part", "victim")
    with pytest.raises(FileExistsError):
        write_file(tmp_path / "x", "new")
    assert (tmp_path / "victim").read_text() == "mine"


# files that users name


@posix
def test_write_output_keeps_the_mode_of_a_file_and_creates_one_with_the_usual_mode(tmp_path: Path) -> None:
    """Regression: the files were private, and a JUnit file that root had written could not be read by others."""
    (tmp_path / "group").write_text("old and longer")
    (tmp_path / "group").chmod(0o664)
    umask = os.umask(0o022)
    try:
        write_output(tmp_path / "group", "new")
        write_output(tmp_path / "fresh", [b"n", b"ew"])
    finally:
        os.umask(umask)
    assert {file.name: (stat.S_IMODE(file.stat().st_mode), file.read_text()) for file in tmp_path.iterdir()} == {
        "group": (0o664, "new"),
        "fresh": (0o644, "new"),
    }


def test_write_output_follows_a_link(tmp_path: Path) -> None:
    (tmp_path / "target").write_text("old")
    make_link(tmp_path / "x", "target")
    make_link(tmp_path / "dangling", "created")
    write_output(tmp_path / "x", "new")
    write_output(tmp_path / "dangling", "new")
    assert (tmp_path / "target").read_text() == (tmp_path / "created").read_text() == "new"
    assert (tmp_path / "x").is_symlink()


@posix
def test_write_output_writes_to_a_fifo_and_a_device(tmp_path: Path) -> None:
    """Regression: a regular file replaced them, even ``/dev/null`` if root ran the command."""
    os.mkfifo(tmp_path / "fifo")
    reader = os.open(tmp_path / "fifo", os.O_RDONLY | os.O_NONBLOCK)
    write_output(tmp_path / "fifo", "new")
    assert os.read(reader, 100) == b"new"
    os.close(reader)
    assert (tmp_path / "fifo").is_fifo()
    make_link(tmp_path / "null", "/dev/null")
    write_output(tmp_path / "null", "new")
    assert Path("/dev/null").is_char_device()


@posix
def test_write_output_replaces_a_file_completely_or_not_at_all(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("before")

    def parts() -> Iterator[bytes]:
        yield b"partly"
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_output(tmp_path / "x", parts())
    with pytest.raises(IsADirectoryError):
        write_output(tmp_path, "new")
    assert names(tmp_path) == ["x"]
    assert (tmp_path / "x").read_text() == "before"


@posix
def test_a_read_only_file_leaves_no_unfinished_file_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: Windows neither replaces nor deletes read-only files, and the new file was one, too."""

    originals = Path.replace, Path.unlink

    def require_writable(file: Path) -> None:
        if file.exists() and not file.stat().st_mode & stat.S_IWUSR:
            raise PermissionError(13, "Access is denied", str(file))

    def replace_file(source: Path, target: Path) -> None:
        require_writable(target)
        originals[0](source, target)

    def unlink(file: Path) -> None:
        require_writable(file)
        originals[1](file)

    (tmp_path / "x").write_text("before")
    (tmp_path / "x").chmod(0o444)
    monkeypatch.setattr(sys, "platform", "win32")
    monkeypatch.setattr(Path, "replace", replace_file)
    monkeypatch.setattr(Path, "unlink", unlink)
    with pytest.raises(PermissionError):
        write_output(tmp_path / "x", "new")
    assert names(tmp_path) == ["x"]


class Scanner:
    """A virus scanner that locks a file for some seconds of a fake clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, holds_s: float) -> None:
        self.now = 0.0
        replace_file, unlink = Path.replace, Path.unlink

        def require_free(file: Path) -> None:
            if self.now < holds_s:
                raise PermissionError(13, "The process cannot access the file", str(file))

        def replace_unless_held(source: Path, target: Path) -> Path:
            require_free(target)
            return replace_file(source, target)

        def unlink_unless_held(file: Path, missing_ok: bool = False) -> None:
            require_free(file)
            unlink(file, missing_ok)

        monkeypatch.setattr(Path, "replace", replace_unless_held)
        monkeypatch.setattr(Path, "unlink", unlink_unless_held)
        monkeypatch.setattr(files, "RETRY_S", 1.0)
        monkeypatch.setattr("app.system.files.time.monotonic", lambda: self.now)
        monkeypatch.setattr("app.system.files.time.sleep", self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def source_and_target(tmp_path: Path) -> tuple[Path, Path]:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_text("new")
    target.write_text("old")
    return source, target


def test_replace_retries_while_a_scanner_holds_the_file(
    source_and_target: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    Scanner(monkeypatch, holds_s=0.9)
    replace(*source_and_target)
    assert source_and_target[1].read_text() == "new"


def test_delete_retries_while_a_scanner_holds_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "x").touch()
    Scanner(monkeypatch, holds_s=0.9)
    delete(tmp_path / "x")
    assert names(tmp_path) == []
    delete(tmp_path / "x")


def test_replace_gives_up_after_one_second(
    source_and_target: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    scanner = Scanner(monkeypatch, holds_s=60)
    with pytest.raises(PermissionError):
        replace(*source_and_target)
    assert 1 <= scanner.now < 1.1
    assert source_and_target[1].read_text() == "old"


@posix
def test_replace_does_not_retry_where_files_can_be_replaced_while_open() -> None:
    assert files.RETRY_S == 0
