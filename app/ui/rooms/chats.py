"""The Chats room: each friend's presence and messages. The developer writes as the friend."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QModelIndex, QPoint, Qt, QTimer, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QCheckBox,
    QFileDialog,
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
from app.hub.origin import PANEL
from app.protocol.backend import Conversation, MessageData, Person
from app.protocol.envelope import Envelope
from app.ui.models.conversations import CHAT, ConversationDelegate, ConversationsModel
from app.ui.plain_text import PlainTextInputDialog, PlainTextLabel
from app.ui.room_registry import INJECT
from app.ui.room_tasks import RoomTasks
from app.ui.widgets.accessible_names import named
from app.ui.widgets.bubbles import BubbleView
from app.ui.widgets.composer import Composer
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.line_edit import bound_all
from app.ui.widgets.switch import Switch

if TYPE_CHECKING:
    from app.ui.window import MainWindow

PAGE = 200
REFRESH_MS = 100
REACTION = "👍"


def create(window: "MainWindow") -> "ChatsRoom":
    """Build the room and connect it to the others."""
    room = ChatsRoom(window.companion)
    room.reloaded.connect(lambda: window.inject.refresh() if window.rooms.has(INJECT) else None)
    return room


class ChatsRoom(QWidget):
    """The list of chats, the selected chat and a composer. ``status_message`` has results and errors."""

    status_message = Signal(str)
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
        self.online = named(Switch(), "This friend is online")
        self.online.clicked.connect(self._switch_presence)
        self.name = named(PlainTextLabel(), "Friend", style_id="emptyTitle")
        self.pinned = named(
            QCheckBox("Stay online"),
            "Stay online",
            tip="Keep this friend online, also after 5 minutes of inactivity",
        )
        self.auto_reply = named(
            QCheckBox("Auto-reply"), "Auto-reply", tip="Answer your UI's messages after typing for a moment"
        )
        self.pinned.clicked.connect(
            lambda on: self._do(self._companion.chat.change_person(self._username, pinned=on))
        )
        self.auto_reply.clicked.connect(
            lambda on: self._do(self._companion.chat.change_person(self._username, auto_reply=on))
        )
        self.bubbles = BubbleView()
        self.bubbles.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.bubbles.customContextMenuRequested.connect(self._message_menu)
        self.composer = Composer()
        self.composer.typing.connect(self._type)
        self.composer.sent.connect(self._send_message)
        self.manage = named(QPushButton("Manage"), "Manage personas and the chat state")
        self.manage.setMenu(self._manage_menu())
        self._message_buttons = self._make_message_buttons()
        self.empty = EmptyState("clients", "No friends yet", ("Add persona", self._add))
        self._lay_out()
        self._refresh = QTimer(self, interval=REFRESH_MS, singleShot=True)
        self._refresh.timeout.connect(self.reload)
        self._disconnects = [
            companion.chat.changed.connect(self._refresh_soon),
            companion.changed.connect(self._refresh_soon),
        ]
        self._refresh_soon(None)

    def close_down(self) -> None:
        """Stop listening to the companion. Results of running tasks are not shown."""
        self._do.close()
        self._refresh.stop()
        for disconnect in self._disconnects:
            disconnect()

    def fire_or_stop(self) -> None:
        """Send the message in the composer."""
        self.composer.send()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.empty.recolor()

    # building

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setContentsMargins(16, 10, 16, 8)
        head.setSpacing(10)
        head.addWidget(self.online)
        head.addWidget(self.name, 1)
        head.addWidget(self.pinned)
        head.addWidget(self.auto_reply)
        actions = QHBoxLayout()
        actions.setContentsMargins(16, 6, 16, 0)
        actions.setSpacing(8)
        for button in self._message_buttons:
            actions.addWidget(button)
        actions.addStretch(1)
        right = QWidget()
        column = QVBoxLayout(right)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(head)
        column.addWidget(self.bubbles, 1)
        column.addLayout(actions)
        column.addWidget(self.composer)
        self.body = QStackedWidget()
        self.body.addWidget(self.empty)
        self.body.addWidget(right)
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
        self.splitter.addWidget(self.body)
        self.splitter.setSizes([250, 640])
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(self.splitter)
        self.setFocusProxy(self.list)

    def _make_message_buttons(self) -> list[QPushButton]:
        buttons = []
        for title, tip, act in self._message_actions():
            button = named(QPushButton(title), title, style_id="flat", tip=tip)
            button.clicked.connect(partial(self._with_message, act))
            buttons.append(button)
        return buttons

    def _message_actions(self) -> tuple[tuple[str, str, Callable[[MessageData], None]], ...]:
        return (
            ("Mark delivered", "Mark the selected message as delivered", self._mark_delivered),
            (
                f"React {REACTION}",
                "React to the selected message as this friend. Your UI shows it after a reload.",
                self._react,
            ),
            ("Delete", "Delete the selected message. Your UI shows it until it reloads.", self._delete),
        )

    def _manage_menu(self) -> QMenu:
        menu = QMenu(self)
        menu.addAction("Add persona …", self._add)
        of_friend = [
            menu.addAction("Rename this persona …", self._rename),
            menu.addAction(
                "End this friendship", lambda: self._do(self._companion.chat.remove_friend(self._username))
            ),
            menu.addAction(
                "Remove this persona", lambda: self._do(self._companion.chat.remove_person(self._username))
            ),
        ]

        def enable() -> None:
            for action in of_friend:
                action.setEnabled(bool(self._username))

        menu.aboutToShow.connect(enable)
        menu.addSeparator()
        menu.addAction("Save chat state …", self._save)
        menu.addAction("Load chat state …", self._load)
        menu.addAction("Reset to the default personas", lambda: self._do(self._companion.chat.reset()))
        return menu

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
        self._filling = True  # the view may change its selection now, but the user did not
        self.model.show_chats(chats)
        self._filling = False
        names = [chat.person.username for chat in chats]
        self.reloaded.emit()
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
        self.name.setText(person.username)
        self.online.setChecked(person.online)
        self.online.setAccessibleName(f"{person.username} is online")
        self.pinned.setChecked(person.pinned)
        self.auto_reply.setChecked(person.auto_reply)
        self._do(self._companion.chat.store.page(person.username, PAGE, 0), self._show_page)

    def _show_no_chat(self, *, has_friends: bool) -> None:
        """Deselect: the selected friend was removed, and the next click must not act on another one."""
        self._username = ""
        self._choose_first = not has_friends
        self.list.setCurrentIndex(QModelIndex())
        if has_friends:
            self.empty.show_text("No chat is selected", "Select a friend in the list.", button=False)
        else:
            self.empty.show_text(
                "No friends yet", "Add a persona: a friend that you play. Your UI can find it by name."
            )
        self.body.setCurrentIndex(0)

    def _show_page(self, page: tuple[list[MessageData], int]) -> None:
        self.bubbles.show_messages(page[0])

    # playing the friend

    def _fire(self, event: Envelope) -> None:
        self._do(
            self._companion.fire(event, origin=PANEL),
            lambda delivery: self.status_message.emit(" · ".join([delivery.note, *delivery.warnings])),
        )

    def _switch_presence(self, on: bool) -> None:
        self._fire(Envelope("friend_online" if on else "friend_offline", {"username": self._username}))

    def _type(self, typing: bool) -> None:
        self._fire(Envelope("typing", {"username": self._username, "typing": typing}))

    def _send_message(self, text: str) -> None:
        self._fire(self._companion.message_from(self._username, text))

    def _with_message(self, act: Callable[[MessageData], None]) -> None:
        message = self.bubbles.selected
        if message:
            act(message)
        else:
            self.status_message.emit("Select a message first")

    def _message_menu(self, place: QPoint) -> None:
        if self.bubbles.selected is None:
            return
        menu = QMenu(self)
        for title, _, act in self._message_actions():
            menu.addAction(title, partial(self._with_message, act))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.bubbles.viewport().mapToGlobal(place))

    def _mark_delivered(self, message: MessageData) -> None:
        self._do(self._companion.chat.set_delivered(message["msg_id"]))

    def _react(self, message: MessageData) -> None:
        self._do(self._companion.chat.react(message["msg_id"], REACTION, self._username))

    def _delete(self, message: MessageData) -> None:
        self._do(self._companion.chat.delete_message(message["msg_id"]))

    # personas and the chat state

    def _ask_name(self, title: str, label: str, then: Callable[[str], None], text: str = "") -> None:
        dialog = PlainTextInputDialog(self, title, label, text)
        bound_all(dialog)
        dialog.textValueSelected.connect(then)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _add(self) -> None:
        self._ask_name("Add persona", "Name of the new persona", self.add_persona)

    def add_persona(self, name: str, *, is_friend: bool = True) -> None:
        """Add a persona. If ``is_friend`` is false, the UI can still add it as a friend."""
        self._do(
            self._companion.chat.add_person(name, is_friend=is_friend),
            lambda added: self.status_message.emit(f"Added {added.username}"),
        )

    def _rename(self) -> None:
        old = self._username
        self._ask_name(
            "Rename persona",
            f"New name of {old}",
            partial(self.rename_persona, old),
            old,
        )

    def rename_persona(self, old: str, new: str) -> None:
        """Rename a persona. Its chat stays selected."""

        def renamed(_: None) -> None:
            if self._username == old:
                self._username = new.strip()
                self.composer.rename(self._username)

        self._do(self._companion.chat.rename_person(old, new), renamed)

    def _file_dialog(self, title: str, mode: QFileDialog.AcceptMode, then: Callable[[str], None]) -> None:
        dialog = QFileDialog(self, title, "", "Chat state (*.json)")
        dialog.setAcceptMode(mode)
        dialog.setDefaultSuffix("json")
        dialog.fileSelected.connect(then)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _save(self) -> None:
        self._file_dialog("Save chat state", QFileDialog.AcceptMode.AcceptSave, self.save_state)

    def _load(self) -> None:
        self._file_dialog("Load chat state", QFileDialog.AcceptMode.AcceptOpen, self.load_state)

    def save_state(self, file: str) -> None:
        """Save the whole chat state to a file."""
        saved = f"Saved the chat state to {file}"
        self._do(self._companion.chat.store.save(Path(file)), lambda _: self.status_message.emit(saved))

    def load_state(self, file: str) -> None:
        """Replace the whole chat state with that of a file."""
        loaded = f"Loaded the chat state from {file}"
        self._do(self._companion.chat.load(Path(file)), lambda _: self.status_message.emit(loaded))
