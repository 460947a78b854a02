"""Return the built-in events and those of a folder of event files, for commands that need no running companion.
Examples are ``companion contract check FILE --events DIR`` and the lint of a recording. Also return what the
settings say about the contract: the folder of the event files, and the names of the envelope's keys.
"""

from pathlib import Path

from app.protocol.catalog import Catalog, built_in
from app.protocol.contract_documents.described_event import DescribedEvent, described
from app.protocol.errors import Invalid, RequestError
from app.protocol.event_files.event_set import EventSet, Parsed
from app.protocol.event_files.parse import parse_event_file
from app.protocol.event_files.problems import InvalidEventFile
from app.protocol.wire_names import WireNames, other_names
from app.storage.event_folder import EventFolder
from app.system.paths import Folders
from app.system.settings_file import SettingsFile


def catalog_of(folder: Path, *, chosen: bool = True, strict: bool = False) -> Catalog:
    """Return the built-in events, and those that the files of a folder define or extend.

    ``chosen``: the folder must exist. Raises ``Invalid`` with what is wrong with the folder or with a file. If
    a file forwards an event that does not exist, that counts only if ``strict``: recordings can be read without it.
    """
    known = built_in()
    files, events = EventFolder(folder, chosen=chosen), EventSet(known)
    events.update(files.read(lambda name, text: _parse(name, text, known)))
    wrong = [each for each in events.files if strict or not (each.current and each.in_use)]
    if problems := [*files.warnings, *(str(problem) for each in wrong for problem in each.problems)]:
        raise Invalid(" ".join(problems))
    return Catalog(events.types)


def chosen_catalog(events: Path | None, data_dir: Path | None) -> Catalog:
    """Return the events of a folder, or else those of a companion with this data folder. Raises ``Invalid``."""
    folders = Folders.of(data_dir)
    if events is None and (setting := SettingsFile(folders.settings_file).load().events_folder):
        events = Path(setting).expanduser()
    return catalog_of(events or folders.events, chosen=events is not None)


def usual_catalog(data_dir: Path | None) -> Catalog:
    """Return the events of a companion with this data folder; the built-in ones if an event file is invalid."""
    try:
        return chosen_catalog(None, data_dir)
    except RequestError:
        return built_in()


def usual_names(data_dir: Path | None) -> WireNames | None:
    """Return the names of the envelope's keys in the settings of a data folder; None if they are the usual ones."""
    settings = SettingsFile(Folders.of(data_dir).settings_file).load()
    return other_names(settings.envelope_event_key, settings.envelope_data_key)


def contract_of(folder: Path) -> list[DescribedEvent]:
    """Return the events of ``catalog_of``, as documents describe them. Raises ``Invalid`` for any error."""
    return described(catalog_of(folder, strict=True))


def _parse(name: str, text: str, known: Catalog) -> Parsed:
    try:
        return parse_event_file(name, text, known)
    except InvalidEventFile as invalid:
        return invalid.problems
