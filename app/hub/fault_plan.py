"""The interface of a fault plan, by which the hub and the router let faults decide about frames.
A plan belongs to one client: it delays, drops, repeats or changes its frames, or closes its connection, on purpose.
``Hub.set_fault_plan`` sets it; ``interceptors.client_faults`` has the program's own plan.

Also defines the row that says what a fault does to a frame, which the plan writes and the contract lint reads.
"""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Protocol

import msgspec
from msgspec import Struct

from app.hub.client_frames import AnyFrame, decode_frame
from app.hub.origin import Origin
from app.protocol.envelope import BadFrame

FAULT = "fault"
"""The event of the rows that say what faults do to a frame. The row of a frame from a client contains the frame."""
FAULTS_ACT = "; faults act on it for "
"""Part of the note of a frame's row if fault plans act on the frame for clients that are not among its
recipients."""
NOT_AN_EVENT = "; it is not an event: "
"""Comes before the reason at the end of the note of such a row, if the frame from the client is not an event."""


class RecipientFrame(NamedTuple):
    """A frame for one client: its event, its payload, and the origin of its row."""

    event: str
    payload: bytes
    origin: Origin


class FaultPlan(Protocol):
    """Decides what happens to the frames of one client. It sees every frame, in order."""

    def decide(self, frame: RecipientFrame) -> "CarryOut | None":
        """Decide about a frame for the client. None sends it unchanged, now.

        Otherwise, the returned function does what happens instead, with ``Hub.deliver``, after the frame was
        journalled. The row does not name the client as a recipient.
        """

    def receive(self, frame: AnyFrame, payload: bytes, handle: "HandleFrame") -> bool:
        """Decide about a frame from the client. False has it handled now. True: the plan handles or drops it.

        If True, the plan must log a row ``FAULT`` with ``payload``, and ``why_not_an_event`` in its note: the lint
        examines that row, and not those of the frames that are handled, which have the origin ``faults``.
        """

    def delayed(self) -> list[int]:
        """Return the numbers of the rows of the frames to the client that wait."""


CarryOut = Callable[[int], int]
"""Is called with the number of the frame's row, and returns the number of the client."""
HandleFrame = Callable[[AnyFrame], Coroutine[Any, Any, None] | None]
"""Handles a frame of a client. A coroutine must be awaited before the client's next frame is handled."""


def why_not_an_event(frame: AnyFrame) -> str:
    """Return why a client's frame is not an event, after ``NOT_AN_EVENT``; empty if it is one."""
    try:
        decode_frame(frame)
    except BadFrame as bad:
        return f"{NOT_AN_EVENT}{bad}"
    return ""


class _Envelope(Struct):
    event: str = ""


def event_in(payload: bytes) -> str:
    """Return the event that a client's frame names; empty if it is invalid."""
    try:
        return msgspec.json.decode(payload, type=_Envelope).event
    except (ValueError, RecursionError):
        return ""
