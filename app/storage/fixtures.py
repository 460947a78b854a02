"""Read and write fixture files: the built-in ones (read-only) and the user's own, each a JSON file in a folder.

A fixture is a saved event or raw frame. The calls block. The rest of the program uses ``saved_fixtures.Fixtures``,
which runs them in a thread.
"""

import difflib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from app.protocol.errors import Conflict, Invalid, Malformed, NotFound, RequestError, StorageError, TooLarge
from app.protocol.fixture import (
    MAX_FIXTURE_BYTES,
    SUFFIX,
    BadFixture,
    Fixture,
    SavedFixture,
    parse_fixture,
    valid_fixture_name,
)
from app.storage.files import find_files
from app.system.files import read_text, write_file

MAX_FILES = 2000
"""The maximum number of files that are read per folder."""
SETTLED_NS = 2_000_000_000
"""Two changes of a file within this time may get the same time stamp (on FAT, two seconds)."""


class FixtureLibrary:
    """Read, find, save, rename and delete fixtures. ``all`` has the fixtures of the last read.

    A user's fixture hides the built-in one with the same name. Methods that access the disk block, and raise
    ``RequestError`` and ``StorageError``.
    """

    def __init__(self, own: Path | None, built_in: Path, *, chosen: bool = False) -> None:
        """``own`` is the user's folder; if it is None, nothing can be saved.

        ``chosen``: the user has selected that folder, so a warning is given if it does not exist.
        """
        self._own = own
        self._built_in = built_in
        self._chosen = chosen
        self._saved: dict[str, SavedFixture] = {}
        self._files: dict[Path, _CachedFile] = {}
        self._invalid: dict[str, str] = {}
        """Warnings by the name of the invalid fixture."""
        self.warnings: list[str] = []
        """Sentences about files that are not valid fixtures."""

    @property
    def folder(self) -> Path | None:
        """The folder of the user's fixtures, or None."""
        return self._own

    @property
    def all(self) -> list[SavedFixture]:
        """All fixtures: the user's folders first, each in its order."""
        return sorted(
            self._saved.values(), key=lambda each: (not each.own, each.folder, each.fixture.order, each.name)
        )

    def find(self, name: str) -> SavedFixture:
        """Return a fixture by name, or by the last part of the name if that is unique. Raises ``RequestError``."""
        wanted = name.strip().casefold()
        if exact := self._saved.get(wanted):
            return exact
        same = [each for key, each in self._saved.items() if key.rpartition("/")[2] == wanted]
        if len(same) == 1:
            return same[0]
        if warning := self._invalid.get(wanted):
            raise NotFound(warning)
        similar = [each.name for each in same] or self._similar_names(wanted)
        hint = f"; did you mean {' or '.join(similar)}?" if similar else "."
        raise NotFound(f"There is no fixture {name[:80]!r}{hint}")

    def _similar_names(self, wanted: str) -> list[str]:
        by_name = {key: each.name for key, each in self._saved.items()}
        by_name |= {key.rpartition("/")[2]: name for key, name in by_name.items()}
        return [by_name[key] for key in difflib.get_close_matches(wanted[:80], by_name, 1)]

    def look_up(self, name: str) -> SavedFixture:
        """Return a fixture; read the folders again if its file has changed. Raises ``RequestError``."""
        with suppress(RequestError):
            saved = self.find(name)
            if self._is_fresh(saved):
                return saved
        self.read()
        return self.find(name)

    def _is_fresh(self, saved: SavedFixture) -> bool:
        own = self._own and _file(self._own, saved.name)
        if not saved.own and own and _stamp(own) != _NO_FILE:
            return False
        file = own if saved.own else _file(self._built_in, saved.name)
        return file is not None and file in self._files and self._files[file].stamp == _stamp(file)

    def read(self) -> bool:
        """Read both folders again, and return whether anything has changed.

        A file with the same stamp as before is not read again, and its ``SavedFixture`` stays the same object.
        """
        before = self._saved, self.warnings
        saved: dict[str, SavedFixture] = {}
        warnings: list[str] = []
        files: dict[Path, _CachedFile] = {}
        self._invalid = {}
        for folder, own in ((self._built_in, False), (self._own, True)):
            for each in self._read_folder(folder, own, warnings, files) if folder else ():
                saved[each.name.casefold()] = each
        self._files = files
        self._saved, self.warnings = saved, warnings  # replaced together, because other threads read them
        return (saved, warnings) != before

    def _read_folder(
        self, folder: Path, own: bool, warnings: list[str], known: "dict[Path, _CachedFile]"
    ) -> list[SavedFixture]:
        def report(error: OSError) -> None:
            warnings.append(_printable(f"{error.filename or folder} cannot be read: {error.strerror or error}."))

        found: list[SavedFixture] = []
        try:
            files = find_files(folder, SUFFIX, report)
        except FileNotFoundError:
            if own and self._chosen:
                warnings.append(f"The folder {folder} does not exist. It is created when you save a fixture.")
            return found
        except OSError as error:
            report(error)
            return found
        if len(files) > MAX_FILES:
            warnings.append(f"{folder} has {len(files):,} files; the first {MAX_FILES:,} are used.")
        for file in files[:MAX_FILES]:
            stamp = _stamp(file)
            before = self._files.get(file)
            if before is None or before.stamp != stamp or not before.settled:
                before = _CachedFile(stamp, _is_settled(stamp), self._read_file(folder, file, stamp, own))
            known[file] = before
            if isinstance(before.content, SavedFixture):
                found.append(before.content)
            else:
                warnings.append(before.content)
                self._invalid[_name(folder, file).casefold()] = before.content
        return found

    def _read_file(self, folder: Path, file: Path, stamp: "_Stamp", own: bool) -> SavedFixture | str:
        """Return the fixture in a file, or a sentence why the file is invalid."""
        name = _name(folder, file)
        try:
            if stamp.size > MAX_FIXTURE_BYTES:
                raise BadFixture(f"it is over {MAX_FIXTURE_BYTES // 1024} KiB")
            if valid_fixture_name(name) != name:
                raise BadFixture(f"invalid name {name!r}: it begins or ends with a space")
            if own:
                _require_inside(folder, file)
            return SavedFixture(name, parse_fixture(read_text(file, MAX_FIXTURE_BYTES)), own)
        except (BadFixture, OSError, UnicodeDecodeError) as error:
            return _printable(f"{file} is not a valid fixture: {error}.")

    def save(self, name: str, fixture: Fixture) -> SavedFixture:
        """Write a user's fixture, and replace an existing one with that name."""
        clean = _checked(name)
        text = _text(fixture)
        before = self._saved.get(clean.casefold())
        if before and before.own:
            self._change_case(before, clean)
        self._write(clean, text)
        saved = SavedFixture(clean, fixture, True)
        self._saved[clean.casefold()] = saved
        return saved

    def rename(self, name: str, new: str) -> SavedFixture:
        """Rename a user's fixture."""
        before, clean = self._own_fixture(name), _checked(new)
        existing = self._saved.get(clean.casefold())
        if existing and existing.own and existing.name != before.name:
            raise Conflict(f"A fixture {clean!r} already exists.")
        if clean.casefold() == before.name.casefold():
            self._change_case(before, clean)
        else:
            self._write(clean, _text(before.fixture))
            self._unlink(before)
        self.read()
        return self.find(clean)

    def delete(self, name: str) -> None:
        """Delete a user's fixture. A built-in one with the same name becomes visible again."""
        self._unlink(self._own_fixture(name))
        self.read()

    def _own_fixture(self, name: str) -> SavedFixture:
        saved = self.find(name)
        if not saved.own:
            raise Conflict(f"{saved.name} is built in and cannot be changed. Save a copy and edit the copy.")
        return saved

    def _file(self, name: str) -> Path:
        if self._own is None:
            raise StorageError("there is no folder for fixtures")
        file = _file(self._own, name)
        try:
            _require_inside(self._own, file.parent)
        except BadFixture as bad:
            raise Conflict(f"Fixture {name!r} cannot be written: {bad}.") from None
        return file

    def _write(self, name: str, text: str) -> None:
        file = self._file(name)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_file(file, text)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise _storage_error(file, "written", error) from None

    def _change_case(self, saved: SavedFixture, name: str) -> None:
        """Rename a fixture's file if only the case of its name differs, which matters on some systems."""
        if saved.name == name:
            return
        old, new = self._file(saved.name), self._file(name)
        try:
            new.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # the file was deleted by hand
                old.rename(new)
            self._remove_empty_folders(old.parent)
        except OSError as error:
            raise _storage_error(new, "written", error) from None

    def _unlink(self, saved: SavedFixture) -> None:
        file = self._file(saved.name)
        try:
            file.unlink(missing_ok=True)
            self._remove_empty_folders(file.parent)
        except OSError as error:
            raise _storage_error(file, "removed", error) from None

    def _remove_empty_folders(self, folder: Path) -> None:
        """Remove a folder and its parents if they are empty, up to the folder of the user's fixtures."""
        while folder != self._own and self._own in folder.parents:
            with suppress(FileNotFoundError):
                if any(folder.iterdir()):
                    return
                folder.rmdir()
            folder = folder.parent


class _Stamp(NamedTuple):
    """Properties of a file that change when its content changes."""

    modified_ns: int
    size: int
    inode: int


class _CachedFile(NamedTuple):
    """A file that was read: its stamp, and its fixture, or a sentence why it is invalid."""

    stamp: _Stamp
    settled: bool
    """Whether ``stamp`` was old enough when the file was read. If not, a later change may have the same stamp."""
    content: SavedFixture | str


_NO_FILE = _Stamp(0, -1, 0)


def _printable(text: str) -> str:
    """Replace lone surrogates, which represent bytes of a file name that are not valid Unicode."""
    return text.encode(errors="replace").decode()


def _stamp(file: Path) -> _Stamp:
    try:
        status = file.stat()
    except (OSError, ValueError):  # reading the file reports it
        return _NO_FILE
    return _Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def _is_settled(stamp: _Stamp) -> bool:
    return stamp != _NO_FILE and stamp.modified_ns + SETTLED_NS < time.time_ns()


def _name(folder: Path, file: Path) -> str:
    return file.relative_to(folder).with_suffix("").as_posix()


def _file(folder: Path, name: str) -> Path:
    return folder.joinpath(*name.split("/")).with_name(name.rpartition("/")[2] + SUFFIX)


def _require_inside(folder: Path, path: Path) -> None:
    """Raise ``BadFixture`` if a link leads from ``path`` out of ``folder``.

    The folder may be part of a repository that the user does not trust. A link in it must not give access to other
    files.
    """
    try:
        real, root = os.path.realpath(path), os.path.realpath(folder)
    except ValueError:  # a NUL: opening the file reports it
        return
    if not Path(real).is_relative_to(root):
        raise BadFixture(f"a link leads to {real}, outside of the fixtures folder")


def _text(fixture: Fixture) -> str:
    """Return the text of a fixture's file. Raises ``RequestError`` if the fixture is invalid or too large."""
    text = fixture.to_json()
    try:
        size = len(text.encode())
        parse_fixture(text)
    except (BadFixture, UnicodeEncodeError) as bad:
        reason = (
            "it contains a lone surrogate, which is not valid Unicode"
            if isinstance(bad, UnicodeEncodeError)
            else bad
        )
        raise Invalid(f"Not a valid fixture: {reason}.") from None
    if size > MAX_FIXTURE_BYTES:
        raise TooLarge(f"The fixture is too large: at most {MAX_FIXTURE_BYTES // 1024} KiB are allowed.")
    return text


def _storage_error(file: Path, what: str, error: Exception) -> StorageError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return StorageError(f"{file} could not be {what}: {reason}")


def _checked(name: str) -> str:
    try:
        return valid_fixture_name(name)
    except BadFixture as bad:
        raise Malformed(f"{bad}.") from None
