"""An HTTP client of the REST stand-in, like the chat UI, and the responses of both HTTP servers."""

import io
import json
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, NamedTuple

import aiohttp
from multidict import CIMultiDictProxy
from websockets.typing import Origin
from yarl import URL

from app.companion import Companion

PAGE = Origin("http://localhost:1420")
JSON = {"Content-Type": "application/json"}


class Answer(NamedTuple):
    """A response with its body."""

    status: int
    headers: CIMultiDictProxy[str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> str:
        """Return the text of the error. The body must have the documented form."""
        assert self.headers["Content-Type"].split(";")[0] == "application/json"
        assert list(self.json) == ["error"]
        text = self.json["error"]
        assert isinstance(text, str)
        assert text.strip()
        return text

    @property
    def problem(self) -> dict[str, Any]:
        """Return the problem of the control API (RFC 9457). The body must have that form."""
        assert self.headers["Content-Type"].split(";")[0] == "application/problem+json"
        problem: dict[str, Any] = self.json
        assert list(problem)[:4] == ["type", "title", "status", "detail"]
        assert set(problem) <= {"type", "title", "status", "detail", "problems"}
        assert (problem["type"], problem["title"]) == ("about:blank", HTTPStatus(self.status).phrase)
        assert problem["status"] == self.status
        assert problem["detail"].strip()
        for part in problem.get("problems", []):
            assert set(part) == {"path", "message"}
        return problem

    @property
    def detail(self) -> str:
        """Return the detail of the problem."""
        return str(self.problem["detail"])


class Rest:
    """Calls the REST stand-in of a companion. Paths are sent unchanged and must be encoded."""

    def __init__(self, companion: Companion, session: aiohttp.ClientSession) -> None:
        self.companion = companion
        self._session = session

    async def call(
        self, method: str, path: str, body: Any = None, *, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """Send a request. ``body``: bytes are sent unchanged, other values as JSON."""
        content: Any = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content and len(content) > 1_000_000:
            content = io.BytesIO(content)
        url = URL(self.companion.rest.url + path, encoded=True)
        async with self._session.request(method, url, data=content, headers={**JSON, **(headers or {})}) as answer:
            return Answer(answer.status, answer.headers, await answer.read())

    async def get(self, path: str, **options: Any) -> Answer:
        return await self.call("GET", path, **options)

    async def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return await self.call("POST", path, body, **options)

    async def delete(self, path: str, **options: Any) -> Answer:
        return await self.call("DELETE", path, **options)

    async def state(self) -> dict[str, Any]:
        return await self.companion.chat.store.snapshot()
