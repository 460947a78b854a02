import asyncio
import json

import pytest
from websockets.exceptions import InvalidURI

from app.cli.event_client import EventClient
from app.companion import Companion
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from tests.cli.doubles import Listener, unused_port
from tests.conftest import PATIENCE_S, Connect, until

ONLINE = Envelope("friend_online", {"username": "alice"})


async def test_a_handler_receives_every_event_until_it_unsubscribes(companion: Companion) -> None:
    listener = Listener(companion.server.url)
    names: list[str] = []
    unsubscribe = listener.client.subscribe(lambda event: names.append(event["event"]))
    async with listener.connecting():
        await until(lambda: companion.hub.connection_count == 1)
        await companion.fire(ONLINE, origin=PANEL)
        await until(lambda: listener.events)
        unsubscribe()
        await companion.fire(ONLINE, origin=PANEL)
        await until(lambda: len(listener.events) == 2)
    assert names == ["friend_online"]


def test_unsubscribing_twice_has_no_effect() -> None:
    unsubscribe = EventClient().subscribe(print)
    unsubscribe()
    unsubscribe()


async def test_a_sent_event_arrives_as_a_client_event(companion: Companion, connect_client: Connect) -> None:
    bob = await connect_client("bob")
    listener = Listener(companion.server.url + "?username=zoë")
    async with listener.connecting():
        await until(lambda: listener.client.connected and companion.hub.connection_count == 2)
        assert await listener.client.send("typing", {"to": "bob", "typing": True})
        event = json.loads(await asyncio.wait_for(bob.recv(), PATIENCE_S))
    assert event == {"event": "typing", "data": {"username": "zoë", "typing": True}}


async def test_disconnect_closes_the_socket_and_does_not_reconnect(companion: Companion) -> None:
    listener = Listener(companion.server.url)
    connecting = asyncio.create_task(listener.client.connect())
    await until(lambda: listener.client.connected)
    await listener.client.disconnect()
    assert await asyncio.wait_for(connecting, PATIENCE_S) is True
    assert not listener.client.connected
    assert listener.delays == []
    await until(lambda: companion.hub.connection_count == 0)


async def test_disconnect_ends_the_wait_for_the_next_attempt() -> None:
    """Guide §1: ``websocket.disconnect()`` closes the socket and cancels the reconnect timer."""

    async def sleep(_: float) -> None:
        await asyncio.Event().wait()  # for ever

    client = EventClient(f"ws://127.0.0.1:{unused_port()}/events", sleep=sleep)
    connecting = asyncio.create_task(client.connect())
    await until(lambda: client.reconnect_attempts == 1)
    await client.disconnect()
    await asyncio.wait_for(connecting, PATIENCE_S)


async def test_disconnect_during_the_handshake_leaves_no_connection(companion: Companion) -> None:
    client = EventClient(companion.server.url)
    connecting = asyncio.create_task(client.connect())
    await asyncio.sleep(0)
    await client.disconnect()
    await asyncio.wait_for(connecting, PATIENCE_S)
    assert not client.connected


async def test_cancelling_connect_closes_the_socket(companion: Companion) -> None:
    client = EventClient(companion.server.url)
    connecting = asyncio.create_task(client.connect())
    await until(lambda: client.connected and companion.hub.connection_count == 1)
    connecting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await connecting
    await until(lambda: companion.hub.connection_count == 0)


async def test_an_invalid_url_is_rejected_without_a_retry() -> None:
    listener = Listener("http://127.0.0.1/events")
    with pytest.raises(InvalidURI):
        await listener.client.connect()
    assert listener.delays == []


async def test_a_server_that_refuses_the_handshake_counts_as_a_failed_attempt(companion: Companion) -> None:
    listener = Listener(f"ws://127.0.0.1:{companion.server.port}/nowhere")
    assert await asyncio.wait_for(listener.client.connect(), PATIENCE_S) is False
    assert "404" in listener.statuses[0]
    assert len(listener.delays) == 10
