"""Rows of the log are converted to a scenario: typing and expectations are recognized, ids become templates."""

import json
from typing import Any

import pytest

from app.hub.origin import Origin
from app.hub.row import Kind, Row, Verdict
from app.hub.scenario_from_rows import scenario_from_rows
from app.protocol.catalog import built_in
from app.protocol.session.transcript import format_transcript, parse_transcript
from app.protocol.templates import TemplateContext, resolve

ID = "a1b2c3d4-e5f6-7890-abcd-ef1234567890"
CATALOG = built_in()


def row(
    seq: int, at: float, event: str, data: Any, kind: Kind = Kind.TO_UI, origin: str = "panel", **changes: Any
) -> Row:
    is_rest = origin == "rest"
    payload = json.dumps(data if is_rest else {"event": event, "data": data}).encode()
    fields = {"client": "all" if kind is Kind.TO_UI else "1", "user": "" if kind is Kind.TO_UI else "me", **changes}
    return Row(
        seq, 1000 + at, at, kind, fields["client"], event, fields.get("payload", payload), len(payload),
        fields.get("verdict", Verdict.OK), fields.get("note", ""), Origin(origin), fields["user"],
    )  # fmt: skip


def typing(seq: int, at: float, on: bool, user: str = "alice", **changes: Any) -> Row:
    return row(seq, at, "typing", {"username": user, "typing": on}, **changes)


def message(
    seq: int, at: float, text: str = "hi", user: str = "alice", origin: str = "panel", **changes: Any
) -> Row:
    data = {
        "msg_id": f"a1b2c3d4-e5f6-7890-abcd-{seq:012}", "from": user, "to": "me", "text": text,
        "timestamp": "2024-01-15T10:30:00Z", "direction": "received", "delivered": True,
        "delivery_method": "direct",
    }  # fmt: skip
    return row(seq, at, "new_message", {**data, **changes}, origin=origin)


def transcript(*rows: Row) -> str:
    session = scenario_from_rows(rows, CATALOG, "me")
    text = format_transcript(session)
    assert parse_transcript(text).steps == session.steps
    return text


def test_typing_and_the_message_after_it_become_one_step() -> None:
    assert transcript(typing(1, 0, True), typing(2, 2.004, False), message(3, 2.01)) == "alice (types 2s): hi\n"


def test_typing_of_several_friends_at_once_stays_as_it_is() -> None:
    rows = (typing(1, 0, True), typing(2, 0, True, "bob"), typing(3, 1, False), message(4, 1))
    assert transcript(*rows) == ("alice starts typing\nbob starts typing\nwait 1s\nalice stops typing\nalice: hi\n")


def test_a_message_long_after_the_typing_is_not_merged_with_it() -> None:
    rows = (typing(1, 0, True), typing(2, 1, False), message(3, 5))
    assert transcript(*rows) == "alice starts typing\nwait 1s\nalice stops typing\nwait 4s\nalice: hi\n"


def test_pauses_are_kept_without_noise() -> None:
    rows = (
        row(1, 10, "friend_online", {"username": "alice"}),
        message(2, 10.01),
        message(3, 10.5123),
        row(4, 23.9, "friend_offline", {"username": "alice"}),
    )
    assert transcript(*rows) == (
        "alice comes online\nalice: hi\nwait 500ms\nalice: hi\nwait 13s\nalice goes offline\n"
    )


def test_a_pause_of_days_gets_the_longest_that_a_scenario_can_have() -> None:
    days = 3 * 86_400
    data = {"to": "bob", "typing": True}
    rows = (
        typing(1, 0, True), typing(2, days, False), message(3, days),
        message(4, 2 * days), row(5, 3 * days, "typing", data, Kind.FROM_UI, "client 1"),
    )  # fmt: skip
    assert transcript(*rows) == (
        "alice (types 86400s): hi\nwait 86400s\nalice: hi\n"
        "expect typing from me where to=bob typing=true within 86400s\n"
    )


def test_what_the_ui_sent_becomes_an_expectation() -> None:
    rows = (
        message(1, 0),
        row(2, 1, "typing", {"to": "alice", "typing": True}, Kind.FROM_UI, "client 1"),
        row(3, 1.2, "typing", {"to": "alice", "typing": True}, Kind.FROM_UI, "client 1"),
        row(4, 9.0, "POST /messages", {"to": "alice", "text": "yes"}, Kind.FROM_UI, "rest"),
        message(5, 9.5, "fine"),
    )
    assert transcript(*rows) == (
        "alice: hi\n"
        "expect typing from me where to=alice typing=true\n"
        "expect POST /messages from me where to=alice within 16s\n"
        "wait 500ms\nalice: fine\n"
    )


def test_effects_polling_and_invalid_frames_of_the_ui_are_left_out() -> None:
    rows = (
        message(1, 0),
        row(2, 1, "GET /messages", {}, Kind.FROM_UI, "rest"),
        typing(3, 1, True, "me", origin="client 1"),
        row(4, 1, "typing", {}, Kind.FROM_UI, "client 1", verdict=Verdict.INVALID),
        row(5, 1, "connected", {}, Kind.SERVER, "server"),
    )
    assert transcript(*rows) == "alice: hi\n"


def test_ids_and_times_of_other_events_become_templates() -> None:
    (step,) = scenario_from_rows([message(1, 0, delivery_method="offline")], CATALOG, "me").steps
    data = step.to_json()["data"]
    assert data["msg_id"] == "{{uuid}}"
    assert data["timestamp"] == "{{now}}"
    assert data["delivery_method"] == "offline"


def test_an_id_that_two_frames_share_is_kept() -> None:
    steps = scenario_from_rows([message(1, 0, msg_id=ID), message(2, 1, msg_id=ID)], CATALOG, "me").steps
    assert [each.to_json()["data"]["msg_id"] for each in steps] == [ID, ID]


@pytest.mark.parametrize("origin", ["faults", "backend"])
def test_an_id_that_only_an_effect_of_a_frame_repeats_is_not_kept(origin: str) -> None:
    """Regression: the UI ignored the message in the second run, because it had one with this id."""
    rows = [message(1, 0, msg_id=ID), *(message(seq, 1, msg_id=ID, origin=origin) for seq in (2, 3))]
    assert transcript(*rows) == "alice: hi\n"


def test_an_id_of_an_effect_that_a_later_frame_refers_to_is_kept() -> None:
    rows = [message(1, 0, msg_id=ID, origin="priming"), message(2, 1, msg_id=ID)]
    (step,) = scenario_from_rows(rows, CATALOG, "me").steps
    assert step.to_json()["data"]["msg_id"] == ID


LITERAL = "use {{now}} or {{faker.name}}"


@pytest.mark.parametrize(
    "sent",
    [
        message(1, 0, LITERAL),
        message(1, 0, LITERAL, delivery_method="offline"),
        message(1, 0, LITERAL, msg_id="{{uuid}}"),
        row(1, 0, "", None, payload=f"raw {LITERAL}".encode()),
        row(1, 0, "x" * 300, {"text": LITERAL}),
    ],
)
def test_text_that_looks_like_a_template_is_sent_as_it_was(sent: Row) -> None:
    """Regression: the UI received the current time and another name."""
    (step,) = parse_transcript(transcript(sent)).steps
    expanded = resolve(step.to_json(), TemplateContext(wall=0.0))
    assert LITERAL in json.dumps(expanded, ensure_ascii=False)
    assert "{{uuid}}" not in sent.payload.decode() or "{{uuid}}" in json.dumps(expanded)


def test_recipients_and_frames_that_are_no_events_are_kept() -> None:
    rows = (
        typing(1, 0, True, client="user:bob"),
        row(2, 0, "", None, payload=b"no json", client="client:2"),
    )
    steps = scenario_from_rows(rows, CATALOG, "me").steps
    assert [each.to_json() for each in steps] == [
        {"typing": True, "as": "alice", "to": "user:bob"},
        {"frame": "no json", "to": "client:2"},
    ]
    transcript(*rows)


@pytest.mark.parametrize("note", ["sent as is; delivered to 1 client", "#3 again; delivered to 1 client"])
def test_raw_and_resent_frames_stay_frames(note: str) -> None:
    data = {"username": "alice", "typing": True}
    rows = (row(1, 0, "typing", data, note=note), row(2, 0, "friend_online", {"username": "bob"}, note=note))
    steps = scenario_from_rows(rows, CATALOG, "me").steps
    assert [each.to_json() for each in steps] == [{"frame": each.payload.decode()} for each in rows]
    transcript(*rows)


def test_rows_are_taken_in_their_order_and_none_make_an_empty_scenario() -> None:
    assert transcript(message(2, 1, "two"), message(1, 0, "one")) == "alice: one\nwait 1s\nalice: two\n"
    assert transcript() == ""


@pytest.mark.parametrize("origin", ["backend", "auto-reply", "priming", "faults", "rest", "server", "client 2"])
def test_what_the_companion_sends_again_by_itself_is_left_out(origin: str) -> None:
    assert transcript(message(1, 0, "cause"), typing(2, 1, True, origin=origin)) == "alice: cause\n"


def test_names_that_are_too_long_for_a_scenario_are_sent_as_frames_or_left_out() -> None:
    long = "x" * 300
    rows = (
        typing(1, 0, True, long),
        message(2, 1, user=long),
        row(3, 2, long, {}),
        row(4, 3, long, {"to": "alice"}, Kind.FROM_UI, "client 1"),
        message(5, 4),
    )
    session = scenario_from_rows(rows, CATALOG, "me", "t" * 300)
    read = parse_transcript(format_transcript(session))
    assert len(read.header.title) == 200
    assert sum("frame" in each.to_json() for each in read.steps) == 3
    assert read.steps == session.steps
