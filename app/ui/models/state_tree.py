"""The tree model of the chat UI's computed stores: a JSON tree with a column of notes about its values.
The stores are where a chat UI keeps its state. A note says how the last change changed the value, which other value
the UI reported, or that the value is a guess. Objects and lists summarize the notes inside them, except guesses.
The UI state room supplies the stores and the notes.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor
from typing_extensions import override

from app.protocol.counts import count
from app.protocol.ui_paths import path_of
from app.protocol.ui_stores import UNKNOWN
from app.ui import theme
from app.ui.models.json_tree import Column, Index, JsonNode, JsonTreeModel, Steps
from app.ui.models.preview import text_of
from app.ui.plain_text import tooltip_text

NOTE = len(Column)
"""The column after those of ``JsonTreeModel``."""
MAX_TEXT = 200
NOT_KNOWN = "set by the UI"
NOT_KNOWN_TIP = "Only the UI's own clock or settings decide this value, so it is not compared."


class NoteKind(IntEnum):
    """What a note is about. If a value has several, the one with the highest number is shown."""

    GUESS = 1
    CHANGED = 2
    DIFFERS = 3


class Note(NamedTuple):
    """Says how a value changed, or that the UI reported another one."""

    kind: NoteKind
    text: str


class StateTreeModel(JsonTreeModel):
    """Show the stores, and notes about some of their values. Objects and lists say what changed in them."""

    def __init__(self) -> None:
        super().__init__()
        self._notes: Mapping[Steps, Note] = {}
        self.contacts: list[Any] = []
        """The names of the contacts."""
        self._inside: dict[Steps, list[tuple[Steps, Note]]] = {}
        """For each object and list, the notes about what is in it."""

    def set_state(self, stores: Mapping[str, Any], notes: Mapping[Steps, Note]) -> None:
        """Show other stores and notes."""
        self.contacts = [contact.get("username") for contact in stores["contactStore"]["contacts"]]
        self._set_notes(notes)
        self.set_value(stores)

    def _set_notes(self, notes: Mapping[Steps, Note]) -> None:
        self._notes = notes
        self._inside = {}
        for steps, note in notes.items():
            for length in range(len(steps)):
                self._inside.setdefault(steps[:length], []).append((steps, note))

    def note(self, steps: Steps) -> Note | None:
        """Return the note about a value, or None."""
        return self._notes.get(steps)

    @override
    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return NOTE + 1

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        if section == NOTE:
            return "Note" if role == Qt.ItemDataRole.DisplayRole else None
        return super().headerData(section, orientation, role)

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        node = self.node(index)
        note = None if node.members else self._notes.get(node.steps)
        if role == Qt.ItemDataRole.BackgroundRole:
            if note and note.kind is not NoteKind.GUESS:
                scheme = theme.colors()
                return QColor(scheme.error_soft if note.kind is NoteKind.DIFFERS else scheme.warning_soft)
            return None
        if index.column() == NOTE:
            return _note_data(note, self._about_members(node) if node.child_count else "", role)
        if (
            index.column() == Column.VALUE
            and role == Qt.ItemDataRole.DisplayRole
            and (text := _summary(node.value))
        ):
            return text
        if node.value is UNKNOWN and index.column() == Column.VALUE:
            return _not_known(role)
        match role:
            case Qt.ItemDataRole.ToolTipRole if index.column() == Column.KEY:
                return tooltip_text(node.title)
        return super().data(index, role)

    def _about_members(self, node: JsonNode) -> str:
        """Return what the notes about the members of an object or list, or of a group of them, say in short."""
        steps = node.steps
        inside = [each for each in self._inside.get(steps, []) if each[1].kind is not NoteKind.GUESS]
        if inside and node.members:
            members = {step for step, _ in node.members}
            inside = [each for each in inside if each[0][len(steps)] in members]
        if len(inside) == 1:
            member, note = inside[0]
            path, prefix = path_of(member, self.contacts), path_of(steps, self.contacts)
            return f"{path[len(prefix) :].removeprefix('.')}: {note.text}"
        differing = sum(note.kind is NoteKind.DIFFERS for _, note in inside)
        if differing:
            return count(differing, "difference")
        return count(len(inside), "change") if inside else ""


def _summary(value: Any) -> str:
    """Return a contact or message in a few words, or an empty text for any other value."""
    match value:
        case {"username": name, "unreadCount": unread, **rest}:
            parts = [text_of(name), "online" if rest.get("online") is True else "offline"]
            return f"{{ {', '.join([*parts, f'{unread} unread'] if unread else parts)} }}"
        case {"msg_id": _, "text": text, **rest}:
            sender = "you" if rest.get("direction") == "sent" else text_of(rest.get("from"))
            return f"{{ {sender}: {text_of(text)[:MAX_TEXT]} }}"
    return ""


def _note_data(note: Note | None, about_members: str, role: int) -> Any:
    text = note.text if note else about_members
    match role:
        case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
            return text
        case Qt.ItemDataRole.ToolTipRole:
            return tooltip_text(text)
        case Qt.ItemDataRole.ForegroundRole:
            scheme = theme.colors()
            return QColor(scheme.text if note else scheme.muted)
    return None


def _not_known(role: int) -> Any:
    match role:
        case Qt.ItemDataRole.DisplayRole | Qt.ItemDataRole.AccessibleTextRole:
            return NOT_KNOWN
        case Qt.ItemDataRole.ToolTipRole:
            return tooltip_text(NOT_KNOWN_TIP)
        case Qt.ItemDataRole.ForegroundRole:
            return QColor(theme.colors().muted)
    return None
