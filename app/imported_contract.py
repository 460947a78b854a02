"""Write the events of an AsyncAPI document as event files into a folder, without a running companion.
``companion contract import FILE --to DIR`` uses it. An event file is a JSON file that defines one event.
"""

from pathlib import Path
from typing import Any

import msgspec

from app.endpoints.control.contract_import_shapes import import_info
from app.protocol.asyncapi_import.convert import import_asyncapi
from app.protocol.asyncapi_import.document import InvalidAsyncApi
from app.protocol.catalog import built_in
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.described_event import EnvelopeKeys
from app.protocol.errors import Invalid
from app.storage.imported_events import save_events


def import_into(
    folder: Path, text: str, application: Application | None, keys: EnvelopeKeys, *, force: bool, dry_run: bool
) -> dict[str, Any]:
    """Write the events of a document as files, and return the result as ``POST /v1/contract/import`` does.

    ``keys`` are the keys of a frame that are in use.

    Raises ``RequestError`` and ``StorageError``.
    """
    try:
        imported = import_asyncapi(text, built_in(), application, keys)
    except InvalidAsyncApi as error:
        raise Invalid(str(error)) from None
    files = save_events(folder, imported.events, force=force, dry_run=dry_run)
    found: dict[str, Any] = msgspec.to_builtins(import_info(imported, files, str(folder)))
    return found
