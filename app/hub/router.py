"""Client frames: decode, check, hand to the event's handler, journal. Bad input costs one row, no more."""

import logging
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NamedTuple

from app.hub.causes import ClientFrame, Dropped
from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.journal import Kind, Verdict
from app.hub.signals import Signal
from app.hub.target import Target
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction, Event
from app.protocol.envelope import BadFrame, Envelope, decode
from app.protocol.fast_decoder import FastDecoder

log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What a handler made of an event: a note for its row, and an event that follows from it."""

    note: str = ""
    verdict: Verdict = Verdict.OK
    follow_up: tuple[Envelope, Target] | None = None


class ClientEvent(NamedTuple):
    """A valid event from a client."""

    client: Client
    name: str
    data: Event


Handler = Callable[[Client, Any], Outcome | Awaitable[Outcome]]


class ReceivedFrame(NamedTuple):
    """A client's frame as it was read; ``data`` None: it broke the contract."""

    client: Client
    payload: bytes
    name: str
    data: Event | None
    remark: str = ""


class Router:
    """Finds the handler of a client's event (guide §4.6).

    ``client_event`` tells of every valid one: the guide's ``set_on_client_event``.
    """

    def __init__(self, hub: Hub, catalog: Catalog) -> None:
        self._hub = hub
        self._interceptors = hub.interceptors
        self._catalog = catalog
        self._quick = FastDecoder(catalog)
        self._handlers: dict[str, Handler] = {}
        self.client_event: Signal[ClientEvent] = Signal()

    def catalog_changed(self) -> None:
        """Read frames by the events that the catalog holds now."""
        self._quick = FastDecoder(self._catalog)

    def on(self, event: str, handler: Handler) -> None:
        """Let ``handler`` answer the client event of that name; it gets the client and the typed payload."""
        self._handlers[event] = handler

    def receive(
        self, client: Client, frame: str | bytes, payload: bytes | None = None
    ) -> Coroutine[None, None, None] | None:
        """Take one frame. Never raises: what is wrong with it becomes its row's verdict.

        ``payload`` is a text frame's UTF-8, where it is at hand. Returns what is to be awaited before the client's
        next frame, where the handler has to wait for something.
        """
        if payload is None:
            payload = frame.encode() if isinstance(frame, str) else bytes(frame)
        client.received(len(payload))
        if self._interceptors:
            return self._intercept(client, frame)
        return self._handle(client, frame, payload)

    def _intercept(self, client: Client, frame: str | bytes) -> Coroutine[None, None, None] | None:
        try:
            passed = self._interceptors.apply(ClientFrame(client=client, frame=frame))
        except Dropped as dropped:
            self._drop(client, str(dropped))
            return None
        if isinstance(passed, ClientFrame):
            return self._handle(client, passed.frame)
        return self._resume(client, passed)

    async def _resume(self, client: Client, waiting: Coroutine[Any, Any, ClientFrame]) -> None:
        try:
            cause = await waiting
        except Dropped as dropped:
            self._drop(client, str(dropped))
            return
        if pending := self._handle(client, cause.frame):
            await pending

    def _drop(self, client: Client, why: str) -> None:
        self._hub.log_server_event("dropped", client=client, note=why, verdict=Verdict.WARNING)

    def _handle(
        self, client: Client, frame: str | bytes, payload: bytes | None = None
    ) -> Coroutine[None, None, None] | None:
        """Decode a frame that has passed the interceptors and run its handler."""
        if payload is None:
            payload = frame.encode() if isinstance(frame, str) else bytes(frame)
        quick = self._quick.read(payload) if isinstance(frame, str) else None
        if quick:
            taken = ReceivedFrame(client, payload, *quick)
        else:
            try:
                taken = self._read(client, frame, payload)
            except BadFrame as bad:
                self._finish(ReceivedFrame(client, payload, bad.event, None), Outcome(str(bad), Verdict.INVALID))
                return None
        handler = self._handlers.get(taken.name)
        try:
            outcome = handler(client, taken.data) if handler else Outcome("nothing here acts on it")
        except Exception as error:
            outcome = self._failed(taken.name, error)
        if isinstance(outcome, Outcome):
            self._finish(taken, outcome)
            return None
        return self._wait(taken, outcome)

    def _read(self, client: Client, frame: str | bytes, payload: bytes) -> ReceivedFrame:
        """Read a frame that is out of the ordinary. Raises ``BadFrame``."""
        envelope = decode(frame)
        known = self._catalog.get(Direction.FROM_UI, envelope.event)
        if known is None:
            names = ", ".join(self._catalog.names(Direction.FROM_UI))
            reason = f"unknown client event {envelope.event[:80]!r} (known: {names})"
            raise BadFrame(reason, "event", envelope.event)
        data = known.typed(envelope)
        extra = ", ".join(known.unknown_fields(envelope.data))
        return ReceivedFrame(client, payload, known.name, data, f"unknown field {extra} ignored" if extra else "")

    async def _wait(self, taken: ReceivedFrame, answer: Awaitable[Outcome]) -> None:
        try:
            outcome = await answer
        except Exception as error:
            outcome = self._failed(taken.name, error)
        self._finish(taken, outcome)

    @staticmethod
    def _failed(name: str, error: Exception) -> Outcome:
        log.error("the handler of %s failed", name, exc_info=error)
        return Outcome("the companion failed on it; see the log files", Verdict.WARNING)

    def _finish(self, taken: ReceivedFrame, outcome: Outcome) -> None:
        client, note = taken.client, outcome.note
        if taken.remark:
            note = f"{note}; {taken.remark}" if note else taken.remark
        self._hub.journal.append(
            Kind.FROM_UI, taken.name[:80], payload=taken.payload, client=client.number, origin=client.name,
            verdict=outcome.verdict, note=note, user=client.username,
        )  # fmt: skip
        if taken.data is None:
            return
        if self.client_event:
            self.client_event.emit(ClientEvent(client, taken.name, taken.data))
        if outcome.follow_up:
            event, to = outcome.follow_up
            self._hub.publish(event, to=to, origin=client.name)
