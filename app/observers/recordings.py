"""Start and stop recordings of the traffic: one of the current run of the program, unless *Record runs* is off in
the settings, and those that the user starts under a name.
When the file of the run is too large, or the settings change, a new part begins. The last two parts are kept, also
of the run before: see ``storage.recording_store``.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple, Protocol

from app import __version__
from app.hub.filter import Filter
from app.hub.hub import Hub
from app.hub.row import Row
from app.hub.signals import Signal
from app.hub.tasks import Tasks
from app.observers.recorder import Recorder
from app.protocol.errors import Conflict, InUse, NotFound, StorageError
from app.protocol.session.saved import END_LINE
from app.protocol.session.steps import RUN_TITLE, ConnectedClient, Header, header_to_json
from app.protocol.templates import iso

MAX_RECORDINGS = 5
"""Recordings of the user at the same time."""
CHECK_S = 5.0
"""How often the size of the run's recording is checked. Also the wait before another attempt to begin a part."""
ITEMS_AT_ONCE = 100
"""As many messages of the chat state are converted to JSON without a pause."""


class _NoState(StorageError):
    """The chat state could not be read, for example because another program has locked its file."""


class RecordingFile(Protocol):
    """A file that is being written; see ``storage.recording_file``."""

    file: Path
    size: int
    error: str

    def write(self, lines: list[bytes]) -> None:
        """Append lines."""

    def close(self) -> None:
        """Write what is left, and close the file. Blocks."""

    def reopen(self) -> None:
        """Continue after ``close``, in place of the last line: the end. Blocks. Raises ``StorageError``."""


class Store(Protocol):
    """Creates files; see ``storage.recording_store``. The calls block, and raise ``StorageError`` or ``InUse``."""

    @property
    def records_runs(self) -> bool:
        """Whether there is a folder for the recordings of runs."""

    @property
    def warnings(self) -> list[str]:
        """A sentence if the run before did not end normally."""

    def begin_run(self) -> None:
        """Keep the recording of the run before, and make room for this run."""

    def end_run(self) -> None:
        """Note that the run has ended normally."""

    def discard_run(self) -> None:
        """Delete the recording of this run."""

    def begin_part(self, header: bytes) -> RecordingFile:
        """Begin the first or next part of this run."""

    def begin(self, name: str, header: bytes) -> RecordingFile:
        """Begin a user's recording. Raises ``Conflict`` if there is a session or recording with that name."""


class ActiveRecording(NamedTuple):
    """A recording that is being written."""

    name: str
    recorder: Recorder
    file: RecordingFile


class Recordings:
    """The recordings of a hub. ``snapshot`` returns the chat state, which each recording begins with."""

    def __init__(
        self,
        hub: Hub,
        store: Store,
        snapshot: Callable[[], Awaitable[Any]],
        max_bytes: Callable[[], int],
        tasks: Tasks,
    ) -> None:
        """``max_bytes`` returns how large the recording of a run may be; 0 if runs are not recorded."""
        self._hub = hub
        self._max_bytes = max_bytes
        self._error = ""
        self._store = store
        self._snapshot = snapshot
        self._tasks = tasks
        self._run: ActiveRecording | None = None
        self._run_begun = False
        """Whether the recording of the run before was kept, so that this run can be recorded."""
        self._task: asyncio.Task[Any] | None = None
        self._next_part = Tasks()
        """Begins the run's recording late, or changes it to its next part. It is never cancelled halfway."""
        self._users: dict[str, ActiveRecording] = {}
        self._starting: set[str] = set()
        """The names of the user's recordings whose files are being created."""
        self.changed: Signal[None] = Signal()
        """Emitted when a recording of the user has begun or ended, and when that of this run has begun late."""

    @property
    def active(self) -> list[ActiveRecording]:
        """The user's recordings that are being written."""
        return list(self._users.values())

    @property
    def error(self) -> str:
        """Why this run is not recorded, as a sentence; empty if it is, or if recording is off."""
        return self._error or (self._run.file.error if self._run else "")

    @property
    def warnings(self) -> list[str]:
        """Sentences for the user: this run is not recorded, or the run before did not end normally."""
        return [*([self.error] if self.error else []), *self._store.warnings]

    async def record_run(self) -> None:
        """Record this run from now on, or stop that, as the settings say. ``error`` says if it failed.

        If the chat state cannot be read, or a file is in use, try again until that has changed.
        """
        await self._stop_part()
        max_bytes, self._error = self._max_bytes(), ""
        if not self._store.records_runs:
            return
        full_at = await self._begin_run(max_bytes)
        if full_at is not None:
            task = self._continue_run(full_at, max_bytes)
            self._task = self._tasks.spawn(task, "limit the recording of this run")

    async def _begin_run(self, max_bytes: int) -> int | None:
        """Begin the recording of this run. Return at how many bytes its first part is full.

        Return 0 if that should be tried again, and None if this run is not recorded.
        """
        try:
            if not self._run_begun:
                await asyncio.to_thread(self._store.begin_run)
                self._run_begun = True
            if not max_bytes:
                return None
            self._run, header_bytes = await self._begin("", RUN_TITLE, self._store.begin_part)
        except StorageError as error:
            self._error = f"This run is not recorded: {error}." if max_bytes else ""
            return 0 if isinstance(error, _NoState | InUse) else None
        self._error = ""
        return _full_at(header_bytes, max_bytes // 2)

    async def _continue_run(self, full_at: int, max_bytes: int) -> None:
        """Begin the recording of this run if it has not begun (``full_at`` is 0), and keep its limit."""
        while not full_at:
            await asyncio.sleep(CHECK_S)
            beginning = self._next_part.spawn(self._begin_run(max_bytes), "begin the recording of this run")
            if (begun := await asyncio.shield(beginning)) is None:
                return
            if full_at := begun:
                self.changed.emit(None)
        await self._limit(full_at, max_bytes // 2)

    async def start(self, name: str, wanted: Filter | None = None) -> ActiveRecording:
        """Record from now on. Raises ``Conflict`` and ``StorageError``."""
        if name in self._users or name in self._starting:
            raise Conflict(f"{name!r} is being recorded already.")
        if len(self._users) + len(self._starting) >= MAX_RECORDINGS:
            raise Conflict(f"{MAX_RECORDINGS} recordings are running. Stop one first.")
        marks = self._hub.journal.rows.marks

        def matches(row: Row) -> bool:
            return wanted is None or wanted.matches(row, marks)

        self._starting.add(name)
        try:
            active, _ = await self._begin(
                name, name.rpartition("/")[2], partial(self._store.begin, name), matches if wanted else None
            )
            is_ending = name not in self._starting
        finally:
            self._starting.discard(name)
        if is_ending:
            await _end(active)
            raise Conflict("The companion is ending.")
        self._users[name] = active
        self.changed.emit(None)
        return active

    async def stop(self, name: str = "") -> ActiveRecording:
        """Stop a user's recording; without a name, the newest one. Raises ``NotFound`` and ``StorageError``."""
        found = self._users.pop(name or next(reversed(self._users), ""), None)
        if found is None:
            raise NotFound(f"{name!r} is not being recorded." if name else "Nothing is being recorded.")
        self.changed.emit(None)
        await _end(found)
        if found.file.error:
            raise StorageError(found.file.error.rstrip("."))
        return found

    async def close(self, *, keep_run: bool = True) -> None:
        """End all recordings, also those whose files are being created.

        Without ``keep_run``, delete that of this run: the one of the run before stays.
        """
        self._starting.clear()
        await self._stop_part()
        if self._run_begun:
            self._run_begun = False
            await asyncio.to_thread(self._store.end_run if keep_run else self._store.discard_run)
        for name in tuple(self._users):
            await _end(self._users.pop(name))

    async def _stop_part(self) -> None:
        if self._task:
            self._task.cancel()
            self._task = None
        await self._next_part.join()
        if self._run:
            run, self._run = self._run, None
            await _end(run)

    async def _limit(self, full_at: int, max_bytes: int) -> None:
        """Begin a new part when the file has become too large: it has ``full_at`` bytes."""
        while self._run and not self.error:  # the part before is kept if this one could not be written
            await asyncio.sleep(CHECK_S)
            if self._run.file.size >= full_at:
                changing = self._next_part.spawn(
                    self._begin_part(self._run, full_at, max_bytes), "begin the next part"
                )
                full_at = await asyncio.shield(changing)

    async def _begin_part(self, full: ActiveRecording, full_at: int, max_bytes: int) -> int:
        """Continue the run's recording in a new part. Return at how many bytes that is full.

        While the chat state cannot be read, or the part before is in use, so that it cannot be renamed, that is
        continued up to twice ``full_at``.
        """

        def may_continue() -> bool:
            return full.file.size < 2 * full_at

        def create(header: bytes) -> RecordingFile:
            full.file.close()
            try:
                return self._store.begin_part(header)
            except InUse:
                full.file.reopen()
                if may_continue():
                    return full.file
                raise

        try:
            self._run, header_bytes = await self._begin("", RUN_TITLE, create, instead_of=full)
        except StorageError as error:
            if isinstance(error, _NoState) and may_continue():
                return full_at
            full.recorder.close()  # it goes on if the chat state could not be read
            self._error = f"The recording of this run has stopped: {error}."
            return 0
        return full_at if self._run.file is full.file else _full_at(header_bytes, max_bytes)

    async def _begin(
        self,
        name: str,
        title: str,
        create: Callable[[bytes], RecordingFile],
        wanted: Callable[[Row], bool] | None = None,
        instead_of: ActiveRecording | None = None,
    ) -> tuple[ActiveRecording, int]:
        """Create a file in a thread, and record from now on. Return the recording and the size of its header.

        ``instead_of`` ends at the same moment. Raises what ``create`` raises, and ``StorageError``.
        """
        try:
            state = await self._snapshot()
        except StorageError as error:
            raise _NoState(str(error)) from None
        recorder = Recorder(self._hub, wanted=wanted)  # until there is a file, it keeps what happens
        header = self._header(title, state)

        def begin() -> tuple[RecordingFile, int]:
            line = b"".join(_json(header_to_json(header, {})))
            return create(line), len(line)

        if instead_of:
            instead_of.recorder.close()
            instead_of.file.write([END_LINE])
        try:
            file, header_bytes = await asyncio.to_thread(begin)
        except BaseException:
            recorder.close()
            raise
        recorder.write_to(file.write)
        return ActiveRecording(name, recorder, file), header_bytes

    def _header(self, title: str, state: Any) -> Header:
        return Header(
            title=title, kind="recording", me=self._hub.local_user, started=iso(self._hub.clock.wall()),
            state=state, clients=self._connected(), companion=__version__,
        )  # fmt: skip

    def _connected(self) -> tuple[ConnectedClient, ...]:
        """Return the connected clients: the recording has no rows of their connections."""
        return tuple(
            ConnectedClient(client=each.id, user=each.username, page=each.origin, agent=each.user_agent)
            for each in self._hub.clients
        )


def _json(value: Any, levels: int = 3) -> Iterator[bytes]:
    """Yield JSON in parts, down to the messages of the chat state in a header.

    ``json.dumps`` of a large state would stop all threads.
    """
    if levels and isinstance(value, dict):
        for number, (name, member) in enumerate(value.items()):
            yield b", " if number else b"{"
            yield from _json(name, 0)
            yield b": "
            yield from _json(member, levels - 1)
        yield b"}" if value else b"{}"
    elif levels and isinstance(value, list):
        for number in range(0, len(value), ITEMS_AT_ONCE):
            yield b", " if number else b"["
            yield next(_json(value[number : number + ITEMS_AT_ONCE], 0))[1:-1]
        yield b"]" if value else b"[]"
    else:
        yield json.dumps(value, ensure_ascii=False).encode(errors="replace")


def _full_at(header_bytes: int, max_bytes: int) -> int:
    """Return at how many bytes a part is full. Its rows may take half of the limit, however large the header is."""
    return max(max_bytes, header_bytes + max_bytes // 2)


async def _end(active: ActiveRecording) -> None:
    active.recorder.close()
    active.file.write([END_LINE])
    await asyncio.to_thread(active.file.close)
