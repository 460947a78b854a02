"""``python -m tests.gates.watched`` is ``companion``. On SIGUSR1, it also prints its number of asyncio tasks."""

import asyncio
import gc
import signal
import threading

from app.__main__ import run

SIGNALS = {signal.SIGUSR1}


def print_task_counts() -> None:
    """Print the number of pending tasks at each signal, in a thread, because uvloop does not run our handlers."""
    while True:
        signal.sigwait(SIGNALS)
        # Not isinstance(), which would access the class of a dead weak reference.
        tasks = sum(issubclass(type(each), asyncio.Task) and not each.done() for each in gc.get_objects())
        print(f"tasks {tasks}", flush=True)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    threading.Thread(target=print_task_counts, daemon=True).start()
    run()
