"""JSON types of the control API operations that export sessions and rows of the log: the kinds of files, the query
for a session, and the response. The response has the text of the file, its suffix, and notes on what the file does
not contain. ``session_export`` makes the text; ``exported_file`` converts it to the response.
"""

from collections.abc import Sequence
from typing import Annotated, Literal, Protocol

from msgspec import Meta, Struct, field

from app.endpoints.control.shapes import Input
from app.protocol.export_kinds import KIND_INFO, Kind

ExportName = Literal["playwright", "playwright-routes", "msw", "pytest", "scenario", "markdown", "har", "ndjson"]
"""The values of ``Kind``."""


class ExportedText(Protocol):
    """The result of an export; see ``exports.conversion``."""

    @property
    def text(self) -> str:
        """The text of the file."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences about what it does not contain."""


class ExportQuery(Input, kw_only=True):
    """What to export a session as."""

    kind: Annotated[ExportName, Meta(description="What to export it as")] = field(name="as")


class ExportedFile(Struct, kw_only=True):
    """The text of a file."""

    text: str
    suffix: Annotated[str, Meta(description="How the name of such a file ends, such as spec.ts")]
    notes: Annotated[list[str], Meta(description="Sentences about what it does not contain")]


def exported_file(exported: ExportedText, kind: str, more_notes: Sequence[str] = ()) -> ExportedFile:
    """Convert the result of an export to an answer."""
    notes = [*exported.notes, *more_notes]
    return ExportedFile(text=exported.text, suffix=KIND_INFO[Kind(kind)].suffix, notes=notes)
