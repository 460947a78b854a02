"""A dialog with the state that a client's UI must have had after a row of a recording, as a tree with a search.
The state is that of the UI's stores, such as contacts and messages. It is computed from the recorded frames and
REST calls, as a correct UI would change it, and not read from the browser. The caller computes it; the dialog says
if it is incomplete or partly a guess.
"""

from typing import Any

import msgspec
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.json_tree import JsonTree
from app.ui.widgets.line_edit import LineEdit

INCOMPLETE = "The recording does not have all rows since this page connected, so the state is incomplete."
GUESS = "Several pages of one browser are open: REST calls may belong to another page."


class RecordedStateDialog(QDialog):
    """Shows a state, as ``recorded_state`` returns it. It does not block."""

    def __init__(self, parent: QWidget, state: dict[str, Any]) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        title = f"UI state of client {state['client']} after row #{state['seq']}"
        self.setWindowTitle(title)
        self.title = named(PlainTextLabel(title), "Shown state", style_id="detailHead")
        notes = [INCOMPLETE] * (not state["complete"]) + [GUESS] * bool(state["rest_is_guess"])
        self.notes = named(PlainTextLabel(" ".join(notes), wordWrap=True), "Notes", style_id="muted")
        self.notes.setVisible(bool(notes))
        self.tree = JsonTree(name="State of the UI's stores as a tree")
        self.search = named(LineEdit(limit=500, placeholder="Search keys and values"), "Search the state")
        self.search.textChanged.connect(self.tree.search)
        self.search.returnPressed.connect(self.tree.next_match)
        self.tree.show_frame(msgspec.json.encode(state["stores"]))
        close = named(QPushButton("Close"), "Close", style_id="primary")
        close.clicked.connect(self.accept)
        foot = QHBoxLayout()
        foot.addStretch(1)
        foot.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        for widget in (self.title, self.notes, self.search):
            column.addWidget(widget)
        column.addWidget(self.tree, 1)
        column.addLayout(foot)
        self.resize(620, 520)
        self.tree.setFocus()
