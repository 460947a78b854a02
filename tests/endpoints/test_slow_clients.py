"""A client that stops reading does not delay other clients, and is aborted at the outbox limit."""

import asyncio

from app.companion import Companion
from app.hub.clients import OUTBOX_BYTES
from app.hub.journal import Row, Verdict
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from tests.conftest import PATIENCE_S, Connect, until
from tests.endpoints.raw import client_that_never_reads

CHUNK = 8 * 1024
MAX_EVENTS = (OUTBOX_BYTES + 4 * 1024 * 1024) // CHUNK
"""More events than the outbox, both socket buffers and the buffer of the library can hold."""


def rows(companion: Companion, event: str) -> list[Row]:
    return [row for row in companion.journal if row.event == event]


def fire_chunk(companion: Companion) -> None:
    companion.hub.broadcast(Envelope("x", {"text": "y" * CHUNK}))


async def test_a_client_that_does_not_read_is_aborted_without_delaying_others(
    companion: Companion, connect_client: Connect
) -> None:
    quick = await connect_client("quick", max_size=None)
    async with client_that_never_reads(companion.server.port) as _:
        await until(lambda: companion.hub.connection_count == 2)
        fired = 0
        while companion.hub.connection_count == 2 and fired < MAX_EVENTS:
            fire_chunk(companion)
            fired += 1
            await asyncio.wait_for(quick.recv(), PATIENCE_S)
        await until(lambda: companion.hub.connection_count == 1)
        for _ in range(20):
            fire_chunk(companion)
            await asyncio.wait_for(quick.recv(), PATIENCE_S)
    (row,) = rows(companion, "aborted")
    assert (row.client, row.verdict) == ("2", Verdict.WARNING)
    assert len(rows(companion, "disconnected")) == 1
    assert fired < (2 * OUTBOX_BYTES + 512 * 1024) // CHUNK, (
        "the kernel or the library buffered far more than the limit"
    )


async def test_queued_frames_arrive_in_order_when_the_client_reads_again(
    companion: Companion, connect_client: Connect
) -> None:
    async with client_that_never_reads(companion.server.port) as client:
        await until(lambda: companion.hub.connection_count == 1)
        (client_in_hub,) = companion.hub.clients
        sent = 0
        while not client_in_hub.outbox.waiting > OUTBOX_BYTES // 2:
            await companion.send_raw(f"<{sent:05}>".ljust(CHUNK, "."), origin=PANEL)
            sent += 1
            companion.hub.batcher.flush()  # a full socket pauses the queue, which would grow on a busy machine
            await asyncio.sleep(0)
        data = b""
        while data.count(b"<") < sent:
            data += await client.receive()
        numbers = [int(part[:5]) for part in data.split(b"<")[1:]]
        assert numbers == list(range(sent))
        assert rows(companion, "aborted") == []
        assert client_in_hub.outbox.waiting == 0


async def test_a_client_that_exceeds_the_limit_while_joining_is_aborted(companion: Companion) -> None:
    """Listeners of ``clients_changed`` may send to a client before its connection is complete."""

    def send_on_join(_: None) -> None:
        if companion.hub.connection_count == 1 and not rows(companion, "x"):
            for _number in range(100):
                fire_chunk(companion)

    companion.hub.clients_changed.connect(send_on_join)
    async with client_that_never_reads(companion.server.port) as _:
        await until(lambda: rows(companion, "x"))
        for _ in range(MAX_EVENTS):
            fire_chunk(companion)
            await asyncio.sleep(0)
        await until(lambda: companion.hub.connection_count == 0)
    assert len(rows(companion, "aborted")) == 1


async def test_a_closing_connection_can_still_be_aborted(companion: Companion) -> None:
    async with client_that_never_reads(companion.server.port) as _:
        await until(lambda: companion.hub.connection_count == 1)
        (client,) = companion.hub.clients
        while not client.outbox.blocked:
            fire_chunk(companion)
            await asyncio.sleep(0)
        client.transport.close(1000, "")
        await asyncio.sleep(0)
        client.transport.abort()
        await until(lambda: companion.hub.connection_count == 0)
