import asyncio
import socket
import sys
from collections.abc import Iterator

import aiohttp
import pytest

from app.companion import Companion
from app.hub.server_state import ServerState
from app.system.ports import OWN_PROCESS
from app.system.settings import Settings
from tests.cli.doubles import unused_port
from tests.conftest import PATIENCE_S, MakeCompanion
from tests.endpoints.http_client import Rest
from tests.endpoints.raw import tcp_to


@pytest.fixture
def taken() -> Iterator[socket.socket]:
    """A port that somebody else listens on."""
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
    make_companion: MakeCompanion, taken: socket.socket
) -> None:
    port = taken.getsockname()[1]
    companion = await make_companion(rest_port=port)
    assert await companion.start(), companion.services["events"].error
    assert not await companion.start_service("rest")
    assert companion.services["rest"].error.startswith(f"Port {port} is busy")
    if sys.platform == "linux":
        assert f"{OWN_PROCESS} listens on it" in companion.services["rest"].error
    assert (companion.state, companion.services["events"].error) == (ServerState.LISTENING, "")
    assert not companion.rest.listening


async def test_retry_works_once_the_port_is_free(make_companion: MakeCompanion, taken: socket.socket) -> None:
    companion = await make_companion(rest_port=taken.getsockname()[1])
    assert not await companion.start_service("rest")
    assert not await companion.start_service("rest")
    taken.close()
    assert await companion.start_service("rest")
    assert companion.services["rest"].error == ""
    assert companion.rest.port == companion.settings.rest_port
    assert await status_of(companion) == 200


async def test_changed_is_emitted_when_a_start_error_appears_and_clears(
    make_companion: MakeCompanion, taken: socket.socket
) -> None:
    companion = await make_companion(rest_port=taken.getsockname()[1])
    told: list[bool] = []
    companion.changed.connect(lambda _: told.append(bool(companion.services["rest"].error)))
    await companion.start_service("rest")
    taken.close()
    await companion.start_service("rest")
    assert told == [True, False]


async def test_starting_twice_is_starting_once(rest: Rest) -> None:
    port = rest.companion.rest.port
    assert await rest.companion.start_service("rest")
    assert rest.companion.rest.port == port


async def test_starting_twice_at_once_is_starting_once(make_companion: MakeCompanion) -> None:
    """Somebody who clicks Retry twice must not be told that the companion itself holds the port."""
    companion = await make_companion(rest_port=unused_port())
    assert await asyncio.gather(companion.start_service("rest"), companion.start_service("rest")) == [True, True]
    assert companion.services["rest"].error == ""
    assert await status_of(companion) == 200


async def test_when_disabled_it_does_not_listen_and_reports_no_error(make_companion: MakeCompanion) -> None:
    companion = await make_companion(rest=False)
    assert await companion.start_service("rest")
    assert (companion.rest.listening, companion.services["rest"].error) == (False, "")


async def test_settings_switch_it_off_and_on_and_move_it(rest: Rest) -> None:
    companion, first = rest.companion, rest.companion.rest.port
    base = {"port": companion.settings.port, "prime_browsers": False}
    await companion.apply(Settings(**base, rest=False, rest_port=0))
    assert not companion.rest.listening
    with pytest.raises(ConnectionRefusedError):
        async with tcp_to(first):
            pass
    moved = unused_port()
    await companion.apply(Settings(**base, rest=True, rest_port=moved))
    assert (companion.rest.listening, companion.rest.port) == (True, moved)
    assert (await rest.get("/status")).status == 200


async def test_switching_it_off_forgets_the_busy_port(make_companion: MakeCompanion, taken: socket.socket) -> None:
    companion = await make_companion(rest_port=taken.getsockname()[1])
    await companion.start_service("rest")
    await companion.apply(Settings(port=0, rest=False, rest_port=taken.getsockname()[1]))
    assert companion.services["rest"].error == ""


async def test_it_listens_on_the_loopback_address_only(rest: Rest) -> None:
    with socket.socket() as tcp:
        tcp.settimeout(0.5)
        assert tcp.connect_ex(("127.0.0.2", rest.companion.rest.port)) != 0


@pytest.mark.parametrize(
    "begun",
    [
        b"",
        b"GET /status HTTP/1.1\r\nHost: {host}\r\n\r\n",
        b"POST /mess",
        b"POST /messages HTTP/1.1\r\nHost: {host}\r\nContent-Length: 500\r\n\r\n{",
    ],
    ids=["silent", "kept alive", "half a line", "half a body"],
)
async def test_close_does_not_wait_for_open_connections(make_companion: MakeCompanion, begun: bytes) -> None:
    companion = await make_companion()
    await companion.start()
    await companion.start_service("rest")
    host = f"127.0.0.1:{companion.rest.port}".encode()
    async with tcp_to(companion.rest.port) as client:
        await client.send(begun.replace(b"{host}", host))
        if b"GET" in begun:
            assert (await client.receive()).startswith(b"HTTP/1.1 200 ")
        await asyncio.sleep(0.05)
        await close(companion)


async def test_a_companion_that_never_answered_can_be_closed_and_closed_again(
    make_companion: MakeCompanion,
) -> None:
    companion = await make_companion()
    await companion.close()
    await companion.close()
