"""The Chats room: the list of chats, and the selected chat, in which the developer plays the friend.

Messages, typing and presence are fired as events to the UI. Other actions, such as *Delete*, only change the stored
chat state, which the UI shows after a reload. A friend who is a peer, with a companion of their own, cannot be
played: the developer can only read the chat, delete messages and end the friendship. The menu *Manage* changes
personas and the chat state.
"""

from collections.abc import Coroutine
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QListView,
    QMenu,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.companion import Companion
from app.hub.hub import Delivery
from app.hub.origin import PANEL
from app.protocol.backend import Conversation, MessageData, Person
from app.protocol.counts import count
from app.protocol.envelope import Envelope
from app.ui.badges import limited
from app.ui.models.conversations import CHAT, ConversationDelegate, ConversationsModel
from app.ui.plain_text import PlainTextLabel
from app.ui.room_registry import INJECT
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.bubbles import BubbleView
from app.ui.widgets.chat_header import ChatHeader
from app.ui.widgets.composer import Composer
from app.ui.widgets.emoji_picker import EmojiPicker
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.manage_menu import ManageMenu
from app.ui.widgets.message_actions import can_be_delivered
from app.ui.widgets.navigation import Badge
from app.ui.widgets.undo_bar import UndoBar

if TYPE_CHECKING:
    from app.ui.window import MainWindow

PAGE = 200
MAX_QUOTED = 60
REFRESH_MS = 100
PEER = (
    "This friend is a peer, with a companion of their own. Write to it in your UI. You cannot write as a peer here."
)
TYPING_CHECK_MS = 250
"""How often the room checks whether the UI is still typing, while it is."""


def create(window: "MainWindow") -> "ChatsRoom":
    """Build the room and connect it to the others."""
    room = ChatsRoom(window.companion)
    room.reloaded.connect(lambda: window.inject.refresh() if window.rooms.has(INJECT) else None)
    return room


class ChatsRoom(FocusStart):
    """The list of chats, the selected chat and a composer. Emits ``status_message`` with results and errors."""

    status_message = Signal(str)
    badge_changed = Signal(object)
    reloaded = Signal()
    """The chat state may have changed."""

    def __init__(self, companion: Companion) -> None:
        super().__init__()
        self._companion = companion
        self._username = ""
        self._do = RoomTasks(companion.tasks, self.status_message.emit)
        self._choose_first = True
        """Whether to select the first chat if none is selected. False after the selected friend was removed."""
        self._filling = False
        self.model = ConversationsModel()
        self.list = named(QListView(), "Chats", style_id="chats")
        self.list.setModel(self.model)
        self.list.setItemDelegate(ConversationDelegate(self.list))
        self.list.selectionModel().currentChanged.connect(self._chosen)
        self.header = ChatHeader()
        self.bubbles = BubbleView()
        self.ui_typing = named(PlainTextLabel(), "Whether your UI is typing", style_id="uiTyping")
        self.undo = UndoBar()
        self.composer = Composer()
        self.about_peer = named(PlainTextLabel(PEER, wordWrap=True), "About this friend", style_id="aboutPeer")
        self.manage = named(QPushButton("Manage"), "Manage personas and the chat state", style_id="menuButton")
        self.menu = ManageMenu(self, companion, self._do)
        self.manage.setMenu(self.menu)
        self.add_persona = self.menu.add_persona
        self.rename_persona = self.menu.rename_persona
        self.save_state = self.menu.save_state
        self.load_state = self.menu.load_state
        self.empty = EmptyState("clients", "No friends yet", ("Add persona", self.menu.ask_for_persona))
        self._lay_out()
        self._refresh = QTimer(self, interval=REFRESH_MS, singleShot=True)
        self._typing_check = QTimer(self, interval=TYPING_CHECK_MS)
        self._connect()
        self._refresh_soon(None)

    def close_down(self) -> None:
        """Disconnect from the companion's signals. Results of running tasks are not shown."""
        self._do.close()
        self._refresh.stop()
        self._typing_check.stop()
        for disconnect in self._disconnects:
            disconnect()

    def fire_or_stop(self) -> None:
        """Send the message in the composer."""
        self.composer.send()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.empty.recolor()
        self.bubbles.actions_bar.recolor()

    @property
    def layout_parts(self) -> dict[str, QSplitter]:
        """The parts whose sizes the window saves."""
        return {"chats/list": self.splitter}

    # building

    def _lay_out(self) -> None:
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.header)
        column.addWidget(self.bubbles, 1)
        self.ui_typing.setContentsMargins(16, 4, 16, 0)
        column.addWidget(self.ui_typing)
        column.addWidget(self.composer)
        column.addWidget(self.about_peer)
        self.body = QStackedWidget()
        self.body.addWidget(self.empty)
        self.body.addWidget(right)
        main = QWidget()
        below = QVBoxLayout(main)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(0)
        below.addWidget(self.body, 1)
        below.addWidget(self.undo)
        left = QWidget()
        side = QVBoxLayout(left)
        side.setContentsMargins(0, 0, 0, 0)
        side.setSpacing(0)
        side.addWidget(self.list, 1)
        foot = QHBoxLayout()
        foot.setContentsMargins(12, 8, 12, 12)
        foot.addWidget(self.manage, 1)
        side.addLayout(foot)
        self.splitter = QSplitter(Qt.Orientation.Horizontal)
        self.splitter.addWidget(left)
        self.splitter.addWidget(main)
        self.splitter.setSizes([250, 640])
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.setHandleWidth(1)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.splitter)
        self.start_at(self.list)

    def _connect(self) -> None:
        companion, chat = self._companion, self._companion.chat
        self.header.presence_switched.connect(self._switch_presence)
        self.header.stay_online_switched.connect(lambda on: self._do(chat.change_person(self._username, pinned=on)))
        self.header.auto_reply_switched.connect(
            lambda on: self._do(chat.change_person(self._username, auto_reply=on))
        )
        self.bubbles.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.bubbles.customContextMenuRequested.connect(self._message_menu)
        self.bubbles.deliver_requested.connect(self._mark_delivered)
        self.bubbles.react_requested.connect(self._choose_reaction)
        self.bubbles.delete_requested.connect(self._delete)
        self.composer.typing.connect(self._type)
        self.composer.sent.connect(self._send_message)
        self.menu.status_message.connect(self.status_message)
        self.menu.undo_offered.connect(self.undo.offer)
        self._refresh.timeout.connect(self.reload)
        self._typing_check.timeout.connect(self._show_ui_typing)
        self._disconnects = [
            chat.changed.connect(self._refresh_soon),
            chat.replaced.connect(lambda _: self.undo.clear()),
            chat.renamed.connect(lambda names: self._renamed(*names)),
            chat.ui_typing.changed.connect(lambda _: self._show_ui_typing()),
            companion.changed.connect(self._refresh_soon),
        ]

    # showing

    def _refresh_soon(self, _: object) -> None:
        if not self._refresh.isActive():  # restarting it at each change would delay it forever during a burst
            self._refresh.start()

    @override
    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._refresh_soon(None)

    def reload(self) -> None:
        """Load and show the current chat state."""
        if self._companion.opened:
            self._do(self._companion.chat.conversations(), self._show_chats)

    def _show_chats(self, chats: list[Conversation]) -> None:
        wanted = self._username
        self._filling = True  # ignore selection changes that the user did not make
        self.model.show_chats(chats)
        self._filling = False
        names = [chat.person.username for chat in chats]
        self.reloaded.emit()
        unread = sum(chat.unread for chat in chats)
        badge = Badge(limited(unread), f"{count(unread, 'message')} that your UI has not marked as read")
        self.badge_changed.emit(badge if unread else None)
        chosen = wanted or next(iter(names if self._choose_first else ()), "")
        if chosen in names:
            self.list.setCurrentIndex(self.model.index(self.model.line_of(chosen), 0))
            self._show_person(chats[names.index(chosen)].person)
        else:
            self._show_no_chat(has_friends=bool(names))

    def _chosen(self, current: QModelIndex, _: QModelIndex) -> None:
        chat = current.data(CHAT) if current.isValid() else None
        if chat and not self._filling:
            self._show_person(chat.person)

    def _show_person(self, person: Person) -> None:
        self.body.setCurrentIndex(1)
        if person.username != self._username:
            self.composer.write_as(person.username)
            self.bubbles.follow()
            self._username = person.username
        self.menu.username, self.menu.is_peer = person.username, person.is_peer
        self.composer.setVisible(not person.is_peer)
        self.about_peer.setVisible(person.is_peer)
        self.bubbles.play(not person.is_peer)
        self.header.show_person(person, self._companion.local_user)
        self._show_ui_typing()
        self._do(self._companion.chat.store.page(person.username, PAGE, 0), self._show_page)

    def _show_no_chat(self, *, has_friends: bool) -> None:
        """Deselect: the selected friend was removed, and the next click must not act on another one."""
        self.composer.write_as("")  # while the friend's name is known: it may be typing
        self._username = self.menu.username = ""
        self._choose_first = not has_friends
        self._show_ui_typing()
        self.list.setCurrentIndex(QModelIndex())
        if has_friends:
            self.empty.show_text("No chat is selected", "Select a friend in the list.", button=False)
        else:
            self.empty.show_text(
                "No friends yet", "Add a persona: a chat user that the companion simulates and you play."
            )
        self.body.setCurrentIndex(0)

    def _show_page(self, page: tuple[list[MessageData], int]) -> None:
        self.bubbles.show_messages(page[0], self._companion.clock.wall())

    # playing the friend

    def _fire(self, event: Envelope) -> None:
        self._run(self._companion.fire_built_in(event, origin=PANEL))

    def _run(self, firing: Coroutine[Any, Any, Delivery]) -> None:
        self._do(firing, self._report)

    def _report(self, delivery: Delivery) -> None:
        self.status_message.emit(" · ".join([delivery.note, *delivery.warnings]))

    def _switch_presence(self, on: bool) -> None:
        self._fire(Envelope("friend_online" if on else "friend_offline", {"username": self._username}))

    def _type(self, typing: bool) -> None:
        self._fire(Envelope("typing", {"username": self._username, "typing": typing}))

    def _send_message(self, text: str) -> None:
        self.bubbles.follow()
        username, sent = self._username, False

        def report(delivery: Delivery) -> None:
            nonlocal sent
            sent = True
            self._report(delivery)

        def ended() -> None:
            if not sent:
                self.composer.restore(username, text)

        firing = self._companion.composer.fire_literal_message(username, text, origin=PANEL)
        self._do(firing, report, ended=ended)

    def _show_ui_typing(self) -> None:
        """Show whether the UI is typing to the selected friend, and check again until it is not."""
        typing = bool(self._username) and self._companion.chat.ui_typing.is_typing(self._username)
        user = self._companion.local_user
        self.ui_typing.setText(f"{user} is typing to {self._username} in your UI …" if typing else "")
        if typing != self._typing_check.isActive():
            self._typing_check.start() if typing else self._typing_check.stop()

    # actions on a message

    def _message_menu(self, place: QPoint) -> None:
        message = self.bubbles.selected
        if message is None:
            return
        deliver, *_ = self.bubbles.keys
        plays = self.bubbles.actions_bar.plays_friend
        deliver.setEnabled(plays and can_be_delivered(message))
        menu = QMenu(self)
        menu.addActions(self.bubbles.keys)
        menu.aboutToHide.connect(partial(deliver.setEnabled, plays))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.bubbles.viewport().mapToGlobal(place))

    def _mark_delivered(self, message: MessageData) -> None:
        self._do(self._companion.chat.set_delivered(message["msg_id"]))

    def _choose_reaction(self, message: MessageData, place: QPoint) -> None:
        """Open the picker of reactions for a message."""
        friend = self._username
        present = [each["emoji"] for each in message.get("reactions", []) if each["from"] == friend]
        picker = EmojiPicker(self, present)
        picker.chosen.connect(lambda emoji: self._do(self._companion.chat.react(message["msg_id"], emoji, friend)))
        picker.open_at(place)

    def _delete(self, message: MessageData) -> None:
        chat = self._companion.chat
        self._do(
            chat.delete_message(message["msg_id"]),
            lambda deleted: self.undo.offer(
                f"Deleted the message “{_beginning(str(message['text']))}”",
                lambda: self._do(chat.restore_message(deleted)),
            ),
        )

    def _renamed(self, old: str, new: str) -> None:
        """Keep the chat of a renamed persona selected. What could be undone may have its old name."""
        self.undo.clear()
        self.composer.rename(old, new)  # while the old name is known: it may be typing
        if self._username == old:
            self._username = new


def _beginning(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= MAX_QUOTED else f"{line[:MAX_QUOTED]} …"
