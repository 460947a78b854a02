"""The REST stand-in: answers the chat UI's requests that read or change friends and messages, or read the status.
It takes the place of the real backend.

``RestApi`` creates the aiohttp application; ``http_server`` opens its port, usually 8080. A request passes the
access check, armed faults, interceptors and its handler, and is logged: a successful GET only if the setting is on.
A fault may answer it before the interceptors, or cut the connection; the call is logged all the same.
Preflights, ``GET /health`` and the pages' reports of their stores pass only the access check and are not logged,
except preflights for an unsupported method.
"""

import asyncio
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from app.endpoints.body import as_json, read_bytes
from app.endpoints.errors import status_of
from app.endpoints.http_server import BODY_TIMEOUT_S, HttpServer
from app.endpoints.page_reports import PATH as PAGE_REPORTS
from app.endpoints.page_reports import PageReports
from app.hub.causes import ConnectionDropped, Dropped, RestCall
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.outgoing import Effect
from app.hub.rest_exchange import RestExchange
from app.hub.rest_log import Call, RestLog
from app.protocol.backend import DEFAULT_LIMIT, MAX_LIMIT, MessageData, Person, RestCaller
from app.protocol.errors import Malformed, RequestError, StorageError
from app.protocol.faults.rest import RestDecision, RestFault

log = logging.getLogger(__name__)

MAX_BODY_BYTES = 256 * 1024
"""Room for 10,000 characters, each escaped as a surrogate pair."""
METHODS = "GET, POST, DELETE, OPTIONS"
PREFLIGHT = {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "600",
}
MAX_OFFSET = 2**31
MAX_HANG_S = 600.0
LAST_PACKET_S = 0.1
"""How long a call is not cut to log its body, which browsers send in another packet than the headers."""
ARMED_CHECK_S = 0.2
"""How often a call that waits checks whether its fault was cleared."""
EFFECTS = web.RequestKey("effects", Sequence[Effect])
"""Events that follow from a request; they are sent after the request is journalled."""
BODY = web.RequestKey("body", bytes)
"""The body as received, or as changed by the interceptors."""
CAUSE = web.RequestKey("cause", RestCall)
"""The request after it has passed the interceptors, if there are any."""
ROW = web.RequestKey("row", int)
"""The number of the log's row, or 0 if it has none. Missing after the call was reported to the observers."""
FAILED = web.RequestKey("failed", bool)
"""Present if the UI receives no response, or one that its page cannot read."""


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


class Faults(Protocol):
    """The faults of REST calls; see ``interceptors.rest_faults``."""

    def __bool__(self) -> bool:
        """Whether any is armed."""

    def decide(self, method: str, path: str) -> RestDecision | None:
        """Return what happens to a call, or None if it is answered normally."""

    def is_armed(self, fault: RestFault) -> bool:
        """Return whether a fault is still armed."""

    def delayed(self, fault: RestFault) -> AbstractContextManager[Callable[[], bool]]:
        """Yield a function that returns whether a call must still wait. Leave the context when it need not."""

    def unanswered(self) -> AbstractContextManager[None]:
        """Enter the context before a call is delayed, and leave it when the call is answered."""


class RestApi:
    """Handles the requests of the chat UI, and journals them."""

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
        """``friends_requested`` is called with the Origin header of each ``GET /friends``."""
        self._chat = chat
        self._hub = hub
        self._rest_log = rest_log
        self._server = server
        self._friends_requested = friends_requested
        self._page_reports = page_reports
        self._faults = faults

    def application(self) -> web.Application:
        """Return the aiohttp application of the REST API."""
        app = web.Application(middlewares=[self._middleware], client_max_size=MAX_BODY_BYTES)
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

    # around every request: access, CORS, interceptors, errors, journal

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        origin = request.headers.get("Origin")
        if rejection := self._server.check(request):
            response: web.StreamResponse = _error(rejection.status, rejection.reason)
            response.headers["Vary"] = "Origin"
            response.force_close()
            return response
        if answer := self._server.health(request):
            return _readable_by(origin, answer)
        self._server.admit(request)
        if request.method == "OPTIONS":
            response = web.Response(status=HTTPStatus.NO_CONTENT, headers=PREFLIGHT)
            self._log_rejected_method(request)
        elif request.path == PAGE_REPORTS:  # not a call of the UI to its backend: neither logged nor intercepted
            response = await self._page_reports.handle(request)
        else:
            started = self._hub.clock.mono()
            decision = self._faults.decide(request.method, request.path) if self._faults else None
            if decision:
                response = await self._handle_with_fault(request, handler, decision, started)
            else:
                response = await self._handle(request, handler)
            await self._report(request, response, started)  # first: recorders need it with the row
            if (cause := request.get(CAUSE)) and cause.then:
                await cause.then()
            if decision and decision.fault.no_cors:
                origin = None
        return _readable_by(origin, response)

    async def _handle(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if self._hub.interceptors:
                await self._intercept(request)
            response = await handler(request)
            note, verdict = f"{response.status}", Verdict.OK
        except Dropped as dropped:
            reason = f"The request was dropped: {dropped}."
            response, note, verdict = _error(HTTPStatus.SERVICE_UNAVAILABLE, reason), reason, Verdict.WARNING
            if isinstance(dropped, ConnectionDropped):
                _cut(request)
        except RequestError as error:
            response, note, verdict = _error(status_of(error), error.reason), error.reason, Verdict.INVALID
        except TimeoutError:
            reason = f"The body did not arrive within {BODY_TIMEOUT_S:g} s."
            response, note, verdict = _error(HTTPStatus.REQUEST_TIMEOUT, reason), reason, Verdict.INVALID
        except StorageError as error:
            reason = f"The chat state could not be used: {error}."
            response, note, verdict = _error(HTTPStatus.INTERNAL_SERVER_ERROR, reason), reason, Verdict.WARNING
        except web.HTTPException as error:
            reason = _REASONS.get(error.status, error.reason).format(request=request)
            response, note, verdict = _error(HTTPStatus(error.status), reason), reason, Verdict.INVALID
            if "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        except Exception:
            log.exception("a request failed")
            reason = "The companion failed on this request; see its log files."
            response, note, verdict = _error(HTTPStatus.INTERNAL_SERVER_ERROR, reason), reason, Verdict.WARNING
        if FAILED in request and verdict is Verdict.OK:
            note, verdict = f"{note}: no CORS header", Verdict.WARNING
        request[ROW] = self._log(request, note, verdict, await _payload_of(request))
        self._hub.carry_out(request.get(EFFECTS, ()))  # after the log: the cause has the lower number
        return response

    async def _handle_with_fault(
        self, request: web.Request, handler: Handler, decision: RestDecision, started: float
    ) -> web.StreamResponse:
        fault = decision.fault
        note = f"{request.method} {request.path}: {decision.reason}"
        self._hub.log_server_event("fault", note=note.encode(errors="replace").decode())
        if fault.hang and not fault.offline:
            return await self._hang(request, decision, started)
        if not decision.delay_s:
            return await self._answer_with_fault(request, handler, decision)
        with self._faults.unanswered():
            with self._faults.delayed(fault) as must_wait:
                await self._wait_while(must_wait, decision.delay_s)
            return await self._answer_with_fault(request, handler, decision)

    async def _answer_with_fault(
        self, request: web.Request, handler: Handler, decision: RestDecision
    ) -> web.StreamResponse:
        fault = decision.fault
        if fault.offline:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_PACKET_S):
                    await _body_of(request)
            response = _cut(request)
            request[ROW] = self._log(request, decision.reason, Verdict.WARNING, await _payload_of(request))
            return response
        if fault.no_cors and "Origin" in request.headers:
            request[FAILED] = True
        if fault.status:
            response = web.Response(status=fault.status, text=fault.body, content_type="application/json")
            if not fault.body:
                reason = f"The companion answers with {fault.status} on purpose: {decision.reason}."
                response = _json({"error": reason}, HTTPStatus.OK)
                response.set_status(fault.status)
            payload = await _payload_of(request)
            request[ROW] = self._log(request, f"{fault.status}: fault", Verdict.WARNING, payload)
            return response
        answer = await self._handle(request, handler)
        if fault.wrong_json and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            answer.body = answer.body[: len(answer.body) // 2]
        return answer

    async def _hang(self, request: web.Request, decision: RestDecision, started: float) -> web.Response:
        """Log and report a call at once, and cut the connection when the fault is cleared."""
        request[ROW] = self._log(request, decision.reason, Verdict.WARNING, await _payload_of(request))
        request[FAILED] = True
        if (request.method, request.path) == ("GET", "/status"):
            request[ROW] = 0  # until it fails, it changes nothing in the UI; it is reported then, without its row
        else:
            await self._report(request, web.Response(), started)
        fault = decision.fault
        await self._wait_while(lambda: self._faults.is_armed(fault) and request.transport is not None, MAX_HANG_S)
        return _cut(request)

    async def _wait_while(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait for some seconds, or until a condition is no longer true."""
        clock = self._hub.clock
        ends = clock.mono() + seconds
        while condition() and (left := ends - clock.mono()) > 0:
            await clock.sleep(min(left, ARMED_CHECK_S))

    async def _intercept(self, request: web.Request) -> None:
        cause = RestCall(
            method=request.method,
            path=request.path,
            query=request.query_string,
            body=await _read(request),
            origin=request.headers.get("Origin", ""),
            user_agent=request.headers.get("User-Agent", ""),
            is_connected=lambda: request.transport is not None,
        )
        request[CAUSE] = cause = await self._hub.interceptors.apply_and_wait(cause)
        request[BODY] = cause.body

    async def _report(self, request: web.Request, response: web.StreamResponse, started: float) -> None:
        """Report a call to the observers, once, as a page gets it. A failed one has the status 0."""
        row = request.pop(ROW, None)
        if row is None or not self._hub.rest_exchanges:
            return
        status, body = response.status, response.body if isinstance(response, web.Response) else b""
        if FAILED in request:
            status, body = 0, b""
        elif status in NO_BODY:
            body = b""
        exchange = RestExchange(
            request.method, request.path, request.query_string, await _body_of(request), status,
            bytes(body) if isinstance(body, bytes | bytearray) else b"", request.headers.get("Origin", ""),
            request.headers.get("User-Agent", ""), started, self._hub.clock.mono(), row,
        )  # fmt: skip
        self._hub.rest_exchanges.emit(exchange)

    def _log(self, request: web.Request, note: str, verdict: Verdict, payload: bytes = b"") -> int:
        name = f"{request.method} {request.path}"[:80]
        return self._rest_log.add(Call(name, payload, note, verdict, self._chat.local_user))

    def _log_rejected_method(self, request: web.Request) -> None:
        """Log a preflight for an unsupported method, because the browser does not send the request itself."""
        wanted = request.headers.get("Access-Control-Request-Method", "")
        if wanted and wanted not in METHODS.split(", "):
            note = f"A page asks for the method {wanted[:20]}, but only {METHODS} are supported."
            self._log(request, note.encode(errors="replace").decode(), Verdict.INVALID)

    # the endpoints

    async def _status(self, _: web.Request) -> web.Response:
        return _json(await self._chat.status())

    async def _friends(self, request: web.Request) -> web.Response:
        friends = [each.friend() for each in await self._chat.store.friends()]
        self._friends_requested(request.headers.get("Origin", ""))
        return _json(friends)

    async def _add_friend(self, request: web.Request) -> web.Response:
        username = _text(await _body(request), "username").strip()
        if not username:
            raise Malformed("The user name is empty.")
        return _json((await self._chat.add_friend(username)).friend(), HTTPStatus.CREATED)

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
        return _json({"messages": messages, "total": total, "has_more": offset + len(messages) < total})

    async def _send(self, request: web.Request) -> web.Response:
        body = await _body(request)
        to, text = _text(body, "to"), _text(body, "text")
        caller = RestCaller(request.headers.get("Origin", ""), request.headers.get("User-Agent", ""))
        more = {name: value for name, value in body.items() if name not in ("to", "text")}
        posted = await self._chat.post_message(to, text, caller, more)
        data, request[EFFECTS] = posted.data, posted.effects
        answer = {name: data[name] for name in ("msg_id", "delivered", "delivery_method", "timestamp")}
        answer["method"] = data["delivery_method"]  # the name in an older contract
        if data["delivered"]:
            return _json(answer)
        status = HTTPStatus.OK if posted.accepted else HTTPStatus.ACCEPTED
        return _json({**answer, "note": posted.note}, status)

    async def _delete_message(self, request: web.Request) -> web.Response:
        await self._chat.delete_message(request.match_info["msg_id"])
        return web.Response(status=HTTPStatus.NO_CONTENT)


NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED)
"""A page gets no body with these statuses, which a fault may use. With most of them, none is sent."""
_REASONS = {
    404: "The path {request.path} does not exist.",
    405: "{request.path} does not support {request.method}.",
}


def _readable_by(origin: str | None, response: web.StreamResponse) -> web.StreamResponse:
    """Add the headers that let a page of an allowed origin read a response."""
    response.headers["Vary"] = "Origin"
    if origin:
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


def _json(value: Any, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    return web.Response(
        status=status,
        body=json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"),
        content_type="application/json",
    )


def _cut(request: web.Request) -> web.Response:
    """Cut the connection of a request, and return a response that is not sent."""
    request[FAILED] = True
    if request.transport:
        request.transport.abort()
    return web.Response()


def _error(status: HTTPStatus, reason: str) -> web.Response:
    return _json({"error": reason}, status)


async def _read(request: web.Request) -> bytes:
    """Return the body. It is read once and kept, because the log needs it after the handler.

    A body that cannot be read raises the error once, and is empty after that.
    """
    if BODY not in request:
        request[BODY] = b""
        request[BODY] = await read_bytes(request, MAX_BODY_BYTES)
    return request[BODY]


async def _body_of(request: web.Request) -> bytes:
    """Return the body; empty if it cannot be read."""
    try:
        return await _read(request)
    except (RequestError, OSError):
        return b""


async def _payload_of(request: web.Request) -> bytes:
    """Return the payload of the row of a call: the query of a GET request, the body of any other."""
    return _query(request) if request.method == "GET" else await _body_of(request)


def _query(request: web.Request) -> bytes:
    """Return the query as a JSON object, with numbers for a valid limit and offset; empty if there is no query."""
    values: dict[str, str | int] = dict(request.query)
    for name in ("limit", "offset"):
        text = str(values.get(name, ""))
        if text.isascii() and text.isdigit() and len(text) <= 18:
            values[name] = int(text)
    return json.dumps(values, ensure_ascii=False).encode(errors="replace") if values else b""


async def _body(request: web.Request) -> dict[str, Any]:
    value = await as_json(await _read(request))
    if not isinstance(value, dict):
        raise Malformed("The body must be a JSON object.")
    return value


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
