"""Whichever way a client's frames take through the server, they are heard in the order in which they were sent."""

import asyncio
import json
from collections.abc import Iterator

import pytest
from websockets.asyncio.client import ClientConnection

from app.companion import Companion
from app.endpoints import connection
from app.hub.clients import Client
from app.hub.journal import Kind, Row, Verdict
from app.hub.router import Outcome
from app.protocol.events import MarkRead, TypingTo
from tests.conftest import Connect, until
from tests.endpoints.raw import tcp_to, text_frame


def typing(to: str) -> str:
    return json.dumps({"event": "typing", "data": {"to": to, "typing": True}})


def reading(msg_id: str) -> str:
    return json.dumps({"event": "mark_read", "data": {"peer": "alice", "msg_id": msg_id}})


def heard(companion: Companion) -> list[Row]:
    return [row for row in companion.journal if row.kind is Kind.FROM_UI]


class Slow:
    """A handler of ``mark_read`` that waits until the test lets it go on; ``typing`` is answered at once."""

    def __init__(self, companion: Companion) -> None:
        self.log: list[str] = []
        self.go = asyncio.Event()
        companion.router.on("mark_read", self.read)
        companion.router.on("typing", self.typing)

    async def read(self, _: Client, data: MarkRead) -> Outcome:
        self.log.append(f"began {data.msg_id}")
        await self.go.wait()
        self.log.append(f"ended {data.msg_id}")
        return Outcome()

    def typing(self, _: Client, data: TypingTo) -> Outcome:
        self.log.append(data.to)
        return Outcome()


@pytest.fixture
def slow(companion: Companion) -> Iterator[Slow]:
    slow = Slow(companion)
    yield slow
    slow.go.set()


async def test_frames_received_while_a_handler_waits_are_processed_after_it(
    companion: Companion, connect_client: Connect, slow: Slow
) -> None:
    client = await connect_client()
    for text in (typing("a"), reading("1"), typing("b"), reading("2"), typing("c")):
        await client.send(text)
    await until(lambda: slow.log == ["a", "began 1"])
    await asyncio.sleep(0.05)
    assert slow.log == ["a", "began 1"]
    slow.go.set()
    await until(lambda: len(heard(companion)) == 5)
    assert slow.log == ["a", "began 1", "ended 1", "b", "began 2", "ended 2", "c"]
    assert [row.event for row in heard(companion)] == ["typing", "mark_read", "typing", "mark_read", "typing"]


async def test_another_client_does_not_wait_for_it(
    companion: Companion, connect_client: Connect, slow: Slow
) -> None:
    first, second = await connect_client(), await connect_client()
    await first.send(reading("1"))
    await until(lambda: slow.log)
    await second.send(typing("b"))
    await until(lambda: slow.log == ["began 1", "b"])


async def test_a_client_that_sends_much_meanwhile_is_held_back_and_loses_nothing(
    companion: Companion, connect_client: Connect, slow: Slow
) -> None:
    companion.settings.client_frames_per_s = 1e9
    client = await connect_client()
    await client.send(reading("1"))
    await until(lambda: slow.log)
    sending = asyncio.ensure_future(many(client, 3000))
    await asyncio.sleep(0.1)
    assert slow.log == ["began 1"]
    slow.go.set()
    await sending
    await until(lambda: len(heard(companion)) == 3001)
    assert slow.log == ["began 1", "ended 1", *map(str, range(3000))]


async def many(client: ClientConnection, number: int) -> None:
    for each in range(number):
        await client.send(typing(str(each)))


async def test_fragmented_binary_and_whole_frames_are_processed_in_order(
    companion: Companion, connect_client: Connect, slow: Slow
) -> None:
    client = await connect_client()
    await client.send(typing("a"))
    await client.send([typing("b")[:20], typing("b")[20:]])
    await client.send(typing("c"))
    await client.send(b"\x00\x01")
    await client.send(typing("d"))
    await until(lambda: len(heard(companion)) == 5)
    assert slow.log == ["a", "b", "c", "d"]
    assert [row.verdict for row in heard(companion)] == [*[Verdict.OK] * 3, Verdict.INVALID, Verdict.OK]


async def test_a_client_that_leaves_while_a_handler_waits_is_gone_after_it(
    companion: Companion, connect_client: Connect, slow: Slow
) -> None:
    client = await connect_client()
    await client.send(reading("1"))
    await until(lambda: slow.log)
    await client.close()
    slow.go.set()
    await until(lambda: not companion.hub.connection_count)
    events = [row.event for row in companion.journal]
    assert events.index("mark_read") < events.index("disconnected")


async def test_text_that_is_not_utf_8_closes_the_connection_after_earlier_frames_are_processed(
    companion: Companion, slow: Slow
) -> None:
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
        await client.send(text_frame(typing("a").encode()) + text_frame(b"\xff\xfe") + text_frame(b"{}"))
        assert b"\x03\xef" in await client.rest()  # 1007
    await until(lambda: not companion.hub.connection_count)
    assert slow.log == ["a"]
    assert [row.event for row in heard(companion)] == ["typing"]


async def test_frames_that_arrive_in_one_write_are_all_processed(companion: Companion, slow: Slow) -> None:
    async with tcp_to(companion.server.port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{companion.server.port}")])
        await client.send(b"".join(text_frame(typing(str(number)).encode()) for number in range(500)))
        await until(lambda: len(heard(companion)) == 500)
    assert slow.log == [str(number) for number in range(500)]


async def test_what_was_fired_is_on_the_wire_before_the_close_frame(
    companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    for number in range(50):
        await companion.send_raw(str(number), origin="panel")
    companion.hub.clients[0].close(1000, "enough")
    assert [frame async for frame in client] == [str(number) for number in range(50)]
    assert client.close_reason == "enough"


async def test_what_was_fired_is_on_the_wire_before_the_server_stops(
    companion: Companion, connect_client: Connect
) -> None:
    client = await connect_client()
    for number in range(50):
        await companion.send_raw(str(number), origin="panel")
    await companion.stop()
    assert [frame async for frame in client] == [str(number) for number in range(50)]
    assert client.close_code == 1001


async def test_frames_that_come_in_pieces_by_turns_with_others_stay_whole(companion: Companion) -> None:
    port = companion.server.port
    async with tcp_to(port) as one, tcp_to(port) as other:
        for client, name in ((one, "one"), (other, "other")):
            await client.upgrade(f"/events?username={name}", [("Host", f"127.0.0.1:{port}")])
        pieces = [text_frame(typing("first").encode()), text_frame(typing("second").encode())]
        for at in range(max(map(len, pieces))):
            for client, frame in zip((one, other), pieces, strict=True):
                await client.send(frame[at : at + 1])
                await asyncio.sleep(0)
        await until(lambda: len(heard(companion)) == 2)
    assert {row.payload.decode() for row in heard(companion)} == {typing("first"), typing("second")}
    assert all(row.verdict is not Verdict.INVALID for row in heard(companion))


async def test_data_larger_than_the_read_buffer_is_processed_completely(
    companion: Companion, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_read", memoryview(bytearray(64)))  # 64 KiB would hold all that comes below
    port = companion.server.port
    texts = [typing(f"user {number}") for number in range(100)]
    async with tcp_to(port) as client:
        await client.upgrade("/events", [("Host", f"127.0.0.1:{port}")])
        await client.send(b"".join(text_frame(text.encode()) for text in texts))
        await until(lambda: len(heard(companion)) == len(texts))
    assert [row.payload.decode() for row in heard(companion)] == texts
