import stat
import sys
from pathlib import Path

import pytest

from app.system.paths import NAME, Folders, absolute
from tests.conftest import make_link, unknown_home


def test_a_data_dir_contains_all_files(tmp_path: Path) -> None:
    folders = Folders.of(tmp_path / "here")
    folders.create()
    paths = (folders.config, folders.data, folders.logs, folders.runtime, folders.settings_file)
    assert all(path.is_relative_to(tmp_path.resolve() / "here") for path in paths)
    assert folders.logs.is_dir()
    assert folders.settings_file.name == "settings.toml"
    folders.create()


def test_a_relative_data_dir_is_relative_to_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert Folders.of(Path("here")).data == tmp_path.resolve() / "here"


def test_a_data_dir_whose_links_form_a_loop_is_accepted(tmp_path: Path) -> None:
    make_link(tmp_path / "loop", tmp_path / "loop")
    assert Folders.of(tmp_path / "loop").data.name == "loop"


@unknown_home
def test_an_unknown_home_folder_raises_valueerror() -> None:
    with pytest.raises(ValueError, match="'~no-such-user/x' is unknown"):
        absolute(Path("~no-such-user/x"))


@pytest.mark.skipif(sys.platform != "linux", reason="the folders of Linux")
def test_without_a_data_dir_the_folders_of_the_platform_are_used(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for variable in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable))
    folders = Folders.of()
    assert folders.config == tmp_path / "XDG_CONFIG_HOME" / NAME
    assert folders.data == tmp_path / "XDG_DATA_HOME" / NAME
    assert folders.logs.is_relative_to(tmp_path / "XDG_STATE_HOME" / NAME)
    assert folders.runtime == tmp_path / "XDG_STATE_HOME" / NAME


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_folders_are_private(tmp_path: Path) -> None:
    folders = Folders.of(tmp_path / "here")
    folders.create()
    assert stat.S_IMODE(folders.data.stat().st_mode) == 0o700
    assert stat.S_IMODE(folders.logs.stat().st_mode) == 0o700
