"""Run the companion's event server as an echo server for Autobahn: ``python -m tests.gates.echo plain|qt``.

It has the same factory, connection class, access policy and limits. The differences: frames are echoed, as Autobahn
expects; they may be larger, because a case needs 256 KiB; and the rate limit is off.
"""

import asyncio
import os
import signal
import sys

from typing_extensions import override
from websockets.asyncio.server import ServerConnection

from app.endpoints import events
from app.endpoints.access_policy import AccessPolicy
from app.endpoints.event_server import EventServer, Limits
from app.endpoints.events import EventClients
from app.hub.clock import Clock
from app.hub.hub import Hub
from app.hub.journal import Journal
from app.hub.refusals import Refusals
from app.hub.rejection_log import RejectionLog
from app.hub.router import Router
from app.hub.tasks import Tasks
from app.protocol.catalog import built_in

LARGEST_CASE = 256 * 1024


class EchoClients(EventClients):
    """Echoes text frames and binary frames."""

    @override
    async def _serve(self, connection: ServerConnection) -> None:
        async for frame in connection:
            await connection.send(frame)


async def main() -> None:
    vars(events)["MAX_FRAME_BYTES"] = LARGEST_CASE
    hub = Hub(Journal(Clock(), 100))
    access_policy = AccessPolicy(lambda: (), RejectionLog(hub))
    refusals = Refusals(hub, Tasks())
    limits = Limits(clients=64, connections=256, frames_per_s=1e9, token="")
    vars(events)["EventClients"] = EchoClients
    server = EventServer(hub, Router(hub, built_in()), 0, access_policy, lambda: limits, refusals)
    await server.start()
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    print(server.url, flush=True)
    await stopped.wait()
    await server.stop()


def on_qt() -> None:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    from PySide6.QtWidgets import QApplication

    from app.loop import new_loop

    app = QApplication([])
    with asyncio.Runner(loop_factory=lambda: new_loop(app)) as runner:
        runner.run(main())


if __name__ == "__main__":
    if sys.argv[1] == "qt":
        on_qt()
    else:
        asyncio.run(main())
