"""The input line of a chat with a Send button, to write as a friend. It keeps a draft per friend.
It emits the text to send, and whether the friend is typing: true with the first edit, and again at most once per
``TYPING_DEBOUNCE_MS`` of editing; false after a pause of that length, or when the text is sent or cleared. Then the
next edit emits true at once. The interval is that of the guide, which is the UI's specification.
"""

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QWidget

from app.protocol.backend import MAX_TEXT
from app.protocol.constants import TYPING_DEBOUNCE_MS
from app.ui.widgets.accessible_names import named
from app.ui.widgets.line_edit import LineEdit


class Composer(QWidget):
    """A line and a Send button."""

    typing = Signal(bool)
    """True when typing starts and repeatedly while it goes on, false when it stops."""
    sent = Signal(str)
    """The text of a message."""

    def __init__(self) -> None:
        super().__init__()
        self.line = named(LineEdit(limit=MAX_TEXT), "Write as this friend", style_id="played")
        self.button = named(QPushButton("Send"), "Send as this friend", style_id="primary")
        self._cooldown = QTimer(self, interval=TYPING_DEBOUNCE_MS, singleShot=True)
        self._idle = QTimer(self, interval=TYPING_DEBOUNCE_MS, singleShot=True)
        self._typing = False
        self._name = ""
        self._drafts: dict[str, str] = {}
        """What was written as other friends and not sent."""
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 10, 16, 12)
        row.setSpacing(8)
        row.addWidget(self.line, 1)
        row.addWidget(self.button)
        self.line.textEdited.connect(self._edited)
        self.line.returnPressed.connect(self.send)
        self.button.clicked.connect(self.send)
        self._idle.timeout.connect(self.stop_typing)

    def write_as(self, name: str) -> None:
        """Write as another friend. The text is kept, and shown again when the user writes as the same friend."""
        self.stop_typing()
        self._drafts[self._name] = self.line.text()
        self._name = name
        self.line.setText(self._drafts.pop(name, ""))
        self._show_name()

    def rename(self, old: str, new: str) -> None:
        """Show another name of the same persona, and keep what was written. Typing under the old name ends."""
        if old in self._drafts:
            self._drafts[new] = self._drafts.pop(old)
        if self._name == old:
            self.stop_typing()
            self._name = new
            self._show_name()

    def _show_name(self) -> None:
        self.line.setPlaceholderText(f"Write as {self._name} …")

    def restore(self, name: str, text: str) -> None:
        """Keep a text that could not be sent as a friend, unless another one was written meanwhile."""
        if name != self._name:
            self._drafts[name] = self._drafts.get(name) or text
        elif not self.line.text():
            self.line.setText(text)

    def stop_typing(self) -> None:
        """Emit that typing has stopped, if it had started."""
        self._idle.stop()
        self._cooldown.stop()
        if self._typing:
            self._typing = False
            self.typing.emit(False)

    def _edited(self, text: str) -> None:
        if not text:
            self.stop_typing()
            return
        self._idle.start()
        if not self._cooldown.isActive():
            self._cooldown.start()
            self._typing = True
            self.typing.emit(True)

    def send(self) -> None:
        """Send the text, unless it is empty."""
        text = self.line.text()
        if text:
            self.stop_typing()
            self.line.clear()
            self.sent.emit(text)
