"""Run the stand-in in a thread, for tests that start the program as a process."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from tests.postgrest_stand_in.server import StandIn


@contextmanager
def running(stand_in: StandIn) -> Iterator[StandIn]:
    """Serve until the end of the ``with`` statement. Its ``store`` may be used in any thread."""
    loop = asyncio.new_event_loop()
    started, ended = threading.Event(), asyncio.Event()

    async def serve() -> None:
        async with stand_in:
            started.set()
            await ended.wait()

    def run() -> None:
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run, name="stand-in", daemon=True)
    thread.start()
    assert started.wait(30)
    try:
        yield stand_in
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(30)
