"""Refuse WebSocket handshakes of clients on purpose, in the mode of the armed refusal that ``hub.refusals`` returns
for each; without one, the handshake is accepted. The modes: answer with 503, reset the connection, send no answer
for about 5 s, send bytes that are not HTTP, or accept the handshake and close the connection at once with a code.
Each refused handshake is a row in the log.
"""

import asyncio
import socket
import struct
import sys
from collections.abc import Coroutine
from contextlib import suppress
from http import HTTPStatus

from websockets.http11 import Response

from app.endpoints.connection import EventConnection
from app.hub.clients import Handshake
from app.hub.hub import Hub
from app.hub.refusals import Refusals, Refused
from app.protocol.refusals import RefusalKind, RefusalMode

RETRY_AFTER_S = 3
"""The header of a 503: the guide's first delay. Browsers do not show it to a page."""
GARBAGE = (
    bytes.fromhex("16030300 31 0200 002d 0303") + bytes(range(32)) + bytes.fromhex("00 1301 00 0005 ff01 0001 00")
)
"""A TLS record with a handshake, as a server sends it that expects ``wss``."""
MAX_SILENT = 64
"""At most this many connections get no answer at a time. Further ones are reset."""
CLOSE_REASON = "refused on purpose by the companion"
_LINGER = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


class RefusedHandshakes:
    """Refuses handshakes of the event server. ``release`` cuts the connections that get no answer."""

    def __init__(self, hub: Hub, refusals: Refusals) -> None:
        self._hub = hub
        self._refusals = refusals
        self._silent: set[EventConnection] = set()
        self._last_silent = 0
        refusals.ended.connect(lambda _: self.release())

    def refuse(
        self, connection: EventConnection, handshake: Handshake
    ) -> Response | Coroutine[None, None, Response] | None:
        """Refuse a handshake if refusals are armed. Return the response, or None to accept the handshake.

        In the mode ``close``, the handshake is accepted: call ``close`` then, and do not join the connection.
        """
        refused = self._refusals.take(handshake)
        if refused is None:
            return None
        mode = refused.mode
        if mode.kind is RefusalKind.SILENCE and len(self._silent) >= MAX_SILENT:
            mode = RefusalMode(RefusalKind.RESET)
        self._log(mode, refused, handshake)
        match mode.kind:
            case RefusalKind.CLOSE:
                connection.refused_with = mode.code
                return None
            case RefusalKind.SILENCE:
                return self._stay_silent(connection, handshake)
            case RefusalKind.RESET:
                reset(connection.transport)
            case RefusalKind.GARBAGE:
                connection.transport.write(GARBAGE)
                connection.transport.close()
        self._hub.refused.emit(handshake)
        return _unavailable(connection)

    async def close(self, connection: EventConnection, handshake: Handshake) -> None:
        """Close an accepted connection at once with the code that its refusal says."""
        connection.stop_dispatching()
        self._hub.closed_at_once.emit(handshake)
        await connection.close(connection.refused_with, CLOSE_REASON)

    def release(self) -> None:
        """Cut the connections that get no answer."""
        for each in tuple(self._silent):
            each.transport.abort()

    async def _stay_silent(self, connection: EventConnection, handshake: Handshake) -> Response:
        """Send nothing until the client leaves, ``release`` is called, or the handshake's time limit has passed."""
        self._last_silent += 1
        number = self._last_silent
        self._silent.add(connection)
        self._hub.unanswered.emit((handshake, number))
        try:
            await asyncio.wait([connection.connection_lost_waiter])
        finally:
            self._silent.discard(connection)
            connection.transport.abort()
            self._hub.unanswered_ended.emit((handshake, number))
        return _unavailable(connection)

    def _log(self, mode: RefusalMode, refused: Refused, handshake: Handshake) -> None:
        left = "" if refused.left is None else f", {refused.left:,} more"
        page = f"; from {handshake.origin.encode(errors='replace').decode()[:120]}" if handshake.origin else ""
        self._hub.log_server_event("refused", note=f"on purpose: {mode}{left}{page}")


def reset(transport: asyncio.Transport) -> None:
    """Close a connection so that the client gets a reset (RST) instead of an orderly end.

    On a proactor loop (Windows), the client may see an orderly end: asyncio shuts the socket down first.
    """
    tcp = transport.get_extra_info("socket")
    if tcp is not None:
        with suppress(OSError):  # the client has left
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _LINGER)
    transport.abort()


def _unavailable(connection: EventConnection) -> Response:
    """Return the 503. It is not sent if the transport is closing."""
    text = "The companion refuses this connection on purpose. Try again later.\n"
    response = connection.respond(HTTPStatus.SERVICE_UNAVAILABLE, text)
    response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response
