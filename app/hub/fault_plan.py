"""The interface of fault plans, which delay, drop, repeat or change one client's frames on purpose.
The program contains no plan. Tests and contributors write one and set it with ``Hub.set_fault_plan``.
"""

from collections.abc import Callable
from typing import NamedTuple, Protocol


class RecipientFrame(NamedTuple):
    """One frame for one client. ``data`` is the whole WebSocket frame, ``size`` counts the bytes of its payload."""

    event: str
    data: bytes
    size: int


class FaultPlan(Protocol):
    """Decides what one client receives. It gets every frame for that client separately, in order."""

    def pass_on(self, frame: RecipientFrame, deliver: Callable[[RecipientFrame], None]) -> None:
        """Call ``deliver`` for each frame that the client is to receive, now or later; never, to drop the frame.

        A plan that delays frames must keep their order, unless changing the order is its purpose.
        """
