"""A text field for a search or a filter: Esc clears it. In an empty field, Esc emits a signal; the owner usually
moves the focus then.
"""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from typing_extensions import override

from app.ui.widgets.line_edit import LineEdit


class SearchField(LineEdit):
    """Ctrl+Z brings the text back that Esc has cleared."""

    left = Signal()
    """Emitted when the user presses Esc in the empty field. The owner moves the focus to what was searched."""

    def __init__(self, *, limit: int, placeholder: str) -> None:
        super().__init__(limit=limit, placeholder=placeholder, clear_button=True)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() != Qt.Key.Key_Escape:
            super().keyPressEvent(event)
        elif self.text():
            self.clear()
        else:
            self.left.emit()
