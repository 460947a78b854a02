"""Finding files in a folder, and reading a file as a frame."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.storage.files import find_files


def put(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")


def no_errors(error: OSError) -> None:
    raise AssertionError(error)


def test_find_files_returns_visible_files_with_the_suffix_in_order(tmp_path: Path) -> None:
    expected = [tmp_path / "a.json", tmp_path / "b" / "c.json", tmp_path / "b" / "d" / "e.json"]
    put(*expected, tmp_path / "x.txt", tmp_path / ".hidden.json", tmp_path / ".git" / "y.json")
    (tmp_path / "folder.json").mkdir()
    assert find_files(tmp_path, ".json", no_errors) == expected


@pytest.mark.parametrize("part", ["missing", "x" * 300, "x" * 300 + "/y", "a\0b", "file"])
def test_find_files_raises_oserror_for_a_folder_that_cannot_be_listed(tmp_path: Path, part: str) -> None:
    put(tmp_path / "file")
    with pytest.raises(OSError, match=r".") as caught:
        find_files(tmp_path / part, ".json", no_errors)
    assert caught.value.strerror
    # Windows reports a folder whose name is too long as missing.
    missing = part == "missing" or (sys.platform == "win32" and part.startswith("x" * 300))
    assert isinstance(caught.value, FileNotFoundError) == missing


def test_find_files_reports_an_unreadable_subfolder_and_finds_the_other_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    put(tmp_path / "open" / "x.json", closed / "y.json")
    scandir = os.scandir

    def refuse(path: str | Path) -> Iterator[os.DirEntry[str]]:
        if Path(path) == closed:
            raise PermissionError(13, "Permission denied", str(path))
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    errors: list[OSError] = []
    assert find_files(tmp_path, ".json", errors.append) == [tmp_path / "open" / "x.json"]
    assert [error.filename for error in errors] == [str(closed)]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no FIFOs in folders")
def test_find_files_skips_a_fifo_because_reading_it_would_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.json")
    assert find_files(tmp_path, ".json", no_errors) == []
