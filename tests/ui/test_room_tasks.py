"""The tasks of a room, with handlers for results and errors."""

import ast
import asyncio
import gc
import re
from pathlib import Path
from typing import Any

import pytest

from app.hub.tasks import Tasks
from app.protocol.errors import NotFound, StorageError
from app.protocol.event_type import EventProblem, InvalidEvent
from app.ui import room_tasks
from app.ui.room_tasks import RoomTasks
from tests.conftest import until

Calls = list[Any]


async def run_task(work: Any) -> Calls:
    """Run ``work`` to its end and return the calls of the handlers."""
    tasks = Tasks()
    calls: Calls = []
    run_in_room = RoomTasks(tasks, lambda reason: calls.append(("error", reason)))
    run_in_room(work, lambda result: calls.append(("result", result)))
    assert calls == []
    await until(lambda: not tasks._running)
    return calls


async def return_later(result: Any) -> Any:
    await asyncio.sleep(0)
    return result


async def fail(error: Exception) -> None:
    await asyncio.sleep(0)
    raise error


@pytest.mark.parametrize("result", [7, None, ""])
async def test_the_result_is_passed_to_the_handler(result: Any) -> None:
    assert await run_task(return_later(result)) == [("result", result)]


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
    assert await run_task(fail(error)) == [("error", str(error))]


async def test_an_unexpected_error_is_passed_to_the_exception_handler() -> None:
    loop = asyncio.get_running_loop()
    reported: list[Any] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    try:
        assert await run_task(fail(ZeroDivisionError("oops"))) == []
    finally:
        loop.set_exception_handler(None)
    assert [type(error) for error in reported] == [ZeroDivisionError]


async def test_an_error_in_a_result_handler_is_passed_to_the_exception_handler() -> None:
    loop = asyncio.get_running_loop()
    reported: list[Any] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))
    tasks = Tasks()
    try:
        RoomTasks(tasks, reported.append)(return_later(0), lambda zero: 1 / zero)
        await until(lambda: reported)
    finally:
        loop.set_exception_handler(None)
    assert isinstance(reported[0], ZeroDivisionError)


async def test_a_cancelled_task_calls_no_handler() -> None:
    tasks = Tasks()
    calls: Calls = []
    RoomTasks(tasks, calls.append)(asyncio.sleep(3600), calls.append)
    await asyncio.sleep(0)
    await tasks.cancel()
    assert calls == []


async def test_work_cancelled_before_it_started_causes_no_warning() -> None:
    tasks = Tasks()
    calls: Calls = []
    RoomTasks(tasks, calls.append)(return_later(7), calls.append)
    await tasks.cancel()
    gc.collect()
    assert calls == []


@pytest.mark.parametrize(
    ("work", "result"),
    [
        (lambda: return_later(7), [7]),
        (lambda: fail(StorageError("the disk is full")), ["the disk is full"]),
        (lambda: asyncio.sleep(3600), []),
    ],
    ids=["result", "failure", "cancelled"],
)
async def test_the_end_is_reported_once_and_last(work: Any, result: Calls) -> None:
    calls: Calls = []
    task = RoomTasks(Tasks(), calls.append)(work(), calls.append, ended=lambda: calls.append("ended"))
    assert task
    await asyncio.sleep(0)
    if not result:
        task.cancel()
    await until(lambda: "ended" in calls)
    assert task.done()
    assert calls == [*result, "ended"]


async def test_only_the_given_error_types_are_reported() -> None:
    tasks = Tasks()
    calls: Calls = []
    RoomTasks(tasks, calls.append, errors=(ZeroDivisionError,))(fail(ZeroDivisionError("oops")), calls.append)
    await until(lambda: calls)
    assert calls == ["oops"]


def test_no_other_module_of_the_window_awaits() -> None:
    folder = Path(room_tasks.__file__).parent
    waiting = {
        str(file.relative_to(folder))
        for file in folder.rglob("*.py")
        if re.search("await|async|spawn|create_task", source := file.read_text("utf-8"))
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Await | ast.AsyncFunctionDef | ast.AsyncFor | ast.AsyncWith)
        or (isinstance(node, ast.Attribute) and node.attr in ("spawn", "create_task"))
    }
    assert waiting == {"room_tasks.py"}


async def test_a_closed_room_ignores_results_and_errors_of_its_tasks() -> None:
    tasks = Tasks()
    calls: Calls = []
    run_in_room = RoomTasks(tasks, calls.append)
    run_in_room(return_later(7), calls.append)
    await until(lambda: not tasks._running)
    run_in_room(return_later(8), calls.append)
    run_in_room(fail(StorageError("the disk is full")), calls.append)
    run_in_room.close()
    await until(lambda: not tasks._running)
    assert calls == [7]


async def test_a_task_without_a_result_handler_still_reports_its_error() -> None:
    tasks = Tasks()
    calls: Calls = []
    RoomTasks(tasks, calls.append)(fail(StorageError("the disk is full")))
    await until(lambda: not tasks._running)
    assert calls == ["the disk is full"]


def test_without_a_running_loop_no_task_is_started() -> None:
    calls: Calls = []
    RoomTasks(Tasks(), calls.append)(return_later(7), calls.append)
    gc.collect()
    assert calls == []
