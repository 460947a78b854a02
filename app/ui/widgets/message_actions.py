"""The buttons beside a message bubble in Chats: mark delivered, react, delete. They emit signals.
*Mark delivered* is only shown for a message from the UI's user that its recipient has not received. In a chat with
a peer, who has a companion of their own, only *Delete* is shown.
"""

from PySide6.QtCore import QRect, Signal
from PySide6.QtWidgets import QAbstractScrollArea, QApplication, QHBoxLayout, QPushButton, QWidget

from app.protocol.backend import MessageData
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.widgets.accessible_names import named

GAP = 6

DELIVER_TIP = "Mark delivered (D)"
REACT_TIP = "React as this friend (R). Your UI shows it after a reload."
DELETE_TIP = "Delete (Del). Your UI shows the message until it reloads."


class MessageActions(QWidget):
    """A row of buttons that act on ``message``. It lies over the list of bubbles, ``view``."""

    deliver_requested = Signal()
    react_requested = Signal()
    delete_requested = Signal()

    def __init__(self, view: QAbstractScrollArea) -> None:
        super().__init__(view.viewport())
        self._view = view
        self.message: MessageData | None = None
        self.plays_friend = True
        """Whether the friend of the chat is a persona. A peer confirms and reacts itself."""
        self.deliver = self._button("check", "Mark delivered", DELIVER_TIP)
        self.react = self._button("reaction", "React …", REACT_TIP)
        self.delete = self._button("trash", "Delete message", DELETE_TIP)
        self.deliver.clicked.connect(self.deliver_requested)
        self.react.clicked.connect(self.react_requested)
        self.delete.clicked.connect(self.delete_requested)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(2)
        for button in self._buttons:
            row.addWidget(button)
        self.recolor()
        self.hide()

    def show_for(self, message: MessageData, bubble: QRect) -> None:
        """Show the buttons beside a bubble, on the side that has room, or over its upper edge."""
        self.message = message
        shown = {self.deliver: self.plays_friend and can_be_delivered(message), self.react: self.plays_friend}
        self._keep_focus(*(button for button, wanted in shown.items() if not wanted))
        for button, wanted in shown.items():
            button.setVisible(wanted)
        size = self.sizeHint()
        width = self._view.viewport().width()
        left = bubble.left() - GAP - size.width()
        if left < 0:
            left = min(bubble.right() + GAP, width - size.width())
        self.setGeometry(QRect(left, bubble.top(), size.width(), size.height()))
        self.show()

    def forget(self) -> None:
        """Hide the buttons. If one of them has the keyboard focus, the list gets it."""
        self.message = None
        self._keep_focus(*self._buttons)
        self.hide()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        scheme = theme.colors()
        for button, icon in zip(self._buttons, ("check", "reaction", "trash"), strict=True):
            button.setIcon(ui_icon(icon, scheme.error if icon == "trash" else scheme.muted))

    @property
    def _buttons(self) -> tuple[QPushButton, ...]:
        return self.deliver, self.react, self.delete

    def _keep_focus(self, *hidden: QPushButton) -> None:
        """Give the list the keyboard focus of a button that is about to be hidden; Qt would choose any widget."""
        if QApplication.focusWidget() in hidden:
            self._view.setFocus()

    @staticmethod
    def _button(icon: str, name: str, tip: str) -> QPushButton:
        button = named(QPushButton(), name, style_id="bubbleAction", tip=tip)
        button.setIcon(ui_icon(icon, theme.colors().muted))
        return button


def can_be_delivered(message: MessageData) -> bool:
    """Return whether a message waits for its recipient."""
    return bool(message["direction"] == "sent" and not message["delivered"])
