"""An item delegate that paints chat messages as bubbles, with days, senders, times, reactions, delivery states.
The Chats room uses it, and the preview in the UI state room uses a subclass. Also functions that return these
texts.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta
from math import ceil
from typing import NamedTuple

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontMetrics, QImage, QPainter, QTextOption
from PySide6.QtWidgets import QListView, QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from app.protocol.backend import MessageData, parse_timestamp
from app.protocol.times import local
from app.ui import theme

DATA = Qt.ItemDataRole.UserRole
DAY = Qt.ItemDataRole.UserRole + 1
"""The day above the first message of a day; otherwise empty."""
SENDER = Qt.ItemDataRole.UserRole + 2
"""The sender above the first of several messages of one user; otherwise empty."""
MARGIN, PAD, GAP = 16, 10, 8
DAY_HEIGHT = 36
MAX_WIDTH_SHARE = 0.72
"""Maximum width of a bubble, as a share of the view's width."""
MIN_WIDTH = 160
MAX_SHOWN_CHARS = 2_000
MAX_SHOWN_REACTIONS = 12
LINES = QTextOption(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignAbsolute)
"""How a text is broken into lines: a word that is longer than a line continues in the next one."""
LINES.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)

Index = QModelIndex | QPersistentModelIndex


class _Layout(NamedTuple):
    """The places of a message's parts, relative to the upper left corner of its item."""

    day: QRect
    sender: QRect
    bubble: QRect
    text: QRect
    height: int


class BubbleDelegate(QStyledItemDelegate):
    """Paint a message. The friend, whom the developer plays, is on the right in the composer's colour."""

    def is_right(self, message: MessageData) -> bool:
        """Return whether a message is on the right."""
        return is_played(message)

    def texts(self, message: MessageData) -> tuple[str, str]:
        """Return the text of a bubble, and the line below it."""
        return texts(message)

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        return QSize(100, self._lay_out(option.font, index).height)

    def bubble(self, font: QFont, rect: QRect, index: Index) -> QRect:
        """Return the place of a message's bubble. ``rect`` is that of its item."""
        return self._lay_out(font, index).bubble.translated(rect.topLeft())

    def _lay_out(self, font: QFont, index: Index) -> _Layout:
        metrics = QFontMetrics(font)
        message = index.data(DATA)
        text, foot = self.texts(message)
        view = self.parent()
        width = view.viewport().width() if isinstance(view, QListView) else 600
        room = max(MIN_WIDTH, int(width * MAX_WIDTH_SHARE)) - 2 * PAD
        body = _text_size(text or " ", font, room)
        inner = min(room, max(body.width(), metrics.horizontalAdvance(foot))) + 2
        line = metrics.height()
        top = DAY_HEIGHT if index.data(DAY) else 0
        day = QRect(0, 0, width, top)
        sender = QRect(MARGIN, top, width - 2 * MARGIN, line + 4 if index.data(SENDER) else 0)
        top += sender.height()
        bubble = QRect(0, top + GAP // 2, inner + 2 * PAD, body.height() + line + 2 + 2 * PAD)
        bubble.moveLeft(width - MARGIN - bubble.width() if self.is_right(message) else MARGIN)
        place = QRect(bubble.left() + PAD, bubble.top() + PAD, room, body.height())
        return _Layout(day, sender, bubble, place, bubble.bottom() + 1 + GAP // 2)

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        scheme = theme.colors()
        message = index.data(DATA)
        played = self.is_right(message)
        text, foot = self.texts(message)
        parts = self._lay_out(option.font, index)
        corner = option.rect.topLeft()
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        if day := index.data(DAY):
            self._paint_day(painter, option, parts.day.translated(corner), day)
        side = Qt.AlignmentFlag.AlignRight if played else Qt.AlignmentFlag.AlignLeft
        painter.setPen(QColor(scheme.muted))
        if sender := index.data(SENDER):
            place = parts.sender.translated(corner)
            shown = option.fontMetrics.elidedText(sender, Qt.TextElideMode.ElideRight, place.width())
            painter.drawText(place, side | Qt.AlignmentFlag.AlignBottom, shown)
        bubble = parts.bubble.translated(corner)
        chosen = bool(option.state & QStyle.StateFlag.State_Selected)
        painter.setPen(QColor(scheme.accent if chosen else scheme.border))
        painter.setBrush(QColor(scheme.accent_soft if played else scheme.surface))
        painter.drawRoundedRect(bubble, 10, 10)
        inner = bubble.adjusted(PAD, PAD, -PAD, -PAD)
        painter.setPen(QColor(scheme.muted))
        painter.drawText(inner, Qt.AlignmentFlag.AlignBottom | Qt.AlignmentFlag.AlignRight, foot)
        painter.setPen(QColor(scheme.text))
        painter.setClipRect(bubble)  # stacked diacritics would reach into other bubbles
        painter.drawText(parts.text.translated(corner).toRectF(), text, LINES)
        painter.restore()

    @staticmethod
    def _paint_day(painter: QPainter, option: QStyleOptionViewItem, place: QRect, day: str) -> None:
        scheme = theme.colors()
        font = QFont(option.font)
        font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        width = QFontMetrics(font).horizontalAdvance(day) + 24
        middle = place.center().y()
        painter.setPen(QColor(scheme.border))
        half = (place.width() - width) // 2
        painter.drawLine(place.left() + MARGIN, middle, place.left() + half, middle)
        painter.drawLine(place.right() - half, middle, place.right() - MARGIN, middle)
        painter.setPen(QColor(scheme.muted))
        painter.drawText(place, Qt.AlignmentFlag.AlignCenter, day)
        painter.setFont(option.font)


def _text_size(text: str, font: QFont, width: int) -> QSize:
    """Return the size of a text in lines of at most ``width`` pixels.

    Qt lays out all lines in one call: one call per line takes 20 times as long if a text has many line breaks.
    """
    image = QImage(1, 1, QImage.Format.Format_ARGB32_Premultiplied)
    with QPainter(image) as painter:
        painter.setFont(font)
        found = painter.boundingRect(QRectF(0, 0, width, 1_000_000), text, LINES)
    return QSize(ceil(found.width()), ceil(found.height()))


def is_played(message: MessageData) -> bool:
    """Return whether the friend has sent a message, whom the developer plays."""
    return bool(message["direction"] != "sent")


def texts(message: MessageData) -> tuple[str, str]:
    """Return the text of a bubble, and the line below it: reactions, time and delivery state."""
    text = str(message["text"])
    if len(text) > MAX_SHOWN_CHARS:
        text = text[:MAX_SHOWN_CHARS] + " …"
    parts = [reactions(message), f"{local(parse_timestamp(message['timestamp'])):%H:%M}"]
    if message["direction"] == "sent":
        parts.append("delivered" if message["delivered"] else "waiting")
    return text, "  ".join(part for part in parts if part)


def reactions(message: MessageData) -> str:
    """Return the reactions to a message, each emoji once, with the number of users if it is not 1."""
    counts = Counter(str(each["emoji"]) for each in message.get("reactions", []))
    shown = [
        f"{emoji} {number}" if number > 1 else emoji for emoji, number in list(counts.items())[:MAX_SHOWN_REACTIONS]
    ]
    return " ".join([*shown, "…"] if len(counts) > MAX_SHOWN_REACTIONS else shown)


def day_title(day: date, today: date) -> str:
    """Return a day as ``Today``, ``Yesterday``, ``Friday 27 November`` or ``Friday 27 November 2020``."""
    if day == today:
        return "Today"
    if day < date.max and day + timedelta(days=1) == today:
        return "Yesterday"
    title = f"{day:%A} {day.day} {day:%B}"
    return title if day.year == today.year else f"{title} {day.year}"


def separators(messages: Sequence[MessageData], now: float, *, plays_friend: bool = True) -> list[tuple[str, str]]:
    """Return for each message the day and the sender to show above it, or empty texts."""
    today, found = local(now).date(), []
    day_before: date | None = None
    sender_before = ""
    for message in messages:
        day = local(parse_timestamp(message["timestamp"])).date()
        new_day = day != day_before
        new_sender = new_day or message["from"] != sender_before
        who = ("you" if plays_friend else "peer") if is_played(message) else "your UI"
        found.append((day_title(day, today) if new_day else "", f"{message['from']} · {who}" if new_sender else ""))
        day_before, sender_before = day, message["from"]
    return found
