"""Login items in a folder of the test, or in a registry key of the test on Windows."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

import pytest

from app.system.autostart import DESKTOP_ENTRY, IDENTIFIER, NAME


class LoginItem(Protocol):
    """The login item of the companion."""

    def exists(self) -> bool: ...

    def make_changes_fail(self) -> None:
        """Make every later change fail."""
        ...


class EntryFile:
    """A desktop entry, or a LaunchAgent."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def exists(self) -> bool:
        return self._file.exists()

    def make_changes_fail(self) -> None:
        self._file.parent.rmdir()
        self._file.parent.write_text("a file where a folder should be")


class RegistryValue:
    """A value in the registry. ``RunKey`` uses ``winreg`` with a key that is removed after the test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
        self._monkeypatch = monkeypatch
        self._run = key + r"\Run"
        self._keys = (self._run, key + r"\Approved", key)
        monkeypatch.setattr("app.system.autostart.RUN", self._run)
        monkeypatch.setattr("app.system.autostart.APPROVED", self._keys[1])

    def exists(self) -> bool:
        if sys.platform != "win32":
            raise NotImplementedError
        import winreg

        try:
            with winreg.OpenKey(winreg.HKEY_CURRENT_USER, self._run) as key:
                return bool(winreg.QueryValueEx(key, NAME)[0])
        except FileNotFoundError:
            return False

    def make_changes_fail(self) -> None:
        self._monkeypatch.setattr("app.system.autostart.RUN", "x" * 300)  # the registry takes 255 characters

    def remove(self) -> None:
        if sys.platform != "win32":
            raise NotImplementedError
        import winreg

        for each in self._keys:
            with suppress(FileNotFoundError):
                winreg.DeleteKey(winreg.HKEY_CURRENT_USER, each)


@contextmanager
def own_login_item(monkeypatch: pytest.MonkeyPatch, folder: Path) -> Iterator[LoginItem]:
    """Let the companion read and write login items below ``folder``, or below a registry key of this process."""
    if sys.platform == "win32":
        value = RegistryValue(monkeypatch, rf"Software\P2P Chat Companion tests {os.getpid()}")
        try:
            yield value
        finally:
            value.remove()
        return
    for variable in ("HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(folder))
    if sys.platform == "darwin":
        yield EntryFile(folder / "Library" / "LaunchAgents" / f"{IDENTIFIER}.plist")
    else:
        yield EntryFile(folder / "autostart" / DESKTOP_ENTRY)
