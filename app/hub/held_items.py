"""Data types of breakpoints, which hold events, frames and REST calls until a decision or a timeout: their options,
the held items, and how an item can be edited.
The window and the control API show them. ``interceptors.breakpoints`` holds the items.
"""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import UNSET, Struct, UnsetType

from app.hub.causes import Cause
from app.protocol.breakpoints import DEFAULT_TIMEOUT_S, BreakpointDirection


class BreakpointOptions(Struct, frozen=True, kw_only=True):
    """What a breakpoint holds, and for how long."""

    filter: str = ""
    """A filter in the grammar of the log; empty: everything."""
    direction: BreakpointDirection = BreakpointDirection.ALL
    hits: int = 1
    """The first match that is held: ``hits`` - 1 matches pass, the next one and all later ones are held."""
    once: bool = False
    """Whether the breakpoint is removed as soon as it has held one item."""
    timeout_s: float = DEFAULT_TIMEOUT_S
    """Seconds after which a held item continues by itself."""


class Breakpoint(Struct, frozen=True, kw_only=True):
    """A breakpoint, with its number and how many causes matched it so far."""

    id: int
    options: BreakpointOptions
    matches: int = 0


class HeldKind(StrEnum):
    """What is held: an event that was fired, a raw or resent frame, a client's frame, or a REST call."""

    EVENT = "event"
    RAW_FRAME = "raw_frame"
    CLIENT_FRAME = "client_frame"
    REST_CALL = "rest_call"


class HeldItem(Struct, frozen=True, kw_only=True):
    """A cause that a breakpoint holds. Times are in seconds: ``wall`` since the epoch, ``mono`` monotonic."""

    number: int
    breakpoint_id: int
    kind: HeldKind
    direction: BreakpointDirection
    event: str
    """The name of the event, or method and path of a REST call, for example ``POST /messages``."""
    payload: bytes
    """The frame or event as JSON in UTF-8, the body of a REST call, or the query of a GET request as JSON."""
    client: str
    """The number of the client that sent the frame, the target of a frame to the UI, or ``rest``."""
    user: str
    """The user that the sending client acts as; empty for events to the UI."""
    since_wall: float
    since_mono: float
    deadline_mono: float
    """When the item continues by itself."""
    cause: Cause

    @property
    def text(self) -> str:
        """The payload as text."""
        return self.payload.decode(errors="replace")

    @property
    def description(self) -> str:
        """What is held, in a few words, for example ``typing from client 2``."""
        match self.direction:
            case BreakpointDirection.TO_UI:
                return f"{self.event or 'a frame'} to {self.client}"
            case BreakpointDirection.FROM_UI:
                return f"{self.event or 'a frame'} from client {self.client}"
            case _:
                return self.event


class Edit(Struct, frozen=True, kw_only=True):
    """How to change a held item: a new text or new data, single values to set or remove, or both."""

    text: str | None = None
    """The whole new frame, event or body as text."""
    data: Any | UnsetType = UNSET
    """The new ``data`` of an event or of a client's frame, or the whole new body of a REST call, as JSON."""
    set: Mapping[str, Any] = {}
    """Paths, such as ``data.text``, with their new values. They apply after ``text`` and ``data``."""
    remove: Sequence[str] = ()
    """Paths to remove."""
    loose: bool = False
    """Whether an event may violate the contract."""
