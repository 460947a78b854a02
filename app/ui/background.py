"""How a room calls what takes a moment: it goes on, and hears of the end. No room awaits."""

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
    """Run ``work``; ``then`` gets its result, or ``failed`` a sentence for people."""
    if asyncio._get_running_loop() is None:  # Qt's last events, after the loop has ended
        work.close()
        return
    task = tasks.spawn(_run(work, then, failed), getattr(work, "__qualname__", "from the window"))
    task.add_done_callback(lambda _: work.close())  # it has not begun where the task was cancelled at once


class Errands:
    """What one room has under way: when the room is gone, nobody hears of the end."""

    def __init__(self, tasks: Tasks, failed: Callable[[str], object]) -> None:
        self._tasks = tasks
        self._failed = failed
        self._open = True

    def __call__(self, work: Coroutine[Any, Any, T], then: Callable[[T], object] = lambda _: None) -> None:
        """Run ``work``; ``then`` gets its result, or ``failed`` a sentence for people."""
        run(self._tasks, work, then=self._unless_closed(then), failed=self._unless_closed(self._failed))

    def close(self) -> None:
        """The room is gone."""
        self._open = False

    def _unless_closed(self, told: Callable[[Any], object]) -> Callable[[Any], None]:
        def tell(value: Any) -> None:
            if self._open:
                told(value)

        return tell


async def _run(work: Coroutine[Any, Any, T], then: Callable[[T], object], failed: Callable[[str], object]) -> None:
    try:
        result = await work
    except FIRE_ERRORS as error:
        failed(str(error))
    else:
        then(result)
