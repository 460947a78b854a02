"""Callbacks run in the order of the calls, timers fire at their time, and cancelled ones never run."""

import asyncio
import gc
import threading
import weakref

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.loop import has_watchable_selector, pumped
from app.loop.pumped import PumpedLoop
from tests.conftest import PATIENCE_S, until
from tests.loop.conftest import Run

WAKE_UPS = 40_000
"""The fault showed after 4,000. Stock qasync is slow: it creates a Qt timer for each of them."""
WAKE_UPS_BY_QT = 20_000 if has_watchable_selector() else 4_000


async def run_iterations(number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)


def test_callbacks_run_in_the_order_of_the_calls(run: Run[None]) -> None:
    async def main() -> None:
        calls: list[int] = []
        loop = asyncio.get_running_loop()
        for number in range(1000):
            loop.call_soon(calls.append, number)
        await until(lambda: len(calls) == 1000)
        assert calls == list(range(1000))

    run(main())


def test_a_callback_scheduled_by_a_callback_runs_after_earlier_callbacks(run: Run[None]) -> None:
    async def main() -> None:
        calls: list[str] = []
        loop = asyncio.get_running_loop()

        def first() -> None:
            calls.append("first")
            loop.call_soon(calls.append, "third")

        loop.call_soon(first)
        loop.call_soon(calls.append, "second")
        await until(lambda: len(calls) == 3)
        assert calls == ["first", "second", "third"]

    run(main())


def test_a_callback_scheduled_by_a_qt_slot_runs_in_an_idle_loop(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        called = loop.create_future()
        QTimer.singleShot(20, lambda: loop.call_soon(called.set_result, "soon"))
        assert await asyncio.wait_for(called, PATIENCE_S) == "soon"
        later = loop.create_future()
        QTimer.singleShot(20, lambda: loop.call_later(0.02, later.set_result, "later"))
        assert await asyncio.wait_for(later, PATIENCE_S) == "later"

    run(main())


def test_timers_fire_in_the_order_of_their_times(run: Run[None]) -> None:
    async def main() -> None:
        fired: list[float] = []
        loop = asyncio.get_running_loop()
        for delay in (0.12, 0.04, 0.08, 0.0):
            loop.call_later(delay, fired.append, delay)
        await until(lambda: len(fired) == 4)
        assert fired == [0.0, 0.04, 0.08, 0.12]

    run(main())


@pytest.mark.usefixtures("pumped_only")
def test_no_timer_fires_early_and_timers_fire_in_the_order_of_their_times(
    qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1000.0
    monkeypatch.setattr(pumped, "monotonic", lambda: now)
    delays = (0.05, 0.0004, 0.0031, 0.0217, 0.0, 0.01)  # earlier and later than the pending timers
    fired: list[float] = []
    loop = PumpedLoop(qapp)
    try:
        for delay in delays:
            loop.call_at(1000.0 + delay, fired.append, delay)
        for passed in (0.0, 0.0003, 0.0005, 0.003, 0.0032, 0.009, 0.03, 0.049, 0.06):
            now = 1000.0 + passed
            loop._pump()
            assert fired == sorted(delay for delay in delays if delay <= passed)
    finally:
        loop.close()


def test_a_cancelled_timer_never_fires(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        fired: list[str] = []
        handles = [loop.call_later(0.02, fired.append, "cancelled") for _ in range(500)]
        loop.call_later(0.06, fired.append, "kept")
        for handle in handles:
            handle.cancel()
        await until(lambda: fired)
        assert fired == ["kept"]

    run(main())


@pytest.mark.usefixtures("pumped_only")
def test_a_cancelled_timer_releases_its_arguments_before_its_time(run: Run[None]) -> None:
    class Payload:
        pass

    async def main() -> None:
        loop = asyncio.get_running_loop()
        references: list[weakref.ref[Payload]] = []
        for _ in range(1000):
            payload = Payload()
            references.append(weakref.ref(payload))
            loop.call_later(3600, lambda _: None, payload).cancel()
        del payload
        await run_iterations(5)
        gc.collect()
        assert not [each for each in references if each() is not None]

    run(main())


def test_threads_wake_the_loop(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        calls: list[tuple[int, int]] = []

        def call(thread: int) -> None:
            for number in range(200):
                loop.call_soon_threadsafe(calls.append, (thread, number))

        threads = [threading.Thread(target=call, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        await until(lambda: len(calls) == 800)
        for thread in threads:
            thread.join()
        for number in range(4):
            assert [n for thread, n in calls if thread == number] == list(range(200))

    run(main())


def test_a_thread_wakes_a_sleeping_loop(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        woken = loop.create_future()
        timer = threading.Timer(0.1, loop.call_soon_threadsafe, (woken.set_result, True))
        timer.start()
        assert await asyncio.wait_for(woken, PATIENCE_S)
        timer.join()

    run(main())


@pytest.mark.timeout(110)
def test_the_loop_wakes_up_40_000_times(run: Run[int]) -> None:
    """PySide6 6.12.0 on Python 3.11 lost a reference at every wake-up, and aborted."""

    async def main() -> int:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        count = 0

        def wake_up() -> None:
            nonlocal count
            count += 1
            if count < WAKE_UPS:
                loop.call_soon(wake_up)
            else:
                done.set_result(count)

        loop.call_soon(wake_up)
        return await done

    assert run(main()) == WAKE_UPS


@pytest.mark.timeout(110)
def test_qt_wakes_the_loop_up_20_000_times(run: Run[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Each wake-up goes through Qt, because the loop is idle before it."""
    monkeypatch.setattr(pumped, "ACTIVE_WINDOW_S", 0.0)  # otherwise the loop would wait for the next one without Qt

    async def main() -> int:
        loop = asyncio.get_running_loop()
        done: asyncio.Future[int] = loop.create_future()
        timer = QTimer(interval=0)
        count = 0

        def wake_up() -> None:
            nonlocal count
            count += 1
            if count == WAKE_UPS_BY_QT:
                timer.stop()
                done.set_result(count)

        timer.timeout.connect(lambda: loop.call_soon(wake_up) if not done.done() else None)
        timer.start()
        return await done

    assert run(main()) == WAKE_UPS_BY_QT


def test_a_flood_of_callbacks_does_not_starve_qt(run: Run[None]) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        ticks = 0
        flooding = True

        def flood() -> None:
            if flooding:
                loop.call_soon(flood)

        def tick() -> None:
            nonlocal ticks
            ticks += 1

        for _ in range(10):
            loop.call_soon(flood)
        timer = QTimer(interval=1)
        timer.timeout.connect(tick)
        timer.start()
        await until(lambda: ticks >= 20)
        timer.stop()
        flooding = False

    run(main())
