"""The reference client against the rules of the guide (§6) and the known differences of the shipped UI."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.ui_comparison import as_plain
from app.protocol.ui_stores import UNKNOWN, ChatMessages, Flavour, UiStores

BOTH = pytest.mark.parametrize("flavour", list(Flavour))


def frame(event: str, **data: Any) -> bytes:
    return json.dumps({"event": event, "data": data}).encode()


def message(msg_id: str, sender: str = "alice", text: str = "hi", to: str = "me", **more: Any) -> bytes:
    direction = "sent" if sender == "me" else "received"
    return frame("new_message", msg_id=msg_id, **{"from": sender}, to=to, text=text, timestamp="t",
                 direction=direction, **more)  # fmt: skip


def friends(*names: str) -> bytes:
    return json.dumps([{"username": name, "online": False} for name in names]).encode()


def with_friends(flavour: Flavour = Flavour.GUIDE, *names: str) -> UiStores:
    return UiStores(flavour).responded("GET", "/friends", "", b"", 200, friends(*(names or ("alice", "bob"))))


def contact(stores: UiStores, name: str) -> dict[str, Any]:
    (found,) = (each.to_json() for each in stores.contacts if each.username == name)
    return found


def chat(stores: UiStores, peer: str) -> list[Any]:
    return [each["msg_id"] for each in stores.messages[peer]]


@BOTH
def test_a_received_message_is_stored_under_its_sender_and_counted(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(message("1", text="hello"), 0)
    assert chat(stores, "alice") == ["1"]
    alice = contact(stores, "alice")
    assert (alice["lastMessage"], alice["lastMessageTime"], alice["unreadCount"]) == ("hello", "t", 1)
    assert contact(stores, "bob")["unreadCount"] == 0


@BOTH
def test_messages_in_the_open_chat_are_not_counted_as_unread(flavour: Flavour) -> None:
    stores = with_friends(flavour).selected("alice").received(message("1"), 0)
    assert contact(stores, "alice")["unreadCount"] == 0


def test_a_duplicate_is_skipped_by_both_but_counted_by_the_shipped_ui() -> None:
    for flavour, unread in ((Flavour.GUIDE, 1), (Flavour.SHIPPED, 2)):
        stores = with_friends(flavour).received(message("1"), 0).received(message("1"), 0)
        assert chat(stores, "alice") == ["1"]
        assert contact(stores, "alice")["unreadCount"] == unread


def test_a_sent_message_changes_the_preview_of_the_peer_and_in_the_shipped_ui_of_the_sender() -> None:
    sent = message("1", "me", "from another device", to="alice")
    guide = with_friends(Flavour.GUIDE, "alice", "me").received(sent, 0)
    shipped = with_friends(Flavour.SHIPPED, "alice", "me").received(sent, 0)
    assert chat(guide, "alice") == chat(shipped, "alice") == ["1"]
    assert [contact(guide, name)["lastMessage"] for name in ("alice", "me")] == ["from another device", None]
    assert [contact(shipped, name)["lastMessage"] for name in ("alice", "me")] == [None, "from another device"]
    assert contact(guide, "alice")["unreadCount"] == 0
    assert contact(shipped, "me")["unreadCount"] == 1


@BOTH
def test_typing_ends_five_seconds_after_the_last_typing_event_and_not_with_a_message(flavour: Flavour) -> None:
    typing, stopped = (
        frame("typing", username="alice", typing=True),
        frame("typing", username="alice", typing=False),
    )
    stores = UiStores(flavour).received(typing, 10.0).received(message("1"), 11.0)
    assert stores.at(14.9).to_json()["chatStore"]["typingUsers"] == {"alice": True}
    assert stores.next_change == 15.0
    assert stores.at(15.0).to_json()["chatStore"]["typingUsers"] == {"alice": False}
    assert stores.received(typing, 14.0).at(18.9).typing["alice"] is not None
    assert stores.received(stopped, 12.0).typing == {"alice": None}
    assert stores.received(stopped, 12.0).next_change is None


@BOTH
def test_presence_changes_known_contacts_only(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(frame("friend_online", username="alice"), 0)
    assert [each["online"] for each in (contact(stores, "alice"), contact(stores, "bob"))] == [True, False]
    assert stores.received(frame("friend_online", username="mallory"), 0) == stores
    offline = stores.received(frame("friend_offline", username="alice"), 0)
    assert contact(offline, "alice")["online"] is False
    assert as_plain(contact(offline, "alice"))["last_seen"] is None, "the UI's own clock"


@BOTH
def test_friends_replace_the_contacts_and_keep_previews_by_name(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(message("1", text="kept"), 0).received(message("2", "bob"), 0)
    stores = stores.responded("GET", "/friends", "", b"", 200, friends("carol", "alice"))
    assert [each.username for each in stores.contacts] == ["carol", "alice"]
    assert (contact(stores, "alice")["lastMessage"], contact(stores, "alice")["unreadCount"]) == ("kept", 1)
    previous = stores.responded("GET", "/friends", "", b"", 200, friends("bob"))
    assert contact(previous, "bob")["unreadCount"] == 0, "a name that was missing starts empty"
    assert stores.responded("GET", "/friends", "", b"", 500, b'{"error": "x"}') == stores


@BOTH
def test_an_added_friend_is_appended_without_a_check(flavour: Flavour) -> None:
    stores = with_friends(flavour)
    added = stores.responded("POST", "/friends", "", b"{}", 201, b'{"username": "alice"}')
    assert [each.username for each in added.contacts] == ["alice", "bob", "alice"]
    for status in (404, 409):
        assert stores.responded("POST", "/friends", "", b"{}", status, b'{"error": "x"}') == stores


@BOTH
def test_the_first_page_opens_the_chat_and_replaces_its_messages(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(message("1"), 0).received(message("2"), 0)
    opened = stores.requested("GET", "/messages", "peer=alice&limit=50&offset=0")
    assert (opened.active_chat, contact(opened, "alice")["unreadCount"]) == ("alice", 0)
    arrived = opened.received(message("3"), 0)
    page = json.dumps({"messages": [{"msg_id": "2"}], "has_more": True, "total": 9}).encode()
    fetched = arrived.responded("GET", "/messages", "peer=alice&limit=50&offset=0", b"", 200, page)
    assert chat(fetched, "alice") == ["2"], "what arrived during the fetch is lost"
    assert fetched.has_more == {"alice": True}
    older = json.dumps({"messages": [{"msg_id": "0"}], "has_more": False}).encode()
    more = fetched.responded("GET", "/messages", "peer=alice&limit=50&offset=1", b"", 200, older)
    assert (chat(more, "alice"), more.has_more) == (["0", "2"], {"alice": False})
    assert more.requested("GET", "/messages", "peer=bob&offset=50").active_chat == "alice"
    assert fetched.responded("GET", "/messages", "peer=alice", b"", 500, b"{}") == fetched


@BOTH
def test_a_post_adds_an_optimistic_message_unless_the_event_came_first(flavour: Flavour) -> None:
    body = b'{"to": "alice", "text": "  hello  "}'
    answer = b'{"msg_id": "7", "delivered": false, "delivery_method": "offline", "timestamp": "t"}'
    stores = with_friends(flavour)
    sent = stores.responded("POST", "/messages", "", body, 202, answer)
    (optimistic,) = sent.messages["alice"]
    assert (optimistic["from"], optimistic["text"], optimistic["delivered"]) == ("", "  hello  ", False)
    assert (contact(sent, "alice")["lastMessage"], contact(sent, "alice")["unreadCount"]) == ("hello", 0)
    first = stores.received(message("7", "me", "hello", to="alice"), 0)
    (event,) = first.responded("POST", "/messages", "", body, 200, answer).messages["alice"]
    assert event["from"] == "me", "the event is kept"
    assert stores.responded("POST", "/messages", "", body, 404, b'{"error": "x"}') == stores


@BOTH
def test_the_connection_states_of_websocket_and_backend(flavour: Flavour) -> None:
    stores = UiStores(flavour).opened().responded("GET", "/status", "", b"", 200, b'{"status": "ok"}')
    assert stores.to_json()["uiStore"]["backendConnected"] is True
    assert stores.to_json()["uiStore"]["wsConnected"] is True
    assert stores.responded("GET", "/status", "", b"", 500, b"{}").backend_connected is False
    assert stores.responded("GET", "/status", "", b"", 200, b"<html>").backend_connected is False
    assert stores.closed().ws_connected is False


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"\xff", b'{"event": "new_message"}', b'{"event": "x", "data": {}}', b"[" * 100_000],
)
def test_invalid_frames_change_nothing(payload: bytes) -> None:
    stores = with_friends()
    assert stores.received(payload, 0) == stores


def test_a_message_with_missing_fields_does_not_fail() -> None:
    stores = with_friends().received(frame("new_message"), 0).received(frame("typing"), 0)
    assert list(stores.messages) == ["undefined"]
    assert stores.typing == {"undefined": None}


def test_a_preview_is_uncertain_if_the_page_may_not_have_had_the_contact_when_it_was_loaded() -> None:
    """A page that was just loaded may handle a frame before the response that was sent before the frame."""
    stores = UiStores().responded("GET", "/friends", "", b"", 200, friends("alice", "bob"), 10.0)
    primed = stores.received(message("1", "me", to="alice"), 10.1, at_load=True)
    assert (contact(primed, "alice")["lastMessage"], contact(primed, "alice")["lastMessageTime"]) == (
        UNKNOWN,
        UNKNOWN,
    )
    assert contact(primed, "alice")["unreadCount"] == 0
    assert contact(primed.received(message("2", text="later"), 10.2), "alice")["lastMessage"] == "later"
    late = stores.received(message("1", "me", to="alice"), 10.6, at_load=True)
    fired = stores.received(message("1", "me", to="alice"), 10.1)
    assert contact(late, "alice")["lastMessage"] == contact(fired, "alice")["lastMessage"] == "hi"


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 3))))
def test_states_that_share_messages_do_not_affect_each_other(steps: list[tuple[int, int]]) -> None:
    """Append to any earlier state, in any order: no other state changes."""
    states: list[tuple[ChatMessages, list[str]]] = [(ChatMessages(), [])]
    for name, back in steps:
        chat, message_ids = states[max(0, len(states) - 1 - back)]
        new = {"msg_id": str(name)}
        assert (new in chat) == (new["msg_id"] in message_ids)
        if new not in chat:
            states.append((chat + new, [*message_ids, new["msg_id"]]))
    for chat, message_ids in states:
        assert [each["msg_id"] for each in chat] == message_ids
        assert len(chat) == len(message_ids)
