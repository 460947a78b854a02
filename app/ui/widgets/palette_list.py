"""The list of the command palette: sections with a heading, and commands with a dimmed hint at the right."""

from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSize, Qt, Signal
from PySide6.QtGui import QColor, QFont, QFontMetrics, QPainter
from PySide6.QtWidgets import QListWidget, QListWidgetItem, QStyle, QStyledItemDelegate, QStyleOptionViewItem
from typing_extensions import override

from app.ui import theme
from app.ui.plain_text import set_tooltip
from app.ui.widgets.accessible_names import named

NUMBER = Qt.ItemDataRole.UserRole
"""The number of a command in the list. Headings have none."""
HINT = Qt.ItemDataRole.UserRole + 1

PAD_X, GAP = 12, 16
ROW, HEADING = 32, 28
"""Heights in pixels, at least."""

Sections = Sequence[tuple[str, Sequence[tuple[str, str]]]]
"""The title of each section, and the title and the hint of each of its commands."""


class PaletteList(QListWidget):
    """Shows sections of commands. Headings cannot be selected. A click and Enter emit ``chosen``."""

    chosen = Signal()

    def __init__(self) -> None:
        super().__init__()
        named(self, "Commands", style_id="palette")
        self.setItemDelegate(_Delegate(self))
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollMode(QListWidget.ScrollMode.ScrollPerPixel)
        self.setUniformItemSizes(False)
        self.setMouseTracking(True)
        self._rows: list[int] = []
        """The row of each command."""
        self.itemClicked.connect(self._choose)
        self.itemActivated.connect(self._choose)

    @property
    def selected(self) -> int | None:
        """The number of the selected command, counted over all sections."""
        item = self.currentItem()
        number = item.data(NUMBER) if item else None
        return number if isinstance(number, int) else None

    def show_sections(self, sections: Sections) -> None:
        """Replace the content, and select the first command."""
        self.clear()
        self._rows = []
        for section, commands in sections:
            heading = QListWidgetItem(section)
            heading.setFlags(Qt.ItemFlag.NoItemFlags)
            self.addItem(heading)
            for title, hint in commands:
                item = QListWidgetItem(title)
                item.setData(NUMBER, len(self._rows))
                item.setData(HINT, hint)
                item.setData(Qt.ItemDataRole.AccessibleTextRole, f"{title}, {hint}" if hint else title)
                set_tooltip(item, f"{title}\n{hint}" if hint else title)
                self._rows.append(self.count())
                self.addItem(item)
        self._select(0)
        self.scrollToTop()

    def move_selection(self, step: int) -> None:
        """Select the command that is ``step`` commands further down."""
        self._select((self.selected or 0) + step)

    def _choose(self, item: QListWidgetItem) -> None:
        if item.data(NUMBER) is not None:
            self.chosen.emit()

    def _select(self, number: int) -> None:
        if self._rows:
            number = min(max(number, 0), len(self._rows) - 1)
            self.setCurrentRow(self._rows[number])
            if number == 0:
                self.scrollToTop()  # show the heading, too


Index = QModelIndex | QPersistentModelIndex


class _Delegate(QStyledItemDelegate):
    """Paints a heading, or a command with its hint."""

    @override
    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        line = QFontMetrics(option.font).height()
        return QSize(0, max(ROW, line + 12) if index.data(NUMBER) is not None else max(HEADING, line + 10))

    @override
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        scheme = theme.colors()
        painter.save()
        box = option.rect.adjusted(PAD_X, 0, -PAD_X, 0)
        middle = Qt.AlignmentFlag.AlignVCenter
        metrics = QFontMetrics(option.font)
        if index.data(NUMBER) is None:
            font = QFont(option.font)
            font.setWeight(QFont.Weight.DemiBold)
            font.setPixelSize(max(11, metrics.ascent() - 1))
            painter.setFont(font)
            painter.setPen(QColor(scheme.muted))
            painter.drawText(box.adjusted(0, 6, 0, 0), middle, str(index.data()))
            painter.restore()
            return
        chosen = option.state & QStyle.StateFlag.State_Selected
        if chosen or option.state & QStyle.StateFlag.State_MouseOver:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            painter.setPen(Qt.PenStyle.NoPen)
            painter.setBrush(QColor(scheme.accent_soft if chosen else scheme.hover))
            painter.drawRoundedRect(option.rect, 6, 6)
        hint = metrics.elidedText(str(index.data(HINT) or ""), Qt.TextElideMode.ElideMiddle, box.width() // 2)
        taken = metrics.horizontalAdvance(hint) + GAP if hint else 0
        painter.setPen(QColor(scheme.text))
        title = metrics.elidedText(str(index.data()), Qt.TextElideMode.ElideRight, box.width() - taken)
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignLeft, title)
        painter.setPen(QColor(scheme.muted))
        painter.drawText(box, middle | Qt.AlignmentFlag.AlignRight, hint)
        painter.restore()
