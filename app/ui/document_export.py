"""Menu entries that save a document about the contract: ask for the file in a dialog, and write it.
The documents are AsyncAPI (JSON) of the backend or of the chat UI, TypeScript types, and a page in Markdown. They
describe the events of the catalog.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import msgspec
from PySide6.QtWidgets import QMenu

from app import __version__
from app.companion import Companion
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.asyncapi import asyncapi
from app.protocol.contract_documents.described_event import EnvelopeKeys, described
from app.protocol.contract_documents.event_page import event_page
from app.protocol.contract_documents.typescript import typescript
from app.ui.file_dialogs import FileActions


class Document(NamedTuple):
    """A document: its title in the menu, the content of its file name, its suffix, and a function that makes it."""

    title: str
    name: str
    suffix: str
    make: Callable[[Companion], str]


def _keys(companion: Companion) -> EnvelopeKeys:
    settings = companion.settings
    return EnvelopeKeys(event=settings.envelope_event_key, data=settings.envelope_data_key)


def _asyncapi(application: Application, companion: Companion) -> str:
    events = described(companion.catalog)
    document = asyncapi(events, companion.server.url, __version__, application, _keys(companion))
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n"


DOCUMENTS = (
    Document("AsyncAPI of the backend …", "asyncapi", ".json", partial(_asyncapi, Application.BACKEND)),
    Document("AsyncAPI of the chat UI …", "asyncapi-ui", ".json", partial(_asyncapi, Application.CLIENT)),
    Document(
        "TypeScript types …", "events", ".ts",
        lambda companion: typescript(described(companion.catalog), _keys(companion)),
    ),
    Document(
        "Readable page …", "events", ".md",
        lambda companion: event_page(described(companion.catalog), _keys(companion)),
    ),
)  # fmt: skip


class DocumentExport(FileActions):
    """Saves documents. ``report`` is called with the result or the error."""

    def fill(self, menu: QMenu) -> None:
        """Add an entry for each document to a menu."""
        for document in DOCUMENTS:
            menu.addAction(document.title, partial(self.ask, document))

    def ask(self, document: Document) -> None:
        """Ask for a file, and save a document to it."""
        title, suffix = document.title.removesuffix(" …"), document.suffix
        self._ask_where(title, {f"*{suffix}": suffix}, document.name, partial(self.save, document))

    def save(self, document: Document, file: Path) -> None:
        """Save a document."""
        self._write(file, document.make(self._companion).encode())
