"""The multi-line text editor of the program. It inserts large texts without blocking the event loop.
It rejects a set or pasted text that is over 256 KiB or has too many lines. A read-only one shows the beginning of a
long text instead, with fewer lines. It returns a text exactly as it was inserted, unless a read-only one has cut
it.

The time that Qt needs to lay out a line grows with the square of its length. So a long line is split into several
text blocks, and a large text is inserted in time slices. ``toPlainText`` can restore the text, because the format
of the character with which Qt separates two blocks stores what separates them. The format of the block cannot store
it: if a selection is removed, Qt may keep the format of the block at its end instead of that at its beginning.
"""

import re
import time
from collections import deque

from PySide6.QtCore import QMimeData, QSignalBlocker, QTimer, Signal
from PySide6.QtGui import (
    QInputMethodEvent,
    QKeyEvent,
    QKeySequence,
    QTextBlock,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
)
from PySide6.QtWidgets import QPlainTextEdit  # noqa: TID251
from typing_extensions import override

from app.ui.widgets.text_rejection import MAX_TEXT_BYTES, TOO_LARGE, reject
from app.ui.widgets.utf16 import for_qt, units

MAX_LINES = 20_000
MAX_SHOWN_CHARS, MAX_SHOWN_LINES = 256 * 1024, 5_000
"""A read-only editor shows the beginning of a longer text."""

LONG_LINE = 2_000
PIECE = 500
"""A line of more than ``LONG_LINE`` characters is displayed in pieces of this length."""

TEXT_FORMATS = ("text/plain;charset=utf-8", "text/plain")

SLICE_S = 0.005
BATCH_LINES, BATCH_CHARS = 50, 5_000
"""Amount of text that is inserted between two checks of the time slice."""

_BREAKS = ("", "\r\n", "\r", "\u2029", "\ufdd0", "\ufdd1")
"""What may separate two blocks, besides a line feed."""
_FIRST_BREAK = QTextFormat.ObjectTypes.UserObject + 1
"""The object type (in the format of a character) that stands for the first of them.
It is the one property of a format that Qt does not copy to typed text and new lines."""
_LINE_BREAK = re.compile("\r\n|[\r\n\u2029\ufdd0\ufdd1]")
"""Wherever Qt begins a text block."""

Piece = tuple[str, str]
"""A separator, and the text of the block after it."""


def is_piece(block: QTextBlock) -> bool:
    """Return whether a block continues the line of the previous block (a long line is split into blocks)."""
    return _break_before(block) == ""


class TextEdit(QPlainTextEdit):
    """Accept up to 256 KiB of text. A larger text is rejected with a message, or cut if the editor is read-only."""

    inserted = Signal()
    """Emitted when the rest of a large text has been inserted."""

    def __init__(self, *, read_only: bool = False) -> None:
        super().__init__(readOnly=read_only, tabChangesFocus=True)
        self._read_only = read_only
        self.setUndoRedoEnabled(not read_only)
        self._waiting: deque[Piece] = deque()
        self._place = QTextCursor(self.document())
        """Where the waiting text is inserted."""
        self._marked = False
        """Whether other characters than a line feed may separate two blocks."""
        self._cached: tuple[int, int, str] | None = None
        self._next_slice = QTimer(self, singleShot=True, interval=0)
        self._next_slice.timeout.connect(self._insert_more)

    # text

    @override
    def toPlainText(self) -> str:
        """Return the text exactly as it was inserted. Qt's method replaces some Unicode characters."""
        key = self.document().revision(), len(self._waiting)
        if self._cached is None or self._cached[:2] != key:
            self._cached = *key, self._read()
        return self._cached[2]

    @override
    def setPlainText(self, text: str) -> None:
        """Replace the text unless it is too large. See ``set_text``."""
        self.set_text(text)

    def set_text(self, text: str) -> bool:
        """Replace the text and the undo history. Return False if the text is too large and was rejected."""
        if self._read_only:
            text = _beginning(text)
        elif why := _size_problem(text, 0, 0):
            reject(self, why)
            return False
        with QSignalBlocker(self):
            self._stop()
            self._marked = False
            self.setTextCursor(QTextCursor(self.document()))  # Qt gives the new text the format at the cursor
            if _is_simple(text):
                super().setPlainText(for_qt(text))
            else:
                self.clear()
                self.setUndoRedoEnabled(False)
                self._begin(self.textCursor(), _pieces(text, 0))
                self.moveCursor(QTextCursor.MoveOperation.Start)
        self.textChanged.emit()
        return True

    def insert_text(self, text: str) -> bool:
        """Replace the selection. Return False if the text is too large and was rejected."""
        cursor = self.textCursor()
        whole, selected = self.toPlainText(), self._selected_text()
        if why := _size_problem(text, _size(whole) - _size(selected), _breaks(whole) - _breaks(selected)):
            reject(self, why)
            return False
        if self._waiting:
            reject(self, "The previous text is still being inserted.")
            return False
        with QSignalBlocker(self):
            replaces = cursor.hasSelection()
            cursor.removeSelectedText()
            self._begin(cursor, _pieces(text, cursor.block().length() - 1), join=replaces)
            if not self._waiting:
                self.setTextCursor(cursor)
        self.ensureCursorVisible()
        self.textChanged.emit()
        return True

    def replace_text(self, text: str) -> bool:
        """Replace the text so that it can be undone. Return False if the text is too large and was rejected."""
        before = self.textCursor()
        self.selectAll()
        if not self.insert_text(text):
            self.setTextCursor(before)
            return False
        self.moveCursor(QTextCursor.MoveOperation.Start)
        return True

    def flush(self) -> None:
        """Insert all waiting text now."""
        while self._waiting:
            self._insert_more()

    @property
    def inserting(self) -> bool:
        """Whether a part of a large text is still to be inserted."""
        return bool(self._waiting)

    @property
    def has_pieces(self) -> bool:
        """Whether a line may consist of several blocks, or end with other characters than a line feed."""
        return self._marked

    def position_of(self, offset: int) -> int:
        """Return Qt's position of a character of ``toPlainText()``. Call it only if nothing is being inserted."""
        if not self._marked:
            return units(self.toPlainText()[:offset])
        block, passed = self.document().begin(), 0
        while True:
            text, following = block.text(), block.next()
            if offset <= passed + len(text) or not following.isValid():
                return block.position() + units(text[: max(offset - passed, 0)])
            passed += len(text) + len(_break_before(following))
            block = following

    def _begin(self, cursor: QTextCursor, pieces: "deque[Piece]", *, join: bool = False) -> None:
        """Insert pieces at a cursor. ``join``: undo together with the previous change."""
        self._place, self._waiting = cursor, pieces
        _, text = self._waiting.popleft()
        if text:
            self._start_batch(join)
            cursor.insertText(for_qt(text))
            cursor.endEditBlock()
        self._insert_slice(join=join or bool(text))

    def _insert_more(self) -> None:
        with QSignalBlocker(self):
            self._insert_slice()
        if not self._waiting:
            self.inserted.emit()

    def _insert_slice(self, *, join: bool = True) -> None:
        """Insert waiting text until the time slice is used up."""
        end = time.perf_counter() + SLICE_S
        while self._waiting and time.perf_counter() < end:
            self._start_batch(join)
            self._insert_batch()
            self._place.endEditBlock()
            join = True  # otherwise each batch would be a separate undo step
        if self._waiting:
            super().setReadOnly(True)
            self._next_slice.start()
        else:
            self._stop()

    def _start_batch(self, join: bool) -> None:
        if join:
            self._place.joinPreviousEditBlock()
        else:
            self._place.beginEditBlock()

    def _insert_batch(self) -> None:
        size = lines = 0
        while self._waiting and size < BATCH_CHARS and lines < BATCH_LINES:
            separator, text = self._waiting.popleft()
            separator_format = QTextCharFormat()
            if separator != "\n":
                separator_format.setObjectType(_FIRST_BREAK + _BREAKS.index(separator))
                self._marked = True
            self._place.insertBlock(QTextBlockFormat(), separator_format)
            self._place.insertText(for_qt(text))
            size += len(text)
            lines += 1

    def _stop(self) -> None:
        """End the insertion and discard waiting text."""
        self._waiting = deque()
        self._next_slice.stop()
        super().setReadOnly(self._read_only)
        self.setUndoRedoEnabled(not self._read_only)

    def _read(self) -> str:
        if not self._marked and not self._waiting:
            return str(self.document().toRawText()).replace("\u2029", "\n")
        parts: list[str] = []
        place = self._place.blockNumber() if self._waiting else -1
        block = self.document().begin()
        while block.isValid():
            parts.append(_break_before(block))
            if block.blockNumber() == place:
                before, after = _split(block.text(), self._place.positionInBlock())
                parts += [before, *(part for piece in self._waiting for part in piece), after]
            else:
                parts.append(block.text())
            block = block.next()
        return "".join(parts[1:])

    # user input

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.InsertLineSeparator) and not self.isReadOnly():
            self.break_line()  # Qt would insert U+2028, which looks like a new line but does not end the line
        else:
            super().keyPressEvent(event)

    def break_line(self) -> None:
        """Begin a new line at the cursor."""
        self.insert_text("\n")

    @override
    def insertFromMimeData(self, source: QMimeData) -> None:
        if self._read_only or not source.hasText():
            return
        # Check the size first: converting a huge text to a Python string takes long.
        if any(source.data(each).size() > MAX_TEXT_BYTES for each in TEXT_FORMATS if source.hasFormat(each)):
            reject(self, TOO_LARGE)
        else:
            self.insert_text(source.text())

    @override
    def createMimeDataFromSelection(self) -> QMimeData:
        data = QMimeData()
        data.setText(for_qt(self._selected_text()))
        return data

    def _selected_text(self) -> str:
        cursor = self.textCursor()
        if not self._marked:
            return cursor.selection().toRawText().replace("\u2029", "\n")
        parts: list[str] = []
        start, end = cursor.selectionStart(), cursor.selectionEnd()
        block = self.document().findBlock(start)
        while block.isValid() and block.position() <= end:
            if block.position() > start:
                parts.append(_break_before(block))
            text, _ = _split(block.text(), end - block.position())
            _, text = _split(text, max(start - block.position(), 0))
            parts.append(text)
            block = block.next()
        return "".join(parts)

    @override
    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        if len(text := event.commitString()) > PIECE or _LINE_BREAK.search(text):
            event.setCommitString("")
            super().inputMethodEvent(event)
            self.insert_text(text)
        else:
            super().inputMethodEvent(event)


def fits(text: str) -> bool:
    """Return whether an empty editor accepts a text."""
    return not why_too_large(text)


def why_too_large(text: str) -> str:
    """Return why an empty editor rejects a text, or an empty text if it accepts it."""
    return _size_problem(text, 0, 0)


def _break_before(block: QTextBlock) -> str:
    """Return what separates a block from the previous one."""
    kind = block.charFormat().objectType() - _FIRST_BREAK  # it is the format of the character before the block
    return _BREAKS[kind] if kind >= 0 else "\n"


def _split(text: str, units: int) -> tuple[str, str]:
    """Split a text after ``units`` UTF-16 code units, in which Qt counts positions."""
    if text.isascii():
        return text[:units], text[units:]
    content = text.encode("utf-16-le", "surrogatepass")
    parts = content[: 2 * units], content[2 * units :]
    before, after = (part.decode("utf-16-le", "surrogatepass") for part in parts)
    return before, after


def _pieces(text: str, in_line: int) -> "deque[Piece]":
    """Split a text into the blocks to insert. The first piece continues the current block.

    ``in_line`` is the length of the line that the text is inserted into.
    """
    pieces: deque[Piece] = deque()
    ends = [(found.start(), found.end()) for found in _LINE_BREAK.finditer(text)]
    separator, start, room = "", 0, LONG_LINE - in_line
    for end, following in [*ends, (len(text), len(text))]:
        line = text[start:end]
        if len(line) <= room:
            pieces.append((separator, line))
        else:
            if in_line and not pieces:
                pieces.append(("", ""))
            size = max(len(line), 1)
            pieces += [(separator if at == 0 else "", line[at : at + PIECE]) for at in range(0, size, PIECE)]
        separator, start, room = text[end:following], following, LONG_LINE
    if in_line and len(pieces) > 1 and not ends:
        pieces.append(("", ""))  # the rest of the line begins a piece
    return pieces


def _is_simple(text: str) -> bool:
    """Return whether Qt can insert the text at once and return it unchanged."""
    if len(text) > BATCH_CHARS or not {"\r", "\u2029", "\ufdd0", "\ufdd1"}.isdisjoint(text):
        return False
    return text.count("\n") <= BATCH_LINES and max(map(len, text.split("\n"))) <= LONG_LINE


def _size_problem(text: str, size: int, breaks: int) -> str:
    """Return why a text cannot be added to one of ``size`` bytes with ``breaks`` line breaks, or an empty text."""
    if size + len(text) > MAX_TEXT_BYTES or size + _size(text) > MAX_TEXT_BYTES:
        return TOO_LARGE
    if (lines := breaks + _breaks(text) + 1) > MAX_LINES:
        return (
            f"The text has too many lines ({lines:,}). The maximum is {MAX_LINES:,}. "
            "To send a file as a raw frame, use Send from file … in Inject."
        )
    return ""


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode(errors="surrogatepass"))


def _breaks(text: str) -> int:
    return sum(1 for _ in _LINE_BREAK.finditer(text))


def _beginning(text: str) -> str:
    """Return the part of a text that a read-only editor shows, with a last line that says how much is missing."""
    end = min(len(text), MAX_SHOWN_CHARS)
    for line, found in enumerate(_LINE_BREAK.finditer(text, 0, end), 1):
        if line == MAX_SHOWN_LINES:
            end = found.start()
    return text if end == len(text) else f"{text[:end]}\n… {len(text) - end:,} more characters"
