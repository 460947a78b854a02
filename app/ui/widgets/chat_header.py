"""The header of a chat: names of the friend and the UI's user, and the switches *online*, *Stay online* and
*Auto-reply*. A switch only emits a signal; the Chats room makes the change. The switches are hidden if the friend
is a peer, with a companion of their own, whom the developer cannot play.
"""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QHBoxLayout, QVBoxLayout, QWidget

from app.protocol.backend import Person
from app.ui.plain_text import PlainTextLabel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.switch import Switch

MIN_NAME_WIDTH = 100
"""A long name does not make the other one narrower than this."""


class ChatHeader(QWidget):
    """Two lines: "You play bob · your UI acts as me", and switches for presence, *Stay online* and *Auto-reply*.

    A peer, which has a companion of its own, is not played: the switches are hidden.
    """

    presence_switched = Signal(bool)
    stay_online_switched = Signal(bool)
    auto_reply_switched = Signal(bool)

    def __init__(self) -> None:
        super().__init__()
        self.name = named(ElidedLabel(), "Friend", style_id="played")
        self.local_user = named(ElidedLabel(), "User of your UI", style_id="localUser")
        self.name.min_width = self.local_user.min_width = MIN_NAME_WIDTH
        self.online = named(Switch(), "This friend is online")
        self.presence = named(PlainTextLabel(), "Presence")
        self.pinned = named(
            QCheckBox("Stay online"),
            "Stay online",
            tip="Keep this friend online even after 5 minutes without activity",
        )
        self.auto_reply = named(
            QCheckBox("Auto-reply"), "Auto-reply", tip="Answer your UI's messages after typing for a moment"
        )
        self.online.clicked.connect(self.presence_switched)
        self.pinned.clicked.connect(self.stay_online_switched)
        self.auto_reply.clicked.connect(self.auto_reply_switched)
        who = QHBoxLayout()
        who.setSpacing(8)
        self.role = _muted("You play")
        for widget in (self.role, self.name, _muted("· your UI acts as"), self.local_user):
            who.addWidget(widget)
        who.addStretch(1)
        how = QHBoxLayout()
        how.setSpacing(8)
        how.addWidget(self.online)
        how.addWidget(self.presence)
        how.addSpacing(16)
        how.addWidget(self.pinned)
        how.addSpacing(8)
        how.addWidget(self.auto_reply)
        how.addStretch(1)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 16, 8)
        column.setSpacing(6)
        column.addLayout(who)
        column.addLayout(how)

    def show_person(self, person: Person, local_user: str) -> None:
        """Show the state of a friend, and the user that the UI acts as."""
        self.name.setText(person.username)
        self.role.setText("Peer" if person.is_peer else "You play")
        for widget in (self.online, self.pinned, self.auto_reply):
            widget.setVisible(not person.is_peer)
        self.local_user.setText(local_user)
        self.online.setChecked(person.online)
        self.online.setAccessibleName(f"{person.username} is online")
        self.presence.setText("Online" if person.online else "Offline")
        self.pinned.setChecked(person.pinned)
        self.auto_reply.setChecked(person.auto_reply)


def _muted(text: str) -> PlainTextLabel:
    return named(PlainTextLabel(text), text, style_id="muted")
