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
