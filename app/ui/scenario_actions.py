"""Carry out what the buttons of the Scenarios room ask for: save, copy, rename or delete a scenario, and begin or
end a recording of the traffic. Names and confirmations are asked for in dialogs. ``rename`` and ``delete`` also
accept a recording. Running a scenario is not among these actions: see ``scenario_run_controls``.
"""

from collections.abc import Callable, Collection
from functools import partial

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialogButtonBox, QWidget

from app.companion import Companion
from app.protocol.errors import Conflict, Malformed
from app.protocol.file_names import BadName, name_key, valid_name
from app.protocol.session.saved import TRANSCRIPT, SavedSession, hash_of
from app.ui.room_tasks import RoomTasks
from app.ui.scenario_edits import Scenario, ScenarioEdits
from app.ui.widgets.confirm import confirm
from app.ui.widgets.name_dialog import NameDialog, overwrite_warning

OWN_FOLDER = "mine/"
HINT = "Name. Use / for folders: bugs/late typing"


class ScenarioActions(QObject):
    """Act on scenarios. The dialogs open over ``room``."""

    stored = Signal(object, object)
    """Emitted with a copy of the ``Scenario`` as it was saved, and the ``SavedSession``."""
    deleted = Signal(str)
    """Emitted with the name of a scenario that was deleted."""
    status_message = Signal(str)

    def __init__(self, room: QWidget, companion: Companion, edits: ScenarioEdits, do: RoomTasks) -> None:
        super().__init__(room)
        self._room = room
        self._companion = companion
        self._edits = edits
        self._do = do

    def save(self, scenario: Scenario) -> None:
        """Save a scenario; ask for a name if it has none of the user's own.

        A file that another program has changed is not replaced the first time.
        """
        if scenario.saved and scenario.saved.own:
            self._store(scenario, scenario.saved.name, replaces=scenario.file_hashes)
            scenario.file_hashes += (hash_of(scenario.text),)
        else:
            self.save_as(scenario)

    def save_as(self, scenario: Scenario, title: str = "Save as") -> None:
        """Ask for a name and save a scenario under it."""
        before = scenario.saved.name if scenario.saved else scenario.file_name or OWN_FOLDER + "new scenario"
        offered = before if scenario.own else OWN_FOLDER + before.rpartition("/")[2]
        check = partial(self._overwrite_warning, scenario)
        self._ask_name(title, self._free_name(offered), check, partial(self._store, scenario))

    def duplicate(self, scenario: Scenario) -> None:
        """Ask for a name and save a copy under it."""
        self.save_as(scenario, "Duplicate")

    def rename(self, saved: SavedSession) -> None:
        """Ask for another name."""
        self._ask_name(
            "Rename", saved.name, partial(self._check_new_name, saved.name), partial(self._rename, saved.name),
            what=_kind(saved),
        )  # fmt: skip

    def delete(self, saved: SavedSession) -> None:
        """Ask whether to delete a scenario or recording."""
        confirm(
            self._room, f"Delete the {_kind(saved)} {saved.name}?", "This deletes its file.", "Delete",
            partial(self._delete, saved.name),
        )  # fmt: skip

    def record(self) -> None:
        """Ask for a name and start a recording."""
        self._ask_name(
            "Record",
            self._free_name("recordings/recording"),
            self._overwrite_error,
            self._start_recording,
            verb="Record",
            what="recording",
        )

    def stop_recording(self, name: str) -> None:
        """Stop a recording, and save it."""
        self._do(
            self._companion.recording_actions.stop(name), lambda _: self.status_message.emit(f"Recorded {name}")
        )

    def _start_recording(self, name: str) -> None:
        recording = self._companion.recordings.start(name)
        self._do(recording, lambda active: self.status_message.emit(f"Recording {active.name}"))

    def _ask_name(
        self, title: str, name: str, check: Callable[[str], str], then: Callable[[str], object], *,
        verb: str = "Save", what: str = "scenario",
    ) -> None:  # fmt: skip
        """Open a dialog that asks for the name of ``what``, with a button ``verb``; call ``then`` with the name."""
        dialog = NameDialog(
            self._room.window(), title, name, check, valid_name=_valid, hint=HINT, label=f"Name of the {what}",
        )  # fmt: skip
        dialog.buttons.button(QDialogButtonBox.StandardButton.Save).setText(verb)
        dialog.chosen.connect(then)
        dialog.open()

    def _overwrite_error(self, name: str) -> str:
        """Raise ``Malformed`` if the user has a session with this name; a check for ``_ask_name``."""
        if self._companion.saved_sessions.has_own(name):
            raise Malformed(f"the name {name} is in use")
        return ""

    def _overwrite_warning(self, scenario: Scenario, name: str) -> str:
        others = (each for each in self._edits.of_file(name) if each.key != scenario.key)
        return overwrite_warning(
            name,
            exists=self._companion.saved_sessions.has_own(name),
            changed=any(each.has_changes for each in others),
        )

    def _check_new_name(self, old: str, name: str) -> str:
        return "" if name_key(name) == name_key(old) else self._overwrite_error(name)

    def _free_name(self, name: str) -> str:
        """Return a name that no scenario of the user has: with a number, if necessary."""
        names = (f"{name} {number}" if number > 1 else name for number in range(1, 10_000))
        return next(each for each in names if not self._companion.saved_sessions.has_own(each))

    def _store(self, scenario: Scenario, name: str, *, replaces: Collection[str] = ()) -> None:
        suffix = scenario.saved.suffix if scenario.saved else TRANSCRIPT
        edited = scenario.edited

        def stored(saved: SavedSession) -> None:
            self.stored.emit(
                Scenario(scenario.key, scenario.saved, edited.text, edited.text, edited.notation), saved
            )
            self.status_message.emit(f"Saved {saved.name}")

        def failed(error: Exception) -> None:
            if isinstance(error, Conflict):  # the user is warned now: the next *Save* replaces the file
                scenario.file_hashes = ()

        saving = self._companion.saved_sessions.save_edited(name, edited, suffix, replaces=replaces)
        self._do(saving, stored, on_error=failed)

    def _rename(self, old: str, new: str) -> None:
        self._do(
            self._companion.saved_sessions.rename(old, new),
            lambda saved: self.status_message.emit(f"Renamed {old} to {saved.name}"),
        )

    def _delete(self, name: str) -> None:
        def deleted(_: None) -> None:
            self.deleted.emit(name)
            self.status_message.emit(f"Deleted {name}")

        self._do(self._companion.saved_sessions.delete(name), deleted)


def _kind(saved: SavedSession) -> str:
    return "recording" if saved.kind == "recording" else "scenario"


def _valid(name: str) -> str:
    try:
        return valid_name(name, "scenario")
    except BadName as bad:
        raise Malformed(str(bad)) from None
