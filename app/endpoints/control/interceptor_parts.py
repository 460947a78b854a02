"""Interfaces (``typing.Protocol``) of breakpoints and faults, with the methods that the control API calls.
Breakpoints hold events, frames and REST calls; faults disturb them.

``endpoints`` cannot import ``interceptors``, which is on the same layer. The methods may raise ``RequestError``;
``modify`` also ``InvalidEvent``.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol

from app.hub.causes import Cause
from app.hub.held_items import Breakpoint, BreakpointOptions, Edit, HeldItem
from app.hub.origin import Origin
from app.hub.target import Target
from app.protocol.envelope import Envelope
from app.protocol.faults.kinds import AnyFault
from app.protocol.faults.profiles import SavedProfile
from app.protocol.faults.rest import RestFault, RestFaultSequence


class ArmedFaults(Protocol):
    """Faults that are armed for a target; see ``app/interceptors/armed_faults.py``."""

    number: int
    to: Target
    faults: tuple[AnyFault, ...]
    seed: int
    profile: str
    seen: int

    @property
    def acted(self) -> Mapping[str, int]:
        """How often each kind of fault has acted."""


class RestFaults(Protocol):
    """The faults of REST routes; see ``app/interceptors/rest_faults.py``."""

    @property
    def armed(self) -> Sequence[RestFaultSequence]:
        """What is armed."""

    def arm(self, fault: RestFault, seed: int | None = None) -> object:
        """Arm a fault."""

    def clear(self, route: str | None = None) -> int:
        """Clear the fault of a route, or all."""


class Faults(Protocol):
    """The faults of frames; see ``app/interceptors/faults.py``."""

    @property
    def rest(self) -> RestFaults:
        """The faults of REST calls."""

    @property
    def armed(self) -> Sequence[ArmedFaults]:
        """What is armed."""

    def clients_of(self, armed: Any) -> list[int]:
        """Return the connected clients that faults act on."""

    def arm(self, to: Target, faults: Sequence[AnyFault], seed: int | None = None) -> object:
        """Arm faults for a target."""

    def arm_profile(self, to: Target, saved: SavedProfile, seed: int | None = None) -> object:
        """Arm the faults of a profile."""

    def clear(self, to: Target | None = None) -> int:
        """Clear the faults of a target."""

    def clear_all(self) -> int:
        """Clear all faults."""


class Breakpoints(Protocol):
    """Holds events, frames and REST calls; see ``app/interceptors/breakpoints.py``.

    ``numbers`` are those of held items; None selects all.
    """

    @property
    def all(self) -> list[Breakpoint]:
        """The breakpoints."""

    @property
    def held(self) -> list[HeldItem]:
        """The held items, oldest first."""

    async def wait(self, within_s: float) -> list[HeldItem]:
        """Wait until something is held. Return the held items."""

    def add(self, options: BreakpointOptions) -> Breakpoint:
        """Add a breakpoint."""

    def remove(self, number: int) -> None:
        """Remove a breakpoint."""

    def clear(self) -> list[int]:
        """Remove all breakpoints. Return their numbers."""

    def resume(self, numbers: Iterable[int] | None = None) -> list[HeldItem]:
        """Let items continue."""

    def modify(
        self, edit: Edit, numbers: Iterable[int] | None = None, check: Callable[[Cause], object] | None = None
    ) -> list[HeldItem]:
        """Change items, and let them continue. ``check`` may refuse a changed cause by raising an error."""

    def drop(self, numbers: Iterable[int] | None = None) -> list[HeldItem]:
        """Drop items."""

    def disconnect(self, numbers: Iterable[int] | None = None) -> list[HeldItem]:
        """Drop items, and close the connections that they belong to."""

    def inject(
        self,
        event: Envelope,
        numbers: Iterable[int] | None = None,
        *,
        to: Target | None = None,
        origin: Origin,
        loose: bool = False,
    ) -> list[HeldItem]:
        """Let items continue, and fire an event after the last one."""
