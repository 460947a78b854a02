"""The tree model of a JSON value: one node per key or item, created when it is first shown; long lists are grouped.
It also returns the nodes' texts for a search, and finds the node at a path.

An object or array with more than ``GROUP`` members shows groups such as *100 … 199* instead of its members, so that
opening a node never creates more than ``GROUP`` nodes.
"""

import json
import re
import sys
from collections.abc import Sequence
from enum import IntEnum
from math import ceil
from typing import Any

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor
from typing_extensions import override

from app.protocol.counts import count
from app.protocol.json_path import BadPath, Step, check_path
from app.ui import theme
from app.ui.plain_text import tooltip_text

GROUP = 100
MAX_KEY_CHARS = 200
MAX_VALUE_CHARS = 500
"""Longer texts are cut. The tooltip shows more, and *Copy value* copies all."""

Index = QModelIndex | QPersistentModelIndex
Steps = tuple[Step, ...]
"""Where a node is: keys and indexes, from the top."""


class Column(IntEnum):
    """Columns, left to right."""

    KEY = 0
    VALUE = 1


class JsonNode:
    """A member of an object or array, or a group of members (``members`` is set)."""

    __slots__ = ("children", "members", "number", "parent", "position", "step", "value")

    def __init__(
        self, parent: "JsonNode | None", position: int, step: Step | None, value: Any,
        members: Sequence[tuple[Step, Any]] = (),
    ) -> None:  # fmt: skip
        self.parent = parent
        self.position = position
        """Its number among the children of its parent."""
        self.step = step
        """Its key or index; None for a group and for the root."""
        self.value = value
        self.members = members
        self.number = 0
        self.children: list[JsonNode] | None = None
        """None until they are needed."""

    @property
    def child_count(self) -> int:
        """The number of its children, which need not be created yet."""
        members = self.members or (self.value if isinstance(self.value, dict | list) else ())
        return ceil(len(members) / _group_size(len(members)))

    @property
    def steps(self) -> Steps:
        """Where the node is. For a group: where its object or array is."""
        steps: list[Step] = []
        node: JsonNode | None = self
        while node:
            if node.step is not None:
                steps.append(node.step)
            node = node.parent
        return tuple(reversed(steps))

    @property
    def path(self) -> str:
        """The path as ``protocol.json_path`` writes it, or an empty text if it has none."""
        path = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in self.steps)[1:]
        try:
            check_path(path)
        except BadPath:
            return ""
        # A key with a dot or bracket would be read as several steps.
        return "" if any(set(".[]") & set(step) for step in self.steps if isinstance(step, str)) else path

    @property
    def title(self) -> str:
        """What the column of the keys shows."""
        if self.members:
            return f"{_short(self.members[0][0])} … {_short(self.members[-1][0])}"
        return "value" if self.step is None else _short(self.step)

    @property
    def text(self) -> str:
        """What the column of the values shows."""
        if self.members:
            return count(len(self.members), "member")
        if isinstance(self.value, dict):
            return f"{{ {count(len(self.value), 'key')} }}"
        if isinstance(self.value, list):
            return f"[ {count(len(self.value), 'item')} ]"
        return _scalar(self.value, MAX_VALUE_CHARS)

    def create_children(self) -> list["JsonNode"]:
        """Return new nodes for the members, or for groups of them if there are many."""
        members = self.members or members_of(self.value)
        size = _group_size(len(members))
        if size == 1:
            return [JsonNode(self, number, *member) for number, member in enumerate(members)]
        parts = [members[start : start + size] for start in range(0, len(members), size)]
        return [JsonNode(self, number, None, self.value, part) for number, part in enumerate(parts)]


def _group_size(members: int) -> int:
    """Return how many members each child has, so that there are at most ``GROUP`` children."""
    size = 1
    while members > size * GROUP:
        size *= GROUP
    return size


def members_of(value: Any) -> Sequence[tuple[Step, Any]]:
    """Return the members of an object or array with their keys or indexes; none for any other value."""
    if isinstance(value, dict):
        return list(value.items())
    return list(enumerate(value)) if isinstance(value, list) else ()


def searchable(value: Any, limit: int = sys.maxsize) -> list[tuple[Steps, str]]:
    """Return the members below a value, in the order of the tree: where each is, and its text to search.

    Only the first members up to ``limit`` are returned. For a value without members, it is that value.
    """
    found: list[tuple[Steps, str]] = []
    if not isinstance(value, dict | list):
        return [((), _text_of(value))]
    _collect(value, (), found, limit)
    return found


def _collect(value: Any, steps: Steps, found: list[tuple[Steps, str]], limit: int) -> None:
    for step, member in members_of(value):
        if len(found) >= limit:
            return
        here = (*steps, step)
        container = isinstance(member, dict | list)
        text = "" if container else _text_of(member)
        found.append((here, f"{step.casefold()}\n{text}" if isinstance(step, str) else text))
        if container:
            _collect(member, here, found, limit)


def _text_of(value: Any) -> str:
    return value.casefold() if isinstance(value, str) else _scalar(value, 0)


class JsonTreeModel(QAbstractItemModel):
    """Show the members of a JSON value, or the value itself if it has none."""

    def __init__(self) -> None:
        super().__init__()
        self.marked: re.Pattern[str] | None = None
        """Keys and values in which it finds something are marked; None if none are."""
        self._nodes: list[JsonNode] = []
        """The nodes created so far. The id of an index is a position in it, so that an outdated one is harmless."""
        self._root = self._add(JsonNode(None, 0, None, {}))

    def set_value(self, value: Any) -> None:
        """Show another value."""
        self.beginResetModel()
        self._nodes = []
        self._root = self._add(JsonNode(None, 0, None, value))
        if not self._root.child_count:
            self._root.children = [self._add(JsonNode(self._root, 0, None, value))]
        self.endResetModel()

    @property
    def value(self) -> Any:
        """The value that is shown."""
        return self._root.value

    def node(self, index: Index) -> JsonNode:
        """Return the node of an index; the root of an invalid one."""
        number = index.internalId() if index.isValid() else 0
        return self._nodes[number] if number < len(self._nodes) else self._root

    def find(self, steps: Steps) -> QModelIndex:
        """Return the index of a node, or of the first row without ``steps``. The nodes on the way are created."""
        index = QModelIndex() if steps else self.index(0, 0)
        for step in steps:
            index = self._find_child(index, step)
        return index

    def _find_child(self, parent: QModelIndex, step: Step) -> QModelIndex:
        for child in self._children(self.node(parent)):
            if not child.members and child.step == step:
                return self._index(child)
            if child.members and any(each == step for each, _ in child.members):
                return self._find_child(self._index(child), step)
        return QModelIndex()

    def _children(self, node: JsonNode) -> list[JsonNode]:
        if node.children is None:
            node.children = [self._add(child) for child in node.create_children()]
        return node.children

    def _add(self, node: JsonNode) -> JsonNode:
        node.number = len(self._nodes)
        self._nodes.append(node)
        return node

    def _index(self, node: JsonNode, column: int = 0) -> QModelIndex:
        return self.createIndex(node.position, column, node.number)

    # QAbstractItemModel

    @override
    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        children = self._children(self.node(parent))
        return self._index(children[row], column) if 0 <= row < len(children) else QModelIndex()

    @override
    def parent(self, index: Index) -> QModelIndex:  # type: ignore[override]
        parent = self.node(index).parent
        return QModelIndex() if parent is None or parent is self._root else self._index(parent)

    @override
    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() and parent.column() else len(self._children(self.node(parent)))

    @override
    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(Column)

    @override
    def hasChildren(self, parent: Index = QModelIndex()) -> bool:  # noqa: B008
        """Return whether a node has children, without creating them."""
        return not parent.isValid() or (parent.column() == 0 and self.node(parent).child_count > 0)

    @override
    def headerData(self, section: int, orientation: Qt.Orientation, role: int = 0) -> Any:
        return ("Key", "Value")[section] if role == Qt.ItemDataRole.DisplayRole else None

    @override
    def data(self, index: Index, role: int = 0) -> Any:
        node, is_key = self.node(index), index.column() == Column.KEY
        match role:
            case Qt.ItemDataRole.DisplayRole:
                return node.title if is_key else node.text
            case Qt.ItemDataRole.AccessibleTextRole:
                return f"{node.title}: {node.text}" if is_key else node.text
            case Qt.ItemDataRole.ForegroundRole:
                marked = self._is_marked(node, is_key)
                return QColor(theme.colors().text if marked else _color(node, is_key))
            case Qt.ItemDataRole.BackgroundRole if self._is_marked(node, is_key):
                return QColor(theme.colors().warning_soft)
            case Qt.ItemDataRole.ToolTipRole:
                if is_key:
                    return tooltip_text(node.path or node.title)
                return tooltip_text(node.value if isinstance(node.value, str) else node.text)
        return None

    def _is_marked(self, node: JsonNode, is_key: bool) -> bool:
        return bool(self.marked and self.marked.search(node.title if is_key else node.text))


def _short(step: Step) -> str:
    text = str(step) if isinstance(step, int) else json.dumps(step[:MAX_KEY_CHARS], ensure_ascii=False)[1:-1]
    return text if isinstance(step, int) or len(step) <= MAX_KEY_CHARS else f"{text}…"


def _scalar(value: Any, limit: int) -> str:
    """Return a text, number, boolean or null as JSON. A long text is cut, and says how long it is."""
    if isinstance(value, str) and len(value) > limit:
        return f"{json.dumps(value[:limit], ensure_ascii=False)[:-1]}… ({len(value):,} characters)"
    return str(value) if type(value) is int else json.dumps(value, ensure_ascii=False, default=repr)


def _color(node: JsonNode, is_key: bool) -> str:
    scheme = theme.colors()
    if node.members or (not is_key and isinstance(node.value, dict | list)):
        return scheme.muted
    if is_key:
        return scheme.accent
    return scheme.ok if isinstance(node.value, str) else scheme.warning
