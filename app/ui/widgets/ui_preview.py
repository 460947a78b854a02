"""A preview of what a client's UI should show, drawn as a chat UI: contacts, the open chat and connection banners.
It draws the state that the companion has computed for the UI's stores, not what the UI reported. A click on a
contact opens no chat: it asks whether to correct which chat the companion assumes to be open. Context menus ask for
the log row that made a message, unread count, last message or presence. The UI state room uses it.
"""

from typing import Any

from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPersistentModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import (
    QAbstractItemView,
    QFrame,
    QHBoxLayout,
    QListView,
    QMenu,
    QPushButton,
    QStackedWidget,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.protocol.backend import Conversation, MessageData
from app.protocol.ui_paths import path_of
from app.protocol.ui_stores import UiStores
from app.ui.keys import Action
from app.ui.models.conversations import CHAT, TIME, ConversationDelegate
from app.ui.models.preview import Preview, preview_of
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.bubble_painter import DATA, DAY, MAX_SHOWN_CHARS, BubbleDelegate, reactions
from app.ui.widgets.elided_label import ElidedLabel
from app.ui.widgets.page_head import head_line

CONTACTS_WIDTH = 200
INDEX = Qt.ItemDataRole.UserRole + 8
"""The role with a message's index in the store."""
END_TOLERANCE = 4
"""The messages are at their end if they are scrolled to within this many pixels of it."""
ORIGINS = (("unread count", "unreadCount"), ("last message", "lastMessage"), ("presence", "online"))
"""The values of a contact whose row can be shown."""

Index = QModelIndex | QPersistentModelIndex


class UiPreview(QFrame):
    """Shows stores as a chat UI does."""

    chat_chosen = Signal(object)
    """Emitted with the name of a friend whose chat the developer says is open."""
    origin_requested = Signal(str)
    """Emitted with the path of a value whose row the user wants to see."""

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("uiPreview")
        self.banner = named(PlainTextLabel(wordWrap=True), "Connection of the UI", style_id="previewBanner")
        self.contacts = _Contacts()
        self.question = _Question()
        self.question.answered.connect(self.chat_chosen)
        self.title = named(ElidedLabel(), "Open chat", style_id="detailHead")
        self.presence = named(PlainTextLabel(), "Presence", style_id="muted")
        self.older = named(
            PlainTextLabel(alignment=Qt.AlignmentFlag.AlignCenter), "Older messages", style_id="muted"
        )
        self.messages = _Messages()
        self.typing = named(PlainTextLabel(), "Typing", style_id="uiTyping")
        self.typing.setContentsMargins(16, 0, 16, 6)
        self.no_chat = named(
            PlainTextLabel(alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True), "No chat", style_id="muted"
        )
        self.no_contacts = named(
            PlainTextLabel("No contacts", alignment=Qt.AlignmentFlag.AlignCenter, wordWrap=True),
            "No contacts",
            style_id="muted",
        )
        self._can_choose = True
        self._lay_out()
        self.contacts.chosen.connect(self._ask)
        self.contacts.origin_requested.connect(self.origin_requested)
        self.messages.origin_requested.connect(lambda index: self.origin_requested.emit(self._message_path(index)))
        self._open_chat: str | None = None

    def _lay_out(self) -> None:
        self._chat = QWidget()
        chat = QVBoxLayout(self._chat)
        chat.setContentsMargins(0, 0, 0, 0)
        chat.setSpacing(0)
        chat.addWidget(head_line(self.title, self.presence))
        chat.addWidget(self.older)
        chat.addWidget(self.messages, 1)
        chat.addWidget(self.typing)
        self._right = QStackedWidget()
        self._right.addWidget(self._chat)
        self._right.addWidget(self.no_chat)
        self._left = QStackedWidget()
        self._left.setFixedWidth(CONTACTS_WIDTH)
        self._left.addWidget(self.contacts)
        self._left.addWidget(self.no_contacts)
        row = QHBoxLayout()
        row.setSpacing(0)
        row.addWidget(self._left)
        line = QFrame()
        line.setObjectName("previewLine")
        line.setFixedWidth(1)
        row.addWidget(line)
        row.addWidget(self._right, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(1, 1, 1, 1)
        column.setSpacing(0)
        column.addWidget(self.banner)
        column.addWidget(self.question)
        column.addLayout(row, 1)

    def show_stores(self, stores: UiStores, now: float, *, can_choose: bool) -> None:
        """Show stores at a time in seconds since the epoch. ``can_choose``: the open chat can be corrected."""
        self._can_choose = can_choose
        shown = preview_of(stores, now)
        if not can_choose:
            self.question.hide()
        self.banner.setText("\n".join(shown.banners))
        self.banner.setVisible(bool(shown.banners))
        self.contacts.show_contacts(shown)
        self._left.setCurrentWidget(self.contacts if shown.contacts else self.no_contacts)
        self._show_chat(shown)

    def _show_chat(self, shown: Preview) -> None:
        name = shown.open_chat
        other_chat = name != self._open_chat
        self._open_chat = name
        self._right.setCurrentWidget(self.no_chat if name is None else self._chat)
        self.no_chat.setText("No chat is open")
        self.title.setText(name or "")
        self.presence.setText(shown.presence)
        older = f"{shown.hidden:,} older messages are not shown here" if shown.hidden else ""
        self.older.setText(older or ("The UI can load more messages" if shown.has_more else ""))
        self.older.setVisible(bool(self.older.text()))
        self.messages.show_messages(shown, to_end=other_chat)
        self.typing.setText(shown.typing)

    def _ask(self, name: str) -> None:
        if not self._can_choose:
            self.question.explain("Go live to correct the chat that is open: the past cannot be changed.")
        elif name == self._open_chat:
            self.question.hide()
        else:
            self.question.ask(name)

    def _message_path(self, index: int) -> str:
        return path_of(("chatStore", "messages", self._open_chat or "", index))


class _Question(QWidget):
    """Asks whether a chat is open in the UI."""

    answered = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setObjectName("banner")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._name = ""
        self.text = named(PlainTextLabel(wordWrap=True), "Question about the open chat")
        self.accept = named(QPushButton("Set open chat"), "Set open chat")
        self.accept.clicked.connect(self._accept)
        self.cancel = named(QPushButton("Cancel"), "Cancel", style_id="flat")
        self.cancel.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 6, 8, 6)
        row.setSpacing(8)
        row.addWidget(self.text, 1)
        row.addWidget(self.accept)
        row.addWidget(self.cancel)
        self.hide()

    def ask(self, name: str) -> None:
        self._name = name
        self.text.setText(f"Is the chat with {name[:60]} open in your UI?")
        self.accept.setVisible(True)
        self.cancel.setText("Cancel")
        self.show()

    def explain(self, text: str) -> None:
        self.text.setText(text)
        self.accept.setVisible(False)
        self.cancel.setText("Close")
        self.show()

    def _accept(self) -> None:
        self.hide()
        self.answered.emit(self._name)


class _Contacts(QListView):
    """The list of contacts."""

    chosen = Signal(str)
    origin_requested = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        named(self, "Contacts in the preview", style_id="chats")
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.setItemDelegate(ConversationDelegate(self))
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._context_menu)
        self.clicked.connect(lambda index: self._choose(index))
        self._open_line = -1

    def show_contacts(self, shown: Preview) -> None:
        self._model.setRowCount(len(shown.contacts))
        self._open_line = -1
        for line, (chat, time) in enumerate(shown.contacts):
            item = self._model.item(line) or QStandardItem()
            is_open = chat.person.username == shown.open_chat
            if item.data(CHAT) != chat or item.data(TIME) != time:
                item.setData(chat, CHAT)
                item.setData(time, TIME)
                item.setText(chat.person.username)
                set_tooltip(item, _described(chat, time))
            item.setAccessibleText(_described(chat, time) + (", open" if is_open else ""))
            self._model.setItem(line, item)
            if is_open:
                self._open_line = line
        self._select_open()

    def _select_open(self) -> None:
        """Select the contact whose chat is open, and no other: the selection shows the state."""
        index = self._model.index(self._open_line, 0) if self._open_line >= 0 else QModelIndex()
        if not index.isValid():
            self.clearSelection()
        elif self.selectedIndexes() != [index]:
            self.selectionModel().select(index, QItemSelectionModel.SelectionFlag.ClearAndSelect)

    @override
    def selectionCommand(self, index: Index, event: QEvent | None = None) -> QItemSelectionModel.SelectionFlag:
        """Let keys and clicks change only the current contact, which Enter chooses."""
        return QItemSelectionModel.SelectionFlag.NoUpdate

    def _choose(self, index: QModelIndex) -> None:
        if index.isValid():
            self.chosen.emit(index.data(CHAT).person.username)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self._choose(self.currentIndex())
        else:
            super().keyPressEvent(event)

    def _context_menu(self, place: QPoint) -> None:
        index = self.indexAt(place)
        if not index.isValid():
            return
        line = index.row()
        menu = QMenu(self)
        menu.addAction("Set as the open chat …", lambda: self._choose(self._model.index(line, 0)))
        for title, name in ORIGINS:
            path = f"contactStore.contacts[{line}].{name}"
            menu.addAction(f"Show the row that made the {title}").triggered.connect(
                lambda _, path=path: self.origin_requested.emit(path)
            )
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.viewport().mapToGlobal(place))


def _described(chat: Conversation, time: str) -> str:
    parts = [
        chat.person.username,
        "online" if chat.person.online else "offline",
        f"{chat.unread} unread" if chat.unread else "",
        str(chat.newest["text"]) if chat.newest else "no messages yet",
        time,
    ]
    return ", ".join(part for part in parts if part)


class _Delegate(BubbleDelegate):
    """Paints messages as the UI does: its own are on the right."""

    @override
    def is_right(self, message: MessageData) -> bool:
        return bool(message["direction"] == "sent")

    @override
    def texts(self, message: MessageData) -> tuple[str, str]:
        text = message["text"]
        text = text if len(text) <= MAX_SHOWN_CHARS else text[:MAX_SHOWN_CHARS] + " …"
        state = ""
        if message["direction"] == "sent":
            state = "delivered" if message["delivered"] is True else "not delivered"
        foot = "  ".join(part for part in (reactions(message), message["time"], state) if part)
        return text, foot


class _Messages(QListView):
    """The messages of the open chat. It follows new ones while it is scrolled to the end."""

    origin_requested = Signal(int)

    def __init__(self) -> None:
        super().__init__()
        named(self, "Messages in the preview", style_id="bubbles")
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.setItemDelegate(_Delegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.ActionsContextMenu)
        self.origin = Action("Show the row that made this message", self, self._request_origin, "O")
        self.addAction(self.origin)

    def show_messages(self, shown: Preview, *, to_end: bool) -> None:
        bar = self.verticalScrollBar()
        follow = to_end or bar.value() >= bar.maximum() - END_TOLERANCE
        self._model.setRowCount(len(shown.messages))
        for line, each in enumerate(shown.messages):
            item = self._model.item(line) or QStandardItem()
            for role, value in ((DATA, each.data), (DAY, each.day), (INDEX, each.position)):
                if item.data(role) != value:
                    item.setData(value, role)
            who = "you" if each.data["direction"] == "sent" else (shown.open_chat or "")
            item.setData(f"{who}: {each.data['text']}, {each.data['time']}", Qt.ItemDataRole.AccessibleTextRole)
            self._model.setItem(line, item)
        if follow:
            self.doItemsLayout()
            self.scrollToBottom()

    @property
    def texts(self) -> list[str]:
        """The texts of the messages that are shown."""
        return [self._model.item(line).data(DATA)["text"] for line in range(self._model.rowCount())]

    def _request_origin(self) -> None:
        index: Any = self.currentIndex().data(INDEX)
        if index is not None:
            self.origin_requested.emit(index)
