"""Limits: clients, connections and frames of one program, and processes of other users."""

import asyncio
import json
import os
import socket
import struct
import sys
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from app.companion import Companion
from app.endpoints import connection_owner, events, http_server
from app.endpoints.listening import SPARE_CONNECTIONS
from app.hub import rate_limit
from app.hub.clock import Clock
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL
from tests.conftest import PATIENCE_S, MakeCompanion, until
from tests.endpoints.raw import RawClient, tcp_to, upgrade_status

Lookup = Callable[[connection_owner.Address, connection_owner.Address], int | None]
LOOKUPS = (connection_owner.owner_of, connection_owner.query_kernel, connection_owner.scan_table)
FROZEN = Clock(mono=lambda: 1_000.0)
TYPING = '{"event":"typing","data":{"to":"bob","typing":true}}'


async def listening(make_companion: MakeCompanion, **settings: Any) -> Companion:
    companion = await make_companion(prime_browsers=False, **settings)
    assert await companion.start(), companion.services["events"].error
    return companion


def frames(companion: Companion) -> list[Row]:
    return [row for row in companion.journal if row.kind is Kind.FROM_UI]


async def test_a_client_beyond_the_limit_is_rejected_until_another_disconnects(
    make_companion: MakeCompanion,
) -> None:
    companion = await listening(make_companion, max_clients=2)
    async with connect(companion.server.url, proxy=None) as first, connect(companion.server.url, proxy=None):
        with pytest.raises(InvalidStatus) as caught:
            await connect(companion.server.url, proxy=None)
        assert caught.value.response.status_code == 503
        assert b"2 clients are connected already" in (caught.value.response.body or b"")
        await first.close()
        await until(lambda: companion.hub.connection_count == 1)
        async with connect(companion.server.url, proxy=None):
            assert companion.hub.connection_count == 2


async def test_connections_beyond_the_limit_are_cut_and_others_are_not_affected(
    make_companion: MakeCompanion,
) -> None:
    companion = await listening(make_companion, max_connections=10)
    port = companion.server.port
    async with connect(companion.server.url, proxy=None) as client, AsyncExitStack() as stack:
        for _ in range(9):
            await stack.enter_async_context(tcp_to(port))
        await until(lambda: len(companion.server.connections) == 10)
        for _ in range(5):
            async with tcp_to(port) as late:
                with suppress(ConnectionError):
                    assert await late.read_to_end() == b""
        assert len(companion.server.connections) == 10
        assert companion.rejection_log.latest[0].reason == "10 connections are open already"
        await companion.send_raw("still here", origin=PANEL)
        assert await client.recv() == "still here"


async def test_a_client_that_exceeds_the_rate_is_warned_and_then_closed(make_companion: MakeCompanion) -> None:
    companion = await listening(make_companion, client_frames_per_s=20)
    async with connect(companion.server.url, proxy=None) as idle_client:
        async with connect(companion.server.url, proxy=None) as fast_client:
            for _ in range(200):
                await fast_client.send(TYPING)
            await asyncio.wait_for(fast_client.wait_closed(), PATIENCE_S)
            assert (fast_client.close_code, fast_client.close_reason) == (1008, "more than 20 frames per second")
        notes = [row.note for row in companion.journal if row.event == "too fast"]
        assert notes == [
            "more than 20 frames per second: a warning; the next time, the connection is closed",
            "more than 20 frames per second: the connection is closed",
        ]
        handled = [row for row in companion.journal if row.event == "typing"]
        assert 80 <= len(handled) <= 90  # two bursts and the frames refilled in the meantime
        await companion.send_raw("still here", origin=PANEL)
        assert await idle_client.recv() == "still here"


async def test_a_reconnect_does_not_reset_the_rate(make_companion: MakeCompanion) -> None:
    companion = await listening(make_companion, client_frames_per_s=20)
    fast_client = await connect(companion.server.url, proxy=None)
    with suppress(ConnectionClosed):
        for _ in range(200):
            await fast_client.send(TYPING)
    await asyncio.wait_for(fast_client.wait_closed(), PATIENCE_S)
    before = len(frames(companion))
    second_client = await connect(companion.server.url, proxy=None)
    with suppress(ConnectionClosed):
        for _ in range(200):
            await second_client.send(TYPING)
    await asyncio.wait_for(second_client.wait_closed(), PATIENCE_S)
    assert second_client.close_code == 1008
    assert len(frames(companion)) - before < 80, "the limit of a new client would be higher"


async def test_a_client_that_was_just_closed_for_its_rate_is_admitted_later(
    make_companion: MakeCompanion, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []

    async def record_delay(delay: float, *_: object) -> None:
        delays.append(delay)

    monkeypatch.setattr(rate_limit, "RECONNECT_DELAY_S", 60.0)
    companion = await listening(make_companion, client_frames_per_s=1)
    fast_client = await connect(companion.server.url, proxy=None)
    for _ in range(6):
        await fast_client.send(TYPING)
    await asyncio.wait_for(fast_client.wait_closed(), PATIENCE_S)
    monkeypatch.setattr(companion.server.clients, "_process_later", record_delay)
    async with connect(f"{companion.server.url}?username=alice", proxy=None):
        assert delays == []
    async with connect(companion.server.url, proxy=None):
        assert [0 < seconds <= 60 for seconds in delays] == [True]


async def test_large_frames_count_by_their_size(make_companion: MakeCompanion) -> None:
    companion = await listening(make_companion, clock=FROZEN, client_frames_per_s=50)
    client = await connect(companion.server.url, proxy=None)
    with suppress(ConnectionClosed):
        for _ in range(20):
            await client.send("x" * 50 * 1024)
    await asyncio.wait_for(client.wait_closed(), PATIENCE_S)
    assert client.close_reason is not None
    assert client.close_reason.startswith("more than 50 frames per second (each fragment")
    assert len(frames(companion)) == 5


async def test_fragments_count_as_frames(make_companion: MakeCompanion) -> None:
    companion = await listening(make_companion, clock=FROZEN, client_frames_per_s=50)
    client = await connect(companion.server.url, proxy=None)
    with suppress(ConnectionClosed):
        for _ in range(20):
            await client.send(["x"] * 50)
    await asyncio.wait_for(client.wait_closed(), PATIENCE_S)
    assert client.close_code == 1008
    assert len(frames(companion)) < 20


async def test_a_client_that_exceeds_the_rate_limit_and_never_reads_is_disconnected(
    make_companion: MakeCompanion,
) -> None:
    companion = await listening(make_companion, client_frames_per_s=20)
    client = await connect(companion.server.url, proxy=None)
    client.transport.pause_reading()

    async def keep_sending() -> None:
        with suppress(ConnectionClosed):
            while True:
                await client.send(TYPING)
                await asyncio.sleep(0.001)

    await asyncio.wait_for(keep_sending(), PATIENCE_S)
    await until(lambda: companion.hub.connection_count == 0)
    client.transport.abort()


@pytest.mark.parametrize("target", ["/events", "/events?token=", "/events?token=wrong", "/events?token=t&token=t"])
async def test_with_require_token_only_clients_with_the_token_are_accepted(
    make_companion: MakeCompanion, target: str
) -> None:
    companion = await listening(make_companion, require_token=True)
    companion.control.token = "t"
    status, body = await upgrade_status(companion.server.port, target)
    assert (status, "token" in body) == (401, True)
    assert (await upgrade_status(companion.server.port, "/events?token=t&username=zoe"))[0] == 101
    assert "token=t" not in json.dumps([row.note for row in companion.journal])


async def test_with_require_token_clients_are_rejected_while_no_token_is_set(make_companion: MakeCompanion) -> None:
    companion = await listening(make_companion, require_token=True)
    assert (await upgrade_status(companion.server.port, "/events?token="))[0] == 401


async def test_an_unknown_path_is_logged_without_its_query(companion: Companion) -> None:
    status, body = await upgrade_status(companion.server.port, "/event?token=secret")
    assert (status, "secret" in body) == (404, False)
    assert "secret" not in str([row.note for row in companion.journal])


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux reports the owner of a connection")


@linux
@pytest.mark.parametrize("lookup", LOOKUPS)
async def test_the_owner_of_a_connection_is_the_user_of_the_peer_process(
    companion: Companion, lookup: Lookup
) -> None:
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])  # now it is accepted
        ours, theirs = client.tcp.getsockname(), client.tcp.getpeername()
        assert lookup(ours, theirs) == lookup(theirs, ours) == os.getuid()
        assert connection_owner.foreign_owner(ours, theirs) is None
    assert lookup(("127.0.0.1", 1), ("127.0.0.1", 2)) is None, "nothing listens there, so the owner is unknown"


def connect_and_close(port: int, data: bytes = b"", *, reset: bool = True) -> connection_owner.Address:
    """Connect, send and close before the server can read. Return the local address of the connection."""
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(data)
        if reset:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        address: connection_owner.Address = client.getsockname()
    return address


@linux
@pytest.mark.parametrize("lookup", LOOKUPS)
@pytest.mark.parametrize("reset", [True, False])
async def test_the_owner_of_a_closed_connection_cannot_be_identified(
    companion: Companion, lookup: Lookup, reset: bool
) -> None:
    """The kernel reports root as the owner of a closed connection, or no owner."""
    closed_address = connect_and_close(companion.server.port, reset=reset)
    with pytest.raises(connection_owner.ConnectionGone):
        lookup(closed_address, ("127.0.0.1", companion.server.port))


@linux
async def test_data_of_a_connection_closed_before_its_owner_is_identified_is_ignored(companion: Companion) -> None:
    """Otherwise a process of another user could send requests if it does not need the response."""
    companion.settings.rest_port = 0
    assert await companion.start_service("rest")
    before = await companion.chat.store.page("alice", 100, 0)
    body = b'{"to":"alice","text":"from a foreign user"}'
    head = "POST /messages HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Length: {length}\r\n\r\n"
    handshake = (
        "GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
    )
    rest, events_port = companion.rest.port, companion.server.port
    for reset in (True, False):
        for _ in range(10):
            connect_and_close(rest, head.format(port=rest, length=len(body)).encode() + body, reset=reset)
            connect_and_close(events_port, handshake.format(port=events_port).encode(), reset=reset)
    await until(lambda: companion.rejection_log.total >= 30)
    assert await companion.chat.store.page("alice", 100, 0) == before
    assert not [row for row in companion.journal.after(0) if row.event in ("connected", "POST /messages")]
    early = [row for row in companion.journal.after(0) if row.event == "closed early"]
    assert early
    assert all("closed before its owner could be identified" in row.note for row in early)
    assert {row.verdict for row in early} == {Verdict.OK}
    assert companion.rejection_log.latest == []


@pytest.mark.e2e
@linux
@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can become another user")
@pytest.mark.parametrize("lookup", [connection_owner.query_kernel, connection_owner.scan_table])
async def test_the_owner_of_a_process_of_another_user_is_identified(companion: Companion, lookup: Lookup) -> None:
    program = (
        "import encodings.idna, os, socket, sys; os.setuid(65534);"
        "s = socket.create_connection(('127.0.0.1', int(sys.argv[1])));"
        "print(s.getsockname()[1], flush=True); sys.stdin.read()"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", program, str(companion.server.port),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin
    assert process.stdout
    port = int(await process.stdout.readline())
    assert lookup(("127.0.0.1", port), ("127.0.0.1", companion.server.port)) == 65534
    process.stdin.close()
    await process.wait()


@linux
async def test_the_owner_is_read_from_the_socket_table_if_the_kernel_query_is_forbidden(
    companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    def forbidden(*_: object) -> int:
        raise PermissionError

    monkeypatch.setattr(connection_owner, "query_kernel", forbidden)
    async with tcp_to(companion.server.port) as client:
        assert connection_owner.owner_of(client.tcp.getsockname(), client.tcp.getpeername()) == os.getuid()


@linux
async def test_a_process_of_another_user_is_rejected_by_every_server(
    companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The test changes the user ID of this process: the client then belongs to another user."""
    other = os.getuid() + 1
    companion.settings.rest_port = 0
    assert await companion.start_service("rest")
    monkeypatch.setattr("app.endpoints.connection_owner.os.getuid", lambda: other)
    status, body = await upgrade_status(companion.server.port)
    assert (status, f"another user ({other - 1})" in body) == (403, True)
    async with tcp_to(companion.rest.port) as client:
        await client.send(f"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{companion.rest.port}\r\n\r\n".encode())
        assert (await client.receive()).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200)]
)
async def test_requests_embedded_in_pages_of_other_sites_are_rejected(
    companion: Companion, site: str, status: int
) -> None:
    """``<img src="http://127.0.0.1:8080/friends">`` sends no Origin header."""
    companion.settings.rest_port = 0
    assert await companion.start_service("rest")
    async with tcp_to(companion.rest.port) as client:
        head = f"GET /friends HTTP/1.1\r\nHost: 127.0.0.1:{companion.rest.port}\r\nSec-Fetch-Site: {site}\r\n\r\n"
        await client.send(head.encode())
        assert (await client.receive()).startswith(f"HTTP/1.1 {status} ".encode())


async def test_an_http_connection_without_a_complete_request_is_closed_when_idle(
    companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "SWEEP_S", 0.02)
    companion.settings.rest_port = 0
    assert await companion.start_service("rest")
    port = companion.rest.port
    request = f"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    async with tcp_to(port) as silent, tcp_to(port) as incomplete, tcp_to(port) as complete:
        await incomplete.send(request[:20])
        await complete.send(request)
        assert (await complete.receive()).startswith(b"HTTP/1.1 200 ")
        monkeypatch.setattr(http_server, "IDLE_S", 0.2)
        for each in (silent, incomplete):
            with suppress(ConnectionError):
                assert await each.read_to_end() == b""
        await complete.send(request)
        assert (await complete.receive()).startswith(b"HTTP/1.1 200 ")


async def read_until(client: RawClient, end: bytes) -> bytearray:
    received = bytearray()
    while end not in received[-1_000:]:
        received += await client.receive()
    return received


async def test_a_stream_whose_client_reads_nothing_is_cut(
    make_companion: MakeCompanion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "STALLED_S", 1.0)
    monkeypatch.setattr(http_server, "SWEEP_S", 0.02)
    companion = await listening(make_companion, control_port=0)
    companion.control.token = "t"
    assert await companion.start_service("control")
    port, server = companion.control.port, companion.control
    head = f"Host: 127.0.0.1:{port}\r\nAuthorization: Bearer t\r\n\r\n"
    request = f"GET /v1/journal/stream?after=0 HTTP/1.1\r\n{head}"
    async with tcp_to(port) as reading, tcp_to(port) as stalled:
        await reading.send(request.encode())
        await stalled.send(request.encode())
        await until(lambda: len(server._connections) == 2)
        received = asyncio.ensure_future(read_until(reading, b"the end"))
        for _ in range(2_000):
            companion.journal.append(Kind.TO_UI, "new_message", payload=b"x" * 10_000)
        await until(lambda: len(server._connections) == 1)
        companion.hub.log_server_event("tick", note="the end")
        assert (await received).count(b"\nid: ") >= 2_000


async def test_http_connections_beyond_the_limit_receive_503(make_companion: MakeCompanion) -> None:
    companion = await make_companion(max_connections=3)
    assert await companion.start_service("rest")
    port = companion.rest.port
    request = f"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    async with AsyncExitStack() as stack:
        for number in range(5):
            client = await stack.enter_async_context(tcp_to(port))
            await client.send(request)
            answer = await client.receive()
            assert answer.startswith(b"HTTP/1.1 200 " if number < 3 else b"HTTP/1.1 503 ")


async def flood(companion: Companion, frame: bytes) -> str:
    """Send one frame repeatedly without reading. Return the reason why the connection was cut."""
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
        with suppress(ConnectionError):
            for _ in range(1_000):
                await client.send(frame * 200)
                await asyncio.sleep(0)
    await until(lambda: companion.hub.connection_count == 0)
    (note,) = [row.note for row in companion.journal if row.event == "aborted"]
    return note


def masked(first_byte: int, payload: bytes = b"") -> bytes:
    return bytes([first_byte, 0x80 | len(payload), 0, 0, 0, 0]) + payload


@pytest.mark.parametrize("opcode", [0x89, 0x8A], ids=["ping", "pong"])
async def test_a_flood_of_control_frames_is_cut(companion: Companion, opcode: int) -> None:
    assert await flood(companion, masked(opcode, b"x" * 125)) == "too many control frames"


async def test_a_message_with_too_many_empty_fragments_is_cut(companion: Companion) -> None:
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
        await client.send(masked(0x01))
        with suppress(ConnectionError):
            await client.send(masked(0x00) * 5_000)
        await until(lambda: companion.hub.connection_count == 0)
    assert [row.note for row in companion.journal if row.event == "aborted"] == [
        "too many fragments in one message"
    ]


async def test_a_message_in_many_fragments_is_handled_as_one_message(companion: Companion) -> None:
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
        text = TYPING.encode()
        await client.send(masked(0x01))
        for byte in text:
            await client.send(masked(0x00, bytes([byte])))
        await client.send(masked(0x80))
        await until(lambda: [row for row in companion.journal if row.event == "typing"])


async def test_a_duplicate_user_agent_header_is_accepted(companion: Companion) -> None:
    """The library raises an error for a header that occurs twice."""
    port = companion.server.port
    agents = [("Host", f"127.0.0.1:{port}"), ("User-Agent", "first"), ("User-Agent", "second")]
    status, _ = await upgrade_status(port, headers=[*agents, ("Origin", "http://evil.example")])
    assert status == 403
    assert companion.rejection_log.latest[0].user_agent == "first"
    async with tcp_to(port) as client:
        assert (await client.upgrade("/events", agents)).startswith("HTTP/1.1 101 ")
        await until(lambda: companion.hub.clients)
        assert companion.hub.clients[0].user_agent == "first"


@pytest.mark.parametrize("sites", [("none", "cross-site"), ("cross-site", "none")])
async def test_every_value_of_a_header_that_occurs_twice_is_checked(
    companion: Companion, sites: tuple[str, str]
) -> None:
    port = companion.server.port
    headers = [("Host", f"127.0.0.1:{port}"), *(("Sec-Fetch-Site", site) for site in sites)]
    assert (await upgrade_status(port, headers=headers))[0] == 403


def appear_as_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change the user ID of this process, so that every client appears to belong to another user."""
    other = os.getuid() + 1
    monkeypatch.setattr("app.endpoints.connection_owner.os.getuid", lambda: other)


@linux
@pytest.mark.parametrize("server", ["events", "REST", "control"])
async def test_silent_connections_of_another_user_use_at_most_half_of_the_limit(
    make_companion: MakeCompanion, monkeypatch: pytest.MonkeyPatch, server: str
) -> None:
    monkeypatch.setattr(http_server, "IDLE_S", 3600.0)
    monkeypatch.setattr(events, "OPEN_TIMEOUT_S", 3600.0)
    companion = await listening(make_companion, max_connections=6, rest_port=0, control_port=0)
    companion.control.token = "t"
    assert await companion.start_service("rest")
    assert await companion.start_service("control")
    ports = {"events": companion.server.port, "REST": companion.rest.port, "control": companion.control.port}
    port = ports[server]
    async with AsyncExitStack() as stack:
        with monkeypatch.context() as foreign:
            appear_as_another_user(foreign)
            silent = [await stack.enter_async_context(tcp_to(port)) for _ in range(20)]
            reads = [asyncio.ensure_future(each.read_to_end()) for each in silent]
            await until(lambda: sum(each.done() for each in reads) >= 17)
        ours = await stack.enter_async_context(tcp_to(port))
        if server == "events":
            head = await ours.upgrade("/events", [("Host", f"127.0.0.1:{port}")])
            assert head.startswith("HTTP/1.1 101 ")
        else:
            await ours.send(f"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            assert (await ours.receive()).startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 404 ", b"HTTP/1.1 401 "))
        assert [each.done() for each in reads].count(False) == 3
        for each in reads:
            each.cancel()
        await asyncio.gather(*reads, return_exceptions=True)


@linux
async def test_rejected_connections_do_not_fill_the_log_file(
    make_companion: MakeCompanion, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "app.endpoints.access_policy")
    companion = await listening(make_companion, clock=FROZEN, max_connections=1)
    appear_as_another_user(monkeypatch)
    async with tcp_to(companion.server.port):
        await until(lambda: companion.server.connections)
        for _ in range(100):
            async with tcp_to(companion.server.port) as silent:
                with suppress(ConnectionError):
                    assert await silent.receive() == b""
    assert companion.rejection_log.total >= 100
    assert len([record for record in caplog.records if record.name == "app.endpoints.access_policy"]) <= 2


async def test_http_connections_far_beyond_the_limit_are_cut_at_once(make_companion: MakeCompanion) -> None:
    """Otherwise silent connections would use up descriptors, and select() on Windows fails at 512."""
    companion = await make_companion(max_connections=1)
    assert await companion.start_service("rest")
    async with AsyncExitStack() as stack:
        for _ in range(1 + SPARE_CONNECTIONS):
            await stack.enter_async_context(tcp_to(companion.rest.port))
        late = await stack.enter_async_context(tcp_to(companion.rest.port))
        with suppress(ConnectionError):
            assert await late.receive() == b""
    assert companion.rejection_log.latest[0].reason == "1 connections are open already"
