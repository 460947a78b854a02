"""What a room asks for and does not wait for."""

import ast
import asyncio
import gc
from pathlib import Path
from typing import Any

import pytest

from app.hub.tasks import Tasks
from app.protocol.errors import NotFound, StorageError
from app.protocol.event_type import EventProblem, InvalidEvent
from app.ui import room_tasks
from app.ui.room_tasks import RoomTasks
from tests.conftest import until

Heard = list[Any]


async def heard_of(work: Any) -> Heard:
    """Run ``work`` to its end and return who heard what."""
    tasks = Tasks()
    heard: Heard = []
    do = RoomTasks(tasks, lambda why: heard.append(("no", why)))
    do(work, lambda result: heard.append(("then", result)))
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
        InvalidEvent([EventProblem("data.text", "is missing")]),
    ],
    ids=lambda error: type(error).__name__,
)
async def test_a_failed_task_reports_its_error_message(error: Exception) -> None:
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
        RoomTasks(tasks, reported.append)(give(0), lambda zero: 1 / zero)
        await until(lambda: reported)
    finally:
        loop.set_exception_handler(None)
    assert isinstance(reported[0], ZeroDivisionError)


async def test_a_cancelled_task_calls_no_handler() -> None:
    tasks = Tasks()
    heard: Heard = []
    RoomTasks(tasks, heard.append)(asyncio.sleep(3600), heard.append)
    await asyncio.sleep(0)
    await tasks.cancel()
    assert heard == []


async def test_work_that_is_cancelled_before_it_began_leaves_no_warning_behind() -> None:
    tasks = Tasks()
    heard: Heard = []
    RoomTasks(tasks, heard.append)(give(7), heard.append)
    await tasks.cancel()
    gc.collect()
    assert heard == []


@pytest.mark.parametrize(
    ("work", "result"),
    [
        (lambda: give(7), [7]),
        (lambda: fail(StorageError("the disk is full")), ["the disk is full"]),
        (lambda: asyncio.sleep(3600), []),
    ],
    ids=["result", "failure", "cancelled"],
)
async def test_the_end_is_reported_once_and_last(work: Any, result: Heard) -> None:
    heard: Heard = []
    task = RoomTasks(Tasks(), heard.append)(work(), heard.append, ended=lambda: heard.append("ended"))
    assert task
    await asyncio.sleep(0)
    if not result:
        task.cancel()
    await until(lambda: "ended" in heard)
    assert task.done()
    assert heard == [*result, "ended"]


async def test_only_the_errors_of_a_room_are_reported_there() -> None:
    tasks = Tasks()
    heard: Heard = []
    RoomTasks(tasks, heard.append, errors=(ZeroDivisionError,))(fail(ZeroDivisionError("oops")), heard.append)
    await until(lambda: heard)
    assert heard == ["oops"]


def test_no_other_module_of_the_window_awaits() -> None:
    folder = Path(room_tasks.__file__).parent
    waiting = {
        str(file.relative_to(folder))
        for file in folder.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text("utf-8")))
        if isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)
        or (isinstance(node, ast.Attribute) and node.attr in ("spawn", "create_task"))
    }
    assert waiting == {"room_tasks.py"}


async def test_a_closed_room_ignores_results_and_errors_of_its_tasks() -> None:
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


async def test_a_task_without_a_result_handler_still_reports_its_error() -> None:
    tasks = Tasks()
    heard: Heard = []
    RoomTasks(tasks, heard.append)(fail(StorageError("the disk is full")))
    await until(lambda: not tasks._running)
    assert heard == ["the disk is full"]


def test_after_the_loop_has_ended_nothing_is_begun_and_nothing_left_behind() -> None:
    heard: Heard = []
    RoomTasks(Tasks(), heard.append)(give(7), heard.append)
    gc.collect()
    assert heard == []
