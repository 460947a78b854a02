"""Import an AsyncAPI document from a file, for the window: convert its events to event files, and use them.
``EventFiles.save`` writes these files into the folder of event files, and updates the catalog of events.
"""

from pathlib import Path

from app.hub.long_calls import GoOn, LongCalls
from app.protocol.asyncapi_import.convert import import_asyncapi
from app.protocol.asyncapi_import.document import MAX_DOCUMENT_BYTES, InvalidAsyncApi
from app.protocol.asyncapi_import.imported_file import Imported, ImportedFile
from app.protocol.catalog import built_in
from app.protocol.contract_documents.described_event import EnvelopeKeys
from app.protocol.errors import Invalid, NotFound
from app.storage.event_files import EventFiles
from app.system.files import read_text, reason


async def import_document(
    file: Path,
    files: EventFiles,
    keys: EnvelopeKeys,
    imports: LongCalls,
    *,
    force: bool = False,
    dry_run: bool = False,
) -> tuple[Imported, list[ImportedFile]]:
    """Turn a document into event files, and use them. ``keys`` are those in use. ``dry_run`` writes nothing.
    ``imports`` runs the conversion.

    Raises ``RequestError``, also if files would be replaced and ``force`` is False, and ``StorageError``.
    """

    def convert(go_on: GoOn) -> Imported:
        try:
            return import_asyncapi(read_text(file, MAX_DOCUMENT_BYTES), built_in(), None, keys, go_on)
        except (OSError, UnicodeDecodeError) as error:
            raise NotFound(f"{file} cannot be read: {reason(error)}.") from None
        except InvalidAsyncApi as error:
            raise Invalid(str(error)) from None

    imported = await imports.run(convert)
    return imported, await files.save(imported.events, force=force, dry_run=dry_run)
