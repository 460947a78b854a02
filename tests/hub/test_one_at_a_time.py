"""Blocking calls run one after the other."""

import asyncio
import threading
from contextlib import suppress

from app.hub.one_at_a_time import OneAtATime
from tests.conftest import until


async def test_a_call_waits_for_one_that_was_cancelled() -> None:
    """Regression: both ran at the same time."""
    calls, began, may_end, log = OneAtATime(), threading.Event(), threading.Event(), list[str]()

    def first() -> None:
        began.set()
        may_end.wait(10)
        log.append("first")

    cancelled = asyncio.create_task(calls.run(first))
    await until(began.is_set)
    cancelled.cancel()
    with suppress(asyncio.CancelledError):
        await cancelled
    second = asyncio.create_task(calls.run(lambda: log.append("second")))
    await asyncio.sleep(0)
    may_end.set()
    await second
    assert log == ["first", "second"]
