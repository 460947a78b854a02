"""The tree of fixtures: folders, and what lies in them."""

from collections.abc import Collection, Sequence

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QStandardItem, QStandardItemModel

from app.protocol.fixture import SavedFixture
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import set_tooltip

NAME = Qt.ItemDataRole.UserRole + 1
"""The fixture's name; folders have none."""

Index = QModelIndex | QPersistentModelIndex


class FixturesModel(QStandardItemModel):
    """Rebuilt whole: there are some hundred at most."""

    def show(
        self, fixtures: Sequence[SavedFixture], pinned: Sequence[str], words: str, drafts: Collection[str] = ()
    ) -> None:
        """Show those that contain every word in name, title or duty."""
        self.clear()
        wanted = words.casefold().split()
        at_hand = {name.casefold() for name in pinned}
        folders: dict[tuple[str, bool], QStandardItem] = {}
        for each in fixtures:
            text = f"{each.name} {each.title} {each.fixture.must}".casefold()
            if not all(word in text for word in wanted):
                continue
            key = (each.folder, each.own)
            if key not in folders:
                folders[key] = _folder(each)
                self.appendRow(folders[key])
            folders[key].appendRow(_item(each, each.name.casefold() in at_hand, each.name in drafts))

    def index_of(self, name: str) -> QModelIndex:
        """Return where a fixture stands; an invalid index when it is not shown."""
        for folder in range(self.rowCount()):
            parent = self.index(folder, 0)
            for line in range(self.rowCount(parent)):
                index = self.index(line, 0, parent)
                if index.data(NAME) == name:
                    return index
        return QModelIndex()


def _folder(saved: SavedFixture) -> QStandardItem:
    own = "" if saved.own else " · built in"
    item = QStandardItem(f"{saved.folder or 'Yours'}{own}")
    item.setEditable(False)
    item.setSelectable(False)
    item.setForeground(QColor(theme.colors().muted))
    return item


def _item(saved: SavedFixture, pinned: bool, draft: bool) -> QStandardItem:
    item = QStandardItem(f"{saved.title} •" if draft else saved.title)
    item.setEditable(False)
    item.setData(saved.name, NAME)
    set_tooltip(item, saved.name)
    said = f"{saved.title}, {saved.name}"
    if pinned:
        item.setIcon(ui_icon("pin", theme.colors().accent))
        said += ", pinned to the tray"
    if draft:
        said += ", changed and not saved"
    item.setData(said, Qt.ItemDataRole.AccessibleTextRole)
    return item
