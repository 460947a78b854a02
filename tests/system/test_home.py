from pathlib import Path

import pytest

from app.system.exits import Exit
from app.system.home import AlreadyRunning, Home, HomeError

pytestmark = pytest.mark.usefixtures("own_logging")


def test_a_home_has_its_folders_its_lock_and_its_log(tmp_path: Path) -> None:
    home = Home.open(tmp_path / "here", console=False)
    assert (tmp_path / "here" / "logs" / "companion.log").is_file()
    assert home.settings_file.path == home.folders.settings_file
    home.lock.release()


def test_the_command_lines_port_wins_over_the_files(tmp_path: Path) -> None:
    home = Home.open(tmp_path, console=False)
    home.settings_file.path.write_text("port = 9000\nusername = 'zoe'\n")
    assert home.load(None).port == 9000
    assert home.load(0).port == 0
    assert home.load(9001).username == "zoe"
    home.lock.release()


def test_a_second_companion_in_the_same_folder_is_told_what_to_do(tmp_path: Path) -> None:
    home = Home.open(tmp_path, console=False)
    with pytest.raises(AlreadyRunning, match=r"running with .* --data-dir") as caught:
        Home.open(tmp_path, console=False)
    assert caught.value.exit is Exit.BUSY
    home.lock.release()
    Home.open(tmp_path, console=False).lock.release()


def test_a_folder_that_cannot_be_made_is_told_with_a_way_out(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HomeError, match=r"Cannot write to .*file.*--data-dir") as caught:
        Home.open(tmp_path / "file", console=False)
    assert caught.value.exit is Exit.FAILED


def test_exit_codes_are_those_that_help_lists() -> None:
    assert [int(code) for code in (Exit.OK, Exit.FAILED, Exit.USAGE, Exit.BUSY)] == [0, 1, 2, 3]
