"""The reference client against the rules of the guide (§6) and the known differences of the shipped UI."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.protocol.ui_changes import changes
from app.protocol.ui_comparison import as_plain
from app.protocol.ui_stores import ChatMessages, Flavour, Guess, UiStores

BOTH = pytest.mark.parametrize("flavour", list(Flavour))


def frame(event: str, **data: Any) -> bytes:
    return json.dumps({"event": event, "data": data}).encode()


def message(msg_id: object, sender: str = "alice", text: str = "hi", to: str = "me", **more: Any) -> bytes:
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


def test_the_order_of_the_fields_of_typing_is_no_difference() -> None:
    one, other = (UiStores().received(frame("typing", username="alice", typing=each), 10.0) for each in (
        {"a": 1, "b": 2}, {"b": 2, "a": 1},
    ))  # fmt: skip
    assert one.same_as(other)
    assert list(changes(one, other)) == []


@BOTH
@pytest.mark.parametrize("value", ["true", "false", 1, 0.5, 10**400, [], {}, {"a": 1}])
def test_typing_that_is_truthy_is_held_as_it_was_sent_for_five_seconds(flavour: Flavour, value: Any) -> None:
    """Regression: only ``true`` was expected to show an indicator."""
    stores = UiStores(flavour).received(frame("typing", username="alice", typing=value), 10.0)
    assert stores.at(14.9).to_json()["chatStore"]["typingUsers"] == {"alice": value}
    assert not stores.same_as(UiStores(flavour).received(frame("typing", username="alice", typing=True), 10.0))
    assert stores.next_change == 15.0
    assert stores.at(15.0).to_json()["chatStore"]["typingUsers"] == {"alice": False}


@BOTH
@pytest.mark.parametrize("value", [..., None, False, 0, -0.0, ""])
def test_typing_that_is_not_truthy_is_held_and_stops_the_timer(flavour: Flavour, value: Any) -> None:
    """Regression: ``false`` was expected. Without the field, the store has no value for the user."""
    data = {"username": "alice"} if value is ... else {"username": "alice", "typing": value}
    typing = UiStores(flavour).received(frame("typing", username="alice", typing=True), 10.0)
    stores = typing.received(frame("typing", **data), 11.0)
    expected = {} if value is ... else {"alice": value}
    assert repr(stores.at(20.0).to_json()["chatStore"]["typingUsers"]) == repr(expected)
    assert stores.next_change is None


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


def test_the_preview_of_a_posted_message_is_trimmed_as_in_javascript() -> None:
    """Regression: U+FEFF was kept, and U+0085 and U+001C to U+001F were removed."""
    kept = "\x1c\x1d\x1e\x1f\x85"
    removed = "".join(char for char in map(chr, range(0x10000)) if char.isspace() and char not in kept)
    for around in (f"{removed}\ufeff", *kept, "\u200b"):
        body = json.dumps({"to": "alice", "text": f"{around}hi{around}"}).encode()
        stores = with_friends().responded("POST", "/messages", "", body, 200, b'{"msg_id": "7"}')
        assert contact(stores, "alice")["lastMessage"] == ("hi" if removed in around else f"{around}hi{around}")


@BOTH
def test_the_connection_states_of_websocket_and_backend(flavour: Flavour) -> None:
    stores = UiStores(flavour).opened().responded("GET", "/status", "", b"", 200, b'{"status": "ok"}')
    assert stores.to_json()["uiStore"]["backendConnected"] is True
    assert stores.to_json()["uiStore"]["wsConnected"] is True
    assert stores.responded("GET", "/status", "", b"", 500, b"{}").backend_connected is False
    assert stores.responded("GET", "/status", "", b"", 200, b"<html>").backend_connected is False
    assert stores.closed().ws_connected is False


# The differences between the guide and the released UI, and the rules that surprise


@pytest.mark.parametrize(("flavour", "alice", "me"), [("guide", "sent", None), ("shipped", None, "sent")])
def test_the_shipped_ui_previews_a_sent_message_at_its_sender(flavour: str, alice: str, me: str) -> None:
    stores = with_friends(Flavour(flavour), "alice", "me").received(message("1", "me", "sent", to="alice"), 0)
    assert [contact(stores, name)["lastMessage"] for name in ("alice", "me")] == [alice, me]


@pytest.mark.parametrize(("flavour", "unread"), [("guide", 0), ("shipped", 1)])
def test_the_shipped_ui_counts_a_sent_message_as_unread_at_its_sender(flavour: str, unread: int) -> None:
    stores = with_friends(Flavour(flavour), "alice", "me").received(message("1", "me", to="alice"), 0)
    assert [contact(stores, name)["unreadCount"] for name in ("alice", "me")] == [0, unread]


def test_the_shipped_ui_counts_a_sent_message_only_if_the_chat_of_its_sender_is_not_open() -> None:
    stores = with_friends(Flavour.SHIPPED, "alice", "me").selected("me").received(message("1", "me", to="alice"), 0)
    assert contact(stores, "me")["unreadCount"] == 0
    stores = with_friends(Flavour.SHIPPED, "alice", "me").selected("alice")
    assert contact(stores.received(message("1", "me", to="alice"), 0), "me")["unreadCount"] == 1


@pytest.mark.parametrize(("flavour", "unread"), [("guide", 1), ("shipped", 3)])
def test_each_duplicate_raises_unread_in_the_shipped_ui(flavour: str, unread: int) -> None:
    stores = with_friends(Flavour(flavour))
    for _ in range(3):
        stores = stores.received(message("1"), 0)
    assert contact(stores, "alice")["unreadCount"] == unread


@BOTH
def test_a_duplicate_changes_the_preview_but_not_the_messages(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(message("1", text="one"), 0).received(message("1", text="two"), 0)
    assert [each["text"] for each in stores.messages["alice"]] == ["one"]
    assert contact(stores, "alice")["lastMessage"] == "two"


@BOTH
def test_the_messages_of_a_chat_are_never_sorted(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(message("2"), 0).received(message("1"), 0)
    assert chat(stores, "alice") == ["2", "1"]


@BOTH
def test_the_list_of_typing_users_keeps_its_keys_and_gets_unknown_names(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(frame("typing", username="mallory", typing=True), 0)
    assert stores.contacts == with_friends(flavour).contacts
    assert stores.at(10).to_json()["chatStore"]["typingUsers"] == {"mallory": False}


@BOTH
def test_a_message_of_an_unknown_name_is_stored_but_changes_no_contact(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(message("1", "mallory"), 0)
    assert chat(stores, "mallory") == ["1"]
    assert stores.contacts == with_friends(flavour).contacts


@BOTH
def test_opening_the_same_chat_again_changes_nothing(flavour: Flavour) -> None:
    """In development, the first click fetches twice."""
    query = "peer=alice&limit=50&offset=0"
    opened = with_friends(flavour).received(message("1"), 0).requested("GET", "/messages", query)
    assert opened.requested("GET", "/messages", query) == opened
    page = json.dumps({"messages": [{"msg_id": "1"}], "has_more": False}).encode()
    once = opened.responded("GET", "/messages", query, b"", 200, page)
    assert once.responded("GET", "/messages", query, b"", 200, page).to_json() == once.to_json()


@BOTH
def test_a_message_that_arrives_during_a_fetch_of_older_ones_is_kept(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(message("2"), 0)
    query = "peer=alice&limit=50&offset=1"
    arrived = stores.requested("GET", "/messages", query).received(message("3"), 0)
    older = json.dumps({"messages": [{"msg_id": "1"}], "has_more": True}).encode()
    assert chat(arrived.responded("GET", "/messages", query, b"", 200, older), "alice") == ["1", "2", "3"]


@BOTH
def test_a_new_friend_that_a_poll_listed_first_is_there_twice_until_the_next_poll(flavour: Flavour) -> None:
    stores = with_friends(flavour, "alice", "bob").received(message("1", "bob"), 0)
    added = stores.responded("POST", "/friends", "", b"{}", 201, b'{"username": "bob"}')
    assert [(each.username, each.unread) for each in added.contacts] == [("alice", 0), ("bob", 1), ("bob", 0)]
    polled = added.responded("GET", "/friends", "", b"", 200, friends("alice", "bob"))
    assert [(each.username, each.unread) for each in polled.contacts] == [("alice", 0), ("bob", 1)]


@BOTH
def test_a_post_changes_neither_unread_nor_the_open_chat(flavour: Flavour) -> None:
    stores = with_friends(flavour).received(message("1"), 0)
    sent = stores.responded("POST", "/messages", "", b'{"to": "alice", "text": "x"}', 200, b'{"msg_id": "9"}')
    assert (contact(sent, "alice")["unreadCount"], sent.active_chat) == (1, None)


@BOTH
def test_a_disconnect_keeps_the_stores(flavour: Flavour) -> None:
    stores = with_friends(flavour).opened().selected("alice").received(message("1"), 0)
    before, after = stores.to_json(), stores.closed().to_json()
    assert after.pop("uiStore") == {**before.pop("uiStore"), "wsConnected": False}
    assert after == before


@pytest.mark.parametrize("other", [1, None, True])
def test_ids_are_compared_as_in_javascript(other: Any) -> None:
    stores = with_friends().received(message("1"), 0).received(message(other), 0)
    assert len(stores.messages["alice"]) == 2
    assert len(stores.received(message(other), 0).messages["alice"]) == 2


def test_ids_that_are_the_same_number_in_javascript_are_equal() -> None:
    stores = with_friends()
    for msg_id in (1, 1.0, 2**53, 2**53 + 1, 10**400):
        stores = stores.received(message(msg_id), 0)
    assert chat(stores, "alice") == [1, 2**53, 10**400]


def test_a_missing_id_is_not_null() -> None:
    missing = frame("new_message", **{"from": "alice"}, direction="received")
    stores = with_friends().received(missing, 0).received(missing, 0).received(message(None), 0)
    assert len(stores.messages["alice"]) == 2


@pytest.mark.parametrize(
    "payload",
    [b"", b"{", b"[]", b"\xff", b'{"event": "new_message"}', b'{"event": "x", "data": {}}', b"[" * 100_000],
)
def test_invalid_frames_change_nothing(payload: bytes) -> None:
    stores = with_friends()
    assert stores.received(payload, 0) == stores


ONLINE = '{"event": "friend_online", "data": {"username": "alice", "x": %s}}'


@pytest.mark.parametrize(
    "payload",
    [
        (ONLINE % "NaN").encode(), (ONLINE % "-Infinity").encode(), (ONLINE % 1).encode("utf-8-sig"),
        (ONLINE % 1).encode("utf-16-le"), (ONLINE % '"\xff"').encode("latin-1"), (ONLINE % '"\\x"').encode(),
    ],
)  # fmt: skip
def test_a_frame_that_no_browser_parses_changes_nothing(payload: bytes) -> None:
    assert not contact(with_friends().received(payload, 0), "alice")["online"]


@pytest.mark.parametrize("value", ["1" * 5_000, "-" + "1" * 5_000, "1e999", '"\\ud800"', "1"])
def test_a_frame_that_browsers_parse_is_applied(value: str) -> None:
    assert contact(with_friends().received((ONLINE % value).encode(), 0), "alice")["online"]


def test_a_response_may_begin_with_a_byte_order_mark() -> None:
    bom = "\ufeff".encode()
    stores = UiStores().responded("GET", "/friends", "", b"", 200, bom + friends("alice"))
    assert [each.username for each in stores.contacts] == ["alice"]


def test_a_message_with_missing_fields_does_not_fail() -> None:
    stores = with_friends().received(frame("new_message"), 0).received(frame("typing"), 0)
    assert list(stores.messages) == ["undefined"]
    assert stores.typing == {"undefined": None}


@pytest.mark.parametrize(("name", "key"), [
    ("9007199254740993", "9007199254740992"), ("1.0", "1"), ("-0.0", "0"), ("-12.50", "-12.5"),
    ("1e999", "Infinity"),
    ("123456789012345678901", "123456789012345680000"), ("1e21", "1e+21"), ("-1.5e300", "-1.5e+300"),
    ("0.000001", "0.000001"), ("0.00000015", "1.5e-7"), ('["a", "b"]', "a,b"), ("[]", ""),
    ("[[], [1.0, [null]], true]", ",1,,true"), ("{}", "[object Object]"),
    ('[{"a": 1}]', "[object Object]"), ("true", "true"), ("null", "null"),
])  # fmt: skip
def test_a_name_that_is_not_text_is_converted_as_in_javascript(name: str, key: str) -> None:
    stores = UiStores().received(f'{{"event": "typing", "data": {{"username": {name}}}}}', 0)
    assert list(stores.typing) == [key]
    stores = stores.received(f'{{"event": "new_message", "data": {{"from": {name}}}}}', 0)
    assert list(stores.messages) == [key]


def test_a_preview_is_a_guess_if_the_page_may_not_have_had_the_contact_when_it_was_loaded() -> None:
    """A page that was just loaded may handle a frame before the response that was sent before the frame."""
    stores = UiStores().responded("GET", "/friends", "", b"", 200, friends("alice", "bob"), 10.0)
    primed = stores.received(message("1", "me", to="alice"), 10.1, at_load=True)
    assert (contact(primed, "alice")["lastMessage"], contact(primed, "alice")["lastMessageTime"]) == (
        Guess("hi"),
        Guess("t"),
    )
    assert contact(primed, "alice")["unreadCount"] == 0
    assert contact(primed.received(message("2", text="later"), 10.2), "alice")["lastMessage"] == "later"
    late = stores.received(message("1", "me", to="alice"), 15.1, at_load=True)
    fired = stores.received(message("1", "me", to="alice"), 10.1)
    assert contact(late, "alice")["lastMessage"] == contact(fired, "alice")["lastMessage"] == "hi"


@pytest.mark.parametrize(("message_at", "is_guess"), [(9.8, False), (9.95, True), (10.05, True), (10.2, False)])
def test_the_messages_of_a_chat_are_a_guess_if_one_was_sent_while_the_chat_was_replaced(
    message_at: float, is_guess: bool
) -> None:
    query = "peer=alice&limit=50&offset=0"
    page = json.dumps({"messages": [{"msg_id": "0"}], "has_more": False}).encode()

    def fetch(stores: UiStores, at: float) -> UiStores:
        return stores.responded("GET", "/messages", query, b"", 200, page, at)

    stores = with_friends().received(message("9", "bob"), 10.0)
    if message_at < 10.0:
        stores = fetch(stores.received(message("1"), message_at), 10.0)
    else:
        stores = fetch(stores, 10.0).received(message("1"), message_at)
    found = stores.to_json()["chatStore"]["messages"]
    assert isinstance(found["alice"], Guess) is is_guess
    assert as_plain(found["alice"])[0] == {"msg_id": "0"}
    assert found["bob"][0]["msg_id"] == "9"
    assert not stores.received(message("2"), 11.0).uncertain_chats - {"alice"}
    assert fetch(stores, 12.0).to_json()["chatStore"]["messages"]["alice"] == [{"msg_id": "0"}], "certain again"


@pytest.mark.parametrize(("message_at", "is_guess"), [(9.8, False), (9.95, True), (10.05, True), (10.2, False)])
def test_the_order_of_a_sent_and_a_received_message_is_a_guess_if_they_cross(
    message_at: float, is_guess: bool
) -> None:
    def send(stores: UiStores) -> UiStores:
        body, answer = b'{"to": "alice", "text": "hello"}', b'{"msg_id": "7"}'
        return stores.responded("POST", "/messages", "", body, 200, answer, 10.0)

    stores, received = with_friends(), message("1")
    if message_at < 10.0:
        stores = send(stores.received(received, message_at))
    else:
        stores = send(stores).received(received, message_at)
    assert stores.uncertain_chats == ({"alice"} if is_guess else set())


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


def test_messages_that_are_copied_keep_the_time_of_the_last_frame() -> None:
    chat = ChatMessages()
    chat.frame_at = 5.0
    assert [(chat + {"msg_id": each}).frame_at for each in "ab"] == [5.0, 5.0]


def test_message_ids_are_compared_as_in_javascript() -> None:
    values: tuple[object, ...] = (None, True, False, 1, 0, "1", "None", 10**400, [1], {})
    ids: list[dict[str, Any]] = [{}, *({"msg_id": each} for each in values)]
    for each in ids:
        chat = ChatMessages([each])
        assert [other for other in ids if other in chat] == [each]
    assert {"msg_id": 1.0} in ChatMessages([{"msg_id": 1}])
