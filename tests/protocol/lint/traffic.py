"""Traffic for the tests of the lint: a linter with a clock, and pages that load their contacts."""

import json
from typing import Any

from app.protocol.catalog import built_in
from app.protocol.lint.findings import Finding
from app.protocol.lint.linter import Linter
from app.protocol.lint.pages import Browser
from app.protocol.lint.rest import Call

CHROME = Browser("http://localhost:1420", "Chrome/140")
FIREFOX = Browser("http://localhost:1420", "Firefox/140")
NO_BROWSER = Browser("", "")
WALL = 1_700_000_000.0
"""2023-11-14T22:13:20Z"""
MESSAGE = {
    "msg_id": "a1b2c3d4-e5f6-7890-abcd-ef1234567890", "from": "alice", "to": "me", "text": "hi",
    "timestamp": "2023-11-14T22:13:20Z", "direction": "received", "delivered": True, "delivery_method": "direct",
}  # fmt: skip
FRIEND = {"username": "alice", "online": True, "last_seen": "2023-11-14T22:13:20Z"}


def sender(name: str) -> dict[str, Any]:
    """Return the field of a message that has the name of a Python keyword."""
    return {"from": name}


def message_id(number: int) -> str:
    return f"a1b2c3d4-e5f6-7890-abcd-{number:012}"


class Traffic:
    """Pass traffic to a linter. ``found`` has the findings. Each row is 0.1 s after the last."""

    def __init__(self) -> None:
        self.found: list[Finding] = []
        self.linter = Linter(built_in(), self.found.append)
        self.seq = 0
        self.at = 100.0
        self.clients: list[int] = []

    @property
    def rules(self) -> list[str]:
        return [each.rule.id for each in self.found]

    def wait(self, seconds: float) -> "Traffic":
        self.at += seconds
        return self

    def _row(self) -> int:
        self.seq += 1
        self.at += 0.1
        return self.seq

    def connect(self, client: int = 1, browser: Browser = CHROME) -> "Traffic":
        self.clients.append(client)
        self.linter.connected(self._row(), self.at, client, browser)
        return self

    def page(self, *friends: str, client: int = 1, browser: Browser = CHROME) -> "Traffic":
        """Connect a page that loads its contacts and is primed for them."""
        names = friends or ("alice", "bob")
        self.friends(*names, browser=browser)
        self.connect(client, browser)
        self.friends(*names, browser=browser)
        for name in names:
            primer = {**MESSAGE, "msg_id": message_id(hash(name) % 10**9), "from": "me", "to": name}
            self.send("new_message", {**primer, "direction": "sent"}, to=(client,), primed=True)
        return self

    def disconnect(self, client: int = 1, *, closed: bool = False, by_client: bool = True) -> "Traffic":
        self.clients.remove(client)
        self._row()
        self.linter.disconnected(self.at, client, closed=closed, by_client=by_client)
        return self

    def send_text(self, payload: bytes, event: str, to: tuple[int, ...] | None = None, **how: bool) -> "Traffic":
        recipients = tuple(self.clients) if to is None else to
        seq = self._row()
        check = self.linter.sent_check(event, **how)
        check(seq, self.at, WALL + self.at - 100.0, payload, recipients)
        return self

    def send(self, event: str, data: Any, to: tuple[int, ...] | None = None, **how: bool) -> "Traffic":
        return self.send_text(json.dumps({"event": event, "data": data}).encode(), event, to, **how)

    def message(self, number: int, recipients: tuple[int, ...] | None = None, **changes: Any) -> "Traffic":
        data = {**MESSAGE, "msg_id": message_id(number), **changes}
        return self.send("new_message", {name: each for name, each in data.items() if each is not ...}, recipients)

    def receive(self, event: str, data: Any, client: int = 1, *, rejected: bool = False) -> "Traffic":
        payload = json.dumps({"event": event, "data": data}).encode()
        self.linter.received(self._row(), self.at, client, event, payload, rejected=rejected)
        return self

    def typing(self, typing: bool, to: str = "alice", client: int = 1) -> "Traffic":
        return self.receive("typing", {"to": to, "typing": typing}, client)

    def call(
        self, method: str, path: str, answer: Any, query: str = "", body: Any = None, status: int = 200,
        browser: Browser = CHROME,
    ) -> "Traffic":  # fmt: skip
        started = self.at + 0.05
        self.at += 0.1
        request = b"" if body is None else json.dumps(body).encode()
        response = json.dumps(answer).encode()
        self.linter.called(Call(method, path, query, request, status, response, browser, started, self.at))
        return self

    def friends(self, *names: str, browser: Browser = CHROME, **changes: Any) -> "Traffic":
        answer = [{**FRIEND, "username": name, **changes} for name in names]
        return self.call("GET", "/friends", answer, browser=browser)

    def open(self, peer: str, *messages: Any) -> "Traffic":
        answer = {"messages": list(messages), "has_more": False}
        return self.call("GET", "/messages", answer, f"peer={peer}&limit=50&offset=0")
