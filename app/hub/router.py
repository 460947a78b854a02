"""Handle the frames of clients: decode, validate, call the event's handler, write one journal row.
An event that the handler returns, such as forwarded typing, is sent after the row was written. An invalid frame
only adds a row with the reason. Armed faults and interceptors get each frame first, and may change, delay or drop
it. While an interceptor holds a frame, the next frames of that client are queued.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple

from app.hub.causes import ClientFrame, Dropped
from app.hub.client_frames import AnyFrame, OtherKeys, as_sent, decode_frame, payload_of
from app.hub.clients import Client
from app.hub.hub import Hub
from app.hub.journal import Kind, Verdict
from app.hub.origin import FAULTS, Origin
from app.hub.outgoing import Effect
from app.hub.signals import Signal
from app.hub.target import Target
from app.hub.tasks import Tasks
from app.protocol.catalog import Catalog
from app.protocol.contract import Direction, Event
from app.protocol.counts import count
from app.protocol.envelope import BadFrame, Envelope
from app.protocol.fast_decoder import FastDecoder

log = logging.getLogger(__name__)

MAX_WAITING_BYTES = 4 * 1024 * 1024
"""Limit for the frames that wait behind held ones, of all clients together. Beyond it, reading is paused."""
FRAME_BYTES = 200
"""Memory that a waiting frame needs besides its text."""
FRAMES_PER_TURN = 64
"""After this many waiting frames, the others are handled in the next iteration of the event loop."""


class Outcome(NamedTuple):
    """The result of a handler: note and verdict of the event's row, and what to send afterwards."""

    note: str = ""
    verdict: Verdict = Verdict.OK
    follow_up: tuple[Envelope, Target] | None = None
    effects: Sequence[Effect] = ()
    """Effects to carry out after the follow-up."""


class ClientEvent(NamedTuple):
    """A valid event from a client."""

    client: Client
    name: str
    data: Event


Handler = Callable[[Client, Any], Outcome | Awaitable[Outcome]]


FileHandler = Callable[[Client, Any, dict[str, Any]], Outcome | Awaitable[Outcome]]
"""Handles an event that a file defines: with the typed data, and with the data as the client sent it."""


class _WaitingFrames:
    """The frames of a client behind one that is held, and the task that handles them in order."""

    def __init__(self) -> None:
        self.frames: deque[ClientFrame] = deque()
        self.has_room = asyncio.Event()
        """Cleared while reading from the client is paused."""
        self.has_room.set()


class ReceivedFrame(NamedTuple):
    """A decoded frame from a client. ``data`` is None if the frame violates the contract."""

    client: Client
    payload: bytes
    name: str
    data: Event | None
    remark: str = ""
    fields: dict[str, Any] | None = None
    """The data as the client sent it, of an event that ``_file_handlers`` handle."""


class Router:
    """Pass each client event to its handler (guide §4.6).

    ``client_event`` is emitted for every valid event: the guide's ``set_on_client_event``.
    """

    def __init__(self, hub: Hub, catalog: Catalog, tasks: Tasks | None = None) -> None:
        """``tasks`` run while an interceptor holds frames."""
        self._hub = hub
        self._tasks = tasks or Tasks()
        self._waiting: dict[int, _WaitingFrames] = {}
        """The clients with a held frame, by their id."""
        self._waiting_bytes = 0
        self.waiting_full: Signal[Client] = Signal()
        """Emitted with a client that has sent so much behind its held frame that reading from it is paused."""
        self._interceptors = hub.interceptors
        self._catalog = catalog
        self._fast_decoder = FastDecoder(catalog)
        self._handlers: dict[str, Handler] = {}
        self._file_handlers: Mapping[str, FileHandler] = {}
        self.client_event: Signal[ClientEvent] = Signal()

    def catalog_changed(self) -> None:
        """Rebuild the decoder. Call it after the catalog has changed."""
        self._fast_decoder = FastDecoder(self._catalog)

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """The handlers that ``on`` has registered, by event."""
        return self._handlers

    def use_file_handlers(self, handlers: Mapping[str, FileHandler]) -> None:
        """Use these handlers for the events that files define, instead of those that ``on`` registers."""
        self._file_handlers = handlers

    def on(self, event: str, handler: Handler) -> None:
        """Register the handler of a client event. It is called with the client and the typed data."""
        self._handlers[event] = handler

    def receive(
        self, client: Client, frame: AnyFrame, payload: bytes | None = None
    ) -> Coroutine[None, None, None] | None:
        """Handle one frame. Never raises: an invalid frame gets a row with the verdict ``invalid``.

        ``payload`` is the UTF-8 of a text frame, if the caller has it. If the handler has to wait, return a
        coroutine, which must be awaited before the client's next frame. A frame that an interceptor holds is no
        reason to wait: the client's next frames are queued behind it.
        """
        if payload is None:
            payload = payload_of(frame)
        client.received(len(payload))
        if self._hub.wire_names and isinstance(frame, str):
            try:
                frame = self._hub.wire_names.from_wire(frame)
            except BadFrame as bad:
                frame = OtherKeys(frame, bad)
            payload = payload_of(frame)
        if client.fault_plan and client.fault_plan.receive(frame, payload, partial(self._pass_on, client)):
            return None
        if self._interceptors or self._waiting:
            return self._intercept(ClientFrame(client=client, frame=frame, origin=client.name))
        return self._handle(client, frame, client.name, payload)

    def _pass_on(self, client: Client, frame: AnyFrame) -> Coroutine[None, None, None] | None:
        """Handle a frame that a client's fault plan has passed on."""
        if self._interceptors or self._waiting:
            return self._intercept(ClientFrame(client=client, frame=frame, origin=FAULTS))
        return self._handle(client, frame, FAULTS)

    def _intercept(self, cause: ClientFrame) -> Coroutine[None, None, None] | None:
        client = cause.client
        if waiting := self._waiting.get(client.id):
            return self._wait_behind(cause, waiting)
        try:
            passed = self._interceptors.apply(cause)
        except Dropped as dropped:
            self._drop(client, str(dropped))
            return None
        except Exception as error:
            self._not_handled(client, error)
            return None
        if isinstance(passed, ClientFrame):
            return self._handle(client, passed.frame, passed.origin)
        # The connection must not wait for the task: it would read no pongs, and the client would be disconnected.
        waiting = self._waiting[client.id] = _WaitingFrames()
        self._tasks.spawn(self._handle_held(client, passed, waiting), f"hold a frame of {client}")
        return None

    def _wait_behind(self, cause: ClientFrame, waiting: _WaitingFrames) -> Coroutine[None, None, None] | None:
        """Queue a frame behind a held one. If the queues are full, return a coroutine, which pauses reading."""
        waiting.frames.append(cause)
        self._waiting_bytes += _memory(cause)
        if self._waiting_bytes <= MAX_WAITING_BYTES:
            return None
        waiting.has_room.clear()
        self.waiting_full.emit(cause.client)
        return _until_set(waiting.has_room)

    async def _handle_held(
        self, client: Client, held: Coroutine[Any, Any, ClientFrame], waiting: _WaitingFrames
    ) -> None:
        """Handle a held frame after the decision about it, then the client's frames that arrived meanwhile."""
        frames = waiting.frames
        try:
            await self._handle_when_resumed(client, held)
            handled = 0
            while frames:
                if client.closing or self._hub.client(client.id) is not client:
                    self._drop(client, _left_behind(len(frames)))
                    return
                cause = frames.popleft()
                self._waiting_bytes -= _memory(cause)
                if self._waiting_bytes <= MAX_WAITING_BYTES:
                    waiting.has_room.set()
                elif not waiting.has_room.is_set():
                    cause = cause.changed(queue_full=True)
                await self._handle_when_resumed(client, self._interceptors.apply_and_wait(cause))
                handled += 1
                if handled % FRAMES_PER_TURN == 0:
                    await asyncio.sleep(0)
        finally:
            self._waiting_bytes -= sum(map(_memory, frames))
            del self._waiting[client.id]
            waiting.has_room.set()

    async def _handle_when_resumed(self, client: Client, waiting: Coroutine[Any, Any, ClientFrame]) -> None:
        """Handle a frame after the decision about it. An unexpected error does not affect the frames behind it."""
        then = None
        try:
            cause = await waiting
            then = cause.then
            if pending := self._handle(client, cause.frame, cause.origin):
                await pending
        except Dropped as dropped:
            self._drop(client, str(dropped))
        except Exception as error:
            self._not_handled(client, error)
        finally:
            if then:
                await self._continue(client, then)

    async def _continue(self, client: Client, then: Callable[[], Awaitable[object]]) -> None:
        try:
            await then()
        except Exception:
            log.exception("what follows a held frame of %s failed", client)

    def _not_handled(self, client: Client, error: Exception) -> None:
        log.error("a frame of %s could not be handled", client, exc_info=error)
        self._drop(client, "handling this frame failed; see the log files")

    def _drop(self, client: Client, why: str) -> None:
        self._hub.log_server_event("dropped", client=client, note=why, verdict=Verdict.WARNING)

    def _handle(
        self, client: Client, frame: AnyFrame, origin: Origin, payload: bytes | None = None
    ) -> Coroutine[None, None, None] | None:
        """Decode a frame that has passed the interceptors, and call its handler. ``origin`` is that of its row."""
        if payload is None:
            payload = payload_of(frame)
        fast = self._fast_decoder.read(payload) if isinstance(frame, str) else None
        if fast:
            received = ReceivedFrame(client, payload, *fast)
        else:
            try:
                received = self._decode_strict(client, frame, payload)
            except BadFrame as bad:
                refused = Outcome(str(bad), Verdict.INVALID)
                self._finish(ReceivedFrame(client, payload, bad.event, None), refused, origin)
                return None
        handler = self._handlers.get(received.name)
        try:
            if received.fields is not None and (file_handler := self._file_handlers.get(received.name)):
                outcome = file_handler(client, received.data, received.fields)
            else:
                outcome = handler(client, received.data) if handler else Outcome("no handler for this event")
        except Exception as error:
            outcome = self._failed(received.name, error)
        if isinstance(outcome, Outcome):
            self._finish(received, outcome, origin)
            return None
        return self._wait(received, outcome, origin)

    def _decode_strict(self, client: Client, frame: AnyFrame, payload: bytes) -> ReceivedFrame:
        """Decode a frame that the fast decoder does not handle. Raises ``BadFrame``."""
        envelope = decode_frame(frame)
        known = self._catalog.get(Direction.FROM_UI, envelope.event)
        if known is None:
            names = ", ".join(self._catalog.names(Direction.FROM_UI))
            reason = f"unknown client event {envelope.event[:80]!r} (known: {names})"
            raise BadFrame(reason, "event", envelope.event)
        data = known.typed(envelope)
        extra = ", ".join(known.unknown_fields(envelope.data))
        remark = f"unknown field {extra} ignored" if extra else ""
        return ReceivedFrame(
            client, payload, known.name, data, remark, envelope.data if known.details.file else None
        )

    async def _wait(self, received: ReceivedFrame, pending: Awaitable[Outcome], origin: Origin) -> None:
        try:
            outcome = await pending
        except Exception as error:
            outcome = self._failed(received.name, error)
        self._finish(received, outcome, origin)

    @staticmethod
    def _failed(name: str, error: Exception) -> Outcome:
        log.error("the handler of %s failed", name, exc_info=error)
        return Outcome("handling this event failed; see the log files", Verdict.WARNING)

    def _finish(self, received: ReceivedFrame, outcome: Outcome, origin: Origin) -> None:
        client, note = received.client, outcome.note
        if received.remark:
            note = f"{note}; {received.remark}" if note else received.remark
        self._hub.journal.append(
            Kind.FROM_UI, received.name[:80], payload=received.payload, client=client.number, origin=origin,
            verdict=outcome.verdict, note=note, user=client.username,
        )  # fmt: skip
        if received.data is None:
            return
        if self.client_event:
            self.client_event.emit(ClientEvent(client, received.name, received.data))
        if outcome.follow_up:
            event, to = outcome.follow_up
            self._hub.publish(event, to=to, origin=client.name)
        if outcome.effects:
            self._hub.carry_out(outcome.effects)


async def _until_set(event: asyncio.Event) -> None:
    await event.wait()


def _memory(cause: ClientFrame) -> int:
    """Return the most memory, in bytes, that a waiting frame needs."""
    frame = as_sent(cause.frame)
    widest = 1 if isinstance(frame, bytes) or frame.isascii() else 4  # bytes per character
    return FRAME_BYTES + widest * len(frame)


def _left_behind(number: int) -> str:
    return (
        f"the client has disconnected; {count(number, 'frame')} that it had sent behind a held one are not handled"
    )
