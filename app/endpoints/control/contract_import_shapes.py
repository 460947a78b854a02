"""JSON types of the control API operation that imports an AsyncAPI document as event files, and a function that
converts the result of the import to the response.
"""

from typing import Annotated

from msgspec import Meta, Struct

from app.endpoints.control.shapes import Input
from app.protocol.asyncapi_import.imported_file import FileStatus, Imported, ImportedFile
from app.protocol.contract_documents.applications import Application
from app.protocol.event_files.event_set import WORDS


class ImportBody(Input, rename={"as_": "as"}):
    """An AsyncAPI document, and what to do with it."""

    document: Annotated[str, Meta(description="The text of the document: JSON or YAML")]
    as_: Annotated[
        Application | None, Meta(description="The application that it describes; null: judge by its title")
    ] = None
    force: Annotated[bool, Meta(description="Replace files that have other content")] = False
    dry_run: Annotated[bool, Meta(description="Write nothing")] = False


class ImportedFileInfo(Struct, kw_only=True):
    """An event file that was imported."""

    file: Annotated[str, Meta(description="Name of the file in the folder")]
    event: str
    direction: Annotated[str, Meta(description="to_ui or from_ui")]
    status: Annotated[
        FileStatus,
        Meta(
            description="new; unchanged: it exists with this content; different: it had other content; "
            "defined: it defines the event already, and was not replaced"
        ),
    ]
    content: Annotated[str, Meta(description="Text of the file")]


class ImportInfo(Struct, kw_only=True):
    """The result of an import."""

    application: Annotated[Application, Meta(description="The application that the document describes")]
    event_key: Annotated[str, Meta(description="Key of the event's name in frames, according to the document")]
    data_key: Annotated[str, Meta(description="Key of the event's data in frames, according to the document")]
    folder: str
    files: list[ImportedFileInfo]
    notes: Annotated[list[str], Meta(description="What was guessed, left out or cannot be represented")]


def import_info(imported: Imported, files: list[ImportedFile], folder: str) -> ImportInfo:
    """Return the result of an import for a response."""
    return ImportInfo(
        application=imported.application,
        event_key=imported.keys.event,
        data_key=imported.keys.data,
        folder=folder,
        files=[
            ImportedFileInfo(
                file=each.event.file, event=each.event.event, direction=WORDS[each.event.direction],
                status=each.status, content=each.event.text,
            )
            for each in files
        ],
        notes=imported.notes,
    )  # fmt: skip
