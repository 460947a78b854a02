"""Functions that read the body of an HTTP request, with a size limit and a timeout, and parse it as text or JSON.
The control API and the REST stand-in use them, also for the state that a page of the UI reports.
"""

import asyncio
from typing import Any, TypeVar

from aiohttp import web

from app.endpoints.http_server import BODY_TIMEOUT_S
from app.hub.long_calls import compute
from app.protocol.envelope import MAX_DEPTH, BadFrame, parse_json
from app.protocol.errors import Malformed, TooLarge, Unsupported

LARGE_CHARS = 64 * 1024
"""Longer JSON is parsed in a thread, so that it does not block the event loop."""

B = TypeVar("B", bytes, bytearray)


async def read_bytes(request: web.Request, limit: int) -> bytes:
    """Return the body. Raises ``RequestError``, and ``TimeoutError`` after ``BODY_TIMEOUT_S``.

    A compressed body is refused, not decompressed: a small one could become very large at once.
    """
    encodings = ",".join(request.headers.getall("Content-Encoding", [])).lower().split(",")
    if any(each.strip() not in ("", "identity") for each in encodings):
        raise Unsupported("The body is compressed (Content-Encoding). Send it uncompressed.")
    content = request.content
    try:
        if content.is_eof():  # it arrived together with the headers
            return _checked_size(content.read_nowait(), limit)
        body = bytearray()
        async with asyncio.timeout(BODY_TIMEOUT_S):
            async for chunk in content.iter_any():
                body += chunk
                _checked_size(body, limit)
        return bytes(body)
    except TimeoutError:  # a subclass of OSError
        raise
    except (web.RequestPayloadError, OSError):
        raise Malformed("The body could not be read.") from None


def as_text(body: bytes) -> str:
    """Return a body as text. Raises ``Malformed`` if it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8.") from None


async def as_json(body: bytes, max_depth: int = MAX_DEPTH) -> Any:
    """Parse a body as JSON. Raises ``Malformed`` with the line and column of the error."""
    text = as_text(body)
    try:
        if len(text) <= LARGE_CHARS:
            return parse_json(text, max_depth)
        return await compute(parse_json, text, max_depth)
    except BadFrame as bad:
        reason = "the body is empty" if not text.strip() else str(bad)
        raise Malformed(f"The body is not valid JSON: {reason}.") from None


def _checked_size(body: B, limit: int) -> B:
    if len(body) > limit:
        raise TooLarge(f"The body is over {limit // 1024:,} KiB.")
    return body
