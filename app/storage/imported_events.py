"""Write the events of an AsyncAPI import as files into a folder of event files, with the schema for editors.
If files with other content would be replaced, nothing is written without ``force``. An event that a file with
another name defines or extends is left out; with ``force``, that file is replaced, unless the import has another
event for it. A replaced file keeps the parts that no import contains: summary, effect and forward. The calls block.
"""

from collections.abc import Sequence, Set
from pathlib import Path

from msgspec.structs import replace

from app.protocol.asyncapi_import.imported_file import FileStatus, ImportedEvent, ImportedFile
from app.protocol.contract_documents.file_kinds import FileKind
from app.protocol.errors import Conflict, StorageError
from app.protocol.event_files.limits import MAX_FILE_BYTES
from app.storage.existing_events import ExistingFile, existing_files, with_own_parts
from app.storage.schema_files import write_schema
from app.system.files import read_text, reason, with_line_feeds, write_file

MAX_NAMED = 5
"""At most this many files are named in an error."""


def save_events(
    folder: Path, events: Sequence[ImportedEvent], *, force: bool = False, dry_run: bool = False
) -> list[ImportedFile]:
    """Write the files of events into a folder, and the schema for editors; with ``dry_run``, only compare.

    Raises ``Conflict`` without ``force`` if a file with other content exists, and also if the parts that a file
    keeps do not fit the imported schema; nothing is written then. Raises ``StorageError`` if a file cannot be
    written.
    """
    existing, found = existing_files(folder), []
    names = {each.file for each in events}
    for event in events:
        found.append(_compared(folder, event, existing.get((event.direction, event.event)), names, force=force))
        names.add(found[-1].event.file)
    if dry_run:
        return found
    different = [each.event.file for each in found if each.status is FileStatus.DIFFERENT]
    if different and not force:
        more = f" and {len(different) - MAX_NAMED} more" if len(different) > MAX_NAMED else ""
        raise Conflict(
            f"{', '.join(different[:MAX_NAMED])}{more} in {folder} would be replaced, so nothing was written. "
            "Use --force to replace files, or import into another folder."
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for each in found:
            if each.status in (FileStatus.NEW, FileStatus.DIFFERENT):
                write_file(folder / each.event.file, each.event.text)
        if found:
            write_schema(folder, FileKind.EVENT)
    except (OSError, ValueError) as error:  # ValueError: a NUL in the path
        raise StorageError(f"{folder} could not be written: {reason(error)}") from None
    return found


def _compared(
    folder: Path, event: ImportedEvent, existing: ExistingFile | None, taken: Set[str], *, force: bool
) -> ImportedFile:
    """Return the file to write for an event, with the parts that the user added to it, and its status.

    The event keeps its own name if the existing file is one of those that are ``taken``, by other events.
    """
    if existing:
        if existing.file != event.file and not force:
            return ImportedFile(event=replace(event, file=existing.file), status=FileStatus.DEFINED)
        try:
            text = with_own_parts(event.text, existing)
        except Conflict:
            if force:
                raise
            text = event.text
        event = replace(event, file=event.file if existing.file in taken else existing.file, text=text)
    return ImportedFile(event=event, status=_status(folder / event.file, event.text))


def _status(file: Path, text: str) -> FileStatus:
    try:
        before = read_text(file, MAX_FILE_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return FileStatus.NEW
    except (OSError, UnicodeDecodeError, ValueError):
        return FileStatus.DIFFERENT
    return FileStatus.UNCHANGED if with_line_feeds(before) == text else FileStatus.DIFFERENT
