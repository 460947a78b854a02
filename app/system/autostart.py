"""Start at login, by the system's own means, for this user alone: what a person can see and change there as well.

Linux: an entry in ``~/.config/autostart`` (XDG). Windows: a value below the registry's ``Run`` key. macOS: a
LaunchAgent. Each starts the program in the tray, without its window. None is written unless somebody asks for it.
"""

import os
import plistlib
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


class Autostart(Protocol):
    """The switch. All of it raises ``OSError`` where the system refuses."""

    def is_on(self) -> bool:
        """Return whether the next login starts the program; False when the system's own switch says no."""
        ...

    def turn_on(self) -> None:
        """Start this program at login, wherever it lies now."""
        ...

    def turn_off(self) -> None:
        """Start it no more, and leave nothing behind. May be called twice."""
        ...


def of_this_system() -> Autostart:
    """Return the switch of the system that runs."""
    command = program()
    if sys.platform == "win32":
        return RunKey(command)
    home = Path.home()
    if sys.platform == "darwin":
        return LaunchAgent(command, home / "Library" / "LaunchAgents")
    return XdgAutostart(command, Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config") / "autostart")


def program() -> list[str]:
    """Return the command that starts the tray's program: what somebody installed, not a part inside of it."""
    # An AppImage is mounted somewhere else at every start; its own file stays where it is.
    if image := os.environ.get("APPIMAGE"):
        return [image]
    if getattr(sys, "frozen", False):
        itself = Path(sys.executable)
        # The installer's bundle has two programs on Windows; a login must not open a console.
        quiet = itself.with_name(f"{NAME}.exe")
        return [str(quiet if quiet.exists() else itself)]
    interpreter = Path(sys.executable)
    beside = shutil.which("companion", path=str(interpreter.parent))
    if sys.platform == "win32":
        windowed = interpreter.with_name("pythonw.exe")
        return [str(windowed if windowed.exists() else interpreter), "-m", "app"]
    return [beside] if beside else [str(interpreter), "-m", "app"]


class XdgAutostart:
    """A desktop entry that the session starts."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._command = command
        self.file = folder / DESKTOP_ENTRY

    def is_on(self) -> bool:
        """Return whether the entry is there and in force: desktops switch it off inside."""
        try:
            lines = read_file(self.file, MAX_BYTES).decode(errors="replace").splitlines()
        except FileNotFoundError:
            return False
        said = {key.strip(): value.strip().lower() for key, _, value in (line.partition("=") for line in lines)}
        return said.get("Hidden") != "true" and said.get("X-GNOME-Autostart-enabled") != "false"

    def turn_on(self) -> None:
        """Write the entry."""
        # TryExec: when the program has been removed, the entry is dead, and no login complains about it.
        text = (
            "[Desktop Entry]\n"
            "Type=Application\n"
            f"Name={NAME}\n"
            "Comment=Started at login: Settings can switch this off\n"
            f"TryExec={_escaped(self._command[0])}\n"
            f"Exec={' '.join(map(_quoted, [*self._command, HIDDEN]))}\n"
            "Icon=p2p-chat-companion\n"
            "Terminal=false\n"
        )
        _write(self.file, text)

    def turn_off(self) -> None:
        """Remove the entry."""
        self.file.unlink(missing_ok=True)


def _escaped(text: str) -> str:
    """Return a value of a desktop entry: a backslash there is written twice."""
    return text.replace("\\", "\\\\")


def _quoted(word: str) -> str:
    """Return one word of ``Exec``: quoted by its own rules, then escaped as every value; ``%`` would be a field."""
    for special in '\\"`$':
        word = word.replace(special, "\\" + special)
    return _escaped(f'"{word}"').replace("%", "%%")


class LaunchAgent:
    """A property list that launchd reads at login."""

    def __init__(self, command: list[str], folder: Path) -> None:
        self._command = command
        self.file = folder / f"{IDENTIFIER}.plist"

    def is_on(self) -> bool:
        """Return whether the agent is there and not disabled inside."""
        try:
            text = read_file(self.file, MAX_BYTES)
        except FileNotFoundError:
            return False
        try:
            said = plistlib.loads(text)
        except Exception:  # what is broken by hand raises whatever the parser of its kind does
            return False
        return isinstance(said, dict) and bool(said.get("RunAtLoad")) and not said.get("Disabled")

    def turn_on(self) -> None:
        """Write the agent. launchd reads it at the next login: nothing is started a second time now."""
        agent = {
            "Label": IDENTIFIER,
            "ProgramArguments": [*self._command, HIDDEN],
            "RunAtLoad": True,
            "LimitLoadToSessionType": "Aqua",
            "ProcessType": "Interactive",
        }
        _write(self.file, plistlib.dumps(agent))

    def turn_off(self) -> None:
        """Remove the agent."""
        self.file.unlink(missing_ok=True)


class RunKey:
    """A value of the registry, the same that the installer writes (packaging/windows/installer.nsi)."""

    def __init__(self, command: list[str], registry: Any = None) -> None:
        """``registry`` stands in for ``winreg`` in tests."""
        if registry is None:
            import winreg as registry  # only there is one
        self._registry = registry
        self._line = " ".join([f'"{command[0]}"', *command[1:], HIDDEN])

    def is_on(self) -> bool:
        """Return whether the value is there; the task manager's own switch beside it counts."""
        return self._value(RUN) is not None and not self._switched_off()

    def turn_on(self) -> None:
        """Write the value, and take back what the task manager's switch said."""
        registry = self._registry
        with registry.CreateKey(registry.HKEY_CURRENT_USER, RUN) as key:
            registry.SetValueEx(key, NAME, 0, registry.REG_SZ, self._line)
        self._delete(APPROVED)

    def turn_off(self) -> None:
        """Remove both values."""
        self._delete(RUN)
        self._delete(APPROVED)

    def _switched_off(self) -> bool:
        """Return what the task manager noted: an odd first byte means off."""
        said = self._value(APPROVED)
        return isinstance(said, bytes) and len(said) > 0 and said[0] % 2 == 1

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
