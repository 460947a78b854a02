"""Wait to the end for a coroutine, although the caller is cancelled meanwhile.

``Uninterrupted`` is for one whose waits cannot be cancelled, for example for the storage thread. It runs in the
caller's task: a task of its own would cost more, and begin one turn of the event loop later.
"""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Uninterrupted(Generic[T]):
    """Awaiting this runs ``coroutine`` to its end. Then a cancellation that came meanwhile is raised, also if the
    coroutine fails: otherwise, the task would not end, and a timeout would not be noticed.

    The task must not be cancelled while the coroutine waits for something that can be cancelled.
    """

    def __init__(self, coroutine: Coroutine[Any, Any, T]) -> None:
        self._coroutine = coroutine

    def __await__(self) -> Generator[Any, Any, T]:
        cancelled: asyncio.CancelledError | None = None
        try:
            while True:
                waits_for = self._coroutine.send(None)
                try:
                    yield waits_for
                except asyncio.CancelledError as error:
                    cancelled = error
        except StopIteration as done:
            if cancelled:
                raise cancelled from None
            return done.value  # type: ignore[no-any-return]
        except Exception:
            if cancelled:
                raise cancelled from None
            raise


async def to_its_end(coroutine: Coroutine[Any, Any, T]) -> T:
    """Run any ``coroutine`` in a task of its own to its end. Then a cancellation that came meanwhile is raised."""
    cancelled: asyncio.CancelledError | None = None
    task = asyncio.ensure_future(coroutine)  # noqa: TID251 - its errors are raised here
    while not task.done():
        try:
            await asyncio.wait([task])
        except asyncio.CancelledError as error:
            cancelled = error
    if cancelled:
        raise cancelled from task.exception()
    return task.result()
