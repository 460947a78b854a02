"""The operations of the control API: each reads its input, calls the service, and shapes the answer."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Iterable, Iterator
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import web

from app import __version__, usernames
from app.endpoints.control import shapes
from app.endpoints.control.chat import ChatOperations
from app.endpoints.control.openapi import document
from app.endpoints.control.operations import STREAM, TEXT, Call, Scope, operation, operations_of
from app.endpoints.control.settings import SettingsOperations
from app.hub.clients import Client, may_close_with
from app.hub.expectation import Expectation, why_impossible
from app.hub.filter import Filter, parse
from app.hub.hub import Delivery
from app.hub.journal import Kind, Row
from app.hub.origin import CONTROL
from app.hub.row_codec import to_json
from app.hub.row_store import RowStore
from app.hub.search import batch_size
from app.hub.target import Target
from app.protocol.envelope import MAX_RAW_BYTES, Envelope
from app.protocol.errors import Conflict, Invalid, NotFound
from app.protocol.event_type import InvalidEvent
from app.protocol.fixture import BadFixture, Fixture, checked, from_frame, renewed
from app.protocol.json_path import BadPath, check_path

STATE_BYTES = 10 * 1024 * 1024
FLUSH_S = 0.05
"""A stream sends what came within this time together."""
HEARTBEAT_S = 15.0


class Api(ChatOperations, SettingsOperations):
    """All operations of the control API, a method each."""

    # firing

    @operation("POST", "/v1/events",
               scope=Scope.AGENT, query=shapes.FireQuery, body=shapes.EventBody, answer=shapes.Fired,
               refusals=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def fire_event(self, call: Call) -> shapes.Fired:
        """Fire an event exactly as it is: this is how a backend of your own pushes through the companion."""
        event = Envelope(call.body.event, call.body.data)

        def fire(to: Target) -> Awaitable[Delivery]:
            return self._service.fire(event, to=to, origin=CONTROL, strict=call.query.strict)

        return await self._send(call.query.to, call.query.wait, fire)

    @operation("POST", "/v1/frames",
               scope=Scope.AGENT, query=shapes.SendQuery, body=str, media=TEXT, answer=shapes.Fired,
               limit=MAX_RAW_BYTES, refusals=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def send_frame(self, call: Call) -> shapes.Fired:
        """Send any text as a frame, exactly as it is, contract or not."""
        return await self._send(
            call.query.to,
            call.query.wait,
            lambda to: self._service.composer.fire_text(call.body, to=to, origin=CONTROL),
        )

    @operation("POST", "/v1/trigger", scope=Scope.AGENT, body=shapes.TriggerBody, answer=shapes.Fired,
               refusals=(HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND))  # fmt: skip
    async def trigger(self, call: Call) -> shapes.Fired:
        """Fire an event by its name, a fixture, or what was fired last, with some values changed."""
        body: shapes.TriggerBody = call.body
        if sum((bool(body.event), bool(body.fixture), body.last)) != 1:
            raise Invalid("Give either an event, a fixture, or last.")
        if body.last:
            return await self._again(body)
        if body.fixture:
            fixture = (await self._service.fixtures.look_up(body.fixture)).fixture
        else:
            fixture = self._of_event(body.event, body.strict)
        try:
            fixture = fixture.with_changes(body.set, body.remove)
        except (BadPath, BadFixture) as bad:
            raise Invalid(f"{bad}.") from None
        return await self._send(
            fixture.to if body.to is None else body.to,
            body.wait,
            lambda to: self._service.composer.fire(
                fixture,
                to=to,
                origin=CONTROL,
                persona=body.persona,
                seed=body.seed,
                loose=not body.strict,
            ),
        )

    def _of_event(self, event: str, strict: bool) -> Fixture:
        try:
            return self._service.composer.of_event(event)
        except InvalidEvent:
            if strict:
                raise
            return Fixture(event=event, data={})

    async def _again(self, body: shapes.TriggerBody) -> shapes.Fired:
        usual = shapes.TriggerBody(last=True, wait=body.wait)
        if more := [name for name in body.__struct_fields__ if getattr(body, name) != getattr(usual, name)]:
            told = f"What was fired last is repeated as it was; {', '.join(more)} cannot change it."
            raise Invalid(told)
        return await self._send("all", body.wait, lambda _: self._service.composer.fire_again(origin=CONTROL))

    async def _send(self, to: str, wait: float, send: Callable[[Target], Awaitable[Delivery]]) -> shapes.Fired:
        target = _target(to)
        if wait and not await self._service.wait_for_ready_client(target, wait):
            raise Conflict(self._why_none_ready(target, wait))
        return _fired(await send(target))

    def _why_none_ready(self, to: Target, wait: float) -> str:
        connected = [str(client) for client in to.select(self._service.hub.clients)]
        why = f": {', '.join(connected)} connected too late" if connected else ""
        return f"No client for {to} was ready within {wait:g} s{why}. Nothing was sent."

    @operation("GET", "/v1/events", scope=Scope.AGENT, answer=list[shapes.EventInfo])
    async def list_events(self, _: Call) -> list[shapes.EventInfo]:
        """List the events of the catalog, to the UI and from the UI."""
        return [
            shapes.EventInfo(
                name=each.name, direction=each.direction.value, help=each.help, schema=each.schema,
                sample=each.sample,
            )
            for each in self._service.catalog
        ]  # fmt: skip

    # what is going on

    @operation("GET", "/v1/status", scope=Scope.AGENT, answer=shapes.Status)
    async def status(self, _: Call) -> shapes.Status:
        """Say what the companion does, what is off, and why."""
        service = self._service
        warnings = [*service.warnings, *service.fixtures.warnings]
        return shapes.Status(
            version=__version__,
            pid=os.getpid(),
            window=service.raise_window is not None,
            username=service.settings.username,
            state=service.state,  # type: ignore[arg-type]
            clients=service.hub.connection_count,
            events=self._door("events"),
            rest=self._door("rest"),
            control=self._door("control"),
            services=[
                shapes.ServiceInfo(
                    name=each.name,
                    title=each.title,
                    url=each.server.url,
                    wanted=each.wanted(service.settings),
                    listening=each.server.listening,
                    error=each.error,
                )
                for each in service.services
            ],
            journal=self._journal_state(),
            in_memory=service.in_memory,
            warnings=warnings,
            complaints=warnings,
        )

    def _door(self, name: str) -> shapes.Door:
        each = self._service.services[name]
        return shapes.Door(
            url=each.server.url, wanted=each.wanted(self._service.settings), listening=each.server.listening,
            trouble=each.error,
        )  # fmt: skip

    @operation("GET", "/v1/clients", scope=Scope.AGENT, answer=list[shapes.ClientInfo])
    async def clients(self, _: Call) -> list[shapes.ClientInfo]:
        """List the connected clients, oldest first."""
        return [_client(each) for each in self._service.hub.clients]

    @operation("PATCH", "/v1/clients/{id}", scope=Scope.AGENT, body=shapes.IdentityBody, answer=shapes.ClientInfo,
               refusals=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def identify_client(self, call: Call) -> shapes.ClientInfo:
        """Make a client act as another user from now on."""
        client = self._client(call)
        name = call.body.username.strip()
        if wrong := usernames.problem(name):
            raise Invalid(f"The user name {wrong}.")
        self._service.hub.identify(client, name)
        return _client(client)

    @operation("DELETE", "/v1/clients/{id}", scope=Scope.AGENT, query=shapes.CloseQuery, answer=shapes.Dropped,
               refusals=(HTTPStatus.NOT_FOUND,))  # fmt: skip
    async def close_client(self, call: Call) -> shapes.Dropped:
        """Close a client's connection with a code, or cut it."""
        return _part_with([self._client(call)], call.query)

    @operation("POST", "/v1/clients/drop", scope=Scope.AGENT, query=shapes.CloseQuery, answer=shapes.Dropped)
    async def drop_clients(self, call: Call) -> shapes.Dropped:
        """Close every client's connection; the port stays open, so that they reconnect."""
        return _part_with(self._service.hub.clients, call.query)

    def _client(self, call: Call) -> Client:
        number = _number(call.path["id"])
        client = None if number is None else self._service.hub.client(number)
        if client is None:
            raise NotFound(f"There is no client {call.path['id'][:40]}.")
        return client

    # the journal

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
        return self._journal_state()

    def _journal_state(self) -> shapes.JournalState:
        journal = self._service.journal
        return shapes.JournalState(
            rows=len(journal), first_seq=journal.first_seq, last_seq=journal.last_seq, dropped=journal.dropped,
            log_get_requests=self._service.settings.log_get_requests,
        )  # fmt: skip

    @operation("POST", "/v1/journal/{seq}/resend", scope=Scope.AGENT, answer=shapes.Fired,
               refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def resend(self, call: Call) -> shapes.Fired:
        """Send the frame of a row again, to the same target; the chat state does not change."""
        seq = _number(call.path["seq"])
        row = None if seq is None else self._service.journal.rows.row(seq)
        if row is None:
            raise NotFound(f"There is no row {call.path['seq'][:40]} in the log.")
        if row.kind is not Kind.TO_UI:
            raise Conflict(f"Row {row.seq} did not go to the UI, so it cannot be sent again.")
        return _fired(await self._service.resend(row, origin=CONTROL))

    @operation(
        "GET", "/v1/journal/stream", scope=Scope.AGENT, query=shapes.StreamQuery, answer=str, answer_media=STREAM
    )
    async def journal_stream(self, call: Call) -> web.StreamResponse:
        """Follow the journal as server-sent events: each has a row's number as id and the row as JSON."""
        journal, wanted = self._service.journal, _filter(call.query.filter)
        again = _number(call.request.headers.get("Last-Event-ID", ""))
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

    @operation("POST", "/v1/expectations", scope=Scope.AGENT, body=shapes.ExpectationBody, answer=shapes.Expected)
    async def expect(self, call: Call) -> shapes.Expected:
        """Wait until a client sends what is expected; answers as soon as it did, or when the time is over."""
        body: shapes.ExpectationBody = call.body
        try:
            for path in body.where:
                check_path(path)
        except BadPath as bad:
            raise Invalid(f"{bad}.") from None
        expected = Expectation(body.event, body.sender, body.where)
        if body.strict and (doubt := why_impossible(expected, self._service.catalog)):
            raise Invalid(f"{doubt}.")
        met = await self._service.expect(expected, body.within, body.after)
        others = [to_json(row) for row in met.received_instead]
        return shapes.Expected(
            met=met.row is not None,
            after_s=round(met.after_s, 6),
            row=to_json(met.row) if met.row else None,
            received_instead=others,
            instead=others,
        )

    # fixtures

    @operation("GET", "/v1/fixtures", scope=Scope.AGENT, answer=shapes.FixtureList)
    async def list_fixtures(self, _: Call) -> shapes.FixtureList:
        """List the fixtures, as they are on the disk now."""
        await self._service.fixtures.read()
        library = self._service.fixtures
        fixtures = library.all
        problems = await self._service.composer.problems(each for each in fixtures if each.own)
        pinned = {name.casefold() for name in self._service.settings.pinned}
        return shapes.FixtureList(
            fixtures=[
                shapes.FixtureInfo(
                    name=each.name, title=each.title, event=each.fixture.event, must=each.fixture.must,
                    malformed=each.fixture.malformed, own=each.own, pinned=each.name.casefold() in pinned,
                    problems=problems.get(each.name, []), faults=problems.get(each.name, []),
                )
                for each in fixtures
            ],
            folder=str(library.folder) if library.folder else None,
            warnings=library.warnings, complaints=library.warnings,
        )  # fmt: skip

    @operation(
        "GET", "/v1/fixtures/{name}", scope=Scope.AGENT, answer=shapes.FixtureFull, refusals=(HTTPStatus.NOT_FOUND,)
    )
    async def show_fixture(self, call: Call) -> shapes.FixtureFull:
        """Return a fixture."""
        return shapes.full(await self._service.fixtures.look_up(call.path["name"]))

    @operation("PUT", "/v1/fixtures/{name}", scope=Scope.AGENT, body=Fixture, answer=shapes.FixtureFull)
    async def save_fixture(self, call: Call) -> shapes.FixtureFull:
        """Save a fixture, over an older one of that name."""
        try:
            fixture = checked(msgspec.to_builtins(call.body))
        except BadFixture as bad:
            raise Invalid(f"This is no fixture: {bad}.") from None
        _target(fixture.to)
        return shapes.full(await self._service.fixtures.save(call.path["name"], fixture))

    @operation("PUT", "/v1/fixtures/{name}/frame", scope=Scope.AGENT, query=shapes.FrameQuery, body=str, media=TEXT,
               answer=shapes.FixtureFull)  # fmt: skip
    async def save_frame(self, call: Call) -> shapes.FixtureFull:
        """Save a frame as a fixture: an event if it is one, else a raw frame."""
        catalog = self._service.catalog
        fixture = from_frame(call.body, catalog)
        if call.query.renew:
            fixture = renewed(fixture, catalog)
        return shapes.full(await self._service.fixtures.save(call.path["name"], fixture))

    @operation("PATCH", "/v1/fixtures/{name}", scope=Scope.AGENT, body=shapes.RenameBody, answer=shapes.FixtureFull,
               refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def rename_fixture(self, call: Call) -> shapes.FixtureFull:
        """Give a fixture of your own another name."""
        old = call.path["name"]
        renamed = await self._service.fixtures.rename(old, call.body.name)
        await self._rename_pin(old, renamed.name)
        return shapes.full(renamed)

    @operation(
        "DELETE", "/v1/fixtures/{name}", scope=Scope.AGENT, refusals=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT)
    )
    async def delete_fixture(self, call: Call) -> None:
        """Delete a fixture of your own."""
        await self._service.fixtures.delete(call.path["name"])

    # the chat state

    @operation("GET", "/v1/state", scope=Scope.AGENT, answer=dict[str, Any])
    async def save_state(self, _: Call) -> dict[str, Any]:
        """Return the whole chat state: friends, messages, read marks."""
        return await self._service.chat.store.snapshot()

    @operation("PUT", "/v1/state", scope=Scope.AGENT, body=dict[str, Any], limit=STATE_BYTES)
    async def load_state(self, call: Call) -> None:
        """Replace the whole chat state: all of it, or nothing."""
        await self._service.chat.restore(call.body)

    @operation("POST", "/v1/state/reset", scope=Scope.AGENT)
    async def reset_state(self, _: Call) -> None:
        """Go back to the cast and history of the first start."""
        await self._service.chat.reset()

    # the server and the window

    @operation("POST", "/v1/server/pause", scope=Scope.AGENT, answer=shapes.Status)
    async def pause_server(self, call: Call) -> shapes.Status:
        """Keep clients connected but send them nothing."""
        self._service.pause(True)
        return await self.status(call)

    @operation("POST", "/v1/server/resume", scope=Scope.AGENT, answer=shapes.Status)
    async def resume_server(self, call: Call) -> shapes.Status:
        """Send again."""
        self._service.pause(False)
        return await self.status(call)

    @operation("POST", "/v1/server/stop", scope=Scope.AGENT, answer=shapes.Status)
    async def stop_server(self, call: Call) -> shapes.Status:
        """Close the event port and every client's connection; the companion goes on."""
        await self._service.stop()
        return await self.status(call)

    @operation("POST", "/v1/server/start", scope=Scope.AGENT, answer=shapes.Status, refusals=(HTTPStatus.CONFLICT,))
    async def start_server(self, call: Call) -> shapes.Status:
        """Open the event port again, and retry the other servers that could not start."""
        for each in self._service.services:
            if each.error and each.name != "events":
                await self._service.start_service(each.name)
        if not await self._service.start():
            raise Conflict(self._service.services["events"].error)
        return await self.status(call)

    @operation("POST", "/v1/window/open", scope=Scope.AGENT, refusals=(HTTPStatus.CONFLICT,))
    async def open_window(self, _: Call) -> None:
        """Raise the window."""
        if self._service.raise_window is None:
            raise Conflict("This companion has no window: it was started by `companion serve`.")
        self._service.raise_window()

    @operation("POST", "/v1/quit", scope=Scope.AGENT, refusals=(HTTPStatus.CONFLICT,))
    async def quit(self, _: Call) -> None:
        """End the program: it closes every connection, and then all its ports. It does not ask the user first."""
        if self._service.quit_program is None:
            raise Conflict("This companion is part of another program, which has to end it.")
        self._service.quit_program()

    @operation("GET", "/v1/openapi.json", scope=Scope.AGENT, answer=dict[str, Any])
    async def openapi(self, _: Call) -> dict[str, Any]:
        """Return this API's OpenAPI document."""
        return document(OPERATIONS, self._service.control.url)


OPERATIONS = operations_of(Api)


def _number(text: str) -> int | None:
    """Return the number that a text of digits is, or None."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else None


def _target(text: str) -> Target:
    try:
        return Target.parse(text)
    except ValueError as error:
        raise Invalid(f"{error}.") from None


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
    first, size = max(after + 1, rows.first), batch_size(wanted, rows)
    for start in range(first, rows.last + 1, size):
        if start > first:
            await asyncio.sleep(0)
        found = wanted.passing(rows.span(start, start + size - 1))
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


def _part_with(clients: Iterable[Client], how: shapes.CloseQuery) -> shapes.Dropped:
    if not may_close_with(how.code):
        raise Invalid(
            f"No endpoint may close with {how.code}: use 1000 to 1003, 1007 to 1014 or 3000 to 4999.",
        )
    parted = list(clients)
    for client in parted:
        if how.abort:
            client.abort()
        else:
            client.close(how.code, how.reason)
    return shapes.Dropped(clients=[client.id for client in parted])


def _fired(delivery: Delivery) -> shapes.Fired:
    warnings = [*delivery.warnings] if delivery.clients else [delivery.note, *delivery.warnings]
    return shapes.Fired(
        seq=delivery.seq, delivered=delivery.delivered, clients=list(delivery.clients), warnings=warnings
    )


def _client(client: Client) -> shapes.ClientInfo:
    return shapes.ClientInfo(
        id=client.id, username=client.username, origin=client.origin, user_agent=client.user_agent,
        connected_at=client.connected_at, frames_in=client.frames_in, frames_out=client.frames_out,
        bytes_in=client.bytes_in, bytes_out=client.bytes_out, queued_bytes=client.outbox.waiting,
        ping_s=client.wire.latency(), ready=client.ready,
    )  # fmt: skip
