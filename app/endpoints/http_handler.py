"""The request handler of ``http_server``. If a request is not valid HTTP, so that no application receives it, the
response has the headers of the other responses, not those of aiohttp, and does not quote the request. It is a line
of text, unless the application has responses of its own. A valid request is completed although its client
disconnects, unless the application asks to be cancelled then.

It is a module of its own because it loads aiohttp.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, TypeAlias

from aiohttp import web
from typing_extensions import override

NOT_HTTP = "the request is not valid HTTP, or its URL or a header is longer than 8 KiB"


ErrorResponse: TypeAlias = Callable[[HTTPStatus, str], web.Response]
"""Returns the response for a status and a reason."""


def text_response(status: HTTPStatus, reason: str) -> web.Response:
    """Return the reason as a line of text."""
    return web.Response(status=status, text=f"{reason}\n")


class RequestHandler(web.RequestHandler):
    """Handles one connection. ``on_invalid`` is called with a reason if a request is not valid HTTP."""

    __slots__ = ("_error_response", "_headers", "_needs_client", "_on_invalid")

    def __init__(
        self,
        server: web.Server,
        headers: dict[str, str],
        on_invalid: Callable[[str], object],
        error_response: ErrorResponse = text_response,
        **options: Any,
    ) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._headers = headers
        self._on_invalid = on_invalid
        self._error_response = error_response
        self._needs_client: asyncio.Task[Any] | None = None

    @contextmanager
    def needing_client(self) -> Iterator[None]:
        """Cancel the current task if the client disconnects while the body is executed."""
        self._needs_client = task = asyncio.current_task()
        if task and self.transport is None:
            task.cancel()
        try:
            yield
        finally:
            self._needs_client = None

    @override
    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        if self._needs_client:
            self._needs_client.cancel()

    @override
    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = HTTPStatus.INTERNAL_SERVER_ERROR,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        super().handle_error(request, status, exc, message)  # raises if a response has begun
        text = HTTPStatus(status).phrase
        if status == HTTPStatus.BAD_REQUEST:
            self._on_invalid(text := NOT_HTTP)
        response = self._error_response(HTTPStatus(status), text)
        response.headers.update(self._headers)
        response.force_close()
        return response
