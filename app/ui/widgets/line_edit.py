"""A single-line text input, used instead of ``QLineEdit``. It rejects a text that is too long; Qt's would cut it.
The reason is passed to ``text_rejection``, which shows it. Functions give the same limit to inputs that Qt creates,
such as those of dialogs and table cells, but these reject without a message.
"""

from PySide6.QtCore import QObject
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QLineEdit, QWidget  # noqa: TID251
from typing_extensions import override

from app.ui.widgets.text_rejection import reject
from app.ui.widgets.utf16 import for_qt, units

MAX_CHARS = 20_000
"""Qt lays out the whole line whenever it changes."""


class LineEdit(QLineEdit):
    """Accepts at most ``limit`` characters (UTF-16 code units, as Qt counts)."""

    def __init__(
        self, text: str = "", *, limit: int = MAX_CHARS, placeholder: str = "", clear_button: bool = False
    ) -> None:
        super().__init__()
        self._limit = limit
        bound(self, limit)
        self.setPlaceholderText(placeholder)
        self.setClearButtonEnabled(clear_button)
        self.inputRejected.connect(self._on_rejected)
        self.setText(text)

    @override
    def setText(self, text: str | None) -> None:
        """Replace the text. A text that is too long is rejected, and the old one stays."""
        if text and not fits_line(text, self._limit):
            self._on_rejected()
        else:
            super().setText(for_qt(text or ""))

    def _on_rejected(self) -> None:
        reject(
            self, f"The text is too long for “{self.accessibleName()}”. The maximum is {self._limit:,} characters."
        )


def bound(editor: QLineEdit, limit: int = MAX_CHARS) -> None:
    """Make an editor that Qt created reject a text that is too long, instead of cutting it."""
    # Qt cuts a longer text at this length first, so that the validator never sees a huge one.
    editor.setMaxLength(limit + 2)  # Qt does not cut within a character of two code units
    editor.setValidator(_Length(editor, limit))


def bound_all(widget: QWidget) -> None:
    """Bound the editors that Qt created in a widget, such as the one of an input dialog."""
    for editor in widget.findChildren(QLineEdit):
        bound(editor)


class _Length(QValidator):
    def __init__(self, parent: QObject, limit: int) -> None:
        super().__init__(parent)
        self._limit = limit

    @override
    def validate(self, text: str, position: int) -> object:
        state = QValidator.State.Acceptable if fits_line(text, self._limit) else QValidator.State.Invalid
        return state, for_qt(text), position


def fits_line(text: str, limit: int = MAX_CHARS) -> bool:
    """Return whether a text fits into a line with this limit."""
    return len(text) <= limit and units(text) <= limit


def selection(line: QLineEdit) -> tuple[int, int]:
    """Return the position of the other end of the selection, and that of the cursor."""
    cursor = line.cursorPosition()
    if not line.hasSelectedText():
        return cursor, cursor
    start, end = line.selectionStart(), line.selectionEnd()
    return (end if cursor == start else start), cursor


def select(line: QLineEdit, anchor: int, cursor: int) -> None:
    """Select the text between two positions. The cursor is at the second one."""
    line.setCursorPosition(cursor)
    if anchor != cursor:
        line.setSelection(anchor, cursor - anchor)
