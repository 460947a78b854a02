"""The list of pages in the Help room: the table of contents, or the results of a search with snippets."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter, QTextLayout, QTextOption
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from app.manual.pages import Group
from app.manual.search import Hit
from app.ui import theme
from app.ui.plain_text import set_tooltip
from app.ui.widgets.accessible_names import named

PLACE = Qt.ItemDataRole.UserRole
"""The page and the anchor of an item. Headings have none."""
SNIPPET = Qt.ItemDataRole.UserRole + 1

PAD_X, PAD_Y = 10, 6
ABOVE_HEADING = 12
SNIPPET_LINES = 2


class PageList(QListWidget):
    """Emits ``chosen`` with a page and an anchor for a click and for Enter."""

    chosen = Signal(str, str)

    def __init__(self) -> None:
        super().__init__()
        named(self, "Pages", style_id="pages")
        self.setItemDelegate(_Delegate(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setResizeMode(QListWidget.ResizeMode.Adjust)
        self.setMouseTracking(True)
        self.itemClicked.connect(self._choose)
        self.itemActivated.connect(self._choose)

    def show_contents(self, groups: Sequence[Group]) -> None:
        """List all pages by group."""
        self.clear()
        self.setAccessibleName("Pages")
        for group in groups:
            if group.title:
                heading = QListWidgetItem(group.title)
                heading.setFlags(Qt.ItemFlag.NoItemFlags)  # the arrow keys skip it
                self.addItem(heading)
            for entry in group.entries:
                set_tooltip(self._add(entry.title, entry.name, ""), entry.title)

    def show_hits(self, hits: Sequence[Hit]) -> None:
        """List what was found, and make the best hit the current one."""
        self.clear()
        self.setAccessibleName("Search results")
        for hit in hits:
            title = f"{hit.title} › {hit.heading}" if hit.heading else hit.title
            item = self._add(title, hit.page, hit.anchor)
            item.setData(SNIPPET, hit.snippet)
            item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{title}: {hit.snippet}")
            set_tooltip(item, f"{title}\n{hit.snippet}")
        self.setCurrentRow(0)

    def select(self, page: str) -> None:
        """Make a page the current one, if it is listed."""
        for row in range(self.count()):
            place = self.item(row).data(PLACE)
            if place and place[0] == page:
                self.setCurrentRow(row)
                return
        self.setCurrentRow(-1)

    def choose_current(self) -> None:
        """Open the current item as Enter does."""
        if item := self.currentItem():
            self._choose(item)

    def _add(self, text: str, page: str, anchor: str) -> QListWidgetItem:
        item = QListWidgetItem(text)
        item.setData(PLACE, (page, anchor))
        self.addItem(item)
        return item

    def _choose(self, item: QListWidgetItem) -> None:
        if place := item.data(PLACE):
            self.chosen.emit(*place)


Index = QModelIndex | QPersistentModelIndex


class _Delegate(QStyledItemDelegate):
    """Paints a heading, a page, or a hit with its snippet."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        """Return the height of an item; the list decides on the width."""
        line = QFontMetrics(option.font).height()
        if not index.data(PLACE):
            return QSize(0, ABOVE_HEADING + line + 4)
        width = option.rect.width() or self._view().viewport().width()
        snippet = str(index.data(SNIPPET) or "")
        lines = _wrapped(snippet, option.font, width - 2 * PAD_X)
        return QSize(0, 2 * PAD_Y + line * (1 + len(lines)) + (3 if lines else 0))

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """Paint an item in the colours of the theme."""
        scheme = theme.colors()
        painter.save()
        metrics = QFontMetrics(option.font)
        rect = option.rect
        if not index.data(PLACE):
            painter.setPen(QColor(scheme.muted))
            box = rect.adjusted(PAD_X, ABOVE_HEADING, -PAD_X, 0)
            painter.drawText(box, Qt.AlignmentFlag.AlignTop, _elided(index.data(), metrics, box.width()))
            painter.restore()
            return
        self._paint_ground(painter, option)
        box = rect.adjusted(PAD_X, PAD_Y, -PAD_X, -PAD_Y)
        snippet = str(index.data(SNIPPET) or "")
        font = QFont(option.font)
        if snippet or option.state & QStyle.StateFlag.State_Selected:
            font.setWeight(QFont.Weight.DemiBold)
        painter.setFont(font)
        painter.setPen(QColor(scheme.text))
        painter.drawText(box, Qt.AlignmentFlag.AlignTop, _elided(index.data(), QFontMetrics(font), box.width()))
        painter.setFont(option.font)
        painter.setPen(QColor(scheme.muted))
        top = box.top() + metrics.height() + 3
        for number, text in enumerate(_wrapped(snippet, option.font, box.width())):
            place = QRect(QPoint(box.left(), top + number * metrics.height()), QSize(box.width(), metrics.height()))
            painter.drawText(place, Qt.AlignmentFlag.AlignTop, text)
        painter.restore()

    def _paint_ground(self, painter: QPainter, option: QStyleOptionViewItem) -> None:
        scheme = theme.colors()
        chosen = option.state & QStyle.StateFlag.State_Selected
        hovered = option.state & QStyle.StateFlag.State_MouseOver
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        if chosen or hovered:
            painter.setBrush(QColor(scheme.accent_soft if chosen else scheme.hover))
            painter.drawRoundedRect(option.rect, 6, 6)
        if option.state & QStyle.StateFlag.State_HasFocus:
            painter.setPen(QColor(scheme.accent))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(option.rect.adjusted(0, 0, -1, -1), 6, 6)

    def _view(self) -> PageList:
        parent = self.parent()
        assert isinstance(parent, PageList)
        return parent


def _elided(text: str, metrics: QFontMetrics, width: int) -> str:
    return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)


def _wrapped(text: str, font: QFont, width: int) -> list[str]:
    """Return the first lines of a text, broken between words; the last one is elided if there is more."""
    if not text or width <= 0:
        return []
    layout = QTextLayout(text, font)
    option = QTextOption()
    option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
    layout.setTextOption(option)
    layout.beginLayout()
    lines: list[str] = []
    while len(lines) < SNIPPET_LINES and (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        lines.append(text[line.textStart() : line.textStart() + line.textLength()].strip())
        if len(lines) == SNIPPET_LINES:
            lines[-1] = _elided(text[line.textStart() :], QFontMetrics(font), width)
    layout.endLayout()
    return lines
