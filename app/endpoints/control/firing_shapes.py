"""JSON types of the control API operations that fire events, send frames and list the events, and a function that
converts the result of sending (recipients, warnings) to the response.
"""

from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Struct, UnsetType, field

from app.endpoints.control.expectation_shapes import Expected
from app.endpoints.control.shapes import Input
from app.hub.hub import Delivery

TO = Meta(description="The recipients: all, user:NAME, client:NUMBER or client:1,2", examples=["all"])
WAIT = Meta(ge=0, le=3600, description="Seconds to wait for a ready client of the target; 0: do not wait")


class SendQuery(Input):
    """The recipients of a frame."""

    to: Annotated[str, TO] = "all"
    wait: Annotated[float, WAIT] = 0.0


class FireQuery(SendQuery):
    """The recipients of an event, and whether it has to be valid."""

    strict: Annotated[
        bool, Meta(description="1: an event that violates the contract is rejected; 0: it is sent")
    ] = True


class EventBody(Input):
    """An event (guide §2)."""

    event: Annotated[str, Meta(min_length=1, examples=["friend_online"])]
    data: Annotated[dict[str, Any], Meta(examples=[{"username": "alice"}])]


class TriggerBody(Input):
    """The event to fire: one of ``event``, ``fixture`` and ``last``, changed by ``set`` and ``remove``."""

    event: Annotated[str, Meta(max_length=80, description="Name of an event", examples=["new_message"])] = ""
    fixture: Annotated[str, Meta(max_length=200, description="Name of a fixture")] = ""
    last: Annotated[bool, Meta(description="Fire the last event again, unchanged")] = False
    set: Annotated[
        dict[str, Any], Meta(description="Values to set: path → JSON value", examples=[{"data.text": "hi"}])
    ] = field(default_factory=dict)
    remove: Annotated[list[str], Meta(description="Paths to remove")] = field(default_factory=list)
    persona: Annotated[str, Meta(max_length=64, description="Value of {{persona}}; empty: the first friend")] = ""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="The same seed generates the same values")] | None = (
        None
    )
    to: Annotated[str | None, TO] = None
    wait: Annotated[float, WAIT] = 0.0
    strict: Annotated[bool, Meta(description="If false, fire even an event that violates the contract")] = True
    expect: Annotated[
        bool, Meta(description="Wait for what the fixture expects of the UI; if false, respond at once")
    ] = True


class Fired(Struct, kw_only=True):
    """The result of firing an event."""

    seq: Annotated[int, Meta(description="Number of its row in the log")]
    delivered: Annotated[int, Meta(description="Number of clients that it was sent to")]
    clients: Annotated[list[int], Meta(description="Numbers of these clients")]
    warnings: list[str]
    note: Annotated[str, Meta(description="What happened in words, for example that faults act on it")]
    expected: Annotated[str | UnsetType, Meta(description="The fixture's expectation in words")] = UNSET
    expectation: Annotated[
        Expected | UnsetType, Meta(description="The result of the fixture's expectation, if it has one")
    ] = UNSET


class EventInfo(Struct, kw_only=True):
    """An event of the catalog."""

    name: str
    direction: Annotated[Literal["s2c", "c2s"], Meta(description="s2c: to the UI; c2s: from the UI")]
    title: Annotated[str, Meta(description="The title in the event's file; empty if there is none")]
    help: Annotated[str, Meta(description="One sentence about the event; empty if there is none")]
    schema: Annotated[dict[str, Any], Meta(description="JSON schema of the event's data")]
    sample: Annotated[dict[str, Any], Meta(description="Example of valid data")]


def fired(delivery: Delivery) -> Fired:
    """Return the response for a delivery. If it reached no client, the first warning is the reason."""
    warnings = [*delivery.warnings] if delivery.clients else [delivery.note, *delivery.warnings]
    return Fired(
        seq=delivery.seq, delivered=delivery.delivered, clients=list(delivery.clients), note=delivery.note,
        warnings=warnings,
    )  # fmt: skip
