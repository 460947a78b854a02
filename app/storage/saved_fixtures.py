"""The fixtures (saved events or raw frames) for the rest of the program: find, save, rename and delete them.
Also list those that are pinned to the *Fire* menu of the tray icon. Disk access runs in a thread; ``fixtures``
reads and writes the files. The base class is in ``saved_files``.
"""

from collections.abc import Awaitable, Callable, Collection

from msgspec.structs import replace

from app.protocol.errors import RequestError, StorageError
from app.protocol.file_names import name_key
from app.protocol.fixture import Fixture, SavedFixture
from app.storage.fixtures import FixtureLibrary
from app.storage.saved_files import Disk, SavedFiles
from app.system.settings import Settings
from app.system.settings_checks import InvalidSettings

ChangeSettings = Callable[[Callable[[Settings], Settings]], Awaitable[None]]


class Fixtures(SavedFiles[SavedFixture, FixtureLibrary]):
    """The current fixture library. ``pinned`` returns the names of the fixtures in the tray menu."""

    def __init__(self, library: FixtureLibrary, disk: Disk, pinned: Callable[[], list[str]]) -> None:
        super().__init__(library, disk)
        self._pinned = pinned

    @property
    def pinned(self) -> list[SavedFixture]:
        """The fixtures that are pinned to the tray menu, in their order."""
        found = (self._library.matching(pin) for pin in self._pinned())
        return [each[0] for each in found if len(each) == 1]  # else it was renamed or deleted, or is not unique

    @property
    def pinned_keys(self) -> set[str]:
        """The ``name_key`` of each pinned fixture, also of those that do not exist."""
        return set(map(self._key_of, self._pinned()))

    def pins_of(self, name: str) -> list[str]:
        """Return the pins that stand for the fixture with this whole name, which need not exist.

        Like ``find``, a pin that was written by hand may be only the last part of the name. After the fixture was
        renamed or deleted, such a pin stands for none, or for another one.
        """
        return [pin for pin in self._pinned() if self._key_of(pin) == name_key(name)]

    def can_become_pinned(self, name: str) -> bool:
        """Return whether a pin stands for the fixture with this whole name, or would if others did not exist."""
        key, keys = name_key(name), {name_key(each.name) for each in self._library.all}
        pins = set(map(name_key, self._pinned()))
        last = key.rpartition("/")[2]
        return key in pins or (last in pins and last not in keys)

    def _key_of(self, pin: str) -> str:
        """Return the ``name_key`` of the fixture that a pin stands for; of the pin itself if there is none."""
        found = self._library.matching(pin)
        return name_key(found[0].name if len(found) == 1 else pin)

    async def save(self, name: str, fixture: Fixture, *, replaces: Collection[Fixture] = ()) -> SavedFixture:
        """Save a user's fixture, and replace an existing one with that name.

        ``replaces`` are the contents that the file may have; empty: any. Raises ``Conflict`` if it has another one.
        """
        return await self._change(lambda: self._library.save(name, fixture, replaces))

    async def rename_with_pins(self, old: str, new: str, change_settings: ChangeSettings) -> SavedFixture:
        """Rename a fixture like ``rename``, and its pins in the settings.

        If they cannot be saved, undo it if possible, and raise ``StorageError``, which says which name it has.
        """
        pins = self.pins_of(old)
        renamed = await self.rename(old, new)

        def rename_pins(before: Settings) -> Settings:
            return replace(before, pinned=[renamed.name if each in pins else each for each in before.pinned])

        if pins:
            try:
                await change_settings(rename_pins)
            except (InvalidSettings, StorageError) as error:  # the pins would be lost
                try:
                    await self.rename(renamed.name, old)
                    result = "is not renamed, because"
                except (RequestError, StorageError):
                    result = f"is now {renamed.name}, but"
                raise StorageError(f"{old} {result} its pin could not be saved: {error}") from None
        return renamed
