"""Who may come in, the same at all doors: Host, Origin and path are compared exactly (no patterns, no prefixes)."""

import asyncio
import hmac
import logging
from collections.abc import Callable, Collection
from functools import lru_cache
from http import HTTPStatus
from typing import NamedTuple

from app.endpoints.connection_owner import Address, Gone, foreign_owner
from app.endpoints.listening import ends_of
from app.hub.rejection_log import RejectionLog

log = logging.getLogger(__name__)

CLOSED_EARLY = "the connection closed before its owner could be identified"
"""The reason of a refusal that is not logged as a warning: a development server that reloads does this."""

GetAll = Callable[[str], list[str]]
"""Returns every value of a request header that may repeat."""


class Rejection(NamedTuple):
    """Why a request may not come in: HTTP status and a person's sentence.

    ``origin`` is the one that would have to be allowed, where that is the reason.
    """

    status: HTTPStatus
    reason: str
    origin: str = ""


class AccessPolicy:
    """One for all doors."""

    def __init__(self, allowed_origins: Callable[[], Collection[str]], refused: RejectionLog) -> None:
        self._allowed_origins = allowed_origins
        self._refused = refused

    def judge(
        self, get_all: GetAll, port: int, peer: Address | None, own: Address | None, *, known: bool = False
    ) -> Rejection | None:
        """Judge a request by its Host, its Origin and whose process it comes from; None means welcome.

        ``known`` is a connection whose process was judged before.

        A missing Origin is welcome: command-line clients send none. A browser sends one with what can read an
        answer or open a socket; what it sends without, it marks with the site that asked.
        """
        hosts = get_all("Host")
        if len(hosts) != 1 or hosts[0].lower() not in _own_hosts(port):
            return Rejection(HTTPStatus.FORBIDDEN, f"Host {_shown(hosts)} is not this machine's loopback address")
        origins = get_all("Origin")
        if origins and (len(origins) > 1 or origins[0] not in self._allowed_origins()):
            return Rejection(
                HTTPStatus.FORBIDDEN,
                f"origin {_shown(origins)} is not in the allowed origins (see Settings)",
                _text(origins[0]) if len(origins) == 1 else "",
            )
        site = get_all("Sec-Fetch-Site")
        if not origins and any(value not in ("none", "same-origin") for value in site):
            # A picture or a script of a foreign page: browsers send no Origin with those, but say that.
            return Rejection(HTTPStatus.FORBIDDEN, f"a page of another site asked for this ({_shown(site)})")
        foreign = "" if known else _foreign(peer, own)
        return Rejection(HTTPStatus.FORBIDDEN, foreign) if foreign else None

    def accepts(
        self, door: str, transport: asyncio.BaseTransport, taken: int, limit: int, *, spare: int = 0
    ) -> bool:
        """Return whether a connection that has said nothing yet may stay; a refusal is counted and journalled.

        If half of ``limit`` is taken, other users' processes are refused at once, so they cannot lock the owner
        out. ``spare`` is how many are accepted beyond the limit, to be told so.
        """
        if taken >= limit + spare:
            reason = f"{limit} connections are open already"
        elif 2 * taken < limit or not (reason := _foreign(*ends_of(transport))):
            return True
        self.reject(door, Rejection(HTTPStatus.SERVICE_UNAVAILABLE, reason))
        return False

    def reject(self, door: str, refusal: Rejection, user_agent: str = "") -> None:
        """Remember and journal a refusal. The log file gets no more of them than the journal."""
        if refusal.reason == CLOSED_EARLY:
            self._refused.add_harmless(door, refusal.reason)
        elif self._refused.add(door, refusal.reason, refusal.origin, _text(user_agent[:200])):
            log.info("refused at %s: %s", door, refusal.reason)


def same_secret(given: str, wanted: str) -> bool:
    """Compare secrets in constant time; an empty one is never the same."""
    return bool(wanted) and hmac.compare_digest(given.encode(errors="replace"), wanted.encode())


def _foreign(peer: Address | None, own: Address | None) -> str:
    """Return why a process may not connect that is not the owner's, or is not known; an empty text if it may."""
    try:
        owner = foreign_owner(peer, own)
    except Gone:
        return CLOSED_EARLY
    return "" if owner is None else f"the process at the other end belongs to another user ({owner})"


@lru_cache(maxsize=16)
def _own_hosts(port: int) -> set[str]:
    names = ("127.0.0.1", "localhost", "[::1]")
    return {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())


def _shown(values: list[str]) -> str:
    return ", ".join(_text(value[:120]) for value in values) or "(none)"


def _text(value: str) -> str:
    """Return what of a header can be written down: bytes that are no text come as lone surrogates."""
    return value.encode(errors="replace").decode()
