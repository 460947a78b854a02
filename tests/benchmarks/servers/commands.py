"""Read commands from standard input, one per line, and print a line of JSON when each is done.

==============================  =====================================================================
``ledger FILE``                 read the progress of the slowest client from this file (see ``Ledger``)
``paced MS WINDOW``             for MS, send one event per iteration of the loop
``uncorked MS WINDOW``          the same, but each event is sent at once, without batching
``tick MS WINDOW``              for MS, send ``TICK`` events per iteration of the loop
``burst COUNT``                 send COUNT events at once
``rate PER_S MS``               for MS, send PER_S events per second, each stamped with its due time
``watch``, ``watched``          start measuring the window; return the results (tray program only)
``stall NAME ROUNDS``           run a large task; return the longest stall of the loop (tray program only)
``filter TEXT``                 filter the log; return the longest stall of the window (tray program only)
==============================  =====================================================================

WINDOW limits the backlog of a client in events, so that no server is measured while it queues for a client that
gets no CPU time. The response to a load is ``{"sent": N}``. For a rate, ``"due"`` is the number of events that were
due.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

FAILED = "failed"
"""The key of a response that says why a command has failed."""

Handler = Callable[[list[str]], Awaitable[dict[str, Any]]]


def serve_commands(loop: asyncio.AbstractEventLoop, handler: Handler) -> None:
    """Run ``handler`` on ``loop`` for each command, and print its result. The end of the input ends the process."""
    threading.Thread(target=_read_commands, args=(loop, handler), name="commands", daemon=True).start()


def _read_commands(loop: asyncio.AbstractEventLoop, handler: Handler) -> None:
    async def run(words: list[str]) -> dict[str, Any]:
        return await handler(words)

    for line in sys.stdin:
        try:
            response = asyncio.run_coroutine_threadsafe(run(line.split()), loop).result()
        except Exception as error:
            response = {FAILED: repr(error)}
        print(json.dumps(response), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)  # the parent process has ended
