"""JSON types of the control API operations on breakpoints, and functions that convert breakpoints and held items to
responses. A breakpoint holds the events, client frames or REST calls that match a filter, until a decision or a
timeout.
"""

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType, field

from app.endpoints.control.shapes import Input
from app.hub import held_items
from app.protocol.breakpoints import (
    DEFAULT_TIMEOUT_S,
    MAX_HITS,
    MAX_TIMEOUT_S,
    MIN_TIMEOUT_S,
    BreakpointDirection,
    HeldAction,
)
from app.protocol.templates import iso

DIRECTION = Meta(
    description="What is held: events to the UI (to_ui), client frames (from_ui), REST calls (rest), or all"
)


class BreakpointBody(Input):
    """A breakpoint: what it holds, and for how long."""

    filter: Annotated[
        str,
        Meta(
            max_length=500,
            description="Filter in the language of the log's filter; empty: everything",
            examples=["event:new_message user:alice"],
        ),
    ] = ""
    direction: Annotated[BreakpointDirection, DIRECTION] = BreakpointDirection.ALL
    hits: Annotated[
        int,
        Meta(ge=1, le=MAX_HITS, description="Hold from this match on: 3 lets the first two matches pass"),
    ] = 1
    once: Annotated[bool, Meta(description="Remove the breakpoint as soon as it has held one item")] = False
    timeout_s: Annotated[
        float,
        Meta(ge=MIN_TIMEOUT_S, le=MAX_TIMEOUT_S, description="Seconds after which a held item continues by itself"),
    ] = DEFAULT_TIMEOUT_S


class BreakpointInfo(Struct, kw_only=True):
    """A breakpoint."""

    id: int
    filter: str
    direction: Annotated[BreakpointDirection, DIRECTION]
    hits: Annotated[int, Meta(description="It holds from this match on")]
    once: bool
    timeout_s: float
    matches: Annotated[int, Meta(description="How many events, frames and REST calls matched so far")]


class RemovedBreakpoints(Struct, kw_only=True):
    """The breakpoints that were removed."""

    removed: list[int]


class HeldInfo(Struct, kw_only=True):
    """An event, a frame or a REST call that is held."""

    id: int
    breakpoint: Annotated[int, Meta(description="Number of the breakpoint that holds it")]
    kind: Annotated[
        held_items.HeldKind,
        Meta(description="event: a fired event; raw_frame: a raw or resent frame; client_frame; rest_call"),
    ]
    direction: Annotated[BreakpointDirection, Meta(description="to_ui, from_ui or rest")]
    event: Annotated[str, Meta(description="Name of the event, or method and path, such as POST /messages")]
    text: Annotated[str, Meta(description="The frame, the body, or the query of a GET request as JSON")]
    client: Annotated[str, Meta(description="Number of the sending client, target of an event, or rest")]
    user: Annotated[str, Meta(description="The user that the sending client acts as")]
    since: Annotated[str, Meta(description="When it was held (ISO 8601)")]
    held_s: Annotated[float, Meta(description="Seconds since then")]
    left_s: Annotated[float, Meta(description="Seconds until it continues by itself")]


class HeldQuery(Input):
    """How long to wait."""

    within: Annotated[float, Meta(ge=0, le=3600, description="Timeout in seconds")] = 30.0


class HeldResult(Struct, kw_only=True):
    """What is held after waiting."""

    met: Annotated[bool, Meta(description="Whether something is held; false after the timeout")]
    held: Annotated[list[HeldInfo], Meta(description="The held items, oldest first")]


class ResolveBody(Input):
    """What to do with a held item."""

    action: Annotated[
        HeldAction,
        Meta(
            description="continue; modify: change it, then continue; drop: do not handle it, answer a REST call "
            "with 503; inject: continue, then fire the event; close: drop it, and close the connections that "
            "it belongs to (of an event: those of its recipients)"
        ),
    ]
    data: Annotated[
        Any | UnsetType,
        Meta(
            description="modify: the new data of the event or frame, or the new body of a REST call. "
            "inject: the data of the event; if omitted, default values"
        ),
    ] = UNSET
    text: Annotated[str | None, Meta(description="modify: the whole new frame or body as text")] = None
    set: Annotated[
        dict[str, Any],
        Meta(description="modify, inject: values to set: path → JSON value", examples=[{"data.text": "hi"}]),
    ] = field(default_factory=dict)
    remove: Annotated[list[str], Meta(description="modify, inject: paths to remove")] = field(default_factory=list)
    loose: Annotated[bool, Meta(description="Allow an event that violates the contract")] = False
    event: Annotated[
        str, Meta(max_length=80, description="inject: name of the event to fire", examples=["friend_offline"])
    ] = ""
    to: Annotated[
        str | None,
        Meta(description="inject: the recipients; if omitted, those of the held event, or all", examples=["all"]),
    ] = None


class ResolvedItems(Struct, kw_only=True):
    """The items that are not held any more, as they were."""

    resolved: list[HeldInfo]


def breakpoint_info(found: held_items.Breakpoint) -> BreakpointInfo:
    """Convert a breakpoint to a response."""
    options = found.options
    return BreakpointInfo(
        id=found.id, filter=options.filter, direction=options.direction, hits=options.hits, once=options.once,
        timeout_s=options.timeout_s, matches=found.matches,
    )  # fmt: skip


def held_info(item: held_items.HeldItem, now_mono: float) -> HeldInfo:
    """Convert a held item to a response. ``now_mono`` is in monotonic seconds."""
    return HeldInfo(
        id=item.number, breakpoint=item.breakpoint_id, kind=item.kind, direction=item.direction,
        event=item.event, text=item.text, client=item.client, user=item.user, since=iso(item.since_wall),
        held_s=round(max(0.0, now_mono - item.since_mono), 3),
        left_s=round(max(0.0, item.deadline_mono - now_mono), 3),
    )  # fmt: skip
