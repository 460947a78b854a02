import asyncio
import socket
import sys
from collections.abc import AsyncIterator, Iterator

import pytest

from app.companion import Companion
from app.hub.journal import Row
from app.hub.origin import CONTROL, PANEL
from app.hub.server_state import ServerState
from app.protocol.envelope import Envelope
from app.system.ports import OWN_PROCESS
from app.system.settings import Settings
from tests.conftest import PATIENCE_S, Connect, until
from tests.endpoints.raw import client_that_never_reads, tcp_to, upgrade_status

ONLINE = Envelope("friend_online", {"username": "alice"})


@pytest.fixture
def busy_socket() -> Iterator[socket.socket]:
    """Return a socket that listens on a port, so that the port is busy."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other


@pytest.fixture
async def blocked(busy_socket: socket.socket) -> AsyncIterator[Companion]:
    """Return a companion whose port is busy."""
    companion = Companion(Settings(port=busy_socket.getsockname()[1]))
    yield companion
    await companion.close()


async def stop(companion: Companion) -> None:
    await asyncio.wait_for(companion.stop(), PATIENCE_S)
    assert not companion.server.listening
    assert companion.hub.connection_count == 0


def rows(companion: Companion, event: str) -> list[Row]:
    return [row for row in companion.journal if row.event == event]


async def test_start_and_stop_are_logged(companion: Companion) -> None:
    url = companion.server.url
    await companion.stop()
    assert [row.note for row in rows(companion, "listening")] == [url]
    assert len(rows(companion, "stopped listening")) == 1


async def test_starting_twice_has_no_effect(companion: Companion) -> None:
    port = companion.server.port
    assert await companion.start()
    assert companion.server.port == port
    assert len(rows(companion, "listening")) == 1


async def test_stop_closes_every_client_with_1001(companion: Companion, connect_client: Connect) -> None:
    sockets = [await connect_client() for _ in range(3)]
    await stop(companion)
    assert [client.close_code for client in sockets] == [1001] * 3
    assert [row.note.split(":")[0] for row in rows(companion, "disconnected")] == ["closed with 1001"] * 3


async def test_stopping_twice_has_no_effect(companion: Companion) -> None:
    await asyncio.gather(companion.stop(), companion.stop())
    await companion.stop()
    assert len(rows(companion, "stopped listening")) == 1


async def test_a_companion_that_never_started_can_be_stopped() -> None:
    companion = Companion(Settings(port=0))
    await companion.stop()
    await companion.close()


async def test_stop_does_not_wait_for_a_client_that_stopped_reading(companion: Companion) -> None:
    async with client_that_never_reads(companion.server.port) as _:
        await until(lambda: companion.hub.connection_count == 1)
        (client,) = companion.hub.clients
        while not client.outbox.blocked:
            companion.hub.broadcast(Envelope("x", {"text": "y" * 8_192}))
            await asyncio.sleep(0)
        await stop(companion)


async def test_stop_does_not_wait_for_a_client_that_is_closing_and_reads_nothing(companion: Companion) -> None:
    async with client_that_never_reads(companion.server.port) as _:
        await until(lambda: companion.hub.connection_count == 1)
        (client,) = companion.hub.clients
        while not client.outbox.blocked:
            companion.hub.broadcast(Envelope("x", {"text": "y" * 8_192}))
            await asyncio.sleep(0)
        client.transport.close(1000, "")
        await asyncio.sleep(0)
        await stop(companion)


async def test_stop_does_not_wait_for_a_client_that_answers_no_closing_handshake(companion: Companion) -> None:
    async with client_that_never_reads(companion.server.port) as _:
        await until(lambda: companion.hub.connection_count == 1)
        await stop(companion)


async def test_an_event_that_is_fired_while_the_server_stops_is_not_said_to_be_delivered(
    companion: Companion,
) -> None:
    async with client_that_never_reads(companion.server.port) as _:
        await until(lambda: companion.hub.connection_count == 1)
        stopping = asyncio.create_task(stop(companion))
        await until(lambda: not companion.server.listening)
        delivery = companion.hub.publish(ONLINE, origin=CONTROL)
        assert not delivery.clients
        assert rows(companion, "friend_online")[-1].note.startswith("not sent")
        await stopping


async def test_stop_does_not_wait_for_an_incomplete_handshake(companion: Companion) -> None:
    async with tcp_to(companion.server.port) as silent, tcp_to(companion.server.port) as incomplete:
        await incomplete.send(b"GET /events HTTP/1.1\r\nHost: ")
        await asyncio.sleep(0.05)
        await stop(companion)
        assert await asyncio.wait_for(silent.receive(), PATIENCE_S) == b""


async def test_after_stop_connections_are_refused(companion: Companion) -> None:
    port = companion.server.port
    await companion.stop()
    with pytest.raises(ConnectionRefusedError):
        await upgrade_status(port)


async def test_the_server_can_be_restarted_on_the_same_port(companion: Companion, connect_client: Connect) -> None:
    port = companion.server.port
    companion.settings.port = port
    for _ in range(3):
        await connect_client()
        await companion.stop()
        assert companion.state is ServerState.STOPPED
        assert await companion.start(), companion.services["events"].error
        assert (companion.state, companion.server.port) == (ServerState.LISTENING, port)
    client = await connect_client()
    await companion.fire(ONLINE, origin=PANEL)
    assert await asyncio.wait_for(client.recv(), PATIENCE_S) == ONLINE.encode().decode()


async def test_concurrent_starts_and_stops_run_in_the_order_of_the_calls(companion: Companion) -> None:
    await asyncio.gather(companion.stop(), companion.start(), companion.stop())
    assert not companion.server.listening
    await asyncio.gather(companion.start(), companion.stop(), companion.start())
    assert companion.server.listening


async def test_a_busy_port_is_reported_with_its_number_and_owning_process(blocked: Companion) -> None:
    states: list[ServerState] = []
    blocked.changed.connect(lambda _: states.append(blocked.state))
    assert not await blocked.start()
    assert blocked.services["events"].error.startswith(f"Port {blocked.settings.port} is busy")
    if sys.platform == "linux":
        assert f"{OWN_PROCESS} listens on it" in blocked.services["events"].error
    assert states == [ServerState.BLOCKED]
    assert blocked.state is ServerState.BLOCKED
    assert not blocked.server.listening


async def test_retry_succeeds_once_the_port_is_free(blocked: Companion, busy_socket: socket.socket) -> None:
    assert not await blocked.start()
    assert not await blocked.start()
    busy_socket.close()
    assert await blocked.start(), blocked.services["events"].error
    assert (blocked.services["events"].error, blocked.state) == ("", ServerState.LISTENING)
    assert (await upgrade_status(blocked.settings.port))[0] == 101


async def test_stopping_clears_the_error_of_a_busy_port(blocked: Companion) -> None:
    await blocked.start()
    await blocked.stop()
    assert (blocked.services["events"].error, blocked.state) == ("", ServerState.STOPPED)


async def test_two_companions_cannot_share_a_port(companion: Companion) -> None:
    other = Companion(Settings(port=companion.server.port))
    assert not await other.start()
    assert str(companion.server.port) in other.services["events"].error
    await other.close()
    assert companion.state is ServerState.LISTENING


async def test_an_automatic_port_is_kept_after_a_restart(companion: Companion) -> None:
    port = companion.server.port
    await companion.stop()
    assert await companion.start()
    assert companion.server.port == port
