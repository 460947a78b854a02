"""Clients of the tests' own: a plain one, and the ugly ones."""

import json
import socket
from typing import Any

from websockets.sync.client import ClientConnection, connect

from .processes import PATIENCE_S

HANDSHAKE = (
    "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{more}\r\n"
)
SMALL = 4096


def client(url: str, username: str | None = None, *, max_size: int | None = 2**20) -> ClientConnection:
    """Connect an ordinary client."""
    url += f"?username={username}" if username else ""
    return connect(url, compression=None, proxy=None, max_size=max_size)


def send(connection: ClientConnection, event: str, **data: Any) -> None:
    """Send an event."""
    connection.send(json.dumps({"event": event, "data": data}))


def receive(connection: ClientConnection, timeout: float = PATIENCE_S) -> Any:
    """Return the next event."""
    return json.loads(connection.recv(timeout=timeout))


def raw(port: int, *, read_buffer: int | None = None) -> socket.socket:
    """Open a TCP connection that has sent nothing yet."""
    connection = socket.socket()
    connection.settimeout(PATIENCE_S)
    if read_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_buffer)
    connection.connect(("127.0.0.1", port))
    return connection


def handshake(connection: socket.socket, path: str = "/events", *more: str) -> str:
    """Ask for the event stream and return the head of the answer; a stream that begins stays unread."""
    port = connection.getpeername()[1]
    connection.sendall(HANDSHAKE.format(path=path, port=port, more="".join(f"{m}\r\n" for m in more)).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"the server hung up after {head!r}"
        head += byte
    return head.decode("latin-1")


def stall(url: str, username: str) -> None:
    """Send so much to a client that does not read that its buffers fill, and not enough for it to be given up."""
    with client(url, "a" * 64) as alice, client(url, "watcher") as watcher:
        for _ in range(2500):  # about 325 KB: more than sockets hold, less than the outbox may keep besides
            send(alice, "typing", to=username, typing=True)
        send(alice, "typing", to="watcher", typing=True)
        receive(watcher)  # so all before it has been handled
