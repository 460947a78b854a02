"""The text field for a filter in the language of the log, with suggestions of keys, values and saved filters.
Above the log, it selects rows; in the Breakpoints dialog, what a breakpoint holds.
``models/filter_completion.py`` finds the suggestions.
"""

from collections.abc import Callable
from functools import cached_property
from typing import Any, cast

from PySide6.QtCore import QEvent, QModelIndex, QRect, Qt
from PySide6.QtGui import QColor, QKeyEvent, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QCompleter, QTreeView
from typing_extensions import override

from app.hub.filter_text import token_at
from app.ui import theme
from app.ui.models.filter_completion import Known, Suggestion, suggestions
from app.ui.widgets.accessible_names import named
from app.ui.widgets.search_field import SearchField
from app.ui.widgets.utf16 import units

LIMIT = 2_000
POPUP_WIDTH = 480
TERM_WIDTH = 190
PLACEHOLDER = "Filter (Ctrl+F)"
TIP = "Type a term, or press Down for suggestions. The button ? explains all terms."


class FilterField(SearchField):
    """A line edit with a popup of suggestions. ``known`` returns the values to suggest.

    Down or Ctrl+Space opens the popup. Enter inserts the selected suggestion, Tab the selected or the first one.
    Esc closes the popup; without it, Esc clears the filter, and in an empty field, goes to the log.
    """

    def __init__(self, known: Callable[[], Known]) -> None:
        super().__init__(limit=LIMIT, placeholder=PLACEHOLDER)
        named(self, "Filter", tip=TIP)
        self._known = known
        self._replacing = False
        self._found: list[Suggestion] = []
        self._found_at = 0
        """The cursor position for which the suggestions were made."""
        self._lines = QStandardItemModel(0, 2, self)
        self.textEdited.connect(lambda _: self._on_edited())
        self.cursorPositionChanged.connect(lambda _, cursor: self._on_moved(cursor))

    @cached_property
    def popup(self) -> QTreeView:
        """The list of suggestions, built on first use."""
        popup = named(QTreeView(), "Filter suggestions", style_id="suggestions")
        theme.style_window(popup)
        popup.setHeaderHidden(True)
        popup.setRootIsDecorated(False)
        popup.setUniformRowHeights(True)
        popup.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return popup

    @cached_property
    def _completer(self) -> QCompleter:
        completer = QCompleter(self._lines, self)
        completer.setCompletionMode(QCompleter.CompletionMode.UnfilteredPopupCompletion)
        completer.setMaxVisibleItems(10)
        completer.setPopup(self.popup)
        completer.setWidget(self)
        activated = cast(Any, completer.activated)[QModelIndex]  # the other overload has the text
        activated.connect(lambda index: self._take(index.row()))
        return completer

    @property
    def _suggesting(self) -> bool:
        """Whether the popup is open."""
        return "popup" in vars(self) and self.popup.isVisible()

    @property
    def _cursor(self) -> int:
        """The number of characters before the cursor. Qt counts UTF-16 code units."""
        before = self.text().encode("utf-16-le", "surrogatepass")[: 2 * self.cursorPosition()]
        return len(before.decode("utf-16-le", "surrogatepass"))

    def _hide_suggestions(self) -> None:
        if self._suggesting:
            self.popup.hide()

    def replace_text(self, text: str) -> None:
        """Replace the text. Ctrl+Z restores the old text."""
        if text == self.text():
            return
        self._replacing = True
        try:
            self.selectAll()
            self.insert(text)
        finally:
            self._replacing = False

    def insert_term(self, term: str) -> None:
        """Append a term and select it, so that the user can change it."""
        text = f"{self.text().rstrip()} {term}".lstrip()
        self.replace_text(text)
        if self.text() == text:
            self.setSelection(units(text) - units(term), units(term))
        self.setFocus(Qt.FocusReason.OtherFocusReason)

    def show_suggestions(self) -> None:
        """Show completions of the term at the cursor, or hide the popup if there are none."""
        self._found_at = self.cursorPosition()
        self._found = suggestions(self.text(), self._cursor, self._known())
        self._lines.removeRows(0, self._lines.rowCount())
        if not self._found:
            self._hide_suggestions()
            return
        for each in self._found:
            term, meaning = QStandardItem(each.term), QStandardItem(each.meaning)
            term.setFont(theme.mono())
            meaning.setForeground(QColor(theme.colors().muted))
            self._lines.appendRow([term, meaning])
        left = min(self.cursorRect().left(), max(0, self.width() - POPUP_WIDTH))
        self.popup.setColumnWidth(0, TERM_WIDTH)
        self._completer.complete(QRect(left, 0, POPUP_WIDTH, self.height()))
        self.popup.setCurrentIndex(QModelIndex())

    @override
    def event(self, event: QEvent) -> bool:
        """Insert a suggestion when Tab is pressed. Qt would move the focus."""
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress
        if pressed and cast(QKeyEvent, event).key() == Qt.Key.Key_Tab and self._suggesting:
            self._take(max(0, self.popup.currentIndex().row()))
            return True
        return super().event(event)

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self._suggesting:
            event.ignore()  # the completer closes the popup
            return
        opens = event.key() == Qt.Key.Key_Down or (
            event.key() == Qt.Key.Key_Space and event.modifiers() & Qt.KeyboardModifier.ControlModifier
        )
        if opens and not self._suggesting:
            self.show_suggestions()
        else:
            super().keyPressEvent(event)

    def _on_edited(self) -> None:
        if self._replacing:
            return
        if token_at(self.text(), self._cursor).text:
            self.show_suggestions()
        else:
            self._hide_suggestions()

    def _on_moved(self, cursor: int) -> None:
        """Hide the suggestions when the cursor moves."""
        if cursor != self._found_at:
            self._hide_suggestions()

    def _take(self, number: int) -> None:
        """Replace the typed part of a term with a suggestion. After a key, suggest its values."""
        if not 0 <= number < len(self._found):
            return
        taken = self._found[number]
        self.popup.hide()
        self._replacing = True
        try:
            text, cursor = self.text(), self._cursor
            start = units(text[: taken.start])
            self.setSelection(start, self.cursorPosition() - start)
            following = text[cursor:]
            self.insert(taken.term + (" " if taken.final and not following.startswith(" ") else ""))
        finally:
            self._replacing = False
        if not taken.final:
            self.show_suggestions()
