"""REST calls that fail on purpose: what the UI gets, what changes, and what the log says."""

import asyncio
import json
from contextlib import suppress
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect

from app.hub.generated_values import GeneratedValues
from app.hub.held_items import BreakpointOptions
from app.hub.journal import Row, Verdict
from app.hub.rest_exchange import RestExchange
from app.hub.session_run import Options, SessionRun
from app.interceptors import rest_faults as module
from app.protocol.faults.rest import RestFault
from app.protocol.session.lines import parse_lines
from app.protocol.session.transcript import parse_transcript
from app.protocol.ui_stores import Flavour, UiStores
from app.sources.sessions import recorded_performer
from tests.conftest import PATIENCE_S, until
from tests.endpoints.http_client import PAGE, Answer, Rest
from tests.endpoints.raw import tcp_to
from tests.hub.doubles import FakeTime

MESSAGE = {"to": "alice", "text": "hi"}


def arm(rest: Rest, route: str, **effects: Any) -> None:
    rest.companion.faults.rest.arm(RestFault(route=route, **effects), seed=7)


async def count(rest: Rest) -> int:
    return len((await rest.state())["messages"])


async def test_a_status_is_the_answer_and_nothing_changes(rest: Rest) -> None:
    before = await count(rest)
    arm(rest, "POST /messages", status=503)
    answer = await rest.post("/messages", MESSAGE, headers={"Origin": PAGE})
    assert answer.status == 503
    assert "on purpose" in answer.error
    assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert await count(rest) == before
    assert (await rest.get("/friends")).status == 200
    rows = {row.event: row for row in rest.companion.journal}
    assert rows["fault"].note == "POST /messages: answered with 503 (faults, seed 7, draw 1)"
    assert rows["POST /messages"].note == "503: fault"


async def test_the_row_of_a_get_that_is_answered_by_a_fault_has_its_query(rest: Rest) -> None:
    arm(rest, "GET /messages", status=503)
    assert (await rest.get("/messages?peer=bob")).status == 503
    assert [row.payload for row in rest.companion.journal if row.event == "GET /messages"] == [b'{"peer": "bob"}']


async def test_offline_resets_a_call_that_would_hang_otherwise(rest: Rest) -> None:
    rest.companion.hub.clock = (fake := FakeTime()).clock
    arm(rest, "GET /friends", offline=True, hang=True)
    before = fake.clock.mono()
    with pytest.raises(aiohttp.ClientError):
        await rest.get("/friends")
    assert fake.clock.mono() == before


async def test_a_body_is_sent_unchanged(rest: Rest) -> None:
    arm(rest, "GET /friends", status=500, body="<html>")
    assert (await rest.get("/friends")).body == b"<html>"


async def test_a_delay_is_waited_for(rest: Rest) -> None:
    rest.companion.hub.clock = (fake := FakeTime()).clock
    arm(rest, "GET /friends", delay=1500)
    assert (await rest.get("/friends")).status == 200
    assert fake.passed == pytest.approx(1.5)


async def test_a_delayed_call_is_handled_when_its_fault_is_cleared(rest: Rest) -> None:
    arm(rest, "GET /friends", delay=600_000)
    call = asyncio.create_task(rest.get("/friends"))
    await until(lambda: any(row.event == "fault" for row in rest.companion.journal))
    rest.companion.faults.clear_all()
    assert (await call).status == 200


async def texts(rest: Rest) -> list[str]:
    return [each["text"] for each in (await rest.state())["messages"]]


async def delayed_message(rest: Rest) -> "asyncio.Task[Answer]":
    arm(rest, "POST /messages", delay=600_000)
    call = asyncio.create_task(rest.post("/messages", {"to": "alice", "text": "delayed"}))
    await until(lambda: rows(rest, "fault"))
    return call


@pytest.mark.parametrize("effects", [{"no_cors": True}, {"wrong_json": True}, {"status": 200}])
async def test_a_page_that_cannot_use_its_friends_list_has_not_loaded_it(
    rest: Rest, effects: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded: list[str] = []
    monkeypatch.setattr(rest.companion.readiness, "friends_requested", loaded.append)
    arm(rest, "GET /friends", **effects)
    await rest.get("/friends", headers={"Origin": PAGE})
    assert loaded == []
    rest.companion.faults.rest.clear()
    await rest.get("/friends", headers={"Origin": PAGE})
    assert loaded == [PAGE]


async def test_a_delayed_call_is_handled_before_a_session_uses_a_copy_of_the_chat_state(rest: Rest) -> None:
    """Regression: the message was stored in the copy, so the user's own state lacked it."""
    call = await delayed_message(rest)
    chat = rest.companion.chat
    await chat.begin_scratch()
    assert rows(rest, "POST /messages")
    await chat.reset()
    await chat.end_scratch(keep=False)
    assert "delayed" in await texts(rest)
    assert (await call).status in (200, 202)
    assert rows(rest, "fault")[-1].note == (
        "1 delayed REST call answered now: a session begins that uses a copy of the chat state"
    )


async def test_a_delayed_call_is_handled_before_the_copy_of_a_session_is_dropped(rest: Rest) -> None:
    """Regression: when the session cleared its fault, the message was stored in the user's own state."""
    chat = rest.companion.chat
    await chat.begin_scratch()
    call = await delayed_message(rest)
    rest.companion.faults.clear_all()
    await chat.end_scratch(keep=False)
    assert (await call).status in (200, 202)
    assert "delayed" not in await texts(rest)


async def play(rest: Rest, text: str, **options: Any) -> SessionRun:
    sessions = rest.companion.sessions
    run = sessions.start("s", parse_transcript(text), Options(**options))
    await sessions.wait(run)
    return run


async def test_a_delayed_call_does_not_get_the_time_and_the_ids_of_the_session_that_releases_it(rest: Rest) -> None:
    """Regression: the message in the user's own state was of 2001, and had the ID of each run with that seed."""
    call = await delayed_message(rest)
    assert (await play(rest, "state reset", start=1e9, seed=7)).passed
    assert (await call).status in (200, 202)
    (message,) = (each for each in (await rest.state())["messages"] if each["text"] == "delayed")
    assert not message["timestamp"].startswith("2001-")
    fixed = GeneratedValues(rest.companion.clock)
    fixed.fix(7, lambda: 1e9)
    assert message["msg_id"] != fixed.message_id()


async def test_a_delayed_call_does_not_meet_an_expectation_of_the_session_that_releases_it(rest: Rest) -> None:
    """Regression: it got its row after the session had begun."""
    call = await delayed_message(rest)
    run = await play(rest, "expect POST /messages within 20ms\nstate reset")
    assert [each.met for each in run.results] == [False]
    assert (await call).status in (200, 202)


async def test_a_delayed_call_is_not_the_recorded_one_of_a_replay_that_releases_it(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: it counted, and the message of the user's own state was taken for the recorded one."""
    monkeypatch.setattr(recorded_performer, "SYNC_S", 0.02)
    call = await delayed_message(rest)
    recording = parse_lines('{"session":1,"kind":"recording"}\n{"rest":"POST /messages","status":200}\n')
    sessions = rest.companion.sessions
    run = sessions.start("s", recording.session, Options(sync=True))
    await sessions.wait(run)
    assert [each.met for each in run.results] == [False]
    assert (await call).status in (200, 202)


async def test_a_held_call_is_not_awaited_before_it_continues(rest: Rest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Regression: each change of the chat state waited a second for it, and the log called it delayed."""
    monkeypatch.setattr(module, "RELEASE_S", 600.0)
    rest.companion.breakpoints.add(BreakpointOptions(filter="event:/messages"))
    calls = []
    all_effects: list[dict[str, Any]] = [{"no_cors": True}, {"delay": 1}]
    for number, effects in enumerate(all_effects, 1):
        arm(rest, "POST /messages", **effects)
        calls.append(asyncio.create_task(rest.post("/messages", MESSAGE)))
        await until(lambda number=number: len(rest.companion.breakpoints.held) == number)
    calls.append(await delayed_message(rest))
    await until(lambda: len(rows(rest, "fault")) == 3)
    async with asyncio.timeout(PATIENCE_S):
        await rest.companion.chat.reset()
    assert [(await each).status in (200, 202) for each in calls] == [True] * 3
    events = [row.event for row in rest.companion.journal]
    end = events.index("chat state reset")
    assert [each for each in events[:end] if each in ("continued", "fault", "POST /messages")] == [
        *["fault"] * 3, "continued", "continued", "fault", *["POST /messages"] * 3,
    ]  # fmt: skip
    assert rows(rest, "fault")[-1].note.startswith("1 delayed REST call answered now: ")


async def test_offline_resets_the_connection(rest: Rest) -> None:
    before = await count(rest)
    arm(rest, "POST /messages", offline=True)
    with pytest.raises(aiohttp.ClientError):
        await rest.post("/messages", MESSAGE)
    assert await count(rest) == before
    rest.companion.faults.clear_all()
    assert (await rest.post("/messages", MESSAGE)).status in (200, 202)


async def test_offline_does_not_wait_for_a_body_that_does_not_come(
    rest: Rest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.endpoints.body.BODY_TIMEOUT_S", 3600.0)
    arm(rest, "POST /messages", offline=True)
    port = rest.companion.rest.port
    async with tcp_to(port) as client:
        await client.send(
            f"POST /messages HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: 9\r\n\r\n{{".encode()
        )
        with suppress(ConnectionError):
            assert await client.receive() == b""
    await until(lambda: rows(rest, "POST /messages"))


async def test_a_call_that_hangs_ends_when_the_fault_is_cleared_or_the_server_stops(rest: Rest) -> None:
    arm(rest, "POST /messages", hang=True)
    calls = [asyncio.create_task(rest.post("/messages", MESSAGE)) for _ in range(2)]
    await until(lambda: sum(row.event == "fault" for row in rest.companion.journal) == 2)
    assert not any(each.done() for each in calls)
    rest.companion.faults.clear_all()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(each, aiohttp.ClientError) for each in results)
    arm(rest, "POST /messages", hang=True)
    call = asyncio.create_task(rest.post("/messages", MESSAGE))
    await until(lambda: sum(row.event == "fault" for row in rest.companion.journal) == 3)
    await rest.companion.services.stop("rest")
    with pytest.raises(aiohttp.ClientError):
        await call


def rows(rest: Rest, event: str) -> list[Row]:
    return [row for row in rest.companion.journal if row.event == event]


@pytest.mark.parametrize("effects", [{"offline": True}, {"hang": True}])
async def test_a_call_without_an_answer_was_sent(rest: Rest, effects: dict[str, Any]) -> None:
    seen: list[RestExchange] = []
    rest.companion.hub.rest_exchanges.connect(seen.append)
    arm(rest, "POST /messages", **effects)
    call = asyncio.create_task(rest.post("/messages", MESSAGE, headers={"Origin": PAGE}))
    await until(lambda: seen)
    (row,) = rows(rest, "POST /messages")
    assert (json.loads(row.payload), row.verdict) == (MESSAGE, Verdict.WARNING)
    assert row.note.endswith("(faults, seed 7, draw 1)")
    rest.companion.faults.clear_all()
    assert isinstance((await asyncio.gather(call, return_exceptions=True))[0], aiohttp.ClientError)
    assert [(each.status, json.loads(each.request), each.response, each.seq) for each in seen] == [
        (0, MESSAGE, b"", row.seq)
    ]


async def test_wrong_json_cannot_be_parsed_and_the_call_has_its_effect(rest: Rest) -> None:
    before = await count(rest)
    arm(rest, "POST /messages", wrong_json=True)
    answer = await rest.post("/messages", MESSAGE)
    assert answer.status in (200, 202)
    with pytest.raises(json.JSONDecodeError):
        _ = answer.json
    assert await count(rest) == before + 1


async def test_without_the_cors_header_a_page_cannot_read_the_answer(rest: Rest) -> None:
    arm(rest, "GET /friends", no_cors=True)
    answer = await rest.get("/friends", headers={"Origin": PAGE})
    assert answer.status == 200
    assert "Access-Control-Allow-Origin" not in answer.headers
    assert "Access-Control-Allow-Origin" in (await rest.get("/status", headers={"Origin": PAGE})).headers


async def test_a_preflight_is_answered_normally(rest: Rest) -> None:
    arm(rest, "* /*", status=503)
    answer = await rest.call("OPTIONS", "/messages", headers={"Origin": PAGE})
    assert answer.status == 204


async def test_a_rate_and_a_count_decide_the_same_every_time(rest: Rest) -> None:
    async def statuses() -> list[int]:
        arm(rest, "GET /friends", status=503, rate=0.5, count=3)
        return [(await rest.get("/friends")).status for _ in range(20)]

    first = await statuses()
    assert first.count(503) == 3
    assert await statuses() == first


@pytest.mark.parametrize(
    "effects",
    [
        {"wrong_json": True},
        {"status": 200, "body": "[1, 2"},
        {"status": 200, "body": '{"a": 1}'},
    ],
)
async def test_the_expected_state_of_the_ui_copes_with_wrong_answers(rest: Rest, effects: dict[str, Any]) -> None:
    """A UI that gets them keeps what it has."""
    headers = {"Origin": PAGE, "User-Agent": "A browser"}
    states = rest.companion.ui_states
    async with connect(rest.companion.server.url, origin=PAGE, user_agent_header="A browser", proxy=None):
        await until(lambda: rest.companion.hub.clients)
        client = rest.companion.hub.clients[0].id
        await rest.get("/friends", headers=headers)
        before = (await states.expected(client, Flavour.GUIDE)).stores.contacts
        assert len(before) == 4
        arm(rest, "* /*", **effects)
        for path in ("/friends", "/status", "/messages?peer=alice"):
            await rest.get(path, headers=headers)
        assert (await states.expected(client, Flavour.GUIDE)).stores.contacts == before


@pytest.mark.parametrize("status", [204, 205, 304])
async def test_a_status_without_a_body_is_not_expected_to_change_more_than_it_does(rest: Rest, status: int) -> None:
    """Regression: the body that is not sent, or that a page does not get, was in the expected state."""
    headers = {"Origin": PAGE, "User-Agent": "A browser"}
    exchanges: list[RestExchange] = []
    rest.companion.hub.rest_exchanges.connect(exchanges.append)
    async with connect(rest.companion.server.url, origin=PAGE, user_agent_header="A browser", proxy=None):
        await until(lambda: rest.companion.hub.clients)
        client = rest.companion.hub.clients[0].id
        for path in ("/friends", "/status"):
            await rest.get(path, headers=headers)
        before = (await rest.companion.ui_states.expected(client, Flavour.GUIDE)).stores
        assert before.backend_connected
        arm(rest, "* /*", status=status)
        await rest.post("/friends", {"username": "eve"}, headers=headers)
        await rest.post("/messages", MESSAGE, headers=headers)
        await rest.get("/status", headers=headers)
        after = (await rest.companion.ui_states.expected(client, Flavour.GUIDE)).stores
    assert (after.contacts, after.messages) == (before.contacts, before.messages)
    assert not after.backend_connected
    assert [each.response for each in exchanges[2:]] == [b""] * 3


async def test_a_ui_that_gets_no_readable_answer_is_expected_to_know_that(rest: Rest) -> None:
    headers = {"Origin": PAGE, "User-Agent": "A browser"}
    async with connect(rest.companion.server.url, origin=PAGE, user_agent_header="A browser", proxy=None):
        await until(lambda: rest.companion.hub.clients)
        client = rest.companion.hub.clients[0].id
        seen: list[RestExchange] = []
        rest.companion.hub.rest_exchanges.connect(seen.append)

        async def stores() -> UiStores:
            return (await rest.companion.ui_states.expected(client, Flavour.GUIDE)).stores

        async def failing(path: str) -> None:
            with pytest.raises(aiohttp.ClientError):
                await rest.get(path, headers=headers)

        await rest.get("/status", headers=headers)
        assert (await stores()).backend_connected
        arm(rest, "GET /status", offline=True)
        await failing("/status")
        assert not (await stores()).backend_connected, [
            (x.path, x.query, x.status, x.started, x.ended, x.seq) for x in seen
        ][-2:]

        arm(rest, "GET /messages", offline=True)
        await failing("/messages?peer=alice&offset=0")
        assert (await stores()).active_chat == "alice"
        arm(rest, "GET /messages", hang=True)
        count = len(seen)
        call = asyncio.create_task(rest.get("/messages?peer=bob&offset=0", headers=headers))
        await until(lambda: len(seen) > count)
        assert (await stores()).active_chat == "bob"

        arm(rest, "GET /status", no_cors=True, count=1)
        await rest.get("/status", headers=headers)
        assert not (await stores()).backend_connected, [
            (x.path, x.query, x.status, x.started, x.ended, x.seq) for x in seen
        ][-2:]
        await rest.get("/status", headers=headers)
        assert (await stores()).backend_connected
        arm(rest, "GET /status", hang=True)
        poll = asyncio.create_task(rest.get("/status", headers=headers))
        await until(lambda: rows(rest, "GET /status")[-1].note.startswith("never answered"))
        assert (await stores()).backend_connected, "it is still waiting"

        before = (await stores()).messages
        arm(rest, "POST /messages", no_cors=True)
        assert (await rest.post("/messages", MESSAGE, headers=headers)).status in (200, 202)
        assert (await stores()).messages == before
        row = rows(rest, "POST /messages")[-1]
        assert (row.verdict, row.note) == (Verdict.WARNING, "200: no CORS header")

        rest.companion.faults.clear_all()
        await asyncio.gather(call, poll, return_exceptions=True)
        hung = [each for each in seen if (each.path, each.status, each.seq) == ("/status", 0, 0)]
        assert len(hung) == 1, "it failed in the end; a client may have repeated it"
