"""Control API operations that return the contract: events with schemas, AsyncAPI, TypeScript, a page in Markdown.
Another operation returns the JSON Schema of a kind of file, such as fixtures or settings. No operation here writes
a file or changes the contract.
"""

from http import HTTPStatus
from typing import Any

from aiohttp import web

from app import __version__
from app.endpoints.control import contract_document_shapes as shapes
from app.endpoints.control.firing_shapes import EventInfo
from app.endpoints.control.operations import Call, Operations, Scope, operation
from app.protocol.contract_documents.asyncapi import asyncapi
from app.protocol.contract_documents.described_event import DescribedEvent, EnvelopeKeys, described
from app.protocol.contract_documents.event_page import event_page
from app.protocol.contract_documents.file_kinds import FileKind
from app.protocol.contract_documents.file_schemas import file_schema
from app.protocol.contract_documents.typescript import typescript
from app.protocol.did_you_mean import suggestion
from app.protocol.errors import NotFound
from app.system.settings import Settings, settings_schema

MARKDOWN = "text/markdown"
TYPESCRIPT = "text/plain"


class ContractDocumentOperations(Operations):
    """The operations on documents. What they return about events describes the events in use."""

    @operation("GET", "/v1/contract", scope=Scope.AGENT, answer=shapes.Contract)
    async def contract(self, _: Call) -> shapes.Contract:
        """Return all events with their schemas, and the names of the keys of a frame."""
        keys = self._keys()
        events = [
            EventInfo(
                name=each.name, direction=each.direction.value, title=each.title, help=each.help,
                schema=each.schema, sample=each.sample,
            )
            for each in self._service.catalog
        ]  # fmt: skip
        return shapes.Contract(event_key=keys.event, data_key=keys.data, events=events)

    @operation("GET", "/v1/asyncapi.json", scope=Scope.AGENT, query=shapes.AsyncApiQuery, answer=dict[str, Any])
    async def asyncapi_document(self, call: Call) -> dict[str, Any]:
        """Return the AsyncAPI 3.0 document of the events, about the backend or about the chat UI."""
        url = self._service.server.url
        return asyncapi(self._events(), url, __version__, call.query.as_, self._keys())

    @operation("GET", "/v1/contract/typescript", scope=Scope.AGENT, answer=str, answer_media=TYPESCRIPT)
    async def typescript_types(self, _: Call) -> web.Response:
        """Return a TypeScript module with the types of all events."""
        return web.Response(text=typescript(self._events(), self._keys()), content_type=TYPESCRIPT)

    @operation("GET", "/v1/contract/page", scope=Scope.AGENT, answer=str, answer_media=MARKDOWN)
    async def contract_page(self, _: Call) -> web.Response:
        """Return a readable page about all events, in Markdown."""
        return web.Response(text=event_page(self._events(), self._keys()), content_type=MARKDOWN)

    @operation("GET", "/v1/contract/schemas/{kind}", scope=Scope.AGENT, answer=dict[str, Any],
               errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def show_file_schema(self, call: Call) -> dict[str, Any]:
        """Return the JSON Schema of a kind of file: event, fixture, session, profile, settings or state."""
        name = call.path["kind"]
        if name not in list(FileKind):
            hint = suggestion(name, FileKind)
            raise NotFound(f"There is no schema {name[:40]!r}{hint or '. Use ' + ', '.join(FileKind) + '.'}")
        return schema_of(FileKind(name))

    def _events(self) -> list[DescribedEvent]:
        return described(self._service.catalog)

    def _keys(self) -> EnvelopeKeys:
        return keys_in_use(self._service.settings)


def keys_in_use(settings: Settings) -> EnvelopeKeys:
    """Return the names of the keys of a client's frame."""
    return EnvelopeKeys(event=settings.envelope_event_key, data=settings.envelope_data_key)


def schema_of(kind: FileKind) -> dict[str, Any]:
    """Return the schema of a kind of file, settings included."""
    return settings_schema() if kind is FileKind.SETTINGS else file_schema(kind)
