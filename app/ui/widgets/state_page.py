"""The tab *State* of the UI state room: a tree of what the UI's stores must contain, and a search in it.
The stores are where a chat UI keeps its state. A button asks for the change that set the selected value: the room
opens its log row or, if it has none, shows the change. The tree itself is ``state_tree``.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout
from typing_extensions import override

from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.line_edit import LineEdit
from app.ui.widgets.state_tree import SHOW_ROW, StateTree


class StatePage(FocusStart):
    """A search field, the number of matches, and the tree."""

    def __init__(self) -> None:
        super().__init__()
        self.tree = StateTree()
        self.search = named(_Search(placeholder="Search keys and values"), "Search the state")
        self.search.setClearButtonEnabled(True)
        self.found = named(PlainTextLabel(), "Matches", style_id="muted")
        self.origin = named(QPushButton(SHOW_ROW), SHOW_ROW, tip=f"{SHOW_ROW} (O)")
        head = QHBoxLayout()
        head.setContentsMargins(16, 8, 12, 6)
        head.setSpacing(8)
        head.addWidget(self.search, 1)
        head.addWidget(self.found)
        head.addWidget(self.origin)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        tree = QVBoxLayout()
        tree.setContentsMargins(16, 0, 12, 12)
        tree.addWidget(self.tree)
        column.addLayout(tree, 1)
        self.start_at(self.tree)
        self.search.textChanged.connect(self.tree.search)
        self.search.returnPressed.connect(self.tree.next_match)
        self.search.backwards = lambda: self.tree.next_match(-1)
        self.tree.found.connect(self.found.setText)
        self.origin.clicked.connect(self.tree.actions_by_title[SHOW_ROW].trigger)
        self.recolor()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.origin.setIcon(ui_icon("events", theme.colors().muted))


class _Search(LineEdit):
    """A field whose Shift+Enter goes backwards, and whose Esc clears it."""

    def __init__(self, placeholder: str) -> None:
        super().__init__(placeholder=placeholder)
        self.backwards: Callable[[], object] = str

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() == Qt.Key.Key_Return and event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.backwards()
        else:
            super().keyPressEvent(event)
