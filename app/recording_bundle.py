"""Make a bug report bundle of a recording: an archive with the recording, the chat state at its start, versions,
settings, event files and findings of the lint. By default, names and texts in it are redacted. If they are not,
known secrets and paths of the user's folders are still removed. Invalid parts are left out; lines and event files
among them are counted. The archive is returned as bytes.
"""

import io
import json
import platform
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import msgspec

from app import __version__
from app.protocol.bundle import archive
from app.protocol.bundle.event_files import names_in, redacted_event_file
from app.protocol.bundle.pseudonyms import Pseudonyms
from app.protocol.bundle.recording_lines import LineRedactor
from app.protocol.bundle.redaction import Redactor
from app.protocol.bundle.scrubbing import Scrubber
from app.protocol.bundle.settings import settings_of
from app.protocol.catalog import Catalog, built_in
from app.protocol.errors import Invalid, NotFound, RequestError, TooLarge
from app.protocol.event_files.event_set import EventSet, Parsed
from app.protocol.event_files.limits import MAX_FILE_BYTES
from app.protocol.event_files.problems import InvalidEventFile
from app.protocol.event_files.source import read_source
from app.protocol.lint.report import report
from app.protocol.session.run_names import RUNS
from app.protocol.session.steps import NO_HEADER
from app.protocol.templates import iso
from app.recorded_lint import lint_recording
from app.system.about import libraries
from app.system.files import read_text, reason, require_regular
from app.system.settings import Settings

SLICE, PAUSE_S = 50, 0.0005
"""After this many lines, the thread pauses, so that the event loop and the window get the interpreter's lock."""
MAX_DEPTH = 100
"""Lines that are nested deeper are left out. Recordings have none."""


class Contents(NamedTuple):
    """What a bundle contains besides the recording, and what it must not contain."""

    settings: Settings
    event_files: Sequence[Path]
    """The event files that are in use."""
    secrets: Sequence[str]
    folders: Sequence[str]


def bundle_of(
    file: Path, name: str, contents: Contents, go_on: Callable[[], None] = lambda: None, *, redact: bool = True
) -> bytes:
    """Return the archive for the recording in a file. Blocks. Raises ``RequestError``.

    ``go_on`` is called again and again, and may raise an exception to end this.
    """
    return _Maker(file, name, contents, go_on, redact).archive()


class _Maker:
    def __init__(self, file: Path, name: str, contents: Contents, go_on: Callable[[], None], redact: bool) -> None:
        self._file = file
        self._go_on = go_on
        self._name = name
        self._contents = contents
        self._left_out = self._lines = self._invalid_files = 0
        event_files = list(self._event_files())
        names = [names_in(each) for each in event_files]
        settings = contents.settings
        fields = {settings.envelope_event_key, settings.envelope_data_key}.union(*(each[0] for each in names))
        events = set().union(*(each[1] for each in names)) if names else set()
        self._redactor = Redactor(Pseudonyms(go_on=go_on), fields, events) if redact else None
        self._scrubber = None if redact else Scrubber(contents.secrets, contents.folders)
        self._events = [self._event_file(each) for each in event_files]

    def archive(self) -> bytes:
        """Return the archive."""
        lines = self._recording()
        header = next(lines)
        parts = [self._line(header), *map(self._line, lines)]
        content = b"".join(parts)
        files: dict[str, Any] = {archive.MANIFEST: self._manifest(), archive.SETTINGS: self._settings()}
        if isinstance(header.get("state"), dict):
            files[archive.STATE] = header["state"]
        for number, event in enumerate(self._events, 1):
            files[f"{archive.EVENTS}event-{number}.json"] = event
        if (findings := self._lint(content)) is not None:
            files[archive.LINT] = findings
        return archive.write_bundle(content, {name: self._scrubbed(each) for name, each in files.items()})

    def _line(self, content: dict[str, Any]) -> bytes:
        text = json.dumps(self._scrubbed(content), ensure_ascii=False) + "\n"
        return text.encode(errors="backslashreplace")

    def _scrubbed(self, value: Any) -> Any:
        return self._scrubber.value(value) if self._scrubber else value

    def _recording(self) -> Iterator[dict[str, Any]]:
        """Yield the header and the steps. Lines that are not valid are left out."""
        try:
            require_regular(self._file)
            with self._file.open("rb") as file:  # read at once: a running recording grows between the two passes
                content = file.read(archive.MAX_RECORDING_BYTES + 1)
        except OSError as error:
            raise NotFound(f"The recording cannot be read: {reason(error)}.") from None
        if len(content) > archive.MAX_RECORDING_BYTES:
            megabytes = archive.MAX_RECORDING_BYTES // 1024 // 1024
            raise TooLarge(f"The recording has more than {megabytes} MB, the maximum for a bundle. Record less.")
        yield from self._redacted(io.TextIOWrapper(io.BytesIO(content), encoding="utf-8-sig", errors="replace"))

    def _redacted(self, lines: TextIO) -> Iterator[dict[str, Any]]:
        """Yield the redacted lines. They are read twice, because the names of users may be words of notes."""
        header = _object(next(lines, ""))
        if header is None or "session" not in header:
            raise Invalid(f"This is not a recording: {NO_HEADER}")
        header = {**header, "kind": "recording"}  # as it is read here; a bundle with another kind is refused
        redact = LineRedactor(self._redactor) if self._redactor else None
        if redact and self._redactor:
            self._redactor.know_user(self._contents.settings.username)
            redact.know_header(header)
            for number, line in enumerate(lines):
                self._pause(number)
                if step := _object(line):
                    redact.know_step(step)
            lines.seek(0)
            next(lines)
        yield redact.header(header) if redact else {**header, "state": _inline(header.get("state"))}
        for number, line in enumerate(lines):
            self._pause(number)
            step = _object(line)
            if step is None:
                self._left_out += bool(line.strip())
                continue
            self._lines += 1
            yield redact.step(step) if redact else step

    def _pause(self, line: int) -> None:
        self._go_on()
        if line % SLICE == 0:
            time.sleep(PAUSE_S)

    def _event_files(self) -> Iterator[dict[str, Any]]:
        for file in self._contents.event_files:
            try:
                value = read_source(file.name, read_text(file, MAX_FILE_BYTES)).value
            except (OSError, UnicodeDecodeError, InvalidEventFile):
                value = None
            if isinstance(value, dict):
                yield value
            else:
                self._invalid_files += 1

    def _event_file(self, content: dict[str, Any]) -> dict[str, Any]:
        """Return the content for the bundle. Examples that became invalid are left out."""
        if self._redactor is None:
            return content
        redacted = redacted_event_file(content, self._redactor)
        if "examples" in redacted and not _is_valid(redacted):
            del redacted["examples"]
        return redacted

    def _settings(self) -> dict[str, Any]:
        values, defaults = (
            msgspec.to_builtins(self._contents.settings),
            msgspec.to_builtins(Settings()),
        )
        return settings_of(values, defaults, self._redactor)

    def _lint(self, recording: bytes) -> dict[str, Any] | None:
        """Return the findings in the recording of the bundle, or None if it cannot be compared."""
        from app.protocol.event_files.parse import parse_event_file

        known = built_in()
        parsed: dict[str, Parsed] = {}
        for number, event in enumerate(self._events):
            try:
                parsed[f"{number}.json"] = parse_event_file(f"{number}.json", json.dumps(event), known)
            except InvalidEventFile:
                continue
        events = EventSet(known)
        events.update(parsed)
        try:
            with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
                file = Path(folder) / archive.RECORDING
                file.write_bytes(recording)
                tally = lint_recording(file, Catalog(events.types), go_on=self._go_on)
        except (OSError, RequestError):
            return None
        found: dict[str, Any] = msgspec.to_builtins(report(tally, self._contents.settings.lint_off))
        return found

    def _recording_name(self) -> str:
        """Return the name of a recording of a run; other names are redacted."""
        return self._redactor.text(self._name) if self._redactor and self._name not in RUNS else self._name

    def _manifest(self) -> dict[str, Any]:
        return {
            "bundle": archive.FORMAT,
            "companion": __version__,
            "created": iso(time.time()),
            "redacted": self._redactor is not None,
            "recording": self._recording_name(),
            "lines": self._lines,
            "lines_left_out": self._left_out,
            "event_files_left_out": self._invalid_files,
            "system": f"{platform.system()} {platform.machine()}",
            "python": platform.python_version(),
            "libraries": {each.name: each.version for each in libraries()},
        }


def _object(line: str) -> dict[str, Any] | None:
    try:
        value = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) and not (_brackets(line) > MAX_DEPTH and _is_deep(value)) else None


def _brackets(line: str) -> int:
    return line.count("{") + line.count("[")


def _is_deep(value: Any) -> bool:
    """Return whether a value is nested deeper than ``MAX_DEPTH`` levels, without recursion."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            inner
            for each in level
            if isinstance(each, dict | list)
            for inner in (each.values() if isinstance(each, dict) else each)
        ]
    return any(isinstance(each, dict | list) for each in level)


def _inline(state: Any) -> Any:
    """Return the chat state of a header; None for the path of a file."""
    return state if isinstance(state, dict) else None


def _is_valid(content: dict[str, Any]) -> bool:
    from app.protocol.event_files.parse import parse_event_file

    try:
        parse_event_file("event.json", json.dumps(content), built_in())
    except InvalidEventFile:
        return False
    return True
