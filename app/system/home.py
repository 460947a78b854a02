"""What every start of the companion opens first: its folders, its lock, its settings, its log."""

from dataclasses import dataclass
from pathlib import Path

from app.system import logs
from app.system.exits import Exit
from app.system.lock import InstanceLock
from app.system.paths import Folders
from app.system.settings import Settings, SettingsFile


class HomeError(Exception):
    """The companion cannot start here; the text says why and what to do."""

    exit = Exit.FAILED


class AlreadyRunning(HomeError):
    """Another companion uses the same folders."""

    exit = Exit.BUSY


@dataclass
class Home:
    """One companion's files."""

    folders: Folders
    lock: InstanceLock
    settings_file: SettingsFile

    @classmethod
    def open(cls, data_dir: Path | None, *, console: bool) -> "Home":
        """Make the folders, take the lock, start the log. Raises ``HomeError``."""
        folders = Folders.of(data_dir)
        try:
            folders.create()
            lock = InstanceLock(folders.runtime)
            if not lock.take():
                raise AlreadyRunning(
                    f"Another companion is running with {folders.runtime}. "
                    "Quit it first, or give this one a folder of its own with --data-dir."
                )
            logs.start(folders.logs, console=console)
        except OSError as error:
            raise HomeError(
                f"Cannot write to {error.filename or folders.data}: {error.strerror}. "
                "Choose another folder with --data-dir."
            ) from None
        return cls(folders, lock, SettingsFile(folders.settings_file))

    def load(self, port: int | None) -> Settings:
        """Return the settings, with the command line's port where one was given."""
        settings = self.settings_file.load()
        if port is not None:
            settings.port = port
        return settings
