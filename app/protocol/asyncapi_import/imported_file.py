"""The result of an AsyncAPI import, as values: the events with the names and texts of their files, and notes.
``FileStatus`` compares a file with those in the folder: it is new, or exists with the same or other content, or a
file with another name defines its event. Files are replaced only on request (``force``). Without it, nothing at all
is written if a file has other content, and an event that another file defines is left out.
"""

from enum import StrEnum

from msgspec import Struct

from app.protocol.contract import Direction
from app.protocol.contract_documents.applications import Application
from app.protocol.contract_documents.described_event import EnvelopeKeys


class ImportedEvent(Struct, frozen=True, kw_only=True):
    """An event with its file: the name, and the text as JSON."""

    file: str
    event: str
    direction: Direction
    text: str


class Imported(Struct, frozen=True, kw_only=True):
    """The result. ``notes`` are sentences about what was guessed, left out or cannot be represented."""

    application: Application
    keys: EnvelopeKeys
    """The keys of the envelope that the document describes; the ones in use if it describes none."""
    events: list[ImportedEvent]
    notes: list[str]


class FileStatus(StrEnum):
    """What happens to a file."""

    NEW = "new"
    UNCHANGED = "unchanged"
    DIFFERENT = "different"
    """There is a file with this name and other content. It is replaced only with ``force``."""
    DEFINED = "defined"
    """A file with another name defines the event already. It is replaced only with ``force``."""


class ImportedFile(Struct, frozen=True, kw_only=True):
    """A file of an import, and what happened to it, or would happen to it."""

    event: ImportedEvent
    status: FileStatus
