"""``GET /health`` on the event server, the REST stand-in and the control API."""

from collections.abc import AsyncIterator

import aiohttp
import pytest

from app import __version__
from app.companion import Companion
from app.hub.origin import CONTROL
from app.protocol.faults.rest import RestFault
from app.protocol.refusals import RefusalKind, RefusalMode
from tests.conftest import MakeCompanion
from tests.endpoints.control_api import TOKEN
from tests.endpoints.raw import tcp_to, upgrade_status

READY = {"name": "p2p-chat-companion", "version": __version__, "ready": True}
SERVERS = ("events", "rest", "control")


@pytest.fixture
async def started(make_companion: MakeCompanion) -> Companion:
    """Return a companion whose three servers listen, and whose clients need the token."""
    companion = await make_companion(control_port=0, require_token=True)
    assert await companion.start()
    assert await companion.start_service("rest")
    companion.control.token = TOKEN
    assert await companion.start_service("control")
    return companion


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session:
        yield session


def url_of(companion: Companion, server: str) -> str:
    ports = {"events": companion.server.port, "rest": companion.rest.port, "control": companion.control.port}
    return f"http://127.0.0.1:{ports[server]}/health"


@pytest.mark.parametrize("server", SERVERS)
async def test_it_is_answered_without_a_token_and_without_a_row(
    started: Companion, session: aiohttp.ClientSession, server: str
) -> None:
    started.pause()
    started.faults.rest.arm(RestFault(route="* /*", status=500))
    started.refusals.arm(RefusalMode(RefusalKind.STATUS), 10, origin=CONTROL)
    rows = started.journal.last_seq
    async with session.get(url_of(started, server)) as answer:
        assert (answer.status, await answer.json()) == (200, READY)
        assert "Retry-After" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"
        assert answer.headers["Connection"] == "close"
    assert started.journal.last_seq == rows


@pytest.mark.parametrize("server", SERVERS)
@pytest.mark.parametrize("headers", [{"Host": "evil.example"}, {"Origin": "https://evil.example"}])
async def test_foreign_pages_get_nothing(
    started: Companion, session: aiohttp.ClientSession, server: str, headers: dict[str, str]
) -> None:
    async with session.get(url_of(started, server), headers=headers) as answer:
        assert answer.status == 403
        assert __version__ not in await answer.text()
    assert started.rejection_log.total == 1


async def test_an_allowed_page_can_read_it_from_the_rest_port_only(
    started: Companion, session: aiohttp.ClientSession
) -> None:
    readable = []
    for server in SERVERS:
        async with session.get(url_of(started, server), headers={"Origin": "http://localhost:1420"}) as answer:
            assert answer.status == 200
            if answer.headers.get("Access-Control-Allow-Origin") == "http://localhost:1420":
                readable.append(server)
    assert readable == ["rest"]


async def test_it_is_503_until_all_servers_have_started(
    make_companion: MakeCompanion, session: aiohttp.ClientSession
) -> None:
    companion = await make_companion(control_port=0)
    await companion.start()
    seen = []
    for name in ("rest", "control"):
        async with session.get(url_of(companion, "events")) as answer:
            seen.append((answer.status, (await answer.json())["ready"], answer.headers["Retry-After"]))
        companion.control.token = TOKEN
        await companion.start_service(name)
    assert seen == [(503, False, "1")] * 2
    async with session.get(url_of(companion, "events")) as answer:
        assert answer.status == 200
    companion.services.closing = True  # ``close`` sets it before it stops anything
    for server in SERVERS:
        async with session.get(url_of(companion, server)) as answer:
            assert (answer.status, await answer.json()) == (503, {**READY, "ready": False})


async def test_a_server_that_cannot_start_does_not_keep_the_others_waiting(
    started: Companion, make_companion: MakeCompanion, session: aiohttp.ClientSession
) -> None:
    other = await make_companion(control_port=started.control.port, rest=False)
    await other.start()
    other.control.token = TOKEN
    assert not await other.start_service("control")
    assert other.is_ready()


async def test_a_user_who_stops_the_event_server_leaves_rest_ready(
    started: Companion, session: aiohttp.ClientSession
) -> None:
    await started.stop()
    async with session.get(url_of(started, "rest")) as answer:
        assert answer.status == 200


@pytest.mark.parametrize("server", SERVERS)
async def test_head_is_answered_without_a_body(
    started: Companion, session: aiohttp.ClientSession, server: str
) -> None:
    """Tools that wait for a server send HEAD."""
    async with session.head(url_of(started, server)) as answer:
        assert (answer.status, await answer.read()) == (200, b"")


@pytest.mark.parametrize("method", ["POST", "DELETE"])
async def test_other_methods_are_ordinary_requests(
    started: Companion, session: aiohttp.ClientSession, method: str
) -> None:
    async with session.request(method, url_of(started, "control")) as answer:
        assert answer.status == 401
    async with session.request(method, url_of(started, "rest")) as answer:
        assert answer.status == 404


async def test_a_handshake_at_that_path_is_for_events(make_companion: MakeCompanion) -> None:
    companion = await make_companion(events_path="/health")
    await companion.start()
    port = companion.server.port
    assert (await upgrade_status(port, "/health"))[0] == 101
    async with tcp_to(port) as client:
        await client.send(f"GET /health?x=1 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        head, _, body = (await client.read_to_end()).decode().partition("\r\n\r\n")
    assert head.startswith("HTTP/1.1 503 Service Unavailable\r\n")
    assert '"ready":false' in body
