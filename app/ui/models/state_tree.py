"""The tree model of the UI's stores: a third column says which values changed or differ, and how."""

from collections import Counter
from collections.abc import Mapping
from enum import IntEnum
from typing import Any, NamedTuple

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor
from typing_extensions import override

from app.hub.hub import count
from app.protocol.ui_stores import UNKNOWN
from app.ui import theme
from app.ui.models.json_tree import Column, Index, JsonTreeModel, Steps
from app.ui.plain_text import tooltip_text

NOTE = len(Column)
"""The column after those of ``JsonTreeModel``."""
NOT_KNOWN = "set by the UI"
NOT_KNOWN_TIP = "Only the UI's own clock or settings decide this value, so it is not compared."


class NoteKind(IntEnum):
    """What a note is about. If a value has several, the one with the highest number is shown."""

    CHANGED = 1
    DIFFERS = 2


class Note(NamedTuple):
    """Says how a value changed, or that the UI reported another one."""

    kind: NoteKind
    text: str


class StateTreeModel(JsonTreeModel):
    """Show the stores, and notes about some of their values. Objects and lists show how many notes they contain."""

    def __init__(self) -> None:
        super().__init__()
        self._notes: Mapping[Steps, Note] = {}
        self._inside: Counter[Steps] = Counter()

    def set_state(self, stores: Mapping[str, Any], notes: Mapping[Steps, Note]) -> None:
        """Show other stores and notes."""
        self._set_notes(notes)
        self.set_value(stores)

    def set_notes(self, notes: Mapping[Steps, Note]) -> None:
        """Show other notes about the same stores."""
        self.layoutAboutToBeChanged.emit()
        self._set_notes(notes)
        self.layoutChanged.emit()

    def _set_notes(self, notes: Mapping[Steps, Note]) -> None:
        self._notes = notes
        self._inside = Counter(steps[:length] for steps in notes for length in range(len(steps)))

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
            if note:
                scheme = theme.colors()
                return QColor(scheme.error_soft if note.kind is NoteKind.DIFFERS else scheme.warning_soft)
            return None
        if index.column() == NOTE:
            return self._note_data(note, self._inside[node.steps] if node.child_count else 0, role)
        if node.value is UNKNOWN and index.column() == Column.VALUE:
            return _not_known(role)
        match role:
            case Qt.ItemDataRole.ToolTipRole if index.column() == Column.KEY:
                return tooltip_text(node.title)
        return super().data(index, role)

    @staticmethod
    def _note_data(note: Note | None, inside: int, role: int) -> Any:
        text = note.text if note else f"{count(inside, 'note')} inside" if inside else ""
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
