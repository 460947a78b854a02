"""Find the files with given suffixes below a folder, and read a file as the text of a frame: two functions.
They block. ``file_library`` and ``event_folder`` use the first, and the companion the second, to send a file.
"""

import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

from app.protocol.envelope import MAX_RAW_BYTES
from app.protocol.errors import Malformed
from app.system.files import read_file, reason


def find_files(folder: Path, suffix: str | tuple[str, ...], on_error: Callable[[OSError], object]) -> list[Path]:
    """Return the files below ``folder`` whose names end in ``suffix`` or one of these, sorted by path.

    Skip hidden files and folders, and do not follow links to folders except ``folder`` itself. Raise ``OSError`` if
    ``folder`` cannot be listed. Call ``on_error`` for each folder below it that cannot be listed.

    ``Path.rglob`` is not used because it handles these errors differently in every Python version.
    """
    try:
        os.scandir(folder).close()
    except ValueError as error:  # a NUL in the path
        raise OSError(errno.EINVAL, str(error), str(folder)) from None
    found: list[Path] = []
    for parent, folders, names in os.walk(folder, onerror=on_error):
        folders[:] = [name for name in folders if not name.startswith(".")]
        matching = (name for name in names if os.path.normcase(name).endswith(suffix))
        found += [Path(parent, name) for name in matching if not name.startswith(".")]
    return sorted(file for file in found if _may_be_read(file))


def read_frame(file: Path) -> str:
    """Return the text of a file, to send it as a frame. Raises ``RequestError`` if that is not possible."""
    try:
        return read_file(file, MAX_RAW_BYTES).decode()
    except (OSError, UnicodeDecodeError) as error:
        raise Malformed(f"{file} cannot be sent: {reason(error)}.") from None


def _may_be_read(file: Path) -> bool:
    """Return whether ``file`` is a regular file, because opening a FIFO or device would block.

    Return True if it cannot be checked; reading it then reports the error.
    """
    try:
        return stat.S_ISREG(file.stat().st_mode)
    except OSError:
        return True
