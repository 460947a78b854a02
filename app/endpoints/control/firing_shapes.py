"""Input and output of the operations that fire events and send frames."""

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

from app.endpoints.control.shapes import Input
from app.hub.hub import Delivery

TO = Meta(description="Who gets it: all, user:NAME, client:NUMBER or client:1,2", examples=["all"])
WAIT = Meta(ge=0, le=3600, description="Seconds to wait for a ready client of the target; 0: do not wait")


class SendQuery(Input):
    """Whom a frame is for."""

    to: Annotated[str, TO] = "all"
    wait: Annotated[float, WAIT] = 0.0


class FireQuery(SendQuery):
    """Whom an event is for, and how strict to be."""

    strict: Annotated[
        bool, Meta(description="1: an event that breaks the contract is refused; 0: it is sent all the same")
    ] = True


class EventBody(Input):
    """An event (guide §2)."""

    event: Annotated[str, Meta(min_length=1, examples=["friend_online"])]
    data: Annotated[dict[str, Any], Meta(examples=[{"username": "alice"}])]


class TriggerBody(Input):
    """An event by its name, a fixture, or what was fired last, with ``set`` and ``remove`` applied."""

    event: Annotated[str, Meta(max_length=80, description="Name of an event", examples=["new_message"])] = ""
    fixture: Annotated[str, Meta(max_length=200, description="Name of a fixture")] = ""
    last: Annotated[bool, Meta(description="Repeat what was fired last")] = False
    set: Annotated[dict[str, Any], Meta(description="Path → JSON value", examples=[{"data.text": "hi"}])] = field(
        default_factory=dict
    )
    remove: Annotated[list[str], Meta(description="Paths to leave out")] = field(default_factory=list)
    persona: Annotated[str, Meta(max_length=64, description="Whom {{persona}} means; empty: the first friend")] = ""
    seed: Annotated[int, Meta(ge=0, le=2**63 - 1, description="Makes the same values again")] | None = None
    to: Annotated[str | None, TO] = None
    wait: Annotated[float, WAIT] = 0.0
    strict: bool = True


class Fired(Struct, kw_only=True):
    """What became of an event."""

    seq: Annotated[int, Meta(description="Its number in the journal")]
    delivered: Annotated[int, Meta(description="How many clients got it")]
    clients: Annotated[list[int], Meta(description="Their numbers")]
    warnings: list[str]


class EventInfo(Struct, kw_only=True):
    """An event of the catalog."""

    name: str
    direction: Annotated[Literal["s2c", "c2s"], Meta(description="s2c: to the UI; c2s: from the UI")]
    help: str
    schema: Annotated[dict[str, Any], Meta(description="JSON schema of the event's data")]
    sample: Annotated[dict[str, Any], Meta(description="Valid data, as an example")]


def fired(delivery: Delivery) -> Fired:
    """Return the result of a delivery for an answer."""
    warnings = [*delivery.warnings] if delivery.clients else [delivery.note, *delivery.warnings]
    return Fired(seq=delivery.seq, delivered=delivery.delivered, clients=list(delivery.clients), warnings=warnings)
