import asyncio
import socket
import sys
from collections.abc import Iterator

import aiohttp
import pytest
from msgspec.structs import replace

from app.companion import Companion
from app.hub.server_state import ServerState
from app.system.ports import OWN_PROCESS
from app.system.settings import Settings
from tests.cli.doubles import unused_port
from tests.conftest import PATIENCE_S, MakeCompanion
from tests.endpoints.http_client import Rest
from tests.endpoints.raw import tcp_to


@pytest.fixture
def busy_socket() -> Iterator[socket.socket]:
    """Return a socket that listens on a port, so that the port is busy."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        yield other


async def status_of(companion: Companion) -> int:
    async with aiohttp.ClientSession() as session, session.get(companion.rest.url + "/status") as answer:
        return answer.status


async def close(companion: Companion) -> None:
    await asyncio.wait_for(companion.close(), PATIENCE_S)
    assert not companion.rest.listening


async def test_a_busy_rest_port_is_reported_and_the_events_service_still_starts(
    make_companion: MakeCompanion, busy_socket: socket.socket
) -> None:
    port = busy_socket.getsockname()[1]
    companion = await make_companion(rest_port=port)
    assert await companion.start(), companion.services["events"].error
    assert not await companion.start_service("rest")
    assert companion.services["rest"].error.startswith(f"Port {port} is busy")
    if sys.platform == "linux":
        assert f"{OWN_PROCESS} listens on it" in companion.services["rest"].error
    assert (companion.state, companion.services["events"].error) == (ServerState.LISTENING, "")
    assert not companion.rest.listening


async def test_retry_succeeds_once_the_port_is_free(
    make_companion: MakeCompanion, busy_socket: socket.socket
) -> None:
    companion = await make_companion(rest_port=busy_socket.getsockname()[1])
    assert not await companion.start_service("rest")
    assert not await companion.start_service("rest")
    busy_socket.close()
    assert await companion.start_service("rest")
    assert companion.services["rest"].error == ""
    assert companion.rest.port == companion.settings.rest_port
    assert await status_of(companion) == 200


async def test_changed_is_emitted_when_a_start_error_appears_and_clears(
    make_companion: MakeCompanion, busy_socket: socket.socket
) -> None:
    companion = await make_companion(rest_port=busy_socket.getsockname()[1])
    errors: list[bool] = []
    companion.changed.connect(lambda _: errors.append(bool(companion.services["rest"].error)))
    await companion.start_service("rest")
    busy_socket.close()
    await companion.start_service("rest")
    assert errors == [True, False]


async def test_starting_twice_has_no_effect(rest: Rest) -> None:
    port = rest.companion.rest.port
    assert await rest.companion.start_service("rest")
    assert rest.companion.rest.port == port


async def test_concurrent_starts_succeed(make_companion: MakeCompanion) -> None:
    """Clicking Retry twice must not report that the companion itself uses the port."""
    companion = await make_companion(rest_port=unused_port())
    assert all(await asyncio.gather(companion.start_service("rest"), companion.start_service("rest")))
    assert companion.services["rest"].error == ""
    assert await status_of(companion) == 200


async def test_when_disabled_rest_does_not_listen_and_reports_no_error(make_companion: MakeCompanion) -> None:
    companion = await make_companion(rest=False)
    assert await companion.start_service("rest")
    assert (companion.rest.listening, companion.services["rest"].error) == (False, "")


async def test_settings_disable_enable_and_move_rest(rest: Rest) -> None:
    companion, first = rest.companion, rest.companion.rest.port
    base = Settings(port=companion.settings.port, prime_browsers=False)
    await companion.apply(replace(base, rest=False, rest_port=0))
    assert not companion.rest.listening
    with pytest.raises(ConnectionRefusedError):
        async with tcp_to(first):
            pass
    moved = unused_port()
    await companion.apply(replace(base, rest=True, rest_port=moved))
    assert (companion.rest.listening, companion.rest.port) == (True, moved)
    assert (await rest.get("/status")).status == 200


async def test_disabling_rest_clears_the_error_of_a_busy_port(
    make_companion: MakeCompanion, busy_socket: socket.socket
) -> None:
    companion = await make_companion(rest_port=busy_socket.getsockname()[1])
    await companion.start_service("rest")
    await companion.apply(Settings(port=0, rest=False, rest_port=busy_socket.getsockname()[1]))
    assert companion.services["rest"].error == ""


async def test_rest_listens_on_the_loopback_address_only(rest: Rest) -> None:
    with socket.socket() as tcp:
        tcp.settimeout(0.5)
        assert tcp.connect_ex(("127.0.0.2", rest.companion.rest.port)) != 0


@pytest.mark.parametrize(
    "request_start",
    [
        b"",
        b"GET /status HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"POST /mess",
        b"POST /messages HTTP/1.1\r\nHost: {host}\r\nContent-Length: 500\r\n\r\n{",
    ],
    ids=["silent", "kept alive", "incomplete line", "incomplete body"],
)
async def test_close_does_not_wait_for_open_connections(
    make_companion: MakeCompanion, request_start: bytes
) -> None:
    companion = await make_companion()
    await companion.start()
    await companion.start_service("rest")
    host = f"127.0.0.1:{companion.rest.port}".encode()
    async with tcp_to(companion.rest.port) as client:
        await client.send(request_start.replace(b"{host}", host))
        if b"GET" in request_start:
            assert (await client.receive()).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(0.05)
        await close(companion)


async def test_a_companion_that_was_not_started_can_be_closed_twice(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    await companion.close()
    await companion.close()
