"""What one program cannot do to the others: too many clients, connections, frames; another user's process."""

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
from tests.conftest import PATIENCE_S, MakeCompanion, until
from tests.endpoints.raw import tcp_to, upgrade_status

Ask = Callable[[connection_owner.Address, connection_owner.Address], int | None]
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


async def test_connections_beyond_the_limit_are_cut_and_the_others_stay(make_companion: MakeCompanion) -> None:
    companion = await listening(make_companion, max_connections=10)
    port = companion.server.port
    async with connect(companion.server.url, proxy=None) as client, AsyncExitStack() as stack:
        for _ in range(9):
            await stack.enter_async_context(tcp_to(port))
        await until(lambda: len(companion.server.connections) == 10)
        for _ in range(5):
            async with tcp_to(port) as late:
                with suppress(ConnectionError):
                    assert await late.rest() == b""
        assert len(companion.server.connections) == 10
        assert companion.rejection_log.latest[0].reason == "10 connections are open already"
        await companion.send_raw("still here", origin="panel")
        assert await client.recv() == "still here"


async def test_a_client_that_talks_too_fast_is_warned_and_then_parted_with(make_companion: MakeCompanion) -> None:
    companion = await listening(make_companion, client_frames_per_s=20)
    async with connect(companion.server.url, proxy=None) as quiet:
        async with connect(companion.server.url, proxy=None) as loud:
            for _ in range(200):
                await loud.send(TYPING)
            await asyncio.wait_for(loud.wait_closed(), PATIENCE_S)
            assert (loud.close_code, loud.close_reason) == (1008, "over 20 frames per second")
        told = [row.note for row in companion.journal if row.event == "too fast"]
        assert told == [
            "over 20 frames per second: a warning; next time it is closed",
            "over 20 frames per second: the connection is closed",
        ]
        heard = [row for row in companion.journal if row.event == "typing"]
        assert 80 <= len(heard) <= 90  # two bursts and what refilled meanwhile
        await companion.send_raw("still here", origin="panel")
        assert await quiet.recv() == "still here"


async def test_a_reconnect_does_not_reset_the_rate(make_companion: MakeCompanion) -> None:
    companion = await listening(make_companion, client_frames_per_s=20)
    loud = await connect(companion.server.url, proxy=None)
    with suppress(ConnectionClosed):
        for _ in range(200):
            await loud.send(TYPING)
    await asyncio.wait_for(loud.wait_closed(), PATIENCE_S)
    before = len(frames(companion))
    again = await connect(companion.server.url, proxy=None)
    with suppress(ConnectionClosed):
        for _ in range(200):
            await again.send(TYPING)
    await asyncio.wait_for(again.wait_closed(), PATIENCE_S)
    assert again.close_code == 1008
    assert len(frames(companion)) - before < 80, "as many as a new client may send at once"


async def test_a_client_that_was_just_closed_for_its_rate_is_admitted_later(
    make_companion: MakeCompanion, monkeypatch: pytest.MonkeyPatch
) -> None:
    delays: list[float] = []

    async def later(delay: float, *_: object) -> None:
        delays.append(delay)

    monkeypatch.setattr(rate_limit, "RECONNECT_DELAY_S", 60.0)
    companion = await listening(make_companion, client_frames_per_s=1)
    loud = await connect(companion.server.url, proxy=None)
    for _ in range(6):
        await loud.send(TYPING)
    await asyncio.wait_for(loud.wait_closed(), PATIENCE_S)
    monkeypatch.setattr(companion.server, "_process_later", later)
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
    assert client.close_reason.startswith("over 50 frames per second (a fragment")
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

    async def talk() -> None:
        with suppress(ConnectionClosed):
            while True:
                await client.send(TYPING)
                await asyncio.sleep(0.001)

    await asyncio.wait_for(talk(), PATIENCE_S)
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


async def test_a_path_is_quoted_without_the_token_behind_it(companion: Companion) -> None:
    status, body = await upgrade_status(companion.server.port, "/event?token=secret")
    assert (status, "secret" in body) == (404, False)
    assert "secret" not in str([row.note for row in companion.journal])


linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells whose process it is")


@linux
@pytest.mark.parametrize("ask", LOOKUPS)
async def test_the_owner_of_a_connection_is_the_user_of_the_peer_process(companion: Companion, ask: Ask) -> None:
    async with tcp_to(companion.server.port) as client:
        ours, theirs = client.tcp.getsockname(), client.tcp.getpeername()
        assert ask(ours, theirs) == ask(theirs, ours) == os.getuid()
        assert connection_owner.foreign_owner(ours, theirs) is None
    assert ask(("127.0.0.1", 1), ("127.0.0.1", 2)) is None, "nobody listens there, so nothing is known"


def hang_up(port: int, data: bytes = b"", *, reset: bool = True) -> connection_owner.Address:
    """Connect, send and hang up before the server can have read; return the address of that end."""
    with socket.create_connection(("127.0.0.1", port)) as hasty:
        hasty.sendall(data)
        if reset:
            hasty.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        address: connection_owner.Address = hasty.getsockname()
    return address


@linux
@pytest.mark.parametrize("ask", LOOKUPS)
@pytest.mark.parametrize("reset", [True, False])
async def test_the_owner_of_a_closed_connection_cannot_be_identified(
    companion: Companion, ask: Ask, reset: bool
) -> None:
    """The kernel calls what is left of it root's, or knows nothing of it."""
    gone = hang_up(companion.server.port, reset=reset)
    with pytest.raises(connection_owner.ConnectionGone):
        ask(gone, ("127.0.0.1", companion.server.port))


@linux
async def test_data_of_a_connection_closed_before_its_owner_is_identified_is_ignored(companion: Companion) -> None:
    """Or another user's process could write what it likes: it needs no answer."""
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
            hang_up(rest, head.format(port=rest, length=len(body)).encode() + body, reset=reset)
            hang_up(events_port, handshake.format(port=events_port).encode(), reset=reset)
    await until(lambda: companion.rejection_log.total >= 30)
    assert await companion.chat.store.page("alice", 100, 0) == before
    assert not [row for row in companion.journal.after(0) if row.event in ("connected", "POST /messages")]
    early = [row for row in companion.journal.after(0) if row.event == "closed early"]
    assert early
    assert all("closed before its owner could be identified" in row.note for row in early)
    assert {row.verdict for row in early} == {Verdict.OK}
    assert companion.rejection_log.latest == []


@linux
@pytest.mark.skipif(os.name == "posix" and os.getuid() != 0, reason="only root can be somebody else")
@pytest.mark.parametrize("ask", [connection_owner.query_kernel, connection_owner.scan_table])
async def test_another_users_process_is_known_for_what_it_is(companion: Companion, ask: Ask) -> None:
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
    assert ask(("127.0.0.1", port), ("127.0.0.1", companion.server.port)) == 65534
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
    """Who we are is changed here: the process at the other end is then another user's."""
    other = os.getuid() + 1
    companion.settings.rest_port = 0
    assert await companion.start_service("rest")
    monkeypatch.setattr(connection_owner.os, "getuid", lambda: other)
    status, body = await upgrade_status(companion.server.port)
    assert (status, f"another user ({other - 1})" in body) == (403, True)
    async with tcp_to(companion.rest.port) as client:
        await client.send(f"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{companion.rest.port}\r\n\r\n".encode())
        assert (await client.receive()).startswith(b"HTTP/1.1 403 ")


@pytest.mark.parametrize(
    ("site", "status"), [("cross-site", 403), ("same-site", 403), ("none", 200), ("same-origin", 200)]
)
async def test_what_a_page_of_another_site_embeds_is_refused(companion: Companion, site: str, status: int) -> None:
    """``<img src="http://127.0.0.1:8080/friends">`` comes without an Origin."""
    companion.settings.rest_port = 0
    assert await companion.start_service("rest")
    async with tcp_to(companion.rest.port) as client:
        head = f"GET /friends HTTP/1.1\r\nHost: 127.0.0.1:{companion.rest.port}\r\nSec-Fetch-Site: {site}\r\n\r\n"
        await client.send(head.encode())
        assert (await client.receive()).startswith(f"HTTP/1.1 {status} ".encode())


async def test_an_http_connection_without_a_complete_request_is_closed_when_idle(
    companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http_server, "IDLE_S", 0.2)
    monkeypatch.setattr(http_server, "SWEEP_S", 0.02)
    companion.settings.rest_port = 0
    assert await companion.start_service("rest")
    port = companion.rest.port
    hello = f"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    async with tcp_to(port) as silent, tcp_to(port) as half, tcp_to(port) as polite:
        await half.send(hello[:20])
        await polite.send(hello)
        assert (await polite.receive()).startswith(b"HTTP/1.1 200 ")
        for each in (silent, half):
            with suppress(ConnectionError):
                assert await each.rest() == b""
        await polite.send(hello)
        assert (await polite.receive()).startswith(b"HTTP/1.1 200 ")


async def test_http_connections_beyond_the_limit_receive_503(make_companion: MakeCompanion) -> None:
    companion = await make_companion(max_connections=3)
    assert await companion.start_service("rest")
    port = companion.rest.port
    hello = f"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode()
    async with AsyncExitStack() as stack:
        for number in range(5):
            client = await stack.enter_async_context(tcp_to(port))
            await client.send(hello)
            answer = await client.receive()
            assert answer.startswith(b"HTTP/1.1 200 " if number < 3 else b"HTTP/1.1 503 ")


async def flood(companion: Companion, frame: bytes) -> str:
    """Send one frame again and again without reading anything; return why the connection was cut."""
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
        with suppress(ConnectionError):
            for _ in range(1_000):
                await client.send(frame * 200)
                await asyncio.sleep(0)
    await until(lambda: companion.hub.connection_count == 0)
    (told,) = [row.note for row in companion.journal if row.event == "aborted"]
    return told


def masked(first_byte: int, payload: bytes = b"") -> bytes:
    return bytes([first_byte, 0x80 | len(payload), 0, 0, 0, 0]) + payload


@pytest.mark.parametrize("opcode", [0x89, 0x8A], ids=["ping", "pong"])
async def test_a_flood_of_control_frames_is_cut(companion: Companion, opcode: int) -> None:
    assert await flood(companion, masked(opcode, b"x" * 125)) == "too many control frames"


async def test_a_message_of_endless_empty_fragments_is_cut(companion: Companion) -> None:
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
        await client.send(masked(0x01))
        with suppress(ConnectionError):
            await client.send(masked(0x00) * 5_000)
        await until(lambda: companion.hub.connection_count == 0)
    assert [row.note for row in companion.journal if row.event == "aborted"] == ["a message in too many fragments"]


async def test_a_message_in_many_fragments_is_one_message(companion: Companion) -> None:
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


def of_another_user(monkeypatch: pytest.MonkeyPatch) -> None:
    """Change who we are: every process at the other end is then another user's."""
    other = os.getuid() + 1
    monkeypatch.setattr(connection_owner.os, "getuid", lambda: other)


@linux
@pytest.mark.parametrize("door", ["events", "REST", "control"])
async def test_another_users_silent_connections_leave_half_of_the_room(
    make_companion: MakeCompanion, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    monkeypatch.setattr(http_server, "IDLE_S", 3600.0)
    monkeypatch.setattr(events, "OPEN_TIMEOUT_S", 3600.0)
    companion = await listening(make_companion, max_connections=6, rest_port=0, control_port=0)
    companion.control.token = "t"
    assert await companion.start_service("rest")
    assert await companion.start_service("control")
    port = {"events": companion.server, "REST": companion.rest, "control": companion.control}[door].port
    async with AsyncExitStack() as stack:
        with monkeypatch.context() as foreign:
            of_another_user(foreign)
            silent = [await stack.enter_async_context(tcp_to(port)) for _ in range(20)]
            cut = [asyncio.ensure_future(each.rest()) for each in silent]
            await until(lambda: sum(each.done() for each in cut) >= 17)
        ours = await stack.enter_async_context(tcp_to(port))
        if door == "events":
            head = await ours.upgrade("/events", [("Host", f"127.0.0.1:{port}")])
            assert head.startswith("HTTP/1.1 101 ")
        else:
            await ours.send(f"GET /status HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
            assert (await ours.receive()).startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 404 ", b"HTTP/1.1 401 "))
        assert [each.done() for each in cut].count(False) == 3
        for each in cut:
            each.cancel()
        await asyncio.gather(*cut, return_exceptions=True)


@linux
async def test_refused_connections_do_not_fill_the_log_file(
    make_companion: MakeCompanion, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "app.endpoints.access_policy")
    companion = await listening(make_companion, clock=FROZEN, max_connections=1)
    of_another_user(monkeypatch)
    async with tcp_to(companion.server.port):
        await until(lambda: companion.server.connections)
        for _ in range(100):
            async with tcp_to(companion.server.port) as silent:
                with suppress(ConnectionError):
                    assert await silent.receive() == b""
    assert companion.rejection_log.total >= 100
    assert len([record for record in caplog.records if record.name == "app.endpoints.access_policy"]) <= 2


async def test_http_connections_far_beyond_the_limit_are_cut_at_once(make_companion: MakeCompanion) -> None:
    """Silent ones would take descriptors without end, and select() on Windows fails at 512."""
    companion = await make_companion(max_connections=1)
    assert await companion.start_service("rest")
    async with AsyncExitStack() as stack:
        for _ in range(1 + SPARE_CONNECTIONS):
            await stack.enter_async_context(tcp_to(companion.rest.port))
        late = await stack.enter_async_context(tcp_to(companion.rest.port))
        with suppress(ConnectionError):
            assert await late.receive() == b""
    assert companion.rejection_log.latest[0].reason == "1 connections are open already"
