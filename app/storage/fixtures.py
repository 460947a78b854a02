"""The fixtures: those that come with the program, and a folder of a person's own, one JSON file each."""

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
SETTLED_NS = 2_000_000_000
"""File systems give two changes within this time the same time stamp (FAT: two seconds)."""


class FixtureLibrary:
    """Keeps what was read last in ``all``; methods that touch the disk raise ``RequestError`` and ``StorageError``.

    A fixture of one's own hides the built-in one of the same name.
    """

    def __init__(self, own: Path | None, built_in: Path, *, chosen: bool = False) -> None:
        """``own`` None: nothing can be saved. ``chosen``: a person named that folder, so it should be there."""
        self._own = own
        self._built_in = built_in
        self._chosen = chosen
        self._saved: dict[str, SavedFixture] = {}
        self._files: dict[Path, _Known] = {}
        self._broken: dict[str, str] = {}
        self.warnings: list[str] = []
        """Files that are no fixtures, and why."""

    @property
    def folder(self) -> Path | None:
        """Where one's own are."""
        return self._own

    @property
    def all(self) -> list[SavedFixture]:
        """The fixtures: one's own folders first, each in its order."""
        return sorted(
            self._saved.values(), key=lambda each: (not each.own, each.folder, each.fixture.order, each.name)
        )

    def find(self, name: str) -> SavedFixture:
        """Return a fixture by its name, or its last part where that is unique. Raises ``RequestError``."""
        wanted = name.strip().casefold()
        if exact := self._saved.get(wanted):
            return exact
        same = [each for key, each in self._saved.items() if key.rpartition("/")[2] == wanted]
        if len(same) == 1:
            return same[0]
        if warning := self._broken.get(wanted):
            raise NotFound(warning)
        near = [each.name for each in same] or self._near(wanted)
        hint = f": it may be {' or '.join(near)}" if near else ""
        raise NotFound(f"There is no fixture {name[:80]!r}{hint}.")

    def _near(self, wanted: str) -> list[str]:
        by_name = {key: each.name for key, each in self._saved.items()}
        by_name |= {key.rpartition("/")[2]: name for key, name in by_name.items()}
        return [by_name[key] for key in difflib.get_close_matches(wanted[:80], by_name, 1)]

    def look_up(self, name: str) -> SavedFixture:
        """Return a fixture as it is on the disk now. Raises ``RequestError``."""
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
        """Read both folders again, and return whether anything has changed. ``warnings`` lists invalid files.

        A file with the same stamp as before is not read again, and its ``SavedFixture`` stays the same object.
        """
        before = self._saved, self.warnings
        saved: dict[str, SavedFixture] = {}
        warnings: list[str] = []
        files: dict[Path, _Known] = {}
        self._broken = {}
        for folder, own in ((self._built_in, False), (self._own, True)):
            for each in self._read_folder(folder, own, warnings, files) if folder else ():
                saved[each.name.casefold()] = each
        self._files = files
        self._saved, self.warnings = saved, warnings  # at once: others look at them meanwhile
        return (saved, warnings) != before

    def _read_folder(
        self, folder: Path, own: bool, warnings: list[str], known: "dict[Path, _Known]"
    ) -> list[SavedFixture]:
        def report(error: OSError) -> None:
            warnings.append(_printable(f"{error.filename or folder} cannot be read: {error.strerror or error}."))

        found: list[SavedFixture] = []
        try:
            files = find_files(folder, SUFFIX, report)
        except FileNotFoundError:
            if own and self._chosen:
                warnings.append(f"There is no folder {folder}; it is made when you save a fixture.")
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
                before = _Known(stamp, _is_settled(stamp), self._read_file(folder, file, stamp, own))
            known[file] = before
            if isinstance(before.content, SavedFixture):
                found.append(before.content)
            else:
                warnings.append(before.content)
                self._broken[_name(folder, file).casefold()] = before.content
        return found

    def _read_file(self, folder: Path, file: Path, stamp: "_Stamp", own: bool) -> SavedFixture | str:
        """Return the fixture in a file, or why it is not one."""
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
        """Write a fixture of one's own, over an older one of that name."""
        clean = _checked(name)
        text = _text(fixture)
        before = self._saved.get(clean.casefold())
        if before and before.own:
            self._respell(before, clean)
        self._write(clean, text)
        saved = SavedFixture(clean, fixture, True)
        self._saved[clean.casefold()] = saved
        return saved

    def rename(self, name: str, new: str) -> SavedFixture:
        """Give one's own fixture another name."""
        before, clean = self._own_one(name), _checked(new)
        there = self._saved.get(clean.casefold())
        if there and there.own and there.name != before.name:
            raise Conflict(f"There is a fixture {clean!r} already.")
        if clean.casefold() == before.name.casefold():
            self._respell(before, clean)
        else:
            self._write(clean, _text(before.fixture))
            self._unlink(before)
        self.read()
        return self.find(clean)

    def delete(self, name: str) -> None:
        """Remove one's own fixture; a built-in one that it hid comes back."""
        self._unlink(self._own_one(name))
        self.read()

    def _own_one(self, name: str) -> SavedFixture:
        saved = self.find(name)
        if not saved.own:
            raise Conflict(f"{saved.name} comes with the program: save a copy and change that.")
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
        except (OSError, ValueError) as error:  # ValueError: a NUL in the folder
            raise _storage_error(file, "written", error) from None

    def _respell(self, saved: SavedFixture, name: str) -> None:
        """Give a file's name other letters, capital ones, say: some systems tell them apart."""
        if saved.name == name:
            return
        old, new = self._file(saved.name), self._file(name)
        try:
            new.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # somebody removed it by hand
                old.rename(new)
            self._tidy(old.parent)
        except OSError as error:
            raise _storage_error(new, "written", error) from None

    def _unlink(self, saved: SavedFixture) -> None:
        file = self._file(saved.name)
        try:
            file.unlink(missing_ok=True)
            self._tidy(file.parent)
        except OSError as error:
            raise _storage_error(file, "removed", error) from None

    def _tidy(self, folder: Path) -> None:
        """Remove a folder that has become empty, and those above it, but not the fixtures' own."""
        while folder != self._own and self._own in folder.parents:
            with suppress(FileNotFoundError):
                if any(folder.iterdir()):
                    return
                folder.rmdir()
            folder = folder.parent


class _Stamp(NamedTuple):
    """Tells one content of a file from another."""

    modified_ns: int
    size: int
    inode: int


class _Known(NamedTuple):
    """What a file contained when it had ``stamp``: a fixture, or the reason why it is not one."""

    stamp: _Stamp
    settled: bool
    """Whether ``stamp`` was old enough when the file was read: another change would have given it a new one."""
    content: SavedFixture | str


_NO_FILE = _Stamp(0, -1, 0)


def _printable(text: str) -> str:
    """Replace lone surrogates, which stand for the bytes of a file name that is not valid Unicode."""
    return text.encode(errors="replace").decode()


def _stamp(file: Path) -> _Stamp:
    try:
        told = file.stat()
    except (OSError, ValueError):  # reading the file reports it
        return _NO_FILE
    return _Stamp(told.st_mtime_ns, told.st_size, told.st_ino)


def _is_settled(stamp: _Stamp) -> bool:
    return stamp != _NO_FILE and stamp.modified_ns + SETTLED_NS < time.time_ns()


def _name(folder: Path, file: Path) -> str:
    return file.relative_to(folder).with_suffix("").as_posix()


def _file(folder: Path, name: str) -> Path:
    return folder.joinpath(*name.split("/")).with_name(name.rpartition("/")[2] + SUFFIX)


def _require_inside(folder: Path, path: Path) -> None:
    """Raise ``BadFixture`` if a link leads from ``path`` out of ``folder``.

    The folder may come from a foreign repository. Its author must not choose other files to be read or written.
    """
    try:
        real, root = os.path.realpath(path), os.path.realpath(folder)
    except ValueError:  # a NUL: opening the file reports it
        return
    if not Path(real).is_relative_to(root):
        raise BadFixture(f"a link leads to {real}, outside of the fixtures folder")


def _text(fixture: Fixture) -> str:
    """Return a fixture's file. Raises ``RequestError`` for one that could not be read again."""
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
        raise TooLarge(f"A fixture has at most {MAX_FIXTURE_BYTES} bytes.")
    return text


def _storage_error(file: Path, what: str, error: Exception) -> StorageError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return StorageError(f"{file} could not be {what}: {reason}")


def _checked(name: str) -> str:
    try:
        return valid_fixture_name(name)
    except BadFixture as bad:
        raise Malformed(f"{bad}.") from None
