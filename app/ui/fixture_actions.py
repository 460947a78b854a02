"""Save, copy, rename, delete and pin fixtures for the Fixtures room, and save a pasted frame or one of the log.
A fixture is a saved event or raw frame. Names and confirmations are asked for in dialogs. The tray menu and the
floating fire bar (``fire_bar_window``) show the pinned ones. The room fires fixtures with ``widgets/fire_bar.py``.
"""

from collections.abc import Collection
from functools import partial
from typing import NamedTuple

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget

from app.companion import Companion
from app.protocol.errors import Conflict
from app.protocol.fixture import MAX_FIXTURE_BYTES, Fixture, SavedFixture
from app.protocol.wire_names import WireNames
from app.ui.fixture_edits import Draft, FixtureEdits
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.confirm import confirm
from app.ui.widgets.fixture_dialogs import FixtureDialogs


class Stored(NamedTuple):
    """A fixture that was saved. The user may have edited or selected another one meanwhile."""

    saved: SavedFixture
    """The fixture, possibly under a new name."""
    selected: Draft | None
    """The fixture that was selected, as it was edited, when saving began."""
    is_other: bool
    """Whether another fixture than the selected one was saved, so that its changes are still unsaved."""


class FixtureActions(QObject):
    """Act on the selected fixture of ``edits``. The dialogs open over ``room``."""

    stored = Signal(object)
    """Emitted with the ``Stored`` fixture."""
    renamed = Signal(str, object)
    """Emitted with the old name, and the ``SavedFixture`` under its new name."""
    deleted = Signal(str)
    """Emitted with the name of a fixture that was deleted."""
    pins_changed = Signal(list)
    """Emitted with the names of all pinned fixtures."""
    status_message = Signal(str)

    def __init__(self, room: QWidget, companion: Companion, edits: FixtureEdits) -> None:
        super().__init__(room)
        self._room = room
        self._companion = companion
        self._edits = edits
        self._do = RoomTasks(companion.tasks, self.status_message.emit)
        self._dialogs = FixtureDialogs(room, companion, edits.has_changes_of)
        self._pinning = ""
        """The fixture that the user is pinning or unpinning; the settings are saved later."""
        self._was_pinned = False

    def close_down(self) -> None:
        """Results of running tasks are not shown any more."""
        self._do.close()

    def read_files(self) -> None:
        """Read the fixture files again: another program may have changed them."""
        self._do(self._companion.fixtures.read())

    def save_frame(self, text: str, names: WireNames | None = None, *, literal: bool = False) -> None:
        """Ask for a name and save a frame under it. ``names`` and ``literal``: see ``fixture.from_frame``."""
        self._dialogs.save_frame(text, partial(self._store, is_other=True), names, literal=literal)

    def paste(self) -> None:
        """Save the frame in the clipboard."""
        text = QGuiApplication.clipboard().text().strip()
        size = len(text.encode("utf-8", "replace"))
        if not text:
            self.status_message.emit(
                'The clipboard contains no text. Copy a frame first, like {"event": …, "data": …}.'
            )
        elif size > MAX_FIXTURE_BYTES:
            self.status_message.emit(
                f"The clipboard contains {size // 1024:,} KiB. A fixture has at most "
                f"{MAX_FIXTURE_BYTES // 1024} KiB."
            )
        else:
            self.save_frame(text)

    def save(self) -> None:
        """Save the changes of the selected fixture. A file that has changed is not replaced the first time."""
        if self._edits.edited:
            self._store(self._edits.edited, self._edits.name, replaces=self._edits.known)
            self._edits.known += (self._edits.edited,)

    def save_as(self) -> None:
        """Ask for a name and save the selected fixture, with its changes, under it."""
        if edited := self._edits.edited:
            self._dialogs.save_as(self._edits.name, lambda name: self._store(edited, name))

    def rename(self) -> None:
        """Ask for another name for the selected fixture."""
        if name := self._edits.name:
            self._dialogs.rename(name, partial(self._rename_to, name))

    def delete(self) -> None:
        """Ask whether to delete the selected fixture."""
        if name := self._edits.name:
            question = f"Delete the fixture {name}?"
            confirm(self._room, question, "This deletes its file.", "Delete", partial(self._delete, name))

    def pin(self, on: bool) -> None:
        """Pin the selected fixture to the tray menu, or unpin it."""
        if not (name := self._edits.name):
            return
        pins = self._companion.fixtures.pins_of(name)
        others = [each for each in self._companion.settings.pinned if each not in pins]
        self._pinning = name
        self.pins_changed.emit([*others, name] if on else others)

    def report_pin(self) -> None:
        """Report that the selected fixture was pinned or unpinned, once the settings are saved."""
        pinned = self._edits.pinned
        if self._pinning == self._edits.name and pinned is not self._was_pinned:
            self.status_message.emit("Pinned to the tray" if pinned else "Unpinned from the tray")
            self._pinning = ""
        self._was_pinned = pinned

    def _store(
        self, fixture: Fixture, name: str, *, is_other: bool = False, replaces: Collection[Fixture] = ()
    ) -> None:
        """Save a fixture. ``is_other``: it is not the selected one, whose changes are kept.

        ``replaces``: see ``Fixtures.save``.
        """

        selected = self._edits.draft

        def stored(saved: SavedFixture) -> None:
            self.stored.emit(Stored(saved, selected, is_other))
            self.status_message.emit(f"Saved {saved.name}")

        def failed(error: Exception) -> None:
            if isinstance(error, Conflict):  # the user is warned now: the next *Save* replaces the file
                self._edits.allow_any_content(name)

        self._do(self._companion.fixtures.save(name, fixture, replaces=replaces), stored, on_error=failed)

    def _rename_to(self, old: str, new: str) -> None:
        def renamed(saved: SavedFixture) -> None:
            self.renamed.emit(old, saved)
            self.status_message.emit(f"Renamed {old} to {saved.name}")

        self._do(self._companion.rename_fixture(old, new), renamed)

    def _delete(self, name: str) -> None:
        def deleted(_: None) -> None:
            self.deleted.emit(name)
            self.status_message.emit(f"Deleted {name}")

        self._do(self._companion.fixtures.delete(name), deleted)
