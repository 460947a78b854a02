"""The editor for the text of a scenario, which is a script with lines such as ``alice (types 2s): hi``.
It adds to ``NumberedEditor``: syntax colours, completion, indentation, and steps from dropped fixtures or log rows.
It underlines problems, highlights the step that is being played, and marks in the margin which expectations were
met. ``ui/scenario_check.py`` finds the problems, and ``ui/scenario_runs.py`` keeps the results of runs.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple, cast

from PySide6.QtCore import QEvent, QMimeData, QRect, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QHelpEvent,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QTextBlock,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QTextEdit, QWidget  # noqa: TID251
from typing_extensions import override

from app.hub.session_run import SessionProblem
from app.protocol.session.words import name_text
from app.ui import theme
from app.ui.drags import fixture_in, is_ours
from app.ui.icons import ui_icon
from app.ui.plain_text import show_tooltip
from app.ui.widgets.code_completion import Completions
from app.ui.widgets.code_view import Highlighter
from app.ui.widgets.numbered_editor import MAX_MARKS, Mark, NumberedEditor
from app.ui.widgets.text_edit import is_piece
from app.ui.widgets.transcript_completion import TranscriptOffers, transcript_completions
from app.ui.widgets.transcript_words import parts_of
from app.ui.widgets.utf16 import units

INDENT = "    "
MARGIN = 20
"""Width of the column with the results of a run."""
ICON = 14
_BLOCKS = ("when ", "repeat ")
"""Beginnings of the statements whose steps are indented below them."""


class LineResult(NamedTuple):
    """The result of the expectations on a line."""

    met: bool
    detail: str


class TranscriptHighlighter(Highlighter):
    """Colour the statements of a transcript."""

    bold: Mapping[str, QFont.Weight] = MappingProxyType({"name": QFont.Weight.Bold})

    @override
    def colors(self) -> Mapping[str, str]:
        scheme = theme.colors()
        return {
            "comment": scheme.muted, "name": scheme.text, "keyword": scheme.accent, "duration": scheme.warning,
            "string": scheme.ok, "template": scheme.warning,
        }  # fmt: skip

    @override
    def color_line(self, text: str) -> None:
        for part in parts_of(text):
            self.color(part.start, part.end, part.kind)


class TranscriptEditor(NumberedEditor):
    """Edit a scenario. ``offers`` returns what can be completed."""

    rows_dropped = Signal()
    """Emitted when the selected rows of the log were dropped at the cursor."""

    def __init__(self, offers: Callable[[], TranscriptOffers]) -> None:
        self._results: Mapping[int, LineResult] = {}
        self._outdated = False
        self._current = 0
        self._follows = True
        self._scrolling = False
        super().__init__("Steps of the scenario", TranscriptHighlighter)
        self._offers = offers
        self._problems: Sequence[SessionProblem] = ()
        self._asked = False
        self.setTabStopDistance(self.fontMetrics().horizontalAdvance(INDENT))
        self.verticalScrollBar().valueChanged.connect(lambda _: self._on_scrolled())
        self.inserted.connect(lambda: self.show_problems(self._problems, self._columns))
        self._columns: Mapping[int, int] = {}

    # drag and drop

    @override
    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return is_ours(source) or super().canInsertFromMimeData(source)

    @override
    def insertFromMimeData(self, source: QMimeData) -> None:
        if name := fixture_in(source):
            self.insert_fixture(name)
        elif is_ours(source):
            self.rows_dropped.emit()
        else:
            super().insertFromMimeData(source)

    def insert_fixture(self, name: str) -> None:
        """Insert a step that fires a fixture. Without a name, the fixtures are offered."""
        keyword = "fire " if "/" in name or not name else "fire fixture "
        self.insert_lines(f"{keyword}{name_text(name) if name else ''}")
        if not name:
            self._offer()

    # problems

    def show_problems(self, problems: Sequence[SessionProblem], columns: Mapping[int, int] | None = None) -> None:
        """Underline lines with problems; from a column on, if ``columns`` has one for the line."""
        self._problems, self._columns = problems, columns or {}
        self.show_marks([] if self.inserting else [self._mark(each) for each in problems[:MAX_MARKS]])

    def _mark(self, problem: SessionProblem) -> Mark:
        block = self.block_of(problem.line)
        text = block.text()
        start = len(text) - len(text.lstrip())
        if column := self._columns.get(problem.line):
            start = min(column - 1, max(len(text) - 1, 0))
        end = max(len(text.rstrip()), start + 1)
        first, last = units(text[:start]), max(units(text[:end]), 1)
        return Mark(block.position() + first, block.position() + last, problem.message, problem.warning)

    def problem_at(self, line: int) -> str:
        """Return the messages of the problems of a line."""
        return "\n".join(each.message for each in self._problems if each.line == line)

    # lines

    def block_of(self, line: int) -> QTextBlock:
        """Return the text block at which a line begins. A line after the end is the last one."""
        number = min(max(line, 1), self.blockCount()) - 1
        if not self.has_pieces:
            return self.document().findBlockByNumber(number)
        block = self.document().begin()
        while block.next().isValid() and self.line_number(block) != line:
            block = block.next()
        return block

    @property
    def line(self) -> int:
        """The line of the cursor."""
        block = self.textCursor().block()
        while not (number := self.line_number(block)):
            block = block.previous()
        return number

    def go_to(self, line: int) -> None:
        """Move the cursor to the beginning of a line, and show it."""
        block = self.block_of(line)
        cursor = QTextCursor(block)
        cursor.setPosition(block.position() + len(block.text()) - len(block.text().lstrip()))
        self.setTextCursor(cursor)
        self.centerCursor()
        self.setFocus()

    def insert_lines(self, lines: str) -> bool:
        """Insert whole lines after the line of the cursor, or instead of an empty one, with its indentation.

        Return False if they were too large and were rejected.
        """
        cursor = self.textCursor()
        end, line = cursor.block(), _first_block(cursor.block()).text()
        while is_piece(end.next()):
            end = end.next()
        cursor.setPosition(end.position() + end.length() - 1)
        self.setTextCursor(cursor)
        below = _indent_below(line)
        text = "\n".join(f"{below}{each}" if each.strip() else each for each in lines.rstrip("\n").split("\n"))
        return self.insert_text(f"\n{text}" if line.strip() else text.removeprefix(below))

    # the run

    def show_results(self, results: Mapping[int, LineResult], *, outdated: bool) -> None:
        """Show results of expectations in the margin, by line; dimmed if they are out of date."""
        if (results, outdated) != (self._results, self._outdated):
            self._results, self._outdated = dict(results), outdated
            self.viewport().update()
            self._fit_gutter()

    def result_at(self, line: int) -> str:
        """Return the result of a line in words, or an empty text."""
        if not (found := self._results.get(line)):
            return ""
        age = " (out of date)" if self._outdated else ""
        detail = f"{found.detail[:1].upper()}{found.detail[1:]}"
        return f"Met {found.detail}{age}" if found.met else f"{detail}{age}"

    def begin_following(self) -> None:
        """Keep the step that is played in view, until the user scrolls."""
        self._follows = True

    def show_current(self, line: int) -> None:
        """Highlight the step that is played; 0 highlights none."""
        if line == self._current:
            return
        self._current = line
        self.show_selections()
        self._fit_gutter()
        if line and self._follows:
            self._scroll_to(line)

    def _scroll_to(self, line: int) -> None:
        if self._is_visible(line):
            return
        bar = self.verticalScrollBar()
        self._scrolling = True
        bar.setValue(max(0, self.block_of(line).firstLineNumber() - bar.pageStep() // 3))
        self._scrolling = False

    def _is_visible(self, line: int) -> bool:
        area = self.blockBoundingGeometry(self.block_of(line)).translated(self.contentOffset())
        return area.top() >= 0 and area.bottom() <= self.viewport().height()

    def _on_scrolled(self) -> None:
        """Stop following if the user scrolls the current step out of view; follow it again when it is back."""
        if not self._scrolling and self._current:
            self._follows = self._is_visible(self._current)

    @override
    def selections(self) -> list[QTextEdit.ExtraSelection]:
        found = super().selections()
        if self._current:
            selection = QTextEdit.ExtraSelection()
            selection.cursor = QTextCursor(self.block_of(self._current))
            selection.format.setBackground(QColor(theme.colors().accent_soft))
            selection.format.setProperty(QTextFormat.Property.FullWidthSelection, True)
            found.insert(0, selection)
        return found

    # margin

    @override
    def gutter_width(self) -> int:
        return super().gutter_width() + MARGIN

    @override
    def paint_line_numbers(self, gutter: QWidget, event: QPaintEvent) -> None:
        super().paint_line_numbers(gutter, event)
        scheme = theme.colors()
        painter = QPainter(gutter)
        block = self.firstVisibleBlock()
        top = self.blockBoundingGeometry(block).translated(self.contentOffset()).top()
        while block.isValid() and top <= event.rect().bottom():
            place = QRect(4, round(top) + (self.fontMetrics().height() - ICON) // 2, ICON, ICON)
            line = self.line_number(block)
            if line and line == self._current:
                ui_icon("play", scheme.accent, ICON).paint(painter, place)
            elif result := self._results.get(line):
                color = scheme.muted if self._outdated else scheme.ok if result.met else scheme.error
                ui_icon("check" if result.met else "close", color, ICON).paint(painter, place)
            top += self.blockBoundingRect(block).height()
            block = block.next()
        painter.end()

    @override
    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ToolTip:  # over the margin, which lets mouse events through
            place = cast(QHelpEvent, event)
            at = self.viewport().mapFrom(self, place.pos())
            if at.x() < 0:
                line = self.line_number(self.cursorForPosition(at).block())
                texts = (self.result_at(line), self.problem_at(line))
                show_tooltip(place.globalPos(), "\n".join(filter(None, texts)), self)
                return True
        return super().event(event)

    # keys

    @override
    def find_completions(self, before: str) -> Completions:
        return transcript_completions(before, self._offers(), asked=self._asked)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        self._asked = event.key() == Qt.Key.Key_Space and event.modifiers() == Qt.KeyboardModifier.ControlModifier
        plain = event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier == Qt.KeyboardModifier.NoModifier
        if plain and not self.completing and event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.break_line()
            return
        super().keyPressEvent(event)

    @override
    def focusNextPrevChild(self, forwards: bool) -> bool:
        """Let Tab indent at the beginning of a line; elsewhere, it moves the focus."""
        if self.hasFocus() and self._indent(back=not forwards):
            return True
        return super().focusNextPrevChild(forwards)

    def _indent(self, *, back: bool) -> bool:
        """Indent the selected lines, or the line if the cursor is at its beginning. Return False otherwise."""
        cursor = self.textCursor()
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        first, last = (_first_block(self.document().findBlock(each)) for each in (start, end))
        before = first.text()[: start - first.position()]
        if self.isReadOnly() or (first == last and before.strip()) or (back and not self._indented(first, last)):
            return False
        if last != first and end == last.position():
            last = last.previous()
        cursor.beginEditBlock()
        for block in _lines(first, last):
            cursor.setPosition(block.position())
            if back:
                for _ in range(self._depth(block)):
                    cursor.deleteChar()
            elif block.text().strip() or first == last:
                cursor.insertText(INDENT)
        cursor.endEditBlock()
        return True

    def _indented(self, first: QTextBlock, last: QTextBlock) -> bool:
        return any(map(self._depth, _lines(first, last)))

    @staticmethod
    def _depth(block: QTextBlock) -> int:
        """Return the number of characters of the first level of indentation of a line."""
        text = block.text()
        if text.startswith("\t"):
            return 1
        return min(len(text) - len(text.lstrip(" ")), len(INDENT))

    @override
    def break_line(self) -> None:
        """Begin a line with the indentation of the current one; one level deeper after ``when`` and ``repeat``."""
        cursor = self.textCursor()
        first = _first_block(cursor.block())
        self.insert_text(f"\n{_indent_below(first.text()[: cursor.position() - first.position()])}")


def _first_block(block: QTextBlock) -> QTextBlock:
    """Return the block with the beginning of a block's line: a long line has several."""
    while is_piece(block):
        block = block.previous()
    return block


def _lines(first: QTextBlock, last: QTextBlock) -> Iterator[QTextBlock]:
    """Return the blocks with which the lines begin, from one block to another."""
    block = first
    while block.isValid() and block.position() <= last.position():
        if not is_piece(block):
            yield block
        block = block.next()


def _indent_below(line: str) -> str:
    """Return the indentation of a line below another one: one level deeper after ``when`` and ``repeat``."""
    indent = line[: len(line) - len(line.lstrip())]
    return indent + INDENT if line.lstrip().startswith(_BLOCKS) else indent
