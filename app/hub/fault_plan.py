"""The interface of a fault plan, by which the hub and the router let faults decide about frames.
A plan belongs to one client: it delays, drops, repeats or changes its frames, or closes its connection, on purpose.
``Hub.set_fault_plan`` sets it; ``interceptors.client_faults`` has the program's own plan.
"""

from collections.abc import Callable, Coroutine
from typing import Any, NamedTuple, Protocol

from app.hub.origin import Origin


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

    def receive(self, frame: str | bytes, payload: bytes, handle: "HandleFrame") -> bool:
        """Decide about a frame from the client. False has it handled now. True: the plan handles or drops it."""


CarryOut = Callable[[int], int]
"""Is called with the number of the frame's row, and returns the number of the client."""
HandleFrame = Callable[[str | bytes], Coroutine[Any, Any, None] | None]
"""Handles a frame of a client. A coroutine must be awaited before the client's next frame is handled."""
