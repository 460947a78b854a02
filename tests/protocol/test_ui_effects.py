"""What a UI must show after an event whose file changes the chat state: what the store holds."""

import json
from dataclasses import replace
from typing import Any

import msgspec

from app.protocol.backend import MAX_TEXT
from app.protocol.catalog import Catalog, built_in
from app.protocol.event_files.effect_history import EffectHistory
from app.protocol.event_files.parse import parse_event_file
from app.protocol.ui_changes import flavour_differences
from app.protocol.ui_effects import changes_of, with_changes
from app.protocol.ui_stores import Contact, Flavour, Guess, UiStores

UUID = "00000000-0000-4000-8000-000000000009"
FIELDS = ("msg_id", "from", "to", "text", "timestamp")


def stores(*ids: str) -> UiStores:
    """Return a UI's state with messages of alice."""
    found = UiStores(contacts=(Contact({"username": "alice"}), Contact({"username": "bob"})))
    for each in ids:
        data = {"msg_id": each, "from": "alice", "to": "me", "text": each, "direction": "received"}
        found = found.received(json.dumps({"event": "new_message", "data": data}), 1.0)
    return found


def after(before: UiStores, effect: str, *names: str, **data: Any) -> UiStores:
    """Return the state after an event with an effect whose fields have the same names in the event's data."""
    properties = {each: {"type": "string"} for each in names}
    fields = {each: f"/{each}" for each in names if each in data}
    file = {
        "event": "changed", "direction": "to_ui", "data": {"type": "object", "properties": properties},
        "effect": {effect: fields},
    }  # fmt: skip
    changed = parse_event_file("changed.json", json.dumps(file), built_in())
    changes = changes_of(EffectHistory(Catalog([changed])), lambda: "me")
    frame = msgspec.json.encode({"event": "changed", "data": data})
    return with_changes(before, changes("changed", 1, frame), 2.0)


def unread(state: UiStores) -> list[int]:
    return [each.unread for each in state.contacts]


def test_messages_are_read_up_to_the_one_that_is_named() -> None:
    before = stores("1", "2", "3")
    for msg_id, left in (("1", 2), ("3", 0), ("unknown", 3)):
        state = after(before, "mark_read", "peer", "msg_id", peer="alice", msg_id=msg_id)
        assert unread(state) == [left, 0]
    assert unread(after(before.selected("alice"), "mark_read", "peer", "msg_id", peer="alice", msg_id="1")) == [
        0,
        0,
    ]


def test_messages_are_read_up_to_an_own_message() -> None:
    before = stores("1")
    own = {"event": "new_message", "data": {"msg_id": "2", "from": "me", "to": "alice", "direction": "sent"}}
    before = before.received(json.dumps(own), 1.5)
    later = {"event": "new_message", "data": {"msg_id": "3", "from": "alice", "to": "me", "direction": "received"}}
    before = before.received(json.dumps(later), 1.6)
    for msg_id, left in (("2", 1), ("1", 1), ("3", 0)):
        assert unread(after(before, "mark_read", "peer", "msg_id", peer="alice", msg_id=msg_id)) == [left, 0]


def test_a_message_that_is_in_the_chat_twice_is_changed_twice() -> None:
    before = stores("1", "2")
    messages = [dict(each) for each in before.messages["alice"]]
    answer = json.dumps({"messages": messages, "has_more": False}).encode()
    before = before.responded("GET", "/messages", "peer=alice&offset=1", b"", 200, answer, 1.5)

    def values(state: UiStores, name: str) -> list[Any]:
        return [each.get(name) for each in state.messages["alice"]]

    assert values(before, "msg_id") == ["1", "2", "1", "2"]
    assert values(after(before, "delete_message", "msg_id", msg_id="2"), "msg_id") == ["1", "1"]
    edited = after(before, "edit_message", "msg_id", "text", msg_id="2", text="new")
    assert values(edited, "text") == ["1", "new", "1", "new"]
    assert isinstance(edited.contacts[0].to_json()["lastMessage"], Guess)
    assert values(after(before, "set_delivered", "msg_id", msg_id="1"), "delivered") == [True, None] * 2
    assert unread(after(before, "mark_read", "peer", "msg_id", peer="alice", msg_id="2")) == [0, 0]


def test_an_own_message_is_in_the_chat_with_its_recipient() -> None:
    own = {"msg_id": UUID, "from": "me", "to": "bob", "text": "hi", "timestamp": "2026-01-01T00:00:00Z"}
    state = after(stores(), "add_message", *FIELDS, **own)
    assert [(peer, len(each)) for peer, each in state.messages.items()] == [("bob", 1)]
    assert unread(state) == [0, 0]


def test_changes_that_the_store_rejects_are_not_expected() -> None:
    before = stores("1")
    assert after(before, "add_message", *FIELDS, **{"from": "alice"}) == before
    assert after(before, "edit_message", "msg_id", "text", msg_id="1", text="x" * (MAX_TEXT + 1)) == before


def test_the_time_of_a_message_without_one_is_not_known() -> None:
    message = {"msg_id": UUID, "from": "alice", "to": "me", "text": "hi"}
    state = after(stores(), "add_message", *FIELDS, **message)
    assert isinstance(state.contacts[0].to_json()["lastMessageTime"], Guess)
    assert unread(state) == [1, 0]


def test_messages_that_only_a_correct_ui_changes_differ_between_the_flavours() -> None:
    guide = stores("1", "2")
    shipped = replace(stores("1", "2"), flavour=Flavour.SHIPPED)
    assert list(flavour_differences(guide, shipped)) == []
    found = flavour_differences(*(after(each, "delete_message", "msg_id", msg_id="1") for each in (guide, shipped)))
    assert [each.path for each in found] == ["chatStore.messages.alice[0]"]
