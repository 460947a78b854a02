"""The floor of any server in Python: a selector, the library's protocol, and ``send``; nothing else.

No loop, no task, no queue, no log; a client's typing frame goes to whom it names. What remains is what a server
with this library cannot avoid: the system calls, made from Python, and the parsing of a frame.
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

from app.endpoints.connection import text_frame
from tests.benchmarks.servers.ledger import Ledger
from tests.benchmarks.servers.load import MESSAGE, REST_S, TICK, text

BACKLOG, READ_BYTES, FULL_MS = 1024, 64 * 1024, 1000


class Typing(msgspec.Struct):
    """What a client says in a typing frame."""

    to: str
    typing: bool


class Told(msgspec.Struct):
    """A client's frame."""

    data: Typing


_told = msgspec.json.Decoder(Told)


class Bare:
    """Knows its sockets, and for whom each speaks."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=BACKLOG)
        self._selector.register(self._listener, selectors.EVENT_READ, self._welcome)
        self._selector.register(sys.stdin, selectors.EVENT_READ, self._obey)
        self._clients: dict[socket.socket, ServerProtocol] = {}
        self._speaking: dict[str, socket.socket] = {}
        self._names: dict[socket.socket, str] = {}
        self._ledger: Ledger | None = None
        before, after = json.dumps({"event": "new_message", "data": {**MESSAGE, "text": "|"}}).encode().split(b"|")
        self._before, self._after = before, after
        print(f"ready {self._listener.getsockname()[1]}", flush=True)

    def turn(self, timeout_s: float | None) -> None:
        """Hear whoever has something to say."""
        for key, _ in self._selector.select(timeout_s):
            key.data()

    def _welcome(self) -> None:
        client, _ = self._listener.accept()
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        protocol = self._clients[client] = ServerProtocol()
        self._selector.register(client, selectors.EVENT_READ, self._hearing(client, protocol))

    def _hearing(self, client: socket.socket, protocol: ServerProtocol) -> Callable[[], None]:
        def hear() -> None:
            data = client.recv(READ_BYTES)
            protocol.receive_data(data)
            for event in protocol.events_received():
                if isinstance(event, Frame):
                    if event.opcode is Opcode.TEXT:
                        self._forward(client, event.data)
                elif isinstance(event, Request):
                    self._accept(client, protocol, event)
            if not data:
                self._forget(client)

        return hear

    def _accept(self, client: socket.socket, protocol: ServerProtocol, request: Request) -> None:
        protocol.send_response(protocol.accept(request))
        client.sendall(b"".join(protocol.data_to_send()))
        client.setblocking(False)
        name = parse_qs(urlsplit(request.path).query).get("username", ["me"])[0]
        self._names[client] = name
        self._speaking[name] = client

    def _forward(self, client: socket.socket, payload: bytes) -> None:
        data = _told.decode(payload).data
        if there := self._speaking.get(data.to):
            typing = {"event": "typing", "data": {"username": self._names[client], "typing": data.typing}}
            _deliver(there, text_frame(msgspec.json.encode(typing)))

    def _forget(self, client: socket.socket) -> None:
        self._selector.unregister(client)
        del self._clients[client]
        self._speaking.pop(self._names.pop(client, ""), None)
        client.close()

    def _obey(self) -> None:
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
        assert self._ledger is not None, "which clients?"
        sent, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            if self._ledger.behind(sent) >= window:
                time.sleep(REST_S)
                continue
            texts = [text(number, time.monotonic_ns()).encode() for number in range(sent, sent + batch)]
            piece = b"".join([text_frame(self._before + each + self._after) for each in texts])
            for client in self._clients:
                _deliver(client, piece)
            sent += batch
            self.turn(0)
        return sent


def _deliver(client: socket.socket, piece: bytes) -> None:
    try:
        sent = client.send(piece)
    except BlockingIOError:
        sent = 0
    if sent < len(piece):
        full = select.poll()
        full.register(client, select.POLLOUT)
        if full.poll(FULL_MS):
            _deliver(client, piece[sent:])


if __name__ == "__main__":
    bare = Bare()
    while True:
        bare.turn(None)
