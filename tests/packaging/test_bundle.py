"""Which files the bundle contains, and which builds are rejected."""

import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import make_link

from . import PACKAGING, load

ROOT = PACKAGING.parent
bundle = load("bundle")


@pytest.mark.parametrize(
    "name",
    [
        "PySide6/Qt/translations/qtbase_de.qm",
        "PySide6/Qt/plugins/platforms/libqeglfs.so",
        "PySide6/Qt/plugins/platforms/libqminimalegl.so",
        "PySide6\\plugins\\platforms\\qminimal.dll",
        "PySide6/Qt/plugins/platformthemes/libqgtk3.so",
        "PySide6/Qt/plugins/tls/libqopensslbackend.so",
        "PySide6/Qt/plugins/imageformats/libqjpeg.so",
        "PySide6\\plugins\\imageformats\\qwebp.dll",
        "PySide6/Qt/lib/libQt6Qml.so.6",
        "PySide6\\Qt6Pdf.dll",
        "PySide6/Qt/lib/QtQuick.framework/Versions/A/QtQuick",
        "PySide6\\opengl32sw.dll",
        "libstdc++.so.6",
        "libglib-2.0.so.0",
        "yarl-1.2.dist-info/RECORD",
    ],
)
def test_unused_files_are_left_out_of_the_bundle(name: str) -> None:
    assert bundle.unused(name)


@pytest.mark.parametrize(
    "name",
    [
        "PySide6/Qt/plugins/platforms/libqxcb.so",
        "PySide6/Qt/plugins/platforms/libqoffscreen.so",
        "PySide6/Qt/plugins/platforms/libqwayland.so",
        "PySide6\\plugins\\platforms\\qwindows.dll",
        "PySide6/Qt/plugins/platforms/libqcocoa.dylib",
        "PySide6\\plugins\\styles\\qmodernwindowsstyle.dll",
        "PySide6/Qt/plugins/imageformats/libqsvg.so",
        "PySide6/Qt/plugins/imageformats/libqico.so",
        "PySide6/Qt/plugins/imageformats/libqicns.dylib",
        "PySide6/Qt/plugins/iconengines/libqsvgicon.so",
        "PySide6/Qt/plugins/platforminputcontexts/libibusplatforminputcontextplugin.so",
        "PySide6/Qt/lib/libQt6DBus.so.6",
        "PySide6/Qt/lib/libQt6Network.so.6",
        "PySide6/Qt/lib/libicudata.so.73",
        "libxcb-cursor.so.0",
        "libpython3.11.so.1.0",
        "libssl.so.3",
        "yarl-1.2.dist-info/METADATA",
        "yarl-1.2.dist-info/licenses/LICENSE",
        "resources/icons/app.svg",
        "resources/help/index.md",
        "resources/help/pictures/events.png",
    ],
)
def test_required_files_are_part_of_the_bundle(name: str) -> None:
    assert not bundle.unused(name)


LOG = """\
1200 INFO: Processing standard module hook 'hook-PySide6.py'
3000 WARNING: Library not found: could not resolve 'libxcb-cursor.so.0', dependency of '/x/platforms/libqxcb.so'.
3001 WARNING: Library not found: could not resolve 'libxkbcommon-x11.so.0', dependency of '/x/libQt6XcbQpa.so.6'.
3002 WARNING: Library not found: could not resolve 'libpq.so.5', dependency of '/x/sqldrivers/libqsqlpsql.so'.
3003 WARNING: Library ole32 required via ctypes not found
3004 INFO: Looking for libxcb-cursor.so.0
"""


def test_a_build_without_the_libraries_of_xcb_is_rejected() -> None:
    """Missing libraries of Qt's database drivers are ignored, because the bundle does not contain these drivers."""
    found = bundle.missing_libraries(LOG)
    assert [line.split(" WARNING")[0] for line in found] == ["3000", "3001"]
    with pytest.raises(load("build").BuildError, match=r"README's apt-get line[\s\S]*libxcb-cursor\.so\.0"):
        load("build").check(LOG)
    load("build").check(LOG.replace("xcb", "y").replace("xkb", "y"))


def test_unused_faker_locales_are_left_out() -> None:
    words = bundle.used_faker_modules()
    assert "faker.providers.person.en_US" in words
    assert "faker.providers.lorem.en_US" in words
    for name in ("faker.providers.person.de_DE", "faker/providers/person/de_DE/__init__.py"):
        assert bundle.unused_faker_module(name, words)
    for name in (
        "faker.providers.person.en_US", "faker/providers/person/en_US/__init__.py",
        "faker/providers/python/__init__.py", "faker.factory", "faker/providers.py", "app.companion",
    ):  # fmt: skip
        assert not bundle.unused_faker_module(name, words), name


def test_dangling_links_and_empty_folders_are_removed(tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("x")
    make_link(tmp_path / "good", "kept/file")
    (tmp_path / "empty" / "inner").mkdir(parents=True)
    make_link(tmp_path / "empty" / "inner" / "bad", "nowhere")
    load("build").tidy(tmp_path)
    assert sorted(str(each.relative_to(tmp_path)) for each in tmp_path.rglob("*")) == ["good", "kept", "kept/file"]


# the bundle of serve


@pytest.mark.parametrize(
    "name",
    [
        "PySide6", "PySide6/Qt/lib/libQt6Core.so.6", "PySide6.QtCore", "shiboken6/Shiboken.abi3.so", "qasync",
        "app.ui", "app.ui.rooms.events", "app.loop.pumped", "app.desktop.tray_app",
        "cryptography/hazmat/bindings/_rust.abi3.so",
        "resources/icons/app.svg", "resources\\help\\pictures\\events.png", "resources/style.qss",
    ],
)  # fmt: skip
def test_the_bundle_of_serve_lacks_what_only_the_window_needs(name: str) -> None:
    assert bundle.unused_in_server(name)


@pytest.mark.parametrize(
    "name",
    [
        "app.headless", "app.cli.main", "app.usernames", "resources/help/ci.md",
        "resources/fixtures/basics/hello.json",
        "nacl/_sodium.abi3.so", "jsonschema_rs/jsonschema_rs.abi3.so", "keyring/backends/null.py",
    ],
)  # fmt: skip
def test_the_bundle_of_serve_has_all_that_serve_needs(name: str) -> None:
    assert not bundle.unused_in_server(name)


def test_the_venv_of_the_bundle_of_serve_has_all_requirements_but_qt() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = bundle.server_requirements(project["dependencies"])
    left_out = {re.split(r"[><=;]", each)[0] for each in project["dependencies"] if each not in wanted}
    assert left_out == {"PySide6-Essentials", "qasync"}


def test_every_pin_of_the_bundle_is_unique() -> None:
    """Two pins of a package with different versions would make pip refuse both."""
    lines = (ROOT / "packaging" / "constraints.txt").read_text("utf-8").splitlines()
    pins: dict[str, set[str]] = {}
    for line in lines:
        if found := re.match(r"([A-Za-z0-9._-]+)==([^;\s]+)\s*(;.*)?$", line):
            name = re.sub(r"[-_.]+", "-", found[1]).lower() + (found[3] or "")
            pins.setdefault(name, set()).add(found[2])
    assert len(pins) > 50
    assert {name: versions for name, versions in pins.items() if len(versions) > 1} == {}


def test_a_bundle_of_serve_with_qt_or_too_many_megabytes_is_rejected(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build = load("build")
    inside = tmp_path / build.SERVER_NAME / "_internal"
    (inside / "app").mkdir(parents=True)
    (inside / "app" / "headless.pyc").write_bytes(bytes(100))
    build.check_server(inside.parent)
    archive = build.pack(inside.parent)
    assert re.fullmatch(rf"{build.SERVER_NAME}-[\d.]+-(linux|macos|windows)-\w+\.(tar\.gz|zip)", archive.name)
    monkeypatch.setattr(build, "SERVER_MB", 1e-5)
    with pytest.raises(build.BuildError, match="MB are allowed"):
        build.pack(inside.parent)
    (inside / "PySide6").mkdir()
    with pytest.raises(build.BuildError, match="only the window needs: PySide6"):
        build.check_server(inside.parent)
