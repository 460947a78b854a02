"""The frames of a client are handled in the order in which they were sent."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import ClientConnection

from app.companion import Companion
from app.endpoints import connection
from app.hub.clients import Client
from app.hub.journal import Kind, Row, Verdict
from app.hub.origin import PANEL
from app.hub.router import Outcome
from app.protocol.events import MarkRead, TypingTo
from tests.conftest import Connect, until
from tests.endpoints.raw import tcp_to, text_frame


def typing(to: str) -> str:
    return json.dumps({"event": "typing", "data": {"to": to, "typing": True}})


def mark_read(msg_id: str) -> str:
    return json.dumps({"event": "mark_read", "data": {"peer": "alice", "msg_id": msg_id}})


def client_rows(companion: Companion) -> list[Row]:
    return [row for row in companion.journal if row.kind is Kind.FROM_UI]


class BlockingHandler:
    """Handlers of ``mark_read``, which waits for ``release``, and of ``typing``, which does not wait."""

    def __init__(self, companion: Companion) -> None:
        self.log: list[str] = []
        self.release = asyncio.Event()
        companion.router.on("mark_read", self.read)
        companion.router.on("typing", self.typing)

    async def read(self, _: Client, data: MarkRead) -> Outcome:
        self.log.append(f"began {data.msg_id}")
        await self.release.wait()
        self.log.append(f"ended {data.msg_id}")
        return Outcome()

    def typing(self, _: Client, data: TypingTo) -> Outcome:
        self.log.append(data.to)
        return Outcome()


@pytest.fixture
def blocking_handler(companion: Companion) -> Iterator[BlockingHandler]:
    blocking_handler = BlockingHandler(companion)
    yield blocking_handler
    blocking_handler.release.set()


async def test_frames_received_while_a_handler_waits_are_processed_after_it(
    companion: Companion, connect_client: Connect, blocking_handler: BlockingHandler
) -> None:
    client = await connect_client()
    for text in (typing("a"), mark_read("1"), typing("b"), mark_read("2"), typing("c")):
        await client.send(text)
    await until(lambda: blocking_handler.log == ["a", "began 1"])
    await asyncio.sleep(0.05)
    assert blocking_handler.log == ["a", "began 1"]
    blocking_handler.release.set()
    await until(lambda: len(client_rows(companion)) == 5)
    assert blocking_handler.log == ["a", "began 1", "ended 1", "b", "began 2", "ended 2", "c"]
    assert [row.event for row in client_rows(companion)] == ["typing", "mark_read", "typing", "mark_read", "typing"]


async def test_other_clients_do_not_wait_for_a_blocked_handler(
    companion: Companion, connect_client: Connect, blocking_handler: BlockingHandler
) -> None:
    first, second = await connect_client(), await connect_client()
    await first.send(mark_read("1"))
    await until(lambda: blocking_handler.log)
    await second.send(typing("b"))
    await until(lambda: blocking_handler.log == ["began 1", "b"])


async def test_many_frames_sent_while_a_handler_waits_are_all_processed(
    companion: Companion, connect_client: Connect, blocking_handler: BlockingHandler
) -> None:
    companion.settings.client_frames_per_s = 10**9
    client = await connect_client()
    await client.send(mark_read("1"))
    await until(lambda: blocking_handler.log)
    sending = asyncio.ensure_future(send_many(client, 3000))
    await asyncio.sleep(0.1)
    assert blocking_handler.log == ["began 1"]
    blocking_handler.release.set()
    await sending
    await until(lambda: len(client_rows(companion)) == 3001)
    assert blocking_handler.log == ["began 1", "ended 1", *map(str, range(3000))]


async def send_many(client: ClientConnection, number: int) -> None:
    for each in range(number):
        await client.send(typing(str(each)))


async def test_fragmented_binary_and_whole_frames_are_processed_in_order(
    companion: Companion, connect_client: Connect, blocking_handler: BlockingHandler
) -> None:
    client = await connect_client()
    await client.send(typing("a"))
    await client.send([typing("b")[:20], typing("b")[20:]])
    await client.send(typing("c"))
    await client.send(b"\x00\x01")
    await client.send(typing("d"))
    await until(lambda: len(client_rows(companion)) == 5)
    assert blocking_handler.log == ["a", "b", "c", "d"]
    assert [row.verdict for row in client_rows(companion)] == [*[Verdict.OK] * 3, Verdict.INVALID, Verdict.OK]


async def test_a_disconnect_while_a_handler_waits_is_logged_after_the_handler(
    companion: Companion, connect_client: Connect, blocking_handler: BlockingHandler
) -> None:
    client = await connect_client()
    await client.send(mark_read("1"))
    await until(lambda: blocking_handler.log)
    await client.close()
    blocking_handler.release.set()
    await until(lambda: not companion.hub.connection_count)
    events = [row.event for row in companion.journal]
    assert events.index("mark_read") < events.index("disconnected")


async def test_text_that_is_not_utf_8_closes_the_connection_after_earlier_frames_are_processed(
    companion: Companion, blocking_handler: BlockingHandler
) -> None:
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
        await client.send(text_frame(typing("a").encode()) + text_frame(b"\xff\xfe") + text_frame(b"{}"))
        assert b"\x03\xef" in await client.read_to_end()  # 1007
    await until(lambda: not companion.hub.connection_count)
    assert blocking_handler.log == ["a"]
    assert [row.event for row in client_rows(companion)] == ["typing"]


async def test_frames_that_arrive_in_one_write_are_all_processed(
    companion: Companion, blocking_handler: BlockingHandler
) -> None:
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
        await client.send(b"".join(text_frame(typing(str(number)).encode()) for number in range(500)))
        await until(lambda: len(client_rows(companion)) == 500)
    assert blocking_handler.log == [str(number) for number in range(500)]


async def test_fired_frames_are_sent_before_the_close_frame(companion: Companion, connect_client: Connect) -> None:
    client = await connect_client()
    for number in range(50):
        await companion.send_raw(str(number), origin=PANEL)
    companion.hub.clients[0].close(1000, "enough")
    assert [frame async for frame in client] == [str(number) for number in range(50)]
    assert client.close_reason == "enough"


async def test_fired_frames_are_sent_before_the_server_stops(companion: Companion, connect_client: Connect) -> None:
    client = await connect_client()
    for number in range(50):
        await companion.send_raw(str(number), origin=PANEL)
    await companion.stop()
    assert [frame async for frame in client] == [str(number) for number in range(50)]
    assert client.close_code == 1001


async def test_interleaved_fragments_of_two_clients_are_reassembled(companion: Companion) -> None:
    port = companion.server.port
    async with tcp_to(port) as one, tcp_to(port) as other:
        for client, name in ((one, "one"), (other, "other")):
            await client.upgrade(f"/events?username={name}", [("Host", f"127.0.0.1:{port}")])
        pieces = [text_frame(typing("first").encode()), text_frame(typing("second").encode())]
        for offset in range(max(map(len, pieces))):
            for client, frame in zip((one, other), pieces, strict=True):
                await client.send(frame[offset : offset + 1])
                await asyncio.sleep(0)
        await until(lambda: len(client_rows(companion)) == 2)
    assert {row.payload.decode() for row in client_rows(companion)} == {typing("first"), typing("second")}
    assert all(row.verdict is not Verdict.INVALID for row in client_rows(companion))


async def test_data_larger_than_the_read_buffer_is_processed_completely(
    companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        connection, "_read", memoryview(bytearray(64))
    )  # the default of 64 KiB would hold all data below
    port = companion.server.port
    texts = [typing(f"user {number}") for number in range(100)]
    async with tcp_to(port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{port}")])
        await client.send(b"".join(text_frame(text.encode()) for text in texts))
        await until(lambda: len(client_rows(companion)) == len(texts))
    assert [row.payload.decode() for row in client_rows(companion)] == texts
