"""Breakpoints in the control API, with real clients and REST calls."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest
from websockets.asyncio.client import connect

from app.hub.held_items import BreakpointOptions
from app.hub.origin import PANEL
from app.hub.pipeline import HELD
from tests.conftest import PATIENCE_S, MakeCompanion, until
from tests.endpoints.control_api import Control, frame, online, typing
from tests.endpoints.http_client import Rest


async def add(control: Control, filter_: str = "", **options: Any) -> int:
    answer = await control.post("/v1/breakpoints", {"filter": filter_, **options})
    assert answer.status == 200, answer.body
    return int(answer.json["id"])


async def held(control: Control) -> list[dict[str, Any]]:
    return list(await control.get_json("/v1/breakpoints/held"))


async def wait_for_held(control: Control, count: int = 1) -> list[dict[str, Any]]:
    await until(lambda: len(control.companion.breakpoints.held) >= count)
    return await held(control)


async def resolve(control: Control, item: int | str, action: str, **more: Any) -> Any:
    answer = await control.post(f"/v1/breakpoints/held/{item}", {"action": action, **more})
    assert answer.status == 200, answer.body
    return answer.json["resolved"]


async def test_breakpoints_are_added_listed_and_removed(control: Control) -> None:
    assert await control.get_json("/v1/breakpoints") == []
    assert not control.companion.hub.interceptors
    first = await add(control, "event:typing", direction="from_ui", hits=2, once=True, timeout_s=5)
    second = await add(control)
    defaults = {"filter": "", "direction": "all", "hits": 1, "once": False, "timeout_s": 60.0, "matches": 0}
    assert await control.get_json("/v1/breakpoints") == [
        {
            "id": first, "filter": "event:typing", "direction": "from_ui", "hits": 2, "once": True,
            "timeout_s": 5.0, "matches": 0,
        },
        {"id": second, **defaults},
    ]  # fmt: skip
    assert (await control.delete(f"/v1/breakpoints/{first}")).status == 204
    missing = await control.delete(f"/v1/breakpoints/{first}")
    assert (missing.status, missing.detail) == (404, f"There is no breakpoint {first}. Breakpoints: {second}.")
    assert (await control.delete("/v1/breakpoints/x")).status == 404
    assert (await control.delete("/v1/breakpoints")).json == {"removed": [second]}
    assert not control.companion.hub.interceptors


async def test_an_invalid_breakpoint_is_rejected(control: Control, subtests: pytest.Subtests) -> None:
    for body, error in [
        ({"filter": "is:odd"}, "Filter: invalid is:odd"),
        ({"filter": "@x"}, "there is no saved filter 'x'"),
        ({"direction": "up"}, "direction"),
        ({"hits": 0}, "hits must be at least 1"),
        ({"timeout_s": 601}, "timeout_s must be at most 600"),
        ({"timeout_s": 0}, "timeout_s must be at least 0.001"),
    ]:
        with subtests.test(body=body, error=error):
            answer = await control.post("/v1/breakpoints", body)
            assert answer.status == 422
            assert error in answer.detail
            assert await control.get_json("/v1/breakpoints") == []


async def test_a_fired_event_is_held_listed_and_modified(control: Control) -> None:
    client = await control.connect()
    number = await add(control, "event:new_message")
    fired = await control.post("/v1/trigger", {"event": "new_message", "set": {"text": "original"}})
    assert fired.json["delivered"] == 0
    assert fired.json["warnings"] == [HELD]
    (item,) = await held(control)
    assert {name: item[name] for name in ("id", "breakpoint", "kind", "direction", "event", "client", "user")} == {
        "id": 1, "breakpoint": number, "kind": "event", "direction": "to_ui", "event": "new_message",
        "client": "all", "user": "",
    }  # fmt: skip
    assert 59 < item["left_s"] <= 60
    msg_id = json.loads(item["text"])["data"]["msg_id"]
    assert await control.stored(msg_id) is None
    rejected = await control.post("/v1/breakpoints/held/1", {"action": "modify", "set": {"text": 7}})
    assert rejected.status == 422
    assert [each["path"] for each in rejected.problem["problems"]] == ["data.text"]
    assert len(await held(control)) == 1
    await resolve(control, 1, "modify", set={"text": "changed"})
    assert json.loads(await frame(client))["data"]["text"] == "changed"
    stored = await control.stored(msg_id)
    assert stored
    assert stored["text"] == "changed"
    rows = [row["event"] for row in await control.rows() if row["direction"] == "server"]
    assert rows[-3:] == ["breakpoint added", "held", "modified"]


async def test_waiting_for_something_held(control: Control) -> None:
    answer = await control.get_json("/v1/breakpoints/wait", within=0)
    assert answer == {"met": False, "held": []}
    waiting = asyncio.create_task(control.get_json("/v1/breakpoints/wait", within=30))
    await add(control)
    await asyncio.sleep(0.05)
    assert not waiting.done()
    await control.post("/v1/events", online())
    answer = await asyncio.wait_for(waiting, PATIENCE_S)
    assert (answer["met"], [each["event"] for each in answer["held"]]) == (True, ["friend_online"])


async def test_frames_behind_a_held_one_wait_and_pings_go_on(control: Control) -> None:
    """More frames than the library's queue holds: while it is full, the connection would read no pongs."""
    client = await control.connect()
    await add(control, "event:typing", direction="from_ui", once=True)
    names = [f"n{number}" for number in range(50)]
    for name in names:
        await client.send(typing(to=name))
    await wait_for_held(control)
    await asyncio.wait_for(await client.ping(), PATIENCE_S)
    assert await control.rows("dir:c2s") == []
    (resolved,) = await resolve(control, "all", "continue")
    assert json.loads(resolved["text"])["data"]["to"] == "n0"
    await until(lambda: sum(row.event == "typing" for row in control.companion.journal) == 50)
    rows = await control.rows("dir:c2s")
    assert [json.loads(row["frame"])["data"]["to"] for row in rows] == names


async def test_a_client_that_sends_too_much_behind_a_held_frame_stays_connected_until_it_leaves(
    control: Control, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Regression: no pongs were read, so it was closed with 1011, and stayed in the list of clients."""
    monkeypatch.setattr("app.hub.router.MAX_WAITING_BYTES", 5_000)
    client = await control.connect()
    await add(control, "event:typing")
    for number in range(100):
        await client.send(typing(to=f"n{number}"))
    await asyncio.wait_for(await client.ping(), PATIENCE_S)
    await wait_for_held(control)
    await client.close()
    await until(lambda: not control.companion.hub.clients)
    await until(lambda: not control.companion.breakpoints.held)
    handled = len(await control.rows("dir:c2s event:typing"))
    assert 0 < handled < 100
    left = [row.note for row in control.companion.journal if row.event == "dropped"]
    assert any("that it had sent behind a held one" in note for note in left)


async def test_a_client_that_disconnects_takes_its_held_frame_along(control: Control) -> None:
    client = await control.connect()
    await add(control, "event:typing")
    for _ in range(3):
        await client.send(typing())
    await wait_for_held(control)
    await client.close()
    await until(lambda: not control.companion.breakpoints.held)
    await until(lambda: sum(row.event == "dropped" for row in control.companion.journal) == 2)
    assert await control.rows("dir:c2s") == []


async def test_an_event_is_injected_with_default_values(control: Control) -> None:
    client = await control.connect()
    await add(control, "event:friend_online")
    await control.post("/v1/events", online())
    await resolve(control, 1, "inject", event="new_message", set={"text": "after"})
    first, second = json.loads(await frame(client)), json.loads(await frame(client))
    assert (first["event"], second["event"], second["data"]["text"]) == ("friend_online", "new_message", "after")
    await control.post("/v1/events", online())
    await resolve(control, 2, "inject", event="typing", data={"username": "bob", "typing": True}, to="user:nobody")
    assert json.loads(await frame(client))["event"] == "friend_online"
    await until(lambda: any(row.event == "typing" for row in control.companion.journal))
    rows = await control.rows("event:=typing")
    assert [row["note"] for row in rows] == ["not sent: no client acts as nobody"]


async def test_an_invalid_decision_is_rejected_and_the_item_stays_held(
    control: Control, subtests: pytest.Subtests
) -> None:
    await add(control)
    await control.post("/v1/events", online())
    for body, error in [
        ({"action": "inject"}, "The field event is missing"),
        ({"action": "inject", "event": "nothing"}, "unknown server event"),
        ({"action": "inject", "event": "typing", "data": {}}, "data.username: is missing"),
        ({"action": "inject", "event": "typing", "data": []}, "data"),
        ({"action": "inject", "event": "typing", "set": {"a..b": 1}}, "invalid path"),
        ({"action": "inject", "event": "typing", "to": "bob"}, "invalid target 'bob'"),
        ({"action": "modify"}, "Nothing is changed"),
        ({"action": "drop", "text": "x", "loose": True}, "The action drop does not use text, loose. Remove it."),
        ({"action": "explode"}, "action"),
    ]:
        with subtests.test(body=body, error=error):
            answer = await control.post("/v1/breakpoints/held/1", body)
            assert answer.status == 422
            assert error in answer.detail
            assert len(await held(control)) == 1


@pytest.mark.parametrize("item", ["7", "x"])
async def test_a_decision_about_an_item_that_is_not_held(control: Control, item: str) -> None:
    answer = await control.post(f"/v1/breakpoints/held/{item}", {"action": "drop"})
    assert answer.status == 404
    assert f"Item {item} is not held" in answer.detail
    assert await resolve(control, "all", "drop") == []


async def test_close_closes_the_client_of_a_frame_and_those_of_an_event(control: Control) -> None:
    sender, recipient = await control.connect("bob"), await control.connect("me")
    await add(control)
    await sender.send(typing())
    await control.post("/v1/events", online(), query={"to": "user:me"})
    await wait_for_held(control, 2)
    assert len(await resolve(control, "all", "close")) == 2
    await asyncio.wait_for(asyncio.gather(sender.wait_closed(), recipient.wait_closed()), PATIENCE_S)
    assert (sender.close_code, sender.close_reason) == (1001, "closed at breakpoint 1")
    assert recipient.close_code == 1001
    assert await control.rows("dir:c2s") == []
    assert await control.rows("event:friend_online dir:s2c") == []


# REST


async def start_rest(companion: Any) -> str:
    companion.settings.rest_port = 0
    assert await companion.start_service("rest")
    return str(companion.rest.url)


def post(session: aiohttp.ClientSession, url: str, text: str = "hi") -> "asyncio.Task[tuple[int, Any]]":
    async def run() -> tuple[int, Any]:
        async with session.post(f"{url}/messages", json={"to": "alice", "text": text}) as answer:
            return answer.status, await answer.json()

    return asyncio.create_task(run())


async def test_a_rest_call_is_modified_dropped_and_cut(control: Control) -> None:
    url = await start_rest(control.companion)
    await add(control, 'event:"POST /messages"', direction="rest")
    async with aiohttp.ClientSession() as session:
        call = post(session, url)
        (item,) = await wait_for_held(control)
        assert (item["event"], item["kind"], item["direction"]) == ("POST /messages", "rest_call", "rest")
        await resolve(control, item["id"], "modify", set={"text": "changed"})
        status, answer = await call
        assert status in (200, 202)
        stored = await control.stored(answer["msg_id"])
        assert stored
        assert stored["text"] == "changed"

        call = post(session, url, "dropped")
        await wait_for_held(control)
        await resolve(control, "all", "drop")
        status, answer = await call
        assert (status, "at breakpoint 1" in answer["error"]) == (503, True)

        call = post(session, url, "cut")
        await wait_for_held(control)
        await resolve(control, "all", "close")
        with pytest.raises(aiohttp.ClientConnectionError):
            await call
    texts = [each["text"] for each in (await control.state())["messages"]]
    assert not {"hi", "dropped", "cut"} & set(texts)


async def test_an_event_is_injected_after_a_rest_call(control: Control) -> None:
    url = await start_rest(control.companion)
    client = await control.connect()
    await add(control, direction="rest")
    async with aiohttp.ClientSession() as session:
        call = post(session, url)
        await wait_for_held(control)
        await resolve(control, "all", "inject", event="friend_offline", data={"username": "bob"})
        await call
    events = [row["event"] for row in await control.rows("-dir:server")]
    assert events.index("POST /messages") < events.index("friend_offline")
    while json.loads(await frame(client))["event"] != "friend_offline":
        pass


async def test_a_rest_call_whose_client_disconnects_is_not_held_any_more(control: Control) -> None:
    url = await start_rest(control.companion)
    await add(control, direction="rest")
    async with aiohttp.ClientSession() as session:
        call = post(session, url)
        await wait_for_held(control)
        call.cancel()
        await until(lambda: not control.companion.breakpoints.held)
    (row,) = await control.rows("event:dropped")
    assert row["note"].endswith("the client has disconnected")


async def test_stopping_the_rest_stand_in_releases_its_calls(rest: Rest) -> None:
    companion = rest.companion
    companion.breakpoints.add(BreakpointOptions())
    call = asyncio.create_task(rest.post("/messages", {"to": "alice", "text": "released"}))
    await until(lambda: companion.breakpoints.held)
    await companion.services["rest"].stop()
    assert (await call).status in (200, 202)
    assert companion.breakpoints.held == []


async def test_stop_and_close_release_what_is_held(make_companion: MakeCompanion) -> None:
    companion = await make_companion(prime_browsers=False)
    assert await companion.start()
    async with connect(companion.server.url, proxy=None) as client:
        companion.breakpoints.add(BreakpointOptions())
        for number in range(40):
            await client.send(typing(to=f"n{number}"))
        await until(lambda: companion.breakpoints.held)
        await companion.fire(companion.message_from("alice", "released"), origin=PANEL)
        await companion.stop()
        await until(lambda: not companion.breakpoints.held)
    messages, _ = await companion.chat.store.page("alice", 50, 0)
    assert messages[-1]["text"] == "released"
    await companion.fire(companion.message_from("alice", "released by close"), origin=PANEL)
    assert len(companion.breakpoints.held) == 1
    await companion.close()
    assert "new_message" in [row.event for row in list(companion.journal)[-3:]]
