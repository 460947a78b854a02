"""The model of a list of chats, and a delegate that paints presence, name, unread count and last message.
The Chats room uses both; there, the delegate also marks peers, which are friends with a companion of their own. The
preview in the UI state room uses only the delegate, and adds the time of the last message.
"""

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QPen, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from app.protocol.backend import Conversation
from app.ui import theme
from app.ui.plain_text import set_tooltip

CHAT = Qt.ItemDataRole.UserRole
TIME = Qt.ItemDataRole.UserRole + 1
"""The time of the last message, or nothing."""
PEER = "peer"
"""Shown beside the name of a friend with a companion of their own."""
HEIGHT = 54
DOT = 9
"""Diameter of the dot that shows presence."""
MAX_UNREAD = 99
UNREAD = "Unread messages. The number drops when your UI sends mark_read."


class ConversationsModel(QStandardItemModel):
    """One item per chat. Its data in the role ``CHAT`` is the ``Conversation``."""

    def show_chats(self, chats: list[Conversation]) -> None:
        """Show ``chats`` in this order."""
        self.setRowCount(len(chats))
        for line, chat in enumerate(chats):
            item = self.item(line) or QStandardItem()
            item.setData(chat, CHAT)
            item.setText(chat.person.username)
            state = "online" if chat.person.online else "offline"
            kind = ", peer" if chat.person.is_peer else ""
            item.setAccessibleText(f"{chat.person.username}{kind}, {state}, {chat.unread} unread")
            lines = [
                f"{chat.person.username}{' · peer' if kind else ''} · {state}",
                str(chat.newest["text"]) if chat.newest else "",
            ]
            lines.append(UNREAD if chat.unread else "")
            set_tooltip(item, "\n".join(line for line in lines if line))
            item.setEditable(False)
            self.setItem(line, item)

    def line_of(self, username: str) -> int:
        """Return the row of the chat with a friend, or -1 if there is none."""
        return next((line for line in range(self.rowCount()) if self.item(line).text() == username), -1)


class ConversationDelegate(QStyledItemDelegate):
    """Paint a chat: presence, name, last message, unread count."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> QSize:
        return QSize(160, HEIGHT)

    @override
    def paint(
        self, painter: QPainter, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex
    ) -> None:
        scheme = theme.colors()
        chat: Conversation = index.data(CHAT)
        area = option.rect
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(area, QColor(scheme.accent_soft))
        elif option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(scheme.accent))
            painter.drawRect(area.adjusted(0, 0, -1, -1))
        painter.setPen(QPen(QColor(scheme.ok if chat.person.online else scheme.outline), 1.5))
        painter.setBrush(QColor(scheme.ok) if chat.person.online else Qt.BrushStyle.NoBrush)
        inner = area.adjusted(36, 8, -12, -8)
        bold = QFont(option.font)
        bold.setWeight(QFont.Weight.DemiBold)
        name_height = QFontMetrics(bold).height()
        painter.drawEllipse(QRect(area.left() + 16, inner.top() + (name_height - DOT) // 2 + 1, DOT, DOT))
        if chat.unread:
            unread, width = (str(chat.unread), 24) if chat.unread <= MAX_UNREAD else (f"{MAX_UNREAD}+", 30)
            badge = QRect(area.right() - 12 - width, inner.top() + (name_height - 18) // 2, width, 18)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(scheme.accent))
            painter.drawRoundedRect(badge, 9, 9)
            painter.setPen(QColor(scheme.on_accent))
            painter.drawText(badge, Qt.AlignmentFlag.AlignCenter, unread)
        painter.setFont(bold)
        painter.setPen(QColor(scheme.text))
        room = inner.width() - (32 if chat.unread else 0)
        if time := index.data(TIME) or (PEER if chat.person.is_peer else ""):
            painter.setFont(option.font)
            painter.setPen(QColor(scheme.muted))
            place = inner.adjusted(0, 0, -(32 if chat.unread else 0), 0)
            painter.drawText(place, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight, time)
            room -= option.fontMetrics.horizontalAdvance(time) + 8
            painter.setFont(bold)
            painter.setPen(QColor(scheme.text))
        name = QFontMetrics(bold).elidedText(chat.person.username, Qt.TextElideMode.ElideRight, room)
        painter.drawText(inner, Qt.AlignmentFlag.AlignTop, name)
        painter.setFont(option.font)
        painter.setPen(QColor(scheme.muted))
        newest = " ".join(str(chat.newest["text"]).split())[:200] if chat.newest else "No messages yet"
        preview = option.fontMetrics.elidedText(newest, Qt.TextElideMode.ElideRight, inner.width())
        painter.drawText(inner, Qt.AlignmentFlag.AlignBottom, preview)
        painter.restore()
