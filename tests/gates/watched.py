"""``python -m tests.gates.watched`` is ``companion``, and on SIGUSR1 it says how many asyncio tasks it has."""

import asyncio
import gc
import signal
import sys
import threading

from app.__main__ import run

ASKED = {signal.SIGUSR1}


def tell_for_ever() -> None:
    """Count what is alive, whichever loop it is on; from a thread, since uvloop calls no handler of ours."""
    while True:
        signal.sigwait(ASKED)
        # Not isinstance(), which asks a dead weak reference for its class.
        tasks = sum(issubclass(type(each), asyncio.Task) and not each.done() for each in gc.get_objects())
        print(f"tasks {tasks}", flush=True)


if __name__ == "__main__":
    signal.pthread_sigmask(signal.SIG_BLOCK, ASKED)
    threading.Thread(target=tell_for_ever, daemon=True).start()
    sys.exit(run())
