"""A catalog with additional events for tests."""

from typing import Annotated

from msgspec import UNSET, Meta, UnsetType

from app.protocol.catalog import Catalog, built_in
from app.protocol.contract import Direction, Event
from app.protocol.event_type import EventType, StructEvent
from app.protocol.events import MessageId, Username


class MessageDelivered(Event, frozen=True, kw_only=True):
    """A message reached its recipient."""

    msg_id: MessageId
    peer: Annotated[Username, Meta(description="The recipient")]
    attempts: Annotated[int, Meta(description="The number of attempts", examples=[1])]


class WithOptionals(Event, frozen=True, kw_only=True):
    """An event with one required field."""

    peer: Username
    by: Username | UnsetType = UNSET
    note: Annotated[str, Meta(min_length=2)] | UnsetType = UNSET
    attempts: int | UnsetType = UNSET
    reply_to: MessageId | UnsetType = UNSET


def event_type(name: str, struct: type[Event]) -> EventType:
    return StructEvent(name, Direction.TO_UI, struct)


def extended_catalog() -> Catalog:
    """Return the built-in catalog and ``message_delivered``."""
    return Catalog([*built_in(), event_type("message_delivered", MessageDelivered)])
