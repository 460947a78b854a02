import asyncio

import pytest

from app.hub.once import Once


async def test_the_work_runs_once_and_callers_during_it_wait() -> None:
    finish, calls = asyncio.Event(), 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        await finish.wait()

    once = Once(work)
    callers = [asyncio.create_task(once()) for _ in range(3)]
    await asyncio.sleep(0)
    assert (calls, once.done, [each.done() for each in callers]) == (1, False, [False] * 3)
    finish.set()
    await asyncio.gather(*callers)
    await once()
    assert (calls, once.done) == (1, True)


async def test_after_an_error_the_next_call_runs_the_work_again() -> None:
    calls = 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise OSError("disk")

    once = Once(work)
    with pytest.raises(OSError, match="disk"):
        await once()
    assert not once.done
    await once()
    assert (calls, once.done) == (2, True)
