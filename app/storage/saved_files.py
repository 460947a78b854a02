"""The base class of saved fixtures, sessions and profiles: holds the current file library (``file_library``).
Finds items in memory, runs disk access in a thread, and emits ``renamed`` and ``changed``. ``Companion`` calls
``use`` to replace the library when the setting of its folder changes.
"""

from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

from app.hub.signals import Signal
from app.protocol.errors import RequestError
from app.protocol.file_names import name_key
from app.storage.file_library import FileLibrary, ItemT

T = TypeVar("T")
LibraryT = TypeVar("LibraryT", bound=FileLibrary[Any])


class Disk(Protocol):
    """Runs blocking work in a thread."""

    async def run_in_thread(self, work: Callable[[], T]) -> T:
        """Run ``work`` and return its result."""


class SavedFiles(Generic[ItemT, LibraryT]):
    """The current library. Methods that access the disk raise ``RequestError`` and ``StorageError``."""

    def __init__(self, library: LibraryT, disk: Disk) -> None:
        self._library = library
        self._disk = disk
        self.changed: Signal[None] = Signal()
        """Emitted when items were saved, renamed or deleted, or have changed on the disk."""
        self.renamed: Signal[tuple[str, ItemT]] = Signal()
        """Emitted with the old name and the renamed item, before ``changed``."""
        self._renamed: deque[tuple[str, ItemT]] = deque()
        """What the thread has renamed, until ``renamed`` is emitted."""

    @property
    def all(self) -> list[ItemT]:
        """All items: the user's folders first, each in its order."""
        return self._library.all

    @property
    def folder(self) -> Path | None:
        """The folder of the user's items, or None."""
        return self._library.folder

    @property
    def warnings(self) -> list[str]:
        """Sentences about invalid files."""
        return self._library.warnings

    def has_own(self, name: str) -> bool:
        """Return whether the user has an item with an equal name (see ``name_key``)."""
        return name_key(name) in (name_key(each.name) for each in self._library.all if each.own)

    def find(self, name: str) -> ItemT:
        """Return an item by name, or by the last part of the name if that is unique. Raises ``RequestError``."""
        found: ItemT = self._library.find(name)
        return found

    async def look_up(self, name: str) -> ItemT:
        """Return an item; read the folders again if its file has changed. Raises ``RequestError``."""
        return await self._disk.run_in_thread(lambda: self._library.look_up(name))

    async def use(self, library: LibraryT) -> None:
        """Switch to another library."""
        self._library = library
        await self._change(library.read)

    async def read(self) -> None:
        """Read the folders again. Emit ``changed`` if anything has changed."""
        if await self._disk.run_in_thread(self._library.read):
            self._emit_changed()

    async def rename(self, name: str, new: str) -> ItemT:
        """Rename one of the user's items."""

        def rename_file() -> ItemT:
            old = self._library.look_up(name).name  # its file may have been deleted
            item: ItemT = self._library.rename(old, new)
            self._renamed.append((old, item))
            return item

        return await self._change(rename_file)

    async def delete(self, name: str) -> None:
        """Delete one of the user's items."""
        await self._change(lambda: self._library.delete(name))

    async def _change(self, work: Callable[[], T]) -> T:
        before = self.all, self.warnings
        try:
            result = await self._disk.run_in_thread(work)
        except RequestError:
            if (self.all, self.warnings) != before:  # it has read the folders again
                self._emit_changed()
            raise
        self._emit_changed()
        return result

    def _emit_changed(self) -> None:
        while self._renamed:
            self.renamed.emit(self._renamed.popleft())
        self.changed.emit(None)
