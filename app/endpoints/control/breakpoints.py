"""Control API operations on breakpoints: add, list and remove them, list or wait for held items, and decide.
A breakpoint holds events, client frames or REST calls. A held item is continued, changed, dropped, followed by an
injected event, or dropped with its connections closed: for an event, those of all its recipients.
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from http import HTTPStatus
from typing import Any

from msgspec import UNSET

from app.endpoints.control import breakpoint_shapes as shapes
from app.endpoints.control.operations import Call, Operations, Scope, number, operation, target
from app.hub.causes import Cause, ClientFrame, RestCall
from app.hub.client_frames import as_sent
from app.hub.held_items import BreakpointOptions, Edit, HeldItem
from app.protocol.breakpoints import HeldAction
from app.protocol.envelope import BadFrame, Envelope, parse_json
from app.protocol.errors import Forbidden, Invalid, NotFound
from app.protocol.fixture import BadFixture, Fixture
from app.protocol.json_path import BadPath

MAX_BODY_BYTES = 1024 * 1024
ALL_ITEMS = "all"
USED_BY = {
    HeldAction.CONTINUE: (),
    HeldAction.MODIFY: ("data", "text", "set", "remove", "loose"),
    HeldAction.DROP: (),
    HeldAction.INJECT: ("event", "data", "set", "remove", "loose", "to"),
    HeldAction.CLOSE: (),
}
"""The fields of ``ResolveBody`` that each action uses."""
TO_PEER = "The agent token cannot change what the UI sends to a peer or the directory. Use the main token."


class BreakpointOperations(Operations):
    """Operations under ``/v1/breakpoints``. The strip of held items in the window can do the same."""

    @operation("GET", "/v1/breakpoints", scope=Scope.AGENT, answer=list[shapes.BreakpointInfo])
    async def list_breakpoints(self, _: Call) -> list[shapes.BreakpointInfo]:
        """List the breakpoints."""
        return [shapes.breakpoint_info(each) for each in self._service.breakpoints.all]

    @operation("POST", "/v1/breakpoints", scope=Scope.AGENT, body=shapes.BreakpointBody,
               answer=shapes.BreakpointInfo, errors=(HTTPStatus.CONFLICT,))  # fmt: skip
    async def add_breakpoint(self, call: Call) -> shapes.BreakpointInfo:
        """Add a breakpoint. It holds matching events, client frames or REST calls before they are handled."""
        body: shapes.BreakpointBody = call.body
        options = BreakpointOptions(
            filter=body.filter, direction=body.direction, hits=body.hits, once=body.once, timeout_s=body.timeout_s
        )
        return shapes.breakpoint_info(self._service.breakpoints.add(options))

    @operation("DELETE", "/v1/breakpoints", scope=Scope.AGENT, answer=shapes.RemovedBreakpoints)
    async def remove_breakpoints(self, _: Call) -> shapes.RemovedBreakpoints:
        """Remove all breakpoints. What is held stays held until its timeout."""
        return shapes.RemovedBreakpoints(removed=self._service.breakpoints.clear())

    @operation("DELETE", "/v1/breakpoints/{breakpoint}", scope=Scope.AGENT, errors=(HTTPStatus.NOT_FOUND,))
    async def remove_breakpoint(self, call: Call) -> None:
        """Remove a breakpoint. What it holds stays held until its timeout."""
        found = number(call.path["breakpoint"])
        if found is None:
            raise NotFound(f"There is no breakpoint {call.path['breakpoint'][:40]}.")
        self._service.breakpoints.remove(found)

    @operation("GET", "/v1/breakpoints/held", scope=Scope.AGENT, answer=list[shapes.HeldInfo])
    async def list_held(self, _: Call) -> list[shapes.HeldInfo]:
        """List the held events, frames and REST calls, oldest first."""
        return self._infos(self._service.breakpoints.held)

    @operation("GET", "/v1/breakpoints/wait", scope=Scope.AGENT, query=shapes.HeldQuery, answer=shapes.HeldResult)
    async def wait_for_held(self, call: Call) -> shapes.HeldResult:
        """Wait until something is held, or until the timeout. Responds at once if something is held already."""
        held = await self._service.breakpoints.wait(call.query.within)
        return shapes.HeldResult(met=bool(held), held=self._infos(held))

    @operation("POST", "/v1/breakpoints/held/{item}", scope=Scope.AGENT, body=shapes.ResolveBody,
               answer=shapes.ResolvedItems, limit=MAX_BODY_BYTES,
               errors=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT))  # fmt: skip
    async def resolve_held(self, call: Call) -> shapes.ResolvedItems:
        """Decide about a held item, or about all of them: continue, modify, drop, inject or close."""
        numbers, body = self._numbers(call.path["item"]), call.body
        _check_fields(body)
        breakpoints = self._service.breakpoints
        match body.action:
            case HeldAction.CONTINUE:
                items = breakpoints.resume(numbers)
            case HeldAction.MODIFY:
                edit = Edit(text=body.text, data=body.data, set=body.set, remove=body.remove, loose=body.loose)
                items = breakpoints.modify(edit, numbers, await self._check_of_agents() if call.by_agent else None)
            case HeldAction.DROP:
                items = breakpoints.drop(numbers)
            case HeldAction.CLOSE:
                items = breakpoints.disconnect(numbers)
            case _:
                to = None if body.to is None else target(body.to)
                event = await self._event_to_inject(body)
                items = breakpoints.inject(event, numbers, to=to, origin=call.origin, loose=body.loose)
        return shapes.ResolvedItems(resolved=self._infos(items))

    async def _check_of_agents(self) -> Callable[[Cause], None]:
        """Return a check of changed causes: none may be sent to a peer, or ask the directory for a user."""
        peers = {each.username for each in await self._service.peers.all()}
        return partial(_check_recipients, peers, has_directory=self._service.settings.supabase)

    def _numbers(self, item: str) -> list[int] | None:
        """Return the number of a held item in a path, or None for all. Raises ``NotFound``."""
        if item == ALL_ITEMS:
            return None
        found = number(item)
        if found is None:
            raise NotFound(f"Item {item[:40]} is not held. Use a number or all.")
        return [found]

    async def _event_to_inject(self, body: shapes.ResolveBody) -> Envelope:
        if not body.event:
            raise Invalid("The field event is missing: the name of the event to fire.")
        composer = self._service.composer
        if given := body.data is not UNSET:
            fixture = Fixture(event=body.event, data=body.data)
        else:
            fixture = composer.fixture_for_event(body.event)
        try:
            fixture = fixture.with_changes(body.set, body.remove)
        except (BadPath, BadFixture) as bad:
            raise Invalid(f"{bad}.") from None
        return fixture.envelope() if given else await composer.event_of(fixture)

    def _infos(self, items: Iterable[HeldItem]) -> list[shapes.HeldInfo]:
        now = self._service.hub.clock.mono()
        return [shapes.held_info(each, now) for each in items]


def _check_recipients(peers: Collection[str], cause: Cause, *, has_directory: bool) -> None:
    """Raise ``Forbidden`` if a changed frame or REST call of a UI names a peer, or may ask the directory."""
    if not isinstance(cause, ClientFrame | RestCall):
        return
    content = as_sent(cause.frame) if isinstance(cause, ClientFrame) else cause.body
    try:
        value = parse_json(content if isinstance(content, str) else content.decode())
    except (BadFrame, UnicodeDecodeError):
        return  # its handler refuses it, too
    adds_friend = isinstance(cause, RestCall) and cause.path == "/friends"
    if (has_directory and adds_friend) or any(each.strip() in peers for each in _texts(value)):
        raise Forbidden(TO_PEER)


def _texts(value: Any) -> Iterator[str]:
    """Yield all texts in a JSON value, except the keys."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts(each)


def _check_fields(body: shapes.ResolveBody) -> None:
    """Raise ``Invalid`` if a field is set that the action does not use."""
    usual = shapes.ResolveBody(action=body.action)
    used = ("action", *USED_BY[body.action])
    unused = [each for each in body.__struct_fields__ if getattr(body, each) != getattr(usual, each)]
    if unused := [each for each in unused if each not in used]:
        raise Invalid(f"The action {body.action} does not use {', '.join(unused)}. Remove it.")
