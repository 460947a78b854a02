"""Handle the clients of the event server: accept or reject their handshakes, limit their frame rates, pass their
frames to the router, and record in the log how a connection ended. Also answer ``GET /health``. ``refusing``
refuses handshakes on purpose; ``connection`` parses frames.

``event_server`` opens and closes the port. It imports this module when it first starts, because the websockets
library takes as long to load as the chat state and the journal together.
"""

import asyncio
import functools
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import Protocol
from urllib.parse import parse_qs

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close, CloseCode
from websockets.http11 import Request, Response

from app import usernames
from app.endpoints.access_policy import AccessPolicy, Rejection, same_secret
from app.endpoints.connection import EventConnection, SocketTransport
from app.endpoints.event_server import CLOSE_TIMEOUT_S, Limits
from app.endpoints.health import METHODS as HEALTH_METHODS
from app.endpoints.health import PATH as HEALTH
from app.endpoints.health import health
from app.endpoints.listening import bounded, ends_of
from app.endpoints.refusing import RefusedHandshakes
from app.hub.clients import Client, Ending, Handshake
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.rate_limit import BYTES_PER_FRAME, ClientKey, RateDecision, RateMemory
from app.hub.refusals import Refusals
from app.hub.router import Router
from app.hub.tasks import Tasks
from app.protocol.constants import SERVER_HEADER
from app.protocol.envelope import MAX_FRAME_BYTES

OPEN_TIMEOUT_S = 5.0
MAX_AGENT = 200
BROKEN_PROTOCOL = (CloseCode.PROTOCOL_ERROR, CloseCode.UNSUPPORTED_DATA, CloseCode.INVALID_DATA)


class ServerStatus(Protocol):
    """What the clients need to know about the event server."""

    @property
    def port(self) -> int:
        """The port in use."""

    @property
    def path(self) -> str:
        """The path of the URL."""

    @property
    def stopping(self) -> bool:
        """Whether the server is being stopped or has stopped."""

    def is_ready(self) -> bool:
        """Return whether the companion is ready, for ``GET /health``."""


class EventClients:
    """Accepts clients on listening sockets, and handles their connections."""

    def __init__(
        self,
        server: ServerStatus,
        hub: Hub,
        router: Router,
        access_policy: AccessPolicy,
        limits: Callable[[], Limits],
        refusals: Refusals,
        tasks: Tasks,
    ) -> None:
        self._server = server
        self._hub = hub
        self._router = router
        self._access_policy = access_policy
        self._limits = limits
        self._tasks = tasks
        self.connections: set[EventConnection] = set()
        self.refused = RefusedHandshakes(hub, refusals)
        self._rates = RateMemory()

    async def accept_on(self, bound: socket.socket) -> Server:
        """Accept clients on a bound socket."""
        return await serve(
            self._serve, sock=bound,
            compression=None, max_size=MAX_FRAME_BYTES, open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S, process_request=self._process_request, server_header=SERVER_HEADER,
            create_connection=functools.partial(EventConnection, self),  # type: ignore[arg-type]
        )  # fmt: skip

    def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | Coroutine[None, None, Response | None] | None:
        """Check a handshake; return None to accept it. A client that has exceeded its rate limit waits first."""
        if self._asks_for_health(request):
            rejection = self._check_access(connection, request)
            if rejection is None:
                return _health(request.method, ready=self._server.is_ready())
        else:
            rejection = self._check(connection, request)
        if rejection is None:
            delay = self._rates.admission_delay(_client_key(request), self._hub.clock.mono())
            if delay:
                return self._process_later(delay, connection, request)
            if not any("websocket" in each.lower() for each in request.headers.get_all("Upgrade")):
                return None  # no handshake: websockets answers 426
            assert isinstance(connection, EventConnection)
            return self.refused.refuse(connection, _handshake(request))
        handshake = _handshake(request)
        self._access_policy.reject("events", rejection, handshake.user_agent)
        (self._hub.origin_refused if rejection.origin else self._hub.refused).emit(handshake)
        return connection.respond(rejection.status, rejection.reason + "\n")

    async def _process_later(self, delay: float, connection: ServerConnection, request: Request) -> Response | None:
        await asyncio.sleep(delay)
        answer = self._process_request(connection, request)  # again: the client may have left
        return await answer if isinstance(answer, Coroutine) else answer

    def _check(self, connection: ServerConnection, request: Request) -> Rejection | None:
        # Compare the raw target: parsing would accept `GET http://evil.example/events`.
        path = request.path.partition("?")[0]
        if path != self._server.path:
            reason = f"no such path: {path[:80]!a}; the event stream is at {self._server.path}"
            return Rejection(HTTPStatus.NOT_FOUND, reason)
        if rejection := self._check_access(connection, request):
            return rejection
        limits = self._limits()
        if limits.token != "" and not _has_token(request, limits.token):
            return Rejection(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong: connect with ?token=TOKEN")
        if self._hub.connection_count >= limits.clients:
            reason = f"{limits.clients} clients are connected already; raise the limit in Settings"
            return Rejection(HTTPStatus.SERVICE_UNAVAILABLE, reason)
        username = _username(request)
        if username and (wrong := usernames.problem(username)):
            return Rejection(HTTPStatus.BAD_REQUEST, f"the user name {wrong}")
        return None

    def _check_access(self, connection: ServerConnection, request: Request) -> Rejection | None:
        """Check Host, Origin and the owner of the process."""
        get_all = request.headers.get_all
        return self._access_policy.check(get_all, self._server.port, *ends_of(connection.transport))

    @staticmethod
    def _asks_for_health(request: Request) -> bool:
        """Return whether a request is ``GET`` or ``HEAD /health``, not a handshake, whose path may be the same."""
        is_path = request.method in HEALTH_METHODS and request.path.partition("?")[0] == HEALTH
        return is_path and not request.headers.get_all("Upgrade")

    def accepts(self, transport: asyncio.BaseTransport) -> bool:
        """Return whether to keep a new TCP connection. A rejection is counted and journalled."""
        return self._access_policy.accepts(
            "events", transport, len(self.connections), bounded(self._limits().connections)
        )

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, EventConnection)
        request = connection.request
        assert request is not None
        if connection.refused_with:
            await self.refused.close(connection, _handshake(request))
            return
        connection.key = key = _client_key(request)
        connection.rate = self._rates.limiter(key, self._limits().frames_per_s, self._hub.clock.mono())
        client = self._hub.join(
            SocketTransport(connection, self._tasks),
            _username(request),
            origin=key.origin,
            user_agent=_header(request, "User-Agent"),
        )
        connection.client = client
        if connection.paused:  # what was sent to the new client may have filled its socket already
            client.outbox.block()
        try:
            # Always drain the queue: while it is full, the library reads no pongs, and closes the connection.
            with suppress(ConnectionClosedError):
                async for frame in connection:
                    await _wait_for(connection.handling)
                    self.on_frame(connection, client, frame)
                    await _wait_for(connection.handling)
                    connection.queued -= 1
            await _wait_for(connection.handling)
        finally:
            self._rates.remember(connection.key, connection.rate, self._hub.clock.mono())
            client.ending = self._ending(connection, client)
            self._hub.leave(client, *_closing_note(connection), ended_here=self._server.stopping)
            connection.client = None  # breaks a reference cycle

    def on_frame(
        self, connection: EventConnection, client: Client, frame: str | bytes, payload: bytes | None = None
    ) -> None:
        """Pass a frame to the router. If the handler has to wait, ``connection.handling`` is its task."""
        if connection.closing:
            connection.ignore()
            return
        if not self._within_rate(connection, client, len(payload or frame)):
            return
        pending = self._router.receive(client, frame, payload)
        if pending:
            connection.handling = self._tasks.spawn(pending, f"handle a frame of {client}")
            connection.handling.add_done_callback(connection.handled)

    def abort(self, connection: EventConnection, reason: str) -> None:
        """Abort a connection that floods the server, and journal it once."""
        if not connection.transport.is_closing():
            self._hub.log_server_event("aborted", client=connection.client, note=reason, verdict=Verdict.WARNING)
            connection.transport.abort()

    def _within_rate(self, connection: EventConnection, client: Client, size: int) -> bool:
        """Return whether to handle a frame. A client that exceeds its rate limit is warned once, then closed."""
        cost = 1.0
        limiter = connection.rate
        if connection.uncounted_fragments or size > BYTES_PER_FRAME:
            # A single message costs one second at most, even if the limit is low.
            cost = connection.uncounted_fragments + max(1, min(size / BYTES_PER_FRAME, limiter.rate))
            connection.uncounted_fragments = 0
        now = self._hub.clock.mono()
        decision = limiter.take(now, cost)
        if decision is RateDecision.ALLOWED:
            return True
        rate = f"more than {limiter.rate:g} frames per second"
        if cost > 1:
            rate += " (each fragment and each KiB counts as a frame)"
        exceeded = decision is RateDecision.EXCEEDED
        result = "the connection is closed" if exceeded else "a warning; the next time, the connection is closed"
        note = f"{rate}: {result}"
        self._hub.log_server_event("too fast", client=client, note=note, verdict=Verdict.WARNING)
        if exceeded:
            self._rates.remember(connection.key, limiter, now)
            client.close(CloseCode.POLICY_VIOLATION, rate)
            connection.discard_and_abort()
        return not exceeded

    def _ending(self, connection: EventConnection, client: Client) -> Ending:
        close = _close_frame(connection)
        if close is None:
            return Ending(None, by_client=not client.closing and not self._server.stopping)
        return Ending(close.code, by_client=close is connection.protocol.close_rcvd)


async def _wait_for(task: "asyncio.Task[None] | None") -> None:
    """Wait until a task is done. Its error is not raised here."""
    if task:
        await asyncio.wait([task])


def _health(method: str, *, ready: bool) -> Response:
    """Return the response to ``GET`` or ``HEAD /health``. The library closes the connection."""
    answer = health(ready=ready)
    headers = {**answer.headers, "Content-Length": str(len(answer.body)), "Connection": "close"}
    return Response(answer.status, answer.status.phrase, Headers(headers), b"" if method == "HEAD" else answer.body)


def _header(request: Request, name: str) -> str:
    """Return the first value of a header. (The library's ``get`` raises an error if there are several.)"""
    return next(iter(request.headers.get_all(name)), "")


def _handshake(request: Request) -> Handshake:
    return Handshake(_header(request, "Origin"), _header(request, "User-Agent"))


def _client_key(request: Request) -> ClientKey:
    return ClientKey(
        _header(request, "Origin"), _header(request, "User-Agent")[:MAX_AGENT], _username(request) or ""
    )


def _username(request: Request) -> str | None:
    """Return the user name in the URL (``?username=alice``), or None."""
    names = parse_qs(request.path.partition("?")[2]).get("username", [])
    return next((name.strip() for name in names if name.strip()), None)


def _has_token(request: Request, token: str | None) -> bool:
    given = parse_qs(request.path.partition("?")[2]).get("token", [])
    return len(given) == 1 and same_secret(given[0], token or "")


def _close_frame(connection: ServerConnection) -> Close | None:
    """Return the close frame that started the closing handshake, or None."""
    protocol = connection.protocol
    return protocol.close_rcvd if protocol.close_rcvd_then_sent else protocol.close_sent or protocol.close_rcvd


def _closing_note(connection: ServerConnection) -> tuple[str, Verdict]:
    """Return how a connection ended, for the journal: the close code and reason, or a missing handshake."""
    close = _close_frame(connection)
    if close is None:
        return "the connection was cut without a closing handshake (1006)", Verdict.OK
    if close.code == CloseCode.MESSAGE_TOO_BIG:
        return f"closed with 1009: a frame was over {MAX_FRAME_BYTES // 1024} KiB", Verdict.INVALID
    verdict = Verdict.INVALID if close.code in BROKEN_PROTOCOL else Verdict.OK
    return f"closed with {close.code:d}" + (f": {close.reason}" if close.reason else ""), verdict
