import sys
from pathlib import Path

import pytest

from app.storage.files import write_whole


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_file_is_written_and_written_over_with_its_line_ends_as_they_are(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    write_whole(file, "old and longer\n")
    write_whole(file, "ü\r\n\n")
    assert file.read_bytes() == "ü\r\n\n".encode()
    assert names(tmp_path) == ["x.json"]


def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        write_whole(tmp_path / "nowhere" / "x.json", "x")
    assert names(tmp_path) == []


def test_what_could_not_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "x.json").mkdir()
    with pytest.raises(OSError, match=r"x\.json"):
        write_whole(tmp_path / "x.json", "x")
    assert names(tmp_path) == ["x.json"]


def test_text_that_is_no_unicode_leaves_the_file_as_it_was_and_nothing_behind(tmp_path: Path) -> None:
    write_whole(tmp_path / "x.json", "before")
    with pytest.raises((OSError, ValueError)):
        write_whole(tmp_path / "x.json", "half of a pair: \ud83d")
    assert names(tmp_path) == ["x.json"]
    assert (tmp_path / "x.json").read_text() == "before"


@pytest.mark.skipif(sys.platform != "linux", reason="needs /dev/full")
def test_a_full_disk_leaves_the_file_as_it_was(tmp_path: Path) -> None:
    write_whole(tmp_path / "x.json", "before")
    (tmp_path / "x.json.part").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left"):
        write_whole(tmp_path / "x.json", "x" * 100_000)
    assert names(tmp_path) == ["x.json"]
    assert (tmp_path / "x.json").read_text() == "before"
