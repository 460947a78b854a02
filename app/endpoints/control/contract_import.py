"""Control API operation that converts an AsyncAPI 3 document to event files, saves them, and puts their events into
use. Files with other content are replaced only on request (``force``). The document is JSON or YAML text. An event
file defines an event of the contract: its name, direction and JSON Schema. An option reports what would be saved,
and saves nothing.
"""

from http import HTTPStatus

from app.endpoints.control.contract_documents import keys_in_use
from app.endpoints.control.contract_import_shapes import ImportBody, ImportInfo, import_info
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.protocol.catalog import built_in
from app.protocol.errors import Invalid

BODY_BYTES = 4 * 1024 * 1024
"""A document of the maximum size with escapes."""


class ContractImportOperations(Operations):
    """The operation ``POST /v1/contract/import``."""

    @operation("POST", "/v1/contract/import", scope=Scope.AGENT, body=ImportBody, answer=ImportInfo,
               limit=BODY_BYTES, errors=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def import_document(self, call: Call) -> ImportInfo:
        """Turn an AsyncAPI 3.x document into files in the folder of event files, and use their events."""
        # PyYAML and jsonschema-rs are loaded with the first document.
        from app.protocol.asyncapi_import.convert import import_asyncapi
        from app.protocol.asyncapi_import.document import InvalidAsyncApi

        body: ImportBody = call.body
        try:
            keys = keys_in_use(self._service.settings)
            with call.needing_client():
                imported = await self._service.imports.run(
                    lambda go_on: import_asyncapi(body.document, built_in(), body.as_, keys, go_on)
                )
        except InvalidAsyncApi as error:
            raise Invalid(str(error)) from None
        files = self._service.event_files
        saved = await files.save(imported.events, force=body.force, dry_run=body.dry_run)
        return import_info(imported, saved, str(files.folder))
