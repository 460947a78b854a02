"""A lost listening socket is opened again on the same port, and existing connections stay open."""

import asyncio
import socket
import sys
from collections.abc import Callable
from typing import Any, ClassVar

import aiohttp
import pytest
from typing_extensions import override
from websockets.asyncio.client import connect

from app import headless
from app.companion import Companion
from app.endpoints import listening
from app.endpoints.event_server import EventServer
from app.endpoints.http_server import HttpServer
from app.endpoints.listening import Listener, PortBusy, bounded
from app.hub.origin import PANEL
from tests.conftest import MakeCompanion, until

Server = EventServer | HttpServer
SERVERS: dict[str, Callable[[Companion], Server]] = {
    "events": lambda companion: companion.server,
    "REST": lambda companion: companion.rest,
    "control": lambda companion: companion.control,
}


@pytest.fixture(params=SERVERS)
def select_server(request: pytest.FixtureRequest) -> Callable[[Companion], Server]:
    return SERVERS[request.param]


@pytest.fixture
async def running(make_companion: MakeCompanion, monkeypatch: pytest.MonkeyPatch) -> Companion:
    """Return a companion whose three servers listen."""
    monkeypatch.setattr(listening, "WATCH_S", 0.02)
    companion = await make_companion(prime_browsers=False, control_port=0)
    companion.control.token = "t" * 20
    assert await companion.start()
    assert await companion.start_service("rest")
    assert await companion.start_service("control")
    return companion


Lose = Callable[[Server], None]


@pytest.fixture
async def lose() -> Lose:
    """Return a function that closes a server's listening socket, as asyncio does on Windows if accept fails."""
    loop = asyncio.get_running_loop()
    stop_serving = getattr(loop, "_stop_serving", None)
    if stop_serving is None:
        pytest.skip("uvloop does not show its sockets")

    def stop(lost: socket.socket) -> None:
        if lost.fileno() >= 0:  # a selector loop, unlike a proactor, fails on a closed socket
            stop_serving(lost)

    def lose(server: Server) -> None:
        (lost,) = server._listener.servers[-1].sockets
        loop.remove_reader(lost.fileno())
        lost._sock.close()  # type: ignore[attr-defined]  # of asyncio.trsock.TransportSocket

    loop._stop_serving = stop  # type: ignore[attr-defined]  # this loop is the test's own
    return lose


def rows(companion: Companion, event: str) -> list[str]:
    return [row.note for row in companion.journal if row.event == event]


async def is_reachable(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except ConnectionRefusedError:
        return False
    writer.close()
    return True


async def test_a_lost_socket_is_opened_again_on_the_same_port(
    running: Companion, select_server: Callable[[Companion], Server], lose: Lose
) -> None:
    server = select_server(running)
    port, url = server.port, server.url
    for times in (1, 2):
        lose(server)
        assert not server.listening
        assert (server.port, server.url) == (port, url), "a lost socket has no address, but its port is known"
        await until(lambda times=times: len(rows(running, "listening again")) == times)
        assert server.listening
        assert (server.port, server.url) == (port, url)
        assert await is_reachable(port)
    await server.stop()
    assert not await is_reachable(port)


async def test_clients_of_a_lost_socket_stay_connected_until_the_server_stops(
    running: Companion, lose: Lose
) -> None:
    async with connect(running.server.url, proxy=None) as client:
        lose(running.server)
        await until(lambda: rows(running, "listening again"))
        async with connect(running.server.url, proxy=None) as second_client:
            await until(lambda: running.hub.connection_count == 2)
            await running.send_raw("both", origin=PANEL)
            assert await client.recv() == await second_client.recv() == "both"
            await running.stop()
            assert running.hub.connection_count == 0


async def test_requests_are_answered_after_a_lost_socket(running: Companion, lose: Lose) -> None:
    async with aiohttp.ClientSession() as session:
        assert (await session.get(running.rest.url + "/status")).status == 200
        lose(running.rest)
        assert (await session.get(running.rest.url + "/status")).status == 200, "the connection is still open"
        await until(lambda: rows(running, "listening again"))
    async with aiohttp.ClientSession() as session:
        assert (await session.get(running.rest.url + "/status")).status == 200


async def test_a_port_taken_by_another_program_is_retried_and_logged_once(
    running: Companion, select_server: Callable[[Companion], Server], lose: Lose
) -> None:
    server = select_server(running)
    lose(server)
    with socket.socket() as other_socket:
        other_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        other_socket.bind(("127.0.0.1", server.port))
        other_socket.listen()
        await until(lambda: rows(running, "listening socket lost"))
        await asyncio.sleep(0.2)
    await until(lambda: server.listening)
    assert len(rows(running, "listening socket lost")) == len(rows(running, "listening again")) == 1


class RecordingSocket(socket.socket):
    """A socket that records its options instead of setting them."""

    options: ClassVar[list[tuple[int, ...]]] = []

    @override
    def setsockopt(self, *option: Any) -> None:
        self.options.append(option)


async def test_on_windows_no_other_program_can_share_a_port(monkeypatch: pytest.MonkeyPatch) -> None:
    exclusive = -5  # ~SO_REUSEADDR, as Windows defines it

    async def serve(bound: socket.socket) -> asyncio.Server:
        return await asyncio.get_running_loop().create_server(asyncio.Protocol, sock=bound)

    monkeypatch.setattr(RecordingSocket, "options", [])
    monkeypatch.setattr("app.endpoints.listening.socket.socket", RecordingSocket)
    monkeypatch.setattr("app.endpoints.listening.socket.SO_EXCLUSIVEADDRUSE", exclusive, raising=False)
    listener = Listener(0, serve, lambda event, note: None)
    with monkeypatch.context() as windows:
        windows.setattr(sys, "platform", "win32")
        await listener.open()
    options = [each for each in RecordingSocket.options if each[0] == socket.SOL_SOCKET]
    assert options == [(socket.SOL_SOCKET, exclusive, 1)]
    (server,) = listener.close()
    server.close()


async def test_a_busy_port_is_reported_by_number_and_its_socket_is_closed() -> None:
    async def serve(bound: socket.socket) -> asyncio.Server:
        raise AssertionError

    with socket.socket() as busy_socket:
        busy_socket.bind(("127.0.0.1", 0))
        busy_socket.listen()
        listener = Listener(busy_socket.getsockname()[1], serve, lambda event, note: None)
        with pytest.raises(PortBusy):
            await listener.open()
    assert listener.servers == []


async def test_any_free_port_is_used_if_another_program_has_taken_the_last_one() -> None:
    """Regression: a service with port 0 could not be started again."""
    listener = Listener(
        0, lambda bound: asyncio.start_server(lambda *_: None, sock=bound), lambda event, note: None
    )
    await listener.open()
    port = listener.port
    for server in listener.close():
        server.close()
        await server.wait_closed()
    with socket.socket() as busy_socket:
        busy_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        busy_socket.bind(("127.0.0.1", port))
        busy_socket.listen()
        await listener.open()
        assert listener.port not in (0, port)
        for server in listener.close():
            server.close()


async def test_connections_on_windows_are_limited_to_what_select_handles(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    assert bounded(20_000) == 20_000
    monkeypatch.setattr(sys, "platform", "win32")
    if isinstance(asyncio.get_running_loop(), asyncio.SelectorEventLoop):
        assert 3 * (bounded(20_000) + listening.SPARE_CONNECTIONS) < 500
        assert bounded(10) == 10
    monkeypatch.setattr("app.endpoints.listening.asyncio.SelectorEventLoop", str)
    assert bounded(20_000) == 20_000, "a proactor has no such limit"


def test_serve_uses_a_selector_loop_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "win32")
    assert headless._loop_factory() is asyncio.SelectorEventLoop


async def test_frames_are_sent_at_once(running: Companion) -> None:
    """With Nagle's algorithm, a frame waits for the acknowledgement of the one before, up to 40 ms.

    Regression: they waited on Windows, where the sockets of connections have no protocol in Python.
    """
    async with connect(running.server.url):
        await until(lambda: running.hub.connection_count == 1)
        connection = running.hub.clients[0].transport._transport  # type: ignore[attr-defined]
        accepted = connection.get_extra_info("socket")
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
