"""A file lock that allows one companion per data folder. The system releases it if the process dies."""

from pathlib import Path

from filelock import FileLock, Timeout


class InstanceLock:
    """A file lock, held from the start, before files and ports are opened, to the end."""

    def __init__(self, folder: Path) -> None:
        self._lock = FileLock(folder / "instance.lock")

    def take(self) -> bool:
        """Take the lock. Return False if another process has it. Raise ``OSError`` if it cannot be created."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Release the lock. May be called twice."""
        self._lock.release()
