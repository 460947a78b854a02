"""Start at login: what is written where, and how the settings of the system affect it."""

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
from app.system.paths import Folders
from tests.conftest import remove_home_folder
from tests.endpoints.login_item import own_login_item

ODD = '/home/max/a "b" $HOME `id` 100% \\ ü/companion'
"""A path that contains all characters with a special meaning in a desktop entry."""


class Registry:
    """The part of ``winreg`` that ``RunKey`` uses."""

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
    """Return the autostart switch of each system."""
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
    assert not list(tmp_path.iterdir()), "is_on() writes nothing"
    switch.turn_off()
    switch.turn_on()
    assert switch.is_on()
    switch.turn_on()
    assert switch.is_on()
    switch.turn_off()
    switch.turn_off()
    assert not switch.is_on()
    assert not [each for each in tmp_path.rglob("*") if each.is_file()]


def moved(switch: Any, command: list[str]) -> Any:
    """Return the switch of a program at another place, or with other options, on the same system."""
    if isinstance(switch, RunKey):
        return RunKey(command, switch._registry)
    return type(switch)(command, switch.file.parent)


def test_an_entry_of_a_program_at_another_place_is_off_until_it_is_turned_on_again(switch: Any) -> None:
    """Regression: after an update of an AppImage, the box was ticked, and nothing started at login."""
    moved(switch, ["/old/companion-0.1.AppImage"]).turn_on()
    assert not switch.is_on()
    switch.turn_on()
    assert switch.is_on()
    assert not moved(switch, ["/old/companion-0.1.AppImage"]).is_on()


def test_an_entry_with_another_data_folder_is_off(switch: Any) -> None:
    switch.turn_on()
    other = moved(switch, [ODD, "--data-dir", ODD])
    assert not other.is_on()
    other.turn_on()
    assert other.is_on()
    assert not switch.is_on()


@pytest.mark.skipif(sys.platform == "win32", reason="the registry is not in the folder of the test")
def test_the_entry_contains_the_data_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Regression: at login, a companion with other folders started."""
    with own_login_item(monkeypatch, tmp_path):
        assert Folders.of().data_dir is None
        data_dir = Folders.of(tmp_path / "a b").data_dir
        assert data_dir == tmp_path.resolve() / "a b"
        switch = autostart.of_this_system(data_dir)
        switch.turn_on()
        assert isinstance(switch, XdgAutostart | LaunchAgent)
        assert str(data_dir) in switch.file.read_text(encoding="utf-8")
        assert not autostart.of_this_system().is_on()


# Linux


@pytest.fixture
def xdg(tmp_path: Path) -> XdgAutostart:
    return XdgAutostart([ODD], tmp_path / "autostart")


@pytest.mark.e2e
def test_the_desktop_entry_is_valid_and_has_tryexec(xdg: XdgAutostart) -> None:
    xdg.turn_on()
    lines = xdg.file.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "[Desktop Entry]"
    assert "TryExec=" + ODD.replace("\\", "\\\\") in lines
    assert xdg.file.name == "p2p-chat-companion.desktop"
    if validate := shutil.which("desktop-file-validate"):
        subprocess.run([validate, str(xdg.file)], check=True)


def test_special_characters_in_the_path_are_escaped(xdg: XdgAutostart) -> None:
    """Decode as the specification says: the escapes of the value, then the quotes of the words, then the fields."""
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
    ("line", "is_on"),
    [
        ("Hidden=true", False),
        ("Hidden = TRUE ", False),
        ("X-GNOME-Autostart-enabled=false", False),
        ("Hidden=false", True),
        ("X-GNOME-Autostart-enabled=true", True),
    ],
)
def test_changes_of_desktop_tools_to_the_entry_are_respected(xdg: XdgAutostart, line: str, is_on: bool) -> None:
    xdg.turn_on()
    with xdg.file.open("a", encoding="utf-8") as stream:
        stream.write(line + "\n")
    assert xdg.is_on() is is_on
    xdg.turn_on()
    assert xdg.is_on(), "turn_on() overrides the other setting"


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_cannot_be_written_raises_oserror(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(OSError, match="denied"):
        XdgAutostart([ODD], tmp_path / "autostart").turn_on()


def test_a_failure_leaves_no_partial_file(tmp_path: Path) -> None:
    folder = tmp_path / "autostart"
    (folder / "p2p-chat-companion.desktop").mkdir(parents=True)
    with pytest.raises(OSError, match=r"(?i)directory|denied"):  # on Windows: access is denied
        XdgAutostart([ODD], folder).turn_on()
    assert [each.name for each in folder.iterdir()] == ["p2p-chat-companion.desktop"]


# macOS


def test_the_agent_runs_the_program_hidden_at_login(tmp_path: Path) -> None:
    agent = LaunchAgent([ODD], tmp_path)
    agent.turn_on()
    plist = plistlib.loads(agent.file.read_bytes())
    assert plist["Label"] == "com.p2pchat.companion" == agent.file.stem
    assert plist["ProgramArguments"] == [ODD, "--hidden"]
    assert plist["RunAtLoad"] is True
    assert not plist.get("KeepAlive"), "launchd must not start it again after it quits"


def test_an_app_that_macos_runs_from_a_random_path_is_not_registered(tmp_path: Path) -> None:
    """Regression: the agent named a program that was gone after the next restart."""
    moved = LaunchAgent(["/Applications/Companion.app/Contents/MacOS/companion"], tmp_path)
    moved.turn_on()
    volume = "/private/var/folders/x1/y2/T/AppTranslocation/0B4C6A1E-5D0F/d"
    translocated = LaunchAgent([f"{volume}/Companion.app/Contents/MacOS/companion"], tmp_path)
    assert not translocated.is_on()
    with pytest.raises(OSError, match="move the app to Applications"):
        translocated.turn_on()
    assert moved.is_on()


def test_a_disabled_or_invalid_agent_is_off(tmp_path: Path) -> None:
    agent = LaunchAgent([ODD], tmp_path)
    agent.turn_on()
    plist = plistlib.loads(agent.file.read_bytes())
    agent.file.write_bytes(plistlib.dumps({**plist, "Disabled": True}))
    assert not agent.is_on()
    for broken in (b"", b"<plist>", b"\x00\xff", plistlib.dumps(["a list"])):
        agent.file.write_bytes(broken)
        assert not agent.is_on()


# Windows


def test_the_registry_value_equals_that_of_the_installer(tmp_path: Path) -> None:
    registry = Registry()
    RunKey(["C:\\Program Files\\x\\P2P Chat Companion.exe"], registry).turn_on()
    assert registry.keys[RUN] == {NAME: '"C:\\Program Files\\x\\P2P Chat Companion.exe" --hidden'}
    RunKey(["C:\\x.exe", "--data-dir", "D:\\my work"], registry).turn_on()
    assert registry.keys[RUN] == {NAME: '"C:\\x.exe" --data-dir "D:\\my work" --hidden'}
    installer = Path("packaging/windows/installer.nsi").read_text(encoding="utf-8")
    assert f'!define RUN "{RUN}"' in installer
    assert f'!define APPROVED "{APPROVED}"' in installer
    assert f'!define NAME "{NAME}"' in installer


def test_a_line_that_windows_would_not_start_is_refused() -> None:
    """Regression: the switch was on, and nothing started at login."""
    registry = Registry()
    longest = len('"x.exe" --data-dir  --hidden')
    RunKey(["x.exe", "--data-dir", "d" * (260 - longest)], registry).turn_on()
    before = registry.keys[RUN][NAME]
    assert len(before) == 260
    with pytest.raises(OSError, match="The command has 261 characters, and Windows starts at most 260 at login"):
        RunKey(["x.exe", "--data-dir", "d" * (261 - longest)], registry).turn_on()
    assert registry.keys[RUN] == {NAME: before}


@pytest.mark.parametrize(
    ("approval", "is_on"), [(b"\x03" + bytes(11), False), (b"\x02" + bytes(11), True), (b"", True)]
)
def test_changes_in_the_task_manager_are_respected(approval: bytes, is_on: bool) -> None:
    registry = Registry()
    key = RunKey(["x.exe"], registry)
    key.turn_on()
    registry.keys[APPROVED] = {NAME: approval}
    assert key.is_on() is is_on
    key.turn_on()
    assert key.is_on()
    assert registry.keys[APPROVED] == {}


def test_values_of_other_programs_are_not_changed() -> None:
    registry = Registry()
    registry.keys[RUN] = {"Other": "other.exe"}
    key = RunKey(["x.exe"], registry)
    key.turn_on()
    key.turn_off()
    assert registry.keys[RUN] == {"Other": "other.exe"}


# the registered program


def test_an_appimage_registers_its_own_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("APPIMAGE", "/home/max/P2P.AppImage")
    monkeypatch.setenv("APPDIR", "/tmp/.mount_x")
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", "/tmp/.mount_x/companion")
    assert autostart.program() == ["/home/max/P2P.AppImage"]


@pytest.mark.skipif(sys.platform == "win32", reason="AppImages run on Linux")
@pytest.mark.parametrize("frozen", [True, False])
def test_the_appimage_of_another_program_is_not_registered(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, frozen: bool
) -> None:
    """Regression: after a start in the terminal of an editor that is an AppImage, the editor started at login."""
    monkeypatch.setenv("APPIMAGE", "/home/max/Editor.AppImage")
    monkeypatch.setenv("APPDIR", "/tmp/.mount_editor")
    monkeypatch.setattr(sys, "frozen", frozen, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "companion"))
    (tmp_path / "companion").touch(mode=0o755)
    assert autostart.program() == [str(tmp_path / "companion")]


def test_a_bundle_registers_its_program_without_a_console(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("APPIMAGE", raising=False)
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "companion.exe"))
    assert autostart.program() == [str(tmp_path / "companion.exe")]
    (tmp_path / "P2P Chat Companion.exe").touch()
    assert autostart.program() == [str(tmp_path / "P2P Chat Companion.exe")]


@pytest.mark.skipif(sys.platform == "win32", reason="on Windows the command is pythonw")
def test_an_installation_by_pip_registers_the_command_next_to_its_interpreter(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("APPIMAGE", raising=False)
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python3"))
    assert autostart.program() == [str(tmp_path / "python3"), "-m", "app"]
    (tmp_path / "companion").touch(mode=0o755)
    assert autostart.program() == [str(tmp_path / "companion")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows needs no home folder")
def test_without_a_home_folder_the_switch_reports_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    remove_home_folder(monkeypatch)
    switch = autostart.of_this_system()
    for call in (switch.is_on, switch.turn_on, switch.turn_off):
        with pytest.raises(OSError, match="The home folder is unknown"):
            call()


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_the_switch_of_linux_is_in_the_configuration_folder(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    found = autostart.of_this_system()
    assert isinstance(found, XdgAutostart)
    assert found.file == tmp_path / "autostart" / "p2p-chat-companion.desktop"
    with monkeypatch.context() as without_home:
        remove_home_folder(without_home)
        without_home.setenv("XDG_CONFIG_HOME", str(tmp_path))
        assert autostart.of_this_system().is_on() is False
    monkeypatch.setenv("XDG_CONFIG_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    empty = autostart.of_this_system()
    assert isinstance(empty, XdgAutostart)
    assert empty.file.parent == tmp_path / ".config" / "autostart", "an empty variable means the default"
