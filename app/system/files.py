"""Read and write files safely, even if another user or program controls the folder or the content.

Reads are bounded and do not wait for a writer: a FIFO, a device or a huge file raises ``OSError``. Writes replace
the whole file or change nothing, also if the power fails: they block until the disk has the content. ``write_file``
is for secrets and the data folder: it creates the file for this user only and does not follow links.
``write_output`` is for the files that users name.
"""

import errno
import os
import re
import stat
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

RETRY_S = 1.0 if sys.platform == "win32" else 0.0
"""Seconds to retry. On Windows, files are not replaced or deleted while a virus scanner or a reader uses them."""
RETRY_INTERVAL_S = 0.02
_UNFINISHED = re.compile(r"\.companion-[0-9a-f]{16}\.part")
"""The names of files that replace others when they are complete."""
_READ_FLAGS = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_WRITE_FLAGS = os.O_WRONLY | getattr(os, "O_NOCTTY", 0) | getattr(os, "O_BINARY", 0)
_CREATE_FLAGS = (
    os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)
)  # fmt: skip
_CANNOT_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.ENOTTY)
"""Errors of file systems that cannot sync, such as some network shares."""


class TooLarge(OSError):
    """A file is larger than the limit."""

    def __init__(self, max_bytes: int, name: str) -> None:
        super().__init__(errno.EFBIG, f"The file is larger than {max_bytes // 1024:,} KiB", name)


def open_regular(file: Path) -> BinaryIO:
    """Open a regular file for reading. Raise ``OSError`` for anything else, without waiting for a writer."""
    try:
        _require_regular(file, file.stat())  # before open(): opening a device can have side effects
        stream = os.fdopen(os.open(file, _READ_FLAGS), "rb")
    except ValueError as error:  # a NUL in the path
        raise OSError(errno.EINVAL, str(error), str(file)) from None
    try:
        _require_regular(file, os.fstat(stream.fileno()))
    except OSError:
        stream.close()
        raise
    return stream


def read_file(file: Path, max_bytes: int) -> bytes:
    """Return the content of a regular file. Raise ``OSError`` for anything else and for a larger file."""
    with open_regular(file) as stream:
        content = stream.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise TooLarge(max_bytes, str(file))
    return content


def read_text(file: Path, max_bytes: int) -> str:
    """Return the text of a regular UTF-8 file. Raise ``OSError`` like ``read_file``, and ``UnicodeDecodeError``."""
    return read_file(file, max_bytes).decode("utf-8-sig")


def remove_unfinished(folder: Path, *, subfolders: bool) -> None:
    """Delete what killed writes have left in a folder, and in its ``subfolders``. Nothing may write there now.

    Links are not followed. Files that cannot be deleted stay.
    """
    for parent, folders, names in os.walk(folder):  # ignores folders that cannot be read
        if not subfolders:
            folders.clear()
        for name in filter(_UNFINISHED.fullmatch, names):
            file = Path(parent, name)
            with suppress(OSError):
                if stat.S_ISREG(file.lstat().st_mode):
                    file.unlink()


def with_line_feeds(text: str) -> str:
    """Return a text without the carriage returns of Windows' line ends, which a checkout of Git can add."""
    return text.replace("\r\n", "\n")


def write_file(file: Path, content: str | bytes, *, durable: bool = True) -> None:
    """Replace ``file`` by a new one with mode 0600, or leave it as it is.

    If ``file`` is a link, the link is replaced, not its target. Raise ``OSError``, and ``ValueError`` for text that
    is not valid Unicode. On Windows, the folder's permissions apply to the file.

    If it is not ``durable``, do not wait for the disk: it may be empty after a power failure. This is for files
    that the program writes again.
    """
    _replace_by(file, [content.encode() if isinstance(content, str) else content], 0o600, durable=durable)


def write_output(file: Path, content: str | bytes | Iterable[bytes], *, private: bool = False) -> None:
    """Write a file that the user has named. Raise errors as ``write_file`` does.

    A link is followed. A regular file is replaced by one with the same mode, and a new one has the usual mode
    (umask), or 0600 if it is ``private``. A device or a FIFO is written to, which may wait for its reader.
    """
    whole = content.encode() if isinstance(content, str) else content
    parts = [whole] if isinstance(whole, bytes) else whole
    try:
        status = file.stat()
    except FileNotFoundError:
        _replace_by(Path(os.path.realpath(file)), parts, 0o600 if private else 0o666)
        return
    if stat.S_ISREG(status.st_mode):
        _replace_by(Path(os.path.realpath(file)), parts, 0o600, stat.S_IMODE(status.st_mode))
        return
    with os.fdopen(os.open(file, _WRITE_FLAGS), "wb") as stream:  # a folder raises ``IsADirectoryError``
        stream.writelines(parts)


def _replace_by(
    file: Path, parts: Iterable[bytes], mode: int, final_mode: int | None = None, *, durable: bool = True
) -> None:
    """Replace ``file`` by a new one. It is created with ``mode``, less the umask, then gets ``final_mode``."""
    # The name is random, so that no link or file can be placed there in advance.
    unfinished = file.with_name(f".companion-{os.urandom(8).hex()}.part")
    descriptor = os.open(unfinished, _CREATE_FLAGS, mode)
    try:
        with os.fdopen(descriptor, "wb") as stream:
            for part in parts:
                stream.write(part)
            if durable:  # otherwise, the name may be on the disk before the content: an empty file
                stream.flush()
                _sync(stream.fileno())
        if final_mode is not None and sys.platform != "win32":  # a read-only file could not be deleted there
            unfinished.chmod(final_mode)
        replace(unfinished, file)
    except BaseException:
        with suppress(OSError):
            unfinished.unlink()
        raise
    if durable and sys.platform != "win32":  # Windows cannot open folders
        with suppress(OSError):  # the file is complete; only its name might be lost
            folder = os.open(file.parent, os.O_RDONLY)
            try:
                _sync(folder)
            finally:
                os.close(folder)


def _sync(descriptor: int) -> None:
    """Wait until a file or folder is on the disk, if its file system supports that."""
    if sys.platform == "darwin":  # fsync does not empty the cache of the disk there
        import fcntl

        with suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Windows says EBADF for every failure, such as a network drive that cannot sync. Our descriptor is valid.
        if error.errno not in _CANNOT_SYNC and not (sys.platform == "win32" and error.errno == errno.EBADF):
            raise


def replace(source: Path, target: Path) -> None:
    """Rename ``source`` to ``target``, which may exist. On Windows, retry for one second if it is in use."""
    _retry(lambda: source.replace(target))


def delete(file: Path) -> None:
    """Delete a file if it exists. On Windows, retry for one second if it is in use."""
    _retry(lambda: file.unlink(missing_ok=True))


def _retry(change: Callable[[], object]) -> None:
    deadline = time.monotonic() + RETRY_S
    while True:
        try:
            change()
            return
        except PermissionError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(RETRY_INTERVAL_S)


def reason(error: Exception) -> str:
    """Return why a file could not be used, without error number and path."""
    if isinstance(error, UnicodeDecodeError):
        return "It is not UTF-8 text"
    return str(getattr(error, "strerror", None) or error)


def kind(error: Exception) -> str:
    """Return type and code of an error, for the log: its text may contain a path, a chat or a password."""
    code = errno.errorcode.get(error.errno or 0, "") if isinstance(error, OSError) else ""
    return f"{type(error).__name__} {getattr(error, 'sqlite_errorname', code)}".rstrip()


def require_regular(file: Path) -> None:
    """Raise ``OSError`` if something that is not a regular file is in a file's place, such as a FIFO."""
    with suppress(FileNotFoundError):
        _require_regular(file, file.stat())


def _require_regular(file: Path, status: os.stat_result) -> None:
    if stat.S_ISDIR(status.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(file))
    if not stat.S_ISREG(status.st_mode):
        raise OSError(errno.EINVAL, "Not a regular file", str(file))
