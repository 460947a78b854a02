"""How a server is told what to do: a command per line of standard input, a line of JSON for each when it is done.

==============================  =====================================================================
``ledger FILE``                 read from now on how far the slowest client is (see ``Ledger``)
``paced MS WINDOW``             for MS, one event per turn of the loop
``uncorked MS WINDOW``          the same, and each event leaves at once: the server may not gather some
``tick MS WINDOW``              for MS, ``TICK`` events per turn of the loop
``burst COUNT``                 COUNT events at once
``rate PER_S MS``               for MS, PER_S events per second, each stamped with the time at which it was due
``watch``, ``watched``          begin to watch the window; say how it did (the tray program alone)
``stall NAME ROUNDS``           do something large; say how long the loop stood still (the tray alone)
``filter TEXT``                 type a filter over the log; say how long the window stood still (the tray alone)
==============================  =====================================================================

WINDOW bounds how many events a client may be behind, so that no server is measured while it queues for a client
that did not get the processor. The answer to a load is ``{"sent": N}``, and for a rate ``"due"``:
how many there should have been.
"""

import asyncio
import json
import os
import signal
import sys
import threading
from collections.abc import Awaitable, Callable
from typing import Any

Handler = Callable[[list[str]], Awaitable[dict[str, Any]]]


def obey(loop: asyncio.AbstractEventLoop, handler: Handler) -> None:
    """Answer commands with ``handler``, which runs on ``loop``; the end of the input ends the process."""
    threading.Thread(target=_listen, args=(loop, handler), name="commands", daemon=True).start()


def _listen(loop: asyncio.AbstractEventLoop, handler: Handler) -> None:
    async def answer(words: list[str]) -> dict[str, Any]:
        return await handler(words)

    for line in sys.stdin:
        told = asyncio.run_coroutine_threadsafe(answer(line.split()), loop).result()
        print(json.dumps(told), flush=True)
    os.kill(os.getpid(), signal.SIGTERM)  # whoever started this is gone
