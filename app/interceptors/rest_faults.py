"""Arm and clear faults of REST calls, and decide what happens to a call; ``endpoints.rest`` carries it out.
A fault disturbs the UI's calls of a route, such as ``POST /messages``, on purpose: for example a delay, an error
status or no answer.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress

from app.hub.fault_plan import FAULT
from app.hub.hub import Hub
from app.hub.signals import Signal
from app.protocol.counts import count
from app.protocol.errors import Invalid
from app.protocol.faults.rest import RestDecision, RestFault, RestFaultSequence, check_rest_fault, rest_fault_text
from app.protocol.faults.words import InvalidFault
from app.protocol.rest_calls import with_upper_method

MAX_ROUTES = 100
RELEASE_S = 1.0
"""Seconds that ``release_delayed`` waits until the released calls are answered."""


class RestFaults:
    """The faults of REST routes that are armed. The first one that acts on a call decides."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._armed: list[RestFaultSequence] = []
        self._waiting: set[object] = set()
        """The calls that are being delayed."""
        self._unanswered: set[object] = set()
        """The calls that are being delayed, and those whose delay has ended but that are not answered yet."""
        self._all_answered = asyncio.Event()
        self._releasing = False
        self.changed: Signal[None] = Signal()
        """Emitted when faults were armed or cleared."""
        self.acted: Signal[None] = Signal()
        """Emitted when a fault has seen a call."""

    def __bool__(self) -> bool:
        return bool(self._armed)

    @property
    def armed(self) -> Sequence[RestFaultSequence]:
        """What is armed, oldest first."""
        return tuple(self._armed)

    def check(self, faults: Iterable[RestFault]) -> None:
        """Raise ``Invalid`` if faults cannot be armed together: an invalid one, or too many routes."""
        routes = {each.fault.route for each in self._armed}
        for fault in faults:
            try:
                check_rest_fault(fault)
            except InvalidFault as error:
                raise Invalid(str(error)) from None
            routes.add(fault.route)
        if len(routes) > MAX_ROUTES:
            raise Invalid(f"Faults can be armed for at most {MAX_ROUTES} routes; clear some first.")

    def arm(self, fault: RestFault, seed: int | None = None) -> RestFaultSequence:
        """Arm a fault, instead of the one that is armed for its route. Without a seed, choose one.

        Raises ``Invalid``.
        """
        self.check([fault])
        armed = RestFaultSequence(fault, secrets.randbelow(10_000) if seed is None else seed)
        self._armed = [*(each for each in self._armed if each.fault.route != fault.route), armed]
        note = f"{fault.route}: {rest_fault_text(fault)}, seed {armed.seed}"
        self._hub.log_server_event("REST faults armed", note=note)
        self.changed.emit(None)
        return armed

    def clear(self, route: str | None = None) -> int:
        """Clear the fault of a route, or all, and return how many were armed."""
        cleared = self.armed if route is None else list(filter(None, [self.armed_for(route)]))
        self._armed = [each for each in self._armed if each not in cleared]
        if cleared:
            note = f"for {'all routes' if route is None else cleared[0].fault.route}"
            self._hub.log_server_event("REST faults cleared", note=note)
            self.changed.emit(None)
        return len(cleared)

    def armed_for(self, route: str) -> RestFaultSequence | None:
        """Return the fault that is armed for a route, whose method may be in lower case; None if there is none."""
        route = with_upper_method(route)
        return next((each for each in self._armed if each.fault.route == route), None)

    def answers(self, call: str) -> bool:
        """Return whether a fault is armed for a call such as ``GET /friends``: it can answer any path."""
        return any(each.is_of(call) for each in self._armed)

    def is_armed(self, fault: RestFault) -> bool:
        """Return whether a fault is still armed."""
        return any(each.fault is fault for each in self._armed)

    def decide(self, method: str, path: str) -> RestDecision | None:
        """Return what happens to a call, or None if it is answered normally."""
        decision: RestDecision | None = None
        for each in self._armed:
            decision = each.decide(method, path, decided=decision is not None) or decision
        self.acted.emit(None)
        return decision

    @contextmanager
    def delayed(self, fault: RestFault) -> Iterator[Callable[[], bool]]:
        """Yield a function that returns whether a call must still wait. Leave the context when it need not."""
        call = object()
        if not self._releasing:
            self._waiting.add(call)
        try:
            yield lambda: call in self._waiting and self.is_armed(fault)
        finally:
            self._waiting.discard(call)

    @contextmanager
    def unanswered(self) -> Iterator[None]:
        """Let ``release_delayed`` wait for a call. Leave the context when it is answered."""
        call = object()
        self._unanswered.add(call)
        try:
            yield
        finally:
            self._unanswered.discard(call)
            if not self._unanswered:
                self._all_answered.set()

    async def release_delayed(self, why: str) -> None:
        """Let delayed calls continue, and wait briefly until they are answered. Meanwhile, none is delayed."""
        if self._waiting:
            note = f"{count(len(self._waiting), 'delayed REST call')} answered now: {why}"
            self._hub.log_server_event(FAULT, note=note)
            self._waiting.clear()
        self._releasing = True
        self._all_answered.clear()
        try:
            if self._unanswered:
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._all_answered.wait(), RELEASE_S)
        finally:
            self._releasing = False
