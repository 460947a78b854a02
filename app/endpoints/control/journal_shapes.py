"""JSON types of the control API operations on the journal (the log): queries for rows, pages of rows, its size,
whether successful GET requests of the UI are logged, pins and annotations, and what to make a scenario or an
export of. ``hub.row_codec`` has the type of a row, ``export_shapes`` that of an exported file.
"""

from typing import Annotated

from msgspec import Meta, Struct, field

from app.endpoints.control.export_shapes import ExportName
from app.endpoints.control.shapes import Input, Seq
from app.hub.row_codec import JournalRow
from app.hub.row_marks import MAX_ANNOTATION
from app.hub.scenario_from_rows import MAX_ROWS

Run = Annotated[
    str, Meta(description="Changes when the companion is restarted. The numbers of rows then begin at 1 again.")
]


class JournalQuery(Input):
    """The rows to return."""

    after: Annotated[
        Seq | None, Meta(description="Only rows with a higher number; if omitted, the newest rows")
    ] = None
    filter: Annotated[
        str,
        Meta(
            max_length=500,
            description="Only rows that match this filter; @NAME is a saved filter",
            examples=["event:typing dir:c2s"],
        ),
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=10_000, description="Maximum number of rows")] = 100


class PageQuery(JournalQuery):
    """The rows of a page."""

    run: Annotated[
        str,
        Meta(max_length=40, description="The run of the page before. If another one runs now, after counts as 0."),
    ] = ""


class ScenarioBody(JournalQuery):
    """The rows to make a scenario of: those with the given numbers, or those that ``GET /v1/journal`` returns."""

    rows: Annotated[
        Annotated[list[Seq], Meta(max_length=MAX_ROWS)] | None, Meta(description="Numbers of the rows")
    ] = None
    title: Annotated[str, Meta(max_length=200)] = ""


class LogExportBody(ScenarioBody, kw_only=True):
    """The rows to export, as for ``POST /v1/journal/scenario``, and as what."""

    kind: Annotated[ExportName, Meta(description="What to export them as")] = field(name="as")


class ScenarioText(Struct, kw_only=True):
    """A scenario as text. ``PUT /v1/sessions/{name}`` saves it."""

    text: str
    notes: Annotated[list[str], Meta(description="Which rows are missing, if more match than the limit")]


class StreamQuery(Input):
    """The rows to stream."""

    after: Annotated[Seq | None, Meta(description="Start after this row; if omitted, with the next new row")] = None
    filter: Annotated[
        str, Meta(max_length=500, description="Only rows that match this filter; @NAME is a saved filter")
    ] = ""


class JournalBody(Input):
    """What the journal logs."""

    log_get_requests: Annotated[
        bool, Meta(description="Log the UI's successful GET requests, until the companion ends")
    ]


class MarkBody(Input):
    """What to change of a row's mark. A field that is omitted stays as it is."""

    pinned: bool | None = None
    annotation: Annotated[
        Annotated[str, Meta(max_length=MAX_ANNOTATION)] | None,
        Meta(description="A short text about the row; an empty one removes it"),
    ] = None


class JournalState(Struct, kw_only=True):
    """The size of the journal."""

    rows: int
    first_seq: int
    last_seq: int
    dropped: int
    run: Run
    log_get_requests: Annotated[bool, Meta(description="Whether successful GET requests of the UI are logged")]


class JournalPage(Struct, kw_only=True):
    """Rows, oldest first. To read the next page, pass ``next_after`` as ``after``, and ``run``."""

    rows: list[JournalRow]
    next_after: int
    last_seq: int
    dropped: int
    run: Run
