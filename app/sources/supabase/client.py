"""The HTTP client of a Supabase project: call a table, limit the time and the size of the response, and raise
``DirectoryError`` if the call fails. It reports each call for the log, and measures the difference of the clocks.

This module loads aiohttp. Load it, and the modules that import it, in a thread, and only when the source is used.
"""

import asyncio
import ssl
from collections.abc import Awaitable, Callable, Mapping
from email.utils import parsedate_to_datetime
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import aiohttp
import msgspec
import truststore

from app import __version__
from app.hub.clock import Clock
from app.protocol.directory.errors import DirectoryError, FailureKind, explain
from app.protocol.times import seconds_of
from app.supabase_project import base_url, is_jwt, is_loopback

TIMEOUT_S = 20.0
"""Limit of one call, with the time to connect."""
MAX_RESPONSE = 2 * 1024 * 1024
"""Larger responses are not read: the caller asks for fewer rows."""
MAX_ERROR_BODY = 64 * 1024
CHUNK = 64 * 1024
SKEW_RESOLUTION_S = 3.0
"""A smaller difference is ignored, because the header ``Date`` has whole seconds and a response takes time."""
MAX_SKEW_S = 100 * 365 * 86_400.0
"""A larger difference is ignored: the project's header is wrong, not a clock."""
MAX_RETRY_AFTER_S = 3600.0


class FinishedCall(NamedTuple):
    """A call and its result, for the log. ``error`` is empty if it succeeded. No field contains the key."""

    method: str
    table: str
    query: Mapping[str, str]
    body: Any
    status: int
    """0 if there was no response."""
    duration_s: float
    rows: int | None
    """Number of rows in the response; None if it has no rows."""
    error: str


class DirectoryClient:
    """Calls the tables of one project. ``close`` ends the connections.

    ``find_proxy`` returns the system's proxy for an address, or None. It may block, and is called in a thread:
    before the first call, and again after a failure of the network, as the computer may be in another network.
    """

    def __init__(
        self,
        url: str,
        key: str,
        clock: Clock,
        on_call: Callable[[FinishedCall], None],
        find_proxy: Callable[[str], str | None] = lambda _: None,
    ) -> None:
        """``url`` and ``key`` are valid: see ``supabase_project``."""
        self._base = base_url(url)
        self._host = urlsplit(url).hostname or ""
        self._clock = clock
        self._on_call = on_call
        self._find_proxy = find_proxy
        self._headers = {
            "apikey": key, "Accept": "application/json", "User-Agent": f"p2p-chat-companion/{__version__}",
            "Accept-Encoding": "identity",  # a compressed response of a few KiB may have gigabytes
        }  # fmt: skip
        if is_jwt(key):
            self._headers["Authorization"] = f"Bearer {key}"
        self._session: aiohttp.ClientSession | None = None
        self._proxy: str | None = None
        self._proxy_known = False
        self._closed = False
        self.skew_s = 0.0
        """How many seconds the project's clock is ahead of this computer's; 0 if the difference is too small."""
        self.latency_s: float | None = None
        """Duration of the latest call that got a response."""

    def now(self) -> float:
        """Return the project's time in seconds since the epoch."""
        return self._clock.wall() + self.skew_s

    async def call(
        self,
        method: str,
        table: str,
        query: Mapping[str, str],
        body: Any = None,
        *,
        prefer: str = "",
        most: int = MAX_RESPONSE,
    ) -> bytes:
        """Send one call, and return the body of its response, at most ``most`` bytes. Raises ``DirectoryError``."""
        started = self._clock.mono()
        status, rows, error = 0, None, ""
        try:
            status, content = await self._send(method, table, query, body, prefer, most)
            rows = _count_rows(content)
            return content
        except DirectoryError as failed:
            error = str(failed)
            raise
        finally:
            duration_s = self._clock.mono() - started
            self._on_call(FinishedCall(method, table, query, body, status, duration_s, rows, error))

    async def close(self) -> None:
        """Close the connections. May be called twice."""
        self._closed = True
        session, self._session = self._session, None
        if session:
            await session.close()

    async def _send(
        self, method: str, table: str, query: Mapping[str, str], body: Any, prefer: str, most: int
    ) -> tuple[int, bytes]:
        if not self._proxy_known:
            self._proxy = None if is_loopback(self._host) else await asyncio.to_thread(self._find_proxy, self._base)
            self._proxy_known = True
        if self._closed:  # a message was to be sent while the source was switched off
            raise DirectoryError(FailureKind.NETWORK, "The source was switched off.")
        session = self._session or self._open()
        headers = {"Prefer": prefer} if prefer else {}
        if body is not None:
            headers["Content-Type"] = "application/json"
        started = self._clock.mono()
        try:
            async with (
                asyncio.timeout(TIMEOUT_S),
                session.request(
                    method, f"{self._base}/{table}", params=dict(query), headers=headers, proxy=self._proxy,
                    data=None if body is None else msgspec.json.encode(body), allow_redirects=False,
                ) as answer,
            ):  # fmt: skip
                self.latency_s = self._clock.mono() - started
                self._note_time(answer.headers.get("Date", ""))
                if 300 <= answer.status < 400:
                    raise DirectoryError(
                        FailureKind.RESPONSE,
                        "The address redirects to another one. Enter the project's own address.",
                    )
                if answer.status >= 400:
                    error = explain(answer.status, await _read(answer, MAX_ERROR_BODY, cut=True), table)
                    error.retry_after_s = _retry_after(answer.headers.get("Retry-After", ""), self.now())
                    raise error
                return answer.status, await _read(answer, most)
        except DirectoryError:
            raise
        except Exception as error:
            if (found := self._network_error(error)) is None:
                raise
            self._proxy_known = False
            raise found from None

    def _open(self) -> aiohttp.ClientSession:
        # The system's certificates, as for updates: a bundle contains none, and a company's proxy may need its own.
        trusted = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        self._session = aiohttp.ClientSession(
            headers=self._headers,
            connector=aiohttp.TCPConnector(ssl=trusted, limit=4),
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None),  # asyncio.timeout limits the whole call
        )
        return self._session

    def _note_time(self, date: str) -> None:
        try:
            skew = seconds_of(parsedate_to_datetime(date)) - self._clock.wall()
        except (ValueError, OverflowError):
            return
        if abs(skew) > MAX_SKEW_S:
            return
        self.skew_s = skew if abs(skew) > SKEW_RESOLUTION_S else 0.0

    def _network_error(self, error: Exception) -> DirectoryError | None:
        host = self._host
        match error:
            case TimeoutError():
                return DirectoryError(
                    FailureKind.TIMEOUT, f"{host} did not respond within {TIMEOUT_S:g} s. Check the network."
                )
            case aiohttp.ClientConnectorDNSError():
                hint = "; a project that was paused for a long time loses its name" if _is_hosted(host) else ""
                return DirectoryError(FailureKind.DNS, f"The name {host} was not found: check the address{hint}.")
            case aiohttp.ClientSSLError() | ssl.SSLError():
                return DirectoryError(
                    FailureKind.TLS,
                    f"The encrypted connection to {host} failed: its certificate or protocol is not valid. "
                    "Check the address.",
                )
            case aiohttp.ClientProxyConnectionError():
                return DirectoryError(
                    FailureKind.NETWORK, "The system's proxy cannot be reached. Check its address."
                )
            case aiohttp.ClientConnectorError() if isinstance(error.os_error, ConnectionRefusedError):
                return DirectoryError(
                    FailureKind.REFUSED,
                    f"{host} refused the connection: no server listens there. Check the address.",
                )
            case aiohttp.ClientError() | OSError() | ValueError():
                why = type(error).__name__
                return DirectoryError(
                    FailureKind.NETWORK, f"The connection to {host} failed ({why}). Check the network."
                )
        return None


class _Row(msgspec.Struct, gc=False):
    """A row whose values are not read."""


_rows = msgspec.json.Decoder(list[_Row])


def _count_rows(content: bytes) -> int | None:
    """Return the number of objects in a JSON list; None if it is not one."""
    try:
        return len(_rows.decode(content))
    except (msgspec.DecodeError, RecursionError):
        return None


async def _read(answer: aiohttp.ClientResponse, most: int, *, cut: bool = False) -> bytes:
    content = bytearray()
    async for part in answer.content.iter_chunked(CHUNK):
        content += part
        if len(content) > most:
            if cut:
                return bytes(content[:most])
            raise DirectoryError(FailureKind.TOO_LARGE, f"The response has more than {most // 1024:,} KiB.")
    return bytes(content)


def _retry_after(text: str, now: float) -> float | None:
    """Return the seconds of a header ``Retry-After``, which is a number or a date; at most an hour."""
    try:
        seconds = float(text) if text.isdigit() else seconds_of(parsedate_to_datetime(text)) - now
    except (ValueError, OverflowError):
        return None
    return min(max(seconds, 0.0), MAX_RETRY_AFTER_S)


def _is_hosted(host: str) -> bool:
    return host.endswith((".supabase.co", ".supabase.in"))


Call = Callable[..., Awaitable[bytes]]
"""The signature of ``DirectoryClient.call``."""
