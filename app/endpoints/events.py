"""The event server (WebSocket): checks handshakes, limits clients and rates, passes clients' frames to the router.

It listens at ``ws://127.0.0.1:8081/events`` (the chat UI's WebSocket guide, §1 and §4).
"""

import asyncio
import functools
import logging
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from http import HTTPStatus
from typing import NamedTuple
from urllib.parse import parse_qs

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.exceptions import ConnectionClosedError
from websockets.frames import Close, CloseCode
from websockets.http11 import Request, Response

from app import usernames
from app.endpoints.access_policy import AccessPolicy, Rejection, same_secret
from app.endpoints.connection import EventConnection, SocketTransport
from app.endpoints.listening import HOST, Listener, ListeningServer, bounded, ends_of
from app.hub.clients import Client, Ending, Handshake
from app.hub.hub import Hub
from app.hub.journal import Verdict
from app.hub.rate_limit import BYTES_PER_FRAME, ClientKey, RateDecision, RateMemory
from app.hub.router import Router
from app.hub.tasks import Tasks
from app.protocol.constants import EVENTS_PATH, SERVER_HEADER
from app.protocol.envelope import MAX_FRAME_BYTES
from app.system.settings import Settings

log = logging.getLogger(__name__)

OPEN_TIMEOUT_S = 5.0
CLOSE_TIMEOUT_S = 1.0
"""Seconds that ``stop`` waits for closing handshakes before it aborts connections."""
SWEEP_S = 5.0
SOCKET_BUFFER_BYTES = 64 * 1024
"""Size of the kernel's send buffer. The default would hold megabytes for a client that does not read."""
MAX_AGENT = 200
BROKEN_PROTOCOL = (CloseCode.PROTOCOL_ERROR, CloseCode.UNSUPPORTED_DATA, CloseCode.INVALID_DATA)


class Limits(NamedTuple):
    """Limits for clients. ``token``: the required token; empty if none is required; None if it is not known yet."""

    clients: int
    connections: int
    frames_per_s: float
    token: str | None


def limits_of(settings: Settings, token: str) -> Limits:
    """Return the limits of the settings. ``token`` is the control API's, which clients may have to present too."""
    return Limits(
        clients=settings.max_clients,
        connections=settings.max_connections,
        frames_per_s=settings.client_frames_per_s,
        token=(token or None) if settings.require_token else "",
    )


class EventServer(ListeningServer[Server]):
    """Accepts clients and passes their frames to the router. ``start`` and ``stop`` may be called repeatedly."""

    def __init__(
        self, hub: Hub, router: Router, port: int, access_policy: AccessPolicy, limits: Callable[[], Limits]
    ) -> None:
        self._hub = hub
        self._router = router
        self._access_policy = access_policy
        self._limits = limits
        super().__init__(Listener(port, self._listen, self._report))
        self.connections: set[EventConnection] = set()
        self._rates = RateMemory()
        self._tasks = Tasks()
        self._lock = asyncio.Lock()

    @property
    def url(self) -> str:
        """Where clients connect."""
        return f"ws://{HOST}:{self.port}{EVENTS_PATH}"

    @property
    def client_url(self) -> str:
        """Where a client connects, with the token if clients have to present it."""
        token = self._limits().token
        return f"{self.url}?token={token}" if token else self.url

    async def start(self, port: int | None = None) -> None:
        """Listen. Raises ``PortBusy``, and ``OSError`` for other network errors."""
        async with self._lock:
            if self._listener.servers:
                return
            await self._listener.open(port)
            self._tasks.spawn(self._sweep(), "sweep stalled clients")
            self._tasks.spawn(self._listener.watch(), "watch the event server's listening socket")
        log.info("listening on %s", self.url)
        self._hub.log_server_event("listening", note=self.url)
        self._hub.listening_changed.emit(True)

    async def _listen(self, bound: socket.socket) -> Server:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
        return await serve(
            self._serve, sock=bound,
            compression=None, max_size=MAX_FRAME_BYTES, open_timeout=OPEN_TIMEOUT_S,
            close_timeout=CLOSE_TIMEOUT_S, process_request=self._process_request, server_header=SERVER_HEADER,
            create_connection=functools.partial(EventConnection, self),  # type: ignore[arg-type]
        )  # fmt: skip

    def _report(self, event: str, note: str) -> None:
        self._hub.log_server_event(event, note=note, verdict=Verdict.WARNING)

    async def stop(self) -> None:
        """Close every connection and the port within two seconds, even if clients do not answer."""
        async with self._lock:
            servers = self._listener.close()
            if not servers:
                return
            self._hub.listening_changed.emit(False)
            self._hub.batcher.flush()
            for each in servers:
                each.close(code=1001, reason="the companion has stopped")
            for connection in tuple(self.connections):
                if connection.paused:  # its socket is full, so our close frame could not be sent
                    connection.transport.abort()
                else:
                    connection.stop_dispatching()
            closing = [self._tasks.spawn(each.wait_closed(), "close the event server") for each in servers]
            await asyncio.wait(closing, timeout=CLOSE_TIMEOUT_S)
            for connection in tuple(self.connections):
                connection.transport.abort()
            await asyncio.wait(closing, timeout=CLOSE_TIMEOUT_S / 2)
            await self._tasks.cancel()
        log.info("stopped listening")
        self._hub.log_server_event("stopped listening")

    def _process_request(
        self, connection: ServerConnection, request: Request
    ) -> Response | Coroutine[None, None, Response | None] | None:
        """Check a handshake; return None to accept it. A client that has exceeded its rate limit waits first."""
        rejection = self._check(connection, request)
        if rejection is None:
            delay = self._rates.admission_delay(_client_key(request), self._hub.clock.mono())
            return self._process_later(delay, connection, request) if delay else None
        agent = _header(request, "User-Agent")
        self._access_policy.reject("events", rejection, agent)
        self._hub.refused.emit(Handshake(_header(request, "Origin"), agent))
        return connection.respond(rejection.status, rejection.reason + "\n")

    async def _process_later(self, delay: float, connection: ServerConnection, request: Request) -> Response | None:
        await asyncio.sleep(delay)
        answer = self._process_request(connection, request)  # again: the client may have left
        return await answer if isinstance(answer, Coroutine) else answer

    def _check(self, connection: ServerConnection, request: Request) -> Rejection | None:
        # Compare the raw target: parsing would accept `GET http://evil.example/events`.
        path = request.path.partition("?")[0]
        if path != EVENTS_PATH:
            reason = f"no such path: {path[:80]!a}; the event stream is at {EVENTS_PATH}"
            return Rejection(HTTPStatus.NOT_FOUND, reason)
        get_all = request.headers.get_all
        rejection = self._access_policy.check(get_all, self.port, *ends_of(connection.transport))
        if rejection:
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

    def accepts(self, transport: asyncio.BaseTransport) -> bool:
        """Return whether to keep a new TCP connection. A rejection is counted and journalled."""
        return self._access_policy.accepts(
            "events", transport, len(self.connections), bounded(self._limits().connections)
        )

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, EventConnection)
        request = connection.request
        assert request is not None
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
            self._hub.leave(client, *_closing_note(connection), ended_here=not self._listener.servers)
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
        rate = f"over {limiter.rate:g} frames per second"
        if cost > 1:
            rate += " (a fragment counts as a frame, and so does each KiB)"
        exceeded = decision is RateDecision.EXCEEDED
        note = f"{rate}: the connection is closed" if exceeded else f"{rate}: a warning; next time it is closed"
        self._hub.log_server_event("too fast", client=client, note=note, verdict=Verdict.WARNING)
        if exceeded:
            self._rates.remember(connection.key, limiter, now)
            client.close(CloseCode.POLICY_VIOLATION, rate)
            connection.discard_and_abort()
        return not exceeded

    def _ending(self, connection: EventConnection, client: Client) -> Ending:
        close = _close_frame(connection)
        if close is None:
            return Ending(None, by_client=not client.closing and bool(self._listener.servers))
        return Ending(close.code, by_client=close is connection.protocol.close_rcvd)

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._hub.sweep()


async def _wait_for(task: "asyncio.Task[None] | None") -> None:
    """Wait until a task is done. Its error is not raised here."""
    if task:
        await asyncio.wait([task])


def _header(request: Request, name: str) -> str:
    """Return the first value of a header. (The library's ``get`` raises an error if there are several.)"""
    return next(iter(request.headers.get_all(name)), "")


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
