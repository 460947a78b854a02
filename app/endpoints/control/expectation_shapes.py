"""JSON types of the control API operation that waits for a client event or a REST call, and a function that
converts the result of the wait to the response. Responses of firing contain the same result.
"""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from app.endpoints.control.shapes import Input, Seq
from app.hub.expectation import ExpectationResult
from app.hub.row_codec import JournalRow, to_json


class ExpectationBody(Input):
    """The expected event or REST call, and the timeout."""

    event: Annotated[
        str,
        Meta(
            max_length=200,
            description="Name of a client event, or a REST call such as POST /messages; "
            "empty: any except GET requests",
        ),
    ] = ""
    sender: Annotated[
        str, Meta(max_length=80, description="User name or client:NUMBER; empty: any", examples=["me"])
    ] = ""
    where: Annotated[
        dict[str, Any], Meta(description="Required values: path → JSON value", examples=[{"data.typing": True}])
    ] = field(default_factory=dict)
    within: Annotated[float, Meta(ge=0, le=3600, description="Timeout in seconds")] = 5.0
    after: Annotated[Seq | None, Meta(description="Also match rows after this one; if omitted, only new rows")] = (
        None
    )
    strict: Annotated[bool, Meta(description="Reject an expectation that no valid event can meet")] = True


class Expected(Struct, kw_only=True):
    """The result of an expectation."""

    met: bool
    after_s: Annotated[float, Meta(description="Seconds until the event arrived, or until the timeout")]
    row: JournalRow | None
    received_instead: Annotated[list[JournalRow], Meta(description="Client events that did not match")]
    instead: Annotated[list[JournalRow], Meta(description="Deprecated: the same as received_instead")]
    earlier: Annotated[
        JournalRow | None,
        Meta(description="The latest row that arrived before the request and matches; after counts it"),
    ] = None
    why_no_client: Annotated[
        str,
        Meta(description="If nothing was received: that no client is connected, and whether a page is refused"),
    ] = ""


def expected(result: ExpectationResult) -> Expected:
    """Convert the result of an expectation to a response."""
    others = [to_json(row) for row in result.received_instead]
    return Expected(
        met=result.row is not None,
        after_s=round(result.after_s, 6),
        row=to_json(result.row) if result.row else None,
        received_instead=others,
        instead=others,
        earlier=to_json(result.earlier) if result.earlier else None,
    )
