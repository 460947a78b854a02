"""The metadata of the packages matches the program."""

import ast
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from typer.main import get_command

from app import __version__
from app.cli.main import app
from app.desktop import run
from app.system import autostart
from app.system.paths import NAME

from . import PACKAGING, load

LINUX = PACKAGING / "linux"


def text(file: str) -> str:
    return (PACKAGING / file).read_text(encoding="utf-8")


def test_the_manual_page_describes_every_command() -> None:
    commands = text("linux/companion.1").split(".SH EXIT")[0].replace(r"\-", "-")
    described = re.findall(r"^\.TP\n\.B ([a-z-]+)$", commands, re.M)
    assert sorted(described) == sorted(get_command(app).commands)  # type: ignore[attr-defined]


def test_the_desktop_entry_has_the_desktop_file_name_of_the_window() -> None:
    source = Path(sys.modules[run.__module__].__file__ or "").read_text(encoding="utf-8")
    assert f'setDesktopFileName("{NAME}")' in source
    assert (LINUX / f"{NAME}.desktop").exists()
    assert f"{NAME}.desktop" == autostart.DESKTOP_ENTRY
    metainfo = ElementTree.parse(LINUX / "com.p2pchat.companion.metainfo.xml")
    assert metainfo.findtext("launchable") == f"{NAME}.desktop"
    assert metainfo.findtext("id") == autostart.IDENTIFIER


def test_every_description_names_the_same_identifier() -> None:
    for file in ("companion.spec", "windows/installer.nsi", "macos/install.sh"):
        assert autostart.IDENTIFIER in text(file), file


def test_the_uninstaller_purges_only_folders_of_the_program() -> None:
    assert f"$LOCALAPPDATA\\{NAME}" in text("windows/installer.nsi")
    assert f'SERVICE = "{NAME}"' in (PACKAGING.parent / "app/system/control_token.py").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("version", "numbers"),
    [("0.1.0", (0, 1, 0, 0)), ("1.2.3rc4", (1, 2, 3, 0)), ("2", (2, 0, 0, 0)), (__version__, None)],
)
def test_a_windows_version_has_four_numbers(version: str, numbers: tuple[int, ...] | None) -> None:
    result = load("versions").four(version)
    assert len(result) == 4
    assert numbers is None or result == numbers


def test_an_invalid_version_is_rejected() -> None:
    with pytest.raises(ValueError, match="'dev' is not a version"):
        load("versions").four("dev")


def pinned(system: str) -> set[str]:
    """Return the names that constraints.txt pins for ``sys.platform`` = ``system``."""
    lines = [line.split("#")[0].strip() for line in text("constraints.txt").splitlines()]
    requirements = [Requirement(line) for line in lines if line]
    return {canonicalize_name(each.name) for each in requirements if applies(each, system)}


def applies(requirement: Requirement, system: str, extra: str = "") -> bool:
    names = {"win32": ("Windows", "nt"), "darwin": ("Darwin", "posix"), "linux": ("Linux", "posix")}
    environment = {"sys_platform": system, "platform_system": names[system][0], "os_name": names[system][1]}
    return requirement.marker is None or requirement.marker.evaluate({**environment, "extra": extra})


@pytest.mark.parametrize("system", ["linux", "win32", "darwin"])
def test_every_dependency_is_pinned_on_every_system(system: str) -> None:
    needed: set[str] = set()
    pending = [("p2p-chat-companion", ""), ("p2p-chat-companion", "mcp")]
    while pending:
        name, extra = pending.pop()
        try:
            found = requires(name) or []
        except PackageNotFoundError:  # a dependency of another system
            continue
        for requirement in map(Requirement, found):
            added = canonicalize_name(requirement.name)
            if applies(requirement, system, extra) and added not in needed:
                needed.add(added)
                pending += [(added, ""), *((added, each) for each in requirement.extras)]
    assert {"aiohttp", "faker"} < needed
    assert needed <= pinned(system)
    assert "pyinstaller" in pinned(system)


def test_every_library_listed_in_about_is_pinned() -> None:
    from app.system.about import libraries

    assert {canonicalize_name(each.name) for each in libraries()} <= pinned(sys.platform)


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="shell scripts")
def test_the_image_installer_quits_a_running_companion(tmp_path: Path) -> None:
    for name, text in {
        "hdiutil": "",
        "ditto": 'mkdir -p "$2/Contents/MacOS"; cp "$(dirname "$0")/companion" "$2/Contents/MacOS/"',
        "companion": 'echo "$@" >>"$HOME/calls"',
    }.items():
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)
    (tmp_path / "image.dmg").touch()
    env = {"HOME": str(tmp_path), "PATH": f"{tmp_path}:/usr/bin:/bin"}
    install = [str(PACKAGING / "macos" / "install.sh"), str(tmp_path / "image.dmg")]
    for calls in (False, True):
        subprocess.run(install, env=env, capture_output=True, check=True)
        assert (tmp_path / "calls").exists() is calls


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_the_package_asks_for_a_restart_only_if_it_is_upgraded() -> None:
    def output(*words: str) -> str:
        script = str(LINUX / "preinst")
        return subprocess.run(["sh", script, *words], capture_output=True, text=True, check=True).stdout

    assert output("install") == ""
    assert "start it again after the upgrade" in output("upgrade", "0.1.0")


@pytest.mark.e2e
@pytest.mark.skipif(sys.platform == "win32", reason="a shell script")
def test_the_archive_installer_does_not_replace_a_foreign_command(tmp_path: Path) -> None:
    unpacked = tmp_path / "unpacked"
    (unpacked / "_internal").mkdir(parents=True)
    (unpacked / "share" / "applications").mkdir(parents=True)
    (unpacked / "share" / "icons" / "hicolor").mkdir(parents=True)
    shutil.copy(LINUX / "install.sh", unpacked)
    shutil.copy(LINUX / f"{NAME}.desktop", unpacked / "share" / "applications")
    (unpacked / "companion").write_text('#!/bin/sh\necho "$@" >>"$HOME/../calls"\n')
    (unpacked / "companion").chmod(0o755)
    home = tmp_path / "home"
    (home / ".local" / "bin").mkdir(parents=True)
    command = home / ".local" / "bin" / "companion"
    command.write_text("of pipx")

    def run(script: Path, *words: str) -> subprocess.CompletedProcess[str]:
        env = {"HOME": str(home), "PATH": "/usr/bin:/bin"}
        return subprocess.run([str(script), *words], env=env, capture_output=True, text=True, check=False)

    result = run(unpacked / "install.sh")
    assert result.returncode == 1
    assert "pipx" in result.stderr
    assert command.read_text() == "of pipx"
    command.unlink()
    assert run(unpacked / "install.sh").returncode == 0
    assert not (tmp_path / "calls").exists()
    assert run(unpacked / "install.sh").returncode == 0
    assert (tmp_path / "calls").read_text() == "quit\n", "an upgrade quits a running companion"
    assert command.resolve() == home / ".local/lib/p2p-chat-companion/companion"
    entry = home / ".local/share/applications" / f"{NAME}.desktop"
    assert f"Exec={home}/.local/lib/{NAME}/companion" in entry.read_text().splitlines()
    (home / ".config" / "autostart").mkdir(parents=True)
    (home / ".config" / "autostart" / f"{NAME}.desktop").touch()
    assert run(home / ".local/lib" / NAME / "install.sh", "--uninstall").returncode == 0
    assert [each for each in home.rglob("*") if not each.is_dir()] == []


def test_the_windows_installer_is_built_with_a_python_that_has_a_fine_clock() -> None:
    """Before 3.13, ``time.monotonic`` advances in steps of 15.6 ms there."""
    release = (PACKAGING.parent / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    version = re.search(r'PYTHON_VERSION_WINDOWS: "3\.(\d+)"', release)
    assert version
    assert int(version[1]) >= 13
    job = release.split("\n  windows:\n")[1].split("\n  macos:\n")[0]
    assert "python-version: ${{ env.PYTHON_VERSION_WINDOWS }}" in job
    assert f'PY_PYTHON: "3.{version[1]}"' in job


def test_the_checksums_of_a_release_are_written_to_another_folder() -> None:
    """Regression: the file sometimes listed itself, because ``tee`` created it before the shell expanded ``*``."""
    release = (PACKAGING.parent / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8")
    (script,) = re.findall(r"run: (sha256sum .*)", release)
    assert script.startswith("sha256sum -- * >../SHA256SUMS && mv ../SHA256SUMS . ")


def test_app_nap_is_disabled_on_macos() -> None:
    """App Nap slows down timers and sockets of programs without a visible window."""
    tree = ast.parse(text("companion.spec"))
    (bundle,) = [
        each for each in ast.walk(tree) if isinstance(each, ast.Call) and ast.unparse(each.func) == "BUNDLE"
    ]
    (values,) = [each.value for each in bundle.keywords if each.arg == "info_plist"]
    assert ast.literal_eval(values)["LSAppNapIsDisabled"] is True
