"""The searchable tree of saved files in folders, with warnings about files that are not valid.
Base class of the lists in the Fixtures, Scenarios and Faults rooms. The model is a subclass of ``FolderTreeModel``.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
)
from typing_extensions import override

from app.ui.keys import IN_WIDGET, Shortcut
from app.ui.models.folder_tree import NAME, FolderTreeModel
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.focus_start import FocusStart
from app.ui.widgets.search_field import SearchField

MAX_SHOWN_WARNINGS = 2
ICON = 14
"""Width and height of the icon at the end of a row."""


class FolderListTexts(NamedTuple):
    """The texts of a list: ``one`` and ``many`` say what the files contain. ``searched`` says what is searched."""

    one: str
    many: str
    searched: str


class IconAtTheEnd(QStyledItemDelegate):
    """Paint the icon at the right end of a row, so that the title does not move when it appears."""

    @override
    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        option.decorationPosition = QStyleOptionViewItem.Position.Right


class FolderList(FocusStart):
    """Files in folders that can be expanded and collapsed. Subclasses add buttons to ``foot``."""

    chosen = Signal(str)
    """Emitted with a file's name when the user selects it."""
    activated = Signal()
    """Emitted when the user double-clicks the selected file."""
    searched = Signal()
    """Emitted when the search text has changed; fill the list again then."""

    def __init__(self, model: FolderTreeModel, texts: FolderListTexts) -> None:
        super().__init__()
        self._listed: object = None
        self._collapsed: set[str] = set()
        """The folders that the user has collapsed. A search shows all folders expanded."""
        self._shows_search = False
        self.folders = model
        find = f"Find a {texts.one}"
        self.search = named(SearchField(limit=200, placeholder=find), find, tip="Ctrl+F")
        self.tree = named(
            QTreeView(headerHidden=True, rootIsDecorated=True), texts.many.capitalize(), style_id="fixtures"
        )
        self.tree.setModel(model)
        self.tree.setIndentation(10)
        self.tree.setUniformRowHeights(True)  # the icon would make its row higher
        self.tree.setIconSize(QSize(ICON, ICON))
        self.tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.tree.setItemDelegate(IconAtTheEnd(self.tree))
        self.no_match = EmptyState("filter", f"No {texts.one} matches", ("Clear search", self.clear_search))
        self.no_match.hint.setText(texts.searched)
        self.body = QStackedWidget()
        self.body.addWidget(self.tree)
        self.body.addWidget(self.no_match)
        self.warnings = named(
            PlainTextLabel(wordWrap=True), f"Files that are not valid {texts.many}", style_id="problem"
        )
        self.warnings.setMinimumWidth(1)  # a long name must not widen the window
        self.start_at(self.tree)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 8, 12)
        column.setSpacing(8)
        column.addWidget(self.search)
        column.addWidget(self.body, 1)
        column.addWidget(self.warnings)
        self.foot = QVBoxLayout()
        self.foot.setSpacing(8)
        column.addLayout(self.foot)
        self.search.textChanged.connect(lambda _: self.searched.emit())
        self.search.left.connect(self.tree.setFocus)
        self.tree.selectionModel().currentChanged.connect(self._choose)
        self.tree.doubleClicked.connect(lambda index: self.activated.emit() if index.data(NAME) else None)

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.no_match.recolor()

    def clear_search(self) -> None:
        """Show all files again."""
        self.search.clear()
        self.search.setFocus()

    def choose(self, name: str) -> None:
        """Select a file. Clears the search, which could hide it."""
        self.search.clear()
        self.tree.setCurrentIndex(self.folders.index_of(name))

    def add_key(self, key: str, act: Callable[[], object]) -> None:
        """Call ``act`` when ``key`` is pressed in the tree, unless the current line is a folder."""
        Shortcut(key, self.tree, lambda: act() if self.tree.currentIndex().data(NAME) else None, IN_WIDGET)

    def show_warnings(self, warnings: Sequence[str], folder: Path | None) -> None:
        """Show the first warnings about invalid files, and all of them in the tooltip."""
        more = len(warnings) - MAX_SHOWN_WARNINGS
        shown = [each.replace(f"{folder}{os.sep}", "") for each in warnings[:MAX_SHOWN_WARNINGS]]
        self.warnings.setText("\n".join([*shown, f"and {more:,} more"] if more > 0 else shown))
        set_tooltip(self.warnings, "\n".join(warnings))
        self.warnings.setVisible(bool(warnings))

    def _show(self, wanted: object, fill: Callable[[], None], current: str) -> None:
        """Call ``fill`` if ``wanted`` differs from the last time, and select the file ``current``, if any.

        ``current`` may be empty. ``fill`` shows the files in the model. Collapsed folders stay collapsed, and the
        scroll position is kept.
        """
        if wanted != self._listed:
            self._listed = wanted
            self._fill(fill)
            self._show_matches()
        if self.tree.currentIndex().data(NAME) != (current or None):
            with QSignalBlocker(self.tree.selectionModel()):
                self.tree.setCurrentIndex(self.folders.index_of(current))

    def _fill(self, fill: Callable[[], None]) -> None:
        model, searching = self.folders, bool(self.search.text())
        if not self._shows_search:
            tops = [model.index(row, 0) for row in range(model.rowCount())]
            self._collapsed = {top.data() for top in tops if not self.tree.isExpanded(top)}
        self._shows_search = searching
        place = self.tree.verticalScrollBar().value()
        with QSignalBlocker(self.tree.selectionModel()):
            fill()
            self.tree.expandAll()
            for top in (model.index(row, 0) for row in range(model.rowCount())):
                self.tree.setExpanded(top, searching or top.data() not in self._collapsed)
        self.tree.verticalScrollBar().setValue(place)

    def _show_matches(self) -> None:
        """Show the tree, or a placeholder if the search matches nothing."""
        matches = self.folders.rowCount() > 0
        self.body.setCurrentWidget(self.tree if matches else self.no_match)
        self.start_at(self.tree if matches else self.search)

    def _choose(self, index: QModelIndex) -> None:
        if name := index.data(NAME):
            self.chosen.emit(name)
