"""A text view for JSON with syntax highlighting, editable or read-only."""

import re
from collections.abc import Sequence

from PySide6.QtGui import QColor, QFont, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from typing_extensions import override

from app.ui import theme
from app.ui.widgets.text_edit import TextEdit, is_piece

_TOKENS = re.compile(
    r'(?P<key>"(?:[^"\\]|\\.)*"(?=\s*:))|(?P<string>"(?:[^"\\]|\\.)*"?)'
    r"|(?P<word>\b(?:true|false|null)\b)|(?P<number>-?\b\d[\d.eE+-]*)"
)
_MAX_LINE = 20_000
MAX_COLORED_LINES = 5_000
"""A longer text is not highlighted: Qt calls ``highlightBlock`` for all changed lines at once."""


class JsonHighlighter(QSyntaxHighlighter):
    """Colour keys, strings, literals (true, false, null) and numbers."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._formats: dict[str, QTextCharFormat] = {}
        self._marked: re.Pattern[str] | None = None
        self.recolor()

    def mark(self, words: Sequence[str]) -> None:
        """Mark the words of a filter, in any case, instead of those of the last call."""
        marked = any_of(words)
        if marked != self._marked:
            self._marked = marked
            if self.document().blockCount() <= MAX_COLORED_LINES:
                self.rehighlight()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        scheme = theme.colors()
        names = {"key": scheme.accent, "string": scheme.ok, "word": scheme.warning, "number": scheme.warning}
        for name, color in names.items():
            self._formats[name] = QTextCharFormat()
            self._formats[name].setForeground(QColor(color))
        self._formats["key"].setFontWeight(QFont.Weight.Medium)
        self._formats["marked"] = QTextCharFormat()
        self._formats["marked"].setForeground(QColor(scheme.text))
        self._formats["marked"].setBackground(QColor(scheme.warning_soft))
        self.rehighlight()

    @override
    def highlightBlock(self, text: str) -> None:
        if self.document().blockCount() > MAX_COLORED_LINES or is_piece(self.currentBlock()):
            return
        for found in _TOKENS.finditer(text[:_MAX_LINE]):
            self.setFormat(found.start(), found.end() - found.start(), self._formats[str(found.lastgroup)])
        for found in self._marked.finditer(text[:_MAX_LINE]) if self._marked else ():
            self.setFormat(found.start(), found.end() - found.start(), self._formats["marked"])


def any_of(words: Sequence[str]) -> re.Pattern[str] | None:
    """Return an expression that finds any of the words, in any case, or None if there are none."""
    return re.compile("|".join(map(re.escape, words)), re.IGNORECASE) if words else None


class JsonView(TextEdit):
    """A ``TextEdit`` in the fixed-width font, with highlighting. ``name`` is its accessible name."""

    def __init__(self, name: str, *, read_only: bool = False) -> None:
        super().__init__(read_only=read_only)
        self.setAccessibleName(name)
        self.setObjectName("code")
        self.setFont(theme.mono())
        self.setTabStopDistance(self.fontMetrics().horizontalAdvance("  "))
        self.highlighter = JsonHighlighter(self.document())
