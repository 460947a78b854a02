"""The list in the Fixtures room: fixtures (saved events or raw frames) in folders, and a search field.
Pinned fixtures and unsaved changes are marked. A button creates a fixture from a frame in the clipboard.
"""

from collections.abc import Collection, Sequence

from PySide6.QtWidgets import QAbstractItemView, QPushButton
from typing_extensions import override

from app.protocol.fixture import SavedFixture
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.fixtures import FixturesModel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.folder_list import FolderList, FolderListTexts

TEXTS = FolderListTexts("fixture", "fixtures", "The search looks at names, titles and what a correct UI must do.")


class FixtureList(FolderList):
    """Fixtures in folders, those with unsaved changes and pinned ones marked."""

    def __init__(self) -> None:
        model = FixturesModel()
        super().__init__(model, TEXTS)
        self.model = model
        self.tree.setDragDropMode(QAbstractItemView.DragDropMode.DragOnly)
        self.paste = named(
            QPushButton("Paste fixture"), "Create a fixture from the clipboard", tip="Save a copied frame"
        )
        self.foot.addWidget(self.paste)
        self.recolor()

    @override
    def recolor(self) -> None:
        super().recolor()
        self.paste.setIcon(ui_icon("plus", theme.colors().muted))

    def show_fixtures(
        self, fixtures: Sequence[SavedFixture], pinned: Collection[str], drafts: Collection[str], current: str
    ) -> None:
        """Show the fixtures that match the search. Rebuild the tree only if something has changed.

        ``current`` is the name of the selected fixture, or empty.
        """
        words = self.search.text()
        wanted = (list(fixtures), set(pinned), set(drafts), words, theme.colors())
        self._show(wanted, lambda: self.model.show(fixtures, pinned, words, drafts), current)
