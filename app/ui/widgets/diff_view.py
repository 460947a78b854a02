"""What is new in a frame since the previous of its kind, line by line."""

import re
from collections.abc import Callable
from difflib import SequenceMatcher

from PySide6.QtCore import QEvent
from PySide6.QtGui import QColor, QSyntaxHighlighter, QTextCharFormat, QTextDocument
from typing_extensions import override

from app.hub.row import Row
from app.hub.row_store import RowStore
from app.ui import theme
from app.ui.widgets.text_edit import TextEdit, is_piece

MAX_LINES = 300
"""Comparing takes time that grows with the square of the lines."""

_HEAD = re.compile(r"Since #\d+ ")
_NEVER = "No event of this kind came before, as far as the log goes back."


def previous_alike(rows: RowStore, row: Row) -> Row | None:
    """Return the newest row before ``row`` of the same event in the same direction."""
    return rows.newest_before(row.seq, lambda key: key.kind is row.kind and key.event == row.event)


def diff(before: list[str], after: list[str]) -> list[str]:
    """Return all lines of both, each with ``+``, ``-`` or a space in front."""
    lines: list[str] = []
    for tag, start, stop, begin, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [f"  {line}" for line in after[begin:end]]
        else:
            lines += [f"- {line}" for line in before[start:stop]] + [f"+ {line}" for line in after[begin:end]]
    return lines


class DiffView(TextEdit):
    """A monospaced pane with the changes in colour."""

    def __init__(self) -> None:
        super().__init__(read_only=True)
        self._highlighter = _Highlighter(self.document())
        self.setAccessibleName("Diff to the previous of its kind")
        self.setObjectName("code")
        self.setFont(theme.mono())

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._highlighter.rehighlight()

    def compare(self, before: Row | None, row: Row, pretty: Callable[[str], str]) -> None:
        """Show what is new in ``row``; ``pretty`` breaks a frame into lines."""
        if before is None:
            self.setPlainText(_NEVER)
            return
        old, new = (pretty(each.payload.decode("utf-8", "replace")).split("\n") for each in (before, row))
        head = f"Since #{before.seq} · {row.mono - before.mono:.3f} s earlier"
        if old == new:
            lines = ["The same, to the letter." if before.payload == row.payload else "The same."]
        elif max(len(old), len(new)) > MAX_LINES:
            lines = [f"Too long to compare: more than {MAX_LINES} lines."]
        else:
            lines = diff(old, new)
        self.setPlainText("\n".join([head, "", *lines]))


class _Highlighter(QSyntaxHighlighter):
    """Colours what came, what went, and the line that says since when."""

    def __init__(self, document: QTextDocument) -> None:
        super().__init__(document)
        self._format = QTextCharFormat()

    @override
    def highlightBlock(self, text: str) -> None:
        scheme = theme.colors()
        if is_piece(self.currentBlock()):
            return
        color = {"+ ": scheme.ok, "- ": scheme.error}.get(text[:2])
        if _HEAD.match(text):
            color = scheme.muted
        if color:
            self._format.setForeground(QColor(color))
            self.setFormat(0, len(text), self._format)
