"""Compute what the UI's stores must contain after an event to the UI that changes the chat state, as its event file
defines. An event file defines an event of the contract; its ``effect`` is what it changes, for example a message.

A correct UI is assumed to show the change, even one that the companion could not store. How it shows a message that
is added in this way is not known, so the messages of that chat are a guess. The released UI ignores these events.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from itertools import takewhile
from typing import Any

import msgspec

from app.protocol.backend import MAX_TEXT
from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.protocol.event_files.effect_history import EffectHistory
from app.protocol.event_files.effects import (
    AddMessage,
    AddReaction,
    DeleteMessage,
    EditMessage,
    ImpossibleEffect,
    MarkRead,
    RemoveReaction,
    SetDelivered,
    SetPresence,
    StateChange,
    StateEffect,
    with_defaults,
)
from app.protocol.event_type import StructEvent
from app.protocol.templates import iso
from app.protocol.ui_stores import ChatMessages, Contact, Flavour, Json, UiStores

NEW_MESSAGE = built_in().get(Direction.TO_UI, "new_message")

EventChanges = Callable[[str, int, bytes], list[StateChange]]
"""Returns the changes that a frame with an event to the UI causes: called with event, row and payload."""


def no_changes(_event: str, _seq: int, _payload: bytes) -> list[StateChange]:
    """Return no changes, as without event files."""
    return []


def changes_of(effects: EffectHistory, local_user: Callable[[], str]) -> EventChanges:
    """Return a function that finds the changes that event files define."""

    def changes(event: str, seq: int, payload: bytes) -> list[StateChange]:
        return changes_in(event, payload, effects.of(event, seq), local_user())

    return changes


def changes_in(
    event: str, payload: bytes, effects: Sequence[StateEffect], local_user: str, sender: str = ""
) -> list[StateChange]:
    """Return the changes that these effects of an event cause. Changes that the chat state rejects are left out.

    If a fault has changed the event's name in the frame, the frame causes none.
    ``sender`` is the user that the client acts as, if a client has sent the event.
    """
    if not effects:
        return []
    try:
        frame = msgspec.json.decode(payload)
        name, data = frame["event"], frame["data"]
    except (ValueError, RecursionError, TypeError, LookupError):
        return []
    found = []
    for effect in effects if name == event and isinstance(data, dict) else ():
        try:
            change = effect.change(data, sender)
        except ImpossibleEffect:
            continue
        if isinstance(change, AddMessage):
            change = AddMessage(with_defaults(change.data, local_user))
        if not _is_rejected(change):
            found.append(change)
    return found


def _is_rejected(change: StateChange) -> bool:
    if isinstance(change, EditMessage):
        return len(change.text) > MAX_TEXT
    if not isinstance(change, AddMessage):
        return False
    assert isinstance(NEW_MESSAGE, StructEvent)
    return bool(NEW_MESSAGE.field_problems({"timestamp": iso(0), **change.data}))


def with_changes(stores: UiStores, changes: Iterable[StateChange], at: float) -> UiStores:
    """Return the stores after a frame with these changes that was sent at a time in monotonic seconds."""
    if stores.flavour is Flavour.SHIPPED:
        return stores
    for change in changes:
        stores = _with(stores, change, at)
    return stores


def _with(stores: UiStores, change: StateChange, at: float) -> UiStores:
    match change:
        case AddMessage(data):
            return _with_message(stores, data, at)
        case SetPresence():
            event = "friend_online" if change.online else "friend_offline"
            return stores.received(_frame(event, {"username": change.username}), at)
        case MarkRead():
            return _with_read(stores, change)
        case SetDelivered():
            return _with_changed(
                stores, change.msg_id, lambda found: {**found, "delivered": True, "delivery_method": "direct"}
            )
        case EditMessage():
            return _with_changed(stores, change.msg_id, lambda found: {**found, "text": change.text}, shown=True)
        case DeleteMessage():
            return _with_changed(stores, change.msg_id, lambda _: None, shown=True)
        case AddReaction() | RemoveReaction():
            own = {"emoji": change.emoji, "from": change.by}
            added = [own] if isinstance(change, AddReaction) else []
            return _with_changed(stores, change.msg_id, lambda found: _with_reactions(found, own, added))


def _with_message(stores: UiStores, data: dict[str, Any], at: float) -> UiStores:
    peer = data["to" if data["direction"] == "sent" else "from"]
    after = stores.received(_frame("new_message", data), at)
    if "timestamp" not in data:  # the companion takes its own time
        after = _with_contact(after, peer, lambda contact: replace(contact, preview_is_certain=False))
    return replace(after, uncertain_chats=after.uncertain_chats | {peer})


def _with_read(stores: UiStores, change: MarkRead) -> UiStores:
    """Return the stores after the messages up to one of them were read. Without that message, nothing changes."""
    messages = stores.messages.get(change.peer, ())
    newer = list(takewhile(lambda each: each.get("msg_id") != change.msg_id, reversed(messages)))
    if len(newer) == len(messages):
        return stores
    later = sum(each.get("direction") != "sent" for each in newer)
    return _with_contact(stores, change.peer, lambda contact: replace(contact, unread=min(contact.unread, later)))


def _with_reactions(found: Json, own: dict[str, str], added: list[dict[str, str]]) -> Json:
    before = found.get("reactions")
    others = [each for each in before if each != own] if isinstance(before, list) else []
    if added and isinstance(before, list) and own in before:
        return found
    if others or added:
        return {**found, "reactions": [*others, *added]}
    return {name: value for name, value in found.items() if name != "reactions"}


def _with_changed(
    stores: UiStores, msg_id: str, changed: Callable[[Json], Json | None], *, shown: bool = False
) -> UiStores:
    """Return the stores with another message instead of the one with this id; None removes it.

    The message may be in the chat twice, after the UI has loaded a page that contains messages that it had already.
    ``shown``: the list of contacts shows it if it is the last one, and a UI may update that or not.
    """
    for peer, messages in stores.messages.items():
        if messages.with_id(msg_id) is None:
            continue
        after = ChatMessages(
            new for each in messages if (new := changed(each) if each.get("msg_id") == msg_id else each) is not None
        )
        after.frame_at = messages.frame_at
        is_last = messages[-1].get("msg_id") == msg_id
        stores = replace(stores, messages={**stores.messages, peer: after})
        if shown and is_last:
            stores = _with_contact(stores, peer, lambda contact: replace(contact, preview_is_certain=False))
        break
    return stores


def _with_contact(stores: UiStores, name: str, changed: Callable[[Contact], Contact]) -> UiStores:
    contacts = tuple(changed(each) if each.username == name else each for each in stores.contacts)
    return replace(stores, contacts=contacts)


def _frame(event: str, data: dict[str, Any]) -> bytes:
    return msgspec.json.encode({"event": event, "data": data})
