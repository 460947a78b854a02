"""Repeats: their number, interval and delay, without drift."""

import asyncio

import pytest
from msgspec.structs import replace

from app.hub.hub import Delivery
from app.sources.repeat_schedule import RepeatSchedule
from tests.hub.doubles import FakeTime


class Firing:
    """Record when events are fired. Firing can take time on the fake clock."""

    def __init__(self, time: FakeTime, takes_s: float = 0.0) -> None:
        self.time = time
        self.takes_s = takes_s
        self.times: list[float] = []
        self.deliveries: list[tuple[int, Delivery]] = []

    async def fire(self) -> Delivery:
        self.times.append(self.time.passed)
        self.time.passed += self.takes_s
        return Delivery(len(self.times), ())

    def on_delivery(self, number: int, delivery: Delivery) -> None:
        self.deliveries.append((number, delivery))

    async def run(self, series: RepeatSchedule) -> None:
        await series.run(self.fire, self.on_delivery, self.time.clock)


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


async def test_by_default_one_event_is_fired_at_once(time: FakeTime) -> None:
    firing = Firing(time)
    await firing.run(RepeatSchedule())
    assert firing.times == [0.0]


async def test_events_are_fired_at_their_times(time: FakeTime) -> None:
    firing = Firing(time)
    await firing.run(RepeatSchedule(times=4, every_s=0.5, delay_s=3.0))
    assert firing.times == [3.0, 3.5, 4.0, 4.5]
    assert firing.deliveries == [(number, Delivery(number, ())) for number in (1, 2, 3, 4)]


async def test_a_slow_event_does_not_delay_the_next_ones(time: FakeTime) -> None:
    firing = Firing(time, takes_s=0.25)
    await firing.run(RepeatSchedule(times=5, every_s=0.5))
    assert firing.times == [0.0, 0.5, 1.0, 1.5, 2.0]


async def test_a_late_series_catches_up_and_yields_to_the_event_loop(time: FakeTime) -> None:
    firing = Firing(time, takes_s=2.0)
    await firing.run(RepeatSchedule(times=3, every_s=0.5))
    assert firing.times == [0.0, 2.0, 4.0]
    assert time.slept == [0.0, 0.0, 0.0]


async def test_zero_times_fires_nothing(time: FakeTime) -> None:
    firing = Firing(time)
    await firing.run(RepeatSchedule(times=0))
    assert firing.times == []


async def test_a_cancelled_series_fires_nothing_more(time: FakeTime) -> None:
    firing = Firing(time)
    third_sleep = asyncio.Event()

    async def sleep(seconds: float) -> None:
        await time.sleep(seconds)
        if len(firing.times) == 2:
            third_sleep.set()
            await asyncio.sleep(60)

    task = asyncio.create_task(
        RepeatSchedule(times=9, every_s=1.0).run(firing.fire, firing.on_delivery, replace(time.clock, sleep=sleep))
    )
    await third_sleep.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert firing.times == [0.0, 1.0]


async def test_on_a_real_clock_it_fires_the_requested_number_of_times() -> None:
    fired: list[int] = []

    async def fire() -> Delivery:
        fired.append(1)
        return Delivery(1, ())

    await RepeatSchedule(times=2, every_s=0.02, delay_s=0.02).run(fire, lambda *_: None)
    assert len(fired) == 2
