"""The *Manage* menu of Chats: adds, renames and removes personas; saves, loads or resets the chat state.

A *persona* is a chat user that the companion simulates and the developer plays. The chat state is all friends,
messages and read marks. The menu also ends the friendship between the UI's user and the selected friend.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QMenu, QWidget

from app.companion import Companion
from app.protocol.backend import Person
from app.ui.file_dialogs import ask_for_file, ask_where_to_save
from app.ui.plain_text_dialogs import PlainTextInputDialog
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.confirm import confirm
from app.ui.widgets.line_edit import bound_all

REPLACES = "This replaces all friends, messages and read marks. Save the chat state first if you need it again."
FORMATS = {"Chat state (*.json)": ".json"}


class ManageMenu(QMenu):
    """Actions on the persona ``username`` (empty if no chat is selected) and on the chat state.

    Actions that cannot be undone require confirmation.
    """

    status_message = Signal(str)
    undo_offered = Signal(str, object)
    """Emitted with a description of an action, and a function that undoes it."""

    def __init__(self, parent: QWidget, companion: Companion, do: RoomTasks) -> None:
        super().__init__(parent)
        self._parent = parent
        self._companion = companion
        self._do = do
        self.username = ""
        self.is_peer = False
        """Whether the friend is a peer, which the Sources room manages."""
        self.addAction("Add persona …", self.ask_for_persona)
        rename = self.addAction("Rename this persona …", self._ask_for_new_name)
        end = self.addAction("End this friendship", self._end_friendship)
        remove = self.addAction("Remove this persona …", self._ask_to_remove)

        def enable() -> None:
            end.setEnabled(bool(self.username))
            for action in (rename, remove):
                action.setEnabled(bool(self.username) and not self.is_peer)

        self.aboutToShow.connect(enable)
        self.addSeparator()
        self.addAction("Save chat state …", self._choose_file_to_save)
        self.addAction("Load chat state …", self._choose_file_to_load)
        self.addAction("Reset to the default personas …", self._ask_to_reset)

    # personas

    def ask_for_persona(self) -> None:
        """Ask for the name of a new persona, and add it."""
        self._ask_name("Add persona", "Name of the new persona", self.add_persona)

    def add_persona(self, name: str, *, is_friend: bool = True) -> None:
        """Add a persona. If ``is_friend`` is false, the UI can still add it as a friend."""
        self._do(
            self._companion.chat.add_person(name, is_friend=is_friend),
            lambda added: self.status_message.emit(f"Added {added.username}"),
        )

    def rename_persona(self, old: str, new: str) -> None:
        """Rename a persona."""
        self._do(self._companion.chat.rename_person(old, new))

    def _ask_for_new_name(self) -> None:
        old = self.username
        self._ask_name("Rename persona", f"New name of {old}", partial(self.rename_persona, old), old)

    def _end_friendship(self) -> None:
        chat, name = self._companion.chat, self.username

        def ended(friend: Person) -> None:
            def undo() -> None:
                self._do(chat.restore_friend(friend))

            self.undo_offered.emit(f"Ended the friendship with {name}", undo)

        self._do(chat.remove_friend(name), ended)

    def _ask_to_remove(self) -> None:
        name = self.username
        if not name:
            self.status_message.emit("No persona is selected.")
            return
        confirm(
            self, f"Remove the persona {name}?", "Its messages stay. This cannot be undone.", "Remove",
            lambda: self._do(self._companion.chat.remove_person(name)),
        )  # fmt: skip

    def _ask_name(self, title: str, label: str, then: Callable[[str], None], text: str = "") -> None:
        dialog = PlainTextInputDialog(self._parent, title, label, text)
        bound_all(dialog)
        dialog.textValueSelected.connect(then)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    # the chat state

    def save_state(self, file: str | Path) -> None:
        """Save the whole chat state to a file."""
        saved = f"Saved the chat state to {file}"
        self._do(self._companion.chat.store.save(Path(file)), lambda _: self.status_message.emit(saved))

    def load_state(self, file: str | Path) -> None:
        """Replace the whole chat state with that of a file."""
        loaded = f"Loaded the chat state from {file}"
        self._do(self._companion.chat.load(Path(file)), lambda _: self.status_message.emit(loaded))

    def reset_state(self) -> None:
        """Replace the whole chat state with that of the first start."""
        self._do(self._companion.chat.reset())

    def _choose_file_to_save(self) -> None:
        wall = self._companion.clock.wall()
        ask_where_to_save(self._parent, "Save chat state", FORMATS, "chats", wall, self.save_state)

    def _choose_file_to_load(self) -> None:
        ask_for_file(self._parent, "Load chat state", list(FORMATS), self._ask_to_load).setDefaultSuffix("json")

    def _ask_to_load(self, file: Path) -> None:
        confirm(self, f"Load {file.name}?", REPLACES, "Load", partial(self.load_state, file))

    def _ask_to_reset(self) -> None:
        confirm(self, "Reset to the default personas?", REPLACES, "Reset", self.reset_state)
