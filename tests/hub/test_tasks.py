"""Background tasks: names, failures and cancellation."""

import asyncio

import pytest

from app.hub.tasks import Tasks


async def test_a_failure_is_reported_with_the_tasks_name(expected_warnings: list[str]) -> None:
    expected_warnings.append("task example failed")

    async def fail() -> None:
        raise RuntimeError("on purpose")

    task = Tasks().spawn(fail(), "example")
    with pytest.raises(RuntimeError):
        await task


async def test_cancel_waits_until_the_tasks_have_ended_and_may_be_called_twice() -> None:
    cleaned_up: list[str] = []

    async def sleep_and_clean_up() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0)
            cleaned_up.append("done")

    tasks = Tasks()
    task = tasks.spawn(sleep_and_clean_up(), "sleep")
    await asyncio.sleep(0)
    await tasks.cancel()
    assert cleaned_up == ["done"]
    assert task.cancelled()
    await tasks.cancel()


async def test_a_started_task_runs_at_once_until_it_waits_and_returns_its_result() -> None:
    tasks, seen = Tasks(), list[str]()
    future: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def work() -> int:
        seen.append("began")
        number = await future
        await asyncio.sleep(0)
        return number + 1

    task = tasks.start(work(), "work")
    assert seen == ["began"]
    future.set_result(1)
    assert await task == 2
    assert await tasks.start(asyncio.sleep(0, "slept"), "sleep") == "slept"
    assert tasks.idle


async def test_a_started_task_can_be_cancelled_and_raises_its_errors() -> None:
    tasks, seen = Tasks(), list[str]()

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            seen.append("ended")

    task = tasks.start(wait(), "wait")
    await tasks.cancel()
    assert (task.cancelled(), seen) == (True, ["ended"])

    async def fail() -> None:
        raise ValueError("at once")

    with pytest.raises(ValueError, match="at once"):
        tasks.start(fail(), "fail")
