"""The tab *Raw frame* of the room Inject: an editor for any text, and a line that says if it is a valid event.
A button indents JSON in the editor; another asks for a file whose content is sent instead. The panel itself sends
nothing: the bar below it (``fire_bar``) sends the text unchanged.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.companion import Companion
from app.hub.pipeline import CheckedFrame
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.code_completion import offers_of
from app.ui.widgets.code_editor import CodeEditor
from app.ui.widgets.result_line import SEND_FILE, SEND_FILE_TIP
from app.ui.widgets.schema_form import GRID

RAW = "Raw frame"
"""The title of the tab."""
SEND_AS_IS, SEND_MALFORMED = "Send as is", "Send malformed"
"""The main button, for a valid frame and for any other text."""
FIRST_TEXT = '{"event": "new_message", "data": {"from": "alice", "text": '


class RawPanel(QWidget):
    """An editor for any text, and a line that says whether it is a valid event."""

    notice = Signal(str)
    """Emitted with the reason when an action is not possible."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        hint = PlainTextLabel(
            "The text is sent exactly as written, valid or not. Use it to test how your UI handles broken frames.",
            wordWrap=True,
        )
        hint.setObjectName("muted")
        self.editor = CodeEditor(
            RAW,
            lambda: offers_of(companion.catalog, [*companion.personas, companion.local_user], with_templates=False),
        )
        self.editor.setPlainText(FIRST_TEXT)
        self.verdict = named(PlainTextLabel(wordWrap=True), "Validation result", style_id="result")
        self.format = named(QPushButton("Format"), "Format", tip="Indent the JSON. This changes what is sent.")
        self.format.clicked.connect(self._format)
        self.send_file = named(QPushButton(SEND_FILE), "Send a frame from a file", tip=SEND_FILE_TIP)
        top = QHBoxLayout()
        top.setSpacing(GRID)
        top.addWidget(hint, 1)
        top.addWidget(self.format)
        top.addWidget(self.send_file)
        column = QVBoxLayout(self)
        column.setContentsMargins(20, 2 * GRID, 20, GRID)
        column.setSpacing(2 * GRID)
        column.addLayout(top)
        column.addWidget(self.editor, 1)
        column.addWidget(self.verdict)

    def show_checked(self, checked: CheckedFrame) -> None:
        """Show whether the text is a valid frame, and underline what is not."""
        self.editor.show_problems(checked.problems)
        self.verdict.setText(f"✕ {checked.fault}" if checked.problems else f"✓ Valid {checked.event} event")
        tone = "warning" if checked.problems else "ok"
        if self.verdict.property("tone") != tone:
            self.verdict.setProperty("tone", tone)
            self.verdict.style().polish(self.verdict)

    def _format(self) -> None:
        if why := self.editor.format_text():
            self.notice.emit(why)
