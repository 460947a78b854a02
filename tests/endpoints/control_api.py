"""A client of the control API, and helpers for its tests: WebSocket clients, streams, events."""

import asyncio
import io
import json
import uuid
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import aiohttp
from websockets.asyncio.client import ClientConnection, connect
from yarl import URL

from app.companion import Companion
from tests.conftest import PATIENCE_S, until
from tests.endpoints.http_client import JSON, Answer

TOKEN = "Xyzzy-token-of-the-tests-0123456789"


def message(text: str = "Hi", **changes: Any) -> dict[str, Any]:
    """Return a ``new_message`` of alice with a new message ID."""
    data = {
        "msg_id": str(uuid.uuid4()), "from": "alice", "to": "me", "text": text, "direction": "received",
        "timestamp": "2024-01-15T10:30:00Z", "delivered": True, "delivery_method": "direct",
    }  # fmt: skip
    return {"event": "new_message", "data": {**data, **changes}}


def online(username: str = "alice") -> dict[str, Any]:
    return {"event": "friend_online", "data": {"username": username}}


def typing(on: bool = True, to: str = "alice") -> str:
    """Return a ``typing`` client event as a frame."""
    return json.dumps({"event": "typing", "data": {"to": to, "typing": on}})


async def frame(client: ClientConnection) -> str:
    """Return the next frame that a client receives."""
    message = await asyncio.wait_for(client.recv(), PATIENCE_S)
    assert isinstance(message, str)
    return message


async def assert_nothing_received(client: ClientConnection) -> None:
    """Check that no frame was sent to ``client``. A frame would arrive before the pong."""
    await asyncio.wait_for(await client.ping(), PATIENCE_S)
    assert not client.recv_messages.frames


class Stream:
    """A stream of server-sent events."""

    def __init__(self, answer: aiohttp.ClientResponse) -> None:
        self.answer = answer
        self.last_id = ""
        """The ID of the latest row."""

    async def next(self) -> dict[str, str]:
        """Return the fields of the next event, without comments. Empty at the end of the stream."""
        fields: dict[str, str] = {}
        while True:
            try:
                line = (await asyncio.wait_for(self.answer.content.readline(), PATIENCE_S)).decode()
            except aiohttp.ClientPayloadError:
                return {}
            if not line:
                return {}
            if line == "\n" and fields:
                return fields
            name, _, value = line.rstrip("\n").partition(": ")
            if name:
                assert name not in fields
                fields[name] = value

    async def row(self) -> dict[str, Any]:
        """Return the next row. Its number must be in the ID of the event."""
        fields = await self.next()
        row: dict[str, Any] = json.loads(fields["data"])
        assert fields.keys() == {"id", "data"}
        assert fields["id"].startswith(f"{row['seq']}:")
        self.last_id = fields["id"]
        return row

    async def comment(self) -> str:
        """Return the next line, which must be a comment."""
        line = (await asyncio.wait_for(self.answer.content.readline(), PATIENCE_S)).decode()
        assert line.startswith(":")
        return line


class Control:
    """Calls the control API of a companion with its token. Paths are sent unchanged and must be encoded."""

    def __init__(self, companion: Companion, session: aiohttp.ClientSession) -> None:
        self.companion = companion
        self._session = session
        self._clients: list[ClientConnection] = []

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        query: Mapping[str, object] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send a request. ``body``: bytes are sent unchanged, other values as JSON. Empty headers are omitted."""
        content: Any = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content and len(content) > 1_000_000:
            content = io.BytesIO(content)
        async with self._session.request(
            method, self._url(path, query), data=content, headers=self._headers(headers)
        ) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    def _url(self, path: str, query: Mapping[str, object] | None) -> URL:
        pairs = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in (query or {}).items())
        return URL(self.companion.control.url + path + (f"?{pairs}" if pairs else ""), encoded=True)

    @staticmethod
    def _headers(more: Mapping[str, str] | None) -> dict[str, str]:
        headers = {**JSON, "Authorization": f"Bearer {TOKEN}", **(more or {})}
        return {name: value for name, value in headers.items() if value}

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.call("POST", path, body, **options)

    async def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.call("PUT", path, body, **options)

    async def patch(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.call("PATCH", path, body, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        return await self.call("DELETE", path, **options)

    async def get_json(self, path: str, **query: object) -> Any:
        """Return the JSON of a GET request that must succeed."""
        answer = await self.get(path, query=query)
        assert answer.status == 200, answer.body
        return answer.json

    async def state(self) -> dict[str, Any]:
        """Return the whole chat state."""
        return dict(await self.get_json("/v1/state"))

    async def stored(self, msg_id: str) -> dict[str, Any] | None:
        """Return a message of the chat state."""
        return next((each for each in (await self.state())["messages"] if each["msg_id"] == msg_id), None)

    async def rows(self, expression: str = "") -> list[dict[str, Any]]:
        """Return all rows of the journal that match the filter."""
        return list((await self.get_json("/v1/journal", after=0, limit=10_000, filter=expression))["rows"])

    @asynccontextmanager
    async def stream(self, *, headers: Mapping[str, str] | None = None, **query: object) -> AsyncIterator[Stream]:
        """Open a journal stream. It is established when this returns."""
        url = self._url("/v1/journal/stream", query)
        async with self._session.get(url, headers=self._headers(headers)) as answer:
            assert answer.status == 200
            assert answer.headers["Content-Type"].split(";")[0] == "text/event-stream"
            stream = Stream(answer)
            assert await stream.comment() == ": following\n"
            yield stream

    async def connect(self, username: str = "me", **options: Any) -> ClientConnection:
        """Return a WebSocket client that has joined the hub."""
        hub = self.companion.hub
        before = {client.id for client in hub.clients}
        url = f"{self.companion.server.url}?username={quote(username, safe='')}"
        client = await connect(url, proxy=None, **options)
        self._clients.append(client)
        await until(lambda: {client.id for client in hub.clients} - before)
        return client

    async def close_clients(self) -> None:
        await asyncio.gather(*(client.close() for client in self._clients))
