"""Interceptors hold, change and drop causes of the assembled companion: fired events, client frames, REST calls."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from app.companion import Companion
from app.hub.causes import Cause, ClientFrame, FiredEvent, FiredFrame, RestCall
from app.hub.journal import Kind
from app.hub.origin import PANEL
from app.hub.rest_exchange import RestExchange
from app.protocol.envelope import Envelope
from tests.conftest import Connect, until
from tests.endpoints.http_client import Rest
from tests.hub.doubles import RecordingTransport

ONLINE = Envelope("friend_online", {"username": "bob"})


class Breakpoint:
    """Holds every cause of one kind."""

    def __init__(self, companion: Companion, kind: type[Cause]) -> None:
        self.held: list[Any] = []
        self._kind = kind
        self.remove = companion.hub.interceptors.add(self._intercept).remove

    def _intercept(self, cause: Cause) -> Cause | None:
        if not isinstance(cause, self._kind):
            return cause
        self.held.append(cause)
        return None


def events(companion: Companion) -> list[str]:
    return [row.event for row in companion.journal]


async def test_a_fired_event_is_held_before_it_is_stored_changed_and_released(
    companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    breakpoint_ = Breakpoint(companion, FiredEvent)
    message = companion.message_from("alice", "original")
    delivery = await companion.fire(message, origin=PANEL)
    assert (delivery.held, delivery.delivered) == (True, 0)
    before, _ = await companion.chat.store.page("alice", 50, 0)
    assert "original" not in [each["text"] for each in before]

    (held,) = breakpoint_.held
    held.resume(held.changed(event=Envelope(message.event, {**message.data, "text": "changed"})))
    assert json.loads(await client.recv())["data"]["text"] == "changed"
    after, _ = await companion.chat.store.page("alice", 50, 0)
    assert [each["text"] for each in after][-1] == "changed"


async def test_events_that_are_fired_later_are_not_delayed_by_a_held_one(
    companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    breakpoint_ = Breakpoint(companion, FiredEvent)
    await companion.fire(ONLINE, origin=PANEL)
    breakpoint_.remove()
    await companion.fire(Envelope("typing", {"username": "alice", "typing": True}), origin=PANEL)
    assert json.loads(await client.recv())["event"] == "typing"
    breakpoint_.held[0].resume()
    assert json.loads(await client.recv())["event"] == "friend_online"


async def test_a_dropped_event_changes_nothing_and_is_logged(companion: Companion) -> None:
    breakpoint_ = Breakpoint(companion, FiredEvent)
    await companion.fire(ONLINE, origin=PANEL)
    breakpoint_.held[0].drop("dropped by breakpoint 1")
    await until(lambda: "dropped" in events(companion))
    assert "friend_online" not in events(companion)
    assert not companion.chat.presence["bob"]


async def test_an_event_that_an_interceptor_made_invalid_is_not_sent_and_its_problem_is_logged(
    companion: Companion,
) -> None:
    breakpoint_ = Breakpoint(companion, FiredEvent)
    await companion.fire(ONLINE, origin=PANEL)
    breakpoint_.held[0].resume(breakpoint_.held[0].changed(event=Envelope("friend_online", {})))
    await until(lambda: "not sent" in events(companion))
    (row,) = [row for row in companion.journal if row.event == "not sent"]
    assert "data.username: is missing" in row.note


async def test_a_raw_frame_is_held_and_changed(companion: Companion, connect_client: Connect) -> None:
    client = await connect_client()
    breakpoint_ = Breakpoint(companion, FiredFrame)
    await companion.send_raw("{nope", origin=PANEL)
    (held,) = breakpoint_.held
    held.resume(held.changed(outgoing=held.outgoing._replace(payload=b"{changed")))
    assert await client.recv() == "{changed"


async def test_a_client_frame_is_held_before_its_handler_and_later_frames_of_that_client_wait(
    companion: Companion, connect_client: Connect
) -> None:
    sender, other = await connect_client(), await connect_client("bob")
    breakpoint_ = Breakpoint(companion, ClientFrame)
    await sender.send('{"event":"typing","data":{"to":"bob","typing":true}}')
    await until(lambda: breakpoint_.held)
    breakpoint_.remove()
    await sender.send('{"event":"typing","data":{"to":"bob","typing":false}}')
    await sender.ping()
    await other.send('{"event":"typing","data":{"to":"me","typing":true}}')
    assert json.loads(await sender.recv())["data"] == {"username": "bob", "typing": True}
    assert [row.event for row in companion.journal if row.kind is Kind.FROM_UI] == ["typing"]  # bob's
    breakpoint_.held[0].resume()
    states = [json.loads(await other.recv())["data"]["typing"] for _ in range(2)]
    assert states == [True, False]


async def test_a_client_frame_can_be_changed_and_dropped(companion: Companion, connect_client: Connect) -> None:
    sender, other = await connect_client(), await connect_client("bob")
    breakpoint_ = Breakpoint(companion, ClientFrame)
    await sender.send('{"event":"typing","data":{"to":"bob","typing":true}}')
    await until(lambda: breakpoint_.held)
    breakpoint_.held[0].drop("dropped by breakpoint 2")
    await sender.send('{"event":"typing","data":{"to":"unknown","typing":true}}')
    await until(lambda: len(breakpoint_.held) == 2)
    held = breakpoint_.held[1]
    held.resume(held.changed(frame=held.frame.replace("unknown", "bob")))
    assert json.loads(await other.recv())["data"] == {"username": "me", "typing": True}
    assert [row.note for row in companion.journal if row.event == "dropped"] == ["dropped by breakpoint 2"]


async def test_a_post_of_a_message_is_held_and_changed(rest: Rest) -> None:
    companion = rest.companion
    breakpoint_ = Breakpoint(companion, RestCall)
    call = asyncio.ensure_future(rest.post("/messages", {"to": "alice", "text": "original"}))
    await until(lambda: breakpoint_.held)
    (held,) = breakpoint_.held
    assert (held.method, held.path, json.loads(held.body)["text"]) == ("POST", "/messages", "original")
    assert not call.done()
    held.resume(held.changed(body=b'{"to":"alice","text":"changed"}'))
    status = (await call).status
    assert status in (200, 202)
    messages, _ = await companion.chat.store.page("alice", 50, 0)
    assert messages[-1]["text"] == "changed"


async def test_the_exchange_of_a_changed_call_has_the_body_that_the_page_sent(rest: Rest) -> None:
    """Regression: the UI state expected the changed text, which the UI never gets to know."""
    seen: list[RestExchange] = []
    rest.companion.hub.rest_exchanges.connect(seen.append)
    breakpoint_ = Breakpoint(rest.companion, RestCall)
    call = asyncio.ensure_future(rest.post("/messages", {"to": "alice", "text": "original"}))
    await until(lambda: breakpoint_.held)
    held = breakpoint_.held[0]
    held.resume(held.changed(body=b'{"to":"alice","text":"changed"}'))
    assert (await call).status in (200, 202)
    assert [json.loads(each.request)["text"] for each in seen] == ["original"]
    (row,) = [row for row in rest.companion.journal if row.event == "POST /messages"]
    assert json.loads(row.payload)["text"] == "changed"


async def test_a_dropped_rest_call_is_answered_with_503_and_changes_nothing(rest: Rest) -> None:
    companion = rest.companion
    breakpoint_ = Breakpoint(companion, RestCall)
    call = asyncio.ensure_future(rest.post("/messages", {"to": "alice", "text": "original"}))
    await until(lambda: breakpoint_.held)
    breakpoint_.held[0].drop("dropped by breakpoint 3")
    assert (await call).status == 503
    messages, _ = await companion.chat.store.page("alice", 50, 0)
    assert messages[-1]["text"] != "original"


async def test_a_rest_call_whose_connection_is_closed_has_failed(rest: Rest) -> None:
    seen: list[RestExchange] = []
    rest.companion.hub.rest_exchanges.connect(seen.append)
    breakpoint_ = Breakpoint(rest.companion, RestCall)
    call = asyncio.create_task(rest.post("/messages", {"to": "alice", "text": "hi"}))
    await until(lambda: breakpoint_.held)
    breakpoint_.held[0].continuation.drop("on purpose", close=True)
    with pytest.raises(aiohttp.ClientError):
        await call
    await until(lambda: seen)
    breakpoint_.remove()
    (row,) = [row for row in rest.companion.journal if row.event == "POST /messages"]
    assert [(each.path, each.status, each.seq) for each in seen] == [("/messages", 0, row.seq)]


async def test_the_exchange_of_a_held_call_is_reported_before_what_follows_it(rest: Rest) -> None:
    """A recorder writes the row soon, and needs the exchange by then."""
    order: list[str] = []
    rest.companion.hub.rest_exchanges.connect(lambda exchange: order.append(exchange.path))
    breakpoint_ = Breakpoint(rest.companion, RestCall)
    call = asyncio.create_task(rest.post("/messages", {"to": "alice", "text": "hi"}))
    await until(lambda: breakpoint_.held)

    async def follow() -> None:
        order.append("then")

    (held,) = breakpoint_.held
    held.resume(held.changed(then=follow))
    await call
    assert order == ["/messages", "then"]


async def test_a_rest_call_has_a_lower_number_than_its_effects(rest: Rest) -> None:
    companion = rest.companion
    for username in ("alice", "me"):
        companion.hub.join(RecordingTransport(), username)
    await companion.fire(Envelope("friend_online", {"username": "alice"}), origin=PANEL)
    first = companion.journal.last_seq
    await rest.post("/messages", {"to": "alice", "text": "hi"})
    rows = [row.event for row in companion.journal.after(first)]
    assert rows[:3] == ["POST /messages", "new_message", "new_message"]
