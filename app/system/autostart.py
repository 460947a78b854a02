"""Turn the start of the tray program at login on or off, for the current user only.

Linux: an entry in ``~/.config/autostart`` (XDG). Windows: a value of the registry's ``Run`` key. macOS: a
LaunchAgent. The system's own settings show the entry and can switch it off. The program writes nothing until the
user turns it on; an installer may.
"""

import errno
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from app.system.files import read_file, write_file

NAME = "P2P Chat Companion"
IDENTIFIER = "com.p2pchat.companion"
DESKTOP_ENTRY = "p2p-chat-companion.desktop"
RUN = r"Software\Microsoft\Windows\CurrentVersion\Run"
APPROVED = r"Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run"
HIDDEN = "--hidden"
MAX_BYTES = 64 * 1024
MAX_RUN_LINE = 260
"""Windows does not start longer lines of the ``Run`` key."""

TRANSLOCATED = "/AppTranslocation/"
"""A part of the random path from which macOS runs a downloaded app that was not moved. It does not stay."""


class Autostart(Protocol):
    """Turn start at login on or off, on one system. Every method raises ``OSError`` if the system denies access."""

    def is_on(self) -> bool:
        """Return whether the next login starts this program, from its present location, with the same folders.

        The system's settings may have disabled it, or the entry may start a program that was moved or removed.
        """
        ...

    def turn_on(self) -> None:
        """Start this program at login, from its present location."""
        ...

    def turn_off(self) -> None:
        """Remove all entries, so that the program does not start at login. May be called twice."""
        ...


def of_this_system(data_dir: Path | None = None) -> Autostart:
    """Return the implementation for the current system.

    ``data_dir``: the folder of ``--data-dir``, which becomes part of the entry. Other options do not.
    """
    command = program() + (["--data-dir", str(data_dir)] if data_dir else [])
    if sys.platform == "win32":
        return RunKey(command)
    if sys.platform != "darwin" and (config := os.environ.get("XDG_CONFIG_HOME")):
        return XdgAutostart(command, Path(config) / "autostart")
    try:
        home = Path.home()
    except RuntimeError:
        return Unavailable(errno.ENOENT, "The home folder is unknown")
    if sys.platform == "darwin":
        return LaunchAgent(command, home / "Library" / "LaunchAgents")
    return XdgAutostart(command, home / ".config" / "autostart")


def program() -> list[str]:
    """Return the command that starts the tray program as it was installed."""
    if getattr(sys, "frozen", False):
        itself = Path(sys.executable)
        if image := _image_of(itself):
            return [image]
        # On Windows, the bundle has a second program, which opens no console.
        quiet = itself.with_name(f"{NAME}.exe")
        return [str(quiet if quiet.exists() else itself)]
    interpreter = Path(sys.executable)
    beside = shutil.which("companion", path=str(interpreter.parent))
    if sys.platform == "win32":
        windowed = interpreter.with_name("pythonw.exe")
        return [str(windowed if windowed.exists() else interpreter), "-m", "app"]
    return [beside] if beside else [str(interpreter), "-m", "app"]


def _image_of(program: Path) -> str:
    """Return the AppImage that a program runs from; empty if there is none.

    It is mounted at another place at every start, so the path of its file is used. Programs that another AppImage
    starts, such as the terminal of an editor, inherit its variables.
    """
    image, mount = os.environ.get("APPIMAGE", ""), os.environ.get("APPDIR", "")
    is_inside = mount and Path(os.path.realpath(program)).is_relative_to(os.path.realpath(mount))
    return image if is_inside else ""


class Unavailable:
    """Start at login on a system where it cannot be read or changed."""

    def __init__(self, code: int, reason: str) -> None:
        self._error = OSError(code, reason)

    def is_on(self) -> bool:
        """Raise ``OSError``."""
        raise self._error

    def turn_on(self) -> None:
        """Raise ``OSError``."""
        raise self._error

    def turn_off(self) -> None:
        """Raise ``OSError``."""
        raise self._error


class XdgAutostart:
    """A desktop entry in the autostart folder (XDG)."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._program = command[0]
        self._line = " ".join(map(_quoted, [*command, HIDDEN]))
        self.file = folder / DESKTOP_ENTRY

    def is_on(self) -> bool:
        """Return whether the entry starts this program. Desktops disable it with a key in the file."""
        try:
            lines = read_file(self.file, MAX_BYTES).decode(errors="replace").splitlines()
        except FileNotFoundError:
            return False
        entries = {key.strip(): value.strip() for key, _, value in (line.partition("=") for line in lines)}
        return (
            entries.get("Exec") == self._line
            and entries.get("Hidden", "").lower() != "true"
            and entries.get("X-GNOME-Autostart-enabled", "").lower() != "false"
        )

    def turn_on(self) -> None:
        """Write the desktop entry."""
        # TryExec: after the program was removed, the entry is ignored without an error.
        text = (
            "[Desktop Entry]\n"
            "Type=Application\n"
            f"Name={NAME}\n"
            "Comment=Starts at login. Switch this off in Settings\n"
            f"TryExec={_escaped(self._program)}\n"
            f"Exec={self._line}\n"
            "Icon=p2p-chat-companion\n"
            "Terminal=false\n"
        )
        _write(self.file, text)

    def turn_off(self) -> None:
        """Remove the desktop entry."""
        self.file.unlink(missing_ok=True)


def _escaped(text: str) -> str:
    """Escape a value of a desktop entry: a backslash is written twice."""
    return text.replace("\\", "\\\\")


def _quoted(word: str) -> str:
    """Quote one argument of ``Exec``, then escape it as a value. A literal ``%`` is written twice."""
    for special in '\\"`$':
        word = word.replace(special, "\\" + special)
    return _escaped(f'"{word}"').replace("%", "%%")


class LaunchAgent:
    """A property list that launchd reads at login."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._arguments = [*command, HIDDEN]
        self.file = folder / f"{IDENTIFIER}.plist"

    def is_on(self) -> bool:
        """Return whether the agent starts this program and is not disabled with a key in the file."""
        import plistlib  # loads an XML parser, which other systems do not need

        try:
            text = read_file(self.file, MAX_BYTES)
        except FileNotFoundError:
            return False
        try:
            entries = plistlib.loads(text)
        except Exception:  # plistlib raises many kinds of errors for a broken file
            return False
        return (
            isinstance(entries, dict)
            and entries.get("ProgramArguments") == self._arguments
            and bool(entries.get("RunAtLoad"))
            and not entries.get("Disabled")
        )

    def turn_on(self) -> None:
        """Write the agent. launchd reads it at the next login, so it does not start a second instance now."""
        if TRANSLOCATED in self._arguments[0]:
            raise OSError(
                errno.EROFS,
                "macOS runs this copy of the app from a temporary folder. Quit, move the app to Applications, and "
                "start it there",
            )
        import plistlib

        agent = {
            "Label": IDENTIFIER,
            "ProgramArguments": self._arguments,
            "RunAtLoad": True,
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Interactive",
        }
        _write(self.file, plistlib.dumps(agent))

    def turn_off(self) -> None:
        """Remove the agent."""
        self.file.unlink(missing_ok=True)


class RunKey:
    """A value of the registry's ``Run`` key, as the installer writes it (packaging/windows/installer.nsi)."""

    def __init__(self, command: list[str], registry: Any = None) -> None:
        """``registry`` replaces ``winreg`` in tests."""
        if registry is None:
            import winreg as registry  # exists on Windows only
        import subprocess

        self._registry = registry
        self._line = f'"{command[0]}" {subprocess.list2cmdline([*command[1:], HIDDEN])}'

    def is_on(self) -> bool:
        """Return whether the value starts this program and the task manager has not disabled it."""
        line = self._value(RUN)
        # Paths on Windows are compared without case.
        return isinstance(line, str) and line.lower() == self._line.lower() and not self._switched_off()

    def turn_on(self) -> None:
        """Write the value, and remove the one under ``StartupApproved`` with which the task manager disables it."""
        if len(self._line) > MAX_RUN_LINE:
            raise OSError(
                errno.ENAMETOOLONG,
                f"The command has {len(self._line)} characters, and Windows starts at most {MAX_RUN_LINE} at "
                "login. Use a data folder with a shorter path",
            )
        registry = self._registry
        with registry.CreateKey(registry.HKEY_CURRENT_USER, RUN) as key:
            registry.SetValueEx(key, NAME, 0, registry.REG_SZ, self._line)
        self._delete(APPROVED)

    def turn_off(self) -> None:
        """Remove both values."""
        self._delete(RUN)
        self._delete(APPROVED)

    def _switched_off(self) -> bool:
        """Return whether the task manager disabled it: the first byte under ``StartupApproved`` is odd then."""
        entries = self._value(APPROVED)
        return isinstance(entries, bytes) and len(entries) > 0 and entries[0] % 2 == 1

    def _value(self, where: str) -> Any:
        registry = self._registry
        try:
            with registry.OpenKey(registry.HKEY_CURRENT_USER, where) as key:
                return registry.QueryValueEx(key, NAME)[0]
        except FileNotFoundError:
            return None

    def _delete(self, where: str) -> None:
        registry = self._registry
        with (
            suppress(FileNotFoundError),
            registry.OpenKey(registry.HKEY_CURRENT_USER, where, 0, registry.KEY_SET_VALUE) as key,
        ):
            registry.DeleteValue(key, NAME)


def _write(file: Path, content: str | bytes) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    write_file(file, content)
