"""The tree model of scenarios and recordings in folders: all of them, or the saved ones that match a search.
New scenarios that are not saved yet are shown only without a search. A scenario is a script of events and
expectations; a recording contains traffic. Those with unsaved changes are marked, and saved ones that are running.
Also functions that return the title, the line of facts below it, and the title of a folder.
"""

from collections.abc import Collection, Mapping, Sequence

from app.protocol.session.saved import SavedSession
from app.ui import theme
from app.ui.icons import ui_icon
from app.ui.models.folder_tree import Entry, Folder, FolderTreeModel
from app.ui.models.units import amount

BUILT_IN = {"showcase": "what is possible"}
"""What the folders of the built-in scenarios contain."""
UNSAVED = Folder("Not saved", built_in=False)


class ScenariosModel(FolderTreeModel):
    """Scenarios and recordings in folders."""

    def show(
        self,
        saved: Sequence[SavedSession],
        words: str,
        drafts: Collection[str],
        unsaved: Mapping[str, str],
        running: Collection[str],
    ) -> None:
        """Show the scenarios that contain all ``words`` in their name or title.

        ``unsaved`` are new ones, with their titles. Those in ``drafts`` have unsaved changes, and those in
        ``running`` are being played.
        """
        wanted = words.casefold().split()
        new = [_new_entry(key, title, key in running) for key, title in unsaved.items() if not wanted]
        found = [each for each in saved if all(word in f"{each.name} {each.title}".casefold() for word in wanted)]
        self.fill(new + [_entry(each, each.name in drafts, each.name in running) for each in found])


def title_of(saved: SavedSession) -> str:
    """Return the title of a session: the one in its file, or the last part of its name."""
    return saved.title or saved.name.rpartition("/")[2]


def facts(saved: SavedSession) -> str:
    """Return the line below a title: the name, and what is special about the file."""
    found = [saved.name]
    if saved.kind == "recording":
        found.append(f"recording, {amount(saved.size)}")
    if not saved.own:
        found.append("built in: use Save as … to keep changes")
    return " · ".join(found)


def folder_title(folder: str, *, own: bool) -> str:
    """Return the text of a folder: its name, and what a built-in one contains."""
    if own or folder not in BUILT_IN:
        return f"{folder or 'No folder'} · {'yours' if own else 'built in'}"
    return f"{folder.capitalize()} · {BUILT_IN[folder]}"


def _new_entry(key: str, title: str, running: bool) -> Entry:
    notes = f"{title}, not saved yet{', running' if running else ''}"
    icon = ui_icon("play", theme.colors().accent) if running else None
    return Entry(key, UNSAVED, f"{title} •", f"{title}\nNot saved yet", notes, icon)


def _entry(saved: SavedSession, draft: bool, running: bool) -> Entry:
    title, scheme = title_of(saved), theme.colors()
    notes = [title, saved.name]
    recording = saved.kind == "recording"
    if recording:
        notes.append("recording")
    if draft:
        notes.append("unsaved changes")
    if running:
        notes.append("running")
    icon = ui_icon("play", scheme.accent) if running else ui_icon("record", scheme.muted) if recording else None
    return Entry(
        saved.name,
        Folder(folder_title(saved.folder, own=saved.own), not saved.own),
        f"{title} •" if draft else title,
        "\n".join((title, facts(saved))),
        ", ".join(notes),
        icon,
    )
