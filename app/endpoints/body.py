"""Read a request body: bounded, within a time limit, as bytes, text or JSON. For REST and the control API alike."""

import asyncio
from typing import Any, TypeVar

from aiohttp import web

from app.endpoints.http_server import BODY_S
from app.protocol.envelope import BadFrame, parse_json
from app.protocol.errors import Malformed, TooLarge

LARGE_CHARS = 64 * 1024
"""Longer JSON is parsed in a thread, so that the event loop goes on."""

B = TypeVar("B", bytes, bytearray)


async def read_bytes(request: web.Request, limit: int) -> bytes:
    """Return the body. Raises ``TooLarge``, ``Malformed``, and ``TimeoutError`` after ``BODY_S`` seconds."""
    content = request.content
    try:
        if content.is_eof():  # it arrived together with the head: no need to wait
            return _bounded(content.read_nowait(), limit)
        body = bytearray()
        async with asyncio.timeout(BODY_S):
            async for chunk in content.iter_any():
                body += chunk
                _bounded(body, limit)
        return bytes(body)
    except TimeoutError:  # which is an OSError
        raise
    except (web.RequestPayloadError, OSError):
        raise Malformed("The body could not be read.") from None


def as_text(body: bytes) -> str:
    """Return a body as text. Raises ``Malformed`` if it is not UTF-8."""
    try:
        return body.decode()
    except UnicodeDecodeError:
        raise Malformed("The body is not UTF-8.") from None


async def as_json(body: bytes) -> Any:
    """Return a body as JSON values. Raises ``Malformed`` with the place of the fault."""
    text = as_text(body)
    try:
        return parse_json(text) if len(text) <= LARGE_CHARS else await asyncio.to_thread(parse_json, text)
    except BadFrame as bad:
        reason = "the body is empty" if not text.strip() else str(bad)
        raise Malformed(f"The body is not valid JSON: {reason}.") from None


def _bounded(body: B, limit: int) -> B:
    if len(body) > limit:
        raise TooLarge(f"The body is over {limit // 1024:,} KiB.")
    return body
