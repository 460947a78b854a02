import asyncio
import json

import pytest
from websockets.asyncio.client import ClientConnection
from websockets.frames import Frame, Opcode

from app.companion import Companion
from app.hub import text_frame as module
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL
from app.hub.target import Target
from app.protocol.envelope import MAX_FRAME_BYTES, Envelope
from tests.conftest import PATIENCE_S, Connect, until
from tests.endpoints.raw import client_that_never_reads, tcp_to, text_frame

ONLINE = Envelope("friend_online", {"username": "alice"})
TYPING = '{"event":"typing","data":{"to":"bob","typing":true}}'


def rows(companion: Companion, kind: Kind) -> list[Row]:
    return [row for row in companion.journal if row.kind is kind]


def server_rows(companion: Companion, event: str) -> list[Row]:
    return [row for row in companion.journal if row.event == event]


def message(text: str) -> Envelope:
    return Envelope(
        "new_message",
        {
            "msg_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "from": "alice", "to": "me", "text": text,
            "timestamp": "2024-01-15T10:30:00Z", "direction": "received", "delivered": True,
            "delivery_method": "direct",
        },
    )  # fmt: skip


async def receive(socket: ClientConnection) -> str | bytes:
    return await asyncio.wait_for(socket.recv(), PATIENCE_S)


@pytest.mark.parametrize("size", [0, 1, 125, 126, 127, 0xFFFF, 0x10000, 0x10001])
def test_a_text_frame_equals_that_of_the_library(size: int) -> None:
    payload = b"x" * size
    assert module.text_frame(payload) == Frame(Opcode.TEXT, payload).serialize(mask=False)


async def test_an_event_arrives_as_a_compact_text_frame(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    await companion.fire(ONLINE, origin=PANEL)
    assert await receive(socket) == '{"event":"friend_online","data":{"username":"alice"}}'


async def test_two_clients_get_all_frames_in_the_same_order(companion: Companion, connect_client: Connect) -> None:
    sockets = [await connect_client(), await connect_client("bob")]
    for number in range(300):
        await companion.fire(message(str(number)), origin=PANEL)
        if number % 50 == 0:
            await asyncio.sleep(0)
    for socket in sockets:
        texts = [json.loads(await receive(socket))["data"]["text"] for _ in range(300)]
        assert texts == [str(number) for number in range(300)]


async def test_an_event_can_be_sent_to_one_of_two_clients(companion: Companion, connect_client: Connect) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    await companion.fire(message("for bob"), to=Target(user="bob"), origin=PANEL)
    companion.hub.send_to(companion.hub.clients[0], message("for alice"))
    assert json.loads(await receive(alice))["data"]["text"] == "for alice"
    assert json.loads(await receive(bob))["data"]["text"] == "for bob"


async def test_typing_is_forwarded_to_the_other_client(companion: Companion, connect_client: Connect) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    await alice.send(TYPING)
    assert await receive(bob) == '{"event":"typing","data":{"username":"alice","typing":true}}'


async def test_invalid_frames_are_logged_and_the_connection_stays_open(
    companion: Companion, connect_client: Connect
) -> None:
    alice, bob = await connect_client("alice"), await connect_client("bob")
    for frame in ("hello", "[]", "{}", b"\xff\x00", TYPING.encode(), '{"event":"unknown","data":{}}'):
        await alice.send(frame)
    await alice.send(TYPING)
    await receive(bob)
    verdicts = [row.verdict for row in rows(companion, Kind.FROM_UI)]
    assert verdicts == [Verdict.INVALID] * 6 + [Verdict.OK]
    await companion.fire(ONLINE, origin=PANEL)
    assert json.loads(await receive(alice)) == {"event": "friend_online", "data": {"username": "alice"}}


async def test_a_frame_of_the_maximum_size_is_read(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    await socket.send("x" * MAX_FRAME_BYTES)
    await until(lambda: len(rows(companion, Kind.FROM_UI)) == 1)
    assert rows(companion, Kind.FROM_UI)[0].size == MAX_FRAME_BYTES
    assert companion.hub.connection_count == 1


async def test_a_frame_over_the_limit_closes_with_1009_and_a_row(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    await socket.send("x" * (MAX_FRAME_BYTES + 1))
    await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
    assert socket.close_code == 1009
    await until(lambda: server_rows(companion, "disconnected"))
    (row,) = server_rows(companion, "disconnected")
    assert (row.verdict, row.note) == (Verdict.INVALID, "closed with 1009: a frame was over 64 KiB")
    assert rows(companion, Kind.FROM_UI) == []


async def test_a_text_frame_that_is_not_utf_8_closes_with_1007_and_is_logged(companion: Companion) -> None:
    async with client_that_never_reads(companion.server.port) as client:
        await client.send(text_frame(b"\xff\xfe"))
        await until(lambda: server_rows(companion, "disconnected"))
    (row,) = server_rows(companion, "disconnected")
    assert row.verdict is Verdict.INVALID
    assert row.note.startswith("closed with 1007")


async def test_many_frames_of_a_client_are_all_read(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    for _ in range(500):
        await socket.send(TYPING)
    await until(lambda: len(rows(companion, Kind.FROM_UI)) == 500)
    assert companion.hub.clients[0].frames_in == 500


async def test_a_client_can_be_closed_with_a_code(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    companion.hub.clients[0].transport.close(4001, "go away")
    await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
    assert (socket.close_code, socket.close_reason) == (4001, "go away")
    await until(lambda: companion.hub.connection_count == 0)
    assert server_rows(companion, "disconnected")[0].note == "closed with 4001: go away"


async def test_firing_while_a_client_is_closing_does_not_affect_other_clients(
    companion: Companion, connect_client: Connect
) -> None:
    leaving, staying = await connect_client("leaving"), await connect_client("staying")
    companion.hub.clients[0].transport.close(1000, "")
    companion.hub.clients[0].transport.close(1000, "")
    await companion.fire(ONLINE, origin=PANEL)
    await asyncio.sleep(0)
    await companion.fire(ONLINE, origin=PANEL)
    await receive(staying)
    await receive(staying)
    await asyncio.wait_for(leaving.wait_closed(), PATIENCE_S)


async def test_a_client_can_be_aborted(companion: Companion, connect_client: Connect) -> None:
    socket = await connect_client()
    companion.hub.clients[0].transport.abort()
    await asyncio.wait_for(socket.wait_closed(), PATIENCE_S)
    assert socket.close_code == 1006
    await until(lambda: companion.hub.connection_count == 0)


async def test_the_connections_are_counted(companion: Companion, connect_client: Connect) -> None:
    assert companion.hub.connection_count == 0
    first = await connect_client()
    await connect_client()
    assert companion.hub.connection_count == 2
    await first.close()
    await until(lambda: companion.hub.connection_count == 1)


async def test_clients_that_disconnect_unexpectedly_are_logged_without_warnings(
    companion: Companion, connect_client: Connect
) -> None:
    port = companion.server.port
    host = [("Host", f"127.0.0.1:{port}")]
    async with tcp_to(port) as silent:
        silent.reset()
    async with tcp_to(port) as incomplete_handshake:
        await incomplete_handshake.send(b"GET /events HTTP/1.1\r\nHost: ")
    async with tcp_to(port) as reset_client:
        await reset_client.upgrade("/events", host)
        await until(lambda: companion.hub.connection_count == 1)
        reset_client.reset()
    await until(lambda: companion.hub.connection_count == 0)
    async with tcp_to(port) as incomplete_frame:
        await incomplete_frame.upgrade("/events", host)
        await incomplete_frame.send(text_frame(b"x" * 100)[:50])
    await until(lambda: len(server_rows(companion, "disconnected")) == 2)
    assert {row.note for row in server_rows(companion, "disconnected")} == {
        "the connection was cut without a closing handshake (1006)"
    }
    socket = await connect_client()
    await companion.fire(ONLINE, origin=PANEL)
    await receive(socket)


async def test_firing_after_a_client_reset_its_connection_does_not_affect_other_clients(
    companion: Companion, connect_client: Connect
) -> None:
    socket = await connect_client()
    async with client_that_never_reads(companion.server.port) as reset_client:
        await until(lambda: companion.hub.connection_count == 2)
        reset_client.reset()
        for _ in range(20):
            await companion.fire(message("x" * 1_000), origin=PANEL)
    for _ in range(20):
        await receive(socket)
    await until(lambda: companion.hub.connection_count == 1)
