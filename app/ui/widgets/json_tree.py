"""A tree view of a frame as JSON that can be searched, with a context menu that copies values and paths.
The search field is elsewhere, and calls ``search``. The model is ``models/json_tree.py``. ``state_tree`` is a
subclass for the stores of a UI.
"""

import json
from collections.abc import Sequence

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QStackedWidget, QTreeView
from typing_extensions import override

from app.protocol.counts import count
from app.protocol.envelope import BadFrame, parse_json
from app.ui import theme
from app.ui.keys import Action
from app.ui.models.json_tree import Column, JsonTreeModel, Steps, searchable
from app.ui.plain_text import PlainTextLabel, set_tooltip
from app.ui.widgets.accessible_names import named
from app.ui.widgets.code_view import any_of
from app.ui.widgets.utf16 import for_qt

MAX_BYTES = 128 * 1024
"""A larger frame is not shown as a tree: it may have too many nodes to search."""
OPENED = 120
"""Nodes are opened from the top while fewer rows than this are visible."""
MAX_OPENED = 1_000
"""*Expand all* opens nodes until this many rows are visible, so that it does not block the window."""
MAX_FOUND = 1_000
KEY_WIDTH = 120, 320
"""Least and greatest width of the column of the keys."""
NO_PATH = (
    "This value cannot be written as a path: the value at the top is a list, an index is above 9,999, or a key is "
    "empty or contains a dot or a bracket."
)


class JsonTree(QStackedWidget):
    """Shows one frame. If it cannot be shown as a tree, a label says why.

    The search is a field elsewhere: call ``search`` and ``next_match``; ``found`` says in words what was found.
    """

    status_message = Signal(str)
    found = Signal(str)

    def __init__(self, model: JsonTreeModel | None = None, name: str = "Frame as a tree") -> None:
        """``name`` is the accessible name of the tree."""
        super().__init__()
        self.model = model or JsonTreeModel()
        self.view = _View(self.model, name)
        self.problem = named(PlainTextLabel(wordWrap=True), "Reason why no tree is shown", style_id="muted")
        self.problem.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.problem.setMargin(8)
        self.addWidget(self.view)
        self.addWidget(self.problem)
        self.setFocusProxy(self.view)
        self._searched: list[tuple[Steps, str]] | None = None
        """The texts of all members; None until they are searched."""
        self._matches: list[Steps] = []
        self._match = 0
        self._wanted = ""
        self.actions_by_title = self._add_actions()
        self.view.customContextMenuRequested.connect(self._context_menu)

    def show_frame(self, payload: bytes) -> None:
        """Show a frame, with the nodes near the top opened."""
        why, value = "", None
        if len(payload) > MAX_BYTES:
            why = f"The frame is larger than {MAX_BYTES // 1024} KiB. See Pretty or Raw."
        else:
            try:
                value = parse_json(payload.decode())
            except UnicodeDecodeError:
                why = "The frame is not UTF-8 text. See Raw."
            except BadFrame as bad:
                why = f"The frame is not valid: {bad}. See Raw."
        self.problem.setText(why)
        self.setCurrentWidget(self.problem if why else self.view)
        self.model.set_value({} if why else value)
        self.view.open_nodes(OPENED)
        self.view.fit_keys()
        self._searched = [] if why else None
        self.search(self._wanted)

    def search(self, text: str) -> None:
        """Find the members whose key or value contains a text, and go to the first."""
        self._wanted = text
        wanted = text.casefold()
        if wanted and self._searched is None:
            self._searched = searchable(self.model.value)
        self._matches = []
        for steps, inside in (self._searched or ()) if wanted else ():
            if wanted in inside:
                self._matches.append(steps)
                if len(self._matches) == MAX_FOUND:
                    break
        self._match = 0
        self._show_match()

    def next_match(self, step: int = 1) -> None:
        """Go to the next match, or to the previous one if ``step`` is -1. After the last, the first is next."""
        if self._matches:
            self._match = (self._match + step) % len(self._matches)
            self._show_match()

    def mark(self, words: Sequence[str]) -> None:
        """Mark the keys and values that contain a word of a filter."""
        self.model.marked = any_of(words)
        self.view.viewport().update()

    def _show_match(self) -> None:
        if not self._wanted:
            self.found.emit("")
            return
        if not self._matches:
            self.found.emit("no match")
            return
        more = "+" if len(self._matches) == MAX_FOUND else ""
        self.found.emit(f"{self._match + 1} of {len(self._matches):,}{more}")
        index = self.model.find(self._matches[self._match])
        self.view.setCurrentIndex(index)
        self.view.scrollTo(index)

    def _add_actions(self) -> dict[str, Action]:
        copy = Action("Copy value", self, self.copy_value, QKeySequence.StandardKey.Copy)
        self.view.addAction(copy)
        others = (
            Action("Copy path", self, self.copy_path),
            Action("Expand all", self, lambda: self.view.open_nodes(MAX_OPENED)),
            Action("Collapse all", self, self.view.collapseAll),
        )
        return {each.text(): each for each in (copy, *others)}

    def _context_menu(self, place: QPoint) -> None:
        path = self.path
        copy_path = self.actions_by_title["Copy path"]
        copy_path.setEnabled(bool(path))
        set_tooltip(copy_path, f"Copy {path}" if path else NO_PATH)
        menu = QMenu(self)
        menu.setToolTipsVisible(True)
        menu.addActions(list(self.actions_by_title.values()))
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.view.viewport().mapToGlobal(place))

    @property
    def path(self) -> str:
        """The path of the selected value, or an empty text if it has none."""
        return self.model.node(self.view.currentIndex()).path

    def copy_value(self) -> None:
        """Copy the selected value: a text without quotation marks, anything else as JSON."""
        node = self.model.node(self.view.currentIndex())
        value = dict(node.members) if node.members and isinstance(node.value, dict) else node.value
        if node.members and isinstance(node.value, list):
            value = [member for _, member in node.members]
        text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=_null)
        QGuiApplication.clipboard().setText(for_qt(text))
        self.status_message.emit(f"Copied {count(len(text), 'character')}")

    def copy_path(self) -> None:
        """Copy the path of the selected value, such as ``data.reactions[0].emoji``."""
        if path := self.path:
            QGuiApplication.clipboard().setText(path)
            self.status_message.emit(f"Copied the path {path}")
        else:
            self.status_message.emit(NO_PATH)


def _null(_: object) -> None:
    """Copy a value that JSON does not have as null."""


class _View(QTreeView):
    """The tree view."""

    def __init__(self, model: JsonTreeModel, name: str) -> None:
        super().__init__()
        named(self, name, style_id="json")
        self._json = model
        self.setModel(model)
        self.setFont(theme.mono())
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIndentation(16)
        self.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.setTabKeyNavigation(False)
        self.header().setStretchLastSection(True)
        self.header().setSectionResizeMode(Column.KEY, QHeaderView.ResizeMode.Interactive)

    def open_nodes(self, rows: int) -> None:
        """Open nodes level by level while fewer than ``rows`` rows are visible."""
        self.setUpdatesEnabled(False)
        shown = self._json.rowCount()
        level = [QModelIndex()]
        while level and shown < rows:
            following: list[QModelIndex] = []
            for parent in level:
                for number in range(self._json.rowCount(parent)):
                    child = self._json.index(number, 0, parent)
                    size = self._json.node(child).child_count
                    if self.isExpanded(child) or 0 < size <= rows - shown:
                        self.expand(child)
                        shown += size
                        following.append(child)
            level = following
        self.setUpdatesEnabled(True)

    def fit_keys(self) -> None:
        """Make the column of the keys as wide as its visible texts, within limits."""
        low, high = KEY_WIDTH
        self.resizeColumnToContents(Column.KEY)
        wide = min(high, self.viewport().width() // 2)
        self.setColumnWidth(Column.KEY, max(low, min(self.columnWidth(Column.KEY) + 8, wide)))

    @override
    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if event.oldSize().width() != event.size().width():
            self.fit_keys()

    @override
    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Let * open a limited number of nodes; Qt would open all nodes below the selected one."""
        if event.key() == Qt.Key.Key_Asterisk:
            self.open_nodes(MAX_OPENED)
        else:
            super().keyPressEvent(event)
