"""Open the data directory at start: create the folders, take the lock, load the settings, start the log.
Files that killed writes have left are deleted, because some contain keys.
It also saves settings that are changed later. Options of the command line replace settings for this run, and are
not saved.
"""

import logging
import os
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from app.system.exit_codes import Exit
from app.system.files import remove_unfinished
from app.system.lock import InstanceLock
from app.system.paths import Folders, HomeFolderError, unicode_problem
from app.system.settings import Settings
from app.system.settings_checks import InvalidSettings, equal_ports, validate
from app.system.settings_file import SettingsFile

log = logging.getLogger(__name__)


class DataDirectoryError(Exception):
    """The companion cannot start with this data directory; the text says why and what to do."""

    exit = Exit.FAILED


class AlreadyRunning(DataDirectoryError):
    """Another companion uses the same folders."""

    exit = Exit.BUSY


class OptionsError(DataDirectoryError):
    """Command-line options conflict with the settings."""

    exit = Exit.USAGE


ATTEMPTS = 100
PAUSE_S = 0.1
"""Wait up to 10 s for a companion that starts or ends: at login, or with a large chat state, this takes seconds."""

OPTIONS = {"events_folder": "events"}
"""The options that do not have the name of their setting."""


class Overrides(Struct, frozen=True, kw_only=True):
    """Settings from the command line, for this run only. None keeps the value of the settings file."""

    port: int | None = None
    rest: bool | None = None
    rest_port: int | None = None
    control: bool | None = None
    control_port: int | None = None
    peers: bool | None = None
    peer_port: int | None = None
    fixtures: str | None = None
    sessions: str | None = None
    faults: str | None = None
    events_folder: str | None = None
    supabase: bool | None = None

    def over(self, settings: Settings) -> Settings:
        """Return ``settings`` with these values instead of its own."""
        return replace(settings, **self._given())

    def without(self, settings: Settings, before: Settings) -> Settings:
        """Return the settings to save: a value that still comes from the command line is taken from ``before``."""
        return replace(
            settings,
            **{
                name: getattr(before, name)
                for name, given in self._given().items()
                if getattr(settings, name) == given
            },
        )

    def still_in(self, settings: Settings) -> "Overrides":
        """Return only the values that ``settings`` still has: the user has changed the others."""
        return Overrides(
            **{name: given for name, given in self._given().items() if getattr(settings, name) == given}
        )

    @property
    def flags(self) -> list[str]:
        """The options that were given, for example ``--no-rest``."""
        return [
            f"--{'no-' * (value is False)}{OPTIONS.get(name, name).replace('_', '-')}"
            for name, value in self._given().items()
        ]

    def _given(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


def pause() -> None:
    """Wait before the next attempt to open a data directory."""
    time.sleep(PAUSE_S)


@dataclass
class DataDirectory:
    """The folders, lock and settings file of one companion."""

    folders: Folders
    lock: InstanceLock
    settings_file: SettingsFile
    _overrides: Overrides = field(default_factory=Overrides)
    _file_settings: Settings = field(default_factory=Settings)

    @classmethod
    def open(cls, data_dir: Path | None) -> "DataDirectory":
        """Create the folders and take the lock. Raise ``DataDirectoryError``."""
        os.umask(0o077)  # only this user may read chats, settings and logs, in any folder
        try:
            folders = Folders.of(data_dir)
        except HomeFolderError as error:
            raise DataDirectoryError(str(error)) from None
        for folder in (folders.config, folders.data, folders.logs, folders.runtime):
            if wrong := unicode_problem(folder):  # the instance file and the control API name them
                raise DataDirectoryError(f"{wrong} Rename the folder, or choose another one with --data-dir.")
        try:
            folders.create()
            lock = InstanceLock(folders.runtime)
            if not lock.take():
                raise AlreadyRunning(
                    f"Another companion is running with {folders.runtime}. "
                    "Quit it first, or use another folder with --data-dir."
                )
        except OSError as error:
            raise _unwritable(error, folders) from None
        _remove_unfinished(folders)
        return cls(folders, lock, SettingsFile(folders.settings_file))

    @classmethod
    def open_when_free(cls, data_dir: Path | None, is_running: Callable[[Folders], bool]) -> "DataDirectory":
        """Open like ``open``, and wait while another companion that has the lock is starting or ending.

        If ``is_running`` says that the other one neither starts nor ends, raise ``AlreadyRunning`` at once.
        """
        for _ in range(ATTEMPTS):
            try:
                return cls.open(data_dir)
            except AlreadyRunning:
                if is_running(Folders.of(data_dir)):
                    raise
            pause()
        return cls.open(data_dir)

    def start_log(self, *, console: bool) -> None:
        """Log to files; if ``console``, warnings also go to standard error. Raises ``DataDirectoryError``.

        Logs the names of settings that ``load`` could not use, but not their values, which may be private.
        """
        from app.system import logs  # slow to load, so the window starts the log later

        try:
            logs.start(self.folders.logs, console=console)
        except OSError as error:
            raise _unwritable(error, self.folders) from None
        for name in self.settings_file.unusable:
            log.info("%s: %s could not be used", self.settings_file.path.name, name)

    def load(self, overrides: Overrides) -> Settings:
        """Return the settings of the file and the command line. Raise ``OptionsError`` if ports are equal."""
        self._file_settings = self.settings_file.load()
        self._overrides = overrides
        settings = overrides.over(self._file_settings)
        if equal := equal_ports(settings):
            wrong = "; ".join(map(str, equal))
            options = "--port, --rest-port, --control-port and --peer-port"
            raise OptionsError(f"{wrong}. Choose different ports with {options}.")
        return settings

    def save(self, settings: Settings, whole: Collection[str] = ()) -> None:
        """Save the settings, without the values that come from the command line.

        ``whole``: see ``SettingsFile.save``. Raise ``OSError``, and ``InvalidSettings`` if the settings, or those
        to save, are not valid together.
        """
        for_file = self._overrides.without(settings, self._file_settings)
        if errors := validate(settings) or validate(for_file):
            raise InvalidSettings(errors)
        self.settings_file.save(for_file, whole)
        self._file_settings = for_file
        self._overrides = self._overrides.still_in(settings)


def _remove_unfinished(folders: Folders) -> None:
    """Delete what killed writes have left in the companion's own folders."""
    for folder in (folders.config, folders.data, folders.runtime):
        remove_unfinished(folder, subfolders=False)
    for library in (folders.fixtures, folders.sessions, folders.faults, folders.events):
        if not library.is_symlink():
            remove_unfinished(library, subfolders=True)


def _unwritable(error: OSError, folders: Folders) -> DataDirectoryError:
    return DataDirectoryError(
        f"Cannot write to {error.filename or folders.data}: {error.strerror}. "
        "Choose another folder with --data-dir."
    )
