"""Input and output of the operations on the journal."""

from typing import Annotated

from msgspec import Meta, Struct

from app.endpoints.control.shapes import Input, Seq
from app.hub.row_codec import JournalRow


class JournalQuery(Input):
    """Which rows."""

    after: Annotated[Seq | None, Meta(description="Only rows with a higher number; without it the newest")] = None
    filter: Annotated[
        str, Meta(max_length=500, description="The log's filter language", examples=["event:typing dir:c2s"])
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=10_000, description="At most so many rows")] = 100


class StreamQuery(Input):
    """Which rows to follow."""

    after: Annotated[Seq | None, Meta(description="Begin after this row; without it with the next one")] = None
    filter: Annotated[str, Meta(max_length=500, description="The log's filter language")] = ""


class JournalBody(Input):
    """What the journal holds."""

    log_get_requests: Annotated[
        bool, Meta(description="Log the UI's successful GET requests, until the companion ends")
    ]


class JournalState(Struct, kw_only=True):
    """How much the journal holds."""

    rows: int
    first_seq: int
    last_seq: int
    dropped: int
    log_get_requests: Annotated[bool, Meta(description="Whether successful GET requests of the UI are logged")]


class JournalPage(Struct, kw_only=True):
    """Rows in order; read on with ``after`` = ``next_after``."""

    rows: list[JournalRow]
    next_after: int
    last_seq: int
    dropped: int
