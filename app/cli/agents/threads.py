"""Run calls that block in threads, one per call, for the tools that coding agents use (``tools``).

``in_daemon_thread`` awaits the result; ``in_thread`` returns a future, from which other threads can get it, too. A
call may wait for minutes: in a pool of threads, a few such calls would delay all others, and the process could not
end before they do. ``start_last_call`` is for a call that stops a scenario: at the end of the process,
``wait_for_last_calls`` waits a little for it.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from typing import Any

LAST_CALL = "last call"
"""Name of the threads of last calls."""
LAST_CALLS_S = 3.0
"""Seconds to wait for last calls. A companion that needs longer hangs, and starts no scenario whose client has
disconnected."""


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


def start_last_call(work: Callable[[], Any]) -> None:
    """Run ``work`` in a daemon thread for which ``wait_for_last_calls`` waits. Errors are ignored."""

    def run() -> None:
        with suppress(Exception):
            work()

    threading.Thread(target=run, name=LAST_CALL, daemon=True).start()


def wait_for_last_calls() -> None:
    """Wait until the last calls have ended, together up to ``LAST_CALLS_S`` seconds."""
    end = time.monotonic() + LAST_CALLS_S
    for each in threading.enumerate():
        if each.name == LAST_CALL:
            each.join(max(0.0, end - time.monotonic()))
