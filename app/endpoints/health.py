"""Return the response to ``GET /health``, which scripts poll until the companion is ready: 503 while it starts or
stops, otherwise 200. The event server, the REST stand-in and the control API give the same response.

A request needs no token, but passes the same checks of Host, Origin and process as other requests. If they accept
it, it is not logged, held, changed by faults or limited in its rate, because it is not traffic of a UI.
"""

import json
from collections.abc import Callable
from http import HTTPStatus
from typing import NamedTuple

from app import __version__

PATH = "/health"
METHODS = ("GET", "HEAD")
"""Tools that wait for a server often send HEAD: the response is the same, without its body."""
NAME = "p2p-chat-companion"
RETRY_S = 1
"""Value of the header ``Retry-After``, in seconds."""

IsReady = Callable[[], bool]
"""Returns whether the start of the companion's servers has ended, and their stop has not begun."""


class HealthAnswer(NamedTuple):
    """A response: 200 if the companion is ready, 503 while it starts or stops."""

    status: HTTPStatus
    body: bytes
    """JSON with ``name``, ``version`` and ``ready``."""
    headers: dict[str, str]


def health(*, ready: bool) -> HealthAnswer:
    """Return the response to ``GET /health``."""
    status = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    body = json.dumps({"name": NAME, "version": __version__, "ready": ready}, separators=(",", ":"))
    headers = {"Content-Type": "application/json", "Cache-Control": "no-store"}
    return HealthAnswer(status, body.encode(), headers if ready else {**headers, "Retry-After": str(RETRY_S)})


def always_ready() -> bool:
    """Return True: for a server that is used without a companion."""
    return True
