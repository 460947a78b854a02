"""The base class of the editors for JSON and for scenarios: line numbers, underlined errors, and completion.
Subclasses pass errors and warnings, whose messages are shown as tooltips, and say what can be completed. The list
of completions opens at the cursor while the user types, or with Ctrl+Space.
"""

from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple, cast

from PySide6.QtCore import QEvent, QRect, QSize, QStringListModel, Qt
from PySide6.QtGui import (
    QColor,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextBlock,
    QTextCharFormat,
    QTextCursor,
)
from PySide6.QtWidgets import QCompleter, QTextEdit, QWidget  # noqa: TID251
from typing_extensions import override

from app.ui import theme
from app.ui.plain_text import show_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.code_completion import Completions
from app.ui.widgets.code_view import CodeView, Highlighter
from app.ui.widgets.text_edit import is_piece
from app.ui.widgets.utf16 import units

MAX_MARKS = 20
"""At most this many errors are underlined."""
GUTTER_PADDING = 8
_ACCEPT = (Qt.Key.Key_Enter, Qt.Key.Key_Return, Qt.Key.Key_Escape, Qt.Key.Key_Tab, Qt.Key.Key_Backtab)
"""Keys that an open list of completions handles itself."""


class Mark(NamedTuple):
    """An underlined part of the document, in positions of Qt, and its message."""

    start: int
    end: int
    message: str
    warning: bool = False


class NumberedEditor(CodeView):
    """A ``CodeView`` to write in. Subclasses say what can be completed."""

    def __init__(self, name: str, highlighter: type[Highlighter]) -> None:
        super().__init__(name, highlighter)
        self._completions = Completions()
        self.marks: list[Mark] = []
        self._lines: tuple[int, list[int]] = (-1, [])
        """Revision of the document, and the line number of each block: only for texts with long lines."""
        self._gutter = _Gutter(self)
        self._model = QStringListModel(self)
        self._completer = QCompleter(self._model, self)
        self._completer.setWidget(self)
        self._completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        self._completer.activated.connect(self.complete)
        popup = self._completer.popup()
        assert popup
        self._popup = named(popup, "Completions", style_id="completions")
        self.blockCountChanged.connect(lambda _: self._fit_gutter())
        self.updateRequest.connect(self._scroll_gutter)
        self.textChanged.connect(self._fit_gutter)
        self._fit_gutter()

    # errors

    def show_marks(self, marks: Sequence[Mark]) -> None:
        """Underline errors. Their messages are the tooltips."""
        self._fit_gutter()
        self.marks = list(marks[:MAX_MARKS])
        self.show_selections()

    def show_selections(self) -> None:
        """Show what is highlighted besides the syntax."""
        self.setExtraSelections(self.selections())

    def selections(self) -> list[QTextEdit.ExtraSelection]:
        """Return what is highlighted besides the syntax: the errors."""
        scheme = theme.colors()
        selections = []
        for mark in self.marks:
            style = QTextCharFormat()
            style.setUnderlineStyle(QTextCharFormat.UnderlineStyle.WaveUnderline)
            style.setUnderlineColor(QColor(scheme.warning if mark.warning else scheme.error))
            selection = QTextEdit.ExtraSelection()
            cursor = QTextCursor(self.document())
            cursor.setPosition(mark.start)
            cursor.setPosition(mark.end, QTextCursor.MoveMode.KeepAnchor)
            selection.cursor, selection.format = cursor, style
            selections.append(selection)
        return selections

    def message_at(self, position: int) -> str:
        """Return the messages of the errors at a position in the document."""
        return "\n".join(mark.message for mark in self.marks if mark.start <= position <= mark.end)

    @override
    def viewportEvent(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:
            help_event = cast(QHelpEvent, event)
            position = self.cursorForPosition(help_event.pos()).position()
            show_tooltip(help_event.globalPos(), self.message_at(position), self)
            return True
        return super().viewportEvent(event)

    # completion

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        popup = self._popup
        if popup.isVisible() and event.key() in _ACCEPT:
            event.ignore()  # the list handles it
            return
        asked = event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.ControlModifier
        if not asked:
            super().keyPressEvent(event)
        if asked or (event.text().isprintable() and event.text()) or popup.isVisible():
            self._offer()

    @abstractmethod
    def find_completions(self, before: str) -> Completions:
        """Return what can be completed after a part of a line."""

    @property
    def completing(self) -> bool:
        """Whether the list of completions is open."""
        return self._popup.isVisible()

    def _offer(self) -> None:
        """Show what can be completed at the cursor, or hide the list."""
        cursor = self.textCursor()
        self._completions = self.find_completions(self.rest_of_line(QTextCursor.MoveOperation.StartOfBlock))
        popup = self._popup
        if cursor.hasSelection() or not self._completions.choices:
            popup.hide()
            return
        if not popup.styleSheet():
            theme.style_window(popup)
        self._model.setStringList(list(self._completions.choices))
        popup.setCurrentIndex(self._model.index(0, 0))
        place = self.cursorRect()
        place.translate(self.viewport().pos())
        place.setWidth(popup.sizeHintForColumn(0) + popup.verticalScrollBar().sizeHint().width() + 24)
        self._completer.complete(place)

    def complete(self, choice: str) -> None:
        """Replace what is written of a completion with ``choice``."""
        cursor, closing = self.textCursor(), self._completions.closing
        start = cursor.position() - units(self._completions.written)  # a character can have several code points
        cursor.setPosition(start, QTextCursor.MoveMode.KeepAnchor)
        following = self.rest_of_line(QTextCursor.MoveOperation.EndOfBlock)
        cursor.insertText(choice if following.startswith(closing) else f"{choice}{closing}")
        self.setTextCursor(cursor)

    def rest_of_line(self, end: QTextCursor.MoveOperation) -> str:
        """Return the text between the cursor and one end of its block."""
        cursor = self.textCursor()
        cursor.setPosition(cursor.position())
        cursor.movePosition(end, QTextCursor.MoveMode.KeepAnchor)
        return cursor.selectedText()

    # line numbers

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_gutter()

    def gutter_width(self) -> int:
        """Return the width of the line numbers."""
        digits = max(2, len(str(self.blockCount())))
        return self.fontMetrics().horizontalAdvance("9") * digits + 2 * GUTTER_PADDING

    def _fit_gutter(self) -> None:
        width = self.gutter_width()
        if self.viewportMargins().left() != width:
            self.setViewportMargins(width, 0, 0, 0)
        area = self.viewport().geometry()
        self._gutter.setGeometry(QRect(area.left() - width, area.top(), width, area.height()))
        self._gutter.update()

    def _scroll_gutter(self, _: QRect, scrolled: int) -> None:
        if scrolled:
            self._gutter.scroll(0, scrolled)
        else:
            self._gutter.update()

    def line_number(self, block: QTextBlock) -> int:
        """Return the number of a block's line; 0 if the block continues a long line."""
        if is_piece(block):
            return 0
        if not self.has_pieces:
            return block.blockNumber() + 1
        revision, lines = self._lines
        if revision != self.document().revision():
            lines, number = [], 0
            each = self.document().begin()
            while each.isValid():
                number += not is_piece(each)
                lines.append(number)
                each = each.next()
            self._lines = self.document().revision(), lines
        return lines[block.blockNumber()]

    def paint_line_numbers(self, gutter: QWidget, event: QPaintEvent) -> None:
        """Paint the numbers of the visible lines."""
        painter = QPainter(gutter)
        painter.setFont(self.font())
        painter.setPen(QColor(theme.colors().muted))
        block = self.firstVisibleBlock()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
        height, right = self.fontMetrics().height(), gutter.width() - GUTTER_PADDING
        while block.isValid() and top <= event.rect().bottom():
            if number := self.line_number(block):
                painter.drawText(0, round(top), right, height, Qt.AlignmentFlag.AlignRight, str(number))
            top += self.blockBoundingRect(block).height()
            block = block.next()
        painter.end()


class _Gutter(QWidget):
    """The column with the line numbers."""

    def __init__(self, editor: NumberedEditor) -> None:
        super().__init__(editor)
        self._editor = editor
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)

    @override
    def sizeHint(self) -> QSize:
        return QSize(self._editor.gutter_width(), 0)

    @override
    def paintEvent(self, event: QPaintEvent) -> None:
        self._editor.paint_line_numbers(self, event)
