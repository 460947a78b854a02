"""A bar with an *Undo* button for the latest action that can be undone. *Undo*, *Close* or its owner hides it.
The Chats room uses it after deleting a message or ending a friendship, and passes a text and the undo function.
"""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel


class UndoBar(QWidget):
    """Offer to undo the latest action, until the next one or until the user closes the bar. Initially hidden."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.setVisible(False)
        self._undo: Callable[[], object] | None = None
        self.text = named(ElidedLabel(), "Last action")
        self.undo = named(QPushButton("Undo"), "Undo")
        self.undo.clicked.connect(self._undo_now)
        self.close_button = named(QPushButton("Close"), "Close this message", style_id="flat")
        self.close_button.clicked.connect(self.clear)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 6, 12, 6)
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        row.addWidget(self.undo)
        row.addWidget(self.close_button)

    def offer(self, text: str, undo: Callable[[], object]) -> None:
        """Show a description of the action, and call ``undo`` when the user presses the button."""
        self._undo = undo
        self.text.setText(text)
        self.setVisible(True)

    def clear(self) -> None:
        """Hide the bar and discard the undo function."""
        self._undo = None
        self.setVisible(False)

    def _undo_now(self) -> None:
        undo = self._undo
        self.clear()
        if undo:
            undo()
