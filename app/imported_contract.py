"""Import an AsyncAPI document into a folder, without a companion (``companion contract import FILE --to DIR``)."""

from pathlib import Path
from typing import Any

from app.protocol.asyncapi_import.convert import Imported, import_asyncapi
from app.protocol.asyncapi_import.document import InvalidAsyncApi
from app.protocol.catalog import built_in
from app.protocol.contract_documents.applications import Application
from app.protocol.errors import Invalid
from app.protocol.event_files.event_set import WORDS
from app.storage.imported_events import ImportedFile, save_events


def import_into(
    folder: Path, text: str, application: Application | None, *, force: bool, dry_run: bool
) -> dict[str, Any]:
    """Write the events of a document as files, and return the result as ``POST /v1/contract/import`` does.

    Raises ``RequestError`` and ``StorageError``.
    """
    try:
        imported = import_asyncapi(text, built_in(), application)
    except InvalidAsyncApi as error:
        raise Invalid(str(error)) from None
    files = save_events(folder, imported.events, force=force, dry_run=dry_run)
    return import_result(imported, files, folder)


def import_result(imported: Imported, files: list[ImportedFile], folder: Path) -> dict[str, Any]:
    """Return the result of an import as JSON."""
    return {
        "application": imported.application.value,
        "event_key": imported.keys.event,
        "data_key": imported.keys.data,
        "folder": str(folder),
        "files": [
            {
                "file": each.event.file,
                "event": each.event.event,
                "direction": WORDS[each.event.direction],
                "status": each.status.value,
                "content": each.event.text,
            }
            for each in files
        ],
        "notes": imported.notes,
    }
