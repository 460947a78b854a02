"""How a room calls what takes a moment: it goes on, and hears of the end. No room awaits."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from app.companion import NOT_DONE
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
    tasks.spawn(_run(work, then, failed), getattr(work, "__qualname__", "from the window"))


async def _run(work: Coroutine[Any, Any, T], then: Callable[[T], object], failed: Callable[[str], object]) -> None:
    try:
        result = await work
    except NOT_DONE as error:
        failed(str(error))
    else:
        then(result)
