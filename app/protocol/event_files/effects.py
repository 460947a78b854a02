"""Types for what an event does according to its event file: ``StateEffect`` changes the chat state, and ``Forward``
sends another event when a client has sent this one. Both compute their result from the event's data and sender (see
``values``); ``StateEffect`` returns one of the ``StateChange`` types. The package ``chat`` applies the changes and
forwards the events, and ``ui_effects`` computes what the UI must show after a change.
"""

from collections.abc import Mapping
from typing import Annotated, Any, NamedTuple

import msgspec
from msgspec import Meta, Struct

from app.protocol.event_files.values import Value, Values, evaluate, evaluate_all
from app.validation_messages import fault

Text = Annotated[str, Meta(min_length=1)]


class AddMessage(NamedTuple):
    """Store a message. ``data`` are the fields of a ``new_message``, which were not checked."""

    data: dict[str, Any]


def with_defaults(data: dict[str, Any], local_user: str) -> dict[str, Any]:
    """Return the fields of a message to store, with those that an event may leave out, except the time."""
    direction = "sent" if data.get("from") == local_user else "received"
    return {"direction": direction, "delivered": True, "delivery_method": "direct", **data}


class EditMessage(Struct, frozen=True):
    """Replace the text of a message."""

    msg_id: Text
    text: str


class DeleteMessage(Struct, frozen=True):
    """Delete a message."""

    msg_id: Text


class SetDelivered(Struct, frozen=True):
    """Mark a message as delivered."""

    msg_id: Text


class AddReaction(Struct, frozen=True):
    """Add a user's reaction to a message."""

    msg_id: Text
    emoji: Text
    by: Text


class RemoveReaction(Struct, frozen=True):
    """Remove a user's reaction from a message."""

    msg_id: Text
    emoji: Text
    by: Text


class SetPresence(Struct, frozen=True):
    """Switch a persona online or offline."""

    username: Text
    online: bool


class MarkRead(Struct, frozen=True):
    """Mark the messages of a persona as read, up to one of them."""

    peer: Text
    msg_id: Text


StateChange = (
    AddMessage | EditMessage | DeleteMessage | SetDelivered | AddReaction | RemoveReaction | SetPresence | MarkRead
)
"""A change of the chat state, with its values."""

ADD_MESSAGE = "add_message"
_STRUCTS: dict[str, type[Any]] = {
    "edit_message": EditMessage,
    "delete_message": DeleteMessage,
    "set_delivered": SetDelivered,
    "add_reaction": AddReaction,
    "remove_reaction": RemoveReaction,
    "set_presence": SetPresence,
    "mark_read": MarkRead,
}
EFFECTS: Mapping[str, tuple[str, ...]] = {
    ADD_MESSAGE: (),
    **{kind: struct.__struct_fields__ for kind, struct in _STRUCTS.items()},
}
"""The known effects with their fields. The fields of ``add_message`` are those of a ``new_message``."""


class ImpossibleEffect(ValueError):
    """An event lacks a field that its effect needs, or the field has another type.

    The text is a note for its row.
    """


class StateEffect(NamedTuple):
    """A change of the chat state that an event causes. ``values`` say where its fields come from."""

    kind: str
    values: Values

    def change(self, data: dict[str, Any], sender: str) -> StateChange:
        """Return the change that an event with this data causes. Raises ``ImpossibleEffect``."""
        fields = evaluate_all(self.values, data, sender)
        if self.kind == ADD_MESSAGE:
            return AddMessage(fields)
        try:
            change: StateChange = msgspec.convert(fields, _STRUCTS[self.kind])
        except msgspec.ValidationError as error:
            wrong = fault(error)
            raise ImpossibleEffect(f"{self.kind}: {' '.join(filter(None, wrong))}") from None
        return change


class Forward(NamedTuple):
    """The event that is forwarded when a client sends an event. ``to`` None: to every other client.

    ``line`` and ``column`` are the place in the file where the event is named, for errors.
    """

    event: str
    to: Value | None
    values: Values
    line: int = 0
    column: int = 0

    def recipient(self, data: dict[str, Any], sender: str) -> str | None:
        """Return the user who receives the event; None: every other client. Empty if the data names no user."""
        if self.to is None:
            return None
        user = evaluate(self.to, data, sender)
        return user if isinstance(user, str) else ""

    def data(self, data: dict[str, Any], sender: str) -> dict[str, Any]:
        """Return the data of the forwarded event."""
        return evaluate_all(self.values, data, sender)
