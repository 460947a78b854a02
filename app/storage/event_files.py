"""Keep the catalog of all events up to date with the folder of files that define events: read and watch the folder.
What has changed is reported. ``save`` writes the events of an import into the folder.

The folder is polled, because the system sends no notifications for network folders and containers. Polling a folder
of 100 files takes less than a millisecond. The interval grows with the time that polling takes, so that it uses at
most about ``MAX_SHARE`` of one core.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

from app.hub.signals import Signal
from app.hub.tasks import Tasks
from app.protocol.asyncapi_import.imported_file import ImportedEvent, ImportedFile
from app.protocol.catalog import Catalog
from app.protocol.errors import Conflict
from app.protocol.event_files.event_set import EventFile, EventSet, Parsed
from app.protocol.event_files.problems import FileProblem
from app.protocol.event_type import EventType
from app.storage.event_files_change import EventFilesChange
from app.storage.event_folder import EventFolder
from app.storage.imported_events import save_events

WATCH_S = 0.7
"""Interval of polling the folder, in seconds."""
MAX_SHARE = 0.004
"""The maximum share of one core that polling may use."""

T = TypeVar("T")


class EventFiles:
    """The files of the current folder. Reading them changes the catalog through ``use_events``."""

    def __init__(
        self, catalog: Catalog, folder: EventFolder, use_events: Callable[[list[EventType]], None], tasks: Tasks
    ) -> None:
        """``catalog`` contains the built-in events."""
        self._built_in = Catalog(catalog)
        self._set = EventSet(self._built_in)
        self._folder = folder
        self._use_events = use_events
        self._tasks = tasks
        self._reported: tuple[EventFile, ...] = ()
        """The files as of the last change that was reported."""
        self._warned: list[str] = []
        """The warnings about the folder that were reported."""
        self._reading = asyncio.Lock()
        self.changed: Signal[EventFilesChange] = Signal()
        """Emitted when files or their problems have changed."""

    @property
    def folder(self) -> Path | None:
        """The folder that is watched, or None."""
        return self._folder.folder

    @property
    def files(self) -> tuple[EventFile, ...]:
        """All files, sorted by path."""
        return self._set.files

    @property
    def problems(self) -> list[FileProblem]:
        """What is wrong with the files."""
        return self._set.problems

    @property
    def folder_warnings(self) -> list[str]:
        """Sentences about the folder, for example that it does not exist."""
        return self._folder.warnings

    @property
    def warnings(self) -> list[str]:
        """Sentences about the folder and about files that are not valid."""
        return [*self._folder.warnings, *map(str, self._set.problems)]

    async def use(self, folder: EventFolder) -> None:
        """Switch to another folder. The events of the folder before are removed."""
        self._folder = folder
        self._set = EventSet(self._built_in)
        self._reported = tuple(each._replace(problems=()) for each in self._reported)
        await self._read(always=True)

    async def read(self) -> None:
        """Read the files that have changed, and use their events."""
        await self._read()

    async def save(
        self, events: Sequence[ImportedEvent], *, force: bool = False, dry_run: bool = False
    ) -> list[ImportedFile]:
        """Write imported events as files, and use them. See ``imported_events.save_events``."""
        if self.folder is None:
            raise Conflict(
                "This companion has no folder of event files. Choose one with the setting events_folder."
            )
        saved = await asyncio.to_thread(save_events, self.folder, events, force=force, dry_run=dry_run)
        if not dry_run:
            await self._read()
        return saved

    def watch(self) -> None:
        """Read the files again, from now on, whenever they have changed."""
        self._tasks.spawn(self._watch(), "watch the event files")

    async def _watch(self) -> None:
        while True:
            changed, took = False, 0.0
            if self.folder:
                changed, took = await asyncio.to_thread(_timed, self._folder.changed)
            if changed:
                await self._read()
            await asyncio.sleep(max(WATCH_S, took / MAX_SHARE))

    async def _read(self, *, always: bool = False) -> None:
        async with self._reading:
            events, folder = self._set, self._folder
            parsed = await asyncio.to_thread(folder.read, partial(_parse, self._built_in))
            if folder is not self._folder:  # another folder was chosen meanwhile, and is read next
                return
            before, warned = self._reported, self._warned
            events.update(parsed)
            self._reported, self._warned = events.files, folder.warnings
            change = EventFilesChange(
                before, events.files, [each for each in folder.warnings if each not in warned]
            )
            if always or change.events:
                self._use_events(events.types)
            if always or change:
                self.changed.emit(change)


def _parse(built_in: Catalog, file: str, text: str) -> Parsed:
    # jsonschema-rs and PyYAML are loaded with the first file.
    from app.protocol.event_files.parse import parse_event_file
    from app.protocol.event_files.problems import InvalidEventFile

    try:
        return parse_event_file(file, text, built_in)
    except InvalidEventFile as invalid:
        return invalid.problems


def _timed(work: Callable[[], T]) -> tuple[T, float]:
    """Return a result, and how many seconds of this thread's time it took."""
    began = time.thread_time()
    return work(), time.thread_time() - began
