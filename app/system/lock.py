"""Allow one companion per set of folders, with a lock on ``instance.lock`` in the runtime folder (see ``paths``).
The operating system releases the lock when the process ends, even after a crash. The file stays.
"""

import errno
import os
import sys
from pathlib import Path

if sys.platform == "win32":
    import msvcrt

    def _lock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)

    def _unlock(descriptor: int) -> None:
        msvcrt.locking(descriptor, msvcrt.LK_UNLCK, 1)

else:
    import fcntl

    def _lock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def _unlock(descriptor: int) -> None:
        fcntl.flock(descriptor, fcntl.LOCK_UN)


_TAKEN = (errno.EACCES, errno.EAGAIN, errno.EDEADLK, 0)
"""The errors of a lock that another process has: on Windows the first one, in wine an error without a number."""


class InstanceLock:
    """A file lock, held from the start, before files and ports are opened, to the end."""

    def __init__(self, folder: Path) -> None:
        self._file = folder / "instance.lock"
        self._descriptor: int | None = None

    def take(self) -> bool:
        """Take the lock. Return False if another process has it. Raise ``OSError`` if it cannot be created."""
        if self._descriptor is not None:
            return True
        # The file stays: if a process removed it, two others could lock different files of the same name.
        flags = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)
        descriptor = os.open(self._file, flags, 0o600)  # child processes do not inherit it
        try:
            _lock(descriptor)
        except OSError as error:
            os.close(descriptor)
            if error.errno in _TAKEN:
                return False
            raise
        self._descriptor = descriptor
        return True

    def release(self) -> None:
        """Release the lock. May be called twice."""
        if self._descriptor is not None:
            descriptor, self._descriptor = self._descriptor, None
            _unlock(descriptor)
            os.close(descriptor)
