"""Make REST calls like the UI, without a browser."""

import http.client
import json
from typing import Any, NamedTuple, Self
from urllib.parse import urlencode

from .processes import PATIENCE_S, Companion

PAGE = 50


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: http.client.HTTPMessage
    body: Any


class Rest:
    """A persistent connection to a program's REST port."""

    def __init__(self, program: Companion, origin: str | None = None) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", program.rest_port, timeout=PATIENCE_S)
        self._headers = {"Content-Type": "application/json", **({"Origin": origin} if origin else {})}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: Any) -> None:
        self._connection.close()

    def request(self, method: str, path: str, body: Any = None, **headers: str) -> Answer:
        """Send a request and return the response. Raises ``OSError`` or ``http.client.HTTPException``."""
        content = None if body is None else json.dumps(body)
        self._connection.request(method, path, content, {**self._headers, **headers})
        with self._connection.getresponse() as response:
            text = response.read()
            return Answer(response.status, response.headers, json.loads(text) if text else None)

    def post(self, to: str, text: str) -> Any:
        """Post a message and return the body of the response. The status must be 200 or 202."""
        answer = self.request("POST", "/messages", {"to": to, "text": text})
        assert answer.status in (200, 202), answer
        return answer.body

    def friends(self) -> dict[str, Any]:
        """Return the friends as a dictionary with their names as keys."""
        answer = self.request("GET", "/friends")
        assert answer.status == 200, answer
        return {each["username"]: each for each in answer.body}

    def page(self, peer: str, limit: int = PAGE, offset: int = 0) -> Any:
        """Return a page of a chat."""
        answer = self.request("GET", f"/messages?{urlencode({'peer': peer, 'limit': limit, 'offset': offset})}")
        assert answer.status == 200, answer
        return answer.body

    def history(self, peer: str) -> list[Any]:
        """Return all messages of a chat, oldest first. They are read page by page from the newest."""
        found: list[Any] = []
        while (page := self.page(peer, 1000, len(found)))["messages"]:
            found = page["messages"] + found
        assert len(found) == page["total"], "total is the number of messages on all pages"
        return found
