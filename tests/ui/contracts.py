"""A catalog that has grown by events of a test."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from app.protocol.catalog import Catalog, built_in
from app.protocol.contract import Direction, Event
from app.protocol.event_type import EventType, StructEvent
from app.protocol.events import MessageId, Username


class MessageDelivered(Event, frozen=True, kw_only=True):
    """A message reached its recipient."""

    msg_id: MessageId
    peer: Annotated[Username, Meta(description="Who has it now")]
    attempts: Annotated[int, Meta(description="How often it was tried", examples=[1])]


class WithOptionals(Event, frozen=True, kw_only=True):
    """An event of which only one field must be there."""

    peer: Username
    by: Username | UnsetType = UNSET
    note: Annotated[str, Meta(min_length=2)] | UnsetType = UNSET
    attempts: int | UnsetType = UNSET
    reply_to: MessageId | UnsetType = UNSET


def event_type(name: str, struct: type[Event]) -> EventType:
    return StructEvent(name, Direction.TO_UI, struct)


def grown() -> Catalog:
    """Return the built-in catalog and ``message_delivered``."""
    return Catalog([*built_in(), event_type("message_delivered", MessageDelivered)])
