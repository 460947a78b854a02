"""Arbitrary traffic never makes the lint fail, and its memory stays limited."""

import json
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from app.protocol.catalog import built_in
from app.protocol.lint import from_ui, to_ui
from app.protocol.lint.findings import MAX_KEPT, Finding, Tally
from app.protocol.lint.linter import Linter
from app.protocol.lint.pages import Browser
from app.protocol.lint.rest import Call
from app.protocol.lint.rules import BY_ID
from tests.conftest import examples
from tests.protocol.lint.traffic import Traffic, message_id

NAMES = st.sampled_from(("alice", "bob", "", "zoë"))
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | NAMES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text() | NAMES, inner, max_size=3),
    max_leaves=6,
)
FIELDS = ("msg_id", "from", "to", "text", "direction", "timestamp", "username", "typing", "peer", "reactions")
DATA = st.dictionaries(st.sampled_from(FIELDS), JSON | NAMES, max_size=6) | JSON
EVENTS = st.sampled_from(("new_message", "friend_online", "friend_offline", "typing", "mark_read", "other", ""))
PAYLOADS = st.binary(max_size=50) | st.builds(
    lambda event, data: json.dumps({"event": event, "data": data}).encode("utf-8", "surrogatepass"), EVENTS, DATA
)
CLIENTS = st.integers(0, 3)
BROWSERS = st.sampled_from((Browser("", ""), Browser("http://a", "x"), Browser("http://a", "y")))
BODIES = st.binary(max_size=30) | st.builds(
    lambda value: json.dumps(value).encode(),
    JSON | st.lists(DATA) | st.fixed_dictionaries({"messages": st.lists(DATA)}),
)
STEPS = st.one_of(
    st.tuples(st.just("sent"), EVENTS, PAYLOADS, st.lists(CLIENTS, max_size=3), st.booleans()),
    st.tuples(st.just("delivered"), EVENTS, PAYLOADS, st.lists(CLIENTS, max_size=1)),
    st.tuples(st.just("received"), EVENTS, PAYLOADS, CLIENTS, st.booleans()),
    st.tuples(st.just("connected"), CLIENTS, BROWSERS),
    st.tuples(st.just("disconnected"), CLIENTS, st.booleans()),
    st.tuples(
        st.just("called"), st.sampled_from(("GET", "POST")), st.sampled_from(("/friends", "/messages", "/x")),
        st.sampled_from(("peer=alice&offset=0", "peer=&offset=x", "%ff&&=", "")), BODIES, BODIES, BROWSERS,
        st.sampled_from((200, 201, 404)),
    ),
    st.tuples(st.just("warned"), st.text()),
)  # fmt: skip


@given(st.lists(st.tuples(STEPS, st.floats(0, 100)), max_size=12))
@settings(max_examples=examples(300))
def test_arbitrary_traffic_never_raises(steps: list[tuple[Any, float]]) -> None:
    found: list[Finding] = []
    linter = Linter(built_in(), found.append)
    at = 0.0
    for seq, (step, passed) in enumerate(steps, 1):
        at += passed
        match step:
            case "sent", event, payload, recipients, primed:
                linter.sent_check(event, primed=primed)(seq, at, at, payload, tuple(recipients))
            case "delivered", event, payload, recipients:
                if check := linter.delivered_check(event):
                    check(seq, at, at, payload, tuple(recipients))
            case "received", event, payload, client, rejected:
                linter.received(seq, at, client, event, payload, rejected=rejected)
                linter.handled(at, "me", event, payload)
            case "connected", client, browser:
                linter.connected(seq, at, client, browser)
            case "disconnected", client, closed:
                linter.disconnected(at, client, closed=closed)
            case "called", method, path, query, request, response, browser, status:
                linter.called(Call(method, path, query, request, status, response, browser, at - passed / 2, at))
            case "warned", note:
                linter.warned(seq, at, note)
    for each in found:
        each.text.encode(errors="strict")
        assert len(each.text) <= 700


def test_names_and_ids_are_limited(monkeypatch: Any) -> None:
    monkeypatch.setattr(to_ui, "MAX_IDS", 10)
    monkeypatch.setattr(to_ui, "MAX_NAMES", 10)
    monkeypatch.setattr(to_ui, "MAX_GROUPS", 3)
    monkeypatch.setattr(from_ui, "MAX_PEERS", 10)
    monkeypatch.setattr(from_ui, "MAX_CLIENTS", 10)
    traffic = Traffic().page()
    for number in range(200):
        traffic.message(number, (1, number + 2), **{"from": f"user{number}"})
        traffic.message(1_000 + number, (1, number + 2))
        traffic.send("friend_online", {"username": f"user{number}"}, (number,))
        traffic.send("friend_online", {"username": "alice"}, (number,))
        traffic.typing(True, f"user{number}", client=number % 50)
        traffic.open(f"user{number}")
    rules = traffic.linter._to_ui
    assert len(rules.messages.new) <= 10
    assert len(rules._presence) <= 10
    assert len(rules._chats) <= 10
    assert max(len(each.audiences) for each in rules._chats.values()) <= 4
    assert max(map(len, rules._presence.values())) <= 5
    typing = traffic.linter._from_ui._typing
    assert len(typing) <= 10
    assert max(map(len, typing.values())) <= 11


def test_the_first_findings_and_the_last_one_are_kept() -> None:
    tally = Tally()
    rule = BY_ID["duplicate-id"]
    for seq in range(1, MAX_KEPT * 3):
        tally.add(Finding(rule, seq, message_id(seq)))
    found = tally["duplicate-id"]
    assert (found.count, found.first_seq, found.last_seq) == (MAX_KEPT * 3 - 1, 1, MAX_KEPT * 3 - 1)
    assert len(found.kept) == MAX_KEPT
    assert found.last == Finding(rule, MAX_KEPT * 3 - 1, message_id(MAX_KEPT * 3 - 1))
    assert tally.number() == found.count
    assert tally.number(off=["duplicate-id"]) == 0
    tally.add(Finding(rule, 10 * MAX_KEPT, ""))
    tally.add(Finding(rule, 5, ""))  # found later than a later row
    assert (found.first_seq, found.last_seq) == (1, 10 * MAX_KEPT)
