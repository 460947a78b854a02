"""Keep the armed refusals: which connections the event server refuses on purpose, to test how a UI reconnects.
A refusal is for a number of connections or for some time, from all clients or from one Origin and user agent. For
each request to connect that access rules and limits allow, ``endpoints.refusing`` calls ``take``, and refuses it in
the mode that this returns, if any. The oldest refusal that applies is used. Nothing is stored on disk.
"""

import asyncio
from dataclasses import dataclass, field
from typing import NamedTuple

from app.hub.clients import Handshake
from app.hub.hub import Hub
from app.hub.origin import Origin
from app.hub.signals import Signal
from app.hub.tasks import Tasks
from app.protocol.errors import Conflict, Invalid
from app.protocol.refusals import MAX_REFUSAL_S, MAX_REFUSALS, RefusalMode

MAX_ARMED = 20
"""At most this many refusals are armed at a time."""
EXPIRY_S = 0.05
"""Added to a timer, so that it never ends before the time has passed."""
ARMED_EVENT = "refusing"
ENDED_EVENT = "accepting again"


@dataclass(eq=False)
class ArmedRefusal:
    """Connections that will be refused: how, how many are left, and until when.

    ``until`` is in monotonic seconds. ``all`` says that they end by time, not by number. ``only`` limits them to
    the pages of one Origin and user agent.
    """

    mode: RefusalMode
    left: int
    until: float
    all: bool
    origin: Origin
    only: Handshake | None = None
    refused: int = field(default=0, init=False)


class Refused(NamedTuple):
    """A connection that is to be refused: the mode, and how many refusals of that kind are left (None: all)."""

    mode: RefusalMode
    left: int | None


class Refusals:
    """The armed refusals of the event server."""

    def __init__(self, hub: Hub, tasks: Tasks) -> None:
        self._hub = hub
        self._tasks = tasks
        self._armed: list[ArmedRefusal] = []
        self._expiry: dict[ArmedRefusal, asyncio.Task[None] | None] = {}
        self.changed: Signal[None] = Signal()
        """Emitted when something was armed, used up or removed, and for each refused connection."""
        self.ended: Signal[None] = Signal()
        """Emitted when the last armed refusal has expired or was removed, but not when it was used up.

        The event server then cuts connections that get no answer.
        """

    @property
    def armed(self) -> tuple[ArmedRefusal, ...]:
        """What is armed, in the order in which it will be used."""
        now = self._hub.clock.mono()
        return tuple(each for each in self._armed if now < each.until)

    def arm(
        self,
        mode: RefusalMode,
        count: int | None = None,
        for_s: float | None = None,
        *,
        origin: Origin,
        only: Handshake | None = None,
    ) -> ArmedRefusal:
        """Refuse the next ``count`` connections, or all for ``for_s`` seconds.

        With both, refuse at most ``count`` within that time; with neither, refuse one. ``origin`` is that of the
        row in the log. ``only`` limits it to the pages of one browser. Raises ``Invalid`` for a number beyond
        ``MAX_REFUSALS`` or a time beyond ``MAX_REFUSAL_S``, and ``Conflict`` if too many are armed.
        """
        if count is not None and not 1 <= count <= MAX_REFUSALS:
            raise Invalid(f"The number of connections must be 1 to {MAX_REFUSALS:,}.")
        if for_s is not None and not 0 < for_s <= MAX_REFUSAL_S:
            raise Invalid(f"The time must be more than 0 and at most {MAX_REFUSAL_S:g} seconds.")
        self._prune()
        if len(self._armed) >= MAX_ARMED:
            raise Conflict(f"{MAX_ARMED} refusals are armed already. Accept connections again first.")
        is_all = count is None and for_s is not None
        seconds = MAX_REFUSAL_S if for_s is None else for_s
        armed = ArmedRefusal(
            mode, count or (MAX_REFUSALS if is_all else 1), self._hub.clock.mono() + seconds, is_all, origin, only
        )
        self._armed.append(armed)
        self._expiry[armed] = self._tasks.spawn(self._expire(seconds), "end of refusing connections")
        self._hub.log_server_event(ARMED_EVENT, note=self.describe(armed), origin=origin)
        self.changed.emit(None)
        return armed

    def describe(self, armed: ArmedRefusal) -> str:
        """Return what is left of an armed refusal in a few words: ``the next 3 connections (503)``."""
        if armed.all:
            seconds = max(0.0, armed.until - self._hub.clock.mono())
            what = f"all connections for {seconds:.0f} s"
        else:
            what = "the next connection" if armed.left == 1 else f"the next {armed.left:,} connections"
        of = f" of {armed.only.origin or 'one program'}" if armed.only else ""
        return f"{what}{of} ({armed.mode})"

    def remaining(self, armed: ArmedRefusal) -> str:
        """Return what is left without the words of ``describe``: ``3 more, 503``, or ``503``."""
        return str(armed.mode) if armed.all else f"{armed.left:,} more, {armed.mode}"

    def take(self, handshake: Handshake) -> Refused | None:
        """Return how to refuse a connection, and count it; None to accept it."""
        self._prune()
        armed = next((each for each in self._armed if each.only in (None, handshake)), None)
        if armed is None:
            return None
        armed.left -= 1
        armed.refused += 1
        if not armed.left:
            self._remove([armed])
        self.changed.emit(None)
        return Refused(armed.mode, None if armed.all else armed.left)

    def is_armed(self, armed: ArmedRefusal) -> bool:
        """Return whether an armed refusal will still refuse connections."""
        return armed in self.armed

    def disarm(self, *armed: ArmedRefusal) -> None:
        """Remove armed refusals. Those that are used up or removed already are ignored."""
        present = [each for each in dict.fromkeys(armed) if each in self._armed]
        if not present:
            return
        self._remove(present)
        if not self._armed:
            self._hub.log_server_event(ENDED_EVENT, note="all connections are accepted")
            self.ended.emit(None)
        self.changed.emit(None)

    def disarm_all(self) -> int:
        """Accept all connections again. Return how many armed refusals were removed."""
        removed = tuple(self._armed)
        self.disarm(*removed)
        return len(removed)

    def _remove(self, armed: list[ArmedRefusal]) -> None:
        for each in armed:
            self._armed.remove(each)
            if (task := self._expiry.pop(each, None)) is not None:
                task.cancel()

    def _prune(self) -> None:
        now = self._hub.clock.mono()
        self.disarm(*(each for each in self._armed if now >= each.until))

    async def _expire(self, seconds: float) -> None:
        await asyncio.sleep(seconds + EXPIRY_S)  # not the clock's: the window has to show it in real time
        self._prune()
