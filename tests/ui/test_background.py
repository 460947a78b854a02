"""What a room asks for and does not wait for."""

import asyncio
import gc
from typing import Any

import pytest

from app.hub.tasks import Tasks
from app.protocol.errors import NotFound, StorageError
from app.protocol.event_type import InvalidEvent, Problem
from app.ui.background import RoomTasks, run
from tests.conftest import until

Heard = list[Any]


async def heard_of(work: Any) -> Heard:
    """Run ``work`` to its end and return who heard what."""
    tasks = Tasks()
    heard: Heard = []
    run(
        tasks,
        work,
        then=lambda result: heard.append(("then", result)),
        failed=lambda why: heard.append(("no", why)),
    )
    assert heard == []
    await until(lambda: not tasks._running)
    return heard


async def give(result: Any) -> Any:
    await asyncio.sleep(0)
    return result


async def fail(error: Exception) -> None:
    await asyncio.sleep(0)
    raise error


@pytest.mark.parametrize("result", [7, None, ""])
async def test_the_result_goes_on(result: Any) -> None:
    assert await heard_of(give(result)) == [("then", result)]


@pytest.mark.parametrize(
    "error",
    [
        NotFound("There is no user 'zoe'."),
        StorageError("the disk is full"),
        InvalidEvent([Problem("data.text", "is missing")]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_what_could_not_be_done_is_said_in_words(error: Exception) -> None:
    assert await heard_of(fail(error)) == [("no", str(error))]


async def test_a_mistake_of_ours_is_neither_and_reaches_the_loop() -> None:
    loop = asyncio.get_running_loop()
    reported: list[Any] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    try:
        assert await heard_of(fail(ZeroDivisionError("oops"))) == []
    finally:
        loop.set_exception_handler(None)
    assert [type(error) for error in reported] == [ZeroDivisionError]


async def test_what_fails_in_the_hearing_reaches_the_loop_too() -> None:
    loop = asyncio.get_running_loop()
    reported: list[Any] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    tasks = Tasks()
    try:
        run(tasks, give(0), then=lambda zero: 1 / zero, failed=reported.append)
        await until(lambda: reported)
    finally:
        loop.set_exception_handler(None)
    assert isinstance(reported[0], ZeroDivisionError)


async def test_cancelled_work_is_heard_of_by_nobody() -> None:
    tasks = Tasks()
    heard: Heard = []
    run(tasks, asyncio.sleep(3600), then=heard.append, failed=heard.append)
    await asyncio.sleep(0)
    await tasks.cancel()
    assert heard == []


async def test_work_that_is_cancelled_before_it_began_leaves_no_warning_behind() -> None:
    tasks = Tasks()
    heard: Heard = []
    run(tasks, give(7), then=heard.append, failed=heard.append)
    await tasks.cancel()
    gc.collect()
    assert heard == []


async def test_a_closed_room_hears_of_nothing_that_it_began() -> None:
    tasks = Tasks()
    heard: Heard = []
    do = RoomTasks(tasks, heard.append)
    do(give(7), heard.append)
    await until(lambda: not tasks._running)
    do(give(8), heard.append)
    do(fail(StorageError("the disk is full")), heard.append)
    do.close()
    await until(lambda: not tasks._running)
    assert heard == [7]


async def test_a_room_is_told_why_something_was_not_done() -> None:
    tasks = Tasks()
    heard: Heard = []
    RoomTasks(tasks, heard.append)(fail(StorageError("the disk is full")))
    await until(lambda: not tasks._running)
    assert heard == ["the disk is full"]


def test_after_the_loop_has_ended_nothing_is_begun_and_nothing_left_behind() -> None:
    heard: Heard = []
    run(Tasks(), give(7), then=heard.append, failed=heard.append)
    gc.collect()
    assert heard == []
