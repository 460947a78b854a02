"""Put a text into every untrusted input of a companion: frames, requests, headers and files."""

import http.client
import json
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode
from uuid import UUID

import msgspec
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from app.protocol.catalog import built_in
from app.protocol.contract import Direction
from app.system.settings import Settings
from tests.e2e import sockets
from tests.gates.gate import Server

ORIGIN = "http://localhost:1420"
NO_CONTROLS = dict.fromkeys([*range(0x20), 0x7F])
"""Characters that HTTP forbids in a header. A request with them is rejected before the header is used."""
LINE_ENDS = dict.fromkeys(b"\0\r\n")
NOT_IN_FILE_NAMES = re.compile(r"[/\x00]")
WAITS = ("wait", "within")
Json = Any
BASES: dict[str, dict[str, Json]] = {
    "POST /v1/trigger": {"event": "new_message"},
    "PUT /v1/fixtures/{name}": {"event": "typing", "data": {"username": "alice", "typing": True}},
    "POST /v1/expectations": {"event": "typing"},
    "POST /v1/events": {"event": "typing", "data": {"username": "alice", "typing": True}},
}
"""Valid bodies to which one property is added at a time, because some properties exclude each other."""
SKIPPED_PATHS = ("/v1/quit", "/v1/journal/stream", "/v1/server/stop", "/v1/start-at-login")
"""Operations without a text, and those that end the companion, stop its server or change the system."""


def write_files(data_dir: Path, text: str) -> None:
    """Write the text to the settings file and the fixtures folder, before the companion starts."""
    data_dir.mkdir(parents=True, exist_ok=True)
    defaults = msgspec.structs.asdict(Settings())
    # The fixtures folder is filled below.
    given: dict[str, object] = {
        name: text for name, value in defaults.items() if isinstance(value, str) and name != "fixtures"
    }
    given |= {"allowed_origins": [ORIGIN, text], "pinned": ["canary", text], text: text}
    lines = [f"{json.dumps(name)} = {json.dumps(value)}\n" for name, value in given.items()]
    (data_dir / "settings.toml").write_text("".join(lines), encoding="utf-8", errors="replace")
    folder = data_dir / "fixtures"
    folder.mkdir(exist_ok=True)
    name = NOT_IN_FILE_NAMES.sub("", text)[:60]
    event = {"event": "new_message", "data": {**sample("new_message"), "text": text, "extra": text}}
    files: dict[str, Any] = {
        "canary": {"title": text, "must": text, **event},
        "canary-raw": {"title": text, "must": text, "raw": text},
        "canary-unknown": {"title": text, "event": text, "data": {text: text}},
        "canary-field": {"title": 1, text: text},
        name: {"title": text, **event},
    }
    for each, content in files.items():
        with suppress(OSError):  # a name that this system does not allow
            (folder / f"{each}.json").write_text(json.dumps(content), encoding="utf-8")
    (folder / "canary-broken.json").write_text("{" + text, encoding="utf-8", errors="replace")


def sample(event: str, direction: Direction = Direction.TO_UI) -> dict[str, Any]:
    """Return the sample data of an event."""
    known = built_in().get(direction, event)
    assert known
    return dict(known.sample)


def texts_in(value: Json, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Yield the path of every text in a JSON value."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict):
        for name, each in value.items():
            yield from texts_in(each, (*path, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            yield from texts_in(each, (*path, number))


def changed(value: Json, path: tuple[str | int, ...], text: str) -> Json:
    """Return a copy of a JSON value with ``text`` at ``path``."""
    if not path:
        return text
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = changed(copy[path[0]], path[1:], text)
    return copy


def filled(value: Json, text: str) -> Json:
    """Return a copy of a JSON value with every text replaced."""
    for path in texts_in(value):
        value = changed(value, path, text)
    return value


def full_sample(schema: Json, defs: Json) -> Json:
    """Return a valid value of a JSON schema with every property, including optional ones."""
    if "$ref" in schema:
        return full_sample(defs[schema["$ref"].rsplit("/", 1)[-1]], defs)
    for several in ("anyOf", "oneOf"):
        if several in schema:
            return full_sample(schema[several][0], defs)
    if schema.get("examples"):
        return schema["examples"][0]
    if "const" in schema or "enum" in schema:
        return schema.get("const", next(iter(schema.get("enum", [None]))))
    match schema.get("type"):
        case "object":
            return {name: full_sample(each, defs) for name, each in schema.get("properties", {}).items()} or {
                "a": "b"
            }
        case "array":
            return [full_sample(schema.get("items", {}), defs)]
        case "integer" | "number":
            return max(1, schema.get("minimum", 0))
        case "boolean":
            return False
    return "text"


def variants(value: Json, text: str) -> Iterator[Json]:
    """Yield a value with each of its texts replaced, with all of them replaced, and with an unknown property."""
    for path in texts_in(value):
        yield changed(value, path, text)
    yield filled(value, text)
    if isinstance(value, dict):
        yield {**value, text: text}


class Outsider:
    """Fills every untrusted input of a running companion with ``text``. ``short`` is for names."""

    def __init__(self, server: Server, text: str, short: str) -> None:
        self._server = server
        self._text = text
        self._short = short
        self.requests = 0

    def fill(self) -> None:
        """Fill every input once."""
        self._load_state()
        self._events()
        self._openapi()
        self._disarm()
        self._rest()
        self._headers()

    def call(self, method: str, path: str, body: bytes | None = None, kind: str = "", port: int = 0) -> bytes:
        """Send an HTTP request, and return the body of the response, whatever its status."""
        connection = http.client.HTTPConnection("127.0.0.1", port or self._server.control_port, timeout=20)
        agent = self._text.translate(NO_CONTROLS).encode()
        headers: dict[str, str | bytes] = {"Authorization": f"Bearer {self._server.token}", "User-Agent": agent}
        if kind:
            headers["Content-Type"] = kind
        try:
            connection.request(method, path, body, headers)
            self.requests += 1
            return connection.getresponse().read()
        finally:
            connection.close()

    def _json(self, method: str, path: str, value: Json, port: int = 0) -> None:
        self.call(method, path, json.dumps(value).encode(), "application/json", port)

    def _load_state(self) -> None:
        """Load a chat state with the text in every name and text."""
        state = json.loads(self.call("GET", "/v1/state"))
        person, message = state["people"][0], state["messages"][0]
        friend = {**person, "username": self._short, "is_friend": True}
        names = {key: self._short if value == person["username"] else value for key, value in message.items()}
        written = {**names, "msg_id": str(UUID(int=1, version=4)), "text": self._text}
        self._json(
            "PUT",
            "/v1/state",
            {**state, "people": [*state["people"], friend], "messages": [*state["messages"], written]},
        )
        for broken in variants(person, self._text):
            self._json("PUT", "/v1/state", {**state, "people": [*state["people"], broken]})

    def _events(self) -> None:
        """Send each event of the catalog, with the text in each field, in its direction."""
        for kind in built_in():
            data = full_sample(kind.schema, kind.schema.get("$defs", {}))
            frames = [
                {"event": kind.name, "data": each}
                for text in (self._text, self._short)
                for each in variants(data, text)
            ]
            if kind.direction is Direction.FROM_UI:
                self._send([json.dumps(frame) for frame in frames])
                continue
            for frame in frames:
                self._json("POST", "/v1/events", frame)
                self._json("POST", "/v1/events?strict=false", frame)
        odd = [json.dumps({"event": self._text, "data": {self._text: self._text}}), self._text, "{" + self._text]
        self._send(odd)
        for text in odd:
            self.call("POST", "/v1/frames", text.encode(errors="replace"), "text/plain")

    def _send(self, frames: list[str]) -> None:
        url = f"{self._server.url}?username={quote(self._short)}"
        with suppress(WebSocketException, OSError), connect(url, proxy=None, compression=None) as client:
            for frame in frames:
                client.send(frame.encode(errors="replace"), text=True)
            client.close(4000, self._short)

    def _openapi(self) -> None:
        """Fill every parameter and property of every request in the OpenAPI document."""
        document = json.loads(self.call("GET", "/v1/openapi.json"))
        defs = document["components"]["schemas"]
        for path, methods in document["paths"].items():
            if path in SKIPPED_PATHS:
                continue
            for method, operation in methods.items():
                self._operation(method.upper(), path, operation, defs)

    def _disarm(self) -> None:
        """Remove what would hold, refuse or delay the requests that follow."""
        self.call("DELETE", "/v1/breakpoints")
        self._json("POST", "/v1/breakpoints/held/all", {"action": "continue"})
        self.call("DELETE", "/v1/faults")
        self.call("POST", "/v1/server/accept")

    def _operation(self, method: str, path: str, operation: Json, defs: Json) -> None:
        in_path = {each["name"]: "1" for each in operation.get("parameters", ()) if each["in"] == "path"}
        for name in in_path:
            self._json(method, path.format(**{**in_path, name: quote(self._text, safe="", errors="replace")}), {})
        plain = path.format(**dict.fromkeys(in_path, "canary-api") if "name" in in_path else in_path)
        for each in operation.get("parameters", ()):
            if each["in"] == "query":
                query = urlencode({each["name"]: self._text}, errors="replace")
                self.call(method, f"{plain}?{query}")
        body = operation.get("requestBody")
        if not body or "application/json" not in body["content"]:
            return
        value = full_sample(body["content"]["application/json"]["schema"], defs)
        basis = BASES.get(f"{method} {path}", {})
        bodies: list[Json] = []
        for text in (self._text, self._short):
            bodies += variants(value, text)
            bodies += [{**basis, name: filled(each, text)} for name, each in value.items()]
        if (
            path == "/v1/settings"
        ):  # only one text at a time, because valid ports and switches would move the servers
            texts = {name: each for name, each in value.items() if name != "fixtures" and list(texts_in(each))}
            bodies = [{name: filled(each, self._text)} for name, each in texts.items()]
        for each in bodies:
            self._json(method, plain, {**each, **{name: 0 for name in WAITS if name in each}})

    def _rest(self) -> None:
        """Fill every field of the REST stand-in's requests."""
        port = self._server.program.rest_port
        name, friend = quote(self._text, safe="", errors="replace"), quote(self._short, safe="")
        for text in (self._text, self._short):
            for value in variants({"to": "alice", "text": "hi"}, text):
                self._json("POST", "/messages", value, port)
            for value in variants({"username": "alice"}, text):
                self._json("POST", "/friends", value, port)
        for method, path in (
            ("GET", f"/messages?peer={name}"), ("GET", f"/messages?peer={friend}&limit={name}"),
            ("DELETE", f"/friends/{name}"), ("DELETE", f"/messages/{name}"),
            ("GET", f"/{name}"), ("GET", f"/?{name}"),
        ):  # fmt: skip
            self.call(method, path, port=port)

    def _headers(self) -> None:
        """Connect with the text in headers and names. Some of the connections are rejected."""
        text = self._text.translate(NO_CONTROLS)
        for path, *headers in (
            (f"/events?username={quote(self._text, errors='replace')}", f"User-Agent: {text}"),
            ("/events", f"Origin: {text}", f"User-Agent: {text}"),
            ("/events", f"Origin: http://{text}", f"User-Agent: {text}"),
            ("/events", f"User-Agent: {self._short.translate(LINE_ENDS)}"),
            (f"/{quote(self._text, errors='replace')}",),
        ):
            for port in (self._server.port, self._server.program.rest_port, self._server.control_port):
                with suppress(OSError, AssertionError), sockets.raw(port) as connection:
                    sockets.handshake(connection, path, *headers)

    @contextmanager
    def stay(self) -> Iterator[None]:
        """Keep a client connected, if possible with the text as its name and user agent. It answers pings."""
        text = self._text.translate(NO_CONTROLS)
        named, plain = quote(self._short), "plain"
        with ExitStack() as stack:
            for username, agent in ((named, text), (plain, text), (plain, plain)):
                url = f"{self._server.url}?username={username}"
                with suppress(WebSocketException, OSError):
                    stack.enter_context(
                        connect(url, proxy=None, compression=None, user_agent_header=agent, max_queue=None)
                    )
                    break
            else:
                raise AssertionError("the server accepted no client")
            yield
