"""Operations on the journal: its rows, a stream of them, and sending one again."""

import asyncio
from collections.abc import Iterator
from http import HTTPStatus

import msgspec
from aiohttp import web

from app.endpoints.control import journal_shapes as shapes
from app.endpoints.control.firing_shapes import Fired, fired
from app.endpoints.control.operations import STREAM, Call, Operations, Scope, number, operation
from app.endpoints.control.service import Service
from app.hub.filter import Filter, parse
from app.hub.journal import Kind, Row
from app.hub.origin import CONTROL
from app.hub.row_codec import to_json
from app.hub.row_store import RowStore
from app.hub.search import step_size
from app.protocol.errors import Conflict, Invalid, NotFound

FLUSH_S = 0.05
"""A stream sends what came within this time together."""
HEARTBEAT_S = 15.0


class JournalOperations(Operations):
    """What *Events* can do."""

    @operation("GET", "/v1/journal", scope=Scope.AGENT, query=shapes.JournalQuery, answer=shapes.JournalPage)
    async def journal(self, call: Call) -> shapes.JournalPage:
        """Return rows of the journal."""
        query: shapes.JournalQuery = call.query
        journal, wanted = self._service.journal, _filter(query.filter)
        last = journal.last_seq
        newest = query.after is None
        rows = list(await _passing(journal.rows.copy(), query.after or 0, wanted, query.limit, newest=newest))
        more = query.after is not None and len(rows) == query.limit
        return shapes.JournalPage(
            rows=[to_json(row) for row in rows],
            next_after=rows[-1].seq if more else last,
            last_seq=last,
            dropped=journal.dropped,
        )

    @operation("PATCH", "/v1/journal", scope=Scope.FULL, body=shapes.JournalBody, answer=shapes.JournalState)
    async def change_journal(self, call: Call) -> shapes.JournalState:
        """Log the UI's GET requests, or no longer."""
        await self._service.log_get_requests(call.body.log_get_requests)
        return journal_state(self._service)

    @operation("POST", "/v1/journal/{seq}/resend", scope=Scope.AGENT, answer=Fired,
               refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def resend(self, call: Call) -> Fired:
        """Send the frame of a row again, to the same target; the chat state does not change."""
        seq = number(call.path["seq"])
        row = None if seq is None else self._service.journal.rows.row(seq)
        if row is None:
            raise NotFound(f"There is no row {call.path['seq'][:40]} in the log.")
        if row.kind is not Kind.TO_UI:
            raise Conflict(f"Row {row.seq} did not go to the UI, so it cannot be sent again.")
        return fired(await self._service.resend(row, origin=CONTROL))

    @operation(
        "GET", "/v1/journal/stream", scope=Scope.AGENT, query=shapes.StreamQuery, answer=str, answer_media=STREAM
    )
    async def journal_stream(self, call: Call) -> web.StreamResponse:
        """Follow the journal as server-sent events: each has a row's number as id and the row as JSON."""
        journal, wanted = self._service.journal, _filter(call.query.filter)
        again = number(call.request.headers.get("Last-Event-ID", ""))
        seen = call.query.after if again is None else again
        seen = journal.last_seq if seen is None else seen
        response = web.StreamResponse(headers={"Content-Type": STREAM, "Cache-Control": "no-store"})
        await response.prepare(call.request)
        await response.write(b": following\n\n")
        came = asyncio.Event()
        disconnect = journal.appended.connect(lambda _: came.set())
        try:
            while True:
                came.clear()
                if seen + 1 < journal.first_seq:
                    lost = journal.first_seq - seen - 1
                    await response.write(b'event: dropped\ndata: {"rows":%d}\n\n' % lost)
                held, after, seen = journal.rows.copy(), seen, journal.last_seq
                for row in await _passing(held, after, wanted):
                    await response.write(b"id: %d\ndata: %s\n\n" % (row.seq, msgspec.json.encode(to_json(row))))
                await _some_time(came, response)
        except (ConnectionError, OSError):
            return response  # it has gone
        finally:
            disconnect()


def journal_state(service: Service) -> shapes.JournalState:
    """Return the size of the journal for an answer."""
    journal = service.journal
    return shapes.JournalState(
        rows=len(journal), first_seq=journal.first_seq, last_seq=journal.last_seq, dropped=journal.dropped,
        log_get_requests=service.settings.log_get_requests,
    )  # fmt: skip


def _filter(text: str) -> Filter:
    wanted = parse(text)
    if wanted.warnings:
        raise Invalid(f"The filter: {'; '.join(wanted.warnings)}.")
    return wanted


async def _passing(
    rows: RowStore, after: int, wanted: Filter, limit: int | None = None, *, newest: bool = False
) -> Iterator[Row]:
    """Return the first rows after a number that pass, or the newest ones, without holding up the loop.

    Nobody may add to ``rows`` meanwhile. Each row is built when its turn has come.
    """
    passing: list[int] = []
    first, size = max(after + 1, rows.first), step_size(wanted, rows)
    for start in range(first, rows.last + 1, size):
        if start > first:
            await asyncio.sleep(0)
        found = wanted.matching(rows.columns(start, start + size - 1))
        passing += [start + place for place in found]
        if limit and not newest and len(passing) >= limit:
            break
    chosen = passing if limit is None else passing[-limit:] if newest else passing[:limit]
    return (row for seq in chosen if (row := rows.row(seq)))


async def _some_time(came: asyncio.Event, response: web.StreamResponse) -> None:
    """Wait for rows; tell the other end now and then that it still waits."""
    while not came.is_set():
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await came.wait()
        except TimeoutError:
            await response.write(b": still here\n\n")
    await asyncio.sleep(FLUSH_S)
