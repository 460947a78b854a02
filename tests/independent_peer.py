"""A peer written from the specification alone, on PyNaCl and asyncio. It imports nothing of the program.

It speaks all four dialects over TCP: a 4-byte big-endian length, then one JSON object in UTF-8.
"""

import asyncio
import json
import struct
import time
import uuid
from base64 import b64decode, b64encode
from typing import Any

from nacl.public import Box, PrivateKey, PublicKey
from nacl.signing import SigningKey, VerifyKey
from nacl.utils import random

PATIENCE_S = 20.0


def b64(content: bytes) -> str:
    return b64encode(content).decode("ascii")


def now() -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


class IndependentPeer:
    """One user with keys of its own, who knows the keys of one other user."""

    def __init__(self, name: str, other: str) -> None:
        self.name, self.other = name, other
        self.box_key, self.sign_key = PrivateKey.generate(), SigningKey.generate()
        self.other_box_key: PublicKey | None = None
        self.other_sign_key: VerifyKey | None = None
        self.received: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.acknowledges = True
        self.is_busy = False
        self.port = 0
        self._server: asyncio.Server | None = None

    @property
    def keys(self) -> dict[str, str]:
        return {
            "public_key": b64(bytes(self.box_key.public_key)), "signing_key": b64(bytes(self.sign_key.verify_key)),
        }  # fmt: skip

    def learn(self, public_key: str, signing_key: str) -> None:
        self.other_box_key, self.other_sign_key = (
            PublicKey(b64decode(public_key)),
            VerifyKey(b64decode(signing_key)),
        )

    # envelopes

    def box(self, plaintext: bytes) -> tuple[bytes, bytes]:
        assert self.other_box_key is not None
        nonce = random(24)
        return nonce, Box(self.box_key, self.other_box_key).encrypt(plaintext, nonce).ciphertext

    def sign(self, content: bytes) -> str:
        return b64(self.sign_key.sign(content).signature)

    def address(self) -> dict[str, str]:
        return {"from": self.name, "to": self.other}

    def a(self, text: str, msg_id: str, kind: str = "message", plaintext: bytes = b"") -> dict[str, Any]:
        plain = plaintext or json.dumps({"text": text, "msg_id": msg_id}, ensure_ascii=False).encode()
        nonce, box = self.box(plain)
        return {
            "type": kind, **self.address(), "timestamp": now(), "nonce": b64(nonce), "ciphertext": b64(box),
            "signature": self.sign(box),
        }  # fmt: skip

    def b(self, text: str, msg_id: str) -> dict[str, Any]:
        nonce, box = self.box(text.encode())
        ciphertext = b64(nonce + box)
        return {
            "type": "chat", "msg_id": msg_id, **self.address(), "ciphertext": ciphertext,
            "signature": self.sign(ciphertext.encode()), "timestamp": now(),
        }  # fmt: skip

    def c(self, text: str, _: str = "") -> dict[str, Any]:
        nonce, box = self.box(text.encode())
        return {
            "ciphertext": b64(box),
            "nonce": b64(nonce),
            "signature": self.sign(text.encode()),
            **self.address(),
        }

    def p(self, text: str, msg_id: str) -> dict[str, Any]:
        return {"type": "chat", "msg_id": msg_id, **self.address(), "text": text, "timestamp": now()}

    def ping(self) -> dict[str, Any]:
        return {"type": "ping", **self.address(), "timestamp": now()}

    def open_a(self, envelope: dict[str, Any]) -> dict[str, Any]:
        """Verify and decrypt an envelope of dialect A."""
        assert self.other_box_key is not None
        assert self.other_sign_key is not None
        box = b64decode(envelope["ciphertext"], validate=True)
        self.other_sign_key.verify(box, b64decode(envelope["signature"], validate=True))
        plain = Box(self.box_key, self.other_box_key).decrypt(box, b64decode(envelope["nonce"], validate=True))
        opened: dict[str, Any] = json.loads(plain)
        return opened

    # connections

    async def listen(self) -> str:
        """Accept connections, and acknowledge messages. Return the address."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return f"127.0.0.1:{self.port}"

    async def close(self) -> None:
        if self._server:
            self._server.close()
            await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                envelope = await read_frame(reader)
                opened = self.open_a(envelope)
                self.received.put_nowait({**envelope, "opened": opened})
                if self.is_busy:
                    writer.write(frame({"type": "busy", **self.address(), "timestamp": now()}))
                elif self.acknowledges and envelope["type"] == "message":
                    ack = {"type": "ack", **self.address(), "timestamp": now(), "ack_msg_id": opened["msg_id"]}
                    writer.write(frame(ack))
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def next_message(self) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            return await self.received.get()


def frame(envelope: dict[str, Any] | bytes) -> bytes:
    body = envelope if isinstance(envelope, bytes) else json.dumps(envelope, ensure_ascii=False).encode()
    return struct.pack(">I", len(body)) + body


async def read_frame(reader: asyncio.StreamReader) -> dict[str, Any]:
    (length,) = struct.unpack(">I", await reader.readexactly(4))
    value: dict[str, Any] = json.loads(await reader.readexactly(length))
    return value


class Line:
    """A connection to a companion."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port: int) -> "Line":
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def send(self, *envelopes: dict[str, Any] | bytes) -> None:
        self.writer.write(b"".join(map(frame, envelopes)))
        await self.writer.drain()

    async def answer(self) -> dict[str, Any]:
        """Return the next frame. Raises ``IncompleteReadError`` if the connection is closed instead."""
        async with asyncio.timeout(PATIENCE_S):
            return await read_frame(self.reader)

    async def closed(self) -> bool:
        """Wait until the companion closes the connection; return whether it sent nothing before."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read() == b""
            except ConnectionError:
                return True

    def close(self) -> None:
        self.writer.close()


def new_id() -> str:
    return str(uuid.uuid4())
