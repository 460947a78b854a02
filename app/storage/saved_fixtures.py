"""The fixtures (saved events or raw frames) for the rest of the program: find, save, rename and delete them.
Also list those that are pinned to the *Fire* menu of the tray icon. Disk access runs in a thread; ``fixtures``
reads and writes the files. The base class is in ``saved_files``.
"""

from collections.abc import Callable, Collection
from contextlib import suppress

from app.protocol.errors import RequestError
from app.protocol.file_names import name_key
from app.protocol.fixture import Fixture, SavedFixture
from app.storage.fixtures import FixtureLibrary
from app.storage.saved_files import Disk, SavedFiles


class Fixtures(SavedFiles[SavedFixture, FixtureLibrary]):
    """The current fixture library. ``pinned`` returns the names of the fixtures in the tray menu."""

    def __init__(self, library: FixtureLibrary, disk: Disk, pinned: Callable[[], list[str]]) -> None:
        super().__init__(library, disk)
        self._pinned = pinned

    @property
    def pinned(self) -> list[SavedFixture]:
        """The fixtures that are pinned to the tray menu, in their order."""
        found = []
        for name in self._pinned():
            with suppress(RequestError):  # it was renamed or deleted
                found.append(self._library.find(name))
        return found

    def is_pin_of(self, pin: str, name: str) -> bool:
        """Return whether a pin stands for the fixture with this whole name, which need not exist.

        Like ``find``, a pin that was written by hand may be only the last part of the name.
        """
        pin, key = name_key(pin), name_key(name)
        return pin == key or (
            pin == key.rpartition("/")[2] and not any(name_key(each.name) == pin for each in self._library.all)
        )

    async def save(self, name: str, fixture: Fixture, *, replaces: Collection[Fixture] = ()) -> SavedFixture:
        """Save a user's fixture, and replace an existing one with that name.

        ``replaces`` are the contents that the file may have; empty: any. Raises ``Conflict`` if it has another one.
        """
        return await self._change(lambda: self._library.save(name, fixture, replaces))
