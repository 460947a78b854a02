"""Interceptors: functions that can hold, change or drop a *cause*. Defines the causes and the list of interceptors.
A cause is a fired event, a fired raw or resent frame, a frame that a client sent, or a REST call.

A cause passes all armed interceptors before it is journalled, stored or handled. Its effects (outgoing frames) are
not intercepted: to hold an effect, hold its cause.

``EventPipeline``, ``Router`` and ``RestApi`` pass causes to the interceptors. ``companion.hub.interceptors.add(…)``
registers one, which is armed unless ``armed`` is False. ``interceptors.breakpoints`` is one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from itertools import count
from typing import Any, Self, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from app.hub.client_frames import AnyFrame
from app.hub.clients import Client
from app.hub.origin import Origin
from app.hub.outgoing import Outgoing
from app.hub.target import Target
from app.protocol.envelope import Envelope


class Dropped(Exception):
    """Raised when an interceptor has dropped the cause. The text is the reason, for the journal and the caller."""


class ConnectionDropped(Dropped):
    """Raised if a REST call was dropped together with its connection, so that the client gets no response."""


class Continuation:
    """The decision of an interceptor that holds a cause: resume or drop it. Only the first decision counts."""

    def __init__(self) -> None:
        self._decided: asyncio.Future[Cause] = asyncio.get_running_loop().create_future()

    @property
    def pending(self) -> bool:
        """Return whether there is no decision yet."""
        return not self._decided.done()

    def resume(self, cause: "Cause") -> None:
        """Continue with ``cause``, which may be a changed one."""
        if self.pending:
            self._decided.set_result(cause)

    def drop(self, why: str, *, close: bool = False) -> None:
        """Drop the cause. ``why`` is journalled. ``close``: a REST call is not answered, its connection is cut."""
        if self.pending:
            self._decided.set_exception(ConnectionDropped(why) if close else Dropped(why))

    def on_end(self, callback: Callable[[], object]) -> None:
        """Call ``callback`` soon after the decision, or after the task that waits for it was cancelled."""
        self._decided.add_done_callback(lambda _: callback())

    async def decision(self) -> "Cause":
        """Wait for the decision, and return the cause to continue with. Raises ``Dropped``."""
        return await self._decided


class Cause(Struct, frozen=True, kw_only=True):
    """Base of all causes. An interceptor that returns None must later call ``resume`` or ``drop``."""

    continuation: Continuation | None = None
    then: Callable[[], Awaitable[object]] | None = None
    """If the cause was held: awaited after it was handled, even if that failed, but not if it was dropped."""

    def resume(self, changed: "Cause | None" = None) -> None:
        """Continue with this cause, or with a changed one of the same class."""
        assert self.continuation
        self.continuation.resume(changed or self)

    def drop(self, why: str, *, close: bool = False) -> None:
        """Drop the cause: nothing is stored, handled or sent. ``why`` is journalled.

        ``close``: a REST call is not answered with 503, its connection is cut instead.
        """
        assert self.continuation
        self.continuation.drop(why, close=close)

    def changed(self, **fields: object) -> Self:
        """Return a copy of this cause with other field values."""
        return replace(self, **fields)


class FiredEvent(Cause, frozen=True, kw_only=True):
    """A fired event. If ``strict`` is False, it may violate the contract; it is then sent but not stored."""

    event: Envelope
    to: Target
    origin: Origin
    strict: bool = True


class FiredFrame(Cause, frozen=True, kw_only=True):
    """A frame that is sent unchanged: a raw or resent frame. It does not change the chat state."""

    outgoing: Outgoing


class ClientFrame(Cause, frozen=True, kw_only=True):
    """A text or binary frame that a client sent, before it is decoded. ``origin`` is that of its row."""

    client: Client
    frame: AnyFrame
    origin: Origin
    queue_full: bool = False
    """Whether so much waits behind this frame that it should not be held: reading from the client is paused."""


def _always_connected() -> bool:
    return True


class RestCall(Cause, frozen=True, kw_only=True):
    """A REST request of the UI, before it is handled. Only ``body`` can be changed. ``origin`` is the page's."""

    method: str
    path: str
    query: str
    body: bytes
    origin: str
    user_agent: str
    is_connected: Callable[[], bool] = _always_connected
    """Returns whether the client still waits for the response."""


Interceptor = Callable[[Cause], Cause | None]
"""Returns the cause to continue with, changed or not. None holds it until ``resume`` or ``drop`` is called."""

C = TypeVar("C", bound=Cause)


class Registration:
    """A registered interceptor, and its position in the order. A disarmed one is skipped."""

    def __init__(self, interceptors: "Interceptors", interceptor: Interceptor, position: int, armed: bool) -> None:
        self._interceptors = interceptors
        self.interceptor = interceptor
        self.position = position
        self._armed = armed

    @property
    def armed(self) -> bool:
        """Whether causes pass the interceptor. It keeps its position while it is disarmed."""
        return self._armed

    @armed.setter
    def armed(self, armed: bool) -> None:
        self._armed = armed
        self._interceptors.update_armed()

    def remove(self) -> None:
        """Unregister the interceptor. May be called twice."""
        self._interceptors.discard(self)
        self.armed = False


class Interceptors:
    """The registered interceptors, in order. True if any is armed: callers create a cause only in that case."""

    def __init__(self) -> None:
        self._registered: list[Registration] = []
        self._armed: tuple[Registration, ...] = ()
        self._positions = count()

    def __bool__(self) -> bool:
        return bool(self._armed)

    def add(self, interceptor: Interceptor, *, armed: bool = True) -> Registration:
        """Register an interceptor after all others."""
        registration = Registration(self, interceptor, next(self._positions), armed)
        self._registered.append(registration)
        self.update_armed()
        return registration

    def discard(self, registration: Registration) -> None:
        """Remove a registration if it exists. Called by ``Registration.remove``."""
        if registration in self._registered:
            self._registered.remove(registration)

    def update_armed(self) -> None:
        """Recompute which interceptors are armed. Called by ``Registration.armed``."""
        self._armed = tuple(each for each in self._registered if each.armed)

    def apply(self, cause: C) -> C | Coroutine[Any, Any, C]:
        """Pass a cause through all interceptors, and return the result.

        If an interceptor holds the cause, return a coroutine that waits for its decision and returns the result.
        Both raise ``Dropped``.
        """
        for registration in self._armed:
            result = self._call(registration, cause)
            if isinstance(result, Continuation):
                return self._wait(cause, result, registration)
            cause = result
        return cause

    async def apply_and_wait(self, cause: C) -> C:
        """Pass a cause through all interceptors, and wait while one holds it. Raises ``Dropped``."""
        result = self.apply(cause)
        return result if isinstance(result, Cause) else await result

    @staticmethod
    def _call(registration: Registration, cause: C) -> C | Continuation:
        continuation = Continuation()
        result = registration.interceptor(replace(cause, continuation=continuation))
        return continuation if result is None else _same_kind(cause, result)

    async def _wait(self, cause: C, held: Continuation, holder: Registration) -> C:
        """Wait for a held cause, then pass it through the interceptors after the one that held it."""
        cause = _same_kind(cause, await held.decision())
        for registration in self._armed:
            if registration.position > holder.position and registration.armed:
                result = self._call(registration, cause)
                cause = _same_kind(cause, await result.decision()) if isinstance(result, Continuation) else result
        return cause


def _same_kind(before: C, after: Cause) -> C:
    if not isinstance(after, type(before)):
        raise TypeError(f"an interceptor turned a {type(before).__name__} into a {type(after).__name__}")
    return after
