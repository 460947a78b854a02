"""The HTTP server of the stand-in: API keys, status codes, error bodies, ``Prefer``, the cap of 1,000 rows.

A test changes the attributes of ``StandIn`` to cause failures. Requests are kept in ``requests``.
"""

import asyncio
import json
import ssl
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from types import MappingProxyType
from typing import Any, NamedTuple, Self

from aiohttp import web

from tests.postgrest_stand_in.query import BadQuery, parse
from tests.postgrest_stand_in.stores import SqlError, SqliteStore, Store

MAX_ROWS = 1000
PUBLISHABLE = "sb_publishable_0123456789abcdefghijkl_mnopqrst"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJyb2xlIjoiYW5vbiIsInJlZiI6InQifQ.c2lnbmF0dXJl"
STATUS = {
    "23503": 409, "23505": 409, "42501": 401, "42703": 400, "42P01": 404, "22P02": 400, "22007": 400, "23502": 400,
    "PGRST204": 400,
}  # fmt: skip


class Failure(NamedTuple):
    """An answer instead of the real one. ``status`` 0 closes the connection without an answer."""

    status: int
    headers: Mapping[str, str] = MappingProxyType({})
    body: str = '{"message":"unavailable"}'
    after: bool = False
    """Whether the request is carried out first: its answer gets lost."""
    method: str = ""
    """Only requests with this method fail."""


class Request(NamedTuple):
    method: str
    table: str
    query: dict[str, str]
    headers: dict[str, str]
    body: Any


class StandIn:
    """A Supabase project on a port of this computer."""

    def __init__(
        self, store: Store | None = None, keys: Sequence[str] = (PUBLISHABLE, JWT), *,
        host: str = "127.0.0.1", tls: ssl.SSLContext | None = None,
    ) -> None:  # fmt: skip
        self._host, self._tls = host, tls
        self.store: Store = store or SqliteStore()
        self.keys = set(keys)
        self.failures: deque[Failure] = deque()
        """The next requests fail like this."""
        self.asleep = False
        self.skew_s = 0.0
        self.now: Callable[[], float] = time.time
        self.missing_tables: set[str] = set()
        self.requests: list[Request] = []
        self.held: set[str] = set()
        """Requests with these methods wait until their client is gone, and are not carried out then."""
        self.slow = asyncio.Event()
        self.slow.set()
        """While it is cleared, requests wait."""
        self._runner: web.AppRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        app = web.Application(client_max_size=64 * 1024 * 1024)
        app.router.add_route("*", "/rest/v1/{table}", self._handle)
        self._runner = web.AppRunner(app, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, self._host, 0, ssl_context=self._tls)
        await site.start()
        self.url = f"{'https' if self._tls else 'http'}://{self._host}:{self._runner.addresses[0][1]}"
        return self

    async def __aexit__(self, *_: object) -> None:
        self.slow.set()
        if self._runner:
            await self._runner.cleanup()
        self.store.close()

    def calls(self, method: str, table: str) -> list[Request]:
        return [each for each in self.requests if (each.method, each.table) == (method, table)]

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """Return the rows of a table, without row-level security."""
        return await asyncio.to_thread(self.store.select, table, parse([], lambda name: name), 1_000_000)

    async def add(self, table: str, *rows: dict[str, Any]) -> None:
        await asyncio.to_thread(self.store.insert, table, list(rows), merge=False)

    def _date(self) -> str:
        return format_datetime(datetime.fromtimestamp(self.now() + self.skew_s, UTC), usegmt=True)

    async def _handle(self, request: web.Request) -> web.StreamResponse:
        table = request.match_info["table"]
        content = await request.read()
        body = json.loads(content) if content else None
        self.requests.append(Request(request.method, table, dict(request.query), dict(request.headers), body))
        await self.slow.wait()
        while request.method in self.held and request.transport is not None:  # noqa: ASYNC110 (set in any thread)
            await asyncio.sleep(0.01)
        if request.transport is None:
            return web.Response()
        failure = next((each for each in self.failures if each.method in ("", request.method)), None)
        if failure:
            self.failures.remove(failure)
        if failure is None or failure.after:
            answer = await self._answer(request, table, body)
        if failure:
            if failure.status == 0:
                assert request.transport is not None
                request.transport.abort()
                return web.Response()
            answer = web.Response(status=failure.status, text=failure.body, headers=failure.headers)
        answer.headers["Date"] = self._date()
        return answer

    async def _answer(self, request: web.Request, table: str, body: Any) -> web.Response:
        if self.asleep:
            return _json({"message": "Project is paused"}, 540)
        if not (key := request.headers.get("apikey")):
            return _json({"message": "No API key found in request", "hint": "No `apikey` request header."}, 401)
        if key not in self.keys:
            return _json({"message": "Invalid API key", "hint": "Double check your Supabase API key."}, 401)
        bearer = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if bearer and bearer.count(".") != 2:
            return _json(_error("PGRST301", "Expected 3 parts in JWT; got 1"), 401)
        if table in self.missing_tables:
            text = f"Could not find the table 'public.{table}' in the schema cache"
            return _json(_error("PGRST205", text), 404)
        try:
            return await asyncio.to_thread(self._run, request, table, body)
        except BadQuery as error:
            return _json(_error("PGRST100", str(error)), 400)
        except SqlError as error:
            if error.code == "42P01":
                text = f"Could not find the table 'public.{table}' in the schema cache"
                return _json(_error("PGRST205", text), 404)
            return _json(_error(error.code, error.message, error.details), STATUS.get(error.code, 500))

    def _run(self, request: web.Request, table: str, body: Any) -> web.Response:
        query = parse(list(request.query.items()), self.store.quote)
        prefer = {each.strip() for each in ",".join(request.headers.getall("Prefer", [])).split(",")}
        wants = "return=representation" in prefer
        limit = min(MAX_ROWS, MAX_ROWS if query.limit is None else query.limit)
        match request.method:
            case "GET":
                found = self.store.select(table, query, limit)
                end = f"{query.offset}-{query.offset + len(found) - 1}" if found else "*"
                return _json(found, 200, {"Content-Range": f"{end}/*"})
            case "POST":
                rows = body if isinstance(body, list) else [body]
                try:
                    found = self.store.insert(table, rows, merge="resolution=merge-duplicates" in prefer)
                except SqlError as error:
                    if error.code == "42703":  # PostgREST compares the body with its schema cache
                        raise SqlError("PGRST204", "Could not find the column in the schema cache") from None
                    raise
                return _changed(found, query.columns, 201, wants=wants)
            case "PATCH":
                found = self.store.update(table, body, query.where)
                return _changed(found, query.columns, 200 if wants else 204, wants=wants)
            case "DELETE":
                found = self.store.delete(table, query.where)
                return _changed(found, query.columns, 200 if wants else 204, wants=wants)
        return _json(_error("PGRST117", f"Unsupported HTTP method: {request.method}"), 405)


def _changed(rows: list[dict[str, Any]], columns: tuple[str, ...], status: int, *, wants: bool) -> web.Response:
    if not wants:
        return web.Response(status=status)
    if columns != ("*",):
        rows = [{name: row[name] for name in columns} for row in rows]
    return _json(rows, status)


def _error(code: str, message: str, details: str | None = None) -> dict[str, Any]:
    return {"code": code, "message": message, "details": details, "hint": None}


def _json(value: Any, status: int, headers: dict[str, str] | None = None) -> web.Response:
    text = json.dumps(value, ensure_ascii=False)
    return web.Response(status=status, text=text, content_type="application/json", headers=headers)
