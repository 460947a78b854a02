"""Run calls that block in threads, one per call, for the tools that coding agents use (``tools``).

``in_daemon_thread`` awaits the result; ``in_thread`` returns a future, from which other threads can get it, too. A
call may wait for minutes: in a pool of threads, a few such calls would delay all others, and the process could not
end before they do. ``start_before_the_end`` is for a last call, such as one that stops a scenario: its thread is
not a daemon, so the process waits for it.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any


def in_thread(work: Callable[[], Any]) -> "Future[Any]":
    """Run ``work`` in a daemon thread, and return the future of its result. It cannot be cancelled."""
    done: Future[Any] = Future()
    done.set_running_or_notify_cancel()

    def run() -> None:
        try:
            result = work()
        except Exception as error:
            done.set_exception(error)
        else:
            done.set_result(result)

    threading.Thread(target=run, name="call", daemon=True).start()
    return done


async def in_daemon_thread(work: Callable[[], Any]) -> Any:
    """Run ``work`` in a daemon thread, and return its result. If this is cancelled, the result is dropped."""
    return await asyncio.wrap_future(in_thread(work))


def start_before_the_end(work: Callable[[], Any]) -> None:
    """Run ``work`` in a thread for which the process waits at its end. Errors are ignored."""

    def run() -> None:
        with suppress(Exception):
            work()

    threading.Thread(target=run, name="last call").start()
