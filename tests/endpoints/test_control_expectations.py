"""Expectations in the control API: a test script waits for an event of the UI."""

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
    fields = ["met", "after_s", "row", "received_instead", "instead", "earlier", "why_no_client"]
    assert list(answer.json) == fields
    assert answer.json["after_s"] >= 0
    assert answer.json["met"] == (answer.json["row"] is not None)
    return dict(answer.json)


async def wait_for_client_frames(control: Control, count: int) -> None:
    """Wait until the journal contains at least ``count`` client frames."""
    await until(lambda: sum(row.kind is Kind.FROM_UI for row in control.companion.journal) >= count)


async def start_expecting(control: Control, **body: Any) -> "asyncio.Task[dict[str, Any]]":
    """Start an expectation. Return when it waits: a frame that is sent now counts."""
    listeners = control.companion.journal.appended._listeners
    before = len(listeners)
    waiting = asyncio.create_task(expect(control, **body))
    await until(lambda: len(listeners) > before)
    return waiting


def where(to: str) -> dict[str, Any]:
    return {"data.to": to}


async def test_an_expectation_is_met_when_the_client_sends_the_event(control: Control) -> None:
    client = await control.connect()
    waiting = await start_expecting(control, event="typing", within=30)
    assert not waiting.done()
    await client.send(typing())
    result = await asyncio.wait_for(waiting, PATIENCE_S)
    assert result["met"]
    assert result["after_s"] > 0
    assert (result["row"]["event"], result["row"]["frame"], result["row"]["user"]) == ("typing", typing(), "me")
    assert result["received_instead"] == []
    assert not control.companion.has_faults, "an expectation loads no part that it does not need"


async def test_an_expectation_times_out_with_the_frames_received_instead(control: Control) -> None:
    client = await control.connect()
    before = control.companion.journal.last_seq
    for on in (True, False):
        await client.send(typing(on))
    await wait_for_client_frames(control, 2)
    await control.post("/v1/events", online())  # a frame to the UI does not count
    result = await expect(control, event="mark_read", after=before, within=0.1)
    assert (result["met"], result["row"]) == (False, None)
    assert result["after_s"] >= 0.09  # the clock of uvloop has a resolution of one millisecond
    assert [each["frame"] for each in result["received_instead"]] == [typing(True), typing(False)]


async def test_frames_received_before_the_match_are_reported(control: Control) -> None:
    client = await control.connect()
    for to in ("bob", "carol", "alice", "dave"):
        await client.send(typing(to=to))
    await wait_for_client_frames(control, 4)
    result = await expect(control, where=where("alice"), after=0, within=0)
    assert [json.loads(each["frame"])["data"]["to"] for each in result["received_instead"]] == ["bob", "carol"]


async def test_at_most_the_last_twenty_other_frames_are_reported(control: Control) -> None:
    client = await control.connect()
    for number in range(30):
        await client.send(typing(to=f"n{number}"))
    await wait_for_client_frames(control, 30)
    result = await expect(control, event="mark_read", after=0, within=0)
    names = [json.loads(each["frame"])["data"]["to"] for each in result["received_instead"]]
    assert names == [f"n{number}" for number in range(10, 30)]


async def test_without_after_earlier_frames_are_ignored(control: Control) -> None:
    client = await control.connect()
    await client.send(typing())
    await wait_for_client_frames(control, 1)
    assert not (await expect(control, event="typing", within=0.05))["met"]


async def test_with_after_frames_since_that_row_match(control: Control) -> None:
    """The answer of the UI may arrive between the calls of fire and expect."""
    client = await control.connect()
    seq = (await control.post("/v1/events", online())).json["seq"]
    await client.send(typing())
    await wait_for_client_frames(control, 1)
    result = await expect(control, event="typing", after=seq, within=0)
    assert result["met"]
    fired, received = (control.companion.journal.row(each) for each in (seq, result["row"]["seq"]))
    assert fired
    assert received
    assert result["after_s"] == pytest.approx(received.mono - fired.mono, abs=1e-6)
    assert not (await expect(control, event="typing", after=result["row"]["seq"], within=0))["met"]


@pytest.mark.parametrize("after", [0, 2**53])
async def test_after_an_unknown_row_it_waits_for_new_frames(control: Control, after: int) -> None:
    client = await control.connect()
    waiting = await start_expecting(control, event="typing", after=after, within=20)
    await client.send(typing())
    assert (await waiting)["met"]


async def test_the_delay_is_never_negative(control: Control) -> None:
    client = await control.connect()
    await client.send(typing())
    await wait_for_client_frames(control, 1)
    await asyncio.sleep(0.1)
    result = await expect(control, after=0, within=0)  # expect() checks that after_s is not negative
    assert result["met"]


async def test_the_sender_is_a_user_or_a_client(control: Control, subtests: pytest.Subtests) -> None:
    await control.connect("me")
    client = await control.connect("bob")
    await client.send(typing())
    await wait_for_client_frames(control, 1)
    for sender, met in [
        ("", True),
        ("bob", True),
        ("client:2", True),
        ("me", False),
        ("client:1", False),
        ("client:02", False),
    ]:
        with subtests.test(sender=sender, met=met):
            assert (await expect(control, event="typing", sender=sender, after=0, within=0))["met"] is met


async def test_values_are_compared_as_json(control: Control, subtests: pytest.Subtests) -> None:
    client = await control.connect()
    await client.send(typing())
    await wait_for_client_frames(control, 1)
    for conditions, met in [
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
    ]:
        with subtests.test(conditions=conditions, met=met):
            assert (await expect(control, where=conditions, after=0, within=0))["met"] is met


async def test_an_invalid_path_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    for path in ["", ".", "data..typing", "data.to[", "data.to[x]", "[0]"]:
        with subtests.test(path=path):
            answer = await control.post("/v1/expectations", {"where": {path: 1}, "within": 0})
            assert answer.status == 422
            assert "invalid path" in answer.detail


@pytest.mark.parametrize("text", ["", "not JSON", '{"event":"typing","data":{}}', '{"event":"nothing","data":{}}'])
async def test_an_invalid_frame_matches_no_expectation_and_is_reported(control: Control, text: str) -> None:
    client = await control.connect()
    await client.send(text)
    await wait_for_client_frames(control, 1)
    result = await expect(control, after=0, within=0)
    assert not result["met"]
    assert [(each["frame"], each["verdict"]) for each in result["received_instead"]] == [(text, "invalid")]


async def test_a_rest_call_of_the_ui_matches(control: Control) -> None:
    control.companion.settings.rest_port = 0
    assert await control.companion.start_service("rest")
    waiting = await start_expecting(control, event="POST /messages", where={"text": "Hi"}, within=20)
    body = json.dumps({"to": "alice", "text": "Hi"}).encode()
    async with control._session.post(control.companion.rest.url + "/messages", data=body) as answer:
        assert answer.status == 200
    result = await asyncio.wait_for(waiting, PATIENCE_S)
    assert (result["met"], result["row"]["origin"], result["row"]["event"]) == (True, "rest", "POST /messages")


async def test_without_the_rest_stand_in_a_rest_call_is_rejected_immediately(control: Control) -> None:
    call = {"event": "POST /messages", "within": 3600}
    answer = await asyncio.wait_for(control.post("/v1/expectations", call), PATIENCE_S)
    assert (answer.status, answer.detail.split(": ")[0]) == (422, "No client can make the call POST /messages")
    assert not (await expect(control, event="POST /messages", strict=False, within=0))["met"]
    control.companion.settings.rest_port = 0
    assert await control.companion.start_service("rest")
    async with control._session.get(control.companion.rest.url + "/messages?peer=bob") as given:
        assert given.status == 200
    await control.companion.services.stop("rest")
    earlier = await expect(control, event="GET /messages", after=0, within=3600)
    assert earlier["met"], "what was sent before it was stopped"
    answer = await control.post("/v1/expectations", {**call, "after": 0})
    assert answer.detail == "No client can make the call POST /messages: the REST stand-in is stopped."


async def test_concurrent_expectations_match_their_own_events(control: Control) -> None:
    client = await control.connect()
    now = control.companion.journal.last_seq
    waiting = [asyncio.create_task(expect(control, where=where(f"n{n}"), after=now, within=20)) for n in range(20)]
    await asyncio.sleep(0.2)
    for number in reversed(range(20)):
        await client.send(typing(to=f"n{number}"))
    results = [await each for each in waiting]
    assert [json.loads(each["row"]["frame"])["data"]["to"] for each in results] == [f"n{n}" for n in range(20)]


async def test_a_cancelled_request_causes_no_warnings(control: Control) -> None:
    client = await control.connect()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(expect(control, event="typing", within=1), 0.1)
    await client.send(typing())
    await wait_for_client_frames(control, 1)
    assert (await control.get("/v1/status")).status == 200


async def test_an_impossible_expectation_is_rejected_immediately(
    control: Control, subtests: pytest.Subtests
) -> None:
    cases: list[tuple[dict[str, object], str]] = [
        ({"event": "typin"}, "did you mean typing?"),
        ({"event": "new_message"}, "There is no client event 'new_message'"),
        ({"event": "PUT /messages"}, "a REST call like"),
        ({"event": "typing", "where": {"data.typng": True}}, "did you mean typing?"),
        ({"event": "typing", "where": {"data.to": "alice", "text": "hi"}}, "typing has no field 'text'"),
    ]
    for expectation, expected_error in cases:
        with subtests.test(expectation=expectation, expected_error=expected_error):
            answer = await control.post("/v1/expectations", {**expectation, "within": 60})
            assert answer.status == 422
            assert expected_error in answer.detail


async def test_a_non_strict_expectation_accepts_unknown_events_and_fields(control: Control) -> None:
    assert not (await expect(control, event="typin", where={"nothing": 1}, strict=False, within=0))["met"]


async def test_a_row_that_came_too_early_is_named(control: Control) -> None:
    client = await control.connect()
    await client.send(typing(True))
    await client.send(typing(False))
    await wait_for_client_frames(control, 2)
    missed = await expect(control, event="typing", where={"data.typing": True}, within=0.05)
    assert missed["earlier"]["frame"] == typing(True)
    again = await expect(control, event="typing", within=0.05, after=missed["earlier"]["seq"] - 1)
    assert (again["met"], again["earlier"]) == (True, None)
    assert (await expect(control, event="mark_read", within=0.05))["earlier"] is None


async def test_a_call_that_the_backend_does_not_have_is_refused_at_once(control: Control) -> None:
    """Regression: a mistyped path was waited for until the timeout."""
    assert await control.companion.start_service("rest")
    expected = {"event": "get /frends", "within": 30}
    refused = await control.post("/v1/expectations", expected)
    assert refused.status == 422
    assert refused.detail.startswith("The REST API has no 'GET /frends'; did you mean GET /friends?")
    loose = await control.post("/v1/expectations", {**expected, "within": 0, "strict": False})
    assert not loose.json["met"]
    fault = {"route": "get /fr*", "status": 200}
    assert (await control.put("/v1/faults/rest", {"fault": fault})).status == 200
    assert not (await control.post("/v1/expectations", {**expected, "within": 0})).json["met"]
    cleared = await control.delete("/v1/faults", query={"route": "Get /fr*"})
    assert cleared.json["cleared"] == 1
