"""Run long calls in daemon threads, apart from asyncio's thread pool, whose threads are free for files then.

A call whose caller is cancelled is given up: it is not begun, or it ends when it calls ``go_on``. The process does
not wait for these threads at its end, so a call must do nothing that has to be completed, such as writing a file of
the user.
"""

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from typing import Any, ParamSpec, TypeVar

from typing_extensions import override

P = ParamSpec("P")
Result = TypeVar("Result")
GoOn = Callable[[], None]
"""Raises ``GivenUp`` if nobody waits for the result any more. A long call calls it again and again."""

CLOSE_S = 1.0
"""How long ``close`` waits for calls, which may have temporary files to delete."""


class GivenUp(Exception):
    """Ends a call whose result is not needed any more."""

    @override
    def __str__(self) -> str:
        return "the call was given up"


class LongCalls:
    """Runs calls in up to ``threads`` threads, in their order. The others wait, also for calls that were given up.

    A thread ends when no call waits.
    """

    def __init__(self, threads: int = 1) -> None:
        self._max_threads = threads
        self._threads = 0
        self._waiting: deque[Callable[[], None]] = deque()
        self._lock = threading.Lock()
        self._closed = False
        self._on_ended: Callable[[], object] = lambda: None
        """Called when the last thread ends."""

    async def run(self, work: Callable[[GoOn], Result]) -> Result:
        """Return the result of ``work``, or raise its exception. Raise ``RuntimeError`` if no thread can start."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Result] = loop.create_future()

        def go_on() -> None:
            if self._closed or done.cancelled():
                raise GivenUp

        def finish(result: Any, error: BaseException | None) -> None:
            if done.done():
                return
            if error is None:
                done.set_result(result)
            elif isinstance(error, GivenUp):
                done.cancel()
            else:
                done.set_exception(error)

        def call() -> None:
            result: Any = None
            raised: BaseException | None = None
            try:
                go_on()
                result = work(go_on)
            except StopIteration as error:  # a future cannot have it
                raised = RuntimeError(f"the call raised StopIteration({error.value!r})")
            except BaseException as error:
                raised = error
            with suppress(RuntimeError):  # the loop is closed
                loop.call_soon_threadsafe(finish, result, raised)

        self._start(call)
        return await done

    async def close(self) -> None:
        """Give up all calls, and wait until they have ended, up to ``CLOSE_S`` seconds."""
        loop, ended = asyncio.get_running_loop(), asyncio.Event()
        with self._lock:
            self._closed = True
            self._on_ended = lambda: loop.call_soon_threadsafe(ended.set)
            if not self._threads:
                return
        with suppress(TimeoutError):
            await asyncio.wait_for(ended.wait(), CLOSE_S)

    def _start(self, call: Callable[[], None]) -> None:
        with self._lock:
            self._waiting.append(call)
            if self._threads == self._max_threads:
                return
            try:
                threading.Thread(target=self._run, name="long call", daemon=True).start()
            except RuntimeError:  # the system has too many threads
                if self._threads:  # another one will make the call
                    return
                self._waiting.pop()
                raise
            self._threads += 1

    def _run(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._threads -= 1
                    break
                call = self._waiting.popleft()
            call()
        if not self._threads:
            with suppress(RuntimeError):  # the loop is closed
                self._on_ended()


COMPUTATIONS = LongCalls(4)
"""Runs the calls of ``compute``, and those like them that can be given up."""


async def compute(function: Callable[P, Result], *args: P.args, **options: P.kwargs) -> Result:
    """Call a function that takes long for a large input, such as a parser, in one of four threads.

    All calls share these threads: later ones wait. A call that has begun cannot be given up. It must not write
    files: see the module. Otherwise this is like ``asyncio.to_thread``.
    """
    return await COMPUTATIONS.run(lambda _: function(*args, **options))
