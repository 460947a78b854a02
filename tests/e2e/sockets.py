"""WebSocket clients for the tests: an ordinary one, raw sockets, and clients that do not read."""

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
    """Open a TCP connection without sending anything."""
    connection = socket.socket()
    connection.settimeout(PATIENCE_S)
    if read_buffer:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, read_buffer)
    connection.connect(("127.0.0.1", port))
    return connection


def handshake(connection: socket.socket, path: str = "/events", *more: str) -> str:
    """Send a WebSocket handshake and return the head of the response. Frames after it stay unread."""
    port = connection.getpeername()[1]
    connection.sendall(HANDSHAKE.format(path=path, port=port, more="".join(f"{m}\r\n" for m in more)).encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        assert byte, f"the server closed the connection after {head!r}"
        head += byte
    return head.decode("latin-1")


def stall(url: str, username: str) -> None:
    """Fill the buffers of the clients of ``username``, which do not read, without overflowing their outboxes."""
    with client(url, "a" * 64) as alice, client(url, "watcher") as watcher:
        for _ in range(2500):  # about 325 KB: more than the socket buffers, less than these and the outbox
            send(alice, "typing", to=username, typing=True)
        send(alice, "typing", to="watcher", typing=True)
        receive(watcher)  # frames are handled in order, so all of the above are handled now
