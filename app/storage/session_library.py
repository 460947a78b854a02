"""Find, read, write, rename and delete session files: transcripts (``.chat``), lines of JSON (``.session.jsonl``).
Also read and write chat states, the JSON files in a session's folder that it loads or saves, and compare what the
UI sent in two recordings.

See ``file_library`` for their folders, and ``saved_state_file`` for the files that a session may write. Calls that
access the disk block; ``saved_sessions.SavedSessions`` and ``Companion`` run them in threads.
"""

import re
from pathlib import Path
from typing import Any

from typing_extensions import override

from app.protocol.envelope import MAX_STATE_DEPTH, BadFrame, parse_json
from app.protocol.errors import Conflict, Invalid, NotFound, StorageError, TooLarge
from app.protocol.session.comparison import UiDifference, compare
from app.protocol.session.errors import InvalidSession
from app.protocol.session.lines import decode_lines
from app.protocol.session.saved import (
    LINES,
    MAX_TRANSCRIPT_BYTES,
    TRANSCRIPT,
    SavedSession,
    decode_session,
    parse_session,
    read_session,
    suffix_of,
)
from app.protocol.session.steps import Header, InvalidStep, Session, header_from_json
from app.saved_state_file import file_in, write_state
from app.storage.file_library import FileLibrary
from app.system.files import read_file, reason

MAX_LINES_BYTES = 256 * 1024 * 1024
MAX_DIFFERENCES = 1_000
"""At most this many differences of two recordings are returned."""
HEAD_BYTES = 16 * 1024
"""As much of a file is read to list it."""

_TITLE_AND_KIND = re.compile(r'"(title|kind)" *: *("(?:[^"\\]|\\.)*")')


class SessionLibrary(FileLibrary[SavedSession]):
    """Read, find, save, rename and delete sessions."""

    noun = "session"
    suffixes = (TRANSCRIPT, LINES)

    @override
    def _parse(self, name: str, file: Path, size: int, own: bool) -> SavedSession:
        with file.open("rb") as stream:
            first, line_break, _ = stream.read(HEAD_BYTES).decode("utf-8-sig", "replace").partition("\n")
        head = first.strip()
        if suffix_of(file.name) == LINES:
            header = _header(head, is_cut=not line_break and size > HEAD_BYTES)
        else:
            header = Header(title=head.lstrip("#").strip())
        title = header.title if head[:1] in "#{" else ""
        return SavedSession(name, own, suffix_of(file.name), size, title, header.kind)

    @override
    def _order(self, item: SavedSession) -> Any:
        return not item.own, item.folder, item.name

    def text(self, saved: SavedSession) -> str:
        """Return the text of a session. Raises ``StorageError`` and ``TooLarge``."""
        return _text(self._path(saved))

    def load(self, saved: SavedSession) -> Session:
        """Read a whole session. Raises ``Invalid``, ``TooLarge`` and ``StorageError``."""
        return parse_session(self.text(saved), saved.suffix)

    def described(self, name: str, text: str, suffix: str) -> SavedSession:
        """Check the text of one of the user's sessions, and return its entry in the list. Any thread may call this.

        Raises ``Invalid``, and ``TooLarge`` for a text that could not be read again.
        """
        clean = self._checked(name)
        size = len(text.encode())
        _require_size(clean, size, suffix)
        header = parse_session(text, suffix).header
        return SavedSession(clean, True, suffix, size, header.title, header.kind)

    def save(self, name: str, text: str, suffix: str) -> SavedSession:
        """Write one of the user's sessions, and replace an existing one with that name. Raises as ``described``."""
        return self.write(self.described(name, text, suffix), text)

    def write(self, saved: SavedSession, text: str) -> SavedSession:
        """Write a session that ``described`` has checked."""
        before = self._saved.get(saved.name.casefold())
        self._write(saved, text, saved.suffix)
        if before and before.own and before.suffix != saved.suffix:  # after the write, which may fail
            self._unlink_file(self._own_file(saved.name, before.suffix))
        return saved

    def recording(self, name: str) -> Path:
        """Return the file of a recording. Raises ``NotFound``, and ``Invalid`` for a transcript."""
        saved = self.look_up(name)
        if saved.suffix == TRANSCRIPT:
            raise Invalid(f"{saved.name} is a scenario. Only recordings can be opened.")
        return self._path(saved)

    def new_recording(self, name: str) -> Path:
        """Return the file for a new recording. Raises ``Conflict`` if the user has a session with that name."""
        self.read()
        existing = self._saved.get(name.casefold())
        if (existing and existing.own) or name.casefold() in self._invalid:
            raise Conflict(f"A session {name!r} already exists.")
        return self._own_file(name, LINES)

    def _path(self, saved: SavedSession) -> Path:
        file = self._paths.get(saved.name.casefold())
        if file is None:
            raise NotFound(f"There is no session {saved.name!r}.")
        return file

    def read_beside(self, saved: SavedSession, name: str) -> Any:
        """Return the JSON in a file of the folder of a session. Raises ``NotFound`` and ``Invalid``."""
        file = file_in(self._path(saved).parent, name)
        try:
            return parse_json(read_file(file, MAX_LINES_BYTES).decode(), MAX_STATE_DEPTH)
        except (OSError, UnicodeDecodeError) as error:
            raise NotFound(f"{name[:80]} could not be read: {reason(error)}.") from None
        except BadFrame as error:
            raise Invalid(f"{name[:80]} is not valid JSON: {error}.") from None

    def write_beside(self, saved: SavedSession, name: str, content: Any) -> None:
        """Write a chat state to a file of the folder of one of the user's sessions. Raises as ``write_state``."""
        if not saved.own:
            raise Conflict(f"{saved.name} is built in, so it cannot save files. Save a copy and run the copy.")
        write_state(self._path(saved).parent, name, content)


def read_recording(file: Path) -> Session:
    """Read a file that is a recording. Raises ``Invalid``, ``TooLarge`` and ``StorageError``."""
    try:
        if (size := file.stat().st_size) > MAX_LINES_BYTES:
            raise TooLarge(f"{file.name} has {size >> 20:,} MB; at most {MAX_LINES_BYTES >> 20} MB can be played.")
        return read_session(decode_lines(read_file(file, MAX_LINES_BYTES)), LINES)
    except InvalidSession as error:
        raise Invalid(f"{file.name} is not a valid session: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{file} could not be read: {reason(error)}") from None


def compare_recordings(first: Path, second: Path) -> list[UiDifference]:
    """Return what the UI sent differently in two files. Raises as ``read_recording``."""
    return compare(read_recording(first), read_recording(second))[:MAX_DIFFERENCES]


def _header(line: str, *, is_cut: bool) -> Header:
    """Return the header in a line; its title and kind if the line ``is_cut``, because it contains a chat state."""
    try:
        fields = parse_json(line, MAX_STATE_DEPTH)
    except BadFrame as error:
        if not is_cut:
            raise ValueError(f"line 1 is not valid JSON: {error}") from None
        found = _TITLE_AND_KIND.findall(line.partition('"state"')[0])
        try:
            fields = {"session": 1, **{key: parse_json(value) for key, value in found}}
        except BadFrame as invalid:
            raise ValueError(f"line 1 is not valid JSON: {invalid.reason}") from None
    try:
        return header_from_json(fields)[0]
    except InvalidStep as error:
        raise ValueError(error.reason.rstrip(".")) from None


def load_file(file: Path) -> Session:
    """Read the session in any file. Raises ``NotFound``, ``Invalid``, ``TooLarge`` and ``StorageError``."""
    suffix = suffix_of(file.name)
    if not suffix:
        raise Invalid(f"{file.name} must end in {TRANSCRIPT} or {LINES}.")
    try:
        if not file.is_file():
            raise NotFound(f"There is no file {file}.")
    except OSError as error:  # before Python 3.14, if a folder cannot be searched
        raise StorageError(f"{file} could not be read: {reason(error)}") from None
    return parse_session(_text(file), suffix)


def _text(file: Path) -> str:
    """Return the text of a session's file. Raises ``StorageError`` and ``TooLarge``."""
    try:
        suffix = suffix_of(file.name)
        return decode_session(read_file(file, _require_size(str(file), file.stat().st_size, suffix)), suffix)
    except (OSError, UnicodeDecodeError) as error:
        raise StorageError(f"{file} could not be read: {reason(error)}") from None


def _require_size(name: str, size: int, suffix: str) -> int:
    """Return the largest size in bytes that a session can have. Raises ``TooLarge``."""
    limit = MAX_TRANSCRIPT_BYTES if suffix == TRANSCRIPT else MAX_LINES_BYTES
    if size > limit:
        raise TooLarge(f"{name} has {size / 1024 / 1024:,.1f} MB; at most {limit >> 20} MB can be read.")
    return limit
