"""What every start of the companion opens first: its folders, its lock, its settings; and its log."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict, replace

from app.system.exit_codes import Exit
from app.system.lock import InstanceLock
from app.system.paths import Folders
from app.system.settings import InvalidSettings, Settings, SettingsFile, equal_ports, validate


class DataDirectoryError(Exception):
    """The companion cannot start here; the text says why and what to do."""

    exit = Exit.FAILED


class AlreadyRunning(DataDirectoryError):
    """Another companion uses the same folders."""

    exit = Exit.BUSY


class OptionsError(DataDirectoryError):
    """Options of the command line that do not fit the settings."""

    exit = Exit.USAGE


class Overrides(Struct, frozen=True, kw_only=True):
    """What the command line sets for this run; None leaves the setting."""

    port: int | None = None
    rest: bool | None = None
    rest_port: int | None = None
    control: bool | None = None
    control_port: int | None = None
    fixtures: str | None = None

    def over(self, settings: Settings) -> Settings:
        """Return ``settings`` with these on top."""
        return replace(settings, **self._given())

    def without(self, settings: Settings, before: Settings) -> Settings:
        """Return ``settings`` for the file: a value that is still the command line's goes back to ``before``."""
        return replace(
            settings,
            **{
                name: getattr(before, name)
                for name, given in self._given().items()
                if getattr(settings, name) == given
            },
        )

    @property
    def flags(self) -> list[str]:
        """The options that these were, as they are typed."""
        return [f"--{'no-' * (value is False)}{name.replace('_', '-')}" for name, value in self._given().items()]

    def _given(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


@dataclass
class DataDirectory:
    """One companion's files."""

    folders: Folders
    lock: InstanceLock
    settings_file: SettingsFile
    _overrides: Overrides = field(default_factory=Overrides)
    _file_settings: Settings = field(default_factory=Settings)

    @classmethod
    def open(cls, data_dir: Path | None) -> "DataDirectory":
        """Make the folders and take the lock. Raises ``DataDirectoryError``."""
        os.umask(0o077)  # chats, settings and logs are this user's alone, whatever folder was chosen
        folders = Folders.of(data_dir)
        try:
            folders.create()
            lock = InstanceLock(folders.runtime)
            if not lock.take():
                raise AlreadyRunning(
                    f"Another companion is running with {folders.runtime}. "
                    "Quit it first, or give this one a folder of its own with --data-dir."
                )
        except OSError as error:
            raise _unwritable(error, folders) from None
        return cls(folders, lock, SettingsFile(folders.settings_file))

    def start_log(self, *, console: bool) -> None:
        """Log to files; if ``console``, warnings also go to standard error. Raises ``DataDirectoryError``."""
        from app.system import logs  # takes as long to load as all else here, and a window does not wait for it

        try:
            logs.start(self.folders.logs, console=console)
        except OSError as error:
            raise _unwritable(error, self.folders) from None

    def load(self, overrides: Overrides) -> Settings:
        """Return the settings with the command line's on top. Raise ``OptionsError`` if ports are equal."""
        self._file_settings = self.settings_file.load()
        self._overrides = overrides
        settings = overrides.over(self._file_settings)
        if equal := equal_ports(settings):
            wrong = "; ".join(map(str, equal))
            raise OptionsError(f"{wrong}. Choose different ports with --port, --rest-port and --control-port.")
        return settings

    def save(self, settings: Settings) -> None:
        """Write the settings; what only the command line gave stays out of the file.

        Raise ``OSError``, and ``InvalidSettings`` if they, or those in the file, do not fit together.
        """
        for_file = self._overrides.without(settings, self._file_settings)
        if errors := validate(settings) or validate(for_file):
            raise InvalidSettings(errors)
        self._file_settings = for_file
        self.settings_file.save(self._file_settings)


def _unwritable(error: OSError, folders: Folders) -> DataDirectoryError:
    return DataDirectoryError(
        f"Cannot write to {error.filename or folders.data}: {error.strerror}. "
        "Choose another folder with --data-dir."
    )
