"""A TCP client that sends raw bytes, for input that a WebSocket library would not send."""

import asyncio
import os
import socket
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from tests.conftest import PATIENCE_S

KEY = "dGhlIHNhbXBsZSBub25jZQ=="
UPGRADE = (
    ("Connection", "Upgrade"),
    ("Upgrade", "websocket"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", KEY),
)
Headers = Sequence[tuple[str, str]]


class RawClient:
    """A TCP connection to the event server."""

    def __init__(self, tcp: socket.socket) -> None:
        self.tcp = tcp

    async def send(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self.tcp, data)

    async def receive(self, size: int = 65_536) -> bytes:
        return await asyncio.wait_for(asyncio.get_running_loop().sock_recv(self.tcp, size), PATIENCE_S)

    async def upgrade(self, target: str, headers: Headers) -> str:
        """Send an upgrade request and return the head of the response, without reading more."""
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in (*headers, *UPGRADE))]
        await self.send("\r\n".join([*lines, "", ""]).encode())
        answer = b""
        while not answer.endswith(b"\r\n\r\n") and (byte := await self.receive(1)):
            answer += byte
        return answer.decode()

    async def read_to_end(self) -> bytes:
        """Read until the server closes the connection."""
        answer = b""
        while chunk := await self.receive():
            answer += chunk
        return answer

    def reset(self) -> None:
        """Reset the connection, as a crash of the client's machine would."""
        self.tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.tcp.close()


def text_frame(payload: bytes) -> bytes:
    """Return a masked text frame with a payload of fewer than 126 bytes."""
    mask = os.urandom(4)
    return bytes([0x81, 0x80 | len(payload)]) + mask + bytes(b ^ mask[i % 4] for i, b in enumerate(payload))


@asynccontextmanager
async def tcp_to(port: int, *, receive_buffer: int | None = None) -> AsyncIterator[RawClient]:
    """Open a TCP connection without sending anything."""
    with socket.socket() as tcp:
        tcp.setblocking(False)
        if receive_buffer:
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await asyncio.get_running_loop().sock_connect(tcp, ("127.0.0.1", port))
        yield RawClient(tcp)


async def upgrade_status(port: int, target: str = "/events", headers: Headers | None = None) -> tuple[int, str]:
    """Try a handshake with these headers and those of the WebSocket. Return status and body."""
    async with tcp_to(port) as client:
        head = await client.upgrade(target, [("Host", f"127.0.0.1:{port}")] if headers is None else headers)
        status = int(head.split()[1])
        return status, "" if status == 101 else (await client.read_to_end()).decode()


@asynccontextmanager
async def client_that_never_reads(port: int, username: str = "never-reads") -> AsyncIterator[RawClient]:
    """Open a client that completes its handshake and then reads nothing."""
    async with tcp_to(port, receive_buffer=4_096) as client:
        head = await client.upgrade(f"/events?username={username}", [("Host", f"127.0.0.1:{port}")])
        assert head.startswith("HTTP/1.1 101 ")
        yield client
