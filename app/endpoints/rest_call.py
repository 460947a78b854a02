"""One REST call of the chat UI while it is handled: its body, its row in the log, and what follows from it.

``rest_handling`` creates a ``HandledCall`` for each request, and the handlers of ``rest`` find it with ``CALL``.
"""

import json
from collections.abc import Sequence
from typing import Any

from aiohttp import web

from app.endpoints.body import as_json, read_bytes
from app.hub.causes import RestCall
from app.hub.outgoing import Effect
from app.protocol.errors import Malformed, RequestError

MAX_BODY_BYTES = 256 * 1024
"""Room for 10,000 characters, each escaped as a surrogate pair."""


class HandledCall:
    """A REST call while it is handled."""

    def __init__(self, request: web.Request) -> None:
        self.request = request
        self.cause: RestCall | None = None
        """The call after it has passed the interceptors, if there are any."""
        self.effects: Sequence[Effect] = ()
        """Events that follow from it; they are sent after the call is logged."""
        self.row: int | None = None
        """The number of its row in the log, or 0 if it has none. None before, and after it was reported."""
        self.failed = False
        """Whether the UI receives no response, or one that its page cannot read."""
        self.usable = True
        """Whether no fault prevents the page from using the response of the handler."""
        self._received: bytes | None = None
        self._changed: bytes | None = None
        """The body that an interceptor has put in the place of the received one."""

    async def read(self) -> bytes:
        """Return the body as received, or as changed by the interceptors.

        It is read once and kept, because the log needs it after the handler. A body that cannot be read raises the
        error once, and is empty after that.
        """
        if self._received is None:
            self._received = b""
            self._received = await read_bytes(self.request, MAX_BODY_BYTES)
        return self._received if self._changed is None else self._changed

    def intercepted(self, cause: RestCall) -> None:
        """Continue with the call as the interceptors have left it."""
        self.cause, self._changed = cause, cause.body

    async def body(self) -> bytes:
        """Return the body as ``read`` does; empty if it cannot be read."""
        try:
            return await self.read()
        except (RequestError, OSError):
            return b""

    async def received(self) -> bytes:
        """Return the body as the page has sent it; empty if it cannot be read."""
        await self.body()
        return self._received or b""

    async def json(self) -> dict[str, Any]:
        """Return the body as a JSON object. Raises ``RequestError``."""
        value = await as_json(await self.read())
        if not isinstance(value, dict):
            raise Malformed("The body must be a JSON object.")
        return value

    async def payload(self) -> bytes:
        """Return the payload of the call's row: the query of a GET request, the body of any other."""
        return _query(self.request) if self.request.method == "GET" else await self.body()


def _query(request: web.Request) -> bytes:
    """Return the query as a JSON object, with numbers for a valid limit and offset; empty if there is no query."""
    values: dict[str, str | int] = dict(request.query)
    for name in ("limit", "offset"):
        text = str(values.get(name, ""))
        if text.isascii() and text.isdigit() and len(text) <= 18:
            values[name] = int(text)
    return json.dumps(values, ensure_ascii=False).encode(errors="replace") if values else b""


CALL = web.RequestKey("call", HandledCall)
"""The key of a request's ``HandledCall``."""
