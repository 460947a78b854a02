"""The event server: ``ws://127.0.0.1:8081/events`` (guide §1, §4)."""

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
from websockets.frames import CloseCode
from websockets.http11 import Request, Response

from app import usernames
from app.endpoints.access_policy import AccessPolicy, Rejection, same_secret
from app.endpoints.connection import EventConnection, SocketTransport
from app.endpoints.listening import HOST, Listener, bounded, ends_of
from app.hub.clients import Client
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
GRACE_S = 1.0
"""How long ``stop`` waits for closing handshakes before it cuts connections."""
SWEEP_S = 5.0
SOCKET_BUFFER_BYTES = 64 * 1024
"""Otherwise the kernel alone would hold megabytes for a client that does not read."""
MAX_AGENT = 200
BROKEN_PROTOCOL = (CloseCode.PROTOCOL_ERROR, CloseCode.UNSUPPORTED_DATA, CloseCode.INVALID_DATA)


class Limits(NamedTuple):
    """How much is let in. ``token`` is what clients must name: empty for none; None when none is known yet."""

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


class EventServer:
    """Accepts clients and passes their frames to the router. ``start`` and ``stop`` may be called repeatedly."""

    def __init__(
        self, hub: Hub, router: Router, port: int, gate: AccessPolicy, limits: Callable[[], Limits]
    ) -> None:
        self._hub = hub
        self._router = router
        self._gate = gate
        self._limits = limits
        self._listener: Listener[Server] = Listener(port, self._listen, self._report)
        self.alive: set[EventConnection] = set()
        self._rates = RateMemory()
        self._tasks = Tasks()
        self._lock = asyncio.Lock()

    @property
    def listening(self) -> bool:
        """Whether clients can connect."""
        return self._listener.listening

    @property
    def port(self) -> int:
        """The port that is listened on; before that, the wanted one (0: any free one)."""
        return self._listener.port

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
        """Listen. Raises ``PortBusy``; other network errors come as ``OSError``."""
        async with self._lock:
            if self._listener.servers:
                return
            await self._listener.open(port)
            self._tasks.spawn(self._sweep(), "sweep stalled clients")
            self._tasks.spawn(self._listener.watch(), "watch the event server's listening socket")
        log.info("listening on %s", self.url)
        self._hub.log_server_event("listening", note=self.url)

    async def _listen(self, bound: socket.socket) -> Server:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SOCKET_BUFFER_BYTES)
        return await serve(
            self._serve, sock=bound,
            compression=None, max_size=MAX_FRAME_BYTES, open_timeout=OPEN_TIMEOUT_S,
            close_timeout=GRACE_S, process_request=self._judge, server_header=SERVER_HEADER,
            create_connection=functools.partial(EventConnection, self),  # type: ignore[arg-type]
        )  # fmt: skip

    def _report(self, event: str, note: str) -> None:
        self._hub.log_server_event(event, note=note, verdict=Verdict.WARNING)

    async def stop(self) -> None:
        """Close every connection and the port, within two seconds whatever the clients do."""
        async with self._lock:
            servers = self._listener.close()
            if not servers:
                return
            self._hub.batcher.flush()
            for each in servers:
                each.close(code=1001, reason="the companion has stopped")
            for connection in tuple(self.alive):
                if connection.paused:  # it reads nothing, so it would answer nothing
                    connection.transport.abort()
                else:
                    connection.stop_dispatching()
            closing = [self._tasks.spawn(each.wait_closed(), "close the event server") for each in servers]
            await asyncio.wait(closing, timeout=GRACE_S)
            for connection in tuple(self.alive):
                connection.transport.abort()
            await asyncio.wait(closing, timeout=GRACE_S / 2)
            await self._tasks.cancel()
        log.info("stopped listening")
        self._hub.log_server_event("stopped listening")

    def _judge(
        self, connection: ServerConnection, request: Request
    ) -> Response | Coroutine[None, None, Response | None] | None:
        """Answer a handshake: None admits the client. One that was just closed for its rate has to wait."""
        refusal = self._why_not(connection, request)
        if refusal is None:
            delay = self._rates.admission_delay(_key(request), self._hub.clock.mono())
            return self._judge_later(delay, connection, request) if delay else None
        self._gate.reject("events", refusal, _header(request, "User-Agent"))
        return connection.respond(refusal.status, refusal.reason + "\n")

    async def _judge_later(self, delay: float, connection: ServerConnection, request: Request) -> Response | None:
        await asyncio.sleep(delay)
        answer = self._judge(connection, request)  # it may have left, or others may have taken its place
        return await answer if isinstance(answer, Coroutine) else answer

    def _why_not(self, connection: ServerConnection, request: Request) -> Rejection | None:
        # The raw target: `GET http://evil.example/events` would parse to our path.
        path = request.path.partition("?")[0]
        if path != EVENTS_PATH:
            reason = f"no such path: {path[:80]!a}; the event stream is at {EVENTS_PATH}"
            return Rejection(HTTPStatus.NOT_FOUND, reason)
        get_all = request.headers.get_all
        refusal = self._gate.judge(get_all, self.port, *ends_of(connection.transport))
        if refusal:
            return refusal
        limits = self._limits()
        if limits.token != "" and not _knows(request, limits.token):
            return Rejection(HTTPStatus.UNAUTHORIZED, "the token is missing or wrong: connect with ?token=TOKEN")
        if self._hub.connection_count >= limits.clients:
            reason = f"{limits.clients} clients are connected already; Settings can raise that"
            return Rejection(HTTPStatus.SERVICE_UNAVAILABLE, reason)
        username = _username(request)
        if username and (wrong := usernames.problem(username)):
            return Rejection(HTTPStatus.BAD_REQUEST, f"the user name {wrong}")
        return None

    def accepts(self, transport: asyncio.BaseTransport) -> bool:
        """Return whether another TCP connection may stay; a refusal is counted and journalled."""
        return self._gate.accepts("events", transport, len(self.alive), bounded(self._limits().connections))

    async def _serve(self, connection: ServerConnection) -> None:
        assert isinstance(connection, EventConnection)
        request = connection.request
        assert request is not None
        connection.key = key = _key(request)
        connection.rate = self._rates.limiter(key, self._limits().frames_per_s, self._hub.clock.mono())
        client = self._hub.join(
            SocketTransport(connection, self._tasks),
            _username(request),
            origin=key.origin,
            user_agent=_header(request, "User-Agent"),
        )
        connection.client = client
        if connection.paused:  # whoever greets new clients may have filled its socket already
            client.outbox.block()
        try:
            # The queue must always be drained, or the library kills a talkative client.
            with suppress(ConnectionClosedError):
                async for frame in connection:
                    await _ended(connection.handling)
                    self.on_frame(connection, client, frame)
                    await _ended(connection.handling)
                    connection.queued -= 1
            await _ended(connection.handling)
        finally:
            self._rates.remember(connection.key, connection.rate, self._hub.clock.mono())
            self._hub.leave(client, *_farewell(connection), ended_here=not self._listener.servers)
            connection.client = None  # another such circle

    def on_frame(
        self, connection: EventConnection, client: Client, frame: str | bytes, payload: bytes | None = None
    ) -> None:
        """Pass a frame to the router. If its handler has to wait, ``connection.handling`` is its task."""
        if connection.closing:
            connection.ignore()
            return
        if not self._within_rate(connection, client, len(payload or frame)):
            return
        pending = self._router.receive(client, frame, payload)
        if pending:
            connection.handling = self._tasks.spawn(pending, f"handle a frame of {client}")
            connection.handling.add_done_callback(connection.handled)

    def cut(self, connection: EventConnection, why: str) -> None:
        """Abort a connection that does harm, and log it once."""
        if not connection.transport.is_closing():
            self._hub.log_server_event("aborted", client=connection.client, note=why, verdict=Verdict.WARNING)
            connection.transport.abort()

    def _within_rate(self, connection: EventConnection, client: Client, size: int) -> bool:
        """Return whether a frame may be handled. A client that sends too much is warned once, then closed."""
        cost = 1.0
        limiter = connection.rate
        if connection.extra_frames or size > BYTES_PER_FRAME:
            # A single message never costs more than a second, however low the rate is.
            cost = connection.extra_frames + max(1, min(size / BYTES_PER_FRAME, limiter.rate))
            connection.extra_frames = 0
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
            connection.reject()
        return not exceeded

    async def _sweep(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_S)
            self._hub.sweep()


async def _ended(task: "asyncio.Task[None] | None") -> None:
    """Wait until a task has ended, one way or another."""
    if task:
        await asyncio.wait([task])


def _header(request: Request, name: str) -> str:
    """Return a header's first value: the library's own ``get`` raises an error if there are several."""
    return next(iter(request.headers.get_all(name)), "")


def _key(request: Request) -> ClientKey:
    return ClientKey(
        _header(request, "Origin"), _header(request, "User-Agent")[:MAX_AGENT], _username(request) or ""
    )


def _username(request: Request) -> str | None:
    """Return the user that the URL names (``?username=alice``), if it does."""
    names = parse_qs(request.path.partition("?")[2]).get("username", [])
    return next((name.strip() for name in names if name.strip()), None)


def _knows(request: Request, token: str | None) -> bool:
    given = parse_qs(request.path.partition("?")[2]).get("token", [])
    return len(given) == 1 and same_secret(given[0], token or "")


def _farewell(connection: ServerConnection) -> tuple[str, Verdict]:
    """Say how a connection ended: by whose close frame, or by none."""
    protocol = connection.protocol
    close = protocol.close_rcvd if protocol.close_rcvd_then_sent else protocol.close_sent or protocol.close_rcvd
    if close is None:
        return "the connection was cut without a closing handshake (1006)", Verdict.OK
    if close.code == CloseCode.MESSAGE_TOO_BIG:
        return f"closed with 1009: a frame was over {MAX_FRAME_BYTES // 1024} KiB", Verdict.INVALID
    verdict = Verdict.INVALID if close.code in BROKEN_PROTOCOL else Verdict.OK
    return f"closed with {close.code:d}" + (f": {close.reason}" if close.reason else ""), verdict
