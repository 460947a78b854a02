"""The base class of the tree models of fixtures, scenarios with recordings, and fault profiles: files in folders.
``fill`` builds the tree from a list of entries. Nothing is read from the file system here.
"""

from collections.abc import Iterable
from typing import NamedTuple

from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtGui import QColor, QIcon, QStandardItem, QStandardItemModel

from app.ui import theme
from app.ui.plain_text import set_tooltip

NAME = Qt.ItemDataRole.UserRole + 1
"""The role of a file's name. Folders have no value for it."""


class Folder(NamedTuple):
    """A folder of the tree. ``built_in``: its files cannot be changed."""

    title: str
    built_in: bool


class Entry(NamedTuple):
    """A file in the tree. ``description`` is what a screen reader says."""

    name: str
    folder: Folder
    title: str
    tooltip: str
    description: str
    icon: QIcon | None = None


class FolderTreeModel(QStandardItemModel):
    """Files in folders. ``fill`` rebuilds the whole model; there are a few hundred files at most."""

    def fill(self, entries: Iterable[Entry]) -> None:
        """Show files, each folder where its first file is."""
        self.clear()
        folders: dict[Folder, QStandardItem] = {}
        for each in entries:
            if each.folder not in folders:
                folders[each.folder] = _folder(each.folder)
                self.appendRow(folders[each.folder])
            folders[each.folder].appendRow(_item(each))

    def index_of(self, name: str) -> QModelIndex:
        """Return the index of a file, or an invalid index if it is not shown."""
        for folder in range(self.rowCount()):
            parent = self.index(folder, 0)
            for line in range(self.rowCount(parent)):
                index = self.index(line, 0, parent)
                if index.data(NAME) == name:
                    return index
        return QModelIndex()


def _folder(folder: Folder) -> QStandardItem:
    item = QStandardItem(folder.title)
    set_tooltip(item, f"{folder.title} (built in)" if folder.built_in else folder.title)
    item.setEditable(False)
    item.setSelectable(False)
    item.setDragEnabled(False)
    item.setForeground(QColor(theme.colors().muted))
    return item


def _item(entry: Entry) -> QStandardItem:
    item = QStandardItem(entry.title)
    item.setEditable(False)
    item.setData(entry.name, NAME)
    set_tooltip(item, entry.tooltip)
    if entry.icon:
        item.setIcon(entry.icon)
    item.setData(entry.description, Qt.ItemDataRole.AccessibleTextRole)
    return item
