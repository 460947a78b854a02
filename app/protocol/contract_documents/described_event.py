"""Collect what documents say about each event of the catalog, such as its schema, examples and effect.
The documents (AsyncAPI, TypeScript, a page in Markdown) and the comparison with the UI's types (``drift_check``)
are made from the result. ``EnvelopeKeys`` has the names of a frame's two keys.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field

from app.protocol.contract import Direction
from app.protocol.event_type import EventType, title_and_help

EVENT_KEY, DATA_KEY = "event", "data"


_BUILT_IN_EFFECTS = {
    (Direction.TO_UI, "new_message"): "adds the message to the chat",
    (Direction.TO_UI, "friend_online"): "sets the friend's presence",
    (Direction.TO_UI, "friend_offline"): "sets the friend's presence",
    (Direction.FROM_UI, "typing"): "is forwarded to a user as typing",
    (Direction.FROM_UI, "mark_read"): "marks the friend's messages as read",
}
_EFFECTS = {
    "add_message": "adds a message",
    "edit_message": "edits a message",
    "delete_message": "deletes a message",
    "set_delivered": "marks a message as delivered",
    "add_reaction": "adds a reaction to a message",
    "remove_reaction": "removes a reaction from a message",
    "set_presence": "sets a friend's presence",
    "mark_read": "marks a friend's messages as read",
}


class EnvelopeKeys(Struct, frozen=True):
    """The names of the two keys of a frame."""

    event: str = EVENT_KEY
    data: str = DATA_KEY


class DescribedEvent(Struct, frozen=True, kw_only=True):
    """An event of the contract. ``schema`` is the JSON Schema of its data; ``help`` and ``title`` may be empty.

    The examples are valid. There may be none, for example if a field must match a pattern.
    """

    name: str
    direction: Direction
    help: str
    schema: dict[str, Any]
    examples: list[dict[str, Any]] = field(default_factory=list)
    title: str = ""
    effect: str = ""
    """What the event does to the chat state, and how it is forwarded, in words; empty for neither."""

    @property
    def about(self) -> str:
        """Title and help as one text; empty if there is neither."""
        return title_and_help(self.title, self.help)


def described(types: Iterable[EventType]) -> list[DescribedEvent]:
    """Return the events of a catalog, those to the UI first."""
    found = [
        DescribedEvent(
            name=each.name,
            direction=each.direction,
            help=each.details.description.strip() or each.help,
            schema=each.schema,
            title=each.title,
            examples=list(each.details.examples) or ([] if each.problems(each.sample) else [each.sample]),
            effect=_effect(each),
        )
        for each in types
    ]
    return sorted(found, key=lambda each: each.direction is Direction.FROM_UI)


def _effect(event: EventType) -> str:
    """Return what an event does besides reaching its recipients."""
    found = [_BUILT_IN_EFFECTS[key]] if (key := (event.direction, event.name)) in _BUILT_IN_EFFECTS else []
    found += [_EFFECTS.get(each.kind, each.kind) for each in event.details.effects]
    if forward := event.details.forward:
        to = "other clients" if forward.to is None else "a user"
        found.append(f"is forwarded to {to} as {forward.event}")
    return ", ".join(found)
