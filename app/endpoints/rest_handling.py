"""Handle each call of the REST stand-in, which ``rest`` answers: the access check, armed faults, interceptors,
errors, the log, and the report to observers.

A request passes these in this order, and is logged: a successful GET only if the setting is on. A fault may answer
it before the interceptors, or cut the connection; the call is logged all the same. Preflights, ``GET /health`` and
the pages' reports of their stores pass only the access check and are not logged, except preflights for an
unsupported method.
"""

import asyncio
import json
import logging
import math
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from http import HTTPStatus
from typing import Any, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from app.endpoints.errors import status_of
from app.endpoints.http_server import BODY_TIMEOUT_S, HttpServer
from app.endpoints.page_reports import PATH as PAGE_REPORTS
from app.endpoints.page_reports import PageReports
from app.endpoints.rest_call import CALL, HandledCall
from app.hub.causes import ConnectionDropped, Dropped, RestCall
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.rest_exchange import RestExchange
from app.hub.rest_log import Call, RestLog
from app.protocol.errors import RequestError, StorageError
from app.protocol.faults.rest import RestDecision, RestFault

log = logging.getLogger(__name__)

METHODS = "GET, POST, DELETE, OPTIONS"
PREFLIGHT = {
    "Access-Control-Allow-Methods": METHODS,
    "Access-Control-Allow-Headers": "Content-Type",
    "Access-Control-Max-Age": "600",
}
MAX_HANG_S = 600.0
LAST_PACKET_S = 0.1
"""Seconds to wait for the body of a call that is cut, to log it. Browsers send it in a packet after the headers."""
ARMED_CHECK_S = 0.2
"""Interval in seconds at which a call that waits checks whether its fault was cleared."""
_NO_BODY = (HTTPStatus.NO_CONTENT, HTTPStatus.RESET_CONTENT, HTTPStatus.NOT_MODIFIED)
"""A page gets no body with these statuses, which a fault may use. With most of them, none is sent."""
_REASONS = {
    404: "The path {request.path} does not exist.",
    405: "{request.path} does not support {request.method}.",
}
"""Reasons for the errors that aiohttp itself reports."""


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


class RestHandling:
    """Handles the requests of the chat UI by their handlers, and logs them."""

    def __init__(
        self,
        hub: Hub,
        rest_log: RestLog,
        server: HttpServer,
        page_reports: PageReports,
        faults: Faults,
        local_user: Callable[[], str],
    ) -> None:
        self._hub = hub
        self._rest_log = rest_log
        self._server = server
        self._page_reports = page_reports
        self._faults = faults
        self._local_user = local_user

    @web.middleware
    async def middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Check, handle and log a request, with the faults and interceptors that act on it."""
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
            call = request[CALL] = HandledCall(request)
            started = self._hub.clock.mono()
            if (request.method, request.path) == ("GET", "/messages"):
                self._hub.rest_begun.emit(_exchange(request, b"", 0, b"", started, math.inf, 0))
            decision = self._faults.decide(request.method, request.path) if self._faults else None
            if decision:
                response = await self._handle_with_fault(call, handler, decision, started)
            else:
                response = await self._handle(call, handler)
            await self._report(call, response, started)  # first: recorders need it with the row
            if call.cause and call.cause.then:
                await call.cause.then()
            if decision and decision.fault.no_cors:
                origin = None
        return _readable_by(origin, response)

    async def _handle(self, call: HandledCall, handler: Handler) -> web.StreamResponse:
        request = call.request
        try:
            if self._hub.interceptors:
                await self._intercept(call)
            response = await handler(request)
            note, verdict = f"{response.status}", Verdict.OK
        except Exception as error:
            status, note, verdict = _problem(error, request)
            response = _error(status, note)
            if isinstance(error, ConnectionDropped):
                _cut(call)
            if isinstance(error, web.HTTPException) and "Allow" in error.headers:
                response.headers["Allow"] = error.headers["Allow"]
        if call.failed and verdict is Verdict.OK:
            note, verdict = f"{note}: no CORS header", Verdict.WARNING
        call.row = self._log(request, note, verdict, await call.payload())
        self._hub.carry_out(call.effects)  # after the log: the cause has the lower number
        return response

    async def _handle_with_fault(
        self, call: HandledCall, handler: Handler, decision: RestDecision, started: float
    ) -> web.StreamResponse:
        fault, request = decision.fault, call.request
        note = f"{request.method} {request.path}: {decision.reason}"
        self._hub.log_server_event("fault", note=note.encode(errors="replace").decode())
        if fault.hang and not fault.offline:
            return await self._hang(call, decision, started)
        if not decision.delay_s:
            return await self._answer_with_fault(call, handler, decision)
        with self._faults.unanswered():
            with self._faults.delayed(fault) as must_wait:
                await self._wait_while(must_wait, decision.delay_s)
            return await self._answer_with_fault(call, handler, decision)

    async def _answer_with_fault(
        self, call: HandledCall, handler: Handler, decision: RestDecision
    ) -> web.StreamResponse:
        fault, request = decision.fault, call.request
        if fault.offline:
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_PACKET_S):
                    await call.body()
            response = _cut(call)
            call.row = self._log(request, decision.reason, Verdict.WARNING, await call.payload())
            return response
        if fault.no_cors and "Origin" in request.headers:
            call.failed = True
        call.usable = not (fault.no_cors or fault.wrong_json)
        if fault.status:
            response = web.Response(status=fault.status, text=fault.body, content_type="application/json")
            if not fault.body:
                reason = f"The companion answers with {fault.status} on purpose: {decision.reason}."
                response = json_response({"error": reason}, HTTPStatus.OK)
                response.set_status(fault.status)
            payload = await call.payload()
            call.row = self._log(request, f"{fault.status}: fault", Verdict.WARNING, payload)
            return response
        answer = await self._handle(call, handler)
        if fault.wrong_json and isinstance(answer, web.Response) and isinstance(answer.body, bytes):
            answer.body = answer.body[: len(answer.body) // 2]
        return answer

    async def _hang(self, call: HandledCall, decision: RestDecision, started: float) -> web.Response:
        """Log and report a call at once, and cut the connection when the fault is cleared."""
        request = call.request
        call.row = self._log(request, decision.reason, Verdict.WARNING, await call.payload())
        call.failed = True
        if (request.method, request.path) == ("GET", "/status"):
            call.row = 0  # until it fails, it changes nothing in the UI; it is reported then, without its row
        else:
            await self._report(call, web.Response(), started)
        fault = decision.fault
        await self._wait_while(lambda: self._faults.is_armed(fault) and request.transport is not None, MAX_HANG_S)
        return _cut(call)

    async def _wait_while(self, condition: Callable[[], bool], seconds: float) -> None:
        """Wait for some seconds, or until a condition is no longer true."""
        clock = self._hub.clock
        ends = clock.mono() + seconds
        while condition() and (left := ends - clock.mono()) > 0:
            await clock.sleep(min(left, ARMED_CHECK_S))

    async def _intercept(self, call: HandledCall) -> None:
        request = call.request
        cause = RestCall(
            method=request.method,
            path=request.path,
            query=request.query_string,
            body=await call.read(),
            origin=request.headers.get("Origin", ""),
            user_agent=request.headers.get("User-Agent", ""),
            is_connected=lambda: request.transport is not None,
        )
        call.intercepted(await self._hub.interceptors.apply_and_wait(cause))

    async def _report(self, call: HandledCall, response: web.StreamResponse, started: float) -> None:
        """Report a call to the observers, once, as a page gets it. A failed one has the status 0."""
        request, row, call.row = call.request, call.row, None
        if row is None or not self._hub.rest_exchanges:
            return
        status, body = response.status, response.body if isinstance(response, web.Response) else b""
        if call.failed:
            status, body = 0, b""
        elif status in _NO_BODY:
            body = b""
        content = bytes(body) if isinstance(body, bytes | bytearray) else b""
        ended = self._hub.clock.mono()
        exchange = _exchange(request, await call.received(), status, content, started, ended, row)
        self._hub.rest_exchanges.emit(exchange)

    def _log(self, request: web.Request, note: str, verdict: Verdict, payload: bytes = b"") -> int:
        name = f"{request.method} {request.path}"[:80]
        return self._rest_log.add(Call(name, payload, note, verdict, self._local_user()))

    def _log_rejected_method(self, request: web.Request) -> None:
        """Log a preflight for an unsupported method, because the browser does not send the request itself."""
        wanted = request.headers.get("Access-Control-Request-Method", "")
        if wanted and wanted not in METHODS.split(", "):
            note = f"A page asks for the method {wanted[:20]}, but only {METHODS} are supported."
            self._log(request, note.encode(errors="replace").decode(), Verdict.INVALID)


def _problem(error: Exception, request: web.Request) -> tuple[HTTPStatus, str, Verdict]:
    """Return the status and the reason for the UI, and the row's verdict, of a call that raised an error."""
    match error:
        case Dropped():
            return HTTPStatus.SERVICE_UNAVAILABLE, f"The request was dropped: {error}.", Verdict.WARNING
        case RequestError():
            return status_of(error), error.reason, Verdict.INVALID
        case TimeoutError():
            reason = f"The body did not arrive within {BODY_TIMEOUT_S:g} s."
            return HTTPStatus.REQUEST_TIMEOUT, reason, Verdict.INVALID
        case StorageError():
            reason = f"The chat state could not be used: {error}."
            return HTTPStatus.INTERNAL_SERVER_ERROR, reason, Verdict.WARNING
        case web.HTTPException():
            reason = _REASONS.get(error.status, error.reason).format(request=request)
            return HTTPStatus(error.status), reason, Verdict.INVALID
    log.error("a request failed", exc_info=error)
    reason = "The companion failed on this request; see its log files."
    return HTTPStatus.INTERNAL_SERVER_ERROR, reason, Verdict.WARNING


def _exchange(
    request: web.Request, body: bytes, status: int, response: bytes, started: float, ended: float, row: int
) -> RestExchange:
    return RestExchange(
        request.method, request.path, request.query_string, body, status, response,
        request.headers.get("Origin", ""), request.headers.get("User-Agent", ""), started, ended, row,
    )  # fmt: skip


def json_response(value: Any, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    """Return a response with JSON."""
    return web.Response(
        status=status,
        body=json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode(errors="replace"),
        content_type="application/json",
    )


def _error(status: HTTPStatus, reason: str) -> web.Response:
    return json_response({"error": reason}, status)


def _readable_by(origin: str | None, response: web.StreamResponse) -> web.StreamResponse:
    """Add the headers that let a page of an allowed origin read a response."""
    response.headers["Vary"] = "Origin"
    if origin:
        response.headers["Access-Control-Allow-Origin"] = origin
    return response


def _cut(call: HandledCall) -> web.Response:
    """Cut the connection of a request, and return a response that is not sent."""
    call.failed = True
    if call.request.transport:
        call.request.transport.abort()
    return web.Response()
