"""A library of files, below two folders: the built-in ones (read-only) and the user's own.
Finds, writes, renames and deletes them by name: the path below the folder without the suffix, ``folder/name``.
Subclasses say what the files contain.

Calls that access the disk block; the rest of the program runs them in a thread.
"""

import logging
import os
import time
from abc import ABC, abstractmethod
from contextlib import suppress
from pathlib import Path
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from app.protocol.contract_documents.file_kinds import SCHEMA_SUFFIX, FileKind
from app.protocol.errors import Conflict, Malformed, NotFound, RequestError, StorageError
from app.protocol.file_names import BadName, composed, name_key, valid_name
from app.storage.files import find_files
from app.storage.schema_files import with_reference, write_schema
from app.system.files import delete, read_text, replace, write_file

log = logging.getLogger(__name__)

MAX_TEXT_BYTES = 1024 * 1024
"""The largest file whose reference to a schema is adapted."""
MAX_FILES = 2000
"""The maximum number of files that are read per folder."""
SETTLED_NS = 2_000_000_000
"""Two changes of a file within this time may get the same time stamp (on FAT, two seconds)."""


class Item(Protocol):
    """The content of a file, with its name. ``own``: it is the user's, not a built-in one."""

    @property
    def name(self) -> str:
        """The name: ``folder/name``."""

    @property
    def own(self) -> bool:
        """Whether it is one of the user's own."""


ItemT = TypeVar("ItemT", bound=Item)


class FileLibrary(ABC, Generic[ItemT]):
    """Find, rename and delete files, and write them. ``all`` has the content of the last read.

    A user's file hides the built-in one with the same name. Methods that access the disk block, and raise
    ``RequestError`` and ``StorageError``.
    """

    noun: str
    """What a file contains, for messages: ``fixture``."""
    suffixes: tuple[str, ...]
    """The endings of the files' names. A new file gets the first one, unless ``_write`` is given another."""
    kind: FileKind | None = None
    """The kind of the files, if they refer to a schema, which is then written into the user's folder."""

    def __init__(self, own: Path | None, built_in: Path, *, chosen: bool = False) -> None:
        """``own`` is the user's folder; if it is None, nothing can be saved.

        ``chosen``: the user has selected that folder, so a warning is given if it does not exist.
        """
        self._own = own
        self._built_in = built_in
        self._chosen = chosen
        self._saved: dict[str, ItemT] = {}
        self._paths: dict[str, Path] = {}
        """The files of ``_saved``."""
        self._files: dict[Path, _CachedFile[ItemT]] = {}
        self._invalid: dict[str, str] = {}
        """Warnings by the name of the invalid file."""
        self.warnings: list[str] = []
        """Sentences about invalid files."""

    @abstractmethod
    def _parse(self, name: str, file: Path, size: int, own: bool) -> ItemT:
        """Read a file of ``size`` bytes. Raises ``ValueError`` with the reason, and ``OSError``."""

    @abstractmethod
    def _order(self, item: ItemT) -> Any:
        """Return the sort key of an item in ``all``."""

    @property
    def folder(self) -> Path | None:
        """The folder of the user's files, or None."""
        return self._own

    @property
    def all(self) -> list[ItemT]:
        """All items, in their order."""
        return sorted(self._saved.values(), key=self._order)

    def find(self, name: str) -> ItemT:
        """Return an item by name, or by the last part of the name if that is unique. Raises ``RequestError``."""
        same = self.matching(name)
        if len(same) == 1:
            return same[0]
        wanted = name_key(name)
        if warning := self._invalid.get(wanted):
            raise NotFound(warning)
        similar = [each.name for each in same] or self._similar_names(wanted)
        hint = f"; did you mean {' or '.join(similar)}?" if similar else "."
        raise NotFound(f"There is no {self.noun} {name[:80]!r}{hint}")

    def matching(self, name: str) -> list[ItemT]:
        """Return the item with a name; if there is none, all items whose name ends with it."""
        wanted = name_key(name)
        if exact := self._saved.get(wanted):
            return [exact]
        return [each for key, each in self._saved.items() if key.rpartition("/")[2] == wanted]

    def _similar_names(self, wanted: str) -> list[str]:
        import difflib  # loaded with the first mistyped name

        by_name = {key: each.name for key, each in self._saved.items()}
        by_name |= {key.rpartition("/")[2]: name for key, name in by_name.items()}
        return [by_name[key] for key in difflib.get_close_matches(wanted[:80], by_name, 1)]

    def look_up(self, name: str) -> ItemT:
        """Return an item; read the folders again if its file has changed. Raises ``RequestError``."""
        with suppress(RequestError):
            saved = self.find(name)
            if self._is_fresh(saved):
                return saved
        self.read()
        return self.find(name)

    def _is_fresh(self, saved: ItemT) -> bool:
        if not saved.own and any(_stamp(each) != _NO_FILE for each in self._own_files(saved.name)):
            return False
        file = self._paths.get(saved.name.casefold())
        return file is not None and file in self._files and self._files[file].stamp == _stamp(file)

    def _own_files(self, name: str) -> list[Path]:
        """Return the files that an own item with this name can have."""
        return [_file(self._own, name, suffix) for suffix in self.suffixes] if self._own else []

    def read(self) -> bool:
        """Read both folders again, and return whether anything has changed.

        A file with the same stamp as before is not read again, and its item stays the same object.
        """
        before = self._saved, self.warnings
        saved: dict[str, ItemT] = {}
        paths: dict[str, Path] = {}
        warnings: list[str] = []
        files: dict[Path, _CachedFile[ItemT]] = {}
        self._invalid = {}
        for folder, own in ((self._built_in, False), (self._own, True)):
            for each, file in self._read_folder(folder, own, warnings, files) if folder else ():
                key = each.name.casefold()
                if key in saved and saved[key].own == own:
                    warnings.append(_printable(f"{paths[key]} is not used, because {file.name} has the same name."))
                saved[key], paths[key] = each, file
        self._files, self._paths = files, paths
        self._saved, self.warnings = saved, warnings  # replaced together, because other threads read them
        return (saved, warnings) != before

    def _read_folder(
        self, folder: Path, own: bool, warnings: list[str], known: "dict[Path, _CachedFile[ItemT]]"
    ) -> list[tuple[ItemT, Path]]:
        def report(error: OSError) -> None:
            warnings.append(_printable(f"{error.filename or folder} cannot be read: {error.strerror or error}."))

        found: list[tuple[ItemT, Path]] = []
        try:
            files = [each for each in find_files(folder, self.suffixes, report) if not _is_schema(each)]
        except FileNotFoundError:
            if own and self._chosen:
                warnings.append(f"The folder {folder} does not exist. It is created when you save a {self.noun}.")
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
                before = self._read_file(folder, file, stamp, own)
            known[file] = before
            if isinstance(before.content, str):
                warnings.append(before.content)
                self._invalid[self._name(folder, file).casefold()] = before.content
            else:
                found.append((before.content, file))
        return found

    def _read_file(self, folder: Path, file: Path, stamp: "_Stamp", own: bool) -> "_CachedFile[ItemT]":
        """Return the item in a file, or a sentence why the file is invalid."""
        settled = _is_settled(stamp)
        name = self._name(folder, file)
        try:
            if valid_name(name, self.noun) != name:
                raise ValueError(f"invalid name {name!r}: it begins or ends with a space")
            if own:
                self._require_inside(folder, file)
            return _CachedFile(stamp, settled, self._parse(name, file, stamp.size, own))
        except (ValueError, OSError) as error:
            settled = settled and isinstance(error, ValueError)
            return _CachedFile(stamp, settled, _printable(f"{file} is not a valid {self.noun}: {error}."))

    def _name(self, folder: Path, file: Path) -> str:
        path = file.relative_to(folder).as_posix()
        suffix = next(each for each in self.suffixes if os.path.normcase(path).endswith(each))
        return composed(path[: -len(suffix)])

    def _require_inside(self, folder: Path, path: Path) -> None:
        """Raise ``ValueError`` if a link leads from ``path`` out of ``folder``.

        The folder may be part of a repository that the user does not trust. A link in it must not give access to
        other files.
        """
        try:
            real, root = os.path.realpath(path), os.path.realpath(folder)
        except ValueError:  # a NUL: opening the file reports it
            return
        if not Path(real).is_relative_to(root):
            raise ValueError(f"a link leads to {real}, outside of the {self.noun}s folder")

    def rename(self, name: str, new: str) -> ItemT:
        """Rename one of the user's items."""
        before, clean = self._own_item(name), self._checked(new)
        existing = self._saved.get(clean.casefold())
        if existing and existing.own and existing.name != before.name:
            raise Conflict(f"A {self.noun} {clean!r} already exists.")
        self._move(before, clean)
        self.read()
        return self.find(clean)

    def delete(self, name: str) -> None:
        """Delete one of the user's items. A built-in one with the same name becomes visible again."""
        saved = self._own_item(name)
        key = saved.name.casefold()
        file = self._paths[key]
        self._unlink_file(self._own_file(saved.name, self._suffix(saved.name)))
        self.read()
        if self._paths.get(key) == file:
            raise StorageError(f"{file} could not be removed")

    def _own_item(self, name: str) -> ItemT:
        saved = self.find(name)
        if not saved.own:
            raise Conflict(f"{saved.name} is built in and cannot be changed. Save a copy and edit the copy.")
        return saved

    def _checked(self, name: str) -> str:
        try:
            return valid_name(name, self.noun)
        except BadName as bad:
            raise Malformed(f"{bad}.") from None

    def _suffix(self, name: str) -> str:
        """Return the ending of the file of a known item, or the usual one."""
        file = self._paths.get(name.casefold())
        ending = os.path.normcase(file.name) if file else ""
        return next((each for each in self.suffixes if ending.endswith(each)), self.suffixes[0])

    def _own_file(self, name: str, suffix: str) -> Path:
        if self._own is None:
            raise StorageError(f"there is no folder for {self.noun}s")
        file = _file(self._own, name, suffix)
        known = self._paths.get(name.casefold())
        if known and _comparable(known) == _comparable(file):
            file = known  # its name may be decomposed, and its ending in capitals on Windows
        try:
            self._require_inside(self._own, file.parent)
        except ValueError as bad:
            raise Conflict(f"{self.noun.capitalize()} {name!r} cannot be written: {bad}.") from None
        return file

    def _write(self, item: ItemT, text: str, suffix: str = "") -> None:
        """Write the text of one of the user's items, and replace an existing one with that name.

        Raises ``Conflict`` if there is a file with that name that is not a known item: the user was not warned that
        it would be replaced.
        """
        file = self._own_file(item.name, suffix or self._suffix(item.name))
        key = item.name.casefold()
        before = self._saved.get(key)
        if before and before.own:
            if suffix and suffix != self._suffix(before.name):
                self._require_no_file(item.name, [file, *self._read_files(key, suffix)])
            self._move(before, item.name)
        else:
            self._require_no_file(item.name, self._own_files(item.name))
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            write_file(file, text)
        except (OSError, ValueError) as error:  # ValueError: a NUL in the path
            raise _storage_error(file, "written", error) from None
        self._write_schema()
        # Replaced, not changed: other threads may iterate over them.
        self._saved, self._paths = {**self._saved, key: item}, {**self._paths, key: file}

    def _read_files(self, key: str, suffix: str) -> list[Path]:
        """Return the user's files with this name, in any capitals, and this ending, as they were read last."""
        return [
            each for each in self._files
            if self._own and each.is_relative_to(self._own)
            and self._name(self._own, each).casefold() == key and os.path.normcase(each.name).endswith(suffix)
        ]  # fmt: skip

    def _require_no_file(self, name: str, files: list[Path]) -> None:
        """Raise ``Conflict`` if one of the files exists. If it is valid, it is known afterwards, or a warning says
        that another file with this name is used.
        """
        existing = next((each for each in files if _stamp(each) != _NO_FILE and not each.is_dir()), None)
        if existing is None:
            return
        self.read()
        used = self._paths.get(name.casefold())
        if used and _comparable(used) == _comparable(existing):
            raise Conflict(f"{existing} was added meanwhile. Save again to replace it.")
        raise Conflict(f"{existing} exists already. Rename or delete it first.")

    def _write_schema(self) -> None:
        """Write the schema that the files refer to. The files are valid without it."""
        if self.kind and self._own:
            with suppress(OSError):
                write_schema(self._own, self.kind)

    def _move(self, saved: ItemT, name: str) -> None:
        """Rename the file of an item. A change of case only matters on some systems."""
        if saved.name == name:
            return
        suffix = self._suffix(saved.name)
        old, new = self._own_file(saved.name, suffix), self._own_file(name, suffix)
        try:
            new.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # the file was deleted by hand
                if new.exists() and not new.samefile(old):
                    raise Conflict(f"{new} exists already. Rename or delete it first.")
                replace(old, new)
                self._moved(new, name)
            self._remove_empty_folders(old.parent)
        except (OSError, ValueError) as error:
            raise _storage_error(new, "written", error) from None

    def _moved(self, file: Path, name: str) -> None:
        """Adapt the reference to the schema in a file that was moved to another folder."""
        if self.kind is None or self._own is None:
            return
        try:
            text = read_text(file, MAX_TEXT_BYTES)
            if (adapted := with_reference(text, self.kind, name)) != text:
                write_file(file, adapted)
        except (OSError, UnicodeDecodeError):
            log.warning("the reference to the schema in a renamed %s could not be changed", self.noun)

    def _unlink_file(self, file: Path) -> None:
        try:
            delete(file)
            self._remove_empty_folders(file.parent)
        except OSError as error:
            raise _storage_error(file, "removed", error) from None

    def _remove_empty_folders(self, folder: Path) -> None:
        """Remove a folder and its parents if they are empty, up to the user's folder. On Windows, not if in use."""
        while folder != self._own and self._own in folder.parents:
            try:
                if any(folder.iterdir()):
                    return
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                return
            folder = folder.parent


def changed_meanwhile(name: str) -> Conflict:
    """Return the error for a file that another program has changed since the user opened it."""
    return Conflict(
        f"The file of {name} has changed since it was opened. Save again to replace it, or use Revert to see the "
        "new content."
    )


class _Stamp(NamedTuple):
    """Properties of a file that change when its content changes."""

    modified_ns: int
    size: int
    inode: int
    status_ns: int = 0
    """When content or permissions were changed; on Windows, when the file was created."""


class _CachedFile(NamedTuple, Generic[ItemT]):
    """A file that was read: its stamp, and its item, or a sentence why it is invalid."""

    stamp: _Stamp
    settled: bool
    """Whether ``stamp`` was old enough when the file was read. If not, a later change may have the same stamp.

    An error of the system is not settled: on Windows, it may end without a change of the file.
    """
    content: ItemT | str


_NO_FILE = _Stamp(0, -1, 0)


def _comparable(file: Path) -> str:
    return os.path.normcase(composed(str(file)))


def _is_schema(file: Path) -> bool:
    return os.path.normcase(file.name).endswith(SCHEMA_SUFFIX)


def _printable(text: str) -> str:
    """Replace lone surrogates, which represent bytes of a file name that are not valid Unicode."""
    return text.encode(errors="replace").decode()


def _stamp(file: Path) -> _Stamp:
    try:
        status = file.stat()
    except (OSError, ValueError):  # reading the file reports it
        return _NO_FILE
    return _Stamp(status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns)


def _is_settled(stamp: _Stamp) -> bool:
    return stamp != _NO_FILE and stamp.modified_ns + SETTLED_NS < time.time_ns()


def _file(folder: Path, name: str, suffix: str) -> Path:
    return folder.joinpath(*name.split("/")).with_name(name.rpartition("/")[2] + suffix)


def _storage_error(file: Path, what: str, error: Exception) -> StorageError:
    reason = (error.strerror if isinstance(error, OSError) else None) or error
    return StorageError(f"{file} could not be {what}: {reason}")
