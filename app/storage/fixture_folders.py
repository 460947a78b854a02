"""Create the fixture library for the settings: the user's folder, which a setting can name, and the built-in."""

from pathlib import Path

from app.storage.fixtures import FixtureLibrary
from resources import FOLDER


def library_for(chosen: str, default: Path | None) -> FixtureLibrary:
    """Return the library of the folder ``chosen`` in the settings; of ``default`` if that is empty.

    If the library has no folder of its own, no fixture can be saved: ``default`` is None, or ``chosen`` begins with
    the home folder of an unknown user (``~name``).
    """
    own = default
    if chosen:
        try:
            own = Path(chosen).expanduser()
        except RuntimeError:
            own = None
    return FixtureLibrary(own, FOLDER / "fixtures", chosen=bool(chosen))
