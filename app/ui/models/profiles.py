"""The tree model of fault profiles: the user's own and the built-in ones, as far as they match a search.
A profile is a file with a named set of faults, which disturb frames or REST calls on purpose. The tree has the
folders of the files, each with the note *yours* or *built in*. ``widgets/profile_list.py`` shows it.
"""

from collections.abc import Sequence

from app.protocol.faults.profiles import SavedProfile, all_faults_text
from app.ui.models.fault_text import one_line
from app.ui.models.folder_tree import Entry, Folder, FolderTreeModel


class ProfilesModel(FolderTreeModel):
    """Profiles in folders."""

    def show(self, saved: Sequence[SavedProfile], words: str) -> None:
        """Show the profiles that contain all ``words`` in their name, title or description."""
        wanted = words.casefold().split()
        self.fill(_entry(each) for each in saved if all(word in _searched(each) for word in wanted))


def _searched(saved: SavedProfile) -> str:
    return f"{saved.name} {saved.title} {saved.profile.about}".casefold()


def _entry(saved: SavedProfile) -> Entry:
    folder = saved.name.rpartition("/")[0] or "Profiles"
    notes = f"{saved.name}\n{all_faults_text(saved.profile.faults, saved.profile.rest)}"
    return Entry(
        saved.name,
        Folder(f"{folder} · {'yours' if saved.own else 'built in'}", not saved.own),
        one_line(saved.title),
        f"{saved.title}\n{notes}",
        f"{one_line(saved.title)}, {saved.name}",
    )
