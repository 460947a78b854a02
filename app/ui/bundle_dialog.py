"""The dialog *Bug report*: shows a preview of the bug report bundle of a recording, and saves it (a ZIP archive).
Of the recording, it shows only the first lines. Names and texts in the bundle are replaced by pseudonyms,
unless the user switches that off. Even then, recognized secrets and paths of the user's folders are removed.
"""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.observers.opened_recording import OpenedRecording
from app.ui.file_dialogs import ask_where_to_save
from app.ui.plain_text import PlainTextLabel
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.text_edit import TextEdit

REDACT_TIP = (
    "Every word of names and texts is replaced by a pseudonym of the same length. "
    "Recognized tokens and keys, and your folders, are always left out."
)
MAKING = "Making the bug report …"


class BundleDialog(QDialog):
    """Makes the bundle, shows a preview, and saves the bundle of that preview. It does not block."""

    def __init__(self, parent: QWidget, companion: Companion, recording: str | Path | OpenedRecording) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle("Bug report")
        self._companion = companion
        self._recording = recording
        self._content = b""
        self._latest = 0
        self._do = RoomTasks(companion.tasks, self.show_message)
        about = (
            "The file will contain the following, and the rest of the recording, of which only the first lines are "
            "shown. Check the file before you share it."
        )
        self.about = named(PlainTextLabel(about, wordWrap=True), "About the bug report")
        self.redact = named(QCheckBox("Replace names and texts"), "Replace names and texts", tip=REDACT_TIP)
        self.redact.setChecked(True)
        self.preview = named(TextEdit(read_only=True), "Content of the bug report")
        self.message = named(PlainTextLabel(wordWrap=True), "Result", style_id="muted")
        self.save = named(QPushButton("Save bug report …"), "Save bug report", style_id="primary")
        self.close_button = named(QPushButton("Close"), "Close")
        self._lay_out()
        self.redact.toggled.connect(lambda _: self.make())
        self.save.clicked.connect(self.ask)
        self.close_button.clicked.connect(self.accept)
        self._do.close_with(self)
        self.make()

    def make(self) -> None:
        """Make the bundle as the switch says, and show it."""
        self._latest += 1
        number = self._latest
        self.save.setEnabled(False)
        self.show_message(MAKING)
        self._do(
            self._companion.recording_actions.bundle_with_preview(self._recording, redact=self.redact.isChecked()),
            lambda made: self._show(number, *made),
        )

    def show_message(self, text: str) -> None:
        """Show a result or an error."""
        self.message.setText(text)

    def ask(self) -> None:
        """Ask for a file, and save the bundle to it."""
        wall = self._companion.clock.wall()
        ask_where_to_save(
            self, "Save bug report", {"Bug reports (*.zip)": ".zip"}, "bug-report", wall, self.save_to
        )

    def save_to(self, file: Path) -> None:
        """Save the bundle that is shown."""
        self._do(
            self._companion.export_actions.write_file(file, self._content),
            lambda _: self.show_message(f"Saved to {file}"),
        )

    def _show(self, number: int, content: bytes, preview: str) -> None:
        if number != self._latest:  # the switch was changed meanwhile
            return
        self._content = content
        self.preview.setPlainText(preview)
        self.save.setEnabled(True)
        self.show_message(f"{len(content) / 1024:,.0f} KiB")

    def _lay_out(self) -> None:
        foot = QHBoxLayout()
        foot.setSpacing(8)
        foot.addWidget(self.message, 1)
        foot.addWidget(self.close_button)
        foot.addWidget(self.save)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 12)
        column.setSpacing(8)
        column.addWidget(self.about)
        column.addWidget(self.redact)
        column.addWidget(self.preview, 1)
        column.addLayout(foot)
        self.resize(720, 560)
