"""A client that stops reading delays nobody, holds little, and does not outlive its bound."""

import asyncio

from app.companion import Companion
from app.hub.clients import OUTBOX_BYTES
from app.hub.journal import Row, Verdict
from app.protocol.envelope import Envelope
from tests.conftest import PATIENCE_S, Connect, until
from tests.endpoints.raw import client_that_never_reads

CHUNK = 8 * 1024
FULL = (OUTBOX_BYTES + 4 * 1024 * 1024) // CHUNK
"""More events than its outbox, both socket buffers and the library's can hold together."""


def told(companion: Companion, event: str) -> list[Row]:
    return [row for row in companion.journal if row.event == event]


def fire_chunk(companion: Companion) -> None:
    companion.hub.broadcast(Envelope("x", {"text": "y" * CHUNK}))


async def test_it_does_not_delay_another_and_is_aborted_with_exactly_one_row(
    companion: Companion, connect_client: Connect
) -> None:
    quick = await connect_client("quick", max_size=None)
    async with client_that_never_reads(companion.server.port) as _:
        await until(lambda: companion.hub.connection_count == 2)
        fired = 0
        while companion.hub.connection_count == 2 and fired < FULL:
            fire_chunk(companion)
            fired += 1
            await asyncio.wait_for(quick.recv(), PATIENCE_S)
        await until(lambda: companion.hub.connection_count == 1)
        for _ in range(20):
            fire_chunk(companion)
            await asyncio.wait_for(quick.recv(), PATIENCE_S)
    (row,) = told(companion, "aborted")
    assert (row.client, row.verdict) == ("2", Verdict.WARNING)
    assert len(told(companion, "disconnected")) == 1
    assert fired < (2 * OUTBOX_BYTES + 512 * 1024) // CHUNK, (
        "the kernel or the library held far more than the bound"
    )


async def test_what_waits_for_it_arrives_in_order_when_it_reads_again(
    companion: Companion, connect_client: Connect
) -> None:
    async with client_that_never_reads(companion.server.port) as client:
        await until(lambda: companion.hub.connection_count == 1)
        (late,) = companion.hub.clients
        sent = 0
        while not late.outbox.waiting > OUTBOX_BYTES // 2:
            await companion.send_raw(f"<{sent:05}>".ljust(CHUNK, "."), origin="panel")
            sent += 1
            companion.hub.batcher.flush()  # a full socket pauses it, and on a busy machine much would gather
            await asyncio.sleep(0)
        got = b""
        while got.count(b"<") < sent:
            got += await client.receive()
        numbers = [int(part[:5]) for part in got.split(b"<")[1:]]
        assert numbers == list(range(sent))
        assert told(companion, "aborted") == []
        assert late.outbox.waiting == 0


async def test_a_client_that_exceeds_the_limit_while_joining_is_aborted(companion: Companion) -> None:
    """Whoever greets each new client does so before the connection is known to be its."""

    def greet(_: None) -> None:
        if companion.hub.connection_count == 1 and not told(companion, "x"):
            for _number in range(100):
                fire_chunk(companion)

    companion.hub.clients_changed.connect(greet)
    async with client_that_never_reads(companion.server.port) as _:
        await until(lambda: told(companion, "x"))
        for _ in range(FULL):
            fire_chunk(companion)
            await asyncio.sleep(0)
        await until(lambda: companion.hub.connection_count == 0)
    assert len(told(companion, "aborted")) == 1


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
