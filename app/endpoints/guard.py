"""Who may come in: Host, Origin and path, compared exactly (no patterns, no prefixes)."""

from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import NamedTuple

from app.protocol.constants import EVENTS_PATH

GetAll = Callable[[str], list[str]]
"""Returns every value of a request header that may repeat."""


class Refusal(NamedTuple):
    """Why a request may not come in: HTTP status and a person's sentence."""

    status: HTTPStatus
    reason: str


def refuse(target: str, get_all: GetAll, port: int, allowed_origins: Collection[str]) -> Refusal | None:
    """Judge a handshake by its raw request target and headers; None means welcome."""
    if target.partition("?")[0] != EVENTS_PATH:
        return Refusal(HTTPStatus.NOT_FOUND, f"no such path: {target[:80]!a}; the event stream is at {EVENTS_PATH}")
    return refuse_source(get_all, port, allowed_origins)


def refuse_source(get_all: GetAll, port: int, allowed_origins: Collection[str]) -> Refusal | None:
    """Judge a request by its Host and Origin; None means welcome.

    A missing Origin is welcome: command-line clients send none, and a browser always sends one.
    """
    hosts = get_all("Host")
    if len(hosts) != 1 or hosts[0].lower() not in _own_hosts(port):
        return Refusal(HTTPStatus.FORBIDDEN, f"Host {_shown(hosts)} is not this machine's loopback address")
    origins = get_all("Origin")
    if origins and (len(origins) > 1 or origins[0] not in allowed_origins):
        return Refusal(
            HTTPStatus.FORBIDDEN, f"origin {_shown(origins)} is not in the allowed origins (see Settings)"
        )
    return None


def _own_hosts(port: int) -> set[str]:
    names = ("127.0.0.1", "localhost", "[::1]")
    return {f"{name}:{port}" for name in names} | (set(names) if port == 80 else set())


def _shown(values: list[str]) -> str:
    return ", ".join(value[:120] for value in values) or "(none)"
