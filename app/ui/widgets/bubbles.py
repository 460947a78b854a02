"""The list of a chat's messages as bubbles, with buttons beside the message that is under the pointer or selected.
The friend's messages are on the right, because the developer usually writes as that friend; those of the UI's user
are on the left. In a chat with a peer, who has a companion of their own, messages can only be deleted. The buttons
and keys emit signals; the Chats room acts. ``bubble_painter`` paints.
"""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QEvent, QModelIndex, QPoint, QRect, Qt, Signal
from PySide6.QtGui import (
    QHideEvent,
    QMouseEvent,
    QResizeEvent,
    QShowEvent,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import QAbstractItemView, QListView
from typing_extensions import override

from app.protocol.backend import MessageData
from app.ui.keys import Action
from app.ui.widgets.accessible_names import named
from app.ui.widgets.bubble_painter import DATA, DAY, SENDER, BubbleDelegate, reactions, separators
from app.ui.widgets.message_actions import MessageActions, can_be_delivered

END_TOLERANCE = 4
"""The view is at its end if it is scrolled to within this many pixels of it."""


class BubbleView(QListView):
    """A list of messages. It follows new messages while it is scrolled to the end.

    The buttons of ``actions_bar`` are beside the message under the pointer, or beside the selected one. The keys D,
    R and Delete do the same with the selected message.
    """

    deliver_requested = Signal(object)
    """Emitted with a message that the user wants to mark as delivered."""
    react_requested = Signal(object, QPoint)
    """Emitted with a message to react to, and a global position for a popup."""
    delete_requested = Signal(object)
    """Emitted with a message that the user wants to delete."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "Messages", style_id="bubbles")
        self._follow = self._follow_next = True
        self._model = QStandardItemModel(self)
        self._delegate = BubbleDelegate(self)
        self.setModel(self._model)
        self.setItemDelegate(self._delegate)
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(False)
        self.setMouseTracking(True)
        self._hovered = ""
        """The id of the message under the pointer."""
        self._guarded = QRect()
        """Where a button was pressed: no buttons of another message appear there until the pointer has left."""
        self.actions_bar = MessageActions(self)
        for name, signal in (
            ("deliver", self.actions_bar.deliver_requested),
            ("react", self.actions_bar.react_requested),
            ("delete", self.actions_bar.delete_requested),
        ):
            signal.connect(partial(self._press, name))
        self.keys = [
            self._add_key("Mark delivered", "D", "deliver"),
            self._add_key("React …", "R", "react"),
            self._add_key("Delete message", "Del", "delete"),
        ]
        self.selectionModel().selectionChanged.connect(lambda *_: self._place_actions())
        self.verticalScrollBar().valueChanged.connect(lambda _: self._place_actions())

    def show_messages(self, messages: Sequence[MessageData], now: float = 0.0) -> None:
        """Replace the messages. Keep the selection and the messages in view, or stay at the end if it was there.

        ``now`` is in seconds since the epoch; the days before it are shown as today and yesterday.
        """
        bar = self.verticalScrollBar()
        self._follow = self._follow_next or self._at_end
        self._follow_next = False
        chosen = self.selected
        top = self.indexAt(QPoint(self.viewport().width() // 2, 0))
        anchor = (top.data(DATA)["msg_id"], self.visualRect(top).top()) if top.isValid() else ("", 0)
        self.setAutoScroll(False)  # selecting the message again must not scroll to it
        self._model.clear()
        above = separators(messages, now, plays_friend=self.actions_bar.plays_friend)
        for message, (day, sender) in zip(messages, above, strict=True):
            item = QStandardItem()
            item.setData(message, DATA)
            item.setData(day, DAY)
            item.setData(sender, SENDER)
            item.setData(_spoken(message, day), Qt.ItemDataRole.AccessibleTextRole)
            self._model.appendRow(item)
            if chosen and message["msg_id"] == chosen["msg_id"]:
                self.setCurrentIndex(item.index())
        self.setAutoScroll(True)
        if self._follow:
            self.scrollToBottom()
        elif (kept := self._index_of(anchor[0])).isValid():
            self.doItemsLayout()
            bar.setValue(bar.value() + self.visualRect(kept).top() - anchor[1])
        self._place_actions()

    def play(self, plays_friend: bool) -> None:
        """Offer the actions of a persona, or only those that are possible in a chat with a peer."""
        self.actions_bar.plays_friend = plays_friend
        for action in self.keys[:2]:
            action.setEnabled(plays_friend)
            action.setVisible(plays_friend)

    def follow(self) -> None:
        """Scroll to the end when the next messages are shown: they belong to another chat."""
        self._follow_next = True

    @override
    def showEvent(self, event: QShowEvent) -> None:
        """Scroll to the end: messages that were added while the view was hidden had no heights."""
        super().showEvent(event)
        if self._follow:
            self.doItemsLayout()
            self.scrollToBottom()

    @override
    def hideEvent(self, event: QHideEvent) -> None:
        """Note whether the end is in view, so that the same messages are in view when it is shown again."""
        super().hideEvent(event)
        self._follow = self._at_end

    @property
    def _at_end(self) -> bool:
        bar = self.verticalScrollBar()
        return bar.value() >= bar.maximum() - END_TOLERANCE

    @property
    def messages(self) -> list[MessageData]:
        """The messages, oldest first."""
        return [self._model.item(line).data(DATA) for line in range(self._model.rowCount())]

    @property
    def selected(self) -> MessageData | None:
        """The selected message, or None."""
        chosen = self.selectionModel().selectedIndexes()  # the current index need not be selected
        return chosen[0].data(DATA) if chosen else None

    def bubble_rect(self, index: QModelIndex) -> QRect:
        """Return the place of a message's bubble in the viewport."""
        return self._delegate.bubble(self.font(), self.visualRect(index), index)

    # the buttons beside a message

    @override
    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        super().mouseMoveEvent(event)
        self._hover(event.position().toPoint())

    @override
    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Leave:
            self._guarded = QRect()
            self._hovered = ""
            self._place_actions()
        return super().viewportEvent(event)

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        """Stay at the end of the chat, for example if a strip appears above it."""
        at_end = self._at_end
        super().resizeEvent(event)
        if at_end:
            self.doItemsLayout()
            self.scrollToBottom()
        self._place_actions()

    def _hover(self, place: QPoint) -> None:
        if not self._guarded.contains(place):
            self._guarded = QRect()
        index = self.indexAt(place)
        self._hovered = index.data(DATA)["msg_id"] if index.isValid() else ""
        self._place_actions()

    def _place_actions(self) -> None:
        """Show the buttons beside the hovered message, else beside the selected one."""
        index = self._index_of(self._hovered) if self._hovered else QModelIndex()
        if not index.isValid():
            chosen = self.selectionModel().selectedIndexes()
            index = chosen[0] if chosen else QModelIndex()
        bubble = self.bubble_rect(index) if index.isValid() else QRect()
        if not index.isValid() or not bubble.intersects(self.viewport().rect()):
            self.actions_bar.forget()
            return
        self.actions_bar.show_for(index.data(DATA), bubble)
        if self._guarded.intersects(self.actions_bar.geometry()):
            self.actions_bar.forget()

    def _index_of(self, msg_id: str) -> QModelIndex:
        for line in range(self._model.rowCount()):
            if self._model.item(line).data(DATA)["msg_id"] == msg_id:
                return self._model.index(line, 0)
        return QModelIndex()

    def _add_key(self, title: str, key: str, action: str) -> Action:
        made = Action(title, self, lambda: self._request(action, self.selected), key)
        self.addAction(made)
        return made

    def _press(self, action: str) -> None:
        """Handle a click on a button beside a message."""
        message, place = self.actions_bar.message, self.actions_bar.geometry()
        self._request(action, message)
        if action == "delete":
            self._guarded = place
            self._hovered = ""

    def _request(self, action: str, message: MessageData | None) -> None:
        """Emit what the user wants to do with a message."""
        if message is None:
            return
        if action == "react":
            place = self.actions_bar.geometry().bottomLeft() if self.actions_bar.isVisible() else QPoint(40, 40)
            self.react_requested.emit(message, self.viewport().mapToGlobal(place))
        elif action == "deliver" and can_be_delivered(message):
            self.deliver_requested.emit(message)
        elif action == "delete":
            self.delete_requested.emit(message)


def _spoken(message: MessageData, day: str) -> str:
    parts = [day, f"{message['from']}: {message['text']}", reactions(message)]
    if can_be_delivered(message):
        parts.append("waiting")
    return ", ".join(part for part in parts if part)
