"""Changes between two states of a page, and paths to their values."""

from random import Random
from typing import Any

import pytest

from app.protocol.ui_changes import MISSING, ValueChange, changes, without_guesses
from app.protocol.ui_paths import locate, path_of, probe, value_in
from app.protocol.ui_stores import Flavour, Guess, UiStores
from tests.conftest import seeds
from tests.ui_stores.sequences import apply_step, sequence


def states(seed: int, length: int = 60, flavour: Flavour = Flavour.SHIPPED) -> list[UiStores]:
    """Return the states of a random sequence of events."""
    found = [UiStores(flavour)]
    for step in sequence(Random(seed), length):
        found.append(apply_step(found[-1].at(step["at"]), step))
    return found


def by_path(before: UiStores, after: UiStores) -> dict[str, tuple[Any, Any]]:
    return {each.path: (each.old, each.new) for each in changes(before, after)}


@pytest.mark.parametrize("seed", seeds(5, long=20))
def test_there_are_changes_exactly_if_the_states_differ(seed: int) -> None:
    found = states(seed)
    random = Random(seed)
    for _ in range(60):
        before, after = random.choice(found), random.choice(found)
        listed = list(changes(before, after))
        assert bool(listed) != before.same_as(after)
        for each in listed:
            side, value = (before, each.old) if each.new is MISSING else (after, each.new)
            stores, _ = without_guesses(side.to_json())
            assert value_in(stores, each.steps) == value
            assert locate(stores, each.path) == each.steps


def test_a_message_is_one_change_of_each_value() -> None:
    friends = b'[{"username": "bob"}, {"username": "alice"}]'
    data = b'{"msg_id": "1", "from": "alice", "direction": "received", "text": "hi"}'
    frame = b'{"event": "new_message", "data": %s}' % data
    before = UiStores().responded("GET", "/friends", "", b"", 200, friends).received(frame, 0)
    after = before.received(frame.replace(b'"1"', b'"2"'), 0)
    message = {"msg_id": "2", "from": "alice", "direction": "received", "text": "hi"}
    unread = ("contactStore", "contacts", 1, "unreadCount")
    assert list(changes(before, after)) == [
        ValueChange(("chatStore", "messages", "alice", 1), "chatStore.messages.alice[1]", MISSING, message),
        ValueChange(unread, "contactStore.contacts[alice].unreadCount", 1, 2),
    ]


def test_older_messages_are_added_without_moving_the_others() -> None:
    page = b'{"messages": [{"msg_id": "%d"}], "has_more": true}'
    one = UiStores().responded("GET", "/messages", "peer=bob&offset=0", b"", 200, page % 2)
    two = one.responded("GET", "/messages", "peer=bob&offset=1", b"", 200, page % 1)
    assert by_path(one, two) == {"chatStore.messages.bob[0]": (MISSING, {"msg_id": "1"})}
    assert by_path(two, one) == {"chatStore.messages.bob[0]": ({"msg_id": "1"}, MISSING)}
    assert by_path(UiStores(), one) == {
        "chatStore.messages.bob": (MISSING, [{"msg_id": "2"}]), "chatStore.hasMore.bob": (MISSING, True)
    }  # fmt: skip


def test_true_is_not_one() -> None:
    friends = b'[{"username": "bob", "online": %s}]'
    one, two = (UiStores().responded("GET", "/friends", "", b"", 200, friends % each) for each in (b"true", b"1"))
    assert by_path(one, two) == {"contactStore.contacts[bob].online": (True, 1)}


def test_contacts_are_written_by_name_if_that_is_unique_and_plain() -> None:
    names = ["alice", "b.c", "alice", "7", None]
    steps = [("contactStore", "contacts", index) for index in range(5)]
    assert [path_of(each, names)[21:] for each in steps] == ["[alice]", '["b.c"]', "[2]", '["7"]', "[4]"]
    assert path_of(("chatStore", "typingUsers", "a.b")) == 'chatStore.typingUsers["a.b"]'


@pytest.mark.parametrize(
    ("path", "steps"),
    [
        ("chat.messages.alice[-1].text", ("chatStore", "messages", "alice", 1, "text")),
        ("contact.contacts[bob].online", ("contactStore", "contacts", 1, "online")),
        ("ui.wsConnected", ("uiStore", "wsConnected")),
        ("chat.messages.alice[2]", None),
        ("chat.messages.zoe", None),
        ("chat.activeChat.x", None),
        ("chat..x", None),
        ("", None),
    ],
)
def test_a_path_leads_to_a_value(path: str, steps: Any) -> None:
    state = {
        "chatStore": {"activeChat": None, "messages": {"alice": [{"text": "a"}, {"text": "b"}]}},
        "contactStore": {"contacts": [{"username": "alice"}, {"username": "bob", "online": True}]},
        "uiStore": {"wsConnected": False},
    }
    assert locate(state, path) == steps


@pytest.mark.parametrize("seed", seeds(3, long=10))
def test_a_probe_returns_the_values_of_its_own_state(seed: int) -> None:
    state = states(seed)[-1]
    for steps, value in all_values(without_guesses(state.to_json())[0], ()):
        if len(steps) > 3 and (steps[1] != "messages" or first_with_its_id(state, steps)):
            assert probe(state, steps).value(state) == value


def first_with_its_id(state: UiStores, steps: Any) -> bool:
    ids = [each["msg_id"] for each in state.messages[steps[2]]]
    return bool(ids.index(ids[steps[3]]) == steps[3])


def all_values(value: Any, steps: tuple[str | int, ...]) -> list[tuple[tuple[str | int, ...], Any]]:
    members = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [(steps, value), *(each for key, member in members for each in all_values(member, (*steps, key)))]


def test_guesses_are_unwrapped_and_located() -> None:
    stores = UiStores().responded("GET", "/friends", "", b"", 200, b'[{"username": "bob"}]').to_json()
    stores["chatStore"]["messages"] = {"bob": Guess([1]), "zoe": [2]}
    stores["contactStore"]["contacts"][0]["lastMessage"] = Guess("hi")
    plain, guesses = without_guesses(stores)
    assert plain["chatStore"]["messages"] == {"bob": [1], "zoe": [2]}
    assert plain["contactStore"]["contacts"][0]["lastMessage"] == "hi"
    assert guesses == [("chatStore", "messages", "bob"), ("contactStore", "contacts", 0, "lastMessage")]
