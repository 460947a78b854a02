"""Export a recording as a HAR file: one entry per connection, with its messages, and one per REST call.

The messages are in ``_webSocketMessages``, with the fields that Chrome writes. The ``time`` of a connection's entry
is its duration in milliseconds, or 0 if it had not ended. Left out are frames that no client received, events of
the server other than connects and disconnects, and steps that are not recorded traffic.
"""

from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl, quote

import msgspec

from app.exports.conversion import Exported, ending_text, text_or_json, unreceived_note
from app.exports.json_lines import started_at
from app.protocol.constants import WS_URL
from app.protocol.session.actions import Received, RestCall, Sent, ServerEvent
from app.protocol.session.steps import Session
from app.protocol.templates import iso
from app.protocol.times import seconds_of

REST_URL = "http://127.0.0.1:8080"
_NO_SIZE = {"headersSize": -1, "bodySize": -1}


def export_har(session: Session) -> Exported:
    """Return the text of the HAR file, and notes about frames that are not in it."""
    har = _Har(started_at(session))
    for step in session.steps:
        har.add(step.action)
    entries = sorted((*har.connections.values(), *har.calls), key=lambda each: str(each["startedDateTime"]))
    creator = {"name": "P2P Chat Companion", "version": session.header.companion}
    log = {"version": "1.2", "creator": creator, "pages": [], "entries": entries, "comment": session.header.title}
    text = msgspec.json.format(msgspec.json.encode({"log": log}), indent=1).decode() + "\n"
    return Exported(text, har.notes())


class _Har:
    """Collects the entries of a recording."""

    def __init__(self, started: float) -> None:
        self._now = started
        self._started: dict[str, float] = {}
        """When the connections began, as their entries say, by the client's number."""
        self.connections: dict[str, dict[str, Any]] = {}
        self.calls: list[dict[str, Any]] = []
        self._without_client = 0

    def add(self, action: Any) -> None:
        """Add a step of the recording."""
        self._now += action.after
        match action:
            case Sent():
                for client in action.recipients:
                    self._message(str(client), "receive", action)
                self._without_client += not action.recipients
            case Received():
                self._message(str(action.client), "send", action)
            case RestCall():
                self.calls.append(self._call(action))
            case ServerEvent(server="connected"):
                self._connect(str(action.client), action.user, _headers(action))
            case ServerEvent(server="disconnected") if entry := self.connections.get(str(action.client)):
                entry["comment"] = ending_text(action.code, by_client=action.by_client)
                duration = max(round((self._now - self._started[str(action.client)]) * 1000, 3), 0.001)
                entry["time"] = entry["timings"]["receive"] = duration

    def notes(self) -> tuple[str, ...]:
        """Return sentences about what is left out."""
        count = self._without_client
        return (unreceived_note(count),) if count else ()

    def _message(self, client: str, kind: str, action: Sent | Received) -> None:
        if client not in self.connections:  # it was connected before the recording began
            self._connect(client, action.user, [])
        text = {"opcode": 2, "data": action.base64} if action.base64 else {"opcode": 1, "data": action.payload}
        message = {"type": kind, "time": round(self._now, 6), **text}
        self.connections[client]["_webSocketMessages"].append(message)

    def _connect(self, client: str, user: str, headers: list[dict[str, str]]) -> None:
        entry = self.connections[client] = self._connection(user, headers)
        self._started[client] = seconds_of(datetime.fromisoformat(entry["startedDateTime"]))

    def _connection(self, user: str, headers: list[dict[str, str]]) -> dict[str, Any]:
        query = [{"name": "username", "value": user}] if user else []
        url = f"{WS_URL}?username={quote(user)}" if user else WS_URL
        entry = self._entry("GET", url, query, headers)
        entry["response"] |= {"status": 101, "statusText": "Switching Protocols"}
        return {**entry, "_resourceType": "websocket", "_webSocketMessages": []}

    def _call(self, action: RestCall) -> dict[str, Any]:
        method, _, path = action.rest.partition(" ")
        query = [{"name": name, "value": value} for name, value in parse_qsl(action.query, keep_blank_values=True)]
        url = f"{REST_URL}{quote(path)}{'?' if action.query else ''}{action.query}"
        entry = self._entry(method, url, query, _headers(action), action.took)
        if action.request is not None:
            mime = _mime(action.request)
            entry["request"]["postData"] = {"mimeType": mime, "params": [], "text": text_or_json(action.request)}
        text = text_or_json(action.response)
        content = {"size": len(text.encode()), "mimeType": _mime(action.response), "text": text}
        entry["response"] |= {"status": action.status, "content": content}
        return {**entry, "_resourceType": "fetch"}

    def _entry(
        self, method: str, url: str, query: list[dict[str, str]], headers: list[dict[str, str]], took: float = 0.0
    ) -> dict[str, Any]:
        shared: dict[str, Any] = {"httpVersion": "HTTP/1.1", "cookies": [], **_NO_SIZE}
        milliseconds = round(took * 1000, 3)
        return {
            "startedDateTime": iso(self._now - took),
            "time": milliseconds,
            "request": {"method": method, "url": url, "headers": headers, "queryString": query, **shared},
            "response": {
                "status": 0, "statusText": "", "headers": [], "redirectURL": "",
                "content": {"size": 0, "mimeType": "x-unknown"}, **shared,
            },
            "cache": {},
            "timings": {"send": 0, "wait": milliseconds, "receive": 0},
        }  # fmt: skip


def _headers(action: ServerEvent | RestCall) -> list[dict[str, str]]:
    found = {"Origin": action.page, "User-Agent": action.agent}
    return [{"name": name, "value": value} for name, value in found.items() if value]


def _mime(body: Any) -> str:
    if body is None:
        return "x-unknown"
    return "text/plain" if isinstance(body, str) else "application/json"
