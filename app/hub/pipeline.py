"""Fire events: validate them, pass them through the interceptors, store their changes in the chat state, and send.
Raw text and resent rows also pass the interceptors and are sent, but even if they are invalid, and do not change
the chat state. If ``fire`` is called with ``strict=False``, an invalid event is sent in the same way.

Every event that a user, a script or a source fires enters here, and is sent by ``Hub.send``, unless it is rejected.
An interceptor may hold it first, or drop it. Events that the companion sends itself, such as the effects of a REST
call, do not enter here.
"""

from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple, Protocol

from app.hub.causes import Cause, Dropped, FiredEvent, FiredFrame
from app.hub.hub import Delivery, Hub
from app.hub.journal import Row, Verdict
from app.hub.long_calls import compute
from app.hub.origin import Origin
from app.hub.outgoing import CauseNote, Effect, Outgoing
from app.hub.target import ALL, Target
from app.hub.tasks import Tasks
from app.hub.uninterrupted import Uninterrupted
from app.protocol.catalog import Catalog
from app.protocol.envelope import MAX_CHECKED_CHARS, MAX_FRAME_BYTES, MAX_RAW_BYTES, BadFrame, Envelope, decode
from app.protocol.errors import Invalid, RequestError, StorageError, TooLarge
from app.protocol.event_type import EventProblem, InvalidEvent
from app.protocol.wire_names import own_text

FIRE_ERRORS = (InvalidEvent, RequestError, StorageError)
"""The errors of firing: invalid event, invalid request, or storage error. Their texts are shown to users."""

NO_UNICODE = "The text contains a lone surrogate, which is not valid Unicode."
HELD = "held: the log shows when it continues"
MAX_NAME_CHARS = 200
"""The event name of a raw frame is cut to this length, because the journal stores it in every row's key."""


class CheckedFrame(NamedTuple):
    """The name of the event in a frame (empty if there is none), how the frame violates the contract, and its text.

    The text has the companion's names of the envelope's keys if there is an event; otherwise, it is unchanged.
    """

    event: str
    problems: tuple[EventProblem, ...]
    text: str

    @property
    def fault(self) -> str:
        """The problems as one text; empty if the frame is valid."""
        return "; ".join(map(str, self.problems))


class Advice(NamedTuple):
    """Warnings about an event that is about to be sent."""

    warnings: tuple[str, ...] = ()
    offline: str = ""
    """The sender of the message if that friend is offline."""


def offline_warning(friend: str) -> str:
    """Return the warning about a message from an offline friend."""
    return f"{friend} is offline, so a real backend would send nothing: switch {friend} online first"


class ChatState(Protocol):
    """The chat state, as the pipeline uses it. Every method may raise ``RequestError`` or ``StorageError``."""

    def advise(self, event: Envelope) -> Advice:
        """Return warnings about an event, based on the state before it."""

    async def record(self, event: Envelope) -> Sequence[Effect]:
        """Store the changes of a valid event, and return its effects after the commit."""

    async def drain(self) -> None:
        """Wait until all changes requested before this call are stored."""


class EventPipeline:
    """Fire events. Frames are sent in the order of the calls; a raw frame over 64 KiB may be sent after later ones.

    If a caller is cancelled while its event is being stored, the event is still sent first. If a method raises
    one of ``FIRE_ERRORS``, nothing was stored or sent. If an interceptor holds the event, the method returns
    immediately with ``Delivery.held``, and the journal shows what happens to the event later.
    """

    def __init__(self, hub: Hub, catalog: Catalog, state: ChatState, tasks: Tasks) -> None:
        self._hub = hub
        self._catalog = catalog
        self._state = state
        self._tasks = tasks
        self._interceptors = hub.interceptors
        self.held: list[tuple[int, Origin]] = []
        """The events and frames that interceptors hold: the number of the newest row then, and the origin."""

    async def fire(self, event: Envelope, *, to: Target = ALL, origin: Origin, strict: bool = True) -> Delivery:
        """Store the changes of an event, then send it.

        An event that violates the contract raises ``InvalidEvent``. If ``strict`` is False, it is sent with a
        warning and without changing the state.
        """
        if strict and (problems := self._catalog.problems(event)):
            raise InvalidEvent(problems)
        if not self._interceptors:
            return await self._send_event(event, to, origin, strict)
        cause = FiredEvent(event=event, to=to, origin=origin, strict=strict)
        return await self._intercept(cause, self._fire_cause)

    async def send_raw(self, frame: str | bytes, *, to: Target = ALL, origin: Origin) -> Delivery:
        """Send any text or bytes unchanged as a frame. If it violates the contract, its row says how."""
        return await self._send_frame(await self._raw(frame, to, origin))

    async def resend(self, row: Row, *, origin: Origin) -> Delivery:
        """Send the frame of a row again, to the same target. Raises ``ValueError`` unless it was sent to the UI."""
        return await self._send_frame(Outgoing.again(row, origin=origin))

    def check(self, text: str) -> CheckedFrame:
        """Return the event's name in a frame as clients receive it, and how the frame violates the contract."""
        if len(text) > MAX_CHECKED_CHARS:
            why = f"not checked, because it is larger than {MAX_CHECKED_CHARS // 1024:,} KiB"
            return CheckedFrame("", (EventProblem("", why),), text)
        own = text
        try:
            own = own_text(text, self._hub.wire_names)
            event = decode(own)
        except BadFrame as bad:
            problem = EventProblem(bad.where, bad.reason)
            return CheckedFrame(bad.event[:MAX_NAME_CHARS], (problem,), own if bad.event else text)
        return CheckedFrame(event.event[:MAX_NAME_CHARS], tuple(self._catalog.problems(event)), own)

    def check_logged(self, event: str, text: str) -> CheckedFrame:
        """Return the same for the text of a frame as the log shows it, in a row with this event."""
        return self.check(self._hub.on_wire(event, text.encode()).decode())

    async def _send_event(self, event: Envelope, to: Target, origin: Origin, strict: bool) -> Delivery:
        if not strict and (problems := self._catalog.problems(event)):
            try:
                text = event.encode().decode()
            except UnicodeEncodeError:
                raise Invalid(NO_UNICODE) from None
            _check_size(text)
            fault = "; ".join(map(str, problems))
            outgoing = Outgoing.raw(text, to=to, origin=origin, fault=fault, event=event.event[:MAX_NAME_CHARS])
            warning = f"sent, not stored: {fault}"
            return (await self._send_when_stored(outgoing))._replace(warnings=(warning,))
        return await Uninterrupted(self._store_and_send(event, to, origin))

    async def _store_and_send(self, event: Envelope, to: Target, origin: Origin) -> Delivery:
        advice = self._state.advise(event)
        effects = await self._state.record(event)
        warning = "; ".join(each.note for each in effects if isinstance(each, CauseNote)) if effects else ""
        delivery = self._hub.publish(event, to=to, origin=origin, warning=warning)
        self._hub.carry_out(effects)
        warnings = (*advice.warnings, warning) if warning else advice.warnings
        return delivery._replace(warnings=warnings, offline=advice.offline) if warnings else delivery

    async def _raw(self, frame: str | bytes, to: Target, origin: Origin) -> Outgoing:
        large = _check_size(frame) > MAX_FRAME_BYTES
        try:
            text = frame if isinstance(frame, str) else frame.decode()
        except UnicodeDecodeError:
            return Outgoing.raw(frame, to=to, origin=origin, fault="not UTF-8")
        checked = await compute(self.check, text) if large else self.check(text)
        return Outgoing.raw(checked.text, to=to, origin=origin, fault=checked.fault, event=checked.event)

    async def _send_frame(self, outgoing: Outgoing) -> Delivery:
        if self._interceptors:
            return await self._intercept(FiredFrame(outgoing=outgoing), self._frame_cause)
        return await self._send_when_stored(outgoing)

    async def _send_when_stored(self, outgoing: Outgoing) -> Delivery:
        """Send a frame after the events that were fired before."""
        return await Uninterrupted(self._drain_and_send(outgoing))

    async def _drain_and_send(self, outgoing: Outgoing) -> Delivery:
        await self._state.drain()
        return self._hub.send(outgoing)

    # causes that have passed the interceptors

    async def _fire_cause(self, cause: FiredEvent) -> Delivery:
        if cause.strict and (problems := self._catalog.problems(cause.event)):
            raise InvalidEvent(problems)
        return await self._send_event(cause.event, cause.to, cause.origin, cause.strict)

    async def _frame_cause(self, cause: FiredFrame) -> Delivery:
        return await self._send_when_stored(cause.outgoing)

    async def _intercept(self, cause: Any, proceed: "Proceed") -> Delivery:
        try:
            passed = self._interceptors.apply(cause)
        except Dropped as dropped:
            return self._dropped(str(dropped))
        if isinstance(passed, Cause):
            return await proceed(passed)
        seq = self._hub.journal.last_seq
        held = seq, cause.origin if isinstance(cause, FiredEvent) else cause.outgoing.origin
        self.held.append(held)
        self._tasks.spawn(self._resume(passed, proceed, held), "resume a held event")
        return Delivery(seq, (), HELD, held=True)

    async def _resume(
        self, waiting: Coroutine[Any, Any, Any], proceed: "Proceed", held: tuple[int, Origin]
    ) -> None:
        try:
            cause = await waiting
        except Dropped as dropped:
            self._dropped(str(dropped))
            return
        finally:
            self.held.remove(held)
        try:
            await proceed(cause)
        except FIRE_ERRORS as error:
            self._hub.log_server_event("not sent", note=str(error), verdict=Verdict.WARNING)
        if cause.then:
            await cause.then()

    def _dropped(self, why: str) -> Delivery:
        self._hub.log_server_event("dropped", note=why, verdict=Verdict.WARNING)
        return Delivery(self._hub.journal.last_seq, (), f"not sent: {why}")


def _check_size(frame: str | bytes) -> int:
    """Return the size of a frame in bytes. Raises ``RequestError`` if it cannot be sent."""
    try:
        size = len(frame.encode() if isinstance(frame, str) else frame)
    except UnicodeEncodeError:
        raise Invalid(NO_UNICODE) from None
    if size > MAX_RAW_BYTES:
        limit = f"The frame is larger than {MAX_RAW_BYTES // 1024:,} KiB, the maximum size."
        raise TooLarge(limit)
    return size


class Proceed(Protocol):
    """Continues with a cause after it has passed the interceptors."""

    async def __call__(self, cause: Any) -> Delivery:
        """Store the changes of the cause, and send its frame."""
