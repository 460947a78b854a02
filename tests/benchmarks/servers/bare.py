"""The lower limit for a server in Python: a selector, the library's protocol, and ``send``.

It has no event loop, tasks, queues or log, and forwards typing frames. What remains is unavoidable for a server
with this library: the system calls from Python, and the parsing of frames.
"""

import json
import select
import selectors
import socket
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import msgspec
from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.server import ServerProtocol

from app.hub.text_frame import text_frame
from tests.benchmarks.servers.ledger import Ledger
from tests.benchmarks.servers.load import MESSAGE, PAUSE_S, TICK, text

BACKLOG, READ_BYTES, FULL_MS = 1024, 64 * 1024, 1000


class Typing(msgspec.Struct):
    """The data of a client's typing frame."""

    to: str
    typing: bool


class ClientFrame(msgspec.Struct):
    """A client's typing frame."""

    data: Typing


_decoder = msgspec.json.Decoder(ClientFrame)


class Bare:
    """The server: its sockets, and the user of each."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        self._selector.register(sys.stdin, selectors.EVENT_READ, self._run_command)
        self._clients: dict[socket.socket, ServerProtocol] = {}
        self._by_user: dict[str, socket.socket] = {}
        self._names: dict[socket.socket, str] = {}
        self._ledger: Ledger | None = None
        before, after = json.dumps({"event": "new_message", "data": {**MESSAGE, "text": "|"}}).encode().split(b"|")
        self._before, self._after = before, after
        print(f"ready {self._listener.getsockname()[1]}", flush=True)

    def turn(self, timeout_s: float | None) -> None:
        """Handle the sockets that are ready."""
        for key, _ in self._selector.select(timeout_s):
            key.data()

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol = self._clients[client] = ServerProtocol()
        self._selector.register(client, selectors.EVENT_READ, self._reader(client, protocol))

    def _reader(self, client: socket.socket, protocol: ServerProtocol) -> Callable[[], None]:
        def read() -> None:
            data = client.recv(READ_BYTES)
            protocol.receive_data(data)
            for event in protocol.events_received():
                if isinstance(event, Frame):
                    if event.opcode is Opcode.TEXT:
                        self._forward(client, event.data)
                elif isinstance(event, Request):
                    self._complete_handshake(client, protocol, event)
            if not data:
                self._forget(client)

        return read

    def _complete_handshake(self, client: socket.socket, protocol: ServerProtocol, request: Request) -> None:
        protocol.send_response(protocol.accept(request))
        client.sendall(b"".join(protocol.data_to_send()))
        client.setblocking(False)
        name = parse_qs(urlsplit(request.path).query).get("username", ["me"])[0]
        self._names[client] = name
        self._by_user[name] = client

    def _forward(self, client: socket.socket, payload: bytes | bytearray | memoryview) -> None:
        data = _decoder.decode(payload).data
        if recipient := self._by_user.get(data.to):
            typing = {"event": "typing", "data": {"username": self._names[client], "typing": data.typing}}
            _deliver(recipient, text_frame(msgspec.json.encode(typing)))

    def _forget(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._clients[client]
        self._by_user.pop(self._names.pop(client, ""), None)
        client.close()

    def _run_command(self) -> None:
        words = sys.stdin.readline().split()
        if not words:
            sys.exit()
        print(json.dumps(self._load(words)), flush=True)

    def _load(self, words: list[str]) -> dict[str, Any]:
        match words:
            case ["ledger", path]:
                self._ledger = Ledger(Path(path))
                return {}
            case ["paced" | "uncorked", ms, window]:
                return {"sent": self._turns(int(ms) / 1000, int(window), 1)}
            case ["tick", ms, window]:
                return {"sent": self._turns(int(ms) / 1000, int(window), TICK)}
        return {"unknown": words}

    def _turns(self, seconds: float, window: int, batch: int) -> int:
        assert self._ledger is not None, "send the ledger command first"
        sent, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            if self._ledger.behind(sent) >= window:
                time.sleep(PAUSE_S)
                continue
            texts = [text(number, time.monotonic_ns()).encode() for number in range(sent, sent + batch)]
            data = b"".join([text_frame(self._before + each + self._after) for each in texts])
            for client in self._clients:
                _deliver(client, data)
            sent += batch
            self.turn(0)
        return sent


def _deliver(client: socket.socket, data: bytes) -> None:
    try:
        sent = client.send(data)
    except BlockingIOError:
        sent = 0
    if sent < len(data):
        full = select.poll()
        full.register(client, select.POLLOUT)
        if full.poll(FULL_MS):
            _deliver(client, data[sent:])


if __name__ == "__main__":
    bare = Bare()
    while True:
        bare.turn(None)
