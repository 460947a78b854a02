"""How an event of a file changes the chat state, and which event it becomes for other clients, as values.

``chat`` carries them out.
"""

from typing import Any, NamedTuple

from app.protocol.event_files.values import MISSING, Value, Values, evaluate, evaluate_all

ADD_MESSAGE = "add_message"
EFFECTS: dict[str, tuple[str, ...]] = {
    ADD_MESSAGE: (),
    "edit_message": ("msg_id", "text"),
    "delete_message": ("msg_id",),
    "set_delivered": ("msg_id",),
    "add_reaction": ("msg_id", "emoji", "by"),
    "remove_reaction": ("msg_id", "emoji", "by"),
    "set_presence": ("username", "online"),
    "mark_read": ("peer", "msg_id"),
}
"""The known effects with their fields. The fields of ``add_message`` are those of a ``new_message``."""


class StateEffect(NamedTuple):
    """A change of the chat state that an event causes. ``values`` say where its fields come from."""

    kind: str
    values: Values

    def change(self, data: dict[str, Any], sender: str) -> "StateChange":
        """Return the change that an event with this data causes."""
        return StateChange(self.kind, evaluate_all(self.values, data, sender))


class StateChange(NamedTuple):
    """A change of the chat state, with the values of its fields. Fields that the event lacks are missing."""

    kind: str
    fields: dict[str, Any]


class Forward(NamedTuple):
    """The event that others receive when a client sends an event. ``to`` None: every other client."""

    event: str
    to: Value | None
    values: Values

    def recipient(self, data: dict[str, Any], sender: str) -> str | None:
        """Return the user who receives the event; None: every other client. Empty if the data lacks the user."""
        if self.to is None:
            return None
        user = evaluate(self.to, data, sender)
        return user if isinstance(user, str) and user is not MISSING else ""

    def data(self, data: dict[str, Any], sender: str) -> dict[str, Any]:
        """Return the data of the forwarded event."""
        return evaluate_all(self.values, data, sender)
