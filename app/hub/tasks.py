"""Start asyncio tasks with a name, keep them referenced until they end, report their errors, cancel them all."""

import asyncio
from collections.abc import Coroutine, Generator
from typing import Any


class Tasks:
    """The running tasks of one owner."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[Any]] = set()

    @property
    def idle(self) -> bool:
        """Whether no task runs."""
        return not self._running

    def spawn(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Run ``coroutine`` as a task on the running loop. An exception goes to the loop's exception handler."""
        task = asyncio.get_running_loop().create_task(coroutine, name=name)
        self._running.add(task)
        task.add_done_callback(self._done)
        return task

    def start(self, coroutine: Coroutine[Any, Any, Any], name: str) -> asyncio.Task[Any]:
        """Like ``spawn``, but run ``coroutine`` at once until it waits. What it raises until then is raised."""
        try:
            waits_for = coroutine.send(None)
        except StopIteration as done:
            return self.spawn(_result(done.value), name)
        task = self.spawn(_continue(coroutine, waits_for), name)
        task.add_done_callback(lambda _: coroutine.close())  # it was cancelled before it could continue
        return task

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            # The loop's exception handler reports all failures of the program.
            task.get_loop().call_exception_handler(
                {"message": f"task {task.get_name()} failed", "exception": error, "task": task}
            )

    async def join(self) -> None:
        """Wait until all running tasks have ended, and those that they start meanwhile."""
        while self._running:
            await asyncio.wait(self._running)

    async def cancel(self) -> None:
        """Cancel all running tasks and wait until they have ended. May be called twice."""
        running = tuple(self._running)
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _result(value: Any) -> Any:
    return value


async def _continue(coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> Any:
    return await _Started(coroutine, waits_for)


class _Started:
    """The rest of a coroutine that waits for ``waits_for``: what it has passed to the event loop."""

    def __init__(self, coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> None:
        self._coroutine = coroutine
        self._waits_for = waits_for

    def __await__(self) -> Generator[Any, Any, Any]:
        try:
            while True:
                try:
                    value = yield self._waits_for
                except BaseException as error:
                    self._waits_for = self._coroutine.throw(error)
                else:
                    self._waits_for = self._coroutine.send(value)
        except StopIteration as done:
            return done.value
