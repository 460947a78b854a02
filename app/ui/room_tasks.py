"""Run coroutines from Qt slots, and pass their results and errors to callbacks.

The other modules of ``app.ui`` contain no ``await``.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from PySide6.QtWidgets import QDialog

from app.hub.pipeline import FIRE_ERRORS
from app.hub.tasks import Tasks

T = TypeVar("T")


class RoomTasks:
    """Start the background tasks of one room, dialog or menu. Call the object with a coroutine.

    ``failed`` gets the message of an exception that is one of ``errors``. Any other exception is a bug: it reaches
    the loop's exception handler. ``close`` does not cancel running tasks, but no callback is called after it.
    """

    def __init__(
        self,
        tasks: Tasks,
        failed: Callable[[str], object],
        errors: tuple[type[Exception], ...] = FIRE_ERRORS,
    ) -> None:
        self._tasks = tasks
        self._failed = failed
        self._errors = errors
        self._open = True

    def __call__(
        self,
        work: Coroutine[Any, Any, T],
        then: Callable[[T], object] = lambda _: None,
        *,
        on_error: Callable[[Exception], object] = lambda _: None,
        ended: Callable[[], object] = lambda: None,
    ) -> "asyncio.Task[None] | None":
        """Run ``work``, then call ``then`` with its result, or ``on_error`` with its error.

        ``ended`` is called last.

        Return the task, to cancel it. If the loop has ended already, run nothing and return None.
        """
        if asyncio._get_running_loop() is None:  # Qt delivers its last events after the loop has ended
            work.close()
            return None
        task = self._tasks.spawn(self._run(work, then, on_error), getattr(work, "__qualname__", "from the window"))
        task.add_done_callback(lambda _: self._finish(work, ended))
        return task

    def close(self) -> None:
        """Stop reporting results and failures: the room is being destroyed."""
        self._open = False

    def close_with(self, dialog: QDialog) -> None:
        """Close when the user finishes the dialog, or when it is destroyed together with its parent window."""
        dialog.finished.connect(lambda _: self.close())
        dialog.destroyed.connect(lambda _: self.close())

    async def _run(
        self,
        work: Coroutine[Any, Any, T],
        then: Callable[[T], object],
        on_error: Callable[[Exception], object],
    ) -> None:
        try:
            result = await work
        except self._errors as error:
            if self._open:
                on_error(error)
                self._failed(str(error))
        else:
            if self._open:
                then(result)

    def _finish(self, work: Coroutine[Any, Any, Any], ended: Callable[[], object]) -> None:
        work.close()  # if the task was cancelled before its first step, avoids the warning "was never awaited"
        if self._open:
            ended()
