"""The tree model of the fixtures (saved events or raw frames): folders, and the fixtures that match a search.
Also functions that return the texts which describe a fixture: its properties, and its event as JSON or its frame.
"""

from collections.abc import Collection, Sequence

import msgspec
from PySide6.QtCore import QMimeData, QModelIndex
from typing_extensions import override

from app.hub.expectation import expectation_of
from app.protocol.file_names import name_key
from app.protocol.fixture import Fixture, SavedFixture
from app.ui import theme
from app.ui.drags import fixture_data
from app.ui.icons import ui_icon
from app.ui.models.folder_tree import NAME, Entry, Folder, FolderTreeModel

BUILT_IN = {
    "basics": "everyday events",
    "guide": "contract samples",
    "nasty": "unusual and invalid input",
}
"""What the folders of the built-in fixtures contain."""


class FixturesModel(FolderTreeModel):
    """Fixtures in folders. A fixture can be dragged into a scenario."""

    @override
    def mimeData(self, indexes: Sequence[QModelIndex]) -> QMimeData:
        names = [name for index in indexes if (name := index.data(NAME))]
        return fixture_data(names[0]) if names else QMimeData()

    def show(
        self, fixtures: Sequence[SavedFixture], pinned: Collection[str], words: str, drafts: Collection[str] = ()
    ) -> None:
        """Show the fixtures that contain all ``words`` in their name, title or expected UI behaviour.

        Fixtures in ``drafts`` (unsaved changes) are marked with a dot, and those whose ``name_key`` is in
        ``pinned`` with a pin.
        """
        wanted = words.casefold().split()
        self.fill(
            _entry(each, name_key(each.name) in pinned, each.name in drafts)
            for each in fixtures
            if all(word in f"{each.name} {each.title} {each.fixture.must}".casefold() for word in wanted)
        )


def folder_title(folder: str, *, own: bool) -> str:
    """Return the text of a folder: its name, and what a built-in one contains."""
    if own or folder not in BUILT_IN:
        return f"{folder or 'No folder'} · {'yours' if own else 'built in'}"
    return f"{folder.capitalize()} · {BUILT_IN[folder]}"


def _entry(saved: SavedFixture, pinned: bool, draft: bool) -> Entry:
    description = f"{saved.title}, {saved.name}"
    if pinned:
        description += ", pinned to the tray"
    if draft:
        description += ", unsaved changes"
    return Entry(
        saved.name,
        Folder(folder_title(saved.folder, own=saved.own), not saved.own),
        f"{saved.title} •" if draft else saved.title,
        "\n".join(line for line in (saved.title, facts(saved), saved.fixture.must) if line),
        description,
        ui_icon("pin", theme.colors().accent) if pinned else None,
    )


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
