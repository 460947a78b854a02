"""One companion per data folder: a lock that the system releases when its holder dies."""

from pathlib import Path

from filelock import FileLock, Timeout


class InstanceLock:
    """Held from before the ports and files are opened until the end."""

    def __init__(self, folder: Path) -> None:
        self._lock = FileLock(folder / "instance.lock")

    def take(self) -> bool:
        """Return whether it is ours now. Raises ``OSError`` where the folder cannot be written."""
        try:
            self._lock.acquire(timeout=0)
        except Timeout:
            return False
        return True

    def release(self) -> None:
        """Give it back. May be called twice."""
        self._lock.release()
