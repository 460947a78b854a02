"""The causes of everything that happens, and the interceptors that may hold, change or drop them.

A cause is a fired event, a frame from a client, or a REST call. It passes all interceptors before it is journalled,
stored or handled. Its effects (outgoing frames) do not: to hold an effect, hold its cause.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Self, TypeVar

from app.hub.clients import Client
from app.hub.origin import Origin
from app.hub.outgoing import Outgoing
from app.hub.target import Target
from app.protocol.envelope import Envelope


class Dropped(Exception):
    """An interceptor dropped the cause. The text says why, for the journal and the caller."""


class Continuation:
    """What happens to a cause after an interceptor has decided. Every cause has one; it works once."""

    def __init__(self) -> None:
        self._decided: asyncio.Future[Cause] = asyncio.get_running_loop().create_future()

    @property
    def pending(self) -> bool:
        """Return whether nobody has decided yet."""
        return not self._decided.done()

    def resume(self, cause: "Cause") -> None:
        """Go on with ``cause``, changed or not."""
        if self.pending:
            self._decided.set_result(cause)

    def drop(self, why: str) -> None:
        """Do not go on."""
        if self.pending:
            self._decided.set_exception(Dropped(why))

    async def decision(self) -> "Cause":
        """Wait for the decision. Raises ``Dropped``."""
        return await self._decided


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Base of all causes. An interceptor that returns None owns the cause and calls ``resume`` or ``drop``."""

    continuation: Continuation | None = field(default=None, compare=False, repr=False)

    def resume(self, changed: "Cause | None" = None) -> None:
        """Go on with this cause, or with a changed one of the same kind."""
        assert self.continuation
        self.continuation.resume(changed or self)

    def drop(self, why: str) -> None:
        """End here: nothing is stored, handled or sent. ``why`` is journalled."""
        assert self.continuation
        self.continuation.drop(why)

    def changed(self, **fields: object) -> Self:
        """Return this cause with other values."""
        return replace(self, **fields)  # type: ignore[arg-type]


@dataclass(frozen=True, kw_only=True)
class FiredEvent(Cause):
    """An event that was fired. ``strict``: it must satisfy the contract; otherwise it is sent but not stored."""

    event: Envelope
    to: Target
    origin: Origin
    strict: bool = True


@dataclass(frozen=True, kw_only=True)
class FiredFrame(Cause):
    """A frame that is sent as it is: a raw frame, or a resent one. It changes no chat state."""

    outgoing: Outgoing


@dataclass(frozen=True, kw_only=True)
class ClientFrame(Cause):
    """A text or binary frame that a client sent, before it is decoded."""

    client: Client
    frame: str | bytes


@dataclass(frozen=True, kw_only=True)
class RestCall(Cause):
    """A request of the UI, before it is handled. Only ``body`` can be changed. ``origin`` is the calling page's."""

    method: str
    path: str
    query: str
    body: bytes
    origin: str
    user_agent: str


Interceptor = Callable[[Cause], Cause | None]
"""Returns the cause to go on with, changed or not. None: it will call ``resume`` or ``drop`` itself."""

C = TypeVar("C", bound=Cause)


class Registration:
    """A place in the order of interceptors. Causes pass one that is not armed without any cost."""

    def __init__(self, interceptors: "Interceptors", interceptor: Interceptor, position: int, armed: bool) -> None:
        self._interceptors = interceptors
        self.interceptor = interceptor
        self.position = position
        self._armed = armed

    @property
    def armed(self) -> bool:
        """Whether the interceptor is asked. It keeps its place while it is not."""
        return self._armed

    @armed.setter
    def armed(self, armed: bool) -> None:
        self._armed = armed
        self._interceptors.update_armed()

    def remove(self) -> None:
        """Take the interceptor out for good. May be called twice."""
        self._interceptors.discard(self)
        self.armed = False


class Interceptors:
    """The registered interceptors, in order. If none is armed, ``if interceptors:`` is all that a cause costs."""

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
        """Forget a registration, if it is there. See ``Registration.remove``."""
        if registration in self._registered:
            self._registered.remove(registration)

    def update_armed(self) -> None:
        """Take into account which registrations are armed."""
        self._armed = tuple(each for each in self._registered if each.armed)

    def apply(self, cause: C) -> C | Coroutine[Any, Any, C]:
        """Return the cause after all interceptors, or a coroutine that does, if one of them holds it.

        Both raise ``Dropped``.
        """
        for registration in self._armed:
            result = self._ask(registration, cause)
            if isinstance(result, Continuation):
                return self._wait(cause, result, registration)
            cause = result
        return cause

    async def passed(self, cause: C) -> C:
        """Return the cause after all interceptors, which may take a while. Raises ``Dropped``."""
        result = self.apply(cause)
        return result if isinstance(result, Cause) else await result

    @staticmethod
    def _ask(registration: Registration, cause: C) -> C | Continuation:
        continuation = Continuation()
        result = registration.interceptor(replace(cause, continuation=continuation))
        return continuation if result is None else _same_kind(cause, result)

    async def _wait(self, cause: C, held: Continuation, holder: Registration) -> C:
        """Wait for a held cause, then ask the interceptors after the one that held it."""
        cause = _same_kind(cause, await held.decision())
        for registration in self._armed:
            if registration.position > holder.position and registration.armed:
                result = self._ask(registration, cause)
                cause = _same_kind(cause, await result.decision()) if isinstance(result, Continuation) else result
        return cause


def _same_kind(before: C, after: Cause) -> C:
    if not isinstance(after, type(before)):
        raise TypeError(f"an interceptor turned a {type(before).__name__} into a {type(after).__name__}")
    return after
