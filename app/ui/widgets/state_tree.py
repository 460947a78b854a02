"""The tree view of what the UI's stores must contain, with notes: changes, differences to the UI, and guesses.
The stores are where a chat UI keeps its state. The caller passes their content and the notes. The tree can be
searched like any ``JsonTree``, its base class, and keeps its open nodes and its selection when another state is
shown. An action asks for the log row that set the selected value. ``state_page`` contains the tree.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtWidgets import QHeaderView
from typing_extensions import override

from app.protocol.ui_paths import path_of
from app.ui.keys import Action
from app.ui.models.json_tree import Column, Steps, searchable
from app.ui.models.state_tree import NOTE, Note, StateTreeModel
from app.ui.widgets.json_tree import JsonTree

MAX_SEARCHED = 50_000
"""At most this many values are searched, so that the search does not block the window."""
NOTE_SHARE = 0.3
"""The share of the width that the notes get."""
FIRST_OPEN: tuple[Steps, ...] = (
    ("chatStore", "messages"), ("chatStore", "typingUsers"), ("contactStore", "contacts"), ("uiStore",),
)  # fmt: skip
"""Nodes that are open at first."""
SHOW_ROW = "Show the row that made this"


class StateTree(JsonTree):
    """Shows the stores, with notes about some of their values."""

    origin_requested = Signal(str)
    """Emitted with the path of a value whose row the user wants to see."""

    def __init__(self) -> None:
        self.states = StateTreeModel()
        super().__init__(self.states, "State of the UI's stores as a tree")
        header = self.view.header()
        header.setStretchLastSection(False)
        header.setSectionResizeMode(Column.VALUE, QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(NOTE, QHeaderView.ResizeMode.Interactive)
        header.sectionResized.connect(self._fit_notes)
        self.view.setTextElideMode(Qt.TextElideMode.ElideRight)
        origin = Action(SHOW_ROW, self, self._request_origin, "O")
        self.view.addAction(origin)
        self.actions_by_title = {SHOW_ROW: origin, **self.actions_by_title}

    def show_state(self, stores: Mapping[str, Any], notes: Mapping[Steps, Note]) -> None:
        """Show the stores as JSON, with notes about some of their values."""
        first = not self.states.value
        opened, selected = list(self._opened()), self.states.node(self.view.currentIndex()).steps
        bar = self.view.verticalScrollBar()
        place = bar.value()
        self.view.setUpdatesEnabled(False)
        self.states.set_state(stores, notes)
        for steps in opened:
            self._open(steps)
        if first:
            for steps in FIRST_OPEN:
                self._open(steps)
            self.view.fit_keys()
        if selected and (index := self.states.find(selected)).isValid():
            self.view.setCurrentIndex(index)
        bar.setValue(place)
        self.view.setUpdatesEnabled(True)
        self._searched = None
        self._matches = []

    def reveal(self, steps: Steps) -> None:
        """Open the nodes above a value, and select it."""
        index = self.states.find(steps)
        if index.isValid():
            self.view.setCurrentIndex(index)
            self.view.scrollTo(index)
            self.view.setFocus()

    @override
    def search(self, text: str) -> None:
        if text and self._searched is None:
            self._searched = searchable(self.states.value, MAX_SEARCHED)
        super().search(text)

    @override
    def next_match(self, step: int = 1) -> None:
        """Go to the next match. If the state has changed, search again, and go on from the selected value."""
        if self._wanted and self._searched is None:
            selected = self.states.node(self.view.currentIndex()).steps
            self.search(self._wanted)
            if selected in self._matches:
                self._match = self._matches.index(selected)
        super().next_match(step)

    @property
    @override
    def path(self) -> str:
        return path_of(self.states.node(self.view.currentIndex()).steps, self.states.contacts)

    def _request_origin(self) -> None:
        if path := self.path:
            self.origin_requested.emit(path)

    def _opened(self, parent: QModelIndex | None = None) -> Iterator[Steps]:
        """Yield where the open nodes are, from the top."""
        parent = parent or QModelIndex()
        for line in range(self.states.rowCount(parent)):
            index = self.states.index(line, 0, parent)
            if self.view.isExpanded(index):
                node = self.states.node(index)
                if not node.members:
                    yield node.steps
                yield from self._opened(index)

    def _open(self, steps: Steps) -> None:
        index = self.states.find(steps)
        while index.isValid():
            self.view.expand(index)
            index = index.parent()

    def _fit_notes(self, column: int) -> None:
        if column != NOTE:
            self.view.setColumnWidth(NOTE, max(90, int(self.view.viewport().width() * NOTE_SHARE)))
