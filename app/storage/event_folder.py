"""Read the event files of a folder, and find out whether any of them has changed. The calls block.

A file whose stamp (time of change, size, inode) is the same is not read again, unless it changed in the last two
seconds, or could not be read. ``storage.event_files`` watches the folder, and keeps the catalog of events up to
date.
"""

import logging
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple

from app.protocol.contract_documents.file_kinds import SCHEMA_SUFFIX
from app.protocol.event_files.event_set import Parsed
from app.protocol.event_files.limits import MAX_FILE_BYTES, MAX_FILES, SUFFIXES
from app.protocol.event_files.problems import FileProblem, printable
from app.storage.files import find_files
from app.system.files import TooLarge, read_file, reason

log = logging.getLogger(__name__)

SETTLED_NS = 2_000_000_000
"""Two changes of a file within this time may get the same time stamp (on FAT, two seconds)."""
ATTEMPTS = 3
"""How often a file that changes while it is read is read again."""

Parse = Callable[[str, str], Parsed]
"""Returns the event of a file, from its path below the folder and its text."""


class Stamp(NamedTuple):
    """Properties of a file that change when its content changes."""

    modified_ns: int
    size: int
    inode: int
    status_ns: int = 0
    """When content or permissions were changed; on Windows, when the file was created."""


class _ReadFile(NamedTuple):
    stamp: Stamp | None
    """None if the system could not read the file: on Windows, that may end without a change of the file."""
    text: str
    parsed: Parsed


class EventFolder:
    """The event files below one folder. ``warnings`` has sentences about the folder itself."""

    def __init__(self, folder: Path | None, *, chosen: bool = False) -> None:
        """``folder`` None has no files. ``chosen``: the user has selected it, so it has to exist."""
        self.folder = folder
        self._chosen = chosen
        self._files: dict[str, _ReadFile] = {}
        self.warnings: list[str] = []

    def read(self, parse: Parse) -> Mapping[str, Parsed]:
        """Read the files that have changed, and return what all files define, by path."""
        found = self._find()
        files = {name: self._read(name, path, stamp, parse) for name, (path, stamp) in found.items()}
        self._files = files
        return {name: each.parsed for name, each in files.items()}

    def changed(self) -> bool:
        """Return whether files were added, changed or removed since ``read``.

        A file that changed recently counts as changed, because a later change may have the same stamp. So does one
        that could not be read.
        """
        found = {name: stamp for name, (_, stamp) in self._find().items()}
        read = {name: each.stamp for name, each in self._files.items()}
        return found != read or any(map(_is_recent, found.values()))

    def _find(self) -> dict[str, tuple[Path, Stamp]]:
        """Return the files with their paths below the folder and their stamps. Sets ``warnings``."""
        warnings: list[str] = []

        def report(error: OSError) -> None:
            warnings.append(
                printable(f"{error.filename or self.folder} cannot be read: {error.strerror or error}.")
            )

        files: list[Path] = []
        if self.folder is not None:
            try:
                files = [each for each in find_files(self.folder, SUFFIXES, report) if _is_event(each)]
            except FileNotFoundError:
                if self._chosen:
                    warnings.append(printable(f"The folder of event files {self.folder} does not exist."))
            except OSError as error:
                report(error)
        if len(files) > MAX_FILES:
            more = f"has {len(files):,} event files; the first {MAX_FILES} are used."
            warnings.append(printable(f"{self.folder} {more}"))
        self.warnings = warnings
        return {_name(self.folder, each): (each, _stamp(each)) for each in files[:MAX_FILES]}

    def _read(self, name: str, file: Path, stamp: Stamp, parse: Parse) -> _ReadFile:
        before = self._files.get(name)
        if before and before.stamp == stamp and not _is_recent(stamp):
            return before
        try:
            self._require_inside(file)
            text = self._stable_text(file, stamp)
        except (OSError, UnicodeDecodeError, ValueError) as error:
            problem = FileProblem(name, "", f"cannot be read: {_why(error)}")
            return _ReadFile(stamp if isinstance(error, ValueError | TooLarge) else None, "", (problem,))
        if before and before.text == text and text:
            return before._replace(stamp=stamp)  # the event stays the same object
        try:
            return _ReadFile(stamp, text, parse(name, text))
        except Exception:  # one file must not stop the start, nor the watching of the others
            log.exception("the event file %s could not be checked", name)
            return _ReadFile(
                stamp, text, (FileProblem(name, "", "cannot be checked, because of an internal error"),)
            )

    def _stable_text(self, file: Path, stamp: Stamp) -> str:
        """Return the text of a file that did not change while it was read. Raises ``OSError``."""
        for _ in range(ATTEMPTS):
            content = read_file(file, MAX_FILE_BYTES)
            after = _stamp(file)
            if after == stamp:
                return content.decode("utf-8-sig")
            stamp = after
        raise OSError("it changed while it was read; save it again")

    def _require_inside(self, file: Path) -> None:
        """Raise ``ValueError`` if a link leads out of the folder, which may be part of an untrusted repository."""
        assert self.folder is not None
        real = os.path.realpath(file)
        if not Path(real).is_relative_to(os.path.realpath(self.folder)):
            raise ValueError(f"a link leads to {real}, outside of the folder of event files")


def _why(error: Exception) -> str:
    text = reason(error)
    return text[:1].lower() + text[1:]


def _is_event(file: Path) -> bool:
    return not os.path.normcase(file.name).endswith(SCHEMA_SUFFIX)


def _name(folder: Path | None, file: Path) -> str:
    return printable(file.relative_to(folder or file).as_posix())


def _is_recent(stamp: Stamp) -> bool:
    return 0 <= time.time_ns() - stamp.modified_ns < SETTLED_NS


def _stamp(file: Path) -> Stamp:
    try:
        status = file.stat()
    except (OSError, ValueError):  # reading the file reports it
        return Stamp(0, -1, 0)
    return Stamp(status.st_mtime_ns, status.st_size, status.st_ino, status.st_ctime_ns)
