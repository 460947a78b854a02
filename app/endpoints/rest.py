"""The REST stand-in: answers the chat UI's requests that read or change friends and messages, or read the status.
It takes the place of the real backend.

``RestApi`` creates the aiohttp application; ``http_server`` opens its port, usually 8080, and ``rest_handling``
does what belongs around each call, such as faults and the log.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web

from app.endpoints.http_server import HttpServer
from app.endpoints.page_reports import PageReports
from app.endpoints.rest_call import CALL, MAX_BODY_BYTES
from app.endpoints.rest_handling import Faults, RestHandling, json_response
from app.hub.hub import Hub
from app.hub.outgoing import Effect
from app.hub.rest_log import RestLog
from app.protocol.backend import DEFAULT_LIMIT, MAX_LIMIT, MessageData, Person, RestCaller
from app.protocol.errors import Malformed

MAX_OFFSET = 2**31


class Store(Protocol):
    """The reads of the chat state. Each method may raise ``RequestError`` and ``StorageError``."""

    async def friends(self) -> list[Person]:
        """Return the friends."""

    async def page(self, peer: str, limit: int, offset: int) -> tuple[list[MessageData], int]:
        """Return a page of a chat, and the number of all its messages."""


class PostedMessage(Protocol):
    """A message of the local user; see ``chat.service``."""

    @property
    def data(self) -> MessageData:
        """The message."""

    @property
    def effects(self) -> Sequence[Effect]:
        """The events that follow."""

    @property
    def accepted(self) -> bool:
        """Whether it was delivered, or written to the recipient's connection."""

    @property
    def note(self) -> str:
        """A sentence for the UI if it was not delivered."""


class Chat(Protocol):
    """The changes of the chat state. Each method may raise ``RequestError`` and ``StorageError``."""

    @property
    def store(self) -> Store:
        """The stored state."""

    @property
    def local_user(self) -> str:
        """The user of the chat UI: requests are made in this name."""

    async def status(self) -> dict[str, Any]:
        """Return the answer of ``GET /status``."""

    async def add_friend(self, username: str) -> Person:
        """Make a persona a friend."""

    async def remove_friend(self, username: str) -> Person:
        """End a friendship."""

    async def post_message(self, to: str, text: str, caller: RestCaller, more: Mapping[str, Any]) -> PostedMessage:
        """Store a message of the local user; return it and the events to send. ``more`` are other posted fields."""

    async def delete_message(self, msg_id: str) -> object:
        """Delete a message."""


class RestApi:
    """Handles the requests of the chat UI."""

    def __init__(
        self,
        chat: Chat,
        hub: Hub,
        rest_log: RestLog,
        server: HttpServer,
        friends_requested: Callable[[str], None],
        page_reports: PageReports,
        faults: Faults,
    ) -> None:
        """``friends_requested`` is called with the Origin header of each ``GET /friends`` that a page can use."""
        self._chat = chat
        self._hub = hub
        self._friends_requested = friends_requested
        self._handling = RestHandling(hub, rest_log, server, page_reports, faults, lambda: chat.local_user)

    def application(self) -> web.Application:
        """Return the aiohttp application of the REST API."""
        app = web.Application(middlewares=[self._handling.middleware], client_max_size=MAX_BODY_BYTES)
        app.on_shutdown.append(self._stopping)
        app.add_routes(
            [
                web.get("/status", self._status, allow_head=False),
                web.get("/friends", self._friends, allow_head=False),
                web.post("/friends", self._add_friend),
                web.delete("/friends/{username}", self._remove_friend),
                web.get("/messages", self._messages, allow_head=False),
                web.post("/messages", self._send),
                web.delete("/messages/{msg_id}", self._delete_message),
            ]
        )
        return app

    async def _stopping(self, _: web.Application) -> None:
        self._hub.rest_stopping.emit(None)

    async def _status(self, _: web.Request) -> web.Response:
        return json_response(await self._chat.status())

    async def _friends(self, request: web.Request) -> web.Response:
        friends = [each.friend() for each in await self._chat.store.friends()]
        if request[CALL].usable:
            self._friends_requested(request.headers.get("Origin", ""))
        return json_response(friends)

    async def _add_friend(self, request: web.Request) -> web.Response:
        username = _text(await request[CALL].json(), "username").strip()
        if not username:
            raise Malformed("The user name is empty.")
        return json_response((await self._chat.add_friend(username)).friend(), HTTPStatus.CREATED)

    async def _remove_friend(self, request: web.Request) -> web.Response:
        await self._chat.remove_friend(request.match_info["username"])
        return web.Response(status=HTTPStatus.NO_CONTENT)

    async def _messages(self, request: web.Request) -> web.Response:
        peer = request.query.get("peer", "")
        if not peer:
            raise Malformed("The query parameter peer is missing. Use ?peer=NAME.")
        limit = min(_number(request, "limit", DEFAULT_LIMIT), MAX_LIMIT)
        offset = min(_number(request, "offset", 0), MAX_OFFSET)
        messages, total = await self._chat.store.page(peer, limit, offset)
        return json_response({"messages": messages, "total": total, "has_more": offset + len(messages) < total})

    async def _send(self, request: web.Request) -> web.Response:
        body = await request[CALL].json()
        to, text = _text(body, "to"), _text(body, "text")
        caller = RestCaller(request.headers.get("Origin", ""), request.headers.get("User-Agent", ""))
        more = {name: value for name, value in body.items() if name not in ("to", "text")}
        posted = await self._chat.post_message(to, text, caller, more)
        data, request[CALL].effects = posted.data, posted.effects
        answer = {name: data[name] for name in ("msg_id", "delivered", "delivery_method", "timestamp")}
        answer["method"] = data["delivery_method"]  # the name in an older contract
        if data["delivered"]:
            return json_response(answer)
        status = HTTPStatus.OK if posted.accepted else HTTPStatus.ACCEPTED
        return json_response({**answer, "note": posted.note}, status)

    async def _delete_message(self, request: web.Request) -> web.Response:
        await self._chat.delete_message(request.match_info["msg_id"])
        return web.Response(status=HTTPStatus.NO_CONTENT)


def _text(body: dict[str, Any], name: str) -> str:
    value = body.get(name)
    if value is None:
        raise Malformed(f"The field {name!r} is missing.")
    if not isinstance(value, str):
        raise Malformed(f"The field {name!r} must be text.")
    return value


def _number(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, "")
    if not text:
        return default
    least = int(name == "limit")
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) < least:
        raise Malformed(f"{name} must be a whole number of at least {least}, not {text[:40]}.")
    return int(text)
