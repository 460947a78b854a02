"""Run calls that block in threads, one per call, for the tools that coding agents use (``tools``).

``in_daemon_thread`` awaits the result. A call may wait for minutes: in a pool of threads, a few such calls would
delay all others, and the process could not end before they do. ``start_before_the_end`` is for a last call, such as
one that stops a scenario: its thread is not a daemon, so the process waits for it.
"""

import asyncio
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import Any


async def in_daemon_thread(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a daemon thread, and return its result. If this is cancelled, the result is dropped."""
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Any] = loop.create_future()

    def finish(result: Any, error: Exception | None) -> None:
        if done.done():
            return
        if error is None:
            done.set_result(result)
        else:
            done.set_exception(error)

    def run() -> None:
        result, raised = None, None
        try:
            result = work()
        except Exception as error:
            raised = error
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(finish, result, raised)

    threading.Thread(target=run, name="call", daemon=True).start()
    return await done


def start_before_the_end(work: Callable[[], Any]) -> None:
    """Run ``work`` in a thread for which the process waits at its end. Errors are ignored."""

    def run() -> None:
        with suppress(Exception):
            work()

    threading.Thread(target=run, name="last call").start()
