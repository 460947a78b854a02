"""The request handler of ``http_server``. If a request is not valid HTTP, so that no application receives it, the
response has the headers of the other responses, not those of aiohttp, and does not quote the request.

It is a module of its own because it loads aiohttp.
"""

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from aiohttp import web
from typing_extensions import override

NOT_HTTP = "the request is not valid HTTP, or its URL or a header is longer than 8 KiB"


class RequestHandler(web.RequestHandler):
    """Handles one connection. ``on_invalid`` is called with a reason if a request is not valid HTTP."""

    __slots__ = ("_headers", "_on_invalid")

    def __init__(
        self, server: web.Server, headers: dict[str, str], on_invalid: Callable[[str], object], **options: Any
    ) -> None:
        super().__init__(server, loop=asyncio.get_running_loop(), **options)
        self._headers = headers
        self._on_invalid = on_invalid

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
        response = web.Response(status=status, text=f"{text}\n", headers=self._headers)
        response.force_close()
        return response
