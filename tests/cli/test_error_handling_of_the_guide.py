"""Every row of the guide's error table (§6.4), provoked over real sockets."""

import asyncio
import inspect
from typing import Any

import pytest

from app.cli.event_client import EventClient
from app.companion import Companion
from app.hub.journal import Kind
from app.hub.origin import PANEL
from app.protocol.constants import WS_MAX_RECONNECT_ATTEMPTS, reconnect_delay_ms
from app.protocol.envelope import Envelope
from app.system.settings import Settings
from tests.cli.doubles import Listener, unused_port
from tests.conftest import PATIENCE_S, until

ONLINE = Envelope("friend_online", {"username": "alice"})


async def wait_for_delays(listener: Listener, count: int) -> None:
    await until(lambda: len(listener.delays) == count)


async def test_connection_refused() -> None:
    """WebSocket transport · Connection refused · ``scheduleReconnect()``."""
    companion = Companion(Settings(port=unused_port()))

    async def start_before_the_third_attempt(attempt: int) -> None:
        if attempt == 3:
            await companion.start()

    listener = Listener(companion.server.url, start_before_the_third_attempt)
    async with listener.connecting():
        await until(lambda: listener.client.connected)
        assert listener.delays == [3.0, 4.5, 6.75]
        assert listener.client.reconnect_attempts == 0
    assert listener.statuses[0].startswith(f"cannot connect to {companion.server.url}: ")
    assert listener.statuses[1] == "reconnecting in 3000 ms (attempt 1)"
    assert listener.statuses[6] == f"connected to {companion.server.url}"
    await companion.close()


async def test_connection_dropped(companion: Companion) -> None:
    """WebSocket transport · Connection dropped · ``scheduleReconnect()``, the counter reset on open."""
    listener = Listener(companion.server.url)
    async with listener.connecting():
        for drops in range(1, 4):
            await until(lambda: listener.client.connected and companion.hub.connection_count == 1)
            companion.hub.clients[0].transport.abort()
            await wait_for_delays(listener, drops)
        await until(lambda: listener.client.connected and companion.hub.connection_count == 1)
        await companion.fire(ONLINE, origin=PANEL)
        await until(lambda: listener.events)
    assert listener.delays == [3.0, 3.0, 3.0]
    assert listener.statuses[1].startswith("connection lost: ")


async def test_connection_closed_by_the_server(companion: Companion) -> None:
    """WebSocket transport · Connection dropped · a clean close counts as a dropped connection."""
    companion.settings.port = companion.server.port

    async def start_before_the_second_attempt(attempt: int) -> None:
        if attempt == 2:
            await companion.start()

    listener = Listener(companion.server.url, start_before_the_second_attempt)
    async with listener.connecting():
        await until(lambda: listener.client.connected and companion.hub.connection_count == 1)
        await companion.stop()
        await until(lambda: listener.client.connected)
        assert (listener.delays, listener.client.reconnect_attempts) == ([3.0, 4.5], 0)
    assert listener.statuses[1] == "connection closed by the server with 1001: the companion has stopped"


async def test_max_reconnects_exceeded() -> None:
    """WebSocket transport · Max reconnects exceeded · log error, stop retrying, not connected."""
    listener = Listener(f"ws://127.0.0.1:{unused_port()}/events")
    assert await asyncio.wait_for(listener.client.connect(), PATIENCE_S) is False
    table = [reconnect_delay_ms(attempt) for attempt in range(1, WS_MAX_RECONNECT_ATTEMPTS + 1)]
    assert listener.delays == [delay / 1000 for delay in table]
    assert [round(delay * 1000) for delay in listener.delays] == [
        3_000, 4_500, 6_750, 10_125, 15_188, 22_781, 34_172, 51_258, 76_887, 115_330,
    ]  # fmt: skip
    assert listener.statuses[-1] == "max reconnect attempts reached"
    assert sum(line.startswith("cannot connect") for line in listener.statuses) == 11
    assert not listener.client.connected


async def test_after_giving_up_connect_can_be_called_again(companion: Companion) -> None:
    """WebSocket transport · Max reconnects exceeded · "the app must call connect() again" (§1)."""
    url = companion.server.url
    companion.settings.port = companion.server.port
    await companion.stop()
    listener = Listener(url)
    assert not await listener.client.connect()
    await companion.start()
    async with listener.connecting():
        await until(lambda: listener.client.connected)
        assert len(listener.delays) == 10


@pytest.mark.parametrize(
    "malformed", ["{nope", "", "hello", "[]", "7", "null", "{}", '{"event":7,"data":{}}', "[" * 100_000]
)
async def test_invalid_json_from_the_server(companion: Companion, malformed: str) -> None:
    """Message parsing · Invalid JSON from server · log error, skip message."""
    listener = Listener(companion.server.url)
    async with listener.connecting() as connecting:
        await until(lambda: listener.client.connected and companion.hub.connection_count == 1)
        await companion.send_raw(malformed, origin=PANEL)
        await companion.fire(ONLINE, origin=PANEL)
        await until(lambda: listener.events or connecting.done())
        assert listener.events == [{"event": ONLINE.event, "data": ONLINE.data}]
        assert listener.client.connected
    assert listener.statuses[1].startswith("skipped a frame ")
    assert listener.delays == []


async def test_unknown_event_type(companion: Companion) -> None:
    """Event routing · Unknown event type · falls through ``switch``, silently ignored."""
    online: set[str] = set()

    def handle(event: dict[str, Any]) -> None:
        match event["event"]:
            case "friend_online":
                online.add(event["data"]["username"])
            case "friend_offline":
                online.discard(event["data"]["username"])

    listener = Listener(companion.server.url)
    listener.client.subscribe(handle)
    async with listener.connecting():
        await until(lambda: listener.client.connected and companion.hub.connection_count == 1)
        unknown = '{"event":"message_delivered","data":{"msg_id":"1","peer":"b"}}'
        await companion.send_raw(unknown, origin=PANEL)
        await companion.fire(ONLINE, origin=PANEL)
        await until(lambda: online == {"alice"})
        assert listener.client.connected
        assert [event["event"] for event in listener.events] == ["message_delivered", "friend_online"]
    assert not any(line.startswith("skipped") for line in listener.statuses)


async def test_socket_not_open(companion: Companion) -> None:
    """Sending · Socket not open · silently drops if not ``OPEN``."""
    listener = Listener(companion.server.url)
    assert await listener.client.send("typing", {"to": "bob", "typing": True}) is False
    async with listener.connecting():
        await until(lambda: listener.client.connected)
        assert await listener.client.send("typing", {"to": "bob", "typing": True}) is True
        await until(lambda: any(row.kind is Kind.FROM_UI for row in companion.journal))
    assert await listener.client.send("typing", {"to": "bob", "typing": False}) is False
    assert sum(row.kind is Kind.FROM_UI for row in companion.journal) == 1
    assert not any("drop" in line for line in listener.statuses)


def test_the_default_is_the_guides_url() -> None:
    assert inspect.signature(EventClient).parameters["url"].default == "ws://127.0.0.1:8081/events"
