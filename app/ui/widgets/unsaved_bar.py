"""The bar below a form that has unsaved changes: side effects of saving, what is invalid, *Discard* and *Save*.
*Save* is disabled while something is invalid. The Settings room uses the bar, finds out what it should show, and
connects the buttons.
"""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named


class UnsavedBar(QWidget):
    """Visible only while there are unsaved changes."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("unsavedBar")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.consequences = named(PlainTextLabel(wordWrap=True), "Unsaved changes")
        self.problem = named(PlainTextLabel(wordWrap=True), "Problem", style_id="problem")
        self.discard = named(QPushButton("Discard"), "Discard the changes")
        self.save = named(QPushButton("Save"), "Save settings", style_id="primary", tip="Save (Ctrl+S)")
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.consequences)
        texts.addWidget(self.problem)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 16, 8)
        row.setSpacing(8)
        row.addLayout(texts, 1)
        row.addWidget(self.discard)
        row.addWidget(self.save)
        self.show_changes(False)

    def show_changes(self, changed: bool, consequences: Sequence[str] = (), problem: str = "") -> None:
        """Show whether there are changes, what saving them does, and why they cannot be saved."""
        self.consequences.setText(" · ".join(["Unsaved changes", *consequences]))
        self.problem.setText(problem)
        self.problem.setVisible(bool(problem))
        self.discard.setEnabled(changed)
        self.save.setEnabled(changed and not problem)
        self.setVisible(changed)
