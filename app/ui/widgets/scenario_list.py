"""The searchable list of scenarios and recordings in the Scenarios room, by folder, and its button *New*.
A scenario is a script of events; a recording contains traffic as it happened. The room handles the button.
"""

from collections.abc import Collection, Mapping, Sequence

from PySide6.QtWidgets import QPushButton
from typing_extensions import override

from app.protocol.session.saved import SavedSession
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.scenarios import ScenariosModel
from app.ui.widgets.accessible_names import named
from app.ui.widgets.folder_list import FolderList, FolderListTexts

TEXTS = FolderListTexts("scenario", "scenarios", "The search looks at names and titles.")


class ScenarioList(FolderList):
    """Scenarios in folders; new ones and those with unsaved changes are marked, and those that are being played."""

    def __init__(self) -> None:
        model = ScenariosModel()
        super().__init__(model, TEXTS)
        self.model = model
        self.new = named(QPushButton("New"), "New scenario", tip="Write a new scenario (Ctrl+N)")
        self.foot.addWidget(self.new)
        self.recolor()

    @override
    def recolor(self) -> None:
        super().recolor()
        self.new.setIcon(ui_icon("plus", theme.colors().muted))

    def show_scenarios(
        self,
        saved: Sequence[SavedSession],
        drafts: Collection[str],
        unsaved: Mapping[str, str],
        running: Collection[str],
        current: str,
    ) -> None:
        """Show the scenarios that match the search. Rebuild the tree only if something has changed.

        ``current`` is the key of the selected one, or empty.
        """
        words = self.search.text()
        wanted = (list(saved), set(drafts), dict(unsaved), set(running), words, theme.colors())
        self._show(wanted, lambda: self.model.show(saved, words, drafts, unsaved, running), current)
