"""A conversation as message bubbles: the friend's on the left, the local user's on the right."""

import re
from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QShowEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QAbstractItemView, QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from app.protocol.backend import MessageData, parse_timestamp
from app.protocol.times import local
from app.ui import theme
from app.ui.widgets.accessible_names import named

DATA = Qt.ItemDataRole.UserRole
MARGIN, PAD, GAP = 16, 10, 8
MAX_WIDTH_SHARE = 0.72
"""Maximum width of a bubble, as a share of the view's width."""
MAX_SHOWN_CHARS = 2_000
WRAP = Qt.TextFlag.TextWordWrap
LONG_WORD = re.compile(r"(\S{40})")


class BubbleView(QListView):
    """A list of messages. It follows new messages while it is scrolled to the end."""

    def __init__(self) -> None:
        super().__init__()
        named(self, "Messages", style_id="bubbles")
        self._follow = self._follow_next = True
        self._model = QStandardItemModel(self)
        self.setModel(self._model)
        self.setItemDelegate(BubbleDelegate(self))
        self.setSelectionMode(QAbstractItemView.SelectionMode.SingleSelection)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListView.ResizeMode.Adjust)
        self.setUniformItemSizes(False)

    def show_messages(self, messages: Sequence[MessageData]) -> None:
        """Replace the messages. Keep the selection, and stay at the end if the view was there."""
        bar = self.verticalScrollBar()
        self._follow = self._follow_next or bar.value() >= bar.maximum() - 4
        self._follow_next = False
        chosen = self.selected
        self._model.clear()
        for message in messages:
            item = QStandardItem()
            item.setData(message, DATA)
            item.setData(f"{message['from']}: {message['text']}", Qt.ItemDataRole.AccessibleTextRole)
            self._model.appendRow(item)
            if chosen and message["msg_id"] == chosen["msg_id"]:
                self.setCurrentIndex(item.index())
        if self._follow:
            self.scrollToBottom()

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

    @property
    def messages(self) -> list[MessageData]:
        """The messages, oldest first."""
        return [self._model.item(line).data(DATA) for line in range(self._model.rowCount())]

    @property
    def selected(self) -> MessageData | None:
        """The selected message, or None."""
        chosen = self.selectionModel().selectedIndexes()  # the current index need not be selected
        return chosen[0].data(DATA) if chosen else None


class BubbleDelegate(QStyledItemDelegate):
    """Paint a message with its time, reactions and delivery state."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        text, foot = _texts(index.data(DATA))
        body, line = self._measure(option, text, foot)
        return QSize(100, body.height() + line + 2 * PAD + GAP)

    def _measure(self, option: QStyleOptionViewItem, text: str, foot: str) -> tuple[QRect, int]:
        """Return the text's rectangle (at the origin) and the height of the line below it."""
        view = self.parent()
        width = view.viewport().width() if isinstance(view, QListView) else 600
        room = max(160, int(width * MAX_WIDTH_SHARE)) - 2 * PAD
        metrics = option.fontMetrics
        body = metrics.boundingRect(QRect(0, 0, room, 100_000), WRAP, text)
        body.setWidth(min(room, max(body.width(), metrics.horizontalAdvance(foot))) + 2)
        return body, metrics.height() + 2

    @override
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        scheme = theme.colors()
        message = index.data(DATA)
        mine = message["direction"] == "sent"
        text, foot = _texts(message)
        body, line = self._measure(option, text, foot)
        bubble = QRect(0, 0, body.width() + 2 * PAD, body.height() + line + 2 * PAD)
        left = option.rect.right() - MARGIN - bubble.width() if mine else option.rect.left() + MARGIN
        bubble.moveTo(left, option.rect.top() + GAP // 2)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.setPen(QColor(scheme.accent if chosen else scheme.border))
        painter.setBrush(QColor(scheme.accent_soft if mine else scheme.surface))
        painter.drawRoundedRect(bubble, 10, 10)
        inner = bubble.adjusted(PAD, PAD, -PAD, -PAD)
        painter.setPen(QColor(scheme.text))
        painter.drawText(inner, WRAP, text)
        painter.setPen(QColor(scheme.muted))
        painter.drawText(inner, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight, foot)
        painter.restore()


def _texts(message: MessageData) -> tuple[str, str]:
    text = str(message["text"])
    if len(text) > MAX_SHOWN_CHARS:
        text = text[:MAX_SHOWN_CHARS] + " …"
    text = LONG_WORD.sub("\\1\u200b", text)  # a zero-width space allows a line break
    parts = ["".join(each["emoji"] for each in message.get("reactions", []))]
    parts.append(f"{local(parse_timestamp(message['timestamp'])):%H:%M}")
    if message["direction"] == "sent":
        parts.append("delivered" if message["delivered"] else "waiting")
    return text, "  ".join(part for part in parts if part)
