"""A coroutine runs to its end in the task that waits for it, although that task is cancelled."""

import asyncio

import pytest

from app.hub.uninterrupted import Uninterrupted, to_its_end
from tests.hub.doubles import Stored


async def test_it_runs_in_the_same_task_and_returns_the_result() -> None:
    stored = Stored()

    async def work() -> tuple[bool, int]:
        task = asyncio.current_task()
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(stored.set_result, 3)
        return asyncio.current_task() is task, await stored

    assert await Uninterrupted(work()) == (True, 3)


async def test_an_error_is_raised() -> None:
    async def fail() -> None:
        await asyncio.sleep(0)
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await Uninterrupted(fail())


@pytest.mark.parametrize("times", [1, 3])
async def test_a_cancellation_is_raised_at_the_end(times: int) -> None:
    stored, seen = Stored(), list[str]()

    async def work() -> None:
        seen.append(f"stored {await stored}")

    async def wait() -> None:
        await Uninterrupted(work())
        seen.append("after it")

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    for _ in range(times):
        waiting.cancel()
        await asyncio.sleep(0)
    assert not waiting.done()
    stored.set_result(1)
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert seen == ["stored 1"]


async def test_a_timeout_ends_after_the_coroutine() -> None:
    stored, seen = Stored(), list[str]()

    async def work() -> None:
        seen.append(f"stored {await stored}")

    asyncio.get_running_loop().call_later(0.02, stored.set_result, 1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.001):
            await Uninterrupted(work())
    assert seen == ["stored 1"]


async def test_a_cancellation_is_raised_although_the_coroutine_fails() -> None:
    stored = Stored()

    async def work() -> None:
        await stored
        raise ValueError("no")

    async def wait() -> None:
        await Uninterrupted(work())

    waiting = asyncio.create_task(wait())
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.sleep(0)
    stored.set_result(1)
    with pytest.raises(asyncio.CancelledError):
        await waiting


@pytest.mark.parametrize("fails", [False, True])
async def test_a_coroutine_whose_waits_can_be_cancelled_runs_to_its_end(fails: bool) -> None:
    goes_on, seen = asyncio.Event(), list[str]()

    async def work() -> int:
        await goes_on.wait()
        seen.append("end")
        if fails:
            raise ValueError("no")
        return 3

    waiting = asyncio.create_task(to_its_end(work()))
    for _ in range(3):
        await asyncio.sleep(0)
        waiting.cancel()
    await asyncio.sleep(0)
    assert not waiting.done()
    goes_on.set()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert seen == ["end"]
    if fails:
        with pytest.raises(ValueError, match="no"):
            await to_its_end(work())
    else:
        assert await to_its_end(work()) == 3
