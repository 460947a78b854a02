"""Apply the changes of the chat state that event files define, within the caller's database transaction.

A change that is not possible, for example because there is no such message, returns a note; the other changes are
still applied. ``store`` also uses this module to deliver waiting messages and to change reactions.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

from app.protocol.backend import MAX_REACTIONS, MAX_TEXT, MessageData
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict
from app.protocol.event_files.effects import (
    AddMessage,
    AddReaction,
    DeleteMessage,
    EditMessage,
    MarkRead,
    RemoveReaction,
    SetDelivered,
    SetPresence,
    StateChange,
    with_defaults,
)
from app.protocol.event_type import StructEvent
from app.protocol.templates import iso
from app.storage import chat as sql
from app.storage import peers as peer_sql

NEW_MESSAGE = built_in().get(Direction.TO_UI, "new_message")


class Applied(NamedTuple):
    """The result of changes: notes about those that were not possible, and messages that are delivered now."""

    notes: tuple[str, ...] = ()
    delivered: tuple[Envelope, ...] = ()


def apply_changes(
    db: sql.Connection, changes: Sequence[StateChange], local_user: str, now: float, active_at: float
) -> Applied:
    """Carry out changes in their order.

    ``now`` is the time for messages, in seconds since the epoch, and ``active_at`` the one for ``last_seen``.
    """
    notes: list[str] = []
    delivered: list[Envelope] = []
    for change in changes:
        if note := _apply(db, change, local_user, now, active_at):
            notes.append(note)
        elif isinstance(change, SetPresence) and change.online:
            delivered += deliver_waiting(db, change.username)
    return Applied(tuple(notes), tuple(delivered))


def deliver_waiting(db: sql.Connection, username: str) -> list[Envelope]:
    """Mark the messages that wait for a user as delivered, and return the events for the user's clients.

    Messages to a peer are delivered when the peer confirms them.
    """
    if peer_sql.is_peer(db, username):
        return []
    return [
        Envelope("new_message", {**data, "direction": "received"}) for data in sql.deliver_waiting(db, username)
    ]


def changed_reactions(
    found: MessageData, emoji: str, by: str, *, present: bool | None
) -> list[dict[str, str]] | None:
    """Return the reactions of a message after a change, or None if nothing changes. ``present`` None: toggle.

    Raises ``Conflict`` if the user would have more than ``MAX_REACTIONS``.
    """
    own = {"emoji": emoji, "from": by}
    before: list[dict[str, str]] = found.get("reactions", [])
    if present is (own in before):
        return None
    if own in before:
        return [each for each in before if each != own]
    if sum(each.get("from") == by for each in before) >= MAX_REACTIONS:
        raise Conflict(f"{short(by)} already has {MAX_REACTIONS} reactions to this message. Remove one first.")
    return [*before, own]


def _apply(db: sql.Connection, change: StateChange, local_user: str, now: float, active_at: float) -> str:
    """Carry out a change. Return why it is not possible, or an empty text."""
    match change:
        case AddMessage(data):
            return _add_message(db, data, local_user, now, active_at)
        case EditMessage():
            return _edit(db, change)
        case DeleteMessage():
            return _missing(sql.delete_message(db, change.msg_id), change.msg_id)
        case SetDelivered():
            return _missing(sql.set_delivered(db, change.msg_id, "direct"), change.msg_id)
        case AddReaction() | RemoveReaction():
            return _react(db, change)
        case SetPresence():
            return _switch(db, change, active_at)
        case MarkRead():
            if sql.mark_read(db, change.peer, change.msg_id) is None:
                return f"there is no message {short(change.msg_id)} from {short(change.peer)}"
            return ""


def _edit(db: sql.Connection, change: EditMessage) -> str:
    if peer_sql.is_waiting(db, change.msg_id):  # the peer must get what the user wrote
        return f"the message {short(change.msg_id)} waits to be sent to a peer, so it is not edited"
    return _too_long(change.text) or _missing(sql.set_text(db, change.msg_id, change.text), change.msg_id)


def _react(db: sql.Connection, change: AddReaction | RemoveReaction) -> str:
    found = sql.message(db, change.msg_id)
    if found is None:
        return _missing(None, change.msg_id)
    try:
        after = changed_reactions(found, change.emoji, change.by, present=isinstance(change, AddReaction))
    except Conflict as full:
        return full.reason.removesuffix(".")
    if after is not None:
        sql.set_reactions(db, change.msg_id, after)
    return ""


def _switch(db: sql.Connection, change: SetPresence, active_at: float) -> str:
    known = sql.set_presence(db, change.username, change.online, active_at)
    return "" if known else f"there is no persona {short(change.username)}"


def _add_message(db: sql.Connection, fields: dict[str, Any], local_user: str, now: float, active_at: float) -> str:
    data = {"timestamp": iso(now), **with_defaults(fields, local_user)}
    assert isinstance(NEW_MESSAGE, StructEvent)
    if problems := NEW_MESSAGE.field_problems(data):
        return f"add_message: {problems[0]}"
    if why := _too_long(data["text"]):
        return why
    if not sql.add_message(db, data):
        return f"the message {short(data['msg_id'])} is stored already"
    if data["direction"] == "received":
        sql.seen(db, data["from"], active_at)
    return ""


def _too_long(text: str) -> str:
    return (
        f"the text has {len(text):,} characters; at most {MAX_TEXT:,} are allowed" if len(text) > MAX_TEXT else ""
    )


def _missing(found: object, msg_id: str) -> str:
    return "" if found else f"there is no message {short(msg_id)}"


def short(text: str) -> str:
    """Return a text for a note, cut to 40 characters."""
    return text if len(text) <= 40 else text[:39] + "…"
