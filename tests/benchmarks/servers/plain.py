"""The yardstick: a server with the library's ``broadcast()``, on a selectable event loop.

``python -m tests.benchmarks.servers.plain LOOP [--each]``; LOOP is ``asyncio``, ``uvloop``, ``qasync`` or
``pumped``. With ``--each``, it awaits ``send`` for one client after the other, as many simple servers do. Typing
frames are forwarded to the clients of the user that they name, with the standard library's JSON.
"""

import asyncio
import json
import os
import sys
from collections import defaultdict
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

from websockets.asyncio.server import ServerConnection, broadcast, serve

from tests.benchmarks.servers.commands import serve_commands
from tests.benchmarks.servers.load import MESSAGE, Load, Publish, text

BACKLOG = 1024


class Plain:
    """The server: its connections, and the user of each."""

    def __init__(self) -> None:
        self.clients: set[ServerConnection] = set()
        self._by_user: defaultdict[str, set[ServerConnection]] = defaultdict(set)
        before, after = json.dumps({"event": "new_message", "data": {**MESSAGE, "text": "|"}}).split("|")
        self._before, self._after = before, after

    async def serve(self, connection: ServerConnection) -> None:
        """Forward a client's typing frames until it disconnects."""
        assert connection.request is not None
        name = parse_qs(urlsplit(connection.request.path).query).get("username", ["me"])[0]
        self.clients.add(connection)
        self._by_user[name].add(connection)
        try:
            async for frame in connection:
                data = json.loads(frame)["data"]
                typing = {"event": "typing", "data": {"username": name, "typing": data["typing"]}}
                if recipients := self._by_user.get(data["to"]):
                    broadcast(recipients, json.dumps(typing))
        finally:
            self.clients.discard(connection)
            self._by_user[name].discard(connection)

    def frame(self, number: int, stamp: int) -> str:
        """Return an event, built with as little work as possible."""
        return f"{self._before}{text(number, stamp)}{self._after}"

    def publish(self, number: int, stamp: int) -> None:
        """Send an event to all clients with ``broadcast()``."""
        broadcast(self.clients, self.frame(number, stamp))

    async def publish_each(self, number: int, stamp: int) -> None:
        """Send an event to one client after the other."""
        frame = self.frame(number, stamp)
        for client in tuple(self.clients):
            await client.send(frame)


async def main(each: bool) -> None:
    plain = Plain()
    publish: Publish = plain.publish_each if each else plain.publish
    async with serve(plain.serve, "127.0.0.1", 0, compression=None, backlog=BACKLOG) as server:
        serve_commands(asyncio.get_running_loop(), Load(publish).run_command)
        print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
        await asyncio.Event().wait()


def loop_factory(name: str) -> Callable[[], asyncio.AbstractEventLoop]:
    """Return a function that creates the event loop with this name. Raises ``ImportError``."""
    if name == "asyncio":
        return asyncio.new_event_loop
    if name == "uvloop":
        import uvloop

        return uvloop.new_event_loop
    os.environ["QT_API"] = "pyside6"
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    from PySide6.QtWidgets import QApplication

    app = QApplication.instance() or QApplication(["plain"])
    if name == "qasync":
        from qasync import QEventLoop

        return lambda: QEventLoop(app)
    from app.loop.pumped import PumpedLoop

    return lambda: PumpedLoop(app)


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory(sys.argv[1])) as runner:
        runner.run(main("--each" in sys.argv[2:]))
