"""The saved fixtures as the window and scripts see them: read and written off the event loop, with a signal."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Protocol, TypeVar

from app.hub.signals import Signal
from app.protocol.errors import RequestError
from app.protocol.fixture import Fixture, SavedFixture
from app.storage.fixtures import FixtureLibrary

T = TypeVar("T")


class Disk(Protocol):
    """Runs blocking work off the event loop."""

    async def run_in_thread(self, work: Callable[[], T]) -> T:
        """Run ``work``."""


class Fixtures:
    """The current library. Methods that touch the disk raise ``RequestError`` and ``StorageError``."""

    def __init__(self, library: FixtureLibrary, disk: Disk, pinned: Callable[[], list[str]]) -> None:
        self._library = library
        self._disk = disk
        self._pinned = pinned
        self.changed: Signal[None] = Signal()
        """Emitted when fixtures were saved, renamed or removed, or differ from the last reading."""

    @property
    def all(self) -> list[SavedFixture]:
        """The fixtures: the user's own folders first, each in its order."""
        return self._library.all

    @property
    def pinned(self) -> list[SavedFixture]:
        """The fixtures pinned to the tray, in their order."""
        found = []
        for name in self._pinned():
            with suppress(RequestError):  # it was renamed or removed
                found.append(self._library.find(name))
        return found

    @property
    def folder(self) -> Path | None:
        """The folder of the user's own fixtures."""
        return self._library.folder

    @property
    def warnings(self) -> list[str]:
        """Why files in the folders are not valid fixtures."""
        return self._library.warnings

    def find(self, name: str) -> SavedFixture:
        """Return a fixture by its name, or its last part where that is unique. Raises ``RequestError``."""
        return self._library.find(name)

    async def look_up(self, name: str) -> SavedFixture:
        """Return a fixture, read from the disk again if its file changed. Raises ``RequestError``."""
        return await self._disk.run_in_thread(lambda: self._library.look_up(name))

    async def use(self, library: FixtureLibrary) -> None:
        """Switch to other folders."""
        self._library = library
        await self._do(library.read)

    async def read(self) -> None:
        """Read the fixtures from the disk. Emit ``changed`` if they differ from those of the last time."""
        if await self._disk.run_in_thread(self._library.read):
            self.changed.emit(None)

    async def save(self, name: str, fixture: Fixture) -> SavedFixture:
        """Save a fixture; replace an own one of that name."""
        return await self._do(lambda: self._library.save(name, fixture))

    async def rename(self, name: str, new: str) -> SavedFixture:
        """Rename an own fixture."""
        return await self._do(lambda: self._library.rename(name, new))

    async def delete(self, name: str) -> None:
        """Delete an own fixture."""
        await self._do(lambda: self._library.delete(name))

    async def _do(self, work: Callable[[], T]) -> T:
        result = await self._disk.run_in_thread(work)
        self.changed.emit(None)
        return result
