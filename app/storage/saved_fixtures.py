"""The fixtures for the rest of the program: reads and writes their files in a thread, emits a signal on changes."""

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
    """Runs blocking work in a thread."""

    async def run_in_thread(self, work: Callable[[], T]) -> T:
        """Run ``work`` and return its result."""


class Fixtures:
    """The current fixture library. Methods that access the disk raise ``RequestError`` and ``StorageError``.

    ``pinned`` returns the names of the fixtures in the tray menu.
    """

    def __init__(self, library: FixtureLibrary, disk: Disk, pinned: Callable[[], list[str]]) -> None:
        self._library = library
        self._disk = disk
        self._pinned = pinned
        self.changed: Signal[None] = Signal()
        """Emitted when fixtures were saved, renamed or deleted, or have changed on the disk."""

    @property
    def all(self) -> list[SavedFixture]:
        """All fixtures: the user's folders first, each in its order."""
        return self._library.all

    @property
    def pinned(self) -> list[SavedFixture]:
        """The fixtures that are pinned to the tray menu, in their order."""
        found = []
        for name in self._pinned():
            with suppress(RequestError):  # it was renamed or deleted
                found.append(self._library.find(name))
        return found

    @property
    def folder(self) -> Path | None:
        """The folder of the user's fixtures, or None."""
        return self._library.folder

    @property
    def warnings(self) -> list[str]:
        """Sentences about files that are not valid fixtures."""
        return self._library.warnings

    def find(self, name: str) -> SavedFixture:
        """Return a fixture by name, or by the last part of the name if that is unique. Raises ``RequestError``."""
        return self._library.find(name)

    async def look_up(self, name: str) -> SavedFixture:
        """Return a fixture; read the folders again if its file has changed. Raises ``RequestError``."""
        return await self._disk.run_in_thread(lambda: self._library.look_up(name))

    async def use(self, library: FixtureLibrary) -> None:
        """Switch to another library."""
        self._library = library
        await self._change(library.read)

    async def read(self) -> None:
        """Read the fixtures from the disk. Emit ``changed`` if anything has changed."""
        if await self._disk.run_in_thread(self._library.read):
            self.changed.emit(None)

    async def save(self, name: str, fixture: Fixture) -> SavedFixture:
        """Save a user's fixture, and replace an existing one with that name."""
        return await self._change(lambda: self._library.save(name, fixture))

    async def rename(self, name: str, new: str) -> SavedFixture:
        """Rename a user's fixture."""
        return await self._change(lambda: self._library.rename(name, new))

    async def delete(self, name: str) -> None:
        """Delete a user's fixture."""
        await self._change(lambda: self._library.delete(name))

    async def _change(self, work: Callable[[], T]) -> T:
        result = await self._disk.run_in_thread(work)
        self.changed.emit(None)
        return result
