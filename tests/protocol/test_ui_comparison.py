"""Compare states of the UI's stores, whole or partial, and name values by path."""

import math
from typing import Any

import pytest

from app.protocol.ui_comparison import (
    InvalidCondition,
    as_plain,
    differences,
    is_equal_at,
    parse_condition,
    value_at,
    why_not_comparable,
)
from app.protocol.ui_stores import UNKNOWN, Guess

NAMES = ["alice", "a.b", "a[0]", "1", "-1", 'say "hi"', "a=b", "zoë", "007", "-0", "back\\slash", "two words"]


def state(**contacts: int) -> dict[str, Any]:
    items = [{"username": name, "unreadCount": unread} for name, unread in contacts.items()]
    return {"chatStore": {"activeChat": None}, "contactStore": {"contacts": items}}


def paths(expected: Any, reported: Any, **options: Any) -> list[str]:
    return [each.path for each in differences(expected, reported, **options)]


@pytest.mark.parametrize("name", NAMES)
def test_the_path_of_a_difference_leads_to_the_value_whatever_the_names(name: str) -> None:
    messages = {"chatStore": {"messages": {name: [{"text": "one"}]}}}
    other = {"chatStore": {"messages": {name: [{"text": "two"}]}}}
    (path,) = paths(messages, other)
    assert (value_at(messages, path), value_at(other, path)) == ("one", "two")
    assert not is_equal_at(path, messages, other)
    contact, changed = state(**{"other": 0, name: 1}), state(**{"other": 0, name: 2})
    (path,) = paths(contact, changed)
    assert (value_at(contact, path), value_at(changed, path)) == (1, 2)
    condition = parse_condition(f"{path}=2")
    assert list(condition.differences(changed)) == []
    assert [each.reported for each in condition.differences(contact)] == [1]


def test_a_path_with_plain_names_is_short() -> None:
    assert paths(state(alice=1), state(alice=2)) == ["contactStore.contacts[alice].unreadCount"]
    assert paths(state(alice=1), state()) == ["contactStore.contacts[0]"]


def test_unknown_values_match_everything_and_true_is_not_1() -> None:
    expected = {"uiStore": {"theme": UNKNOWN, "wsConnected": True}}
    assert paths(expected, {"uiStore": {"theme": "dark", "wsConnected": True, "more": 1}, "other": {}}) == []
    assert paths(expected, {"uiStore": {"wsConnected": 1}}) == ["uiStore.wsConnected"]


@pytest.mark.parametrize(
    ("expected", "reported", "equal"),
    [
        (2**53 + 1, 2**53, True), (2**53 + 2, 2**53, False), (1, 1.0, True), (0, -0.0, True), (1, True, False),
        (10**400, None, True), (math.inf, None, True), (0, None, False), (10**400, 10**308, False),
    ],
)  # fmt: skip
def test_numbers_are_compared_as_in_javascript(expected: Any, reported: Any, equal: bool) -> None:
    stores = ({"uiStore": {"x": value}} for value in (expected, reported))
    assert (paths(*stores) == []) is equal


def test_an_infinite_number_is_null_in_json() -> None:
    assert as_plain({"seq": math.inf, "n": [-math.inf, 1.5]}) == {"seq": None, "n": [None, 1.5]}


def test_a_name_with_leading_zeros_is_no_index() -> None:
    contacts = state(**{"other": 0, "007": 7})
    assert value_at(contacts, "contact.contacts[007].unreadCount") == 7
    assert value_at({"chatStore": {"messages": {"007": ["hi"], "7": ["no"]}}}, "chat.messages[007][-1]") == "hi"


def test_the_order_of_contacts_matters_unless_the_state_is_partial() -> None:
    assert paths(state(alice=1, bob=0), state(bob=0, alice=1)) != []
    assert paths(state(alice=1, bob=0), state(bob=0, alice=1), partial=True) == []
    assert paths(state(alice=1, bob=0), state(alice=1), partial=True) == ["contactStore.contacts[bob]"]
    assert paths(state(alice=1), state(alice=1, eve=0), partial=True) == ["contactStore.contacts[eve]"]


@pytest.mark.parametrize(("shown", "equal"), [("hi you", True), ("hi\ufeff you\n", True), ("hi\x85you", False)])
def test_a_partial_state_may_differ_in_white_space_of_javascript(shown: str, equal: bool) -> None:
    states = [{"chatStore": {"messages": {"alice": [{"text": text}]}}} for text in ("\ufeff hi\tyou ", shown)]
    assert (paths(*states, partial=True) == []) == equal


def test_a_partial_state_is_compared_in_what_it_contains() -> None:
    expected = {
        "chatStore": {
            "activeChat": "alice",
            "typingUsers": {},
            "messages": {"alice": [{"msg_id": "1", "text": "hi"}], "bob": [{"msg_id": "2", "text": "x"}]},
        },
        "uiStore": {"wsConnected": True},
    }
    shown: dict[str, Any] = {
        "chatStore": {"typingUsers": {"alice": False}, "messages": {"alice": [{"text": "hi"}]}}
    }
    assert paths(expected, shown, partial=True) == []
    shown["chatStore"]["messages"]["alice"][0]["text"] = "ho"
    assert paths(expected, shown, partial=True) == ["chatStore.messages.alice[0].text"]
    shown["chatStore"]["messages"]["alice"] = []
    assert paths(expected, shown, partial=True) == ["chatStore.messages.alice[0]"]
    assert paths(expected, {}, partial=True) == []


def test_an_object_of_a_partial_state_is_compared_in_the_names_that_it_contains() -> None:
    """A page that is read names each of the contacts that it shows. Others may be typing."""
    expected = {"chatStore": {"typingUsers": {"alice": True, "bob": False}}}
    for typing, differs in (({}, False), ({"bob": False}, False), ({"alice": False}, True), ({"bob": True}, True)):
        shown = {"chatStore": {"typingUsers": typing}}
        assert bool(paths(expected, shown, partial=True)) == differs


@pytest.mark.parametrize(("expected", "shown", "equal"), [
    (None, "", True), (None, 0, True), (False, None, True), (0, "", True), ("", "x", False), (True, None, False),
    (1, 0, False), (None, {}, False), (" two \n words ", "two words", True),
])  # fmt: skip
def test_values_that_look_alike_are_equal_in_a_partial_state_only(expected: Any, shown: Any, equal: bool) -> None:
    one, other = ({"chatStore": {"activeChat": value}} for value in (expected, shown))
    assert (paths(one, other, partial=True) == []) is equal
    assert paths(one, other) == ["chatStore.activeChat"]


@pytest.mark.parametrize(
    "text", ["", "=", "chat", "chat.messages[=1", "chat.messages[]=1", 'chat.messages["a=1', "x.y=1"]
)
def test_an_invalid_condition_is_rejected(text: str) -> None:
    with pytest.raises(InvalidCondition):
        parse_condition(text)


def test_a_value_that_is_not_json_is_text() -> None:
    assert parse_condition("chat.activeChat=alice").value == "alice"
    assert parse_condition("chat.activeChat=null").value is None
    assert parse_condition("chat.messages.alice[-1].text=a=b").value == "a=b"
    for text in ("NaN", "Infinity", "-Infinity", "1e999"):
        condition = parse_condition(f"chat.messages.alice[-1].text={text}")
        assert condition.value == text, "it is not JSON, so it is text"
        assert not list(condition.differences({"chatStore": {"messages": {"alice": [{"text": text}]}}}))


def test_a_chat_without_messages_equals_a_missing_one() -> None:
    """The guide's own code creates one when a receipt names an unknown peer."""
    missing: dict[str, Any] = {"chatStore": {"messages": {}}}
    empty: dict[str, Any] = {"chatStore": {"messages": {"a.b": []}}}
    for one, other in ((missing, empty), (empty, missing)):
        assert paths(one, other) == []
        assert is_equal_at('chatStore.messages["a.b"]', one, other)
    assert not list(parse_condition('chat.messages["a.b"]=[]').differences(missing))
    assert list(parse_condition("chat=[]").differences({})), "only a chat"
    fields: tuple[dict[str, Any], ...] = ({}, {"reactions": []})
    messages = [{"chatStore": {"messages": {"alice": [message]}}} for message in fields]
    assert paths(missing, messages[0]) == ["chatStore.messages.alice"]
    assert paths(*messages) == ["chatStore.messages.alice[0].reactions"]


def test_a_value_within_a_guess_is_equal() -> None:
    reported = {"chatStore": {"messages": {"alice": [{"text": "b"}]}}}
    for messages in (Guess([{"text": "a"}]), Guess([]), UNKNOWN):
        expected = {"chatStore": {"messages": {"alice": messages}}}
        assert is_equal_at("chatStore.messages.alice[0].text", expected, reported)
    assert not is_equal_at("chatStore.messages.alice[0].text", {"chatStore": {"messages": {}}}, reported)


@pytest.mark.parametrize(
    ("reported", "partial", "reason"),
    [
        ({}, False, "an object chatStore, contactStore or uiStore."),
        ({}, True, "an object chatStore, "),
        ({"contact": {"contacts": []}}, True, "did you mean contactStore?"),
        ({"chat": {}}, False, "did you mean chatStore?"),
        ({"ui": {"wsConnected": True}}, True, "did you mean uiStore?"),
        ({"contacts": [{"username": "alice"}]}, True, "did you mean contactStore?"),
        ({"chatStore": None}, False, "an object chatStore, "),
        ({"contactStore": {"contact": []}}, True, "did you mean contactStore.contacts?"),
        (
            {"chatStore": {"mesages": {}}, "uiStore": []},
            True,
            "Known are chatStore.activeChat, chatStore.messages, ",
        ),
        (
            {"chatStore": {"loadingMessages": True}, "uiStore": {"theme": "dark"}},
            True,
            "no value that can be compared",
        ),
    ],
)
def test_a_state_that_says_nothing_is_refused(reported: dict[str, Any], partial: bool, reason: str) -> None:
    assert reason in why_not_comparable(reported, partial=partial)


@pytest.mark.parametrize(
    ("reported", "partial"),
    [
        ({"chatStore": {}}, False),
        ({"chatStore": {"activeChat": None}}, True),
        ({"contactStore": {"contacts": []}, "other": {}}, True),
        ({"chatStore": {"messages": {"alice": []}}}, True),
        ({"chatStore": {"messages": {}}}, True),
        ({"chatStore": {"typingUsers": {}, "loadingMessages": True}}, True),
    ],
)
def test_a_state_that_can_be_compared_is_accepted(reported: dict[str, Any], partial: bool) -> None:
    assert why_not_comparable(reported, partial=partial) == ""
