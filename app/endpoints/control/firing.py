"""Control API operations that fire an event or a fixture (a saved event or raw frame), send a raw frame, or repeat
what was fired last, from the window, the tray or this API. What ``POST /v1/events`` fires cannot be repeated. All
can first wait for a ready client. ``GET /v1/events`` lists the events that the contract defines.
"""

from collections.abc import Awaitable, Callable
from http import HTTPStatus

from app.endpoints.control import expectation_shapes
from app.endpoints.control import firing_shapes as shapes
from app.endpoints.control.operations import TEXT, Call, Operations, Scope, operation, target
from app.hub.expectation import expectation_of, why_impossible
from app.hub.hub import Delivery
from app.hub.origin import Origin
from app.hub.target import Target
from app.protocol.envelope import MAX_RAW_BYTES, Envelope
from app.protocol.errors import Conflict, Invalid
from app.protocol.event_type import InvalidEvent
from app.protocol.fixture import BadFixture, Fixture
from app.protocol.json_path import BadPath


class FiringOperations(Operations):
    """Operations under ``/v1/events``, ``/v1/frames`` and ``/v1/trigger``. The room *Inject* can do the same."""

    @operation("POST", "/v1/events",
               scope=Scope.AGENT, query=shapes.FireQuery, body=shapes.EventBody, answer=shapes.Fired,
               errors=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def fire_event(self, call: Call) -> shapes.Fired:
        """Fire an event with the given data. Backends of your own can send their events this way."""
        event = Envelope(call.body.event, call.body.data)

        def fire(to: Target) -> Awaitable[Delivery]:
            return self._service.fire(event, to=to, origin=call.origin, strict=call.query.strict)

        return shapes.fired(await self._send(call.query.to, call.query.wait, fire))

    @operation("POST", "/v1/frames",
               scope=Scope.AGENT, query=shapes.SendQuery, body=str, media=TEXT, answer=shapes.Fired,
               limit=MAX_RAW_BYTES, errors=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def send_frame(self, call: Call) -> shapes.Fired:
        """Send any text as a frame, unchanged, even if it violates the contract."""
        delivery = await self._send(
            call.query.to,
            call.query.wait,
            lambda to: self._service.composer.fire_text(call.body, to=to, origin=call.origin),
        )
        return shapes.fired(delivery)

    @operation("POST", "/v1/trigger", scope=Scope.AGENT, body=shapes.TriggerBody, answer=shapes.Fired,
               errors=(HTTPStatus.CONFLICT, HTTPStatus.NOT_FOUND))  # fmt: skip
    async def trigger(self, call: Call) -> shapes.Fired:
        """Fire an event by name, a fixture, or the last event again, with changed values."""
        body: shapes.TriggerBody = call.body
        if sum((bool(body.event), bool(body.fixture), body.last)) != 1:
            raise Invalid("Set exactly one of event, fixture and last.")
        if body.last:
            return await self._fire_again(body, call.origin)
        if body.fixture:
            fixture = (await self._service.fixtures.look_up(body.fixture)).fixture
        else:
            fixture = self._fixture_for_event(body.event, body.strict)
        try:
            fixture = fixture.with_changes(body.set, body.remove)
        except (BadPath, BadFixture) as bad:
            raise Invalid(f"{bad}.") from None
        expected = expectation_of(fixture) if body.expect else None
        if expected and (reason := why_impossible(expected, self._service.catalog)):
            raise Invalid(f"The expectation of the fixture is wrong: {reason}.")
        if expected and (reason := self._service.why_no_call(expected.event)):
            raise Invalid(f"The expectation of the fixture cannot be met. {reason}.")
        delivery = await self._send(
            fixture.to if body.to is None else body.to,
            body.wait,
            lambda to: self._service.composer.fire(
                fixture,
                to=to,
                origin=call.origin,
                persona=body.persona,
                seed=body.seed,
                strict=body.strict,
            ),
        )
        result = shapes.fired(delivery)
        if expected and fixture.expect and not delivery.held:
            within_s = fixture.expect.within if result.delivered else 0.0  # no client can respond
            result.expected = str(expected)
            result.expectation = expectation_shapes.expected(
                await self._service.expect(expected, within_s, result.seq)
            )
        return result

    def _fixture_for_event(self, event: str, strict: bool) -> Fixture:
        try:
            return self._service.composer.fixture_for_event(event)
        except InvalidEvent:
            if strict:
                raise
            return Fixture(event=event, data={})

    async def _fire_again(self, body: shapes.TriggerBody, origin: Origin) -> shapes.Fired:
        usual = shapes.TriggerBody(last=True, wait=body.wait, expect=body.expect)  # it checks no expectation
        if more := [name for name in body.__struct_fields__ if getattr(body, name) != getattr(usual, name)]:
            raise Invalid(f"The last event is fired again unchanged. Remove {', '.join(more)}.")
        composer = self._service.composer
        return shapes.fired(
            await self._send(composer.last_target(), body.wait, lambda _: composer.fire_again(origin=origin))
        )

    async def _send(self, to: str, wait: float, send: Callable[[Target], Awaitable[Delivery]]) -> Delivery:
        chosen = target(to)
        if wait and not await self._service.wait_for_ready_client(chosen, wait):
            raise Conflict(self._why_not_ready(chosen, wait))
        delivery = await send(chosen)
        refused = "" if self._service.hub.connection_count else self._service.refused_page()
        return delivery._replace(warnings=(*delivery.warnings, refused)) if refused else delivery

    def _why_not_ready(self, to: Target, wait: float) -> str:
        connected = [str(client) for client in to.select(self._service.hub.clients)]
        late = f": {', '.join(connected)} connected too late" if connected else ""
        whose = "" if str(to) == "all" else f" for {to}"
        refused = "" if connected else self._service.refused_page(wait)
        return f"No client{whose} was ready within {wait:g} s{late}. Nothing was sent. {refused}".rstrip()

    @operation("GET", "/v1/events", scope=Scope.AGENT, answer=list[shapes.EventInfo])
    async def list_events(self, _: Call) -> list[shapes.EventInfo]:
        """List the events of the contract, to the UI and from the UI."""
        return [
            shapes.EventInfo(
                name=each.name, direction=each.direction.value, title=each.title, help=each.help,
                schema=each.schema, sample=each.sample,
            )
            for each in self._service.catalog
        ]  # fmt: skip
