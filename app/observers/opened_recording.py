"""A recording that is open in a window: reads its rows from the file in slices, and finds rows by time.
It also keeps what a timeline shows: the time of each row, the marks, the gaps, and the rows with problems. Other
functions read the file again, to play or export it: ``OpenedRecording.read`` refuses that if another file has its
path now, for example because the run's recording has begun its next part.

A thread reads the file; the event loop parses the lines. The rows are in a journal of their own. Reading can be
watched, and stopped by cancelling the task.
"""

import asyncio
import os
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import IO, NamedTuple, TypeVar

import msgspec

from app.hub.journal import Journal
from app.hub.row import Kind, Row, Verdict
from app.hub.signals import Signal
from app.hub.slices import Slices
from app.observers.recorded_run import MAX_BYTES, RecordedRun
from app.protocol.envelope import MAX_STATE_DEPTH, BadFrame, parse_json
from app.protocol.errors import Conflict, Invalid, Malformed, NotFound, TooLarge
from app.protocol.session.steps import NO_HEADER, Header, InvalidStep, header_from_json
from app.protocol.times import seconds_of

T = TypeVar("T")

BATCH_BYTES = 512 * 1024
"""Lines are read from the file in a thread, about this many bytes at a time."""
LINES_PER_CHECK = 32
"""The time limit of a slice is checked once per this many lines."""
GAP_S = 10.0
"""A longer time without a row is a gap."""
MAX_MARKS = 1_000
HEAD_BYTES = 64 * 1024
"""A file is recognized by at most this many bytes of its header, which contains when the recording began."""
OTHER_FORMATS = (".zip", ".har", ".ndjson")
"""The suffixes of files from which the command line makes a recording."""


class RecordingMark(NamedTuple):
    """A named position: its text, its seconds since the begin, and the row that follows it."""

    text: str
    at: float
    row: int


class OpenedRecording:
    """A recording while it is read, and afterwards. ``open_recording`` creates it, ``load`` reads the rows."""

    def __init__(self, name: str, file: Path, size: int, header: Header, first_line: bytes) -> None:
        """``first_line`` is the line of the file that has the header."""
        self.name = name
        self.file = file
        self.header = header
        self.size = size
        """Bytes of the file."""
        self.read_bytes = len(first_line)
        self.done = False
        """Whether all rows were read."""
        self.error = ""
        """Why reading ended early, as a sentence."""
        self.progressed: Signal[None] = Signal()
        """Emitted when more rows were read, and at the end."""
        self.run = RecordedRun(seconds_of(datetime.fromisoformat(header.started)) if header.started else 0.0)
        self.times = array("d")
        """Seconds from the begin to each row."""
        self.lines = array("q")
        """The line of the file that has each row."""
        self.invalid = array("q")
        """The rows that violate the contract, by their number here."""
        self.warnings = array("q")
        self.marks: list[RecordingMark] = []
        self.clients: dict[int, str] = {each.client: each.user for each in header.clients}
        """The users of all clients that were or have connected, by the client's number."""
        self.gaps: list[int] = []
        """The rows before which nothing happened for ``GAP_S`` seconds."""
        self._start = len(first_line)
        self._head = first_line[:HEAD_BYTES]
        self._stream: IO[bytes] | None = None

    @property
    def journal(self) -> Journal:
        """The rows, numbered from 1. ``run.seq`` returns the number that a row had in the log."""
        return self.run.journal

    @property
    def began(self) -> float:
        """When the recording began, in seconds since the epoch."""
        return self.run.started

    @property
    def duration(self) -> float:
        """Seconds from the begin to the last row that was read."""
        return self.times[-1] if self.times else 0.0

    def seq(self, number: int) -> int:
        """Return the number that a row had in the log; 0 if it had none."""
        return self.run.seq(number)

    def row_of_line(self, line: int) -> int:
        """Return the row in a line of the file, or the last one before it; 0 if there is none."""
        return bisect_right(self.lines, line)

    def row_at(self, seconds: float) -> int:
        """Return the last row at a time or before it; the first one if there is none. 0 if there are no rows."""
        return max(1, bisect_right(self.times, seconds)) if self.times else 0

    def first_from(self, seconds: float) -> int:
        """Return the first row at a time or after it; one more than there are if there is none."""
        return bisect_left(self.times, seconds) + 1

    def read(self, read_file: Callable[[Path], T]) -> T:
        """Return what ``read_file`` returns for the file. Blocks.

        Raises ``Conflict`` if it is not the file that was opened, also if it was replaced while it was read, and
        ``NotFound``.
        """
        self._require_unchanged()
        found = read_file(self.file)
        self._require_unchanged()
        return found

    @property
    def _changed(self) -> str:
        return f"The file of the recording {self.name} has changed. Open it again."

    def _require_unchanged(self) -> None:
        with _opened(self.file) as stream:
            if not self._is_head_of(stream):
                raise Conflict(self._changed)

    def _is_head_of(self, stream: IO[bytes]) -> bool:
        return stream.readline(HEAD_BYTES) == self._head

    async def load(self) -> None:
        """Read all rows in slices. ``error`` says why it ended early: the rows until then are kept."""
        slices = Slices()
        self.run.begin_with(self.header.clients)
        try:
            self._stream = stream = self.file.open("rb")
            if not self._is_head_of(stream):
                self.error = self._changed
                return
            stream.seek(self._start)
            while lines := await asyncio.to_thread(stream.readlines, BATCH_BYTES):
                for index, line in enumerate(lines):
                    if not self._read(line):
                        return
                    if not index % LINES_PER_CHECK:
                        await slices.yield_if_due()
                self.progressed.emit(None)
        except OSError as error:
            self.error = f"{self.file.name} could not be read to its end: {error.strerror}."
        finally:
            self.close()
            self.progressed.emit(None)

    def close(self) -> None:
        """Close the file, also if ``load`` was cancelled before it began."""
        if self._stream:
            self._stream.close()
        self.done = True

    def _read(self, line: bytes) -> bool:
        self.read_bytes += len(line)
        try:
            found = self.run.read_line(line)
        except ValueError as error:
            number = self.run.lines + 1  # the first line is the header
            if not line.endswith(b"\n"):
                self.error = f"The recording is cut off: line {number} is incomplete. The rows before it are shown."
            else:
                self.error = (
                    f"Line {number} of {self.file.name} is invalid: {_reason(error)}. The rows before it are shown."
                )
            return False
        if found is None:
            return True
        if found.row:
            self._note(found.row)
        elif found.mark and len(self.marks) < MAX_MARKS:
            self.marks.append(RecordingMark(found.mark, self.run.clock.mono(), len(self.times) + 1))
        return True

    def _note(self, row: Row) -> None:
        times = self.times
        if times and row.mono - times[-1] > GAP_S:
            self.gaps.append(row.seq)
        times.append(row.mono)
        self.lines.append(self.run.lines + 1)
        if row.kind is Kind.SERVER and row.event == "connected" and row.client.isdecimal():
            self.clients[int(row.client)] = row.user
        if row.verdict is not Verdict.OK:
            (self.invalid if row.verdict is Verdict.INVALID else self.warnings).append(row.seq)


async def open_recording(name: str, file: Path) -> OpenedRecording:
    """Open a file and read its header. Raises ``RequestError``: ``Invalid`` for a scenario."""
    return await asyncio.to_thread(_open, name, file)


def _open(name: str, file: Path) -> OpenedRecording:
    with _opened(file) as stream:
        if file.name.casefold().endswith(OTHER_FORMATS):
            raise Malformed(
                f"{file.name} is not a recording. Make one of it: "
                "companion session convert FILE recording.session.jsonl"
            )
        if (size := os.fstat(stream.fileno()).st_size) > MAX_BYTES:
            raise TooLarge(
                f"{file.name} has {size / 2**20:,.0f} MB; at most {MAX_BYTES // 2**20:,} MB can be opened."
            )
        line = stream.readline()
        header = _header(file.name, line.removeprefix(b"\xef\xbb\xbf"))
        if header.kind != "recording" and not _has_row(stream):
            raise Invalid(f"{file.name} is a scenario. Only recordings can be opened.")
    return OpenedRecording(name, file, size, header, line)


def _has_row(lines: Iterable[bytes]) -> bool:
    """Return whether one of the lines is a recorded row, and those before it are valid."""
    run = RecordedRun(0.0)
    try:
        return any((found := run.read_line(line)) and found.row for line in lines)
    except ValueError:
        return False


@contextmanager
def _opened(file: Path) -> Iterator[IO[bytes]]:
    """Open a file. Raises ``NotFound``, also if it cannot be read."""
    try:
        if not file.is_file():
            raise NotFound(f"{file} is not a file.")
        with file.open("rb") as stream:
            yield stream
    except OSError as error:
        raise NotFound(f"{file} cannot be read: {error.strerror}.") from None


def _header(name: str, line: bytes) -> Header:
    try:
        header = header_from_json(parse_json(line.decode(), MAX_STATE_DEPTH))[0]
        if header.started:
            datetime.fromisoformat(header.started)
    except (BadFrame, UnicodeDecodeError):
        raise Malformed(f"{name} is not a recording: line 1: {NO_HEADER}") from None
    except InvalidStep as error:
        raise Malformed(f"{name} is not a recording: line 1: {error.reason}") from None
    except ValueError as error:
        raise Malformed(f"{name} is not a recording: line 1: started: {error}") from None
    return msgspec.structs.replace(header, state=None)


def _reason(error: ValueError) -> str:
    return str(error).rstrip(".")
