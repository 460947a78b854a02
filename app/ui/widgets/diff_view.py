"""Show a log row's content as a diff from the previous row of the same event and direction, and find that row.
A row is a frame, a REST call or an event of the companion itself. The previous row may be about another client.
"""

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
"""Longer frames are not compared: the time grows with the square of the number of lines."""

_HEAD = re.compile(r"Since #\d+ ")
_NO_PREVIOUS = "The log has no earlier event of this kind"


def previous_alike(rows: RowStore, row: Row) -> Row | None:
    """Return the newest row before ``row`` with the same event and direction, or None."""
    return rows.newest_before(row.seq, lambda key: key.kind is row.kind and key.event == row.event)


def diff(before: list[str], after: list[str]) -> list[str]:
    """Return all lines, each prefixed with ``+ `` (added), ``- `` (removed) or two spaces (unchanged)."""
    lines: list[str] = []
    for tag, start, stop, begin, end in SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if tag == "equal":
            lines += [f"  {line}" for line in after[begin:end]]
        else:
            lines += [f"- {line}" for line in before[start:stop]] + [f"+ {line}" for line in after[begin:end]]
    return lines


class DiffView(TextEdit):
    """A read-only text view that colours added and removed lines."""

    def __init__(self) -> None:
        super().__init__(read_only=True)
        self._highlighter = _Highlighter(self.document())
        self.setAccessibleName("Changes since the previous event of this kind")
        self.setObjectName("code")
        self.setFont(theme.mono())

    @override
    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.PaletteChange:
            self._highlighter.rehighlight()

    def compare(
        self, before: Row | None, row: Row, pretty: Callable[[str], str], number_of: Callable[[int], int] = int
    ) -> None:
        """Show the changes from ``before`` to ``row``. ``pretty`` formats a frame in lines.

        ``number_of`` returns the number that is shown for a row.
        """
        if before is None:
            self.setPlainText(_NO_PREVIOUS)
            return
        old, new = (pretty(each.payload.decode("utf-8", "replace")).split("\n") for each in (before, row))
        head = f"Since #{number_of(before.seq)} · {row.mono - before.mono:.3f} s earlier"
        if old == new:
            lines = _formatting_changes(before.payload, row.payload)
        elif max(len(old), len(new)) > MAX_LINES:
            lines = [f"Too long to compare (more than {MAX_LINES} lines)"]
        else:
            lines = diff(old, new)
        self.setPlainText("\n".join([head, "", *lines]))


def _formatting_changes(before: bytes, after: bytes) -> list[str]:
    """Return what differs between frames that look the same when they are formatted, such as invalid bytes."""
    if before == after:
        return ["Identical"]
    old, new = (each.decode("utf-8", "backslashreplace") for each in (before, after))
    if "".join(old.split()) == "".join(new.split()):
        return ["Same content, different formatting"]
    return diff(old.split("\n"), new.split("\n"))


class _Highlighter(QSyntaxHighlighter):
    """Colour added lines, removed lines and the heading."""

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
