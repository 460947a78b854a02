"""Read a recording file into memory as a ``RecordedRun``, for ``recorded_journal``, ``recorded_lint`` and
``recorded_state``. Traffic in HAR files, and frames as lines of JSON, are converted first; ``names`` are the names
of the envelope's keys in them, if the UI has others than the companion. Of a bug report bundle (.zip), its
recording is read. In a recording that is a file of its own, an invalid line is an error that names it; an invalid
last line is ignored, because it may be cut off. A scenario without any recorded row is an error, too. The size of a
file and the length of its lines are limited. ``saved_recording`` finds the file of a saved recording by its name.
"""

import os
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import BinaryIO

from app.exports.formats import HAR, JSON_LINES, NDJSON, read, suffix_of
from app.observers.recorded_run import MAX_BYTES as MAX_RECORDING_BYTES
from app.observers.recorded_run import RecordedRun
from app.protocol.bundle.archive import MAX_BYTES, SUFFIX, read_bundle
from app.protocol.envelope import MAX_STATE_DEPTH, BadFrame, parse_json
from app.protocol.errors import Invalid, Malformed, NotFound, RequestError, TooLarge
from app.protocol.session.saved import LINES, format_session
from app.protocol.session.steps import NO_HEADER, Header, InvalidStep, header_from_json
from app.protocol.templates import iso
from app.protocol.times import seconds_of
from app.protocol.wire_names import WireNames
from app.storage.library_folders import library_for
from app.storage.session_library import SessionLibrary
from app.system.files import open_regular, read_file, reason
from app.system.paths import Folders
from app.system.settings_file import SettingsFile

MAX_IMPORT_BYTES = 200 * 1024 * 1024
MAX_LINE_BYTES = 128 * 1024 * 1024
"""The longest line is the header of a recording: it contains the chat state."""


def read_run(
    file: Path, watch: Callable[[RecordedRun], object] = lambda _: None, names: WireNames | None = None
) -> RecordedRun:
    """Return the run in a file. ``watch`` connects observers before it is read. Raises ``RequestError``."""
    try:
        suffix = suffix_of(file.name)
        if suffix == HAR or (suffix in (JSON_LINES, NDJSON) and not _has_header(file)):
            return _imported(file, watch, names)
        if file.name.casefold().endswith(SUFFIX):
            return _bundled(file, watch)
        with _opened(file, MAX_RECORDING_BYTES) as stream:
            # A line that is longer is read in pieces, which are not valid.
            lines = iter(partial(stream.readline, MAX_LINE_BYTES), b"")
            first = next(lines, b"").decode("utf-8-sig")
            run = _begun(file, first, watch)
            try:
                run.read(lines)
            except ValueError as error:
                if next(lines, None) is not None or _ends_with_line(file):  # one that is cut off is ignored
                    if isinstance(error, UnicodeDecodeError):
                        raise
                    raise Malformed(f"{file.name} is not a recording: line {run.lines + 1}: {error}.") from None
            if not len(run.journal) and _header(first).kind == "scenario":
                raise Invalid(f"{file.name} is a scenario, not a recording.")
            return run
    except UnicodeDecodeError:
        raise Malformed(f"{file.name} is not text in UTF-8.") from None
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {reason(error)}.") from None


def saved_recording(name: str, data_dir: Path | None) -> Path | None:
    """Return the file of a saved recording, found by its name as in a running companion; None if there is none.

    Raises ``NotFound`` if several have the name, and ``Invalid`` for a transcript.
    """
    folders = Folders.of(data_dir)
    chosen = SettingsFile(folders.settings_file).load().sessions
    library = library_for(SessionLibrary, chosen, folders.sessions)
    if library.folder and os.path.isfile(file := library.folder / f"{name}{LINES}"):  # noqa: PTH113
        return file  # even if it is not valid: the error says where
    library.read()
    return library.recording(name) if library.matching(name) else None


def _opened(file: Path, max_bytes: int) -> BinaryIO:
    """Open a file of up to this size. Raises ``TooLarge`` and ``OSError``."""
    stream = open_regular(file)
    if os.fstat(stream.fileno()).st_size > max_bytes:
        stream.close()
        raise TooLarge(f"{file.name} has more than {max_bytes // 1024 // 1024:,} MB.")
    return stream


def _ends_with_line(file: Path) -> bool:
    """Return whether the last line of a file is complete. Raises ``OSError``."""
    with open_regular(file) as content:
        content.seek(-1, os.SEEK_END)
        return content.read() == b"\n"


def _has_header(file: Path) -> bool:
    """Return whether a file begins like a recording, whatever its name is. Raises ``TooLarge`` and ``OSError``."""
    with _opened(file, MAX_RECORDING_BYTES) as lines:
        line = lines.readline(MAX_LINE_BYTES).decode("utf-8-sig", "replace")
    try:
        _header(line)
    except ValueError:  # also BadFrame and InvalidStep
        return False
    return True


def _header(line: str) -> Header:
    """Read a header. Raises ``BadFrame``, and ``InvalidStep``, which is a ``ValueError``."""
    return header_from_json(parse_json(line, MAX_STATE_DEPTH))[0]


def _imported(file: Path, watch: Callable[[RecordedRun], object], names: WireNames | None) -> RecordedRun:
    """Convert a file in another format to a recording. Raises ``RequestError`` and ``OSError``."""
    with _opened(file, MAX_IMPORT_BYTES) as stream:
        content = stream.read(MAX_IMPORT_BYTES)
    text = content.decode("utf-8-sig")
    try:
        session = read(text, suffix_of(file.name), file.stem, names).session
    except RequestError as error:
        raise Malformed(f"{file.name} cannot be read: {error}") from None
    try:
        return _run_of(file, format_session(session, LINES), watch)
    except ValueError as error:
        raise Malformed(f"{file.name} cannot be read: {error}.") from None


def _bundled(file: Path, watch: Callable[[RecordedRun], object]) -> RecordedRun:
    """Read the recording in a bug report bundle. Raises ``RequestError`` and ``OSError``."""
    bundle = read_bundle(read_file(file, MAX_BYTES))
    try:
        return _run_of(file, bundle.recording, watch)
    except ValueError as error:
        raise Malformed(f"The recording in {file.name} is not valid: {error}.") from None


def _run_of(file: Path, text: str, watch: Callable[[RecordedRun], object]) -> RecordedRun:
    head, *lines = text.split("\n")  # JSON may contain other line separators, such as U+2028
    run = _begun(file, head, watch)
    run.read(lines)
    return run


def _begun(file: Path, line: str, watch: Callable[[RecordedRun], object]) -> RecordedRun:
    """Return the run that begins with a header. Raises ``Malformed``."""
    try:
        header = _header(line)
        started = seconds_of(datetime.fromisoformat(header.started)) if header.started else 0.0
        iso(started)  # with a UTC offset, it can be outside of the years 1 to 9999
    except BadFrame:
        raise Malformed(f"{file.name} is not a recording: {NO_HEADER}") from None
    except (InvalidStep, ValueError, OverflowError) as error:
        raise Malformed(f"{file.name} is not a recording: {error}") from None
    run = RecordedRun(started, header.me or "")
    watch(run)
    run.begin_with(header.clients)
    return run
