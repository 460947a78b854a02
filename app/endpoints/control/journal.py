"""Control API operations on the log: return or stream its rows, pin or annotate a row, send a frame to the UI
again, make a scenario from rows, export rows, for example as a test or a bug report, and switch whether successful
GET requests of the UI are logged.

The code calls the log *journal*.
"""

import asyncio
from collections.abc import Iterator
from http import HTTPStatus

from aiohttp import web

from app.endpoints.control import journal_shapes as shapes
from app.endpoints.control.export_shapes import ExportedFile, exported_file
from app.endpoints.control.firing_shapes import Fired, fired
from app.endpoints.control.operations import ENDING, STREAM, Call, Operations, Scope, number, operation
from app.endpoints.control.service import Service
from app.hub.filter import Filter, parse
from app.hub.journal import Kind, Row
from app.hub.row_codec import JournalRow, encode, to_json
from app.hub.row_marks import MAX_AGENT_MARKS, MAX_MARKS
from app.hub.row_store import RowStore
from app.hub.scenario_from_rows import MAX_ROWS
from app.hub.search import step_size
from app.protocol.counts import count_with
from app.protocol.errors import Conflict, Invalid, NotFound
from app.protocol.export_kinds import Kind as ExportKind

FLUSH_S = 0.05
"""A stream waits this long for more rows, and sends them together."""
BATCH_ROWS = 1_000
"""A stream finds at most this many rows at once, because it keeps them until the client has taken them."""
HEARTBEAT_S = 15.0
"""A stream without rows sends a comment at this interval, so that proxies do not close it."""


class JournalOperations(Operations):
    """Operations on the journal, which the Events room of the window shows."""

    @operation("GET", "/v1/journal", scope=Scope.AGENT, query=shapes.PageQuery, answer=shapes.JournalPage)
    async def journal(self, call: Call) -> shapes.JournalPage:
        """Return rows of the journal, oldest first. ``run`` skips none if the companion was restarted."""
        query: shapes.PageQuery = call.query
        journal, wanted = self._service.journal, self._filter(query.filter)
        last, marks = journal.last_seq, journal.rows.marks
        newest = query.after is None
        after = 0 if query.run not in ("", journal.run_id) else query.after or 0
        rows = list(await _matching_rows(journal.rows.copy(), after, wanted, query.limit, newest=newest))
        more = query.after is not None and len(rows) == query.limit
        return shapes.JournalPage(
            rows=[to_json(row, marks[row.seq]) for row in rows],
            next_after=rows[-1].seq if more else last,
            last_seq=last,
            dropped=journal.dropped,
            run=journal.run_id,
        )

    @operation("PATCH", "/v1/journal", scope=Scope.FULL, body=shapes.JournalBody, answer=shapes.JournalState)
    async def change_journal(self, call: Call) -> shapes.JournalState:
        """Turn the logging of the UI's GET requests on or off."""
        await self._service.log_get_requests(call.body.log_get_requests)
        return journal_state(self._service)

    @operation("PATCH", "/v1/journal/{seq}", scope=Scope.AGENT, body=shapes.MarkBody, answer=JournalRow,
               errors=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def mark_row(self, call: Call) -> JournalRow:
        """Pin or annotate a row, until the companion ends. The filters is:pinned and is:annotated find it."""
        row = self._row(call.path["seq"])
        most = MAX_AGENT_MARKS if call.by_agent else MAX_MARKS
        mark = self._service.journal.mark(
            row.seq, pinned=call.body.pinned, annotation=call.body.annotation, most=most
        )
        return to_json(row, mark)

    @operation("POST", "/v1/journal/{seq}/resend", scope=Scope.AGENT, answer=Fired,
               errors=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def resend(self, call: Call) -> Fired:
        """Send the frame of a row again, to the same recipients. The chat state does not change."""
        row = self._row(call.path["seq"])
        if row.kind is not Kind.TO_UI:
            raise Conflict(f"Row {row.seq} cannot be sent again, because it is not a frame to the UI.")
        return fired(await self._service.resend(row, origin=call.origin))

    @operation("POST", "/v1/journal/scenario", scope=Scope.AGENT, body=shapes.ScenarioBody,
               answer=shapes.ScenarioText, errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def make_scenario(self, call: Call) -> shapes.ScenarioText:
        """Return a scenario that does again what rows show. What the UI sent becomes expectations."""
        body: shapes.ScenarioBody = call.body
        rows, notes = await self._chosen(body)
        with call.needing_client():
            text = await self._service.export_actions.scenario(rows, body.title)
        return shapes.ScenarioText(text=text, notes=[*notes])

    @operation("POST", "/v1/journal/export", scope=Scope.AGENT, body=shapes.LogExportBody,
               answer=ExportedFile, errors=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def export_log(self, call: Call) -> ExportedFile:
        """Return rows as a test for Playwright or pytest, as handlers for MSW, as a bug report or another file."""
        body: shapes.LogExportBody = call.body
        rows, note = await self._chosen(body)
        with call.needing_client():
            exported = await self._service.export_actions.log(rows, ExportKind(body.kind), body.title)
        return exported_file(exported, body.kind, note)

    async def _chosen(self, body: shapes.ScenarioBody) -> tuple[list[Row], tuple[str, ...]]:
        """Return the rows that a request names, oldest first, and a note if more match. Raises ``RequestError``."""
        if body.rows is not None:
            return [self._row(str(seq)) for seq in sorted(set(body.rows))], ()
        wanted, limit = self._filter(body.filter), min(body.limit, MAX_ROWS)
        held, newest = self._service.journal.rows.copy(), body.after is None
        rows = list(await _matching_rows(held, body.after or 0, wanted, limit + 1, newest=newest))
        if len(rows) <= limit:
            return rows, ()
        which = "newest" if newest else "first"
        advice = "Set a higher limit" if limit < MAX_ROWS else "Choose rows with a filter"
        note = f"Only the {which} {count_with(limit, 'row', 'is', 'are')} exported, because more match."
        note += f" {advice}, or the row to begin after."
        return rows[-limit:] if newest else rows[:limit], (note,)

    @operation(
        "GET", "/v1/journal/stream", scope=Scope.AGENT, query=shapes.StreamQuery, answer=str, answer_media=STREAM
    )
    async def journal_stream(self, call: Call) -> web.StreamResponse:
        """Follow the journal as server-sent events: the data is a row as JSON, and the id continues after it.

        The id is the number of the row and the run of the companion, as in `12:19ad0f1c2b3`. After a restart
        of the companion, whose rows have smaller numbers again, all of its rows are sent.
        """
        journal, wanted = self._service.journal, self._filter(call.query.filter)
        last_id, _, run = call.request.headers.get("Last-Event-ID", "").partition(":")
        again = number(last_id)
        seen = call.query.after if again is None else again
        seen = journal.last_seq if seen is None else seen
        if seen > journal.last_seq or (again is not None and run not in ("", journal.run_id)):
            seen = 0  # it is a row of a companion that ran before; earlier versions sent ids without the run
        run_id = journal.run_id.encode()
        response = web.StreamResponse(headers={"Content-Type": STREAM, "Cache-Control": "no-store"})
        await response.prepare(call.request)
        await response.write(b": following\n\n")
        new_rows = asyncio.Event()
        disconnect = journal.appended.connect(lambda _: new_rows.set())
        ending = call.request.app[ENDING]
        stop_listening = ending.changed.connect(lambda _: new_rows.set())
        try:
            while True:
                new_rows.clear()
                if seen + 1 < journal.first_seq:
                    lost = journal.first_seq - seen - 1
                    await response.write(b'event: dropped\ndata: {"rows":%d}\n\n' % lost)
                last, marks = journal.last_seq, journal.rows.marks
                rows = list(await _matching_rows(journal.rows.copy(), seen, wanted, BATCH_ROWS))
                for row in rows:
                    data = encode(row, marks[row.seq])
                    await response.write(b"id: %d:%s\ndata: %s\n\n" % (row.seq, run_id, data))
                if len(rows) == BATCH_ROWS:  # there may be more
                    seen = rows[-1].seq
                    continue
                seen = last
                if ending.set:  # the stream is complete, so clients can tell this from a lost connection
                    return response
                await _wait_for_rows(new_rows, response)
        except (ConnectionError, OSError):
            return response  # the client has disconnected
        finally:
            disconnect()
            stop_listening()

    def _row(self, seq: str) -> Row:
        """Return the row with that number in a path. Raises ``NotFound``."""
        found = number(seq)
        row = None if found is None else self._service.journal.rows.row(found)
        if row is None:
            raise NotFound(f"Row {seq[:40]} is not in the log.")
        return row

    def _filter(self, text: str) -> Filter:
        wanted = parse(text, saved=self._service.settings.saved_filters)
        if wanted.warnings:
            raise Invalid(f"Filter: {'; '.join(wanted.warnings)}.")
        return wanted


def journal_state(service: Service) -> shapes.JournalState:
    """Return the size of the journal, its row numbers, and whether GET requests are logged, for a response."""
    journal = service.journal
    return shapes.JournalState(
        rows=len(journal), first_seq=journal.first_seq, last_seq=journal.last_seq, dropped=journal.dropped,
        run=journal.run_id, log_get_requests=service.settings.log_get_requests,
    )  # fmt: skip


async def _matching_rows(
    rows: RowStore, after: int, wanted: Filter, limit: int | None = None, *, newest: bool = False
) -> Iterator[Row]:
    """Return the first ``limit`` rows after a number that match the filter, or the newest ones, oldest first.

    Searches in steps, so that it does not block the event loop. ``rows`` must not change meanwhile.
    """
    matching: list[int] = []
    first, size = max(after + 1, rows.first), step_size(wanted, rows)
    for start in range(first, rows.last + 1, size):
        if start > first:
            await asyncio.sleep(0)
        found = wanted.matching(rows.columns(start, start + size - 1))
        matching += [start + place for place in found]
        if limit and not newest and len(matching) >= limit:
            break
    chosen = matching if limit is None else matching[-limit:] if newest else matching[:limit]
    return (row for seq in chosen if (row := rows.row(seq)))


async def _wait_for_rows(new_rows: asyncio.Event, response: web.StreamResponse) -> None:
    """Wait for rows. Send a comment at intervals."""
    while not new_rows.is_set():
        try:
            async with asyncio.timeout(HEARTBEAT_S):
                await new_rows.wait()
        except TimeoutError:
            await response.write(b": keep-alive\n\n")
    await asyncio.sleep(FLUSH_S)
