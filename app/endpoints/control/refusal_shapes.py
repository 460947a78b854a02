"""JSON types of the control API operations that let the event server refuse its next connections on purpose.
``refusals_info`` converts what is armed (which connections will be refused, and how) to the response.
"""

from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from app.endpoints.control.shapes import Input
from app.hub.refusals import ArmedRefusal, Refusals
from app.protocol.refusals import MAX_REFUSAL_S, MAX_REFUSALS, MODE_PATTERN, MODES

Mode = Annotated[str, Meta(pattern=MODE_PATTERN, description=MODES, examples=["503", "close:1013"])]


class RefuseBody(Input):
    """Which connections to refuse, and how. With neither a number nor a time, the next one."""

    count: (
        Annotated[int, Meta(ge=1, le=MAX_REFUSALS, description="This many connections; null: all, if for is given")]
        | None
    ) = None
    for_s: Annotated[float, Meta(gt=0, le=MAX_REFUSAL_S, description="Seconds")] | None = msgspec.field(
        name="for", default=None
    )
    mode: Mode = "503"


class RefusalInfo(Struct, kw_only=True):
    """Connections that will be refused."""

    mode: str
    left: Annotated[int | None, Meta(description="How many connections; null: all for the time that is left")]
    seconds_left: Annotated[float, Meta(description="After this time, connections are accepted in any case")]
    refused: Annotated[int, Meta(description="How many were refused so far")]
    page: Annotated[str | None, Meta(description="Only connections of the pages of this origin; null: of all")]
    by: Annotated[str, Meta(description="What armed it: control, panel, scenario …")]
    text: str


def refusals_info(refusals: Refusals, now: float) -> list[RefusalInfo]:
    """Convert what is armed for a response. ``now`` is in monotonic seconds."""
    return [_info(each, refusals.describe(each), now) for each in refusals.armed]


def _info(armed: ArmedRefusal, text: str, now: float) -> RefusalInfo:
    return RefusalInfo(
        mode=str(armed.mode), left=None if armed.all else armed.left, seconds_left=max(0.0, armed.until - now),
        refused=armed.refused, page=armed.only and armed.only.origin, by=str(armed.origin), text=text,
    )  # fmt: skip
