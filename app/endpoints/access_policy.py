"""Accept or reject requests and connections of the event server, the REST stand-in and the control API.
A request is checked by its headers Host, Origin and Sec-Fetch-Site, and by the user who owns the process at the
other end. A new connection is checked by the number of open ones, and by that user if many are open. A rejected
request gets a status and a reason, a rejected connection is closed. ``reject`` counts both, and logs them at a
limited rate. Tokens are checked elsewhere. The peer server has its own limits.

Host (ignoring case) and Origin are compared as a whole: no patterns, no prefixes. On Linux, processes of other
users are rejected if the system reports the owner, and so are requests whose other end is closed already.
"""

import asyncio
import logging
from collections.abc import Callable, Collection
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from app.endpoints.connection_owner import Address, ConnectionGone, foreign_owner
from app.endpoints.listening import ends_of
from app.hub.rejection_log import RejectionLog

log = logging.getLogger(__name__)

CLOSED_EARLY = "the connection closed before its owner could be identified"
"""The reason of a rejection that is not a warning: the proxy of a development server that reloads does this."""

GetAll = Callable[[str], list[str]]
"""Returns all values of a request header."""


class Rejection(NamedTuple):
    """Why a request is rejected: HTTP status and a sentence for the user.

    ``origin`` is the origin to allow if that would help; else empty.
    """

    status: HTTPStatus
    reason: str
    origin: str = ""


class AccessPolicy:
    """Checks requests and connections, and records rejections. The three servers share one."""

    def __init__(self, allowed_origins: Callable[[], Collection[str]], rejections: RejectionLog) -> None:
        self._allowed_origins = allowed_origins
        self._rejections = rejections

    def check(
        self, get_all: GetAll, port: int, peer: Address | None, own: Address | None, *, known: bool = False
    ) -> Rejection | None:
        """Check a request by its Host, its Origin and the owner of its process; return None to accept it.

        ``known`` skips the owner, which was checked at an earlier request of the connection.

        A request without an Origin is accepted, because command-line clients send none. A browser sends the Origin
        with every request that can read the response or open a socket. It marks all others with Sec-Fetch-Site.
        """
        hosts = get_all("Host")
        if len(hosts) != 1 or hosts[0].lower() not in _own_hosts(port):
            return Rejection(HTTPStatus.FORBIDDEN, f"Host {_shown(hosts)} is not this machine's loopback address")
        origins = get_all("Origin")
        if origins and (len(origins) > 1 or origins[0] not in self._allowed_origins()):
            return Rejection(
                HTTPStatus.FORBIDDEN,
                f"origin {_shown(origins)} is not in the allowed origins "
                "(see Settings, or `companion server allow`)",
                _printable(origins[0]) if len(origins) == 1 else "",
            )
        site = get_all("Sec-Fetch-Site")
        if not origins and any(value not in ("none", "same-origin") for value in site):
            # An image or a script of a page of another site: browsers send those without an Origin.
            return Rejection(
                HTTPStatus.FORBIDDEN, f"the request comes from a page of another site ({_shown(site)})"
            )
        reason = "" if known else _foreign_process(peer, own)
        return Rejection(HTTPStatus.FORBIDDEN, reason) if reason else None

    def accepts(
        self, server: str, transport: asyncio.BaseTransport, open_count: int, limit: int, *, spare: int = 0
    ) -> bool:
        """Return whether to keep a connection that was just opened. A rejection is counted and journalled.

        If at least half of ``limit`` connections are open, processes of other users are rejected at once, so that
        they cannot lock out the owner. ``spare`` connections beyond the limit are kept, so that each of them gets
        a response that says why it is rejected.
        """
        if open_count >= limit + spare:
            reason = f"{limit} connections are open already"
        elif 2 * open_count < limit or not (reason := _foreign_process(*ends_of(transport))):
            return True
        self.reject(server, Rejection(HTTPStatus.SERVICE_UNAVAILABLE, reason))
        return False

    def reject(self, server: str, rejection: Rejection, user_agent: str = "") -> None:
        """Count and journal a rejection. One that the journal leaves out is not written to the log file either."""
        if rejection.reason == CLOSED_EARLY:
            self._rejections.add_harmless(server, rejection.reason)
        elif self._rejections.add(server, rejection.reason, rejection.origin, _printable(user_agent[:200])):
            log.info("rejected by %s: %s", server, rejection.reason)


def same_secret(given: str, expected: str) -> bool:
    """Compare secrets in constant time. An empty ``expected`` matches nothing."""
    import hmac  # loads OpenSSL, which the window does not need

    return bool(expected) and hmac.compare_digest(given.encode(errors="replace"), expected.encode())


def _foreign_process(peer: Address | None, own: Address | None) -> str:
    """Return why a process of another or an unidentified user is rejected; an empty text if it is accepted."""
    try:
        owner = foreign_owner(peer, own)
    except ConnectionGone:
        return CLOSED_EARLY
    return "" if owner is None else f"the process at the other end belongs to another user ({owner})"


@lru_cache(maxsize=16)
def _own_hosts(port: int) -> set[str]:
    names = ("127.0.0.1", "localhost", "[::1]")
    return {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())


def _shown(values: list[str]) -> str:
    return ", ".join(_printable(value[:120]) for value in values) or "(none)"


def _printable(value: str) -> str:
    """Return the text of a header, with ``?`` for lone surrogates, which stand for invalid UTF-8."""
    return value.encode(errors="replace").decode()
