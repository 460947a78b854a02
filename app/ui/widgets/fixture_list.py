"""The searchable tree of fixtures, with warnings about files that could not be read."""

import os
from collections.abc import Collection, Sequence
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, QSignalBlocker, QSize, Qt, Signal
from PySide6.QtWidgets import (
    QPushButton,
    QStackedWidget,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTreeView,
    QVBoxLayout,
    QWidget,
)
from typing_extensions import override

from app.protocol.fixture import SavedFixture
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.fixtures import NAME, FixturesModel
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.search_field import SearchField

MAX_SHOWN_WARNINGS = 2
ICON = 14
"""Width and height of the pin."""


class PinAtTheEnd(QStyledItemDelegate):
    """Paint the pin at the right end of a row, so that the title does not move when a fixture is pinned."""

    @override
    def initStyleOption(self, option: QStyleOptionViewItem, index: QModelIndex | QPersistentModelIndex) -> None:
        super().initStyleOption(option, index)
        option.decorationPosition = QStyleOptionViewItem.Position.Right


class FixtureList(QWidget):
    """Fixtures in folders that can be expanded and collapsed."""

    chosen = Signal(str)
    """Emitted with a fixture's name when the user selects it."""
    activated = Signal()
    """Emitted when the user double-clicks the selected fixture."""
    searched = Signal()
    """Emitted when the search text has changed; call ``show_fixtures`` then."""

    def __init__(self) -> None:
        super().__init__()
        self._listed: object = None
        self.model = FixturesModel()
        self.search = named(SearchField(limit=200, placeholder="Find a fixture"), "Find a fixture", tip="Ctrl+F")
        self.tree = named(QTreeView(headerHidden=True, rootIsDecorated=True), "Fixtures", style_id="fixtures")
        self.tree.setModel(self.model)
        self.tree.setIndentation(10)
        self.tree.setUniformRowHeights(True)  # the pin would make its row higher
        self.tree.setIconSize(QSize(ICON, ICON))
        self.tree.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.tree.setItemDelegate(PinAtTheEnd(self.tree))
        self.no_match = EmptyState("filter", "No fixture matches", ("Clear search", self.clear_search))
        self.no_match.hint.setText("The search looks at names, titles and what a correct UI must do.")
        self.body = QStackedWidget()
        self.body.addWidget(self.tree)
        self.body.addWidget(self.no_match)
        self.paste = named(
            QPushButton("Paste fixture"), "Create a fixture from the clipboard", tip="Save a copied frame"
        )
        self.warnings = named(
            PlainTextLabel(wordWrap=True), "Files that are not valid fixtures", style_id="problem"
        )
        self.warnings.setMinimumWidth(1)  # a long name must not widen the window
        self.setFocusProxy(self.tree)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 12, 8, 12)
        column.setSpacing(8)
        column.addWidget(self.search)
        column.addWidget(self.body, 1)
        column.addWidget(self.warnings)
        column.addWidget(self.paste)
        self.search.textChanged.connect(lambda _: self.searched.emit())
        self.search.left.connect(self.tree.setFocus)
        self.tree.selectionModel().currentChanged.connect(self._choose)
        self.tree.doubleClicked.connect(lambda index: self.activated.emit() if index.data(NAME) else None)
        self.recolor()

    def recolor(self) -> None:
        """Use the colours of the current theme."""
        self.paste.setIcon(ui_icon("plus", theme.colors().muted))
        self.no_match.recolor()

    def clear_search(self) -> None:
        """Show all fixtures again."""
        self.search.clear()
        self.search.setFocus()

    def choose(self, name: str) -> None:
        """Select a fixture. Clears the search, which could hide it."""
        self.search.clear()
        self.tree.setCurrentIndex(self.model.index_of(name))

    def show_fixtures(
        self, fixtures: Sequence[SavedFixture], pinned: Sequence[str], drafts: Collection[str], current: str
    ) -> None:
        """Show the fixtures that match the search. Rebuild the tree only if something has changed.

        ``current`` is the name of the selected fixture, or empty.
        """
        wanted = (list(fixtures), list(pinned), set(drafts), self.search.text(), theme.colors())
        if wanted != self._listed:
            self._listed = wanted
            self._fill(fixtures, pinned, drafts)
            self._show_matches()
        if self.tree.currentIndex().data(NAME) != (current or None):
            with QSignalBlocker(self.tree.selectionModel()):
                self.tree.setCurrentIndex(self.model.index_of(current))

    def show_warnings(self, warnings: Sequence[str], folder: Path | None) -> None:
        """Show the first warnings about files that are not valid fixtures, and all of them in the tooltip."""
        more = len(warnings) - MAX_SHOWN_WARNINGS
        shown = [each.replace(f"{folder}{os.sep}", "") for each in warnings[:MAX_SHOWN_WARNINGS]]
        self.warnings.setText("\n".join([*shown, f"and {more:,} more"] if more > 0 else shown))
        set_tooltip(self.warnings, "\n".join(warnings))
        self.warnings.setVisible(bool(warnings))

    def _fill(self, fixtures: Sequence[SavedFixture], pinned: Sequence[str], drafts: Collection[str]) -> None:
        """Rebuild the tree. Keep collapsed folders and the scroll position."""
        words = self.search.text()
        tops = [self.model.index(row, 0) for row in range(self.model.rowCount())]
        closed = {top.data() for top in tops if not self.tree.isExpanded(top)}
        place = self.tree.verticalScrollBar().value()
        with QSignalBlocker(self.tree.selectionModel()):
            self.model.show(fixtures, pinned, words, drafts)
            self.tree.expandAll()
            for top in (self.model.index(row, 0) for row in range(self.model.rowCount())):
                self.tree.setExpanded(top, bool(words) or top.data() not in closed)
        self.tree.verticalScrollBar().setValue(place)

    def _show_matches(self) -> None:
        """Show the tree, or a placeholder if the search matches nothing."""
        matches = self.model.rowCount() > 0
        self.body.setCurrentWidget(self.tree if matches else self.no_match)
        self.setFocusProxy(self.tree if matches else self.search)

    def _choose(self, index: QModelIndex) -> None:
        if name := index.data(NAME):
            self.chosen.emit(name)
