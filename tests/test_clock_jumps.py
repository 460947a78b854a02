"""The system clock can jump (suspend, time server, user). Nothing may depend on a steady system clock."""

import asyncio
import time

import pytest
from websockets.asyncio.client import connect

from app.hub.clock import Clock
from app.hub.expectation import Expectation
from app.hub.origin import PANEL
from app.protocol.envelope import Envelope
from tests.conftest import PATIENCE_S, MakeCompanion, until

YEAR = 365 * 86_400.0


class JumpingClock:
    """A clock whose wall time a test can shift. Its monotonic time is not affected."""

    def __init__(self) -> None:
        self.shift = 0.0
        self.clock = Clock(wall=lambda: time.time() + self.shift, mono=time.monotonic)


@pytest.mark.parametrize("jump", [-YEAR, -3600.0, 3600.0, YEAR])
async def test_a_clock_jump_does_not_change_the_order_of_events_or_stop_the_server(
    make_companion: MakeCompanion, jump: float
) -> None:
    jumping = JumpingClock()
    companion = await make_companion(clock=jumping.clock, prime_browsers=False)
    assert await companion.start()
    async with connect(companion.server.url, proxy=None) as client:
        await companion.fire(companion.message_from("bob", "before"), origin=PANEL)
        jumping.shift = jump
        await companion.fire(companion.message_from("bob", "after"), origin=PANEL)
        companion.hub.carry_out(await companion.chat.expire_presence())
        waiting = asyncio.create_task(companion.expect(Expectation("typing"), PATIENCE_S))
        await asyncio.sleep(0)
        await client.send('{"event":"typing","data":{"to":"bob","typing":true}}')
        result = await waiting
        assert result.row is not None
        assert 0 <= result.after_s <= PATIENCE_S, "the jump is not counted"
        rows = list(companion.journal)
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert [row.mono for row in rows] == sorted(row.mono for row in rows)
        texts = [row.payload for row in rows if row.event == "new_message"]
        assert b'"before"' in texts[0]
        assert b'"after"' in texts[1]
    await until(lambda: companion.hub.connection_count == 0)


async def test_friends_go_offline_after_a_jump_forward_but_not_after_a_jump_back(
    make_companion: MakeCompanion,
) -> None:
    jumping = JumpingClock()
    companion = await make_companion(clock=jumping.clock)
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    jumping.shift = -YEAR
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert companion.chat.presence["bob"]
    jumping.shift = 3600.0
    companion.hub.carry_out(await companion.chat.expire_presence())
    assert not companion.chat.presence["bob"]


async def test_a_friend_does_not_stay_online_until_a_wrong_time(make_companion: MakeCompanion) -> None:
    """Regression: if the clock had been ahead, the friend was offline only when that time had come."""
    jumping = JumpingClock()
    companion = await make_companion(clock=jumping.clock)
    jumping.shift = YEAR
    await companion.fire(Envelope("friend_online", {"username": "bob"}), origin=PANEL)
    for jumping.shift, online in (0.0, True), (200.0, True), (400.0, False):
        companion.hub.carry_out(await companion.chat.expire_presence())
        assert companion.chat.presence["bob"] is online


async def test_last_seen_is_corrected_by_the_next_activity(make_companion: MakeCompanion) -> None:
    jumping = JumpingClock()
    companion = await make_companion(clock=jumping.clock)

    async def last_seen() -> float:
        return next(each.last_seen for each in await companion.chat.store.people() if each.username == "bob")

    jumping.shift = YEAR
    await companion.fire(Envelope("friend_offline", {"username": "bob"}), origin=PANEL)
    wrong, jumping.shift = await last_seen(), 0.0
    companion.chat.store.note_seen("bob", now := jumping.clock.wall() - 60)
    await companion.chat.store.store_activity()
    assert await last_seen() == now
    companion.chat.store.note_seen("bob", now - 3600)
    await companion.chat.store.store_activity()
    assert await last_seen() == now < wrong


async def test_a_clock_jump_does_not_mark_a_client_as_stalled(make_companion: MakeCompanion) -> None:
    jumping = JumpingClock()
    companion = await make_companion(clock=jumping.clock, prime_browsers=False)
    assert await companion.start()
    async with connect(companion.server.url, proxy=None) as client:
        jumping.shift = YEAR
        companion.hub.sweep()
        companion.hub.sweep()
        await companion.send_raw("still here", origin=PANEL)
        assert await client.recv() == "still here"
