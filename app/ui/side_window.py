"""The base class of small windows beside the main window, with a label for messages, and a signal for F1.
They do not block the main window. Esc and Ctrl+W hide them. The reconnect lab and *Refuse connections* are such
windows: subclasses, which place the label.
"""

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.keys import Shortcut
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel

MESSAGE_MS = 8000
MARGIN, SPACING = 16, 8


class SideWindow(QDialog):
    """Has the style of its parent, which owns it. Esc and Ctrl+W hide it. Fill ``column`` and ``foot``."""

    help_requested = Signal()

    def __init__(self, parent: QWidget, title: str) -> None:
        super().__init__(parent)
        self.setWindowTitle(title)
        self.message = named(ElidedLabel(), "Result of the last action", style_id="muted")
        self._message_timer = QTimer(self, interval=MESSAGE_MS, singleShot=True)
        self._message_timer.timeout.connect(lambda: self.message.setText(""))
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(MARGIN, 12, MARGIN, 12)
        self.column.setSpacing(SPACING)
        self.foot = QHBoxLayout()
        self.foot.setSpacing(SPACING)
        for key, act in (("F1", self.help_requested.emit), ("Ctrl+W", self.close)):
            Shortcut(key, self, act)

    def present(self) -> None:
        """Show the window and bring it to the front."""
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def show_message(self, text: str) -> None:
        """Show the result of an action for a while."""
        self.message.setText(text)
        self._message_timer.start()

    def show_rejection(self, text: str) -> None:
        """Show why an editor rejected a text."""
        self.show_message(text)

    def fit_height(self) -> None:
        """Become higher if a text has become too long for the window. It never becomes lower by itself."""
        self.column.invalidate()  # the changed label has only posted a request
        self.column.activate()
        needed = self.column.totalHeightForWidth(self.width())
        if needed > self.height():
            self.resize(self.width(), needed)

    def no_default_button(self) -> None:
        """Prevent that Enter in an input clicks a button, which would disconnect clients."""
        for each in self.findChildren(QPushButton):
            each.setAutoDefault(False)


def field_label(text: str, buddy: QWidget) -> PlainTextLabel:
    """Return the label of an input."""
    label = PlainTextLabel(text)
    label.setObjectName("muted")
    label.setBuddy(buddy)
    return label
