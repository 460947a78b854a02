"""Create the objects that read the user's files, from the folder in the settings or the default one.
``library_for`` creates a library of fixtures, sessions or fault profiles, which also has a built-in folder.
The function ``event_folder`` creates an ``EventFolder`` of the files that define events, which has no such folder.
"""

from pathlib import Path
from typing import TypeVar

from app.storage.event_folder import EventFolder
from app.storage.file_library import FileLibrary
from resources import FOLDER

LibraryT = TypeVar("LibraryT", bound=FileLibrary)  # type: ignore[type-arg]


def event_folder(chosen: str, default: Path | None) -> EventFolder:
    """Return the folder of event files: ``chosen`` in the settings, or ``default`` if that is empty."""
    try:
        return EventFolder(Path(chosen).expanduser() if chosen else default, chosen=bool(chosen))
    except RuntimeError:  # the home folder of an unknown user (``~name``)
        return EventFolder(None)


def library_for(kind: type[LibraryT], chosen: str, default: Path | None) -> LibraryT:
    """Return the library of the folder ``chosen`` in the settings; of ``default`` if that is empty.

    Without a folder of its own, it can save nothing: ``default`` is None, or ``chosen`` begins with the home folder
    of an unknown user (``~name``). The built-in folder in ``resources`` has the name of what it contains.
    """
    own = default
    if chosen:
        try:
            own = Path(chosen).expanduser()
        except RuntimeError:
            own = None
    return kind(own, FOLDER / f"{kind.noun}s", chosen=bool(chosen))
