"""The tree model of the fixtures (saved events): folders, and the fixtures in them that match a search.

It also has the texts that describe a fixture.
"""

from collections.abc import Collection, Sequence

import msgspec
from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor, QStandardItem, QStandardItemModel

from app.hub.expectation import expectation_of
from app.protocol.fixture import Fixture, SavedFixture
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.plain_text import set_tooltip

BUILT_IN = {
    "basics": "everyday events",
    "guide": "contract samples",
    "nasty": "unusual and invalid input",
}
"""What the folders of the built-in fixtures contain."""
NAME = Qt.ItemDataRole.UserRole + 1
"""The role of a fixture's name. Folders have no value for it."""

Index = QModelIndex | QPersistentModelIndex


class FixturesModel(QStandardItemModel):
    """Fixtures in folders. ``show`` rebuilds the whole model; there are a few hundred fixtures at most."""

    def show(
        self, fixtures: Sequence[SavedFixture], pinned: Sequence[str], words: str, drafts: Collection[str] = ()
    ) -> None:
        """Show the fixtures that contain all ``words`` in their name, title or expected UI behaviour.

        Fixtures in ``drafts`` (unsaved changes) are marked with a dot, those in ``pinned`` with a pin.
        """
        self.clear()
        wanted = words.casefold().split()
        pinned_names = {name.casefold() for name in pinned}
        folders: dict[tuple[str, bool], QStandardItem] = {}
        for each in fixtures:
            text = f"{each.name} {each.title} {each.fixture.must}".casefold()
            if not all(word in text for word in wanted):
                continue
            key = (each.folder, each.own)
            if key not in folders:
                folders[key] = _folder(each)
                self.appendRow(folders[key])
            folders[key].appendRow(_item(each, each.name.casefold() in pinned_names, each.name in drafts))

    def index_of(self, name: str) -> QModelIndex:
        """Return the index of a fixture, or an invalid index if it is not shown."""
        for folder in range(self.rowCount()):
            parent = self.index(folder, 0)
            for line in range(self.rowCount(parent)):
                index = self.index(line, 0, parent)
                if index.data(NAME) == name:
                    return index
        return QModelIndex()


def folder_title(folder: str, *, own: bool) -> str:
    """Return the text of a folder: its name, and what a built-in one contains."""
    if own or folder not in BUILT_IN:
        return f"{folder or 'No folder'} · {'yours' if own else 'built in'}"
    return f"{folder.capitalize()} · {BUILT_IN[folder]}"


def _folder(saved: SavedFixture) -> QStandardItem:
    title = folder_title(saved.folder, own=saved.own)
    item = QStandardItem(title)
    set_tooltip(item, title if saved.own else f"{title} (built in)")
    item.setEditable(False)
    item.setSelectable(False)
    item.setForeground(QColor(theme.colors().muted))
    return item


def _item(saved: SavedFixture, pinned: bool, draft: bool) -> QStandardItem:
    item = QStandardItem(f"{saved.title} •" if draft else saved.title)
    item.setEditable(False)
    item.setData(saved.name, NAME)
    set_tooltip(item, "\n".join(line for line in (saved.title, facts(saved), saved.fixture.must) if line))
    description = f"{saved.title}, {saved.name}"
    if pinned:
        item.setIcon(ui_icon("pin", theme.colors().accent))
        description += ", pinned to the tray"
    if draft:
        description += ", unsaved changes"
    item.setData(description, Qt.ItemDataRole.AccessibleTextRole)
    return item


def facts(saved: SavedFixture) -> str:
    """Return the line below a fixture's title: its name, and its options that differ from the defaults."""
    found, fixture = [saved.name], saved.fixture
    if fixture.to != "all":
        found.append(f"to {fixture.to}")
    if fixture.times > 1:
        found.append(f"sent {fixture.times} times")
    if expected := expectation_of(fixture):
        found.append(f"expects {expected}")
    if not saved.own:
        found.append("built in: use Save as … to keep changes")
    return " · ".join(found)


def event_text(fixture: Fixture) -> str:
    """Return a fixture's event as indented JSON, or its raw frame unchanged."""
    if fixture.raw:
        return str(fixture.frame)
    return msgspec.json.format(msgspec.json.encode(fixture.envelope()), indent=2).decode()
