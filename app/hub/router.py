"""Client frames: decode, check, hand to the event's handler, journal. Bad input costs one row, no more."""

import logging
from collections.abc import Callable
from typing import Any, NamedTuple

from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.journal import Kind, Verdict
from app.hub.signal import Signal
from app.hub.target import Target
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction, Event
from app.protocol.envelope import BadFrame, Envelope, decode

log = logging.getLogger(__name__)


class Outcome(NamedTuple):
    """What a handler made of an event: a note for its row, and an event that follows from it."""

    note: str = ""
    verdict: Verdict = Verdict.OK
    forward: tuple[Envelope, Target] | None = None


class ClientEvent(NamedTuple):
    """A valid event from a client."""

    client: Client
    name: str
    data: Event


Handler = Callable[[Client, Any], Outcome]


class Router:
    """Finds the handler of a client's event (guide §4.6).

    ``client_event`` tells of every valid one: the guide's ``set_on_client_event``.
    """

    def __init__(self, hub: Hub, catalog: Catalog) -> None:
        self._hub = hub
        self._catalog = catalog
        self._handlers: dict[str, Handler] = {}
        self.client_event: Signal[ClientEvent] = Signal()

    def on(self, event: str, handler: Handler) -> None:
        """Let ``handler`` answer the client event of that name; it gets the client and the typed payload."""
        self._handlers[event] = handler

    def receive(self, client: Client, frame: str | bytes) -> None:
        """Take one frame. Never raises: what is wrong with it becomes its row's verdict."""
        payload = frame.encode() if isinstance(frame, str) else bytes(frame)
        client.received(len(payload))
        name = ""
        outcome = Outcome()
        data = None
        try:
            envelope = decode(frame)
            name = envelope.event
            known = self._catalog.get(Direction.FROM_UI, name)
            if known is None:
                names = ", ".join(self._catalog.names(Direction.FROM_UI))
                raise BadFrame(f"unknown client event {name[:80]!r} (known: {names})", "event", name)
            data = known.struct_of(envelope)
            outcome = self._handle(client, name, data)
            if extra := known.unknown_fields(envelope.data):
                note = f"unknown field {', '.join(extra)} ignored"
                outcome = outcome._replace(note=f"{outcome.note}; {note}" if outcome.note else note)
        except BadFrame as bad:
            name = bad.event or name
            outcome = Outcome(str(bad), Verdict.INVALID)
        self._hub.journal.append(
            Kind.FROM_UI, name[:80], payload=payload, client=str(client.id), origin=str(client),
            verdict=outcome.verdict, note=outcome.note,
        )  # fmt: skip
        if data is None:
            return
        self.client_event.emit(ClientEvent(client, name, data))
        if outcome.forward:
            event, to = outcome.forward
            self._hub.publish(event, to=to, origin=str(client))

    def _handle(self, client: Client, name: str, data: Event) -> Outcome:
        handler = self._handlers.get(name)
        if handler is None:
            return Outcome("nothing here acts on it")
        try:
            return handler(client, data)
        except Exception:
            log.exception("the handler of %s failed", name)
            return Outcome("the companion failed on it; see the log files", Verdict.WARNING)
