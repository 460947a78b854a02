"""A server with picows, a compiled WebSocket library. It builds each frame once per client."""

import asyncio
import json

from picows import WSListener, WSMsgType, WSTransport, WSUpgradeRequest, ws_create_server

from tests.benchmarks.servers.commands import serve_commands
from tests.benchmarks.servers.load import MESSAGE, Load, text

clients: set[WSTransport] = set()


class Listener(WSListener):  # type: ignore[misc]  # picows may be missing
    """Updates the set of connections."""

    def on_ws_connected(self, transport: WSTransport) -> None:
        clients.add(transport)

    def on_ws_disconnected(self, transport: WSTransport) -> None:
        clients.discard(transport)


def publish(number: int, stamp: int) -> None:
    data = {**MESSAGE, "text": text(number, stamp)}
    frame = json.dumps({"event": "new_message", "data": data}).encode()
    for client in clients:
        client.send(WSMsgType.TEXT, frame)


def listener(_: WSUpgradeRequest) -> WSListener:
    return Listener()


async def main() -> None:
    server = await ws_create_server(listener, "127.0.0.1", 0, backlog=1024)
    serve_commands(asyncio.get_running_loop(), Load(publish).run_command)
    print(f"ready {server.sockets[0].getsockname()[1]}", flush=True)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
