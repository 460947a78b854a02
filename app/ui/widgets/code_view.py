"""Base classes of the editors and views of JSON, and of the editor of scenarios.
``CodeView`` is a text editor in the fixed-width font, read-only with ``read_only=True``. ``Highlighter`` colours
the syntax and can mark a filter's words. A scenario is a script with lines such as ``alice (types 2s): hi``.
"""

import re
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from PySide6.QtGui import QColor, QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from typing_extensions import override

from app.ui import theme
from app.ui.widgets.text_edit import TextEdit, is_piece
from app.ui.widgets.utf16 import units

MAX_LINE = 20_000
MAX_COLORED_LINES = 5_000
"""A longer text is not highlighted: Qt calls ``highlightBlock`` for all changed lines at once."""


class Highlighter(QSyntaxHighlighter):
    """Colour the parts of a line. Subclasses say which parts there are, and their colours."""

    bold: Mapping[str, QFont.Weight] = MappingProxyType({})
    """The kinds of parts in a heavier weight."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}
        self._marked: re.Pattern[str] | None = None
        self._text = ""
        self.recolor()

    def mark(self, words: Sequence[str]) -> None:
        """Mark the words of a filter, in any case, instead of those of the last call."""
        marked = any_of(words)
        if marked != self._marked:
            self._marked = marked
            if self.document().blockCount() <= MAX_COLORED_LINES:
                self.rehighlight()

    @abstractmethod
    def colors(self) -> Mapping[str, str]:
        """Return the colours in the current theme, by the kind of part."""

    @abstractmethod
    def color_line(self, text: str) -> None:
        """Call ``color`` for the parts of a line."""

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        for kind, color in self.colors().items():
            self._formats[kind] = QTextCharFormat()
            self._formats[kind].setForeground(QColor(color))
            if weight := self.bold.get(kind):
                self._formats[kind].setFontWeight(weight)
        self._formats["marked"] = QTextCharFormat()
        self._formats["marked"].setForeground(QColor(theme.colors().text))
        self._formats["marked"].setBackground(QColor(theme.colors().warning_soft))
        self.rehighlight()

    def color(self, start: int, end: int, kind: str) -> None:
        """Colour a part of the current line."""
        first, last = (start, end) if self._text.isascii() else (units(self._text[:at]) for at in (start, end))
        self.setFormat(first, last - first, self._formats[kind])

    @override
    def highlightBlock(self, text: str) -> None:
        if self.document().blockCount() <= MAX_COLORED_LINES:
            self._text = text[:MAX_LINE]
            if not is_piece(self.currentBlock()):
                self.color_line(self._text)
            for found in self._marked.finditer(self._text) if self._marked else ():
                self.color(found.start(), found.end(), "marked")


def any_of(words: Sequence[str]) -> re.Pattern[str] | None:
    """Return an expression that finds any of the words, in any case, or None if there are none."""
    return re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None


class CodeView(TextEdit):
    """A ``TextEdit`` in the fixed-width font. ``name`` is its accessible name."""

    def __init__(self, name: str, highlighter: type[Highlighter], *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self.setAccessibleName(name)
        self.setObjectName("code")
        self.setFont(theme.mono())
        self.setTabStopDistance(self.fontMetrics().horizontalAdvance("  "))
        self.highlighter = highlighter(self.document())
