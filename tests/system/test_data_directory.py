import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from app.__main__ import run
from app.system import data_directory, files
from app.system.data_directory import AlreadyRunning, DataDirectory, DataDirectoryError, Overrides
from app.system.exit_codes import Exit
from app.system.settings import Settings
from app.system.settings_checks import InvalidSettings
from tests.conftest import make_link, remove_home_folder

pytestmark = pytest.mark.usefixtures("own_logging")


def test_a_data_directory_has_folders_a_lock_and_a_log(tmp_path: Path) -> None:
    home = DataDirectory.open(tmp_path / "here")
    home.start_log(console=False)
    assert (tmp_path / "here" / "logs" / "companion.log").is_file()
    assert home.settings_file.path == home.folders.settings_file
    home.lock.release()


def test_what_a_killed_write_has_left_is_deleted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: it stayed for ever, also if it contained the secret keys for peers."""
    data, name = tmp_path / "data", f".companion-{'0a' * 8}.part"

    def kill(*_: Path) -> None:
        raise KeyboardInterrupt

    (data / "fixtures" / "folder").mkdir(parents=True)
    with monkeypatch.context() as patch:
        patch.setattr(files, "replace", kill)
        patch.setattr(Path, "unlink", kill)
        for folder in (data, data / "fixtures" / "folder"):
            with pytest.raises(KeyboardInterrupt):
                files.write_file(folder / "x.json", "secret")
    assert len(list(data.rglob(".companion-*.part"))) == 2

    running = DataDirectory.open(tmp_path / "running")
    written = running.folders.data / name  # by the companion that has the lock
    others = [
        written, data / f"{name}s", data / f"x{name}", data / ".companion-0a.part", data / "other" / name,
        data / "fixtures" / name / "x",
    ]  # fmt: skip
    for file in others:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("kept")
    with pytest.raises(AlreadyRunning):
        DataDirectory.open(tmp_path / "running")
    running.lock.release()
    DataDirectory.open(data).lock.release()
    assert all(file.exists() for file in others)
    assert sorted(each for each in data.rglob(".companion-*.part") if each.is_file()) == sorted(others[3:5])


def test_links_to_what_a_killed_write_has_left_are_not_followed(tmp_path: Path) -> None:
    data, name = tmp_path / "data", f".companion-{'0a' * 8}.part"
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / name).write_text("kept")
    (data / "faults").mkdir(parents=True)
    make_link(data / name, elsewhere / name)
    make_link(data / "sessions", elsewhere)
    make_link(data / "faults" / "link", elsewhere)
    DataDirectory.open(data).lock.release()
    assert (elsewhere / name).exists()
    assert (data / name).is_symlink()


def test_the_port_of_the_command_line_overrides_the_file(tmp_path: Path) -> None:
    home = DataDirectory.open(tmp_path)
    home.settings_file.path.write_text("port = 9000\nusername = 'zoe'\n")
    assert home.load(Overrides()).port == 9000
    assert home.load(Overrides(port=0)).port == 0
    assert home.load(Overrides(port=9001)).username == "zoe"
    home.lock.release()


def test_a_second_companion_in_the_same_folder_is_rejected_with_instructions(tmp_path: Path) -> None:
    home = DataDirectory.open(tmp_path)
    with pytest.raises(AlreadyRunning, match=r"running with .* --data-dir") as caught:
        DataDirectory.open(tmp_path)
    assert caught.value.exit is Exit.BUSY
    home.lock.release()
    DataDirectory.open(tmp_path).lock.release()


def test_a_start_waits_for_a_companion_that_is_ending_but_not_for_one_that_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = DataDirectory.open(tmp_path)
    pauses: list[None] = []
    monkeypatch.setattr(data_directory, "pause", lambda: pauses.append(None))
    with pytest.raises(AlreadyRunning):
        DataDirectory.open_when_free(tmp_path, lambda _: True)
    assert pauses == []
    with pytest.raises(AlreadyRunning):
        DataDirectory.open_when_free(tmp_path, lambda _: False)
    assert len(pauses) == data_directory.ATTEMPTS
    monkeypatch.setattr(data_directory, "pause", home.lock.release)
    DataDirectory.open_when_free(tmp_path, lambda _: False).lock.release()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows knows the folders without a home folder")
def test_without_a_home_folder_the_error_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A container may run as a user without an entry in passwd."""
    remove_home_folder(monkeypatch)
    sentence = r"^The home folder of this user is unknown. Set HOME, or use --data-dir.$"
    with pytest.raises(DataDirectoryError, match=sentence):
        DataDirectory.open(None)
    monkeypatch.setattr(sys, "argv", ["companion", "status"])
    with pytest.raises(SystemExit) as ended:
        run()
    assert ended.value.code == Exit.FAILED
    DataDirectory.open(tmp_path).lock.release()


def test_a_folder_whose_name_is_not_unicode_is_refused(tmp_path: Path) -> None:
    """Regression: the instance file could not be written, so that no command found the companion."""
    with pytest.raises(DataDirectoryError, match=r"x\\udcff' is not valid Unicode\. Rename .* with --data-dir\.$"):
        DataDirectory.open(tmp_path / "x\udcff")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_created_is_reported_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file")
    with pytest.raises(DataDirectoryError, match=r"Cannot write to .*file.*--data-dir") as caught:
        DataDirectory.open(tmp_path / "file")
    assert caught.value.exit is Exit.FAILED


def test_exit_codes_are_those_in_the_help() -> None:
    assert [int(code) for code in (Exit.OK, Exit.FAILED, Exit.USAGE, Exit.BUSY)] == [0, 1, 2, 3]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[DataDirectory]:
    home = DataDirectory.open(tmp_path)
    yield home
    home.lock.release()


def written(home: DataDirectory) -> str:
    file = home.settings_file.path
    return file.read_text() if file.exists() else ""


def test_each_override_takes_precedence_over_the_file(home: DataDirectory) -> None:
    home.settings_file.path.write_text("port = 9000\nrest_port = 9001\nrest = false\n")
    settings = home.load(Overrides(port=1, rest=True))
    assert (settings.port, settings.rest, settings.rest_port) == (1, True, 9001)
    settings = home.load(Overrides(rest_port=0))
    assert (settings.port, settings.rest, settings.rest_port) == (9000, False, 0)


def test_ports_of_the_command_line_must_be_different(home: DataDirectory) -> None:
    with pytest.raises(DataDirectoryError) as caught:
        home.load(Overrides(port=8080))
    assert caught.value.exit is Exit.USAGE
    assert str(caught.value) == (
        "rest_port: 8080 is already the port of the event server. "
        "Choose different ports with --port, --rest-port, --control-port and --peer-port."
    )
    assert home.load(Overrides(port=8080, rest=False)).port == 8080


def test_invalid_or_conflicting_settings_are_not_written(home: DataDirectory) -> None:
    settings = home.load(Overrides(port=9000))
    for invalid in (
        replace(settings, rest_port=9000),
        replace(settings, rest_port=8081),  # the port in the file, which the command line overrides
        replace(settings, username=""),
    ):
        with pytest.raises(InvalidSettings):
            home.save(invalid)
    assert written(home) == ""


def test_command_line_values_are_not_written_to_the_file(home: DataDirectory) -> None:
    settings = home.load(Overrides(port=9000, rest=False, rest_port=9001))
    settings.theme = "dark"
    home.save(settings)
    home.save(settings)
    assert [line for line in written(home).splitlines() if not line.startswith("#:schema")] == ['theme = "dark"']
    assert home.settings_file.load() == Settings(theme="dark")


def test_save_keeps_file_values_that_the_command_line_overrides(home: DataDirectory) -> None:
    home.settings_file.path.write_text("port = 9000\n")
    settings = home.load(Overrides(port=0))
    settings.username = "zoe"
    home.save(settings)
    assert home.settings_file.load() == Settings(port=9000, username="zoe")


def test_a_changed_port_is_written_even_if_the_command_line_overrides_it(home: DataDirectory) -> None:
    settings = home.load(Overrides(port=9000))
    settings.port = 9500
    home.save(settings)
    assert home.settings_file.load().port == 9500


def test_a_port_that_is_changed_and_then_set_back_to_the_command_lines_is_written(home: DataDirectory) -> None:
    settings = home.load(Overrides(port=9000))
    for port in (9500, 9000):
        settings.port = port
        home.save(settings)
    assert home.settings_file.load().port == 9000
