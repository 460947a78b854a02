"""Save faults as a profile, rename or delete a profile: ask for the name or a confirmation, then do it.
A fault disturbs frames or REST calls on purpose; a profile is a named set of faults in a file. The Faults room uses
this class. ``fault_commands`` arms (switches on) what a profile contains.
"""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.companion import Companion
from app.protocol.errors import Malformed
from app.protocol.faults.profiles import Profile, SavedProfile
from app.protocol.file_names import BadName, name_key, valid_name
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.confirm import confirm
from app.ui.widgets.name_dialog import NameDialog, overwrite_warning

NEW_NAME = "mine/new profile"
HINT = "Name. Use / for folders: bugs/slow start"


class ProfileActions(QObject):
    """Act on profiles. The dialogs open over ``room``."""

    stored = Signal(str)
    """Emitted with the name of a profile that was saved or renamed."""
    status_message = Signal(str)

    def __init__(self, room: QWidget, companion: Companion, do: RoomTasks) -> None:
        super().__init__(room)
        self._room = room
        self._companion = companion
        self._do = do

    def save(self, profile: Profile) -> None:
        """Ask for a name and save a profile under it."""
        self._ask_name("Save as profile", NEW_NAME, self._overwrite_warning, partial(self._save, profile))

    def rename(self, saved: SavedProfile) -> None:
        """Ask for another name."""
        check = partial(self._check_new_name, saved.name)
        self._ask_name("Rename", saved.name, check, partial(self._rename, saved.name))

    def delete(self, saved: SavedProfile) -> None:
        """Ask whether to delete a profile."""
        act = partial(self._delete, saved.name)
        confirm(self._room, f"Delete the profile {saved.name}?", "This deletes its file.", "Delete", act)

    def _ask_name(self, title: str, name: str, check: Callable[[str], str], then: Callable[[str], object]) -> None:
        dialog = NameDialog(
            self._room.window(), title, name, check, valid_name=_valid, hint=HINT, label="Name of the profile"
        )
        dialog.chosen.connect(then)
        dialog.open()

    def _overwrite_warning(self, name: str) -> str:
        return overwrite_warning(name, exists=self._companion.profiles.has_own(name))

    def _check_new_name(self, old: str, name: str) -> str:
        """Raise ``Malformed`` if another profile of the user has this name."""
        if name_key(name) != name_key(old) and self._companion.profiles.has_own(name):
            raise Malformed(f"the name {name} is in use")
        return ""

    def _save(self, profile: Profile, name: str) -> None:
        def saved(found: SavedProfile) -> None:
            self.stored.emit(found.name)
            self.status_message.emit(f"Saved {found.name}")

        self._do(self._companion.profiles.save(name, profile), saved)

    def _rename(self, old: str, new: str) -> None:
        def renamed(found: SavedProfile) -> None:
            self.stored.emit(found.name)
            self.status_message.emit(f"Renamed {old} to {found.name}")

        self._do(self._companion.profiles.rename(old, new), renamed)

    def _delete(self, name: str) -> None:
        self._do(self._companion.profiles.delete(name), lambda _: self.status_message.emit(f"Deleted {name}"))


def _valid(name: str) -> str:
    try:
        return valid_name(name, "profile")
    except BadName as bad:
        raise Malformed(str(bad)) from None
