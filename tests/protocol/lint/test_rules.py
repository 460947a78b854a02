"""Each rule of the lint finds what violates it, and nothing in similar traffic that is as the guide says."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from app.protocol.catalog import Catalog, built_in
from app.protocol.event_files.parse import parse_event_file
from app.protocol.lint.findings import Finding
from app.protocol.lint.frames import MAX_PAYLOAD
from app.protocol.lint.linter import Linter
from app.protocol.lint.rest import MAX_PENDING
from app.protocol.lint.rules import BY_ID, RULES, is_serious, unknown_rule
from app.system.lint_rules import LINT_RULES, lint_rule_problem
from tests.protocol.lint.traffic import CHROME, FIREFOX, FRIEND, MESSAGE, NO_BROWSER, Traffic, message_id

from .traffic import sender

Play = Callable[[Traffic], object]

ONLINE, OFFLINE = "friend_online", "friend_offline"
ALICE, DAVE = {"username": "alice"}, {"username": "dave"}

VIOLATIONS: list[tuple[str, Play]] = [
    ("invalid-frame", lambda t: t.page().send_text(b"{", "(raw frame)")),
    ("invalid-frame", lambda t: t.page().send_text(b'"\xff"', "typing")),
    ("invalid-frame", lambda t: t.page().send_text(b'{"event": "typing"}', "typing")),
    ("unknown-event", lambda t: t.page().send("typed", {})),
    ("unknown-event", lambda t: t.page().receive("mark_raed", {"peer": "alice"})),
    ("unknown-field", lambda t: t.page().send(ONLINE, {**ALICE, "since": 1})),
    ("unknown-field", lambda t: t.page().receive("typing", {"to": "alice", "typing": False, "at": 1})),
    ("missing-field", lambda t: t.page().message(1, text=...)),
    ("missing-field", lambda t: t.page().receive("typing", {"to": "alice"})),
    ("invalid-value", lambda t: t.page().message(1, delivered="yes")),
    ("invalid-value", lambda t: t.page().receive("typing", {"to": "alice", "typing": "yes"})),
    ("typing-repeated", lambda t: t.page().typing(True).typing(True).typing(False)),
    ("typing-not-stopped", lambda t: t.page().typing(True).wait(60).friends("alice", "bob")),
    ("typing-not-stopped", lambda t: posted(t.page().typing(True)).wait(5).friends("alice", "bob")),
    ("typing-not-stopped", lambda t: t.page().typing(True).disconnect()),
    ("typing-not-stopped", lambda t: t.page().typing(True).disconnect(closed=True)),
    ("typing-left-on", lambda t: t.page().typing(True).open("bob").wait(2).friends("alice", "bob")),
    ("typing-left-on", lambda t: t.page().typing(True).typing(True, "bob").wait(2).typing(False, "bob")),
    ("mark-read-missing", lambda t: t.page().message(1).open("alice").wait(5).friends("alice", "bob")),
    ("mark-read-unknown", lambda t: t.page().receive("mark_read", {"peer": "alice", "msg_id": "x"}, rejected=True)),
    ("mark-read-unknown", lambda t: t.page().message(1).receive("mark_read", mark("bob", 1))),
    ("duplicate-id", lambda t: t.page().message(1).message(1)),
    ("duplicate-id", lambda t: other_page(t).message(1, (1,)).message(1, (2,)).message(1, (1,))),
    ("duplicate-id", lambda t: t.page().page(client=2, browser=FIREFOX).message(1, (2,)).message(1)),
    ("unknown-user", lambda t: t.page().send(ONLINE, DAVE)),
    ("unknown-user", lambda t: t.page().send("typing", {**DAVE, "typing": True})),
    ("unknown-user", lambda t: t.page().message(1, **sender("dave"))),
    ("unknown-user", lambda t: t.page().message(1, **sender("me"), to="dave", direction="sent")),
    ("presence-repeated", lambda t: t.page().send(ONLINE, ALICE).send(ONLINE, ALICE)),
    ("presence-repeated", lambda t: t.page().send(OFFLINE, ALICE).connect(2, FIREFOX).send(OFFLINE, ALICE)),
    ("clock-skew", lambda t: t.page().message(1, timestamp="2023-11-14T23:13:20Z")),
    ("clock-skew", lambda t: t.page().message(1, timestamp="2023-11-14T22:13:20-01:00")),
    (
        "rest-disagrees",
        lambda t: t.page().message(1).open("alice", {**MESSAGE, "msg_id": message_id(1), "text": "x"}),
    ),
    ("rest-disagrees", lambda t: polled(t.page().send(OFFLINE, ALICE), online=True)),
    ("blanks-ui", lambda t: t.connect().friends("alice").open("alice")),
    ("blanks-ui", lambda t: t.page().friends("alice", last_seen="never")),
    ("blanks-ui", lambda t: t.page().call("GET", "/friends", [{"online": True}])),
    ("blanks-ui", lambda t: without_date(without_date(t).connect())),
    ("blanks-ui", lambda t: t.page().message(1, timestamp=...)),
    ("blanks-ui", lambda t: t.page().message(1, timestamp="soon")),
    ("blanks-ui", lambda t: t.page().message(1, text={"body": "hi"})),
    ("blanks-ui", lambda t: t.page().message(1, reactions={"emoji": "x"})),
    ("wrong-ui-state", lambda t: t.page().linter.warned(9, 200.0, "#3: the message is lost in the UI")),
]

CLEAN: list[tuple[str, Play]] = [
    ("valid events", lambda t: t.page().message(1).send(ONLINE, ALICE).send("typing", {**ALICE, "typing": True})),
    ("a message with reactions", lambda t: t.page().message(1, reactions=[{"emoji": "x", "from": "bob"}])),
    ("typing as in the guide", lambda t: t.page().typing(True).wait(30).typing(False)),
    ("typing again after the cooldown", lambda t: t.page().typing(True).wait(1).typing(True).typing(False)),
    ("typing: false without a true", lambda t: t.page().typing(False).typing(False)),
    ("typing: false on send", lambda t: posted(t.page().typing(True)).typing(False).wait(99).friends("alice")),
    ("typing: false a second after the change", lambda t: t.page().typing(True).open("bob").wait(1).typing(False)),
    ("back in the chat", lambda t: t.page().typing(True).open("bob").open("alice").wait(20).typing(False)),
    ("closed after typing", lambda t: t.page().typing(True).typing(False).disconnect(closed=True).wait(99)),
    ("the companion disconnects", lambda t: t.page().typing(True).disconnect(by_client=False).wait(99).connect(2)),
    ("the run ends while typing", lambda t: t.page().typing(True)),
    ("typing of two clients", lambda t: t.page().connect(2, FIREFOX).typing(True).typing(True, client=2)),
    ("mark_read in time", lambda t: read(t.page().message(1).open("alice")).wait(9).friends("alice", "bob")),
    ("nothing to mark", lambda t: t.page().open("alice").wait(9).friends("alice", "bob")),
    ("marked before", lambda t: read(t.page().message(1)).open("alice").wait(9).friends("alice", "bob")),
    ("a message to other clients", lambda t: other_page(t).message(1, (2,)).open("alice").wait(9).friends("alice")),
    ("two pages of one browser", lambda t: other_page(t, CHROME).message(1).open("alice").wait(9).friends("alice")),
    ("mark_read of a loaded message", lambda t: read(t.page().open("alice", {**MESSAGE, "msg_id": message_id(1)}))),
    ("one message for two clients", lambda t: other_page(t).message(1, (1,)).message(1, (2,))),
    ("a message that nobody got", lambda t: t.page().message(1, ()).message(1, ())),
    ("priming again", lambda t: t.page().disconnect().wait(3).page()),
    ("an event before the contacts are known", lambda t: t.connect().send(ONLINE, DAVE)),
    ("contacts that a fault has cut", lambda t: t.page().call("GET", "/friends", "cut").send(ONLINE, ALICE)),
    ("a friend whom the page has added", lambda t: added(t.page(), "dave").send(ONLINE, DAVE)),
    ("a client that is no browser", lambda t: t.connect(1, NO_BROWSER).send(ONLINE, DAVE)),
    ("presence that changes", lambda t: t.page().send(ONLINE, ALICE).send(OFFLINE, ALICE).send(ONLINE, ALICE)),
    ("presence for two clients", lambda t: other_page(t).send(ONLINE, ALICE, (1,)).send(ONLINE, ALICE, (2,))),
    ("old messages", lambda t: t.page().message(1, timestamp="2020-01-01T00:00:00Z")),
    ("a time zone", lambda t: t.page().message(1, timestamp="2023-11-14T23:13:20+01:00")),
    ("REST that agrees", lambda t: t.page().message(1).open("alice", {**MESSAGE, "msg_id": message_id(1)})),
    ("REST that agrees soon", lambda t: polled(t.page().send(OFFLINE, ALICE).friends("alice"), online=False)),
    ("REST that fails", lambda t: t.page().call("GET", "/messages", {}, "peer=dave&offset=0", status=404)),
    ("an older page of messages", lambda t: t.connect().call("GET", "/messages", {}, "peer=alice&offset=50")),
    ("a reconnect keeps the messages", lambda t: t.page().disconnect().wait(3).connect(2).open("alice")),
    (
        "presence that changed while the page was not connected",
        lambda t: polled(t.page().send(ONLINE, ALICE).disconnect().wait(3).connect(2), online=False),
    ),
    (
        "two pages of one browser that reconnect",
        lambda t: other_page(t, CHROME).message(1, **sender("bob")).disconnect(1).disconnect(2).wait(3)
        .connect(3).connect(4).disconnect(3, closed=True).open("bob").wait(9).friends("alice", "bob"),
    ),
    ("a row about no contact", lambda t: t.linter.warned(9, 1.0, "#3: changes no contact of the UI")),
]  # fmt: skip


def mark(peer: str, number: int) -> dict[str, str]:
    return {"peer": peer, "msg_id": message_id(number)}


def posted(traffic: Traffic) -> Traffic:
    return traffic.call("POST", "/messages", {"msg_id": message_id(9)}, body={"to": "alice", "text": "hi"})


def read(traffic: Traffic) -> Traffic:
    return traffic.receive("mark_read", mark("alice", 1))


def added(traffic: Traffic, name: str) -> Traffic:
    return traffic.call("POST", "/friends", {**FRIEND, "username": name}, body={"username": name}, status=201)


def polled(traffic: Traffic, *, online: bool) -> Traffic:
    """Let the page load its contacts twice, with a poll's interval between."""
    return traffic.friends("alice", "bob", online=online).wait(10).friends("alice", "bob", online=online)


def without_date(traffic: Traffic) -> Traffic:
    return traffic.call("GET", "/friends", [{"username": "alice", "online": True}])


def other_page(traffic: Traffic, browser: object = FIREFOX) -> Traffic:
    return traffic.page().page(client=2, browser=FIREFOX if browser is FIREFOX else CHROME)


@pytest.mark.parametrize(("rule", "play"), VIOLATIONS, ids=[f"{n}-{each[0]}" for n, each in enumerate(VIOLATIONS)])
def test_a_violation_is_found(rule: str, play: Play) -> None:
    traffic = Traffic()
    play(traffic)
    assert rule in traffic.rules
    allowed = {rule, "missing-field", "invalid-value"} if rule == "blanks-ui" else {rule}
    assert set(traffic.rules) <= allowed, traffic.found


@pytest.mark.parametrize(("name", "play"), CLEAN, ids=[each[0] for each in CLEAN])
def test_traffic_as_in_the_guide_has_no_findings(name: str, play: Play) -> None:
    traffic = Traffic()
    play(traffic)
    assert traffic.found == []


def test_every_rule_has_a_violation_and_all_its_texts() -> None:
    assert {rule for rule, _ in VIOLATIONS} == set(BY_ID)
    for rule in RULES:
        assert rule.title
        assert rule.why.endswith(".")
        assert rule.advice.endswith(".")


def test_the_ids_of_the_setting_are_those_of_the_rules() -> None:
    assert tuple(BY_ID) == LINT_RULES


def test_an_unknown_id_gets_a_suggestion() -> None:
    assert unknown_rule("clock-skew") == lint_rule_problem("clock-skew") == ""
    assert unknown_rule("clock-scew").endswith("'clock-scew' (did you mean clock-skew?)")
    assert lint_rule_problem("clock-scew").endswith("'clock-scew' (did you mean clock-skew?)")
    assert "known: blanks-ui" in unknown_rule("zzz")
    assert "known: blanks-ui" in lint_rule_problem("zzz")


def test_severities_are_ordered() -> None:
    error, warning, info = (
        rule.severity for rule in (BY_ID["blanks-ui"], BY_ID["clock-skew"], BY_ID["presence-repeated"])
    )
    assert [is_serious(each, warning) for each in (error, warning, info)] == [True, True, False]


def test_findings_name_their_row_and_the_other_one() -> None:
    traffic = Traffic().page()
    first = traffic.message(1).seq
    traffic.message(1)
    (found,) = traffic.found
    assert (found.seq, found.text) == (first + 1, f"{message_id(1)} is already the ID of row #{first}")


def test_a_valid_frame_that_was_checked_before_is_examined_by_the_other_rules() -> None:
    traffic = Traffic().page()
    payload = json.dumps(
        {"event": "new_message", "data": {**MESSAGE, "timestamp": "2023-11-15T22:13:20Z"}}
    ).encode()
    traffic.send_text(payload, "new_message", checked=True).send_text(payload, "new_message", checked=True)
    assert traffic.rules == ["clock-skew", "duplicate-id", "clock-skew"]


@pytest.mark.parametrize("checked", [False, True])
@pytest.mark.parametrize(
    ("schema", "found"),
    [
        ({}, ["like.b: unknown field", "like.c: unknown field"]),
        ({"additionalProperties": True}, []),
        ({"patternProperties": {"^b": True}}, []),
    ],
)
def test_unknown_fields_of_an_event_of_a_file_are_found_also_if_it_was_checked_before(
    schema: dict[str, Any], found: list[str], checked: bool
) -> None:
    content = {"event": "like", "direction": "to_ui", "data": {"properties": {"a": {"type": "integer"}}, **schema}}
    like = parse_event_file("like.json", json.dumps(content), built_in())
    reported: list[Finding] = []
    linter = Linter(Catalog([*built_in(), like]), reported.append)
    check = linter.sent_check("like", checked=checked)
    check(1, 0.0, 0.0, b'{"event": "like", "data": {"b": [1], "a": 1, "c": {"d": null}}}', (1,))
    assert [each.text for each in reported] == found
    if checked:
        reported.clear()
        check(2, 0.0, 0.0, b'{"event": "like", "data": {"b": "%s"}}' % (b"x" * MAX_PAYLOAD), (1,))
        assert reported == [], "it is too large"


def test_a_reload_forgets_the_messages_of_the_page() -> None:
    traffic = Traffic().page().disconnect(closed=True).wait(0.5).connect(2).friends("alice", "bob").open("alice")
    assert traffic.rules == ["blanks-ui"]
    traffic.open("alice").open("alice")
    assert traffic.rules == ["blanks-ui"], "only once per page and chat"


def test_mark_read_is_missed_only_once_per_page() -> None:
    traffic = Traffic().page()
    for number, peer in enumerate(("alice", "bob", "alice")):
        traffic.message(number, **sender(peer)).open(peer).wait(6).friends("alice", "bob")
    assert traffic.rules == ["mark-read-missing"]


def test_each_message_that_rest_contradicts_is_found_once() -> None:
    traffic = Traffic().page()
    for number in range(MAX_PENDING + 2):
        wrong = {**MESSAGE, "msg_id": message_id(number), "text": "x"}
        traffic.message(number).open("alice", wrong).open("alice", wrong)
    assert traffic.rules.count("rest-disagrees") == MAX_PENDING + 2
