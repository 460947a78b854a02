"""Run a coroutine from a slot and report its result or its failure. No room awaits."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from app.hub.pipeline import FIRE_ERRORS
from app.hub.tasks import Tasks

T = TypeVar("T")


def run(
    tasks: Tasks,
    work: Coroutine[Any, Any, T],
    *,
    then: Callable[[T], object] = lambda _: None,
    failed: Callable[[str], object],
) -> None:
    """Run ``work``, then call ``then`` with its result, or ``failed`` with an error message to show."""
    if asyncio._get_running_loop() is None:  # Qt delivers its last events after the loop has ended
        work.close()
        return
    task = tasks.spawn(_run(work, then, failed), getattr(work, "__qualname__", "from the window"))
    task.add_done_callback(lambda _: work.close())  # a task that is cancelled before its first step never runs it


class RoomTasks:
    """Start the background work of one room. After ``close`` no result and no failure is reported."""

    def __init__(self, tasks: Tasks, failed: Callable[[str], object]) -> None:
        self._tasks = tasks
        self._failed = failed
        self._open = True

    def __call__(self, work: Coroutine[Any, Any, T], then: Callable[[T], object] = lambda _: None) -> None:
        """Run ``work``, then call ``then`` with its result, or ``failed`` with an error message to show."""
        run(self._tasks, work, then=self._unless_closed(then), failed=self._unless_closed(self._failed))

    def close(self) -> None:
        """Report nothing any more: the room is destroyed."""
        self._open = False

    def _unless_closed(self, callback: Callable[[Any], object]) -> Callable[[Any], None]:
        def call(value: Any) -> None:
            if self._open:
                callback(value)

        return call


async def _run(work: Coroutine[Any, Any, T], then: Callable[[T], object], failed: Callable[[str], object]) -> None:
    try:
        result = await work
    except FIRE_ERRORS as error:
        failed(str(error))
    else:
        then(result)
