"""Firing: events as they are, frames as they are, and events by name."""

import asyncio
import json
import sqlite3
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from websockets.exceptions import InvalidStatus

from app.hub import readiness
from app.hub.journal import Kind, Verdict
from tests.conftest import PATIENCE_S
from tests.endpoints.conftest import MakeControl
from tests.endpoints.control_api import Control, assert_nothing_received, frame, message, online
from tests.endpoints.http_client import PAGE, Answer


def recipients_and_warnings(answer: Answer) -> tuple[list[int], list[str]]:
    """Return the recipients and the warnings of a delivery."""
    assert answer.status == 200, answer.body
    assert list(answer.json) == ["seq", "delivered", "clients", "warnings", "note"]
    assert answer.json["delivered"] == len(answer.json["clients"])
    return answer.json["clients"], answer.json["warnings"]


# POST /v1/events


@pytest.mark.parametrize(
    ("to", "recipients"),
    [
        ("all", [1, 2, 3]),
        ("user:bob", [2, 3]),
        ("user:me", [1]),
        ("user:Bob", []),
        ("client:2", [2]),
        ("client:1,3", [1, 3]),
        ("client:3,1,99", [1, 3]),
        ("client:99", []),
    ],
)
async def test_an_event_reaches_only_its_recipients(control: Control, to: str, recipients: list[int]) -> None:
    clients = [await control.connect(name) for name in ("me", "bob", "bob")]
    event = message()
    assert recipients_and_warnings(await control.post("/v1/events", event, query={"to": to}))[0] == recipients
    for number, client in enumerate(clients, 1):
        if number in recipients:
            assert json.loads(await frame(client)) == event
        else:
            await assert_nothing_received(client)


async def test_the_answer_contains_the_number_of_the_row(control: Control) -> None:
    await control.connect()
    seq = (await control.post("/v1/events", online("bob"))).json["seq"]
    row = control.companion.journal.row(seq)
    assert row is not None
    assert (row.kind, row.event, row.origin, row.verdict) == (Kind.TO_UI, "friend_online", "control", Verdict.OK)
    assert [each["seq"] for each in await control.rows("is:injected")] == [seq]


async def test_an_event_is_stored_before_it_is_answered(make_control: MakeControl, tmp_path: Path) -> None:
    control = await make_control(chat_file=tmp_path / "chat.db")
    for number in range(20):
        event = message(f"Grüße {number} 👋")
        assert (await control.post("/v1/events", event)).status == 200
        with sqlite3.connect(f"file:{tmp_path / 'chat.db'}?mode=ro", uri=True) as other:
            ((count,),) = other.execute("SELECT count(*) FROM messages WHERE msg_id = ?", [event["data"]["msg_id"]])
        other.close()
        assert count == 1
        assert await control.stored(event["data"]["msg_id"]) == {**event["data"], "read": False}


async def test_without_a_client_an_event_is_stored_and_the_response_warns_that_it_was_not_sent(
    control: Control,
) -> None:
    event = message()
    assert recipients_and_warnings(await control.post("/v1/events", event)) == (
        [],
        ["not sent: no client is connected"],
    )
    assert await control.stored(event["data"]["msg_id"])


async def test_templates_in_events_are_not_resolved(control: Control) -> None:
    client = await control.connect()
    event = message("{{uuid}} {{now}} {{persona}} {{faker.name}} {{nothing}} {{")
    recipients_and_warnings(await control.post("/v1/events", event))
    assert json.loads(await frame(client)) == event
    stored = await control.stored(event["data"]["msg_id"])
    assert stored is not None
    assert stored["text"] == event["data"]["text"]


async def test_the_advice_of_the_warning_about_a_sent_message_resolves_it(control: Control) -> None:
    await control.connect()
    wrong: dict[str, Any] = {"event": "new_message", "set": {"data.direction": "sent"}}
    _, (warning,) = recipients_and_warnings(await control.post("/v1/trigger", wrong))
    assert "set from=me and to=alice" in warning
    right = {**wrong, "set": {"data.from": "me", "data.to": "alice", **wrong["set"]}}
    assert recipients_and_warnings(await control.post("/v1/trigger", right)) == ([1], [])


async def test_an_event_from_a_non_friend_is_sent_with_a_warning(control: Control) -> None:
    await control.connect()
    recipients, warnings = recipients_and_warnings(await control.post("/v1/events", message(**{"from": "zed"})))
    assert recipients == [1]
    assert [warning.partition(" is ")[0] for warning in warnings] == ["zed"]
    assert "not a friend in this chat state" in warnings[0]
    assert recipients_and_warnings(await control.post("/v1/events", message())) == ([1], [])


BROKEN: list[dict[str, Any]] = [
    {"event": "new_message", "data": {}},
    {"event": "friend_online", "data": {"username": 7}},
    {"event": "message_exploded", "data": {"x": 1}},
    {"event": "mark_read", "data": {}},
]


async def test_in_strict_mode_an_invalid_event_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    client = await control.connect()
    before, rows = await control.state(), control.companion.journal.last_seq
    for query in [{}, {"strict": 1}, {"strict": "true"}]:
        for event in BROKEN:
            with subtests.test(query=query, event=event):
                answer = await control.post("/v1/events", event, query=query)
                assert answer.status == 422
                assert answer.problem["problems"]
                await assert_nothing_received(client)
                assert (await control.state(), control.companion.journal.last_seq) == (before, rows)


@pytest.mark.parametrize("event", BROKEN, ids=json.dumps)
@pytest.mark.parametrize("query", [{"strict": 0}, {"strict": "false"}], ids=str)
async def test_in_non_strict_mode_an_invalid_event_is_sent_and_not_stored(
    control: Control, event: dict[str, Any], query: dict[str, object]
) -> None:
    client = await control.connect()
    before = await control.state()
    recipients, warnings = recipients_and_warnings(await control.post("/v1/events", event, query=query))
    assert (recipients, [each.partition(":")[0] for each in warnings]) == ([1], ["sent, not stored"])
    assert json.loads(await frame(client)) == event
    assert await control.state() == before
    assert (await control.rows("dir:s2c"))[-1]["verdict"] == "invalid"


async def test_in_non_strict_mode_a_valid_event_is_stored(control: Control) -> None:
    await control.connect()
    event = message()
    assert recipients_and_warnings(await control.post("/v1/events", event, query={"strict": 0})) == ([1], [])
    assert await control.stored(event["data"]["msg_id"])


async def test_while_paused_an_event_is_stored_and_not_sent(control: Control) -> None:
    client = await control.connect()
    await control.post("/v1/server/pause")
    event = message()
    assert recipients_and_warnings(await control.post("/v1/events", event)) == (
        [],
        [
            "not sent: sending is paused, and events fired meanwhile are not sent later. "
            "Resume sending, then fire again"
        ],
    )
    await assert_nothing_received(client)
    assert await control.stored(event["data"]["msg_id"])


# waiting for a client


@pytest.mark.parametrize("to", ["all", "user:bob", "client:2"])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/frames", "/v1/trigger"])
async def test_a_client_that_connects_within_the_wait_receives_the_event(
    control: Control, path: str, to: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "STAY_S", 0.1)
    if to != "all":
        await control.connect()
    body: Any = {"event": "friend_online"} if path == "/v1/trigger" else online("bob")
    query: dict[str, object] = {"to": to, "wait": 10}
    if path == "/v1/trigger":
        body, query = {**body, **query}, {}
    waiting = asyncio.create_task(control.post(path, body, query=query))
    await asyncio.sleep(0.1)
    assert not waiting.done()
    client = await control.connect("bob")
    assert len(recipients_and_warnings(await waiting)[0]) == 1
    assert json.loads(await frame(client))["event"] == "friend_online"


async def test_a_client_that_is_renamed_within_the_wait_receives_the_event(control: Control) -> None:
    await control.connect("me")
    waiting = asyncio.create_task(control.post("/v1/events", online(), query={"to": "user:bob", "wait": 10}))
    await asyncio.sleep(0.1)
    await control.patch("/v1/clients/1", {"username": "bob"})
    assert recipients_and_warnings(await waiting) == ([1], [])


async def test_wait_returns_immediately_if_a_client_is_already_connected(control: Control) -> None:
    await control.connect()
    answer = await asyncio.wait_for(control.post("/v1/events", online(), query={"wait": 3600}), PATIENCE_S)
    assert recipients_and_warnings(answer)[0] == [1]


@pytest.mark.parametrize("to", ["all", "user:bob"])
@pytest.mark.parametrize("path", ["/v1/events", "/v1/frames", "/v1/trigger"])
async def test_when_the_wait_times_out_nothing_is_sent_or_stored(control: Control, path: str, to: str) -> None:
    if to != "all":
        await control.connect()
    before, rows = await control.state(), control.companion.journal.last_seq
    body: Any = {"event": "new_message"} if path == "/v1/trigger" else message()
    query: dict[str, object] = {"to": to, "wait": 0.05}
    if path == "/v1/trigger":
        body, query = {**body, **query}, {}
    answer = await control.post(path, body, query=query)
    assert answer.status == 409
    assert (
        answer.detail
        == f"No client{'' if to == 'all' else f' for {to}'} was ready within 0.05 s. Nothing was sent."
    )
    assert (await control.state(), control.companion.journal.last_seq) == (before, rows)


async def test_a_page_that_was_refused_meanwhile_is_named_with_the_remedy(control: Control) -> None:
    """Regression: without the window, nothing said why the page was not connected; later, only ``wait`` did."""
    for origin in ("null", "http://localhost:5173"):
        with pytest.raises(InvalidStatus):
            await control.connect(origin=origin)
    remedy = (
        "A page of http://localhost:5173 was refused, because its origin is not allowed: allow it in Settings or "
        "with `companion server allow http://localhost:5173`, and reload the page."
    )
    answer = await control.post("/v1/events", online(), query={"wait": 0.05})
    assert answer.detail == f"No client was ready within 0.05 s. Nothing was sent. {remedy}"
    status = await control.get_json("/v1/status")
    assert remedy in status["warnings"]
    assert status["refused_page"] == remedy
    for path, body in (("/v1/events", online()), ("/v1/trigger", {"event": "new_message"})):
        assert (await control.post(path, body)).json["warnings"] == ["not sent: no client is connected", remedy]
    no_client = f"No client is connected. {remedy}"
    expected = await control.post("/v1/expectations", {"event": "typing", "within": 0})
    reported = await control.post("/v1/ui-state/expect", {"equal": True, "within": 0})
    assert expected.json["why_no_client"] == reported.json["why_no_client"] == no_client
    assert (await control.get("/v1/ui-state")).detail == no_client
    assert (await control.post("/v1/reconnects/lab", {})).detail == no_client
    await control.connect()
    assert remedy not in (await control.post("/v1/events", online(), query={"wait": 0.05})).detail, "too late"
    assert not (await control.post("/v1/expectations", {"event": "typing", "within": 0})).json["why_no_client"]
    await control.post("/v1/origins", {"origin": "http://localhost:5173"})
    assert (await control.get_json("/v1/status"))["warnings"] == []


async def test_an_event_waits_for_a_page_that_stays_connected(control: Control) -> None:
    """A development server opens connections that close after about 20 ms. They must not receive the event."""
    waiting = asyncio.create_task(control.post("/v1/events", online(), query={"wait": 10}))
    closed_page = await control.connect(origin=PAGE)
    await closed_page.close()
    page = await control.connect(origin=PAGE)
    assert recipients_and_warnings(await waiting) == ([2], [])
    assert json.loads(await frame(page))["event"] == "friend_online"
    assert not closed_page.recv_messages.frames


async def test_with_rest_an_event_waits_until_the_page_has_requested_its_friends(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readiness, "WITHOUT_FRIENDS_S", 3600.0)
    assert await control.companion.start_service("rest")
    page = await control.connect(origin=PAGE)
    too_early = await control.post("/v1/events", online("bob"), query={"wait": 0.7})
    assert too_early.status == 409
    async with aiohttp.ClientSession() as session:
        await session.get(f"{control.companion.rest.url}/friends", headers={"Origin": PAGE})
    assert recipients_and_warnings(await control.post("/v1/events", online(), query={"wait": 10})) == ([1], [])
    assert json.loads(await frame(page))["data"] == {"username": "alice"}


async def test_clients_that_connected_too_late_are_named(control: Control) -> None:
    await control.connect()
    answer = await control.post("/v1/events", online(), query={"wait": 0.05})
    assert answer.detail == ("No client was ready within 0.05 s: client 1 connected too late. Nothing was sent.")


async def test_a_cancelled_wait_causes_no_warnings(control: Control) -> None:
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(control.post("/v1/events", online(), query={"wait": 1}), 0.1)
    assert (await control.get("/v1/status")).status == 200


# POST /v1/frames


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "not JSON", '{"event":1', "{}\r\n\t", "Grüße 😀 \0 \x7f \u2028", "\ufeff{}", "{{uuid}}",
        "x" * 60_000,
    ],
    ids=lambda text: repr(text[:12]),
)  # fmt: skip
async def test_a_raw_frame_is_sent_unchanged(control: Control, text: str) -> None:
    client = await control.connect()
    assert recipients_and_warnings(await control.post("/v1/frames", text.encode()))[0] == [1]
    assert await frame(client) == text
    row = (await control.rows("dir:s2c"))[-1]
    assert (row["frame"], row["size"]) == (text, len(text.encode()))
    assert (row["verdict"], row["origin"]) == ("invalid", "control")
    assert row["note"].startswith("sent on purpose: ")


async def test_a_valid_raw_frame_changes_no_state(control: Control) -> None:
    client = await control.connect()
    before = await control.state()
    text = json.dumps(message(), indent=1)
    assert recipients_and_warnings(await control.post("/v1/frames", text.encode())) == ([1], [])
    assert await frame(client) == text
    assert await control.state() == before
    assert (await control.rows("dir:s2c"))[-1]["verdict"] == "ok"


async def test_a_frame_that_is_not_utf_8_is_rejected(control: Control) -> None:
    for body in (b"\xff", b"\xed\xa0\x80", b"ok \xc3"):
        answer = await control.post("/v1/frames", body)
        assert (answer.status, answer.detail) == (400, "The body is not UTF-8.")


async def test_without_a_body_the_frame_is_empty(control: Control) -> None:
    client = await control.connect()
    assert recipients_and_warnings(await control.post("/v1/frames"))[0] == [1]
    assert await frame(client) == ""


# POST /v1/trigger


async def trigger(control: Control, **body: Any) -> Answer:
    return await control.post("/v1/trigger", body)


@pytest.mark.parametrize("event", ["new_message", "friend_online", "friend_offline", "typing"])
async def test_an_event_is_triggered_by_its_name(control: Control, event: str) -> None:
    client = await control.connect()
    assert recipients_and_warnings(await trigger(control, event=event)) == ([1], [])
    event_received = json.loads(await frame(client))
    assert event_received["event"] == event
    assert "{{" not in json.dumps(event_received)


async def test_a_triggered_message_is_stored(control: Control) -> None:
    client = await control.connect()
    recipients_and_warnings(await trigger(control, event="new_message", set={"text": "by hand"}))
    data = json.loads(await frame(client))["data"]
    assert data["text"] == "by hand"
    assert await control.stored(data["msg_id"]) == {**data, "read": False}


async def test_values_are_set_and_removed_by_their_paths(control: Control) -> None:
    client = await control.connect()
    changes = {
        "data.text": "{{persona}} says {{faker.word}}",
        "from": "bob",
        "data.reactions": [],
        "reactions[0].emoji": "👍",
        "reactions[0].from": "carol",
    }
    recipients_and_warnings(
        await trigger(control, event="new_message", set=changes, remove=["data.delivery_method"], strict=False)
    )
    data = json.loads(await frame(client))["data"]
    assert data["from"] == "bob"
    assert data["text"].startswith("alice says ")
    assert data["reactions"] == [{"emoji": "👍", "from": "carol"}]
    assert "delivery_method" not in data


async def test_an_invalid_change_is_rejected_with_its_path(control: Control, subtests: pytest.Subtests) -> None:
    client = await control.connect()
    before = await control.state()
    cases: list[tuple[dict[str, Any], str]] = [
        ({"set": {"": 1}}, "invalid path"),
        ({"set": {"data..text": 1}}, "invalid path"),
        ({"set": {"data.text.x": 1}}, "there is no x"),
        ({"set": {"reactions[5].emoji": 1}}, "there is no [5]"),
        ({"remove": ["nothing"]}, "there is no nothing"),
        ({"remove": ["event"]}, "an event needs a name"),
        ({"remove": ["data"]}, "an event needs a name"),
        ({"set": {"event": 7}}, "an event needs a name"),
        ({"set": {"text": 7}}, "data.text"),
        ({"remove": ["text"]}, "data.text"),
        ({"set": {"extra": 7}}, "data.extra"),
        ({"set": {"data": 7}}, "data"),
    ]
    for changes, expected_detail in cases:
        with subtests.test(changes=changes, expected_detail=expected_detail):
            answer = await trigger(control, event="new_message", **changes)
            assert answer.status == 422
            assert expected_detail in answer.detail
            await assert_nothing_received(client)
            assert await control.state() == before


@pytest.mark.parametrize("steps", [40, 500, 20_000])
async def test_a_very_deep_path_is_rejected_or_sent(control: Control, steps: int) -> None:
    client = await control.connect()
    answer = await trigger(control, event="typing", set={"data.x" + ".x" * steps: 1}, strict=False)
    assert answer.status in (200, 422)
    if answer.status == 200:
        assert (await frame(client)).count('"x"') == steps + 1
    assert (await control.get("/v1/journal")).status == 200


async def test_in_non_strict_mode_an_invalid_triggered_event_is_sent(control: Control) -> None:
    client = await control.connect()
    before = await control.state()
    recipients_and_warnings(
        await trigger(control, event="new_message", remove=["text"], set={"extra": None}, strict=False)
    )
    data = json.loads(await frame(client))["data"]
    assert "text" not in data
    assert data["extra"] is None
    assert await control.state() == before


async def test_a_fixture_is_fired_by_its_name_or_its_last_part(control: Control) -> None:
    client = await control.connect()
    for name in ("basics/message", "BASICS/Message", "message"):
        assert recipients_and_warnings(await trigger(control, fixture=name, persona="carol")) == ([1], [])
        assert json.loads(await frame(client))["data"]["text"] == "Hi from carol!"


async def test_a_repeated_fixture_returns_the_number_of_the_last_row(control: Control) -> None:
    client = await control.connect()
    answer = await trigger(control, fixture="nasty/duplicate id")
    assert recipients_and_warnings(answer) == ([1], [])
    assert await frame(client) == await frame(client)
    assert answer.json["seq"] == control.companion.journal.last_seq


async def test_a_malformed_fixture_is_sent_in_strict_mode(control: Control) -> None:
    client = await control.connect()
    recipients_and_warnings(await trigger(control, fixture="nasty/empty frame"))
    assert await frame(client) == ""
    recipients_and_warnings(await trigger(control, fixture="nasty/unknown event"))
    assert json.loads(await frame(client))["event"] == "message_exploded"


async def test_a_raw_frame_fixture_cannot_be_changed(control: Control) -> None:
    answer = await trigger(control, fixture="nasty/empty frame", set={"text": "x"})
    assert (answer.status, "raw frame" in answer.detail) == (422, True)


async def test_an_ambiguous_fixture_name_lists_the_candidates(control: Control) -> None:
    answer = await trigger(control, fixture="typing")
    assert answer.status == 404
    assert "basics/typing" in answer.detail
    assert "guide/typing" in answer.detail


async def test_the_target_of_a_fixture_is_used_unless_another_is_given(control: Control) -> None:
    first, second = await control.connect("me"), await control.connect("bob")
    body = {**online(), "to": "user:bob"}
    assert (await control.put("/v1/fixtures/for%20bob", body)).status == 200
    assert recipients_and_warnings(await trigger(control, fixture="for bob"))[0] == [2]
    assert recipients_and_warnings(await trigger(control, fixture="for bob", to="client:1"))[0] == [1]
    assert await frame(first) == await frame(second)


async def test_the_same_seed_creates_the_same_values(control: Control) -> None:
    client = await control.connect()
    texts = []
    for seed in (7, 7, 8, None):
        recipients_and_warnings(
            await trigger(control, event="new_message", set={"text": "{{faker.sentence}}"}, seed=seed)
        )
        data = json.loads(await frame(client))["data"]
        texts.append((data["msg_id"], data["text"]))
    assert texts[0] == texts[1]
    assert len(set(texts)) == 3


async def test_the_persona_fills_the_event_template(control: Control) -> None:
    client = await control.connect()
    recipients_and_warnings(await trigger(control, event="friend_online", persona="carol"))
    assert json.loads(await frame(client))["data"]["username"] == "carol"


async def test_last_repeats_with_fresh_values(control: Control) -> None:
    client = await control.connect()
    answer = await trigger(control, last=True)
    assert (answer.status, answer.detail) == (409, "Nothing has been fired yet.")
    recipients_and_warnings(await trigger(control, event="new_message", set={"text": "again"}, persona="bob"))
    recipients_and_warnings(await trigger(control, last=True))
    first, second = json.loads(await frame(client))["data"], json.loads(await frame(client))["data"]
    assert (first["text"], first["from"]) == (second["text"], second["from"]) == ("again", "bob")
    assert first["msg_id"] != second["msg_id"]
    assert await control.stored(second["msg_id"])


async def test_last_waits_for_a_client_of_its_target(control: Control) -> None:
    """Regression: any ready client ended the wait, and without an event, the error came only after it."""
    answer = await trigger(control, last=True, wait=60)
    assert (answer.status, answer.detail) == (409, "Nothing has been fired yet.")
    await control.connect("alice")
    await trigger(control, event="typing", to="user:bob")
    answer = await trigger(control, last=True, wait=0.01)
    assert (answer.status, answer.detail) == (
        409, "No client for user:bob was ready within 0.01 s. Nothing was sent."
    )  # fmt: skip


async def test_last_ignores_rejected_events(control: Control) -> None:
    client = await control.connect()
    recipients_and_warnings(await trigger(control, event="typing"))
    assert (await trigger(control, event="friend_online", set={"username": 7})).status == 422
    recipients_and_warnings(await trigger(control, last=True))
    assert [json.loads(await frame(client))["event"] for _ in range(2)] == ["typing", "typing"]


async def test_exactly_one_of_event_fixture_and_last_is_required(
    control: Control, subtests: pytest.Subtests
) -> None:
    for body in [
        {},
        {"last": False},
        {"event": "", "fixture": ""},
        {"event": "typing", "fixture": "basics/message"},
        {"event": "typing", "last": True},
        {"fixture": "basics/message", "last": True},
        {"event": "typing", "fixture": "basics/message", "last": True},
    ]:
        with subtests.test(body=body):
            answer = await control.post("/v1/trigger", body)
            assert (answer.status, answer.detail) == (422, "Set exactly one of event, fixture and last.")


async def test_last_with_other_options_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    client = await control.connect()
    recipients_and_warnings(await trigger(control, event="new_message"))
    await frame(client)
    for options in (
        {"set": {"text": "x"}},
        {"remove": ["text"]},
        {"to": "client:9"},
        {"persona": "bob"},
        {"seed": 1},
    ):
        with subtests.test(options=options):
            answer = await trigger(control, last=True, **options)
            assert answer.status == 422
            assert next(iter(options)) in answer.detail
            await assert_nothing_received(client)


@pytest.mark.parametrize("expect", [True, False])
async def test_last_accepts_the_choice_to_expect_nothing(control: Control, expect: bool) -> None:
    client = await control.connect()
    recipients_and_warnings(await trigger(control, event="typing"))
    recipients_and_warnings(await trigger(control, last=True, expect=expect))
    assert [json.loads(await frame(client))["event"] for _ in range(2)] == ["typing", "typing"]


async def test_a_fixture_that_expects_a_rest_call_is_not_fired_without_the_rest_stand_in(control: Control) -> None:
    body = {"event": "typing", "data": {"username": "alice", "typing": True}, "expect": {"event": "POST /messages"}}
    assert (await control.put("/v1/fixtures/answer", body)).status == 200
    client = await control.connect()
    answer = await trigger(control, fixture="answer", expect=True)
    assert (answer.status, answer.detail.split(": ")[0]) == (
        422,
        "The expectation of the fixture cannot be met. No client can make the call POST /messages",
    )
    await assert_nothing_received(client)
    assert (await trigger(control, fixture="answer", expect=False)).status == 200


async def test_last_respects_the_wait_option(control: Control) -> None:
    recipients_and_warnings(await trigger(control, event="new_message"))
    rows = control.companion.journal.last_seq
    assert (await trigger(control, last=True, wait=0.05)).status == 409
    assert control.companion.journal.last_seq == rows


async def test_an_unknown_event_fixture_or_target_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    for body, status, expected_detail in [
        ({"event": "mark_read"}, 422, "mark_read"),
        ({"event": "nothing"}, 422, "nothing"),
        ({"event": "x" * 81}, 422, "at event"),
        ({"fixture": "nothing"}, 404, "'nothing'"),
        ({"fixture": "x" * 200}, 404, "There is no fixture"),
        ({"event": "typing", "to": "unknown"}, 422, "invalid target"),
        ({"event": "typing", "to": ""}, 422, "invalid target"),
    ]:
        with subtests.test(body=body, status=status):
            answer = await control.post("/v1/trigger", body)
            assert answer.status == status
            assert expected_detail in answer.detail
