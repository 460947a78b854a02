"""Expectations: a test script says what the UI must send, and within which time."""

import asyncio
import json
from typing import Any

import pytest

from app.hub.journal import Kind
from tests.conftest import PATIENCE_S, until
from tests.endpoints.control_api import Control, online, typing


async def expect(control: Control, **body: Any) -> dict[str, Any]:
    answer = await control.post("/v1/expectations", body)
    assert answer.status == 200, answer.body
    assert list(answer.json) == ["met", "after_s", "row", "received_instead", "instead"]
    assert answer.json["after_s"] >= 0
    assert answer.json["met"] == (answer.json["row"] is not None)
    return dict(answer.json)


async def sent(control: Control, count: int) -> None:
    """Wait until so many frames of clients are in the journal."""
    await until(lambda: sum(row.kind is Kind.FROM_UI for row in control.companion.journal) >= count)


def where(to: str) -> dict[str, Any]:
    return {"data.to": to}


async def test_it_is_met_as_soon_as_the_client_sends_it(control: Control) -> None:
    client = await control.connect()
    await control.got("/v1/clients")  # the first caller waits until aiohttp is loaded
    waiting = asyncio.create_task(expect(control, event="typing", within=30))
    await asyncio.sleep(0.2)
    assert not waiting.done()
    await client.send(typing())
    told = await asyncio.wait_for(waiting, PATIENCE_S)
    assert told["met"]
    assert told["after_s"] > 0
    assert (told["row"]["event"], told["row"]["frame"], told["row"]["user"]) == ("typing", typing(), "me")
    assert told["received_instead"] == []


async def test_it_is_not_met_when_the_time_is_over_and_says_what_came_instead(control: Control) -> None:
    client = await control.connect()
    waiting = asyncio.create_task(expect(control, event="mark_read", within=0.4))
    await asyncio.sleep(0.1)
    for on in (True, False):
        await client.send(typing(on))
    await control.post("/v1/events", online())  # goes the other way: it does not count
    told = await waiting
    assert (told["met"], told["row"]) == (False, None)
    assert 0.39 <= told["after_s"] < 2  # uvloop counts time in whole milliseconds
    assert [each["frame"] for each in told["received_instead"]] == [typing(True), typing(False)]


async def test_frames_received_before_the_match_are_reported(control: Control) -> None:
    client = await control.connect()
    for to in ("bob", "carol", "alice", "dave"):
        await client.send(typing(to=to))
    await sent(control, 4)
    told = await expect(control, where=where("alice"), after=0, within=0)
    assert [json.loads(each["frame"])["data"]["to"] for each in told["received_instead"]] == ["bob", "carol"]


async def test_at_most_the_last_twenty_other_frames_are_reported(control: Control) -> None:
    client = await control.connect()
    for number in range(30):
        await client.send(typing(to=f"n{number}"))
    await sent(control, 30)
    told = await expect(control, event="mark_read", after=0, within=0)
    names = [json.loads(each["frame"])["data"]["to"] for each in told["received_instead"]]
    assert names == [f"n{number}" for number in range(10, 30)]


async def test_without_after_only_what_comes_from_now_on_counts(control: Control) -> None:
    client = await control.connect()
    await client.send(typing())
    await sent(control, 1)
    assert not (await expect(control, event="typing", within=0.05))["met"]


async def test_with_after_what_came_meanwhile_counts(control: Control) -> None:
    """Fire, then expect: the answer may have come between the two calls."""
    client = await control.connect()
    seq = (await control.post("/v1/events", online())).json["seq"]
    await asyncio.sleep(0.1)
    await client.send(typing())
    await sent(control, 1)
    await asyncio.sleep(0.1)
    told = await expect(control, event="typing", after=seq, within=0)
    assert told["met"]
    assert 0.09 < told["after_s"] < 0.19
    assert not (await expect(control, event="typing", after=told["row"]["seq"], within=0))["met"]


@pytest.mark.parametrize("after", [0, 2**53])
async def test_after_a_row_that_is_not_there_it_waits_as_ever(control: Control, after: int) -> None:
    client = await control.connect()
    waiting = asyncio.create_task(expect(control, event="typing", after=after, within=20))
    await asyncio.sleep(0.1)
    await client.send(typing())
    assert (await waiting)["met"]


async def test_the_time_is_never_negative(control: Control) -> None:
    client = await control.connect()
    await client.send(typing())
    await sent(control, 1)
    await asyncio.sleep(0.1)
    told = await expect(control, after=0, within=0)  # the helper looks at after_s
    assert told["met"]


@pytest.mark.parametrize(
    ("sender", "met"),
    [("", True), ("bob", True), ("client:2", True), ("me", False), ("client:1", False), ("client:02", False)],
)
async def test_the_sender_is_a_user_or_a_client(control: Control, sender: str, met: bool) -> None:
    await control.connect("me")
    client = await control.connect("bob")
    await client.send(typing())
    await sent(control, 1)
    assert (await expect(control, event="typing", sender=sender, after=0, within=0))["met"] is met


@pytest.mark.parametrize(
    ("wanted", "met"),
    [
        ({}, True),
        ({"data.typing": True}, True),
        ({"typing": True}, True),
        ({"data.typing": True, "to": "alice", "event": "typing"}, True),
        ({"data": {"to": "alice", "typing": True}}, True),
        ({"data.typing": False}, False),
        ({"data.typing": 1}, False),
        ({"data": {"to": "alice", "typing": 1}}, False),
        ({"data.typing": "true"}, False),
        ({"data.typing": None}, False),
        ({"data.nothing": None}, False),
        ({"data.to": "bob", "data.typing": True}, False),
        ({"data.to.x": "alice"}, False),
        ({"data.to[0]": "a"}, False),
    ],
    ids=json.dumps,
)
async def test_values_are_compared_as_json(control: Control, wanted: dict[str, Any], met: bool) -> None:
    client = await control.connect()
    await client.send(typing())
    await sent(control, 1)
    assert (await expect(control, where=wanted, after=0, within=0))["met"] is met


@pytest.mark.parametrize("path", ["", ".", "data..typing", "data.to[", "data.to[x]", "[0]"])
async def test_a_path_that_can_never_lead_anywhere_is_refused(control: Control, path: str) -> None:
    answer = await control.post("/v1/expectations", {"where": {path: 1}, "within": 0})
    assert answer.status == 422
    assert "invalid path" in answer.detail


@pytest.mark.parametrize("text", ["", "no JSON", '{"event":"typing","data":{}}', '{"event":"nothing","data":{}}'])
async def test_an_invalid_frame_matches_no_expectation_and_is_reported(control: Control, text: str) -> None:
    client = await control.connect()
    await client.send(text)
    await sent(control, 1)
    told = await expect(control, after=0, within=0)
    assert not told["met"]
    assert [(each["frame"], each["verdict"]) for each in told["received_instead"]] == [(text, "invalid")]


async def test_a_rest_call_of_the_ui_counts(control: Control) -> None:
    control.companion.settings.rest_port = 0
    assert await control.companion.start_service("rest")
    waiting = asyncio.create_task(expect(control, event="POST /messages", where={"text": "Hi"}, within=20))
    await asyncio.sleep(0.1)
    body = json.dumps({"to": "alice", "text": "Hi"}).encode()
    async with control._session.post(control.companion.rest.url + "/messages", data=body) as answer:
        assert answer.status == 200
    told = await asyncio.wait_for(waiting, PATIENCE_S)
    assert (told["met"], told["row"]["origin"], told["row"]["event"]) == (True, "rest", "POST /messages")


async def test_several_wait_for_their_own(control: Control) -> None:
    client = await control.connect()
    now = control.companion.journal.last_seq
    waiting = [asyncio.create_task(expect(control, where=where(f"n{n}"), after=now, within=20)) for n in range(20)]
    await asyncio.sleep(0.2)
    for number in reversed(range(20)):
        await client.send(typing(to=f"n{number}"))
    told = [await each for each in waiting]
    assert [json.loads(each["row"]["frame"])["data"]["to"] for each in told] == [f"n{n}" for n in range(20)]


async def test_a_caller_that_gives_up_leaves_a_calm_log(control: Control) -> None:
    client = await control.connect()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(expect(control, event="typing", within=1), 0.1)
    await client.send(typing())
    await sent(control, 1)
    assert (await control.get("/v1/status")).status == 200


@pytest.mark.parametrize(
    ("wanted", "told"),
    [
        ({"event": "typin"}, "did you mean typing?"),
        ({"event": "new_message"}, "There is no client event 'new_message'"),
        ({"event": "PUT /messages"}, "a REST call like"),
        ({"event": "typing", "where": {"data.typng": True}}, "did you mean typing?"),
        ({"event": "typing", "where": {"data.to": "alice", "text": "hi"}}, "typing has no field 'text'"),
    ],
    ids=str,
)
async def test_what_no_client_will_ever_send_is_refused_at_once(
    control: Control, wanted: dict[str, Any], told: str
) -> None:
    answer = await control.post("/v1/expectations", {**wanted, "within": 60})
    assert answer.status == 422
    assert told in answer.detail


async def test_a_non_strict_expectation_accepts_unknown_events_and_fields(control: Control) -> None:
    assert not (await expect(control, event="typin", where={"nothing": 1}, strict=False, within=0))["met"]
