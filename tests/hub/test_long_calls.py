"""Long calls run in a few threads, and are given up if nobody waits for them."""

import asyncio
import threading
from contextlib import suppress

import pytest

from app.hub.long_calls import GivenUp, GoOn, LongCalls
from tests.conftest import until


class Held:
    """A call that runs until it may end or is given up."""

    def __init__(self) -> None:
        self.began, self.may_end, self.given_up = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, go_on: GoOn) -> str:
        self.began.set()
        try:
            while not self.may_end.wait(0.001):
                go_on()
        except GivenUp:
            self.given_up.set()
            raise
        return "done"


async def test_a_call_waits_for_one_that_was_cancelled() -> None:
    """Regression: both ran at the same time."""
    calls, began, may_end, log = LongCalls(), threading.Event(), threading.Event(), list[str]()

    def first(_: GoOn) -> None:
        began.set()
        may_end.wait(10)
        log.append("first")

    cancelled = asyncio.create_task(calls.run(first))
    await until(began.is_set)
    cancelled.cancel()
    with suppress(asyncio.CancelledError):
        await cancelled
    second = asyncio.create_task(calls.run(lambda _: log.append("second")))
    await asyncio.sleep(0)
    may_end.set()
    await second
    assert log == ["first", "second"]


async def test_calls_are_given_up_when_their_callers_are_cancelled() -> None:
    calls, held, log = LongCalls(), Held(), list[str]()
    running = asyncio.create_task(calls.run(held))
    await until(held.began.is_set)
    waiting = asyncio.create_task(calls.run(lambda _: log.append("not begun")))
    await asyncio.sleep(0)
    for each in (waiting, running):
        each.cancel()
    assert await asyncio.gather(running, waiting, return_exceptions=True)
    assert await calls.run(lambda _: "next") == "next"
    assert held.given_up.is_set()
    assert not log


async def test_closing_gives_up_what_runs_and_what_waits() -> None:
    calls, held = LongCalls(), Held()
    running = asyncio.create_task(calls.run(held))
    await until(held.began.is_set)
    waiting = asyncio.create_task(calls.run(lambda _: None))
    await asyncio.sleep(0)
    await calls.close()
    assert held.given_up.is_set()
    await until(lambda: running.cancelled() and waiting.cancelled())


async def test_as_many_calls_run_at_once_as_there_are_threads() -> None:
    calls, held = LongCalls(2), [Held(), Held(), Held()]
    running = [asyncio.create_task(calls.run(each)) for each in held]
    await until(lambda: held[0].began.is_set() and held[1].began.is_set())
    assert not held[2].began.is_set()
    for each in held:
        each.may_end.set()
    assert await asyncio.gather(*running) == ["done"] * 3


async def test_an_error_of_a_call_is_raised() -> None:
    def fail(_: GoOn) -> None:
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await LongCalls().run(fail)


async def test_the_process_does_not_wait_for_a_call() -> None:
    assert await LongCalls().run(lambda _: threading.current_thread().daemon)


async def test_a_call_for_which_no_thread_can_start_fails_and_the_next_one_runs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Regression: the thread was counted, so that all later calls waited for it."""
    calls, log = LongCalls(), list[str]()

    def fail(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", fail)
        with pytest.raises(RuntimeError, match="new thread"):
            await calls.run(lambda _: log.append("first"))
    running = asyncio.create_task(calls.run(lambda _: log.append("second")))
    await until(running.done)
    assert log == ["second"]


async def test_a_call_for_which_no_further_thread_can_start_waits_for_another_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    calls, held = LongCalls(2), Held()
    first = asyncio.create_task(calls.run(held))
    await until(held.began.is_set)

    def fail(_: threading.Thread) -> None:
        held.may_end.set()
        raise RuntimeError("can't start new thread")

    monkeypatch.setattr(threading.Thread, "start", fail)
    second = asyncio.create_task(calls.run(lambda _: "second"))
    await until(second.done)
    assert [await first, await second] == ["done", "second"]


async def test_a_call_that_raises_stop_iteration_fails() -> None:
    """Regression: a future refuses this exception, so that the caller waited for ever."""
    running = asyncio.create_task(LongCalls().run(lambda _: next(iter(()))))
    await until(running.done)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await running
