"""Serve the control API: check access and tokens, call operations, return errors as problem details (RFC 9457).
A request needs the main token, or the agent token, which allows fewer operations; only ``/health`` needs none.
``ControlApi`` creates the aiohttp application. An ``HttpServer`` (``http_server``) opens the port.
"""

import logging
from functools import partial
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web
from aiohttp.typedefs import Handler

from app.endpoints.access_policy import same_secret
from app.endpoints.control.api import OPERATIONS, Api
from app.endpoints.control.openapi import PROBLEM
from app.endpoints.control.operations import ENDING, JSON, SCOPE, Ending, Operation, Scope, read
from app.endpoints.control.service import Service
from app.endpoints.control.shapes import Problem, ProblemPart
from app.endpoints.errors import status_of
from app.endpoints.http_server import BODY_TIMEOUT_S, HttpServer
from app.protocol.errors import RequestError, StorageError
from app.protocol.event_type import InvalidEvent
from app.system.agent_token import LIMITS
from app.system.control_token import TokenError
from app.system.settings_checks import InvalidSettings

log = logging.getLogger(__name__)

NO_TOKEN = "The token is missing or wrong. `companion token` prints it; send it as `Authorization: Bearer TOKEN`."

STARTED = web.RequestKey("started", bool)
"""Set once the headers of the response are sent."""

NOT_FOR_AGENTS = f"The agent token {LIMITS}. Use the main token, which `companion token` prints."


class ControlApi:
    """Handles the requests to the control API. Except for ``/health``, they must present one of the two tokens."""

    def __init__(self, service: Service, server: HttpServer) -> None:
        self._api = Api(service)
        self._service = service
        self._server = server
        server.error_response = _problem

    def application(self) -> web.Application:
        """Return the aiohttp application of the control API."""
        app = web.Application(middlewares=[self._middleware])
        app[ENDING] = ending = Ending()
        app.on_shutdown.append(ending.begin)
        app.on_response_prepare.append(_note_start)
        for each in OPERATIONS:
            app.router.add_route(each.method, each.path, partial(self._call, each))
        return app

    @web.middleware
    async def _middleware(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if rejection := self._server.check(request):
            return _closing(_problem(rejection.status, rejection.reason))
        if answer := self._server.health(request):
            return answer
        scope = self._scope(request)
        if scope is None:
            return _unauthorized()
        if scope is Scope.FULL:
            self._server.admit(request)
        elif rejection := self._server.admit_agent(request):
            return _closing(_problem(rejection.status, rejection.reason))
        request[SCOPE] = scope
        try:
            return await handler(request)
        except InvalidEvent as invalid:
            parts = [ProblemPart(path=each.path, message=each.message) for each in invalid.problems]
            return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"The event violates the contract: {invalid}", parts)
        except InvalidSettings as invalid:
            parts = [ProblemPart(path=each.name, message=each.reason) for each in invalid.errors]
            return _problem(HTTPStatus.UNPROCESSABLE_ENTITY, f"The settings are not saved: {invalid}.", parts)
        except RequestError as error:
            return _problem(status_of(error), error.reason)
        except StorageError as error:
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, f"{error}.")
        except TimeoutError:
            return _closing(
                _problem(HTTPStatus.REQUEST_TIMEOUT, f"The body did not arrive within {BODY_TIMEOUT_S:g} s.")
            )
        except web.HTTPException as error:
            status = HTTPStatus(error.status)
            reason = {
                404: f"The path {request.path} does not exist.",
                405: f"{request.path} does not support {request.method}.",
            }
            allow = {"Allow": error.headers["Allow"]} if "Allow" in error.headers else {}
            return _problem(status, reason.get(error.status, status.phrase), headers=allow)
        except Exception:
            log.exception("a control request failed")
            return _problem(
                HTTPStatus.INTERNAL_SERVER_ERROR, "The companion failed on this request; see its log files."
            )

    def _scope(self, request: web.Request) -> Scope | None:
        """Return the scope of a request's token; None if the token is missing or wrong."""
        given = request.headers.getall("Authorization", [])
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        full = same_secret(token, self._server.token)
        agent = bool(self._server.token) and same_secret(token, self._service.agent_token.value)
        if scheme.lower() != "bearer" or not (full or agent):
            return None
        return Scope.FULL if full else Scope.AGENT

    async def _call(self, operation: Operation, request: web.Request) -> web.StreamResponse:
        if not request[SCOPE].allows(operation.scope):
            return _problem(HTTPStatus.FORBIDDEN, NOT_FOR_AGENTS)
        if request[SCOPE] is Scope.FULL:
            return await self._answer(operation, request)
        try:
            async with self._service.agent_token.in_use():
                return await self._answer(operation, request)
        except TokenError:
            if STARTED in request and request.transport:  # no other response can follow
                request.transport.abort()
            return _unauthorized()

    async def _answer(self, operation: Operation, request: web.Request) -> web.StreamResponse:
        answer = await operation.handler(self._api, await read(operation, request))
        if isinstance(answer, web.StreamResponse):
            return answer
        if answer is None:
            return web.Response(status=HTTPStatus.NO_CONTENT)
        return _json(answer)


async def _note_start(request: web.Request, _: web.StreamResponse) -> None:
    request[STARTED] = True


def _unauthorized() -> web.Response:
    return _closing(_problem(HTTPStatus.UNAUTHORIZED, NO_TOKEN, headers={"WWW-Authenticate": "Bearer"}))


def _closing(response: web.Response) -> web.Response:
    """Close the connection after this response."""
    response.force_close()
    return response


def _json(value: Any, status: HTTPStatus = HTTPStatus.OK, media: str = JSON, **options: Any) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type=media, **options)


def _problem(
    status: HTTPStatus, detail: str, parts: list[ProblemPart] | None = None, headers: dict[str, str] | None = None
) -> web.Response:
    problem = Problem(title=status.phrase, status=status, detail=detail.encode(errors="replace").decode())
    if parts:
        problem.problems = parts
    return _json(problem, status, PROBLEM, headers=headers)
