"""Hold fired events, raw frames, client frames and REST calls that match a filter, until a decision or a timeout.
After a decision, a held item continues, changed or not, or is dropped. After the timeout, it continues unchanged.

A breakpoint tests such a *cause* before it is journalled, stored or handled. Without a breakpoint, the interceptor
is disarmed, so causes do not pass it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial

from app.hub.causes import Cause, ClientFrame, FiredEvent, FiredFrame, RestCall
from app.hub.clients import Client
from app.hub.held_items import Breakpoint, BreakpointOptions, Edit, HeldItem, HeldKind
from app.hub.hub import Hub
from app.hub.journal import Row, Verdict
from app.hub.origin import Origin
from app.hub.pipeline import FIRE_ERRORS, EventPipeline
from app.hub.router import Router
from app.hub.signals import Signal
from app.hub.target import ALL, Target
from app.interceptors.breakpoint_list import BreakpointList
from app.interceptors.cause_edits import edited
from app.interceptors.held_queue import HeldQueue
from app.interceptors.provisional_rows import direction_of, provisional_row
from app.protocol.breakpoints import BreakpointDirection
from app.protocol.catalog import Catalog
from app.protocol.envelope import Envelope
from app.protocol.errors import Conflict
from app.protocol.event_type import InvalidEvent

CLOSE_CODE = 1001
CLOSE_S = 0.5
"""Seconds that ``release_all`` waits until the released items are handled."""


class Breakpoints:
    """The breakpoints, and the items that they hold. All methods must be called on the event loop.

    A held event or frame is decided upon with ``resume``, ``modify``, ``drop``, ``inject`` or ``disconnect``. Their
    ``numbers`` are those of held items; None selects all. They raise ``NotFound`` if an item is not held any more;
    nothing has changed then.
    """

    def __init__(
        self,
        hub: Hub,
        router: Router,
        pipeline: EventPipeline,
        catalog: Catalog,
        saved_filters: Callable[[], Mapping[str, str]],
    ) -> None:
        """``saved_filters`` returns the saved filters of the log, by name."""
        self._hub = hub
        self._pipeline = pipeline
        self._catalog = catalog
        self._list = BreakpointList(self._hub.clock, saved_filters)
        self._held = HeldQueue(self._hub.clock, self.expire)
        self._last_item = 0
        self._injected: list[Envelope] = []
        """Events that are being fired by ``inject``: they are not held."""
        self._server_stopped = False
        self._releasing = False
        """Whether ``release_all`` waits for the items that it lets continue."""
        self.changed: Signal[None] = Signal()
        """Emitted when a breakpoint was added or removed, and when an item is held or not held any more.

        It is not emitted when only ``Breakpoint.matches`` has grown.
        """
        self._registration = self._hub.interceptors.add(self._intercept, armed=False)
        self._disconnects = (
            self._hub.left.connect(self._client_left),
            self._hub.listening_changed.connect(self._listening_changed),
            self._hub.rest_stopping.connect(lambda _: self._rest_stopping()),
            router.waiting_full.connect(self._queue_full),
        )

    # the lists

    @property
    def all(self) -> list[Breakpoint]:
        """The breakpoints, oldest first."""
        return self._list.all

    @property
    def held(self) -> list[HeldItem]:
        """The held items, oldest first."""
        return list(self._held)

    async def wait(self, within_s: float) -> list[HeldItem]:
        """Wait until something is held, at most ``within_s`` seconds. Return what is held; empty on a timeout."""
        changed = asyncio.Event()
        disconnect = self.changed.connect(lambda _: changed.set())
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(within_s):
                    while not self._held:
                        changed.clear()
                        await changed.wait()
        finally:
            disconnect()
        return self.held

    # add and remove breakpoints

    def add(self, options: BreakpointOptions) -> Breakpoint:
        """Add a breakpoint. Raises ``Invalid``, and ``Conflict`` if there are too many."""
        added = self._list.add(options)
        self._log("breakpoint added", f"breakpoint {added.id}: {_described(options)}")
        self._update()
        return added

    def remove(self, number: int) -> None:
        """Remove a breakpoint. What it holds stays held. Raises ``NotFound``."""
        self._list.remove(number)
        self._log("breakpoint removed", f"breakpoint {number}")
        self._update()

    def clear(self) -> list[int]:
        """Remove all breakpoints, and return their numbers. What they hold stays held."""
        removed = [each.id for each in self._list.all]
        for number in removed:
            self.remove(number)
        return removed

    # decide about held items

    def resume(self, numbers: Iterable[int] | None = None) -> list[HeldItem]:
        """Let items continue as they are."""
        items = self._held.find(numbers)
        for item in items:
            self._continue(item, "continued", "")
        return items

    def modify(
        self, edit: Edit, numbers: Iterable[int] | None = None, check: Callable[[Cause], object] | None = None
    ) -> list[HeldItem]:
        """Change items, and let them continue.

        Raises ``RequestError`` or ``InvalidEvent`` if a change is not possible, or what ``check`` raises for a
        changed cause; then no item has changed.
        """
        items = self._held.find(numbers)
        changed = self._edited(items, edit)
        if check:
            for cause in changed:
                check(cause)
        for item, cause in zip(items, changed, strict=True):
            self._continue(item, "modified", "", cause)
        return items

    def check(self, edit: Edit, numbers: Iterable[int] | None = None) -> None:
        """Raise what ``modify`` would raise, and change nothing, to validate a text while the user types."""
        self._edited(self._held.find(numbers), edit)

    def _edited(self, items: Iterable[HeldItem], edit: Edit) -> list[Cause]:
        return [edited(item.cause, edit, self._catalog, self._pipeline.check_logged) for item in items]

    def drop(self, numbers: Iterable[int] | None = None) -> list[HeldItem]:
        """Drop items: they are not stored, handled or sent. A REST call is answered with 503."""
        items = self._held.find(numbers)
        for item in items:
            self._drop(item, "dropped", "")
        return items

    def disconnect(self, numbers: Iterable[int] | None = None) -> list[HeldItem]:
        """Drop items, and close the connections that they belong to.

        These are the client that sent the frame, the clients that an event or a frame would be sent to, or the
        connection of a REST call, which gets no response. Clients are closed with the code 1001.
        """
        items = self._held.find(numbers)
        for item in items:
            clients = self._clients_of(item)
            numbers_text = ", ".join(each.number for each in clients)
            closed = f"closing client {numbers_text}" if clients else "closing no client"
            self._drop(item, "closed", "" if item.kind is HeldKind.REST_CALL else closed, close=True)
            for client in clients:
                client.close(CLOSE_CODE, f"closed at breakpoint {item.breakpoint_id}")
        return items

    def inject(
        self,
        event: Envelope,
        numbers: Iterable[int] | None = None,
        *,
        to: Target | None = None,
        origin: Origin,
        loose: bool = False,
    ) -> list[HeldItem]:
        """Let items continue, and fire another event after the last of them was handled.

        ``to`` None selects the target of the last item, or all clients if it is not an event to the UI. No
        breakpoint holds the event. Raises ``InvalidEvent`` if it violates the contract and ``loose`` is False, and
        ``Conflict`` if nothing is held.
        """
        items = self._held.find(numbers)
        if not items:
            raise Conflict("Nothing is held, so no event can be fired after it.")
        if not loose and (problems := self._catalog.problems(event)):
            raise InvalidEvent(problems)
        last = items[-1]
        target = _target_of(last.cause) if to is None else to
        fire = partial(self._fire, event, target, origin, strict=not loose)
        for item in items:
            note = f"then {event.event} to {target}" if item is last else ""
            self._continue(item, "continued", note, then=fire if item is last else None)
        return items

    # release

    def expire(self) -> None:
        """Let items continue whose timeout has passed. Called by a timer."""
        for item in self._held.due():
            timeout = item.deadline_mono - item.since_mono
            self._continue(item, "continued", f"nothing was decided within {timeout:g} s")
        for item in self._held:
            if isinstance(item.cause, RestCall) and not item.cause.is_connected():
                self._drop(item, "dropped", "the client has disconnected")

    async def release_all(self, why: str, also: Callable[[], Awaitable[object]] | None = None) -> None:
        """Let all items continue, await ``also``, and wait briefly until they were handled.

        Meanwhile, nothing is held.
        """
        self._releasing = True
        try:
            self._release(self.held, why)
            if also:
                await also()
            await self._held.wait_until_finished(CLOSE_S)
        finally:
            self._releasing = False

    async def close(self) -> None:
        """Remove all breakpoints, let all items continue, and wait briefly until they were handled."""
        self._list.clear()
        self._registration.remove()
        for disconnect in self._disconnects:
            disconnect()
        self._held.close()
        await self.release_all("the companion quits")

    def _client_left(self, client: Client) -> None:
        for item in self._held:
            if isinstance(item.cause, ClientFrame) and item.cause.client is client:
                self._drop(item, "dropped", "the client has disconnected")

    def _listening_changed(self, listening: bool) -> None:
        self._server_stopped = not listening
        if not listening:
            released = [each for each in self._held if each.kind is not HeldKind.REST_CALL]
            self._release(released, "the event server stops")

    def _rest_stopping(self) -> None:
        released = [each for each in self._held if each.kind is HeldKind.REST_CALL]
        self._release(released, "the REST stand-in stops")

    def _queue_full(self, client: Client) -> None:
        for item in self._held:
            if isinstance(item.cause, ClientFrame) and item.cause.client is client:
                self._continue(item, "continued", "too much waits behind held frames")

    def _release(self, items: Iterable[HeldItem], why: str) -> None:
        for item in items:
            self._continue(item, "continued", why)

    # hold

    def _intercept(self, cause: Cause) -> Cause | None:
        if self._releasing:
            return cause
        if isinstance(cause, FiredEvent) and any(cause.event is each for each in self._injected):
            return cause
        if isinstance(cause, ClientFrame) and (self._server_stopped or cause.client.closing or cause.queue_full):
            return cause
        direction = direction_of(cause)
        if not self._list.covers(direction):
            return cause
        row = provisional_row(cause, self._hub, self._catalog)
        found = self._list.first_match(row, direction)
        return None if found and self._hold(found, cause, row, direction) else cause

    def _hold(self, holder: Breakpoint, cause: Cause, row: Row, direction: BreakpointDirection) -> bool:
        """Hold a cause, and return True; return False if a limit is reached, with a row."""
        now, options = self._hub.clock.mono(), holder.options
        item = HeldItem(
            number=self._last_item + 1, breakpoint_id=holder.id, kind=_KINDS[type(cause)], direction=direction,
            event=row.event, payload=row.payload, client=row.client, user=row.user, since_wall=row.wall,
            since_mono=now, deadline_mono=now + options.timeout_s, cause=cause,
        )  # fmt: skip
        if why := self._held.why_full(len(item.payload)):
            self._log_about(item, "not held", f"{item.description}, at breakpoint {holder.id}: {why}")
            return False
        self._last_item += 1
        self._held.add(item)
        assert cause.continuation
        cause.continuation.on_end(partial(self._ended, item))
        once = ", which is removed" if options.once else ""
        if options.once:
            self._list.remove(holder.id)
        self._log_about(item, "held", f"{_name(item)}{once}; continues by itself in {options.timeout_s:g} s")
        self._update()
        return True

    def _ended(self, item: HeldItem) -> None:
        """Remove an item whose task was cancelled, for example because its server has stopped."""
        if self._held.remove(item):
            self._log_about(item, "dropped", f"{_name(item)}: its connection or its server was closed")
            self.changed.emit(None)

    # let go

    def _continue(
        self,
        item: HeldItem,
        word: str,
        note: str,
        cause: Cause | None = None,
        then: Callable[[], Awaitable[object]] | None = None,
    ) -> None:
        if not self._held.remove(item):
            return
        self._held.continues(item)
        self._log_about(item, word, _with_note(item, note))
        item.cause.resume((cause or item.cause).changed(then=partial(self._handled, item, then)))
        self.changed.emit(None)

    async def _handled(self, item: HeldItem, then: Callable[[], Awaitable[object]] | None) -> None:
        try:
            if then:
                await then()
        finally:
            self._held.finished(item)

    async def _fire(self, event: Envelope, to: Target, origin: Origin, *, strict: bool) -> None:
        self._injected.append(event)
        try:
            await self._pipeline.fire(event, to=to, origin=origin, strict=strict)
        except FIRE_ERRORS as error:
            note = f"{event.event}: {error}"
            self._hub.log_server_event("not sent", note=note, verdict=Verdict.WARNING)
        finally:
            self._injected.remove(event)

    def _drop(self, item: HeldItem, word: str, note: str, *, close: bool = False) -> None:
        """Drop an item. The cause's owner adds a row ``dropped`` for an event or a client's frame."""
        if not self._held.remove(item):
            return
        why = _with_note(item, note)
        if item.kind is HeldKind.REST_CALL or word != "dropped":
            self._log_about(item, word, why)
        item.cause.drop(why, close=close)
        self.changed.emit(None)

    def _clients_of(self, item: HeldItem) -> tuple[Client, ...]:
        match item.cause:
            case ClientFrame(client=client):
                return (client,)
            case RestCall():
                return ()
            case cause:
                return self._hub.recipients(_target_of(cause)).clients

    # the log

    def _log(self, event: str, note: str) -> None:
        self._hub.log_server_event(event, note=note)

    def _log_about(self, item: HeldItem, event: str, note: str) -> None:
        client = item.cause.client if isinstance(item.cause, ClientFrame) else None
        verdict = Verdict.WARNING if event in ("not held", "dropped", "closed") else Verdict.OK
        self._hub.log_server_event(event, client=client, note=note, verdict=verdict)

    def _update(self) -> None:
        """Arm the interceptor if there is a breakpoint."""
        if self._registration.armed != bool(self._list):
            self._registration.armed = bool(self._list)
        self.changed.emit(None)


_KINDS = {
    FiredEvent: HeldKind.EVENT,
    FiredFrame: HeldKind.RAW_FRAME,
    ClientFrame: HeldKind.CLIENT_FRAME,
    RestCall: HeldKind.REST_CALL,
}


def _target_of(cause: Cause) -> Target:
    match cause:
        case FiredEvent(to=to):
            return to
        case FiredFrame(outgoing=out):
            return out.to
        case _:
            return ALL


def _name(item: HeldItem) -> str:
    return f"item {item.number}, {item.description}, at breakpoint {item.breakpoint_id}"


def _with_note(item: HeldItem, note: str) -> str:
    return f"{_name(item)}: {note}" if note else _name(item)


def _described(options: BreakpointOptions) -> str:
    direction = "" if options.direction is BreakpointDirection.ALL else f", {options.direction} only"
    hits = f", from match {options.hits} on" if options.hits > 1 else ""
    once = ", once" if options.once else ""
    return f"{options.filter or 'everything'}{direction}{hits}{once}"
