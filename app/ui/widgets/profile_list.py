"""The tree of fault profiles in the Faults room, by folder, with a search and warnings about invalid files.
It lists the user's own profiles and the built-in ones. A profile is a named set of faults, which disturb frames or
REST calls on purpose, in a file.
"""

from collections.abc import Sequence

from app.protocol.faults.profiles import SavedProfile
from app.ui import theme
from app.ui.models.profiles import ProfilesModel
from app.ui.widgets.folder_list import FolderList, FolderListTexts

TEXTS = FolderListTexts("profile", "profiles", "The search looks at names, titles and descriptions.")


class ProfileList(FolderList):
    """The user's own profiles and the built-in ones."""

    def __init__(self) -> None:
        model = ProfilesModel()
        super().__init__(model, TEXTS)
        self.model = model
        self.recolor()

    def show_profiles(self, saved: Sequence[SavedProfile], current: str) -> None:
        """Show the profiles that match the search. ``current`` is the name of the selected one, or empty."""
        words = self.search.text()
        self._show((list(saved), words, theme.colors()), lambda: self.model.show(saved, words), current)
