"""The right side of the Scenarios room: the editor of the selected scenario, with its title and buttons.
A scenario is a script of events and expectations. A line below the editor shows the problem in the line of the
cursor, or the result of its expectation; if it has neither, the first problem of the text. The room sets all texts.
"""

from collections.abc import Callable

from PySide6.QtCore import QSignalBlocker, Qt
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QVBoxLayout, QWidget

from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.revert_button import RevertButton
from app.ui.widgets.transcript_completion import TranscriptOffers
from app.ui.widgets.transcript_editor import TranscriptEditor


class ScenarioForm(QWidget):
    """Show a scenario and let the user edit it. ``offers`` returns what can be completed."""

    def __init__(self, offers: Callable[[], TranscriptOffers]) -> None:
        super().__init__()
        self.title = named(ElidedLabel(), "Scenario", style_id="emptyTitle")
        self.facts = named(ElidedLabel(), "Name", style_id="muted")
        self.revert = RevertButton("scenario")
        self.save = named(QPushButton("Save"), "Save this scenario", tip="Save (Ctrl+S)")
        self.more = named(QPushButton("More"), "More actions on this scenario", style_id="menuButton")
        self.menu = QMenu(self.more)
        self.more.setMenu(self.menu)
        self.editor = TranscriptEditor(offers)
        self.line_info = named(PlainTextLabel(wordWrap=True), "About the line of the cursor", style_id="problem")
        self.line_info.setMinimumSize(1, self.line_info.fontMetrics().height() + 2)  # the editor must not move
        texts = QVBoxLayout()
        texts.setSpacing(2)
        texts.addWidget(self.title)
        texts.addWidget(self.facts)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addLayout(texts, 1)
        for button in (self.revert, self.save, self.more):
            head.addWidget(button, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 8)
        column.setSpacing(8)
        column.addLayout(head)
        column.addWidget(self.editor, 1)
        column.addWidget(self.line_info)

    def show_text(self, text: str) -> str:
        """Replace the text of the editor without a signal. Return the text as the editor has it."""
        with QSignalBlocker(self.editor):
            if not self.editor.set_text(text):
                self.editor.clear()
        return self.editor.toPlainText()

    def show_state(self, *, has_file: bool, changed: bool, can_save: bool, why_not: str) -> None:
        """Name and enable the buttons. ``why_not`` says why the changes cannot be saved."""
        self.revert.show_file(has_file)
        self.revert.setEnabled(changed)
        self.save.setEnabled(can_save)
        set_tooltip(self.save, why_not or "Save (Ctrl+S)")

    def show_info(self, text: str, style: str) -> None:
        """Show what is known about the line of the cursor: a problem, or the result of its expectation."""
        self.line_info.setText(text)
        if self.line_info.objectName() != style:
            self.line_info.setObjectName(style)
            self.line_info.style().polish(self.line_info)
