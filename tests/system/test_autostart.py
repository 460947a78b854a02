"""Start at login: what is written where, and what the system's own switches mean."""

import os
import plistlib
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.system import autostart
from app.system.autostart import APPROVED, NAME, RUN, LaunchAgent, RunKey, XdgAutostart

ODD = '/home/max/a "b" $HOME `id` 100% \\ ü/companion'
"""A path in which everything means something to a desktop entry."""


class Registry:
    """What ``RunKey`` asks of ``winreg``; it knows no other key."""

    HKEY_CURRENT_USER, REG_SZ, KEY_SET_VALUE = "HKCU", 1, 2

    def __init__(self) -> None:
        self.keys: dict[str, dict[str, Any]] = {}

    @contextmanager
    def OpenKey(self, root: str, name: str, reserved: int = 0, access: int = 0) -> Iterator[dict[str, Any]]:
        assert root == self.HKEY_CURRENT_USER
        if name not in self.keys:
            raise FileNotFoundError(name)
        yield self.keys[name]

    @contextmanager
    def CreateKey(self, root: str, name: str) -> Iterator[dict[str, Any]]:
        self.keys.setdefault(name, {})
        with self.OpenKey(root, name) as key:
            yield key

    def QueryValueEx(self, key: dict[str, Any], name: str) -> tuple[Any, int]:
        if name not in key:
            raise FileNotFoundError(name)
        return key[name], self.REG_SZ

    def SetValueEx(self, key: dict[str, Any], name: str, reserved: int, kind: int, value: Any) -> None:
        assert kind == self.REG_SZ
        key[name] = value

    def DeleteValue(self, key: dict[str, Any], name: str) -> None:
        if name not in key:
            raise FileNotFoundError(name)
        del key[name]


@pytest.fixture(params=["xdg", "launch agent", "run key"])
def switch(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Each system's switch."""
    command = [ODD]
    match request.param:
        case "xdg":
            return XdgAutostart(command, tmp_path / "autostart")
        case "launch agent":
            return LaunchAgent(command, tmp_path / "LaunchAgents")
        case _:
            return RunKey(command, Registry())


def test_autostart_is_off_by_default_and_turning_it_off_leaves_no_files(switch: Any, tmp_path: Path) -> None:
    assert not switch.is_on()
    assert not list(tmp_path.iterdir()), "looking writes nothing"
    switch.turn_off()
    switch.turn_on()
    assert switch.is_on()
    switch.turn_on()
    assert switch.is_on()
    switch.turn_off()
    switch.turn_off()
    assert not switch.is_on()
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


# Linux


@pytest.fixture
def xdg(tmp_path: Path) -> XdgAutostart:
    return XdgAutostart([ODD], tmp_path / "autostart")


def test_the_entry_is_valid_and_dies_with_the_program(xdg: XdgAutostart) -> None:
    xdg.turn_on()
    lines = xdg.file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "[Desktop Entry]"
    assert "TryExec=" + ODD.replace("\\", "\\\\") in lines
    assert xdg.file.name == "p2p-chat-companion.desktop"
    if validate := shutil.which("desktop-file-validate"):
        subprocess.run([validate, str(xdg.file)], check=True)


def test_an_odd_path_comes_out_as_it_was(xdg: XdgAutostart) -> None:
    """The specification's way back: the value's escapes first, then the words' quotes, then the fields."""
    xdg.turn_on()
    (line,) = [each for each in xdg.file.read_text(encoding="utf-8").splitlines() if each.startswith("Exec=")]
    value = line.removeprefix("Exec=").replace("\\\\", "\\")
    words, word, quoted, letters = [], "", False, iter(value)
    for letter in letters:
        if letter == '"':
            quoted = not quoted
        elif letter == "\\":
            word += next(letters)
        elif letter == " " and not quoted:
            words.append(word)
            word = ""
        else:
            word += letter
    assert [each.replace("%%", "%") for each in [*words, word]] == [ODD, "--hidden"]


@pytest.mark.parametrize(
    ("more", "on"),
    [
        ("Hidden=true", False),
        ("Hidden = TRUE ", False),
        ("X-GNOME-Autostart-enabled=false", False),
        ("Hidden=false", True),
        ("X-GNOME-Autostart-enabled=true", True),
    ],
)
def test_what_the_desktops_own_tool_says_counts(xdg: XdgAutostart, more: str, on: bool) -> None:
    xdg.turn_on()
    with xdg.file.open("a", encoding="utf-8") as stream:
        stream.write(more + "\n")
    assert xdg.is_on() is on
    xdg.turn_on()
    assert xdg.is_on(), "switched on here, it is on"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="denied"):
        XdgAutostart([ODD], tmp_path / "autostart").turn_on()


def test_a_failure_leaves_no_half_written_file(tmp_path: Path) -> None:
    folder = tmp_path / "autostart"
    (folder / "p2p-chat-companion.desktop").mkdir(parents=True)
    with pytest.raises(OSError, match=r"(?i)directory|denied"):  # on Windows: access is denied
        XdgAutostart([ODD], folder).turn_on()
    assert [each.name for each in folder.iterdir()] == ["p2p-chat-companion.desktop"]


# macOS


def test_the_agent_runs_the_program_hidden_at_login(tmp_path: Path) -> None:
    agent = LaunchAgent([ODD], tmp_path)
    agent.turn_on()
    said = plistlib.loads(agent.file.read_bytes())
    assert said["Label"] == "com.p2pchat.companion" == agent.file.stem
    assert said["ProgramArguments"] == [ODD, "--hidden"]
    assert said["RunAtLoad"] is True
    assert not said.get("KeepAlive"), "quitting it must not start it again"


def test_an_agent_that_is_disabled_or_broken_is_off(tmp_path: Path) -> None:
    agent = LaunchAgent([ODD], tmp_path)
    agent.turn_on()
    said = plistlib.loads(agent.file.read_bytes())
    agent.file.write_bytes(plistlib.dumps({**said, "Disabled": True}))
    assert not agent.is_on()
    for broken in (b"", b"<plist>", b"\x00\xff", plistlib.dumps(["a list"])):
        agent.file.write_bytes(broken)
        assert not agent.is_on()


# Windows


def test_the_value_is_the_installers(tmp_path: Path) -> None:
    registry = Registry()
    RunKey(["C:\\Program Files\\x\\P2P Chat Companion.exe"], registry).turn_on()
    assert registry.keys[RUN] == {NAME: '"C:\\Program Files\\x\\P2P Chat Companion.exe" --hidden'}
    installer = Path("packaging/windows/installer.nsi").read_text(encoding="utf-8")
    assert f'!define RUN "{RUN}"' in installer
    assert f'!define APPROVED "{APPROVED}"' in installer
    assert f'!define NAME "{NAME}"' in installer


@pytest.mark.parametrize(("noted", "on"), [(b"\x03" + bytes(11), False), (b"\x02" + bytes(11), True), (b"", True)])
def test_what_the_task_manager_says_counts(noted: bytes, on: bool) -> None:
    registry = Registry()
    key = RunKey(["x.exe"], registry)
    key.turn_on()
    registry.keys[APPROVED] = {NAME: noted}
    assert key.is_on() is on
    key.turn_on()
    assert key.is_on()
    assert registry.keys[APPROVED] == {}


def test_other_programs_values_are_left_alone() -> None:
    registry = Registry()
    registry.keys[RUN] = {"Other": "other.exe"}
    key = RunKey(["x.exe"], registry)
    key.turn_on()
    key.turn_off()
    assert registry.keys[RUN] == {"Other": "other.exe"}


# which program


def test_an_appimage_registers_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPIMAGE", "/home/max/P2P.AppImage")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/tmp/.mount_x/companion")
    assert autostart.program() == ["/home/max/P2P.AppImage"]


def test_a_bundle_registers_its_program_without_a_console(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APPIMAGE", raising=False)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "companion.exe"))
    assert autostart.program() == [str(tmp_path / "companion.exe")]
    (tmp_path / "P2P Chat Companion.exe").touch()
    assert autostart.program() == [str(tmp_path / "P2P Chat Companion.exe")]


@pytest.mark.skipif(sys.platform == "win32", reason="there it is pythonw")
def test_an_installation_by_pip_registers_the_command_beside_its_interpreter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("APPIMAGE", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    assert autostart.program() == [str(tmp_path / "python3"), "-m", "app"]
    (tmp_path / "companion").touch(mode=0o755)
    assert autostart.program() == [str(tmp_path / "companion")]


@pytest.mark.skipif(sys.platform != "linux", reason="looks at Linux' folders")
def test_this_systems_switch_is_below_the_configuration_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    found = autostart.of_this_system()
    assert isinstance(found, XdgAutostart)
    assert found.file == tmp_path / "autostart" / "p2p-chat-companion.desktop"
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    empty = autostart.of_this_system()
    assert isinstance(empty, XdgAutostart)
    assert empty.file.parent == tmp_path / ".config" / "autostart", "an empty variable means the default"
