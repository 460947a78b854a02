"""The system's clock jumps (suspend, a time server, a person): nothing may depend on it going forward."""

import asyncio
import time

import pytest
from websockets.asyncio.client import connect

from app.hub.clock import Clock
from app.hub.expectation import Expectation
from app.protocol.envelope import Envelope
from tests.conftest import PATIENCE_S, MakeCompanion, until

YEAR = 365 * 86_400.0


class Jumping:
    """A wall clock that a test can set; the monotonic one goes on."""

    def __init__(self) -> None:
        self.shift = 0.0
        self.clock = Clock(wall=lambda: time.time() + self.shift, mono=time.monotonic)


@pytest.mark.parametrize("jump", [-YEAR, -3600.0, 3600.0, YEAR])
async def test_events_keep_their_order_and_everything_goes_on(make_companion: MakeCompanion, jump: float) -> None:
    time_ = Jumping()
    companion = await make_companion(clock=time_.clock, prime_browsers=False)
    assert await companion.start()
    async with connect(companion.server.url, proxy=None) as client:
        await companion.fire(companion.message_from("bob", "before"), origin="panel")
        time_.shift = jump
        await companion.fire(companion.message_from("bob", "after"), origin="panel")
        companion.hub.carry_out(await companion.chat.expire_presence())
        waiting = asyncio.create_task(companion.expect(Expectation("typing"), PATIENCE_S))
        await asyncio.sleep(0)
        await client.send('{"event":"typing","data":{"to":"bob","typing":true}}')
        met = await waiting
        assert met.row is not None
        assert 0 <= met.after_s <= PATIENCE_S, "the jump is not counted"
        rows = list(companion.journal)
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert [row.mono for row in rows] == sorted(row.mono for row in rows)
        texts = [row.payload for row in rows if row.event == "new_message"]
        assert b'"before"' in texts[0]
        assert b'"after"' in texts[1]
    await until(lambda: companion.hub.connection_count == 0)


async def test_a_jump_forward_lets_friends_go_offline_and_one_back_leaves_them(
    make_companion: MakeCompanion,
) -> None:
    time_ = Jumping()
    companion = await make_companion(clock=time_.clock)
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin="panel")
    time_.shift = -YEAR
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert companion.chat.presence["bob"]
    time_.shift = 3600.0
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert not companion.chat.presence["bob"]


async def test_a_client_is_not_taken_for_stalled_because_the_clock_jumped(make_companion: MakeCompanion) -> None:
    time_ = Jumping()
    companion = await make_companion(clock=time_.clock, prime_browsers=False)
    assert await companion.start()
    async with connect(companion.server.url, proxy=None) as client:
        time_.shift = YEAR
        companion.hub.sweep()
        companion.hub.sweep()
        await companion.send_raw("still here", origin="panel")
        assert await client.recv() == "still here"
