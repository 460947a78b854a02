import asyncio
import socket

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from app.companion import Companion
from app.hub.journal import Row, Verdict
from app.hub.origin import PANEL
from app.system.settings import TAURI_ORIGINS
from tests.conftest import PATIENCE_S, Connect, until
from tests.endpoints.raw import tcp_to, upgrade_status

LONGEST_NAME = "n" * 64


def rejected_rows(companion: Companion) -> list[Row]:
    return [row for row in companion.journal if row.event == "refused"]


async def test_the_url_of_the_guide_returns_101_with_the_server_header(
    companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    assert companion.server.url == f"ws://127.0.0.1:{companion.server.port}/events"
    assert client.response is not None
    assert client.response.status_code == 101
    assert client.response.headers["Server"] == "p2p-chat-ws/0.1"


async def test_compression_is_not_negotiated(connect_client: Connect) -> None:
    client = await connect_client(compression="deflate")
    assert client.request is not None
    assert "permessage-deflate" in client.request.headers["Sec-WebSocket-Extensions"]
    assert client.response is not None
    assert "Sec-WebSocket-Extensions" not in client.response.headers


async def test_the_event_server_listens_on_the_loopback_address_only(companion: Companion) -> None:
    with socket.socket() as tcp:
        tcp.settimeout(0.5)
        assert tcp.connect_ex(("127.0.0.2", companion.server.port)) != 0


@pytest.mark.parametrize(
    "target",
    ["/", "/events/", "/eventsx", "/Events", "//events", "/events/x", "/%65vents", "/events;x", "/x?/events", "*"],
)
async def test_any_other_path_returns_404(companion: Companion, target: str) -> None:
    status, body = await upgrade_status(companion.server.port, target)
    assert status == 404
    assert "/events" in body
    await until(lambda: len(rejected_rows(companion)) == 1)
    assert rejected_rows(companion)[0].verdict is Verdict.WARNING
    assert companion.server.listening


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:{port}"])
async def test_an_absolute_target_returns_404(companion: Companion, host: str) -> None:
    port = companion.server.port
    status, _ = await upgrade_status(port, f"http://{host.format(port=port)}/events")
    assert status == 404


async def test_an_error_response_has_the_server_header(companion: Companion) -> None:
    with pytest.raises(InvalidStatus) as caught:
        await connect(f"ws://127.0.0.1:{companion.server.port}/nowhere", proxy=None)
    assert caught.value.response.status_code == 404
    assert caught.value.response.headers["Server"] == "p2p-chat-ws/0.1"


@pytest.mark.parametrize("host", ["127.0.0.1:{port}", "localhost:{port}", "LocalHost:{port}", "[::1]:{port}"])
async def test_a_loopback_host_with_the_port_is_accepted(companion: Companion, host: str) -> None:
    port = companion.server.port
    status, _ = await upgrade_status(port, headers=[("Host", host.format(port=port))])
    assert status == 101


async def test_any_other_missing_or_duplicate_host_returns_403(
    companion: Companion, subtests: pytest.Subtests
) -> None:
    port = companion.server.port
    for hosts in [
        [],
        [""],
        ["127.0.0.1"],
        ["127.0.0.1:1"],
        ["evil.example:{port}"],
        ["127.0.0.1:{port}.evil.example"],
        ["127.0.0.1.evil.example:{port}"],
        ["localhost.:{port}"],
        ["user@127.0.0.1:{port}"],
        ["127.0.0.1:{port}", "127.0.0.1:{port}"],
        ["127.0.0.1:{port}", "evil.example"],
    ]:
        with subtests.test(hosts=hosts):
            status, body = await upgrade_status(port, headers=[("Host", host.format(port=port)) for host in hosts])
            assert status == 403
            assert "Host" in body
            assert companion.hub.connection_count == 0


async def test_a_client_without_origin_is_accepted(companion: Companion) -> None:
    assert (await upgrade_status(companion.server.port))[0] == 101


async def test_the_origins_of_the_ui_are_accepted(companion: Companion, subtests: pytest.Subtests) -> None:
    port = companion.server.port
    for origin in TAURI_ORIGINS:
        with subtests.test(origin=origin):
            assert (await upgrade_status(port, headers=[("Host", f"127.0.0.1:{port}"), ("Origin", origin)]))[
                0
            ] == 101


@pytest.mark.parametrize(
    "origins",
    [
        ["null"],
        [""],
        ["https://evil.example"],
        ["http://localhost:1421"],
        ["http://localhost:1420/"],
        ["http://localhost:1420.evil.example"],
        ["HTTP://LOCALHOST:1420"],
        ["http://localhost:1420", "http://localhost:1420"],
        ["http://localhost:1420", "https://evil.example"],
    ],
)
async def test_any_other_origin_returns_403(companion: Companion, origins: list[str]) -> None:
    port = companion.server.port
    headers = [("Host", f"127.0.0.1:{port}"), *(("Origin", origin) for origin in origins)]
    status, body = await upgrade_status(port, headers=headers)
    assert status == 403
    assert "origin" in body
    await until(lambda: len(rejected_rows(companion)) == 1)
    assert companion.hub.connection_count == 0


async def test_the_url_sets_the_username(companion: Companion, connect_client: Connect) -> None:
    await connect_client()
    await connect_client("alice")
    await connect_client("Zoë & Co")
    await connect_client("")
    await connect_client(LONGEST_NAME)
    users = [client.username for client in companion.hub.clients]
    assert users == ["me", "alice", "Zoë & Co", "me", LONGEST_NAME]


async def test_a_too_long_username_is_rejected_and_logged(companion: Companion) -> None:
    status, body = await upgrade_status(companion.server.port, f"/events?username={LONGEST_NAME}n")
    assert status == 400
    assert "64 characters" in body
    await until(lambda: companion.hub.connection_count == 0)
    assert len(rejected_rows(companion)) == 1


async def test_a_client_is_listed_with_its_origin_and_user_agent(
    companion: Companion, connect_client: Connect
) -> None:
    await connect_client(origin="tauri://localhost", user_agent_header="the ui")
    (client,) = companion.hub.clients
    assert (client.origin, client.user_agent) == ("tauri://localhost", "the ui")


async def test_a_plain_http_request_returns_426_without_warnings(companion: Companion) -> None:
    port = companion.server.port
    async with tcp_to(port) as client:
        await client.send(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert (await client.read_to_end()).startswith(b"HTTP/1.1 426 ")
    assert companion.hub.connection_count == 0


@pytest.mark.parametrize(
    "garbage", [b"\x00\xff\x16\x03\x01\r\n\r\n", b"HELLO\r\n\r\n", b"GET /events HTTP/1.1\r\nbad\r\n\r\n"]
)
async def test_a_malformed_handshake_does_not_affect_other_clients(
    companion: Companion, connect_client: Connect, garbage: bytes
) -> None:
    async with tcp_to(companion.server.port) as scanner:
        await scanner.send(garbage)
        await scanner.read_to_end()
    client = await connect_client()
    await companion.send_raw("still here", origin=PANEL)
    assert await asyncio.wait_for(client.recv(), PATIENCE_S) == "still here"
