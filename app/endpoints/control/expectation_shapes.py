"""Input and output of the operation that waits for a client event."""

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from app.endpoints.control.shapes import Input, Seq
from app.hub.row_codec import JournalRow


class ExpectationBody(Input):
    """What a client must send, and within which time."""

    event: Annotated[str, Meta(max_length=200, description="Name of a client event; empty: any")] = ""
    sender: Annotated[
        str, Meta(max_length=80, description="User name or client:NUMBER; empty: any", examples=["me"])
    ] = ""
    where: Annotated[
        dict[str, Any], Meta(description="Path → the JSON value it must have", examples=[{"data.typing": True}])
    ] = field(default_factory=dict)
    within: Annotated[float, Meta(ge=0, le=3600, description="Seconds")] = 5.0
    after: Annotated[Seq | None, Meta(description="Rows after this one count too; without it only new ones")] = None
    strict: Annotated[bool, Meta(description="Refuse what no client of the contract would ever send")] = True


class Expected(Struct, kw_only=True):
    """What came of an expectation."""

    met: bool
    after_s: Annotated[float, Meta(description="Seconds until it came, or that were waited")]
    row: JournalRow | None
    received_instead: Annotated[list[JournalRow], Meta(description="Client events that did not match")]
    instead: Annotated[list[JournalRow], Meta(description="Deprecated: the same as received_instead")]
